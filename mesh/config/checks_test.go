package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// rendered is what a chart might give.
const rendered = `# Source: shop/templates/all.yaml
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: db:1}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
  annotations: {example.com/version: v2}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: one}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: two}
---
apiVersion: serving.example.dev/v1
kind: Service
metadata: {name: not-ours}
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: old}
---
replicas: 3
image: {tag: v1}
---
apiVersion: networking.istio.io/v1
kind: VirtualServices
metadata: {name: misspelled}
---
apiVersion: networking.istio.oi/v1
kind: VirtualService
metadata: {name: misspelled-too}
---
apiVersion: v1
kind: Service
metadata: {name: odd, namespace: shop}
spec:
  ports: [{name: web, port: 80, protocol: HTTP}]
  selecter: {app: web}
`

func TestOptionsChecks(t *testing.T) {
	r := config.Options{Checks: true}.Decode("all.yaml", []byte(rendered))
	var got strings.Builder
	for _, o := range r.Objects {
		fmt.Fprintf(&got, "object %s line %d unplaced %v\n", o.Ref, o.Origin.Line, o.Unplaced)
	}
	for _, b := range r.Bad {
		fmt.Fprintf(&got, "bad %s read %v\n", b.Ref, b.Object != nil)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&got, "%s %s %d %s: %s\n", p.Severity, p.Code, p.Line, p.Path, p.Message)
	}
	want := `object StatefulSet default/db line 1 unplaced true
object CustomResourceDefinition widgets.example.com line 12 unplaced false
bad VirtualServices misspelled read false
bad VirtualService misspelled-too read false
bad Service shop/odd read true
info HDL0004 28 kind: passed over: no check looks at objects of kind Widget.example.com
info HDL0004 36 kind: passed over: no check looks at objects of kind Service.serving.example.dev
info HDL0004 40 kind: passed over: no check looks at objects of kind HorizontalPodAutoscaler.autoscaling
info HDL0004 43 : passed over: documents without apiVersion and kind are no objects
error HDL0002 47 kind: there is no kind "VirtualServices" in networking.istio.io/v1; did you mean VirtualService?
error HDL0002 50 apiVersion: VirtualService is not in networking.istio.oi/v1; use networking.istio.io/v1
error HDL1003 58 spec.ports[0].protocol: "HTTP" is not one of TCP, UDP, SCTP
error HDL1003 59 spec.selecter: unknown field "selecter"; did you mean "selector"?
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	if set, ok := r.Objects[0].Spec.(*appsv1.StatefulSet); !ok || set.Spec.ServiceName != "db" {
		t.Errorf("the StatefulSet is %+v", r.Objects[0].Spec)
	}
	if crd, ok := r.Objects[1].Spec.(*config.CustomResourceDefinition); !ok || !crd.Spec.Versions[0].Served || crd.Spec.Names.Kind != "Widget" {
		t.Errorf("the CRD is %+v", r.Objects[1].Spec)
	}
	i := slices.IndexFunc(r.Bad, func(b config.BadDocument) bool { return b.Object != nil })
	if svc, ok := r.Bad[i].Object.Spec.(*corev1.Service); !ok || svc.Spec.Ports[0].Protocol != "HTTP" {
		t.Errorf("what could be read of the Service is lost: %+v", r.Bad[i].Object.Spec)
	}
}

// TestOtherKindsStayOut shows that kinds for checks are none of the mesh's.
func TestOtherKindsStayOut(t *testing.T) {
	r := config.Decode("all.yaml", []byte(rendered))
	if len(r.Objects) != 0 {
		t.Errorf("read %v", r.Objects)
	}
	for _, b := range r.Bad {
		if b.Object != nil {
			t.Errorf("%s: an object that is not for the mesh", b.Ref)
		}
	}
	for _, info := range config.OtherKinds {
		if _, twice := config.Lookup(info.Kind); twice {
			t.Errorf("%s is in both tables", info.Kind)
		}
		text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: x}\n", info.APIVersion(), info.Kind.Name)
		r := config.Options{Checks: true}.Decode("x.yaml", []byte(text))
		if len(r.Objects) != 1 || r.Objects[0].Kind != info.Kind || (r.Objects[0].Namespace == "") == info.Namespaced {
			t.Errorf("%s: %v %v", info.Kind, r.Objects, r.Problems)
		}
	}
}

func TestStatusAndHeadOfObjects(t *testing.T) {
	r := config.Decode("x.yaml", []byte(`apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: a, namespace: shop, generation: 4, creationTimestamp: "2026-01-02T03:04:05Z"}
spec: {hosts: [a.example.com], ports: [{number: 80, name: http, protocol: HTTP}]}
status: {addresses: [{host: a.example.com, value: 240.240.0.1}]}
`))
	if len(r.Objects) != 1 {
		t.Fatal(r.Problems)
	}
	o := r.Objects[0]
	if o.Generation != 4 || o.Unplaced || o.Created.Year() != 2026 || string(o.Status) != `{"addresses":[{"host":"a.example.com","value":"240.240.0.1"}]}` {
		t.Errorf("%+v status %s", o, o.Status)
	}
	shown, err := config.JSON(o)
	if err != nil || !strings.Contains(string(shown), `"status":{"addresses"`) {
		t.Errorf("%s %v", shown, err)
	}
}

func TestDecodeAll(t *testing.T) {
	var files []config.File
	for i := range 50 {
		files = append(files, config.File{Name: fmt.Sprint(i), Data: []byte(rendered)})
	}
	results := config.Options{Checks: true}.DecodeAll(files)
	for i, r := range results {
		notes := 0
		for _, p := range r.Problems {
			if p.File != files[i].Name {
				t.Fatalf("result %d is of file %s", i, p.File)
			}
			if p.Severity == mesh.Info {
				notes++
			}
		}
		if want := map[bool]int{true: 4}[i == 0]; notes != want || len(r.Objects) != 2 {
			t.Errorf("file %d: %d notes, want %d; %d objects", i, notes, want, len(r.Objects))
		}
	}
}
