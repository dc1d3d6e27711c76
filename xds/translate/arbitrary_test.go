package translate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// drawServices writes services of all protocols and shapes that select the
// pods of bookinfo, with endpoints.
func drawServices(t *rapid.T) string {
	var b strings.Builder
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-d][0-9]`), 0, 4, rapid.ID).Draw(t, "services")
	for i, name := range names {
		app := rapid.SampledFrom([]string{"reviews", "ratings", "nobody"}).Draw(t, "app")
		address := fmt.Sprintf("10.96.1.%d", i+1)
		if rapid.Bool().Draw(t, "headless") {
			address = "None"
		}
		ports := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"http:9080", "tcp:9080", "grpc-x:80", "tcp-db:3306", "what:7000", "other:9080", "tls:443", "http2:8080", "https:443",
		}), 1, 4, func(p string) string { return p[strings.Index(p, ":"):] }).Draw(t, "ports")
		b.WriteString(meshtest.ServiceYAML(name, "default", address, ports...))
		fmt.Fprintf(&b, `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: %[1]s, namespace: default}
spec: {host: %[1]s, subsets: [{name: one, labels: {version: v1}}]}
`, name)
		if app != "nobody" {
			b.WriteString(meshtest.SliceYAML(name, "default", ports[0], app+"-v1-0=10.66.0.15", "gone=10.66.0.99"))
		}
	}
	return b.String()
}

// Whatever services there are, every proxy gets resources that Envoy takes, no
// name leads nowhere, no address is opened twice, and the order of the input
// shows in nothing.
func TestArbitraryServices(t *testing.T) {
	bookinfo := meshtest.Objects(t, meshtest.Bookinfo())
	// As the server does: one key is made once.
	made := map[mesh.Hash]*xds.Resource{}
	build := func(rt *rapid.T, plan *xds.Plan) *xds.ResourceSet {
		var resources []*xds.Resource
		for _, p := range plan.All() {
			r, known := made[p.Key]
			if !known {
				var findings []mesh.Finding
				if r, findings = xds.Build(p); r == nil || len(findings) > 0 {
					rt.Fatalf("%s: %v", p.Name, findings)
				}
				made[p.Key] = r
			}
			resources = append(resources, r)
		}
		return xds.NewResourceSet(resources)
	}
	rapid.Check(t, func(rt *rapid.T) {
		objects := slices.Clone(bookinfo)
		if drawn := drawServices(rt); drawn != "" {
			objects = append(objects, meshtest.Objects(t, drawn)...)
		}
		in := mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects}
		in.Settings.OutboundAllowAny = rapid.Bool().Draw(rt, "allow any")
		snap := mesh.Build(nil, in)
		shuffled := mesh.Inputs{Settings: in.Settings, Objects: rapid.Permutation(objects).Draw(rt, "order")}
		again := mesh.Build(nil, shuffled)

		for _, uid := range []string{"ratings-v1-0", "istio-ingressgateway-0"} {
			plan, _ := new(translate.Planner).Plan(snap, proxyOf(t, snap, uid))
			set := build(rt, plan)
			for _, d := range set.Dangling(names.Agent) {
				rt.Errorf("%s: %s names %s, which is not there", uid, d.From.Name, d.To.Name)
			}
			parts := plan.All()
			if len(set.All()) != len(parts) {
				rt.Errorf("%s: %d parts became %d resources", uid, len(parts), len(set.All()))
			}
			if !slices.IsSortedFunc(plan.Parts, xds.Part.Compare) || !slices.IsSortedFunc(plan.Base.Parts, xds.Part.Compare) {
				rt.Errorf("%s: the plan is not in order", uid)
			}
			turned, _ := new(translate.Planner).Plan(again, proxyOf(t, again, uid))
			others := turned.All()
			if len(others) != len(parts) {
				rt.Fatalf("%s: %d parts, and %d in another order", uid, len(parts), len(others))
			}
			for i, p := range parts {
				if o := others[i]; o.Name != p.Name || o.Key != p.Key {
					rt.Errorf("%s: %s is another in another order", uid, p.Name)
				}
			}
		}
	})
}
