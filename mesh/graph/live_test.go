package graph_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

func TestRound3(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 4.34567: "4.35", 41.249: "41.2", 141.4: "141", 1294: "1290", 1295.1: "1300", 999.9: "1000", 0.0123456: "0.0123", 0.1: "0.1",
		-12.345: "-12.3", 2.5e9 + 1: "2500000000", 1e-7: "1e-7", 0.289: "0.289", 1.005e-310: "1.005e-310", math.Inf(1): "",
	} {
		got := graph.Round3(v)
		if math.IsInf(v, 0) {
			if got != v {
				t.Errorf("%v: %v", v, got)
			}
			continue
		}
		text, err := json.Marshal(got)
		if err != nil || string(text) != want {
			t.Errorf("%v: %s, want %s", v, text, want)
		}
		if again := graph.Round3(got); again != got {
			t.Errorf("%v: rounded twice it is %v", got, again)
		}
	}
}

func TestCards(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	g := graph.Build(snap, parseTraffic(t, `
source http istio-system/istio-ingressgateway -> default/productpage-v1 service=productpage.default rate=10
destination http istio-system/istio-ingressgateway -> default/productpage-v1 service=productpage.default rate=10
destination http default/productpage-v1 -> default/reviews-v1 service=reviews.default rate=1.23456 le=10:0,100:1.23456,inf:1.23456
destination http default/productpage-v1 -> default/reviews-v2 service=reviews.default rate=1 code=500
destination tcp default/reviews-v2 -> default/ratings-v1 service=ratings.default opened=2 closed=2 sent=1000.4 received=1
`), graph.Options{Type: graph.ByService, IncludeIdle: true})
	const reviews = "service/reviews.default.svc.cluster.local"
	before := *g
	live := graph.Decorate(g, graph.Facts{
		Health:    map[string]graph.Health{reviews: {State: graph.Failing, Reasons: []graph.Reason{{Code: graph.ServerErrors, Share: 0.44751}}}},
		Workloads: map[string]graph.State{"workload/local/default/reviews-v2": graph.Failing},
		Sparks:    map[string]graph.Spark{reviews: {Rates: []float64{1.23456}, Errors: []float64{0}}},
	})
	if !reflect.DeepEqual(&before, g) {
		t.Error("the graph was changed")
	}
	cards := map[string]graph.LiveNode{}
	for _, n := range live.Nodes {
		cards[n.ID] = n
	}
	r := cards[reviews]
	if r.Rate != 2.23 || r.ErrorShare != 0.448 || r.P95 == nil || *r.P95 != 95.5 || r.Unit != graph.PerSecond || r.Health.State != graph.Failing || r.Health.Reasons[0].Share != 0.448 || r.Spark[0] != 1.23 {
		t.Errorf("reviews: %+v", r)
	}
	var states []string
	for _, v := range r.Versions {
		states = append(states, v.Version+" "+string(v.State))
	}
	if strings.Join(states, ", ") != "v1 unknown, v2 failing, v3 unknown" || r.Versions[0].Share != 0.552 {
		t.Errorf("versions: %s, %+v", states, r.Versions)
	}
	if p := cards["service/ratings.default.svc.cluster.local"]; p.Unit != graph.BytesPerSecond || p.Rate != 1000 {
		t.Errorf("ratings: %+v", p)
	}
	if p := cards["service/istio-ingressgateway.istio-system.svc.cluster.local"]; p.Rate != 10 || p.Health.State != graph.Unknown {
		t.Errorf("gateway: %+v", p)
	}
	if e := live.Edges[0]; e.Health.State != graph.Unknown || len(live.Edges) != len(g.Edges) {
		t.Errorf("edges: %+v", live.Edges)
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"rate":2.23,`) || !strings.Contains(string(text), `"id":"service/reviews`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestHistory(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	h := graph.NewHistory()
	const id = "service/details.default.svc.cluster.local"
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	if got := h.Spark(id, at, time.Minute); got.Rates != nil {
		t.Errorf("of nothing: %v", got)
	}
	add := func(text string, window time.Duration) {
		at = at.Add(window)
		traffic := parseTraffic(t, text)
		traffic.At, traffic.Window = at, window
		h.Add(graph.Build(snap, traffic, graph.Options{Type: graph.ByService, IncludeIdle: true}))
	}
	slow := "destination http default/productpage-v1 -> default/details-v1 service=details.default rate=4 le=100:0,200:4,inf:4"
	fast := "destination http default/productpage-v1 -> default/details-v1 service=details.default rate=2 le=10:2,inf:2"
	failed := fast + "\ndestination http default/productpage-v1 -> default/details-v1 service=details.default code=503 rate=2"
	for range 200 { // 50 minutes
		add(fast, 15*time.Second)
	}
	for range 40 {
		add(slow, 15*time.Second)
	}
	u := h.Usual(at)[id]
	if u.P95 != 9.5 || u.Over != time.Hour {
		t.Errorf("usual: %+v", u)
	}
	add(failed, 30*time.Second)
	add("", 15*time.Second)
	s := h.Spark(id, at, 15*time.Second)
	if want := []float64{4, 4, 4, 0}; len(s.Rates) != graph.SparkPoints || !reflect.DeepEqual(s.Rates[26:], want) {
		t.Errorf("rates %v, want them to end in %v", s.Rates, want)
	}
	if want := []float64{0, 0.5, 0.5, 0}; !reflect.DeepEqual(s.Errors[26:], want) {
		t.Errorf("errors %v, want them to end in %v", s.Errors, want)
	}
	if s = h.Spark(id, at, 2*time.Minute); s.Rates[0] != 2 || s.Rates[24] != 2.75 || s.Rates[29] != 3.5 {
		t.Errorf("an hour: %v", s.Rates)
	}
	for range 300 {
		add("", 15*time.Second)
	}
	if s = h.Spark(id, at, 15*time.Second); s.Rates == nil || s.Rates[0] != 0 || len(h.Usual(at)) != 0 {
		t.Errorf("an hour later: %+v, %v", s, h.Usual(at))
	}
}
