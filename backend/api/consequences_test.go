package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestConsequencesOfApplying(t *testing.T) {
	m := Manifest{File: "routes.yaml", Text: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v9}
`}
	objects := config.Decode(m.File, []byte(m.Text)).Objects
	if len(objects) != 1 {
		t.Fatalf("%d objects", len(objects))
	}
	mine := objects[0].Ref
	other := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "other"}
	finding := func(ref mesh.Ref, path string) mesh.Finding {
		return mesh.Finding{Code: "C", Ref: ref, Path: path, File: "store.yaml", Line: 1}
	}
	told := []mesh.Finding{finding(mine, "spec.hosts")}
	before := []mesh.Finding{finding(mine, "spec.http[0].route[0]"), finding(other, "spec.old")}
	after := []mesh.Finding{
		finding(mine, "spec.http[0].route[0]"), finding(mine, "spec.hosts"), finding(other, "spec.old"), finding(other, "spec.new"),
	}
	var got []string
	for _, f := range consequences(objects, []Manifest{m}, told, before, after) {
		got = append(got, fmt.Sprintf("%s %s:%d", f.Path, f.File, f.Line))
	}
	want := []string{"spec.http[0].route[0] routes.yaml:9", "spec.new store.yaml:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamespacesThatNobodyDeclares(t *testing.T) {
	objects := func(text string) []*mesh.Object { return config.Decode("m.yaml", []byte(text)).Objects }
	rule := func(namespace, name string) string {
		return fmt.Sprintf("---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: %s, namespace: %s}\nspec: {host: reviews}\n", name, namespace)
	}
	declared := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: made}\nspec: {ports: [{port: 80}]}\n"
	for name, c := range map[string]struct {
		present, applied string
		want             []string
	}{
		"of the mesh":         {declared, rule("shop", "a"), nil},
		"applied with it":     {"", rule("shop", "a") + declared, nil},
		"every cluster's own": {"", rule("default", "a") + rule(mesh.DefaultSettings().RootNamespace, "b"), nil},
		"made by what runs":   {"", rule("made", "a") + service, nil},
		"misspelt":            {declared, rule("shpo", "a") + rule("shpo", "b") + rule("shop", "c"), []string{"DestinationRule shpo/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			present := mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
				for _, o := range objects(c.present) {
					yield(o.Ref, o)
				}
			})
			var got []string
			for _, f := range undeclared(objects(c.applied), nil, present) {
				if f.Code != mesh.CodeNoNamespace || f.Severity != mesh.Warning || f.Path != "metadata.namespace" {
					t.Errorf("%+v", f)
				}
				got = append(got, f.Ref.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
