package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// TestRules reads testdata/rules/*.txtar: every document of "in.yaml" is checked
// against the rules of its kind, as are files named *.mesh.yaml (a mesh
// configuration) and *.networks.yaml; "want" lists what is found, and says ok
// where nothing is.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, got := -1, ""
			for i, f := range archive.Files {
				switch {
				case f.Name == "want":
					want = i
				case strings.HasSuffix(f.Name, ".mesh.yaml"):
					_, found := config.DecodeMeshConfig(f.Name, f.Data)
					got += verdict(f.Name, found)
				case strings.HasSuffix(f.Name, ".networks.yaml"):
					_, found := config.DecodeMeshNetworks(f.Name, f.Data)
					got += verdict(f.Name, found)
				default:
					got += objectVerdicts(t, f)
				}
			}
			if want < 0 {
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
				want = len(archive.Files) - 1
			}
			if *update {
				archive.Files[want].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// objectVerdicts says of each document what its kind's rules find, and what its
// schema finds where the rules say nothing. Other problems are mistakes of the
// case.
func objectVerdicts(t *testing.T, f txtar.File) string {
	t.Helper()
	got := ""
	for _, doc := range config.Split(f.Data) {
		r := config.Decode(f.Name, doc.Text)
		ref := mesh.Ref{}
		for _, o := range r.Objects {
			ref = o.Ref
		}
		for _, b := range r.Bad {
			ref = b.Ref
		}
		var found []mesh.Finding
		for _, p := range r.Problems {
			switch p.Code {
			case mesh.CodeStructure, mesh.CodeStructureWarning, mesh.CodeSchema, mesh.CodeKubernetes:
				found = append(found, p)
			case mesh.CodeUnsupported:
			default:
				t.Errorf("%s:%d: %s", f.Name, p.Line, p.Message)
			}
		}
		got += verdict(ref.Kind.Name+" "+ref.Name, found)
	}
	return got
}

func verdict(name string, found []mesh.Finding) string {
	if len(found) == 0 {
		return name + " ok\n"
	}
	var b strings.Builder
	for _, p := range found {
		fmt.Fprintf(&b, "%s %s %s: %s\n", name, p.Severity, p.Path, p.Message)
	}
	return b.String()
}
