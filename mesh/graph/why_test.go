package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// faulty is Bookinfo with a second version of ratings.
const faulty = `apiVersion: v1
kind: Pod
metadata: {name: ratings-v-faulty-1, namespace: default, labels: {app: ratings, version: v-faulty, sidecar.istio.io/inject: "true"}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: ratings-v-faulty-1, uid: x, controller: true}]}
spec: {containers: [{name: ratings}]}
status: {podIP: 10.66.0.77, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings, namespace: default}
spec: {hosts: [ratings], http: [{route: [{destination: {host: ratings}}]}]}
`

// good and bad are the traffic of a window of a minute, before and after.
const good = `
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=10 le=5:0,50:9,100:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=5 le=5:5,inf:5
destination http default/reviews-v2 -> default/ratings-v-faulty service=ratings.default rate=5 le=5:5,inf:5
`

func workloadNamed(t *testing.T, snap *mesh.Snapshot, pod string) string {
	t.Helper()
	for w := range snap.Workloads.Values() {
		if w.Pod == pod {
			return w.WorkloadFacts.Workload
		}
	}
	t.Fatalf("no pod %s", pod)
	return ""
}

func TestWhy(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo(), faulty)
	name := workloadNamed(t, snap, "ratings-v-faulty-1")
	deployed := mesh.Ref{Kind: mesh.KindDeployment, Namespace: "default", Name: name}
	route := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "ratings"}
	elsewhere := mesh.Ref{Kind: mesh.KindDeployment, Namespace: "default", Name: "details-v1"}
	// change NAME AGE: a change so long before the first bad evaluation.
	change := func(id string, ref mesh.Ref, before time.Duration) func(time.Time) graph.Change {
		return func(bad time.Time) graph.Change {
			return graph.Change{ID: id, At: bad.Add(-before), Actor: "mira", Refs: []mesh.Ref{ref}}
		}
	}
	const ratings, reviews = "service/ratings.default.svc.cluster.local", "service/reviews.default.svc.cluster.local"
	broken := `
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=10 le=5:0,50:9,100:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=5
destination http default/reviews-v2 -> default/WORKLOAD service=ratings.default rate=2
destination http default/reviews-v2 -> default/WORKLOAD service=ratings.default code=503 rate=3
`
	passedOn := broken + "destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default code=500 rate=3\n"
	// reviews' p95 rises by 2350 ms, that of ratings to 1000 ms and 95 % of the way to bound.
	waits := func(bound string) string {
		return `
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=10 le=1000:0,2500:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=8 le=1000:0,` + bound + `:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=2
`
	}
	tests := []struct {
		name    string
		traffic string
		healthy time.Duration // before; 6 minutes where it is zero
		rate    string        // of what was healthy; as in good where it is empty
		changes []func(time.Time) graph.Change
		at      string
		want    string
	}{
		{name: "the version was deployed", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "at the same moment", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "a minute before", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, time.Minute)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "more than a minute before", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, time.Minute+time.Second)}, at: ratings},
		{name: "after it", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, -time.Second)}, at: ratings},
		{name: "the route was changed", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", route, 5*time.Second)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "two changes", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second), change("c2", route, 9*time.Second)}, at: ratings},
		{name: "another one elsewhere", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second), change("c2", elsewhere, 9*time.Second)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "only elsewhere", traffic: broken, changes: []func(time.Time) graph.Change{change("c2", elsewhere, 9*time.Second)}, at: ratings},
		{name: "not healthy for long", traffic: broken, healthy: 4 * time.Minute, changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings},
		{name: "healthy for five minutes", traffic: broken, healthy: 4*time.Minute + 45*time.Second /* the first window began 15 s before */, changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "healthy for a second less", traffic: broken, healthy: 4*time.Minute + 44*time.Second, changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings},
		{name: "called 50 times before", traffic: broken, rate: "0.08334", changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings, want: "startedAfterChange c1 1.00"},
		{name: "called 49 times before", traffic: broken, rate: "0.08167", changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings},
		{
			name: "90 % of the errors on what was changed", traffic: broken + "destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=0.333\n",
			changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second)}, at: ratings, want: "startedAfterChange c1 0.90",
		},
		{
			name: "hardly less than 90 %", traffic: broken + "destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=0.335\n",
			changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second)}, at: ratings,
		},
		{name: "hardly called before", traffic: broken, rate: "0.08", changes: []func(time.Time) graph.Change{change("c1", deployed, 0)}, at: ratings},
		{
			name: "errors elsewhere too", traffic: broken + "destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=0.5\n",
			changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second)}, at: ratings,
		},
		{name: "the edge", traffic: broken, changes: []func(time.Time) graph.Change{change("c1", deployed, 5*time.Second)}, at: reviews + " > " + ratings + " : http", want: "startedAfterChange c1 1.00"},
		{name: "reviews passes the errors on", traffic: passedOn, at: reviews, want: "failsBecauseOf ratings 1.00"},
		{name: "reviews bears with them", traffic: broken, at: reviews},
		{
			name: "most of them have another cause", at: reviews,
			traffic: broken + "destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default code=500 rate=4\n",
		},
		{
			name: "reviews waits for ratings", at: reviews, want: "waitsFor ratings 1.00",
			traffic: `
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=10 le=1000:0,2500:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=8 le=1000:0,2500:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=2
`,
		},
		{
			name: "80 % of them come from ratings", at: reviews, want: "failsBecauseOf ratings 0.80",
			traffic: broken + "destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default code=500 rate=3.75\n",
		},
		{
			name: "hardly less than 80 %", at: reviews,
			traffic: broken + "destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default code=500 rate=3.76\n",
		},
		{name: "80 % of the rise lie on ratings", at: reviews, want: "waitsFor ratings 0.80", traffic: waits("1932")},
		{name: "hardly less of the rise", at: reviews, traffic: waits("1930")},
		{
			name: "ratings is only slow", at: reviews,
			traffic: `
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=10 le=1000:0,2500:10,inf:10
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=10 le=1000:0,2500:10,inf:10
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			build := func(text string, at time.Time, window time.Duration) *graph.Graph {
				traffic := parseTraffic(t, strings.ReplaceAll(text, "WORKLOAD", name))
				traffic.At, traffic.Window = at, window
				return graph.Build(snap, traffic, graph.Options{Type: graph.ByService, IncludeIdle: true})
			}
			bad := time.Date(2026, 11, 21, 13, 54, 0, 0, time.UTC)
			healthy := test.healthy
			if healthy == 0 {
				healthy = 12 * time.Minute
			}
			before := strings.ReplaceAll(good, "default/ratings-v-faulty", "default/"+name)
			if test.rate != "" {
				before = strings.ReplaceAll(before, "rate=5", "rate="+test.rate)
			}
			history := graph.NewHistory()
			memories := map[string]graph.Memory{}
			judge := func(g *graph.Graph, usual map[string]graph.Usual) map[string]graph.Sample {
				samples := g.Samples(usual)
				for id, s := range samples {
					memories[id] = graph.Judge(memories[id], s)
				}
				return samples
			}
			for at := bad.Add(-healthy); at.Before(bad); at = at.Add(15 * time.Second) {
				g := build(before, at, 15*time.Second)
				history.Add(g)
				judge(g, nil)
			}
			var g *graph.Graph
			var samples map[string]graph.Sample
			for i := range 2 {
				g = build(test.traffic, bad.Add(time.Duration(i)*2*time.Second), 15*time.Second)
				samples = judge(g, history.Usual(bad))
			}
			e := graph.Evidence{Snap: snap, Graph: g, Samples: samples, Memories: memories, History: history}
			for _, c := range test.changes {
				e.Changes = append(e.Changes, c(bad))
			}
			var got []string
			said := graph.Explain(e)
			for _, w := range said[test.at] {
				got = append(got, fmt.Sprintf("%s %s%s %.2f", w.Rule, w.Params.Change, w.Params.Name, w.Params.Share))
				if w.Rule == graph.StartedAfterChange && (!w.Params.Started.Equal(bad) || w.Params.Actor != "mira" || len(w.Params.Refs) != 1) {
					t.Errorf("%+v", w)
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%v, want %q; %+v", got, test.want, memories[test.at])
			}

			// What was said of a change stays, also when it is told of no more.
			for id, list := range said {
				m := memories[id]
				m.Why = list
				memories[id] = m
			}
			e.Changes = nil
			again := graph.Explain(e)
			if len(again[test.at]) != len(got) {
				t.Errorf("later: %+v", again[test.at])
			}
		})
	}
}

func TestReasonsNameTheVersion(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo(), faulty)
	g := graph.Build(snap, parseTraffic(t, `
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=10
destination http default/reviews-v2 -> default/ratings-v2 service=ratings.default rate=5
destination http default/reviews-v2 -> default/ratings-v2 service=ratings.default code=503 rate=5
destination http default/reviews-v2 -> default/ratings-v2 service=ratings.default code=500 flags=UC rate=0.1
`), graph.Options{Type: graph.ByService, IncludeIdle: true})
	r := g.Samples(nil)["service/ratings.default.svc.cluster.local"].Error
	if r.Code != graph.ServerErrors || r.Answer != "503" || r.Flags != "" || r.Version != "v2" || r.VersionShare < 0.5 || r.VersionShare > 0.51 {
		t.Errorf("%+v", r)
	}
	for v1, want := range map[string]string{"1": "v2", "1.01": ""} { // beside 9 on v2
		g := graph.Build(snap, parseTraffic(t, `
destination http default/reviews-v2 -> default/ratings-v1 service=ratings.default code=503 rate=`+v1+`
destination http default/reviews-v2 -> default/ratings-v2 service=ratings.default code=503 rate=9
`), graph.Options{Type: graph.ByService, IncludeIdle: true})
		if r := g.Samples(nil)["service/ratings.default.svc.cluster.local"].Error; r.Version != want {
			t.Errorf("9 of 9 + %s errors on v2: %+v", v1, r)
		}
	}
}

// A service that speaks several protocols is as slow as the one it speaks most,
// in whichever order they stand, and whether or not another is measured.
func TestSeveralProtocols(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	const ratings = "service/ratings.default.svc.cluster.local"
	line := func(protocol, rate, le string) string {
		return "destination " + protocol + " default/reviews-v2 -> default/ratings-v1 service=ratings.default rate=" + rate + " le=" + le + "\n"
	}
	const quick, slow = "10:20,50:20,inf:20", "10:0,50:0,1000:2,inf:2"
	const tcp = "destination tcp default/reviews-v2 -> default/ratings-v1 service=ratings.default opened=3 sent=100 received=100\n"
	for name, traffic := range map[string]string{
		"http only":         line("http", "20", quick),
		"http and tcp":      line("http", "20", quick) + tcp,
		"less grpc":         line("http", "20", quick) + line("grpc", "2", slow),
		"less http":         line("grpc", "20", quick) + line("http", "2", slow),
		"all three of them": line("grpc", "20", quick) + line("http", "2", slow) + tcp,
	} {
		g := graph.Build(snap, parseTraffic(t, traffic), graph.Options{Type: graph.ByService, IncludeIdle: true})
		s := g.Samples(nil)[ratings]
		if s.P95 == nil || *s.P95 > 10 {
			t.Errorf("%s: p95 %v of %d requests", name, s.P95, int(s.Requests))
		}
	}
}

func TestWhatRulesActOn(t *testing.T) {
	const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: outside, namespace: default}
spec: {hosts: [books.example.com], gateways: [g], http: [{route: [{destination: {host: productpage}}], mirror: {host: details}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: all, namespace: default}
spec: {host: "*.default.svc.cluster.local"}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: weather, namespace: default}
spec: {hosts: [weather.example.com], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: one, namespace: default}
spec: {selector: {matchLabels: {app: reviews, version: v2}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: g, namespace: default}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`
	snap := meshtest.Snapshot(t, meshtest.Bookinfo(), rules)
	ref := func(kind mesh.Kind, namespace, name string) mesh.Ref {
		return mesh.Ref{Kind: kind, Namespace: namespace, Name: name}
	}
	hosts := func(names ...string) []string {
		for i := range names {
			names[i] += ".default.svc.cluster.local"
		}
		return names
	}
	for _, test := range []struct {
		ref       mesh.Ref
		hosts     []string
		workloads []string
	}{
		{ref(mesh.KindVirtualService, "default", "outside"), hosts("details", "productpage"), nil},
		{ref(mesh.KindDestinationRule, "default", "all"), hosts("details", "productpage", "ratings", "reviews"), nil},
		{ref(mesh.KindServiceEntry, "default", "weather"), []string{"weather.example.com"}, nil},
		{ref(mesh.KindAuthorizationPolicy, "default", "one"), nil, []string{"default/reviews-v2"}},
		{ref(mesh.KindService, "default", "reviews"), hosts("reviews"), nil},
		{ref(mesh.KindDeployment, "default", "gone"), nil, []string{"default/gone"}},
		{ref(mesh.KindGateway, "default", "g"), nil, []string{"istio-system/istio-ingressgateway"}},
		{ref(mesh.KindVirtualService, "default", "gone"), nil, nil},
	} {
		got := graph.ActsOn(snap, test.ref)
		if !slices.Equal(got.Hosts, test.hosts) || !slices.Equal(got.Workloads, test.workloads) {
			t.Errorf("%s: %+v", test.ref, got)
		}
	}
	everywhere := graph.ActsOn(snap, ref(mesh.KindPeerAuthentication, "istio-system", "default"))
	if len(everywhere.Workloads) < 6 || len(everywhere.Hosts) > 0 {
		t.Errorf("a policy of the root namespace: %+v", everywhere)
	}
	n := graph.Node{Services: hosts("reviews")}
	var got []string
	for _, r := range graph.RulesOf(snap).On(&n, []string{"default/reviews-v1", "default/reviews-v2"}) {
		got = append(got, r.Ref().String())
	}
	if want := "AuthorizationPolicy default/one, DestinationRule default/all, PeerAuthentication istio-system/default"; strings.Join(got, ", ") != want {
		t.Errorf("rules on reviews: %s", got)
	}
}
