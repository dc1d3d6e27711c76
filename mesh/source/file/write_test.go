package file

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

func TestWritesTouchOnlyWhatChanges(t *testing.T) {
	head := "# our accounts\n"
	tests := []struct {
		name    string
		before  map[string]string
		changes []source.Change
		after   map[string]string
	}{
		{
			"a new object gets a file",
			nil,
			[]source.Change{set("a", "1")},
			map[string]string{"default/serviceaccount/a.yaml": account("a", "1")},
		},
		{
			"the middle of three",
			map[string]string{"all.yaml": head + account("a", "1") + "---  # second\n" + account("b", "1") + "---\n" + account("c", "1")},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": head + account("a", "1") + "---  # second\n" + account("b", "2") + "---\n" + account("c", "1")},
		},
		{
			"removal in the middle and at the end",
			map[string]string{"all.yaml": head + account("a", "1") + "---\n" + account("b", "1") + "---\n" + account("c", "1")},
			[]source.Change{remove("c"), remove("b")},
			map[string]string{"all.yaml": head + account("a", "1")},
		},
		{
			"removal at the start",
			map[string]string{"all.yaml": "---\n" + account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a")},
			map[string]string{"all.yaml": "---\n" + account("b", "1")},
		},
		{
			"removal of all",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a"), remove("b")},
			map[string]string{"all.yaml": "<none>"},
		},
		{
			"one out, one changed, one new",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "1")},
			[]source.Change{remove("a"), set("b", "2"), set("c", "3")},
			map[string]string{"all.yaml": account("b", "2"), "default/serviceaccount/c.yaml": account("c", "3")},
		},
		{
			"the file of the name holds something else",
			map[string]string{"default/serviceaccount/a.yaml": account("b", "1")},
			[]source.Change{set("a", "1")},
			map[string]string{"default/serviceaccount/a.yaml": account("b", "1") + "---\n" + account("a", "1")},
		},
		{
			"JSON stays where it is",
			map[string]string{"a.json": `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"}}`},
			[]source.Change{set("a", "2")},
			map[string]string{"a.json": account("a", "2")},
		},
		{
			"a broken document of the same name is replaced",
			map[string]string{"all.yaml": account("a", "1") + "---\n" + strings.Replace(account("b", "1"), "labels", "lables", 1)},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": account("a", "1") + "---\n" + account("b", "2")},
		},
		{
			"of two, both go",
			map[string]string{"1.yaml": account("a", "1"), "2.yaml": account("a", "2")},
			[]source.Change{remove("a")},
			map[string]string{"1.yaml": "<none>", "2.yaml": "<none>"},
		},
		{
			"of two, the one that counts is changed",
			map[string]string{"1.yaml": account("a", "1"), "2.yaml": account("a", "2")},
			[]source.Change{set("a", "3")},
			map[string]string{"1.yaml": account("a", "3"), "2.yaml": account("a", "2")},
		},
		{
			"Windows' line ends",
			map[string]string{"all.yaml": strings.ReplaceAll(account("a", "1")+"---\n"+account("b", "1"), "\n", "\r\n")},
			[]source.Change{set("b", "2")},
			map[string]string{"all.yaml": strings.ReplaceAll(account("a", "1")+"---\n", "\n", "\r\n") + account("b", "2")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, t.TempDir())
			for path, text := range tt.before {
				f.write(path, text)
			}
			if err := f.apply(tt.changes...); err != nil {
				t.Fatal(err)
			}
			for path, want := range tt.after {
				if diff := cmp.Diff(want, f.read(path)); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
			}
		})
	}
}

func TestRefusedWrites(t *testing.T) {
	aliases := "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: a, labels: &l {state: x}}\n" +
		"- apiVersion: v1\n  kind: ServiceAccount\n  metadata: {name: b, labels: *l}\n"
	tests := []struct {
		name, before string
		change       source.Change
		want         string
	}{
		{"alias in a list", aliases, remove("a"), "by hand"},
		{"strange name", "", source.Change{
			Ref:  mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: "../../x"},
			Text: []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ../../x}\n"), Expect: source.Any,
		}, "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, t.TempDir())
			f.write("all.yaml", tt.before)
			if err := f.apply(tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if got := f.read("all.yaml"); got != tt.before {
				t.Errorf("the file changed: %s", got)
			}
		})
	}
}

func TestObjectInAFileThatNobodyUnderstands(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("all.yaml", account("a", "1")+"---\n"+account("b", "1"))
	f.says("a=1 b=1")
	f.write("all.yaml", "nonsense: [\n---\n"+account("b", "1"))
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	if err := f.apply(set("a", "2")); err == nil || !strings.Contains(err.Error(), "mend the file first") {
		t.Errorf("got %v", err)
	}
}

func TestInvalidTextSaysWhy(t *testing.T) {
	f := open(t, t.TempDir())
	c := set("a", "1")
	c.Text = bytes.Replace(c.Text, []byte("labels"), []byte("lables"), 1)
	var invalid *InvalidError
	if err := f.apply(c); !errors.As(err, &invalid) || len(invalid.Findings) == 0 || invalid.Findings[0].Line == 0 {
		t.Errorf("got %v", err)
	}
}

func TestVersionIsThatOfTheText(t *testing.T) {
	f, _ := start(t, t.TempDir())
	c := set("a", "1")
	if err := f.apply(c); err != nil {
		t.Fatal(err)
	}
	if got := f.says("a=1").Objects[0].Version; got != config.TextVersion(c.Text) {
		t.Errorf("version %s", got)
	}
}
