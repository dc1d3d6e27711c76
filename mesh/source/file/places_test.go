package file

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestPlacesNameTheManifestWhileTheObjectIsAsItSays(t *testing.T) {
	s := newShop(t)
	s.manifest("shop.yaml", account("a", "1"), account("b", "1"))
	s.up()
	where := func(name string) string {
		t.Helper()
		objects, err := s.Objects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		places, err := s.Places()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if o.Name == name {
				file, line, column := places.Find(o, "metadata.name")
				dir := "store"
				if filepath.Dir(file) == s.manifests {
					dir = "manifests"
				}
				return fmt.Sprintf("%s/%s:%d:%d", dir, filepath.Base(file), line, column)
			}
		}
		t.Fatalf("no object %s", name)
		return ""
	}
	first, second := where("a"), where("b")
	if err := s.apply(set("b", "edited")); err != nil {
		t.Fatal(err)
	}
	edited := where("b")
	s.manifest("shop.yaml", "---\n---\n"+account("a", "1"), account("b", "1"))
	moved := where("a")
	s.forget("shop.yaml")
	gone := where("a")
	for _, c := range []struct{ what, got, want string }{
		{"first document", first, "manifests/shop.yaml:4:9"},
		{"second document", second, "manifests/shop.yaml:10:9"},
		{"edited in the store", edited, "store/b.yaml:4:9"},
		{"lines moved", moved, "manifests/shop.yaml:6:9"},
		{"manifest gone", gone, "store/a.yaml:4:9"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

func TestFindingsAreToldOfTheManifest(t *testing.T) {
	s := newShop(t)
	s.manifest("shop.yaml", account("a", "1"))
	s.up()
	objects, err := s.Objects(t.Context())
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	stored := objects[0].Origin.File
	other := mesh.Ref{Kind: objects[0].Kind, Namespace: "default", Name: "reported"}
	given := []mesh.Finding{
		{Ref: objects[0].Ref, Phase: mesh.PhaseRuntime, Severity: mesh.Error, File: stored, Line: 1},
		{Ref: objects[0].Ref, Phase: mesh.PhaseDecode, Severity: mesh.Error, File: stored, Line: 3},
		{Ref: other, Phase: mesh.PhaseRuntime, Severity: mesh.Error},
	}
	before := slices.Clone(given)
	got, err := s.Placed(given, objects)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(before)
	want[0].File, want[0].Column = filepath.Join(s.manifests, "shop.yaml"), 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, given); diff != "" {
		t.Errorf("what was given is changed:\n%s", diff)
	}
}

func TestOthersAreWhatTheManifestsDoNotSay(t *testing.T) {
	s := newShop(t)
	s.manifest("shop.yaml", account("a", "1"), account("b", "1"))
	s.up()
	if err := s.apply(set("c", "1")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 1} {
		r, err := s.ApplyManifests(t.Context(), s.paths(nil))
		if err != nil {
			t.Fatal(err)
		}
		if r.Others != want {
			t.Errorf("%d others, want %d", r.Others, want)
		}
		s.manifest("shop.yaml", account("a", "1")) // b goes
	}
}
