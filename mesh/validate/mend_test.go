package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// mended is a snapshot after a remedy.
func mended(t *testing.T, s *mesh.Snapshot, r Remedy) *mesh.Snapshot {
	t.Helper()
	text := []byte(r.Text)
	if o, there := s.Get(r.Ref); there {
		var err error
		if text, err = config.Splice(t.Context(), o.Text, r.Edits...); err != nil {
			t.Fatalf("%s %s: %v", r.Does, r.Ref, err)
		}
	}
	got := config.Options{Checks: true}.Decode("a.yaml", text)
	if len(got.Objects) != 1 || got.Objects[0].Ref != r.Ref || len(got.Problems) > 0 {
		t.Fatalf("%s %s makes %s: %v", r.Does, r.Ref, text, got.Problems)
	}
	return s.With(got.Objects...)
}

// TestRemedies makes every fix in another object: there must be fewer such
// findings, and no others.
func TestRemedies(t *testing.T) {
	remedies := 0
	for _, file := range caseFiles(t) {
		c := readCase(t, file)
		was := Run(c.snapshot, c.evidence, Options{}).Findings
		for _, f := range was {
			if !slices.Contains(c.about, f.Code) || checkOf(f.Code) == nil || checkOf(f.Code).Elsewhere == nil {
				continue
			}
			again, list, found := Mend(c.snapshot, c.evidence, Wanted{f.Code, f.Ref, f.Path})
			if !found || again.Message != f.Message || again.Unsought {
				t.Errorf("%s: asked about %s %s alone: %+v", file, f.Ref, f.Path, again)
			}
			for _, r := range list {
				remedies++
				after := mended(t, c.snapshot, r)
				for _, added := range Added(was, Run(after, c.evidence, Options{}).Findings) {
					t.Errorf("%s: %s %s adds %s at %s %s", file, r.Does, r.Ref, added.Code, added.Ref, added.Path)
				}
				if _, _, there := Mend(after, c.evidence, Wanted{f.Code, f.Ref, f.Path}); there {
					t.Errorf("%s: %s %s leaves %s at %s %s", file, r.Does, r.Ref, f.Code, f.Ref, f.Path)
				}
			}
		}
	}
	if remedies == 0 {
		t.Error("no case has a finding with a fix in another object")
	}
}

// TestSubsetsElsewhere holds what is proposed, and that nothing is where there is
// a choice: two labels, labels that only pods have, a rule for more hosts or for
// some callers only.
func TestSubsetsElsewhere(t *testing.T) {
	c := readCase(t, "testdata/virtualservice/subset-remedies.txtar")
	got, texts := map[string]string{}, map[string]string{}
	for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
		_, list, _ := Mend(c.snapshot, c.evidence, Wanted{f.Code, f.Ref, f.Path})
		for _, r := range list {
			got[f.Ref.Name+" "+f.Path] = fmt.Sprintf("%s %s: %s", r.Does, r.Ref, r.Params["subsets"])
			texts[r.Ref.Name] = r.Text
			for _, e := range r.Edits {
				texts[r.Ref.Name] += string(e.Op) + " " + e.Path + " " + e.Value
			}
		}
	}
	want := map[string]string{
		"reviews spec.http[0].route[0].destination.subset":   "addSubsets DestinationRule shop/reviews: v3",
		"reviews spec.http[1].route[0].destination.subset":   "addSubsets DestinationRule shop/reviews: v3",
		"elsewhere spec.http[0].route[0].destination.subset": "addSubsets DestinationRule shop/reviews: v3",
		"ratings spec.http[0].route[0].destination.subset":   "makeRule DestinationRule shop/ratings: v1, 2",
		"ratings spec.http[0].route[1].destination.subset":   "makeRule DestinationRule shop/ratings: v1, 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantTexts := map[string]string{
		"reviews": `set spec.subsets[1] {name: "v3", labels: {"version": "v3"}}`,
		"ratings": `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ratings
  namespace: shop
spec:
  host: ratings
  subsets:
  - name: v1
    labels:
      version: v1
  - name: "2"
    labels:
      version: "2"
`,
	}
	if diff := cmp.Diff(wantTexts, texts); diff != "" {
		t.Error(diff)
	}
}

