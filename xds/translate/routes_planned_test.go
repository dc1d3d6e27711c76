package translate_test

import (
	"net/netip"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds/simulate"
	"github.com/heddle-mesh/heddle/xds/translate"
)

const routedBookinfo = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v2}}]
    timeout: 2s
  - route: [{destination: {host: reviews, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bookinfo, namespace: default}
spec:
  hosts: ["*"]
  gateways: [bookinfo]
  http:
  - match: [{uri: {exact: /productpage}}]
    route: [{destination: {host: productpage, port: {number: 9080}}}]
`

// The whole way of a request through everything that a proxy gets.
func TestCallsThroughWholePlans(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo(), routedBookinfo))
	planner := &translate.Planner{}
	for _, c := range []struct {
		proxy, call, address string
		inbound              bool
		listener, want       string
		by                   string
	}{
		{
			"productpage-v1-0", "GET reviews:9080/ end-user=jason", "10.96.0.12", false,
			"0.0.0.0_9080", "reviews.default.svc.cluster.local:9080 subset v2, timeout 2s, retries 2", "VirtualService default/reviews",
		},
		{
			"productpage-v1-0", "GET reviews.default:9080/", "10.96.0.12", false,
			"0.0.0.0_9080", "reviews.default.svc.cluster.local:9080 subset v1, retries 2", "VirtualService default/reviews",
		},
		{
			"productpage-v1-0", "GET ratings:9080/", "10.96.0.13", false,
			"0.0.0.0_9080", "ratings.default.svc.cluster.local:9080, retries 2", "Service default/ratings",
		},
		{"productpage-v1-0", "GET example.org:9080/", "192.0.2.1", false, "0.0.0.0_9080", "out of the mesh, as dialled", ""},
		{"productpage-v1-0", "GET example.org/", "192.0.2.1", false, "0.0.0.0_80", "out of the mesh, as dialled", ""},
		{"productpage-v1-0", "GET example.org:4711/", "192.0.2.1", false, "virtualOutbound", "out of the mesh, as dialled", ""},
		{"reviews-v2-0", "GET reviews:9080/", "10.66.0.13", true, "virtualInbound", "inbound|9080||, retries 2", ""},
		{
			"istio-ingressgateway-0", "GET 127.0.0.1/productpage", "", false,
			"0.0.0.0_80", "productpage.default.svc.cluster.local:9080, retries 2", "VirtualService default/bookinfo",
		},
		{
			"istio-ingressgateway-0", "GET 127.0.0.1/other", "", false,
			"0.0.0.0_80", "404 NR (no route of virtual host http.80/* takes this request)", "",
		},
	} {
		t.Run(c.proxy+" "+c.call, func(t *testing.T) {
			plan, _ := planner.Plan(snap, proxyOf(t, snap, c.proxy))
			set := build(t, plan)
			call, err := simulate.ParseCall(c.call)
			if err != nil {
				t.Fatal(err)
			}
			call.Inbound = c.inbound
			if c.address != "" {
				call.Address = netip.MustParseAddr(c.address)
			}
			answer, err := simulate.Walk(set, call)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Listener != c.listener || answer.String() != c.want {
				t.Errorf("by listener %s: %s\nwant %s: %s", answer.Listener, answer, c.listener, c.want)
			}
			var by mesh.Ref
			for _, d := range answer.Decisions {
				if d.What == "route" && len(d.From) > 0 {
					by = d.From[0]
				}
			}
			if c.by != "" && by.String() != c.by {
				t.Errorf("decided by %v, want %s", by, c.by)
			}
		})
	}
}
