package file

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

func TestBrokenEditLeavesTheLastGoodContent(t *testing.T) {
	good := account("a", "1") + "---\n" + account("b", "1") + "---\n" + account("c", "1")
	tests := []struct {
		name, text string
		want       string // accounts
		code       string
		line       int
	}{
		{"bad YAML", strings.Replace(good, `{state: "1"}`, `{state: "1"`, 1), "a=1 b=1 c=1", mesh.CodeSyntax, 0},
		{"unknown field", strings.Replace(good, "b\n  labels", "b\n  lables", 1), "a=1 b=1 c=1", mesh.CodeKubernetes, 11},
		{"wrong type", strings.Replace(good, "b\n  labels: {", "b\n  labels: 5 # {", 1), "a=1 b=1 c=1", mesh.CodeKubernetes, 11},
		{"lost separator", strings.Replace(good, "---\n", "", 1), "a=1 b=1 c=1", mesh.CodeKubernetes, 0},
		{"others still change", strings.Replace(strings.Replace(good, "b\n  labels", "b\n  lables", 1), "c\n  labels: {state: \"1\"", "c\n  labels: {state: \"2\"", 1), "a=1 b=1 c=2", mesh.CodeKubernetes, 11},
		{"emptied", "", "a=1 b=1 c=1", mesh.CodeSyntax, 1},
		{"emptied but for a newline", "\n\n", "a=1 b=1 c=1", mesh.CodeSyntax, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			f, stop := start(t, dir)
			f.write("all.yaml", good)
			before := f.says("a=1 b=1 c=1")
			f.write("all.yaml", tt.text)
			u := f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
			check := func(u source.Update) {
				t.Helper()
				sorted := slices.SortedFunc(slices.Values(u.Objects), func(a, b *mesh.Object) int { return a.Ref.Compare(b.Ref) })
				if got := accounts(source.Update{Objects: sorted}); got != tt.want {
					t.Errorf("objects %q, want %q", got, tt.want)
				}
				if len(u.Findings) == 0 {
					t.Fatal("no finding")
				}
				got := u.Findings[0]
				if got.Code != tt.code || got.File != f.path("all.yaml") || got.Line == 0 || tt.line != 0 && got.Line != tt.line {
					t.Errorf("finding %+v", got)
				}
			}
			check(u)
			stop()

			again, _ := start(t, dir)
			u = again.until("the first word", func(source.Update) bool { return true })
			check(u)
			for _, o := range u.Objects {
				i := slices.IndexFunc(before.Objects, func(b *mesh.Object) bool { return b.Ref == o.Ref })
				if o.Labels["state"] == "1" && (o.Version != before.Objects[i].Version || o.Hash != before.Objects[i].Hash) {
					t.Errorf("%s got another version or hash over a restart", o.Ref)
				}
			}
			again.write("all.yaml", good)
			mended := again.says("a=1 b=1 c=1")
			if len(mended.Findings) != 0 {
				t.Errorf("findings after mending: %v", mended.Findings)
			}
		})
	}
}

func TestObjectOfABrokenFileMayMove(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1"))
	f.says("a=1 b=1")
	f.write("all.yaml", account("a", "1")+"---\nnonsense: [")
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	f.write("b.yaml", account("b", "2"))
	f.says("a=1 b=2")
}

func TestWhatSomebodyIsMendingIsNotOverwritten(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1"))
	u := f.says("a=1 b=1")
	half := account("a", "1") + "---\n" + account("b", "2") + "half: [\n"
	f.write("all.yaml", half)
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	b := u.Objects[slices.IndexFunc(u.Objects, func(o *mesh.Object) bool { return o.Ref.Name == "b" })]
	for name, text := range map[string][]byte{"change": []byte(account("b", "3")), "deletion": nil} {
		err := f.apply(source.Change{Ref: b.Ref, Text: text, Expect: b.Version})
		if !errors.Is(err, source.ErrUnreadable) || !strings.Contains(err.Error(), "all.yaml, line") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := f.read("all.yaml"); got != half {
		t.Errorf("the file now holds %q", got)
	}
	if err := f.apply(source.Change{Ref: b.Ref, Text: []byte(account("b", "3")), Expect: source.Any}); err != nil {
		t.Fatal(err)
	}
	f.says("a=1 b=3")
}

func TestUnsupportedKindsHoldNothingBack(t *testing.T) {
	f, _ := start(t, t.TempDir())
	unsupported := "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\n"
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1")+unsupported)
	u := f.says("a=1 b=1")
	if diff := cmp.Diff([]string{mesh.CodeUnsupported}, codes(u)); diff != "" {
		t.Error(diff)
	}
	f.write("all.yaml", account("a", "1")+unsupported)
	f.says("a=1")
}
