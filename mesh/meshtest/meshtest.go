// Package meshtest makes snapshots for tests: from YAML, from sample meshes,
// and guards that pure code leaves them as they were.
package meshtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Snapshot decodes documents and builds a snapshot of a mesh with default
// settings. Every problem in the text fails the test.
func Snapshot(t testing.TB, yaml ...string) *mesh.Snapshot {
	t.Helper()
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: Objects(t, yaml...)})
}

// Objects decodes documents. Every error in the text fails the test; warnings
// do not.
func Objects(t testing.TB, yaml ...string) []*mesh.Object {
	t.Helper()
	var out []*mesh.Object
	for i, text := range yaml {
		r := config.Decode(fmt.Sprintf("mesh-%d.yaml", i+1), []byte(text))
		for _, p := range r.Problems {
			if p.Severity == mesh.Error {
				t.Errorf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, p.Path, p.Message)
			}
		}
		for _, o := range r.Objects {
			o.Origin.Source = "test"
		}
		out = append(out, r.Objects...)
	}
	if t.Failed() {
		t.FailNow()
	}
	return out
}

// Object decodes one document.
func Object(t testing.TB, yaml string) *mesh.Object {
	t.Helper()
	list := Objects(t, yaml)
	if len(list) != 1 {
		t.Fatalf("the text holds %d objects, want one", len(list))
	}
	return list[0]
}

// Seal fails the test at its end when anything reachable from the snapshot was
// changed meanwhile.
func Seal(t testing.TB, s *mesh.Snapshot) *mesh.Snapshot {
	t.Helper()
	before := Digest(t, s)
	t.Cleanup(func() {
		if Digest(t, s) != before {
			t.Error("the snapshot was changed; everything reachable from it is read-only")
		}
	})
	return s
}

// Digest covers everything that a reader can reach from a snapshot.
func Digest(t testing.TB, s *mesh.Snapshot) string {
	t.Helper()
	d := sha256.New()
	put(t, d, s.Revision, s.Settings, s.Findings)
	for r, o := range s.Objects.All() {
		bare := *o
		bare.Spec = nil
		put(t, d, r, bare, string(o.Text))
		putSpec(t, d, o.Spec)
	}
	for _, info := range config.Kinds {
		for _, o := range s.Kind(info.Kind) {
			put(t, d, o.Ref)
		}
	}
	for k, v := range s.Services.All() {
		put(t, d, k, v)
	}
	for k, v := range s.Workloads.All() {
		put(t, d, k, v)
	}
	for k, v := range s.Endpoints.All() {
		put(t, d, k, v)
	}
	return hex.EncodeToString(d.Sum(nil))
}

func put(t testing.TB, d hash.Hash, values ...any) {
	t.Helper()
	for _, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("digest %T: %v", v, err)
		}
		fmt.Fprintf(d, "%d:", len(b))
		d.Write(b)
	}
}

func putSpec(t testing.TB, d hash.Hash, spec any) {
	t.Helper()
	m, ok := spec.(proto.Message)
	if !ok {
		put(t, d, spec)
		return
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatalf("digest %T: %v", spec, err)
	}
	put(t, d, b)
}

// Join makes one stream of documents.
func Join(docs ...string) string { return strings.Join(docs, "\n---\n") }