// TestFilesMend holds where a fix in another object goes: into its text where that
// stands in the files too, wherever that is, and else to the mesh.
func TestFilesMend(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: cart, labels: {app: cart, version: v2}}\nspec: {containers: [{name: a, image: a}]}\n"
	svc := "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}, ports: [{name: http, port: 80}]}\n"
	rule := "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: cart}\nspec:\n  host: cart # ours\n"
	route := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: cart}\nspec: {hosts: [cart], http: [{route: [{destination: {host: cart, subset: v2}}]}]}\n"
	ask := func(beside string, files ...config.File) []Amended {
		t.Helper()
		opt := FileOptions{Settings: mesh.DefaultSettings(), Splices: true, Live: true, Beside: decoded(t, beside)}
		for _, l := range Files(files, Together, opt).Findings {
			if l.Code == "HDL2104" {
				opt.Only = &Wanted{l.Code, l.Ref, l.Path}
				alone := Files(files, Together, opt)
				if diff := cmp.Diff([]Located{l}, alone.Findings); diff != "" {
					t.Errorf("asked about it alone:\n%s", diff)
				}
				return l.Elsewhere
			}
		}
		t.Fatal("nothing is wrong")
		return nil
	}
	add := Remedy{
		Does: AddSubsets, Params: map[string]string{"subsets": "v2"}, Ref: mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "cart"},
		Edits: []mesh.Edit{{Op: mesh.OpSet, Path: "spec.subsets[0]", Value: `{name: "v2", labels: {"version": "v2"}}`}},
	}
	mesh := svc + "---\n" + pod
	one := config.File{Name: "route.yaml", Data: []byte(route)}
	insert := "  subsets:\n  - name: v2\n    labels:\n      version: v2\n"
	for name, tc := range map[string]struct {
		beside string
		files  []config.File
		want   Amended
	}{
		"in the same file": {mesh, []config.File{{Name: "a.yaml", Data: []byte(route + "---\n" + rule)}}, Amended{
			Remedy: add, File: "a.yaml", Splices: []config.Replacement{{From: len(route + "---\n" + rule), To: len(route + "---\n" + rule), Insert: insert}},
		}},
		"in another file": {mesh, []config.File{one, {Name: "rule.yaml", Data: []byte(rule)}}, Amended{
			Remedy: add, File: "rule.yaml", Splices: []config.Replacement{{From: len(rule), To: len(rule), Insert: insert}},
		}},
		"in the mesh": {mesh + "---\n" + rule, []config.File{one}, Amended{Remedy: add}},
	} {
		if diff := cmp.Diff([]Amended{tc.want}, ask(tc.beside, tc.files...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := ask(mesh, one); len(got) != 1 || got[0].Does != MakeRule || got[0].File != "" || !strings.Contains(got[0].Text, "version: v2") {
		t.Errorf("new: %+v", got)
	}
	if got := ask(mesh+"---\n"+rule+"---\n"+strings.Replace(rule, "name: cart", "name: again", 1), one); len(got) != 0 {
		t.Errorf("two rules for the host: %+v", got)
	}
}

// TestMendingIsBounded holds what fixes in other objects cost of which thousands
// could be offered, and that what was left out is found when it is asked for.
func TestMendingIsBounded(t *testing.T) {
	const services, pods = 400, 500
	var b strings.Builder
	for i := range pods {
		fmt.Fprintf(&b, "apiVersion: v1\nkind: Pod\nmetadata: {name: p%d, labels: {app: a, version: v1}}\nspec: {containers: [{name: a, image: a}]}\n---\n", i)
	}
	for i := range services {
		fmt.Fprintf(&b, "apiVersion: v1\nkind: Service\nmetadata: {name: s%d}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n---\n", i)
	}
	b.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http:\n")
	for i := range services {
		fmt.Fprintf(&b, "  - {match: [{uri: {exact: /%d}}], route: [{destination: {host: s%d, subset: v1}}]}\n", i, i)
	}
	s := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, b.String())})
	paths := map[string]bool{}
	for i := range services {
		paths[fmt.Sprintf("spec.http[%d].route[0].destination.subset", i)] = true
	}
	of := Wanted{Code: "HDL2104", Ref: s.Kind(mesh.KindVirtualService)[0].Ref}
	x := newIndex(s)
	found, whole := elsewhere(x, of, paths)
	t.Logf("%d of %d, effort %d", len(found), services, x.effort)
	if whole || len(found) == 0 || len(found) == services || x.effort > maxMending+2*pods {
		t.Errorf("%d of %d remedies with an effort of %d; whole %v", len(found), services, x.effort, whole)
	}
	maps.DeleteFunc(paths, func(path string, _ bool) bool { return found[path] != nil })
	for path := range paths {
		x = newIndex(s)
		if one, whole := elsewhere(x, of, map[string]bool{path: true}); !whole || one[path] == nil || x.effort > 3*pods {
			t.Errorf("%s alone: %v with an effort of %d", path, one, x.effort)
		}
	}
	told := Files([]config.File{{Name: "a.yaml", Data: []byte(b.String())}}, Together, FileOptions{Settings: mesh.DefaultSettings(), Splices: true})
	for _, l := range told.Findings {
		if l.Code == "HDL2104" && l.Unsought == (len(l.Elsewhere) > 0) { // nothing else is to be sought
			t.Fatalf("%s: unsought %v, elsewhere %v", l.Path, l.Unsought, l.Elsewhere)
		}
	}
}
