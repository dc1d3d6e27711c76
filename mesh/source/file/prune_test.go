package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// shop is a folder of manifests that is applied to a store.
type shop struct {
	*folder
	manifests string
}

func newShop(t *testing.T) *shop {
	return &shop{open(t, t.TempDir()), t.TempDir()}
}

func (s *shop) manifest(name string, documents ...string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.manifests, name), []byte(strings.Join(documents, "---\n")), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) forget(name string) {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.manifests, name)); err != nil {
		s.t.Fatal(err)
	}
}

// up applies manifests; what was removed comes back as "a b", what stayed behind
// as "c".
func (s *shop) up(names ...string) (removed, behind string) {
	s.t.Helper()
	r, err := s.ApplyManifests(s.t.Context(), s.paths(names))
	if err != nil {
		s.t.Fatal(err)
	}
	var gone, stayed []string
	for _, o := range r.Removed {
		if filepath.Dir(o.From) != s.manifests {
			s.t.Errorf("%s was removed as one of %q", o.Ref, o.From)
		}
		gone = append(gone, o.Ref.Name)
	}
	for _, f := range r.Findings {
		if f.Code == mesh.CodeLeftBehind {
			stayed = append(stayed, f.Ref.Name)
		}
	}
	return strings.Join(gone, " "), strings.Join(stayed, " ")
}

// paths of manifests; the whole folder when none is named.
func (s *shop) paths(names []string) []string {
	if len(names) == 0 {
		return []string{s.manifests}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = filepath.Join(s.manifests, n)
	}
	return out
}

// holds is what the store holds.
func (s *shop) holds() string {
	s.t.Helper()
	objects, err := s.Objects(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return accounts(source.Update{Objects: objects})
}

func TestObjectsGoWithTheirManifest(t *testing.T) {
	a, b, c := account("a", "1"), account("b", "1"), account("c", "1")
	broken := strings.Replace(account("d", "1"), "labels", "lables", 1)
	nameless := "kind: [\n"
	for _, test := range []struct {
		name string
		// then is what happens after a.yaml with a and b and c.yaml with c were applied.
		then            func(s *shop)
		up              []string // names of manifests; none is the whole folder
		removed, behind string
		holds           string
	}{
		{"nothing changed", func(*shop) {}, nil, "", "", "a=1 b=1 c=1"},
		{"out of a manifest", func(s *shop) { s.manifest("a.yaml", b) }, nil, "a", "", "b=1 c=1"},
		{"in another place", func(s *shop) { s.manifest("a.yaml", b, a) }, nil, "", "", "a=1 b=1 c=1"},
		{"a whole manifest", func(s *shop) { s.forget("a.yaml") }, nil, "a b", "", "c=1"},
		{"a manifest by its name", func(s *shop) { s.forget("a.yaml") }, []string{"a.yaml"}, "a b", "", "c=1"},
		{"the whole folder", func(s *shop) { s.forget("") }, nil, "a b c", "", ""},
		{"all manifests of the folder", func(s *shop) { s.forget("a.yaml"); s.forget("c.yaml") }, nil, "a b c", "", ""},
		{"only of what was named", func(s *shop) { s.manifest("a.yaml", b); s.forget("c.yaml") }, []string{"a.yaml"}, "a", "", "b=1 c=1"},
		{"all is commented out", func(s *shop) { s.manifest("a.yaml", "# "+strings.ReplaceAll(a, "\n", "\n# ")+"\n") }, nil, "a b", "", "c=1"},
		{"being written", func(s *shop) { s.manifest("a.yaml", "\n") }, nil, "", "", "a=1 b=1 c=1"},
		{"a manifest with mistakes", func(s *shop) { s.manifest("a.yaml", broken) }, nil, "", "", "a=1 b=1 c=1"},
		{"mistakes elsewhere", func(s *shop) { s.manifest("a.yaml", b); s.manifest("c.yaml", c, broken) }, nil, "a", "", "b=1 c=1"},
		{"moved to where it cannot be read", func(s *shop) {
			s.manifest("a.yaml", b)
			s.manifest("c.yaml", c, strings.Replace(a, "labels", "lables", 1))
		}, nil, "", "", "a=1 b=1 c=1"},
		{"who knows what it was", func(s *shop) { s.manifest("a.yaml", b); s.manifest("c.yaml", c, nameless) }, nil, "", "", "a=1 b=1 c=1"},
		{"moved", func(s *shop) { s.manifest("a.yaml", b); s.manifest("c.yaml", c, a) }, nil, "", "", "a=1 b=1 c=1"},
		{"moved, then its old manifest goes", func(s *shop) {
			s.manifest("a.yaml", b)
			s.manifest("c.yaml", c, a)
			s.up()
			s.forget("a.yaml")
		}, []string{"a.yaml"}, "b", "", "a=1 c=1"},
		{"edited since", func(s *shop) {
			s.change(set("a", "edited"))
			s.manifest("a.yaml")
			s.forget("a.yaml")
		}, nil, "b", "a", "a=edited c=1"},
		{"edited with the name of its manifest", func(s *shop) {
			edit := set("a", "edited")
			edit.From = filepath.Join(s.manifests, "a.yaml")
			s.change(edit)
			s.up() // leaves the edit alone
			s.manifest("a.yaml", b)
		}, nil, "", "a", "a=edited b=1 c=1"},
		{"edited back", func(s *shop) {
			s.change(set("a", "edited"))
			s.change(set("a", "1"))
			s.manifest("a.yaml", b)
		}, nil, "a", "", "b=1 c=1"},
		{"applied by other means", func(s *shop) {
			other := set("a", "1")
			other.From = "elsewhere.yaml"
			other.Text = []byte(account("a", "2"))
			s.change(other)
			s.manifest("a.yaml", b)
		}, nil, "", "", "a=2 b=1 c=1"},
		{"taken away by hand before", func(s *shop) { s.change(remove("a")); s.manifest("a.yaml", b) }, nil, "", "", "b=1 c=1"},
		{"not the last line of a manifest ended", func(s *shop) {
			s.manifest("c.yaml", strings.TrimRight(c, "\n"))
			s.up()
			s.forget("c.yaml")
		}, nil, "c", "", "a=1 b=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t)
			s.manifest("a.yaml", a, b)
			s.manifest("c.yaml", c)
			if removed, behind := s.up(); removed+behind != "" {
				t.Fatalf("at first: removed %q, left %q behind", removed, behind)
			}
			test.then(s)
			removed, behind := s.up(test.up...)
			if removed != test.removed || behind != test.behind || s.holds() != test.holds {
				t.Errorf("removed %q, left %q behind, holds %q; want %q, %q, %q", removed, behind, s.holds(), test.removed, test.behind, test.holds)
			}
			if again, err := s.ReapplyManifests(t.Context(), s.paths(test.up)); err != nil || len(again.Removed) > 0 || s.holds() != test.holds {
				t.Errorf("a second time: removed %v, holds %q, %v", again.Removed, s.holds(), err)
			}
		})
	}
}

