package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

func TestManifests(t *testing.T) {
	manifests := t.TempDir()
	manifest := filepath.Join(manifests, "shop.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(manifest, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, _ := start(t, t.TempDir())
	apply := func(applied, unchanged string) Report {
		t.Helper()
		r, err := f.ApplyManifests(t.Context(), []string{manifests})
		if err != nil {
			t.Fatal(err)
		}
		names := func(refs []mesh.Ref) string {
			var out []string
			for _, r := range refs {
				out = append(out, r.Name)
			}
			return strings.Join(out, " ")
		}
		if got := names(r.Applied); got != applied {
			t.Errorf("applied %q, want %q", got, applied)
		}
		if got := names(r.Unchanged); got != unchanged {
			t.Errorf("unchanged %q, want %q", got, unchanged)
		}
		return r
	}

	write(account("a", "1") + "---\n" + account("b", "1"))
	apply("a b", "")
	u := f.says("a=1 b=1")
	if from := u.Objects[0].Origin.From; from != manifest {
		t.Errorf("object came from %q", from)
	}
	apply("", "a b")

	// Edits in the folder stay as long as the manifest is as it was, also when
	// it says something else about another object.
	if err := f.apply(set("a", "edited")); err != nil {
		t.Fatal(err)
	}
	if u := f.says("a=edited b=1"); u.Objects[0].Origin.From != manifest {
		t.Errorf("an edit made the object forget its manifest: %+v", u.Objects[0].Origin)
	}
	write(account("a", "1") + "---\n" + account("b", "2"))
	apply("b", "a")
	f.says("a=edited b=2")
	write(account("a", "3") + "---\n" + account("b", "2"))
	apply("a", "b")
	f.says("a=3 b=2")

	// What was removed comes back.
	if err := f.apply(remove("b")); err != nil {
		t.Fatal(err)
	}
	f.says("a=3")
	apply("b", "a")
	f.says("a=3 b=2")

	// A document that cannot be read leaves the others alone; findings in the
	// folder name the manifest.
	write(account("a", "4") + "---\n" + strings.Replace(account("b", "5"), "name", "nmae", 1))
	r := apply("a", "")
	if len(r.Findings) == 0 || r.Findings[0].File != manifest {
		t.Errorf("findings %+v", r.Findings)
	}
	f.says("a=4 b=2")
	f.write("default/serviceaccount/a.yaml", strings.Replace(account("a", "6"), "labels", "lables", 1))
	u = f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	if u.Findings[0].Params["from"] != manifest {
		t.Errorf("finding %+v", u.Findings[0])
	}

	write(account("x", "1") + "---\n" + account("x", "2"))
	r = apply("x", "")
	if len(r.Findings) != 2 || r.Findings[0].Code != mesh.CodeDuplicate || r.Findings[1].Code != mesh.CodeLeftBehind {
		t.Errorf("findings %+v", r.Findings)
	}
	if _, err := f.ApplyManifests(t.Context(), []string{filepath.Join(manifests, "none")}); err == nil {
		t.Error("a manifest that does not exist was applied")
	}
	if _, err := f.ApplyManifests(t.Context(), []string{t.TempDir()}); err == nil {
		t.Error("a folder without manifests was applied")
	}
}
