package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/source"
)

// Who writes can tell which updates hold what it wrote, also when somebody takes
// it back before it was read.
func TestEachWriteIsFollowedByAnUpdate(t *testing.T) {
	f, _ := start(t, t.TempDir())
	if err := f.apply(set("a", "1")); err != nil {
		t.Fatal(err)
	}
	if u := f.says("a=1"); u.Writes != 1 || f.Writes() != 1 {
		t.Errorf("after one write: %d, the update has %d", f.Writes(), u.Writes)
	}
	if err := f.apply(set("a", "2")); err != nil {
		t.Fatal(err)
	}
	f.write("default/serviceaccount/a.yaml", account("a", "1"))
	f.until("the update with the second write", func(u source.Update) bool { return u.Writes == 2 && accounts(u) == "a=1" })
	if err := f.apply(set("b", "1"), set("c", "1")); err != nil {
		t.Fatal(err)
	}
	if u := f.says("a=1 b=1 c=1"); u.Writes != 3 {
		t.Errorf("several changes at once are %d writes", u.Writes-2)
	}
}

// An object tells what was last brought from its manifest, as long as it is that
// manifest's; and its manifest is known as long as nobody deleted it through the
// store.
func TestObjectsTellWhatWasAppliedOfItself(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(manifest, []byte(account("a", "1")), 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ := start(t, t.TempDir())
	bring := func() {
		t.Helper()
		if _, err := f.ApplyManifests(t.Context(), []string{manifest}); err != nil {
			t.Fatal(err)
		}
	}
	from := func(want string) {
		t.Helper()
		if got, err := f.Manifest(ref("a")); err != nil || got != want {
			t.Errorf("it came from %q (%v), want %q", got, err, want)
		}
	}
	from("")
	bring()
	first := f.says("a=1").Objects[0]
	if first.Origin.Applied != textSum(first) {
		t.Errorf("applied %q of %q", first.Origin.Applied, textSum(first))
	}
	f.write("default/serviceaccount/a.yaml", account("a", "2"))
	if u := f.says("a=2"); u.Objects[0].Origin.Applied != first.Origin.Applied {
		t.Error("an edit by hand looks as if the manifest had been brought")
	}
	if err := os.Remove(f.path("default/serviceaccount/a.yaml")); err != nil {
		t.Fatal(err)
	}
	f.says("")
	from(manifest)
	bring()
	f.says("a=1")
	if err := f.apply(remove("a")); err != nil {
		t.Fatal(err)
	}
	from("")
}

// The store adds no byte to a document that it is given.
func TestTheEndOfAFileStaysAsItIs(t *testing.T) {
	f := open(t, t.TempDir())
	bare := func(state string) string { return strings.TrimSuffix(account("a", state), "\n") }
	f.write("a.yaml", bare("1"))
	if err := f.apply(source.Change{Ref: ref("a"), Text: []byte(bare("2")), Expect: source.Any}); err != nil {
		t.Fatal(err)
	}
	if got := f.read("a.yaml"); got != bare("2") {
		t.Errorf("it holds %q", got)
	}
	f.write("a.yaml", account("b", "1")+"---\n"+bare("1"))
	if err := f.apply(set("b", "2")); err != nil {
		t.Fatal(err)
	}
	if got := f.read("a.yaml"); got != account("b", "2")+"---\n"+bare("1") {
		t.Errorf("beside another document: %q", got)
	}
}
