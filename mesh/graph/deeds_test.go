package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// What a rule does is told by what stands in it, for each service apart.
func TestWhatRulesDo(t *testing.T) {
	virtual := func(host, spec string) string {
		return "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: one, namespace: default}\nspec: {hosts: [" + host + "], " + spec + "}\n"
	}
	destination := func(spec string) string {
		return "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: one, namespace: default}\nspec: {host: reviews" + spec + "}\n"
	}
	gateway := func(kind, rule string) string {
		return "apiVersion: gateway.networking.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: one, namespace: default}\n" +
			"spec: {parentRefs: [{group: '', kind: Service, name: reviews, port: 9080}], rules: [{" + rule + "}]}\n"
	}
	to := func(subset string, weight int) string {
		return fmt.Sprintf("{destination: {host: reviews, subset: %s}, weight: %d}", subset, weight)
	}
	whole := "route: [{destination: {host: reviews}}]"
	for name, test := range map[string]struct {
		rule, service, want string
	}{
		"one destination":          {virtual("reviews", "http: [{"+whole+"}]"), "reviews", "route"},
		"two that take a share":    {virtual("reviews", "http: [{route: ["+to("v1", 90)+", "+to("v2", 10)+"]}]"), "reviews", "split"},
		"all to one of two":        {virtual("reviews", "http: [{route: ["+to("v1", 100)+", "+to("v2", 0)+"]}]"), "reviews", "route"},
		"two destinations of TCP":  {virtual("reviews", "tcp: [{route: ["+to("v1", 50)+", "+to("v2", 50)+"]}]"), "reviews", "split"},
		"a fault":                  {virtual("reviews", "http: [{fault: {abort: {httpStatus: 503, percentage: {value: 10}}}, "+whole+"}]"), "reviews", "fault route"},
		"a fault of no request":    {virtual("reviews", "http: [{fault: {delay: {fixedDelay: 2s, percentage: {value: 0}}}, "+whole+"}]"), "reviews", "route"},
		"a fault of all":           {virtual("reviews", "http: [{fault: {delay: {fixedDelay: 2s}}, "+whole+"}]"), "reviews", "fault route"},
		"timeout and retry":        {virtual("reviews", "http: [{timeout: 2s, retries: {attempts: 3}, "+whole+"}]"), "reviews", "timeout retry route"},
		"retries turned off":       {virtual("reviews", "http: [{retries: {attempts: 0}, "+whole+"}]"), "reviews", "route"},
		"a mirror":                 {virtual("reviews", "http: [{mirror: {host: ratings}, "+whole+"}]"), "reviews", "mirror route"},
		"who is mirrored to":       {virtual("reviews", "http: [{timeout: 2s, mirror: {host: ratings}, "+whole+"}]"), "ratings", "mirror"},
		"routes to others":         {virtual("shop.example.com", "http: [{timeout: 2s, route: [{destination: {host: details}}]}, {"+whole+"}]"), "reviews", "route"},
		"subsets only":             {destination(", subsets: [{name: v1, labels: {version: v1}}]"), "reviews", ""},
		"outliers":                 {destination(", trafficPolicy: {outlierDetection: {consecutive5xxErrors: 5}}"), "reviews", "breaker"},
		"a limit of one subset":    {destination(", subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}}]"), "reviews", "breaker"},
		"an HTTPRoute":             {gateway("HTTPRoute", "timeouts: {request: 1s}, backendRefs: [{name: reviews, port: 9080}]"), "reviews", "timeout route"},
		"an HTTPRoute that splits": {gateway("HTTPRoute", "backendRefs: [{name: reviews, port: 9080, weight: 9}, {name: details, port: 9080, weight: 1}]"), "reviews", "split"},
		"one weight of an HTTPRoute is 0": {
			gateway("HTTPRoute", "timeouts: {request: 0s}, backendRefs: [{name: reviews, port: 9080}, {name: details, port: 9080, weight: 0}]"), "reviews", "route",
		},
		"a GRPCRoute that mirrors": {
			gateway("GRPCRoute", "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: details, port: 9080}}}], backendRefs: [{name: reviews, port: 9080}]"), "reviews", "mirror route",
		},
	} {
		t.Run(name, func(t *testing.T) {
			snap := meshtest.Snapshot(t, meshtest.Bookinfo(), test.rule)
			n := graph.Node{Services: []string{test.service + ".default.svc.cluster.local"}}
			var got []string
			for _, r := range graph.RulesOf(snap).On(&n, nil) {
				if r.Name == "one" {
					for _, d := range r.Does {
						got = append(got, string(d))
					}
				}
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("does %q, want %q", strings.Join(got, " "), test.want)
			}
		})
	}
}