func (s *shop) change(c source.Change) {
	s.t.Helper()
	if err := s.apply(c); err != nil {
		s.t.Fatal(err)
	}
}

func TestAnObjectUnderEditStays(t *testing.T) {
	f, _ := start(t, t.TempDir())
	s := &shop{f, t.TempDir()}
	s.manifest("a.yaml", account("a", "1"), account("b", "1"))
	s.up()
	s.says("a=1 b=1")
	s.write("default/serviceaccount/a.yaml", strings.Replace(account("a", "1"), "labels", "lables", 1))
	s.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	s.manifest("a.yaml", account("b", "1"))
	if removed, behind := s.up(); removed != "" || behind != "a" {
		t.Errorf("removed %q, left %q behind", removed, behind)
	}
	if s.holds() != "a=1 b=1" {
		t.Errorf("holds %q", s.holds())
	}
}

func TestGoneManifestsAreNoMistakeTheSecondTime(t *testing.T) {
	s := newShop(t)
	s.manifest("a.yaml", account("a", "1"))
	s.manifest("b.yaml", account("b", "1"))
	paths := []string{filepath.Join(s.manifests, "a.yaml"), filepath.Join(s.manifests, "b.yaml")}
	s.up()
	s.forget("a.yaml")
	for _, state := range []string{"2", "3"} {
		s.manifest("b.yaml", account("b", state))
		if _, err := s.ReapplyManifests(t.Context(), paths); err != nil || s.holds() != "b="+state {
			t.Errorf("holds %q, %v", s.holds(), err)
		}
	}
	if _, err := s.ApplyManifests(t.Context(), paths); err == nil {
		t.Error("a manifest that is not there and that nothing came from was no mistake")
	}
}

// What a manifest is called depends on where the person stands; which one it is
// does not.
func TestAManifestIsTheSameFromAnywhere(t *testing.T) {
	s := newShop(t)
	s.manifest("a.yaml", account("a", "1"), account("b", "1"))
	s.up()
	s.manifest("a.yaml", account("b", "1"))
	t.Chdir(s.manifests)
	r, err := s.ApplyManifests(t.Context(), []string{"."})
	if err != nil || len(r.Removed) != 1 || s.holds() != "b=1" {
		t.Errorf("removed %v, holds %q, %v", r.Removed, s.holds(), err)
	}
	// A path that only looks the same names nothing.
	t.Chdir(t.TempDir())
	if _, err := s.ApplyManifests(t.Context(), []string{"a.yaml"}); err == nil || s.holds() != "b=1" {
		t.Errorf("a manifest of that name in another folder: %v, holds %q", err, s.holds())
	}
}
