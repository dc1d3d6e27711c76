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
