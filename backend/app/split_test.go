package app

import (
	"testing"

	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

func TestASplitWaitsForThoseWhoSend(t *testing.T) {
	proxy := func(workload string, state delivery.State) delivery.Proxy {
		return delivery.Proxy{UID: workload, Namespace: "default", Workload: workload, State: state}
	}
	d := delivery.Delivery{Proxies: []delivery.Proxy{
		proxy("productpage-v1", delivery.Acknowledged), proxy("details-v1", delivery.Pending), proxy("ratings-v1", delivery.Rejected),
	}}
	rates := graph.Rates{Rate: 1}
	calls := func(source string) *graph.Graph {
		return &graph.Graph{
			Nodes: []graph.Node{{ID: "n", Namespace: "default", Workload: source, Meshed: true}, {ID: "idle", Namespace: "default", Workload: "ratings-v1"}},
			Edges: []graph.Edge{
				{Source: "n", Target: "reviews", Rates: rates, Services: []string{"reviews"}},
				{Source: "idle", Target: "reviews", Services: []string{"reviews"}},
				{Source: "idle", Target: "other", Rates: rates, Services: []string{"other"}},
			},
		}
	}
	for name, c := range map[string]struct {
		graph *graph.Graph
		want  int
	}{
		"the one that sends has it":             {calls("productpage-v1"), 0},
		"the one that sends does not":           {calls("details-v1"), 1},
		"the one that sends rejected it":        {calls("ratings-v1"), 1},
		"none of them sends: all are waited on": {calls("somebody-else"), 2},
		"nothing is measured":                   {nil, 2},
	} {
		if got := waiting(d, sendersTo(c.graph, "reviews")); got != c.want {
			t.Errorf("%s: %d wait, want %d", name, got, c.want)
		}
	}
	if from := callersOf(calls("productpage-v1"), "reviews"); !from.Mesh || from.Plain || from.Gateway {
		t.Errorf("%+v", from)
	}
}
