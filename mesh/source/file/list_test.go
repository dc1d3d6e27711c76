package file

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh/source"
)

// list is what `kubectl get sa -o yaml` writes.
func list(names ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nitems:\n")
	for _, name := range names {
		fmt.Fprintf(&b, `- apiVersion: v1
  kind: ServiceAccount
  metadata:
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: |
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"%[1]s"}}
    creationTimestamp: "2026-11-20T10:00:00Z"
    labels:
      state: "1"
    managedFields:
    - apiVersion: v1
      fieldsType: FieldsV1
      manager: kubectl
      operation: Update
    name: %[1]s
    namespace: default
    resourceVersion: "12"
    uid: 0f1e2d3c-0000-0000-0000-000000000000
`, name)
	}
	b.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	return b.String()
}

func TestObjectsOfAListAreChangedOneByOne(t *testing.T) {
	before, after := account("x", "1"), account("y", "1")
	for _, test := range []struct {
		name    string
		file    string
		text    string
		changes []source.Change
		holds   string
		want    map[string]string
	}{
		{
			"change", "list.yaml", list("a", "b", "c"),
			[]source.Change{set("b", "2")},
			"a=1 c=1 b=2",
			map[string]string{"list.yaml": list("a", "c") + "---\n" + account("b", "2")},
		},
		{
			"remove", "list.yaml", list("a", "b", "c"),
			[]source.Change{remove("a")},
			"b=1 c=1",
			map[string]string{"list.yaml": list("b", "c")},
		},
		{
			"several at once", "list.yaml", list("a", "b", "c", "d"),
			[]source.Change{remove("a"), set("c", "2"), remove("d")},
			"b=1 c=2",
			map[string]string{"list.yaml": list("b") + "---\n" + account("c", "2")},
		},
		{
			"all", "list.yaml", list("a", "b"),
			[]source.Change{remove("b"), remove("a")},
			"",
			map[string]string{"list.yaml": "<none>"},
		},
		{
			"the only one", "list.yaml", list("a"),
			[]source.Change{set("a", "2")},
			"a=2",
			map[string]string{"list.yaml": account("a", "2")},
		},
		{
			"between documents", "list.yaml", before + "---\n" + list("a", "b") + "---\n" + after,
			[]source.Change{set("a", "2"), set("y", "3")},
			"x=1 b=1 y=3 a=2",
			map[string]string{"list.yaml": before + "---\n" + list("b") + "---\n" + account("y", "3") + "---\n" + account("a", "2")},
		},
		{
			"JSON stays JSON", "list.json",
			`{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "labels": {"state": "1"}}}, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "b", "labels": {"state": "1"}}}]}` + "\n",
			[]source.Change{set("a", "2")},
			"a=2 b=1",
			map[string]string{
				"list.json":                     `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "b", "labels": {"state": "1"}}}]}` + "\n",
				"default/serviceaccount/a.yaml": account("a", "2"),
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &shop{folder: open(t, t.TempDir())}
			s.write(test.file, test.text)
			if err := s.apply(test.changes...); err != nil {
				t.Fatal(err)
			}
			for file, want := range test.want {
				if diff := cmp.Diff(want, s.read(file)); diff != "" {
					t.Errorf("%s:\n%s", file, diff)
				}
			}
			if got := s.holds(); got != test.holds {
				t.Errorf("holds %q, want %q", got, test.holds)
			}
		})
	}
}

func TestVersionsOfItemsAreChecked(t *testing.T) {
	f := open(t, t.TempDir())
	f.write("list.yaml", list("a", "b"))
	objects, err := f.Objects(t.Context())
	if err != nil || len(objects) != 2 {
		t.Fatalf("%v, %v", objects, err)
	}
	c := set("a", "2")
	c.Expect = objects[0].Version
	if err := f.apply(c); err != nil {
		t.Fatal(err)
	}
	if err := f.apply(c); err == nil {
		t.Error("a change from an old version was taken")
	}
}

// Of a List with a mistake, the other items can be changed; of the one that
// cannot be read, nobody can say what would be left.
func TestAListWithAMistake(t *testing.T) {
	f, _ := start(t, t.TempDir())
	f.write("list.yaml", list("a", "b", "c"))
	f.says("a=1 b=1 c=1")
	broken := strings.Replace(list("a", "b", "c"), "labels:", "lables:", 1)
	f.write("list.yaml", broken)
	f.until("a finding", func(u source.Update) bool { return len(u.Findings) > 0 })
	if err := f.apply(set("b", "2")); err != nil {
		t.Error(err)
	}
	if err := f.apply(set("a", "2")); err == nil || !strings.Contains(err.Error(), "mend the file first") {
		t.Errorf("got %v", err)
	}
	if got, want := f.read("list.yaml"), strings.Replace(list("a", "c"), "labels:", "lables:", 1)+"---\n"+account("b", "2"); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func TestAListIsAppliedAsDocuments(t *testing.T) {
	s := newShop(t)
	s.manifest("list.yaml", list("a", "b"))
	s.up()
	if got := s.holds(); got != "a=1 b=1" {
		t.Errorf("holds %q", got)
	}
	if got := s.read("default/serviceaccount/a.yaml"); !strings.Contains(got, "name: a") || strings.Contains(got, "items") {
		t.Errorf("a is stored as\n%s", got)
	}
	r, err := s.ReapplyManifests(t.Context(), s.paths(nil))
	if err != nil || len(r.Applied) != 0 || len(r.Unchanged) != 2 {
		t.Errorf("a second time: %+v, %v", r, err)
	}
	s.manifest("list.yaml", list("b"))
	if removed, _ := s.up(); removed != "a" {
		t.Errorf("removed %q", removed)
	}
}
