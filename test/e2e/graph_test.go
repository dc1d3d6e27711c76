package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh/graph"
)

// edgesOf maps "source > target" by the names of the nodes.
func edgesOf(g *graph.Graph) map[string]graph.Edge {
	names := map[string]string{}
	for _, n := range g.Nodes {
		names[n.ID] = strings.ReplaceAll(n.Name, " ", "-")
		if n.Version != "" {
			names[n.ID] = n.App + "-" + n.Version
		}
	}
	out := map[string]graph.Edge{}
	for _, e := range g.Edges {
		out[names[e.Source]+" > "+names[e.Target]] = e
	}
	return out
}

// generatorRate is what the traffic generator sends by default.
const generatorRate = 10.0

func TestGraphShowsBookinfo(t *testing.T) {
	m := bookinfo(t)
	inside := []string{
		"ingressgateway-latest > productpage-v1", "productpage-v1 > details-v1",
		"productpage-v1 > reviews-v1", "productpage-v1 > reviews-v2", "productpage-v1 > reviews-v3",
		"reviews-v2 > ratings-v1", "reviews-v3 > ratings-v1",
	}
	var g *graph.Graph
	took := Eventually(t, 25*time.Second, "the whole graph", func() error {
		var err error
		if g, err = m.Graph(t.Context(), 15*time.Second); err != nil {
			return err
		}
		edges := edgesOf(g)
		for _, name := range append(inside, "traffic-generator-latest > ingressgateway-latest") {
			if e, ok := edges[name]; !ok || e.Idle {
				return fmt.Errorf("no traffic on %s; there is %v", name, keys(edges))
			}
		}
		for _, name := range inside {
			if s := edges[name].MutualTLS; s == nil || *s < 0.999 {
				return fmt.Errorf("%s is not all mutual TLS: %v", name, s)
			}
		}
		if s := edges["traffic-generator-latest > ingressgateway-latest"].MutualTLS; s == nil || *s > 0 {
			return fmt.Errorf("the edge into the gateway is not plaintext: %v", s)
		}
		return nil
	})
	t.Logf("the whole graph %v after the test began, %v after `heddle up`", took, time.Since(m.(*localMesh).Began))

	// The rate needs a whole window of steady traffic.
	Eventually(t, 40*time.Second, "rates within 10 % of the generator's", func() error {
		g, err := m.Graph(t.Context(), 20*time.Second)
		if err != nil {
			return err
		}
		edges := edgesOf(g)
		reviews := 0.0
		for _, v := range []string{"v1", "v2", "v3"} {
			reviews += edges["productpage-v1 > reviews-"+v].Rate
		}
		page := edges["ingressgateway-latest > productpage-v1"].Rate
		if math.Abs(page-generatorRate) > generatorRate/10 || math.Abs(reviews-generatorRate) > generatorRate/10 {
			return fmt.Errorf("gateway → productpage %.2f/s, sum over reviews %.2f/s, want %.0f ± 10 %%", page, reviews, generatorRate)
		}
		return nil
	})
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
