package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

const shop = `# the shop
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec:
  hosts: [cart]
  http:
  - route:
    - destination: {host: nowhere}
    colour: blue
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  servers: []
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80, protocol: HTTP}]}
---
apiVersion: example.com/v1
kind: Unheard
metadata: {name: a}
---
apiVersion: example.com/v1
kind: Unheard
metadata: {name: b}
---
apiVersion: v1
kind: List
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata: {name: listed}
  spec:
    hosts: [listed]
    http:
    - route:
      - destination: {host: elsewhere}
`

// briefly is one line for each finding of some codes.
func briefly(list []Located) string {
	var b strings.Builder
	for _, l := range list {
		if !slices.Contains([]string{"HDL0002", "HDL0003", "HDL0004", "HDL1001", "HDL1003", "HDL2101"}, l.Code) {
			continue
		}
		fmt.Fprintf(&b, "%s:%d:%d (%d) %s %s %s %s\n", l.File, l.Line, l.Column, l.DocumentLine, l.Severity, l.Code, l.Object, l.Path)
	}
	return b.String()
}

func TestFiles(t *testing.T) {
	file := config.File{Name: "shop.yaml", Data: []byte(shop)}
	of := func(q Question, opt FileOptions) Answer {
		opt.Settings = mesh.DefaultSettings()
		return Files([]config.File{file}, q, opt)
	}
	together := of(Together, FileOptions{})
	want := `shop.yaml:9:27 (1) error HDL2101 VirtualService cart spec.http[0].route[0].destination.host
shop.yaml:10:5 (1) warning HDL0003 VirtualService cart spec.http[0].colour
shop.yaml:16:12 (12) error HDL1001 Gateway shop/edge spec.servers
shop.yaml:21:37 (18) warning HDL1003 Service cart spec.ports[0].protocol
shop.yaml:24:7 (23) info HDL0004  kind
shop.yaml:41:29 (34) error HDL2101 VirtualService listed spec.http[0].route[0].destination.host
`
	if diff := cmp.Diff(want, briefly(together.Findings)); diff != "" {
		t.Errorf("together (-want +got):\n%s", diff)
	}
	if together.Objects != 4 {
		t.Errorf("%d objects", together.Objects)
	}
	alone := strings.NewReplacer("warning", "error").Replace(want)
	alone = strings.Join(slices.DeleteFunc(strings.SplitAfter(alone, "\n"), func(s string) bool { return strings.Contains(s, "HDL2101") }), "")
	if diff := cmp.Diff(alone, briefly(of(Alone, FileOptions{}).Findings)); diff != "" {
		t.Errorf("alone (-want +got):\n%s", diff)
	}
	partial := of(Together, FileOptions{Options: Options{Partial: true}})
	if strings.Contains(briefly(partial.Findings), "HDL2101") || len(partial.Unknown) < 2 {
		t.Errorf("partial: %s%v", briefly(partial.Findings), partial.Unknown)
	}
	moved := of(Together, FileOptions{Namespace: "shop"})
	if diff := cmp.Diff(want, briefly(moved.Findings)); diff != "" {
		t.Errorf("another namespace: objects are named as written (-want +got):\n%s", diff)
	}
	if got := moved.Findings[0].Ref.Namespace; got != "shop" {
		t.Errorf("the object lives in %q", got)
	}
	beside := of(Together, FileOptions{Beside: decoded(t, service("nowhere")+"---\n"+service("elsewhere")+"---\n"+strings.ReplaceAll(shop[:strings.Index(shop, "    colour")], "cart", "other"))})
	if strings.Contains(briefly(beside.Findings), "HDL2101") {
		t.Errorf("beside a mesh that has the hosts: %s", briefly(beside.Findings))
	}
	quiet := of(Together, FileOptions{Options: Options{Suppress: []Suppression{{Code: "IST0101"}, {Code: "HDL0004"}, {Code: "HDL1001"}}}})
	if got := briefly(quiet.Findings); strings.Contains(got, "HDL2101") || strings.Contains(got, "HDL0004") || !strings.Contains(got, "HDL1001") || len(quiet.Suppressed) != 3 {
		t.Errorf("suppressed %d, left:\n%s", len(quiet.Suppressed), got)
	}
}

func service(name string) string {
	return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {ports: [{port: 80}]}\n"
}

func decoded(t *testing.T, text string) []*mesh.Object {
	t.Helper()
	r := config.Decode("beside.yaml", []byte(text))
	for _, p := range r.Problems {
		t.Fatalf("%s", p.Message)
	}
	return r.Objects
}

func TestFilesAboutTheMesh(t *testing.T) {
	answer := Files(nil, Together, FileOptions{
		Settings: mesh.DefaultSettings(),
		Mesh:     &config.File{Name: "mesh.yaml", Data: []byte("rootNamespace: roots\nconnectTimeout: 1 hour\n")},
		Networks: &config.File{Name: "networks.yaml", Data: []byte("networks: {a: {endpoints: [{fromCidr: x}]}}\n")},
	})
	want := "mesh.yaml:2:17 (1) error HDL0002 MeshConfig connectTimeout\nnetworks.yaml:1:39 (1) error HDL1001 MeshNetworks networks.a.endpoints[0].fromCidr\n"
	if diff := cmp.Diff(want, briefly(answer.Findings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFilesTellBoundedMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: many}\nspec:\n  hosts: [many]\n  http:\n")
	for i := range 1500 {
		fmt.Fprintf(&b, "  - match: [{uri: {exact: /%d}}]\n    route: [{destination: {host: missing-%d}}]\n", i, i)
	}
	got := Files([]config.File{{Name: "a.yaml", Data: []byte(b.String())}}, Together, FileOptions{Settings: mesh.DefaultSettings()}).Findings
	if len(got) != maxInFile+1 || !strings.Contains(got[maxInFile].Message, "more findings") {
		t.Errorf("%d findings, the last: %s", len(got), got[len(got)-1].Message)
	}
}
