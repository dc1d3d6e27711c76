package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

const deadline = 20 * time.Second

// folder is a store whose source runs.
type folder struct {
	*Store
	t   *testing.T
	out chan source.Update
}

func open(t *testing.T, dir string) *folder {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &folder{Store: s, t: t, out: make(chan source.Update)}
}

// start runs the source; stop ends it.
func start(t *testing.T, dir string) (f *folder, stop func()) {
	t.Helper()
	return startAt(t, dir, usual)
}

func startAt(t *testing.T, dir string, p pace) (f *folder, stop func()) {
	t.Helper()
	f = open(t, dir)
	f.files.pace = p
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.Run(ctx, f.out)
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return f, stop
}

// until reads updates until one fits.
func (f *folder) until(what string, fits func(source.Update) bool) source.Update {
	f.t.Helper()
	var last source.Update
	limit := time.After(deadline)
	for {
		select {
		case u := <-f.out:
			if fits(u) {
				return u
			}
			last = u
		case <-limit:
			f.t.Fatalf("never came: %s; at last %q with findings %v", what, accounts(last), last.Findings)
		}
	}
}

// accounts is the name and state of each service account, in the order of the update.
func accounts(u source.Update) string {
	var out []string
	for _, o := range u.Objects {
		out = append(out, o.Name+"="+o.Labels["state"])
	}
	return strings.Join(out, " ")
}

func (f *folder) says(want string) source.Update {
	f.t.Helper()
	return f.until(want, func(u source.Update) bool { return accounts(u) == want })
}

func (f *folder) path(rel string) string { return filepath.Join(f.dir, rel) }

func (f *folder) write(rel, text string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(rel)), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(rel), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) read(rel string) string {
	f.t.Helper()
	data, err := os.ReadFile(f.path(rel))
	if errors.Is(err, fs.ErrNotExist) {
		return "<none>"
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}

func (f *folder) apply(changes ...source.Change) error {
	return f.Apply(f.t.Context(), changes)
}

func account(name, state string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  labels: {state: %q} # keep me\n", name, state)
}

func ref(name string) mesh.Ref {
	return mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: name}
}

func set(name, state string) source.Change {
	return source.Change{Ref: ref(name), Text: []byte(account(name, state)), Expect: source.Any}
}

func remove(name string) source.Change { return source.Change{Ref: ref(name), Expect: source.Any} }

func codes(u source.Update) []string {
	var out []string
	for _, f := range u.Findings {
		out = append(out, f.Code)
	}
	return out
}
