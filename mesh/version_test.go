package mesh_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestVersionsAreOrderedAsPeopleCount(t *testing.T) {
	// 02 and 2 are one number: their texts decide.
	want := []string{"", "1.2.9", "1.2.10", "20260102", "v1", "v1-mysql", "v02", "v2", "v10", "v18446744073709551616", "v-faulty"}
	got := slices.Clone(want)
	slices.Sort(got)
	slices.SortFunc(got, mesh.CompareVersions)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestVersionsHaveOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.StringMatching(`[v.\-0-2]{0,6}`)
		a, b, c := version.Draw(t, "a"), version.Draw(t, "b"), version.Draw(t, "c")
		if mesh.CompareVersions(a, b) != -mesh.CompareVersions(b, a) || (mesh.CompareVersions(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q: %d and %d", a, b, mesh.CompareVersions(a, b), mesh.CompareVersions(b, a))
		}
		if mesh.CompareVersions(a, b) < 0 && mesh.CompareVersions(b, c) < 0 && mesh.CompareVersions(a, c) >= 0 {
			t.Errorf("%q < %q < %q, but not the first before the last", a, b, c)
		}
	})
}
