package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

const (
	// splitEvery is how often the shares of a split are measured.
	splitEvery = 2 * time.Second
	// splitWindow is over what they are measured where nobody changed the split
	// since the control plane runs.
	splitWindow = 5 * time.Minute
)

// tellSplit tells how the traffic of a service is divided by one candidate.
func (p *plane) tellSplit(ctx context.Context, params live.Params, publish func(live.Whole)) error {
	namespace, name, ok := strings.Cut(params["service"], "/")
	if !ok {
		return fmt.Errorf("service is namespace/name, not %q", params["service"])
	}
	return keep(ctx, pace{atLeast: splitEvery, gap: shortGap}, p.live.revised.watch(ctx), func(ctx context.Context) {
		snap := p.Snapshot()
		svc := serviceNamed(snap, namespace, name)
		if svc == nil {
			publish(live.Whole{})
			return
		}
		if told, ok := p.splitState(ctx, snap, svc, params["candidate"]); ok && ctx.Err() == nil {
			publish(live.Whole{"state": told})
		} else if !ok {
			publish(live.Whole{})
		}
	})
}

func serviceNamed(snap *mesh.Snapshot, namespace, name string) *mesh.Service {
	for s := range snap.Services.Values() {
		if s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}

// splitState measures a candidate, the preselected one where none is named;
// false when there is no such one.
func (p *plane) splitState(ctx context.Context, snap *mesh.Snapshot, svc *mesh.Service, id string) (canary.Told, bool) {
	s := canary.Of(snap, svc)
	if id == "" {
		id = s.Preselected
	}
	var c *canary.Candidate
	for i := range s.Candidates {
		if s.Candidates[i].ID == id {
			c = &s.Candidates[i]
		}
	}
	if c == nil {
		return canary.Told{}, false
	}
	m := canary.Measurement{Asked: c.Weights}
	since := time.Now().Add(-splitWindow)
	var before map[string]int
	if c.Ref != nil {
		var text []byte
		if o, there := snap.Get(*c.Ref); there {
			text = o.Text
		}
		if d, was, ok := p.delivery.LatestOf(*c.Ref, text); ok {
			m.Acked, m.Total = d.Summary.Acknowledged, d.Summary.Concerned
			if d.Summary.Last != nil {
				since = *d.Summary.Last
			} else {
				since = d.Summary.Written
			}
			if !d.Summary.Known {
				m.Total = max(1, m.Total) // nobody can have it yet
			}
			before = sharesBefore(was, svc.Host, c.ID)
		}
	}
	counts, err := p.telemetry.metrics.CountsSince(ctx, svc.Host, since)
	if err != nil {
		counts = nil // what is asked and in effect is known all the same
	}
	m.Count = map[string]float64{}
	for v, n := range counts {
		m.Count[v] = n.N
	}
	figures, _ := p.health.last(graph.ByWorkload)
	m.AllRoutes = s.OthersTakePart(c, callersOf(figures, svc.Host))
	return canary.Told{
		Asked: c.Weights, Effect: canary.Effect(before, c.Weights, m.Acked, m.Total), N: graph.Round3(m.N()), Since: since,
		State: m.State(), Acked: m.Acked, Total: m.Total, AllRoutes: m.AllRoutes,
		Measured: measured(s, counts, time.Since(since), p.p95ByVersion(svc)),
	}, true
}

// sharesBefore are those that the rule had before its last change.
func sharesBefore(was *mesh.Snapshot, host, candidate string) map[string]int {
	if was == nil {
		return nil
	}
	svc, ok := was.Services.Get(host)
	if !ok {
		return nil
	}
	for _, c := range canary.Of(was, svc).Candidates {
		if c.ID == candidate || c.Ref == nil {
			return c.Weights
		}
	}
	return nil
}

// callersOf says where calls to a service come from now.
func callersOf(g *graph.Graph, host string) canary.Callers {
	var from canary.Callers
	if g == nil {
		return from
	}
	nodes := map[string]graph.Node{}
	for _, n := range g.Nodes {
		nodes[n.ID] = n
	}
	for _, e := range g.Edges {
		if e.Rate == 0 || !slices.Contains(e.Services, host) {
			continue
		}
		switch n := nodes[e.Source]; {
		case n.Gateway:
			from.Gateway = true
		case n.Meshed:
			from.Mesh = true
		default:
			from.Plain = true
		}
	}
	return from
}

// p95ByVersion is the latency of each version, in milliseconds.
func (p *plane) p95ByVersion(svc *mesh.Service) map[string]float64 {
	out := map[string]float64{}
	g, err := p.health.last(graph.ByVersionedApp)
	if err != nil || g == nil {
		return out
	}
	for _, n := range g.Nodes {
		for _, host := range n.Services {
			if host != svc.Host || n.Version == "" {
				continue
			}
			for _, r := range n.In {
				if r.P95 != nil && r.Protocol != graph.TCP {
					out[n.Version] = max(out[n.Version], *r.P95)
				}
			}
		}
	}
	return out
}

func measured(s *canary.Split, counts map[string]metrics.Count, over time.Duration, p95 map[string]float64) map[string]canary.Measured {
	total := 0.0
	for _, c := range counts {
		total += c.N
	}
	out := map[string]canary.Measured{}
	add := func(version string) {
		c := counts[version]
		m := canary.Measured{N: graph.Round3(c.N), RPS: graph.Round3(c.N / max(1, over.Seconds()))}
		if total > 0 {
			m.Percent = graph.Round3(100 * c.N / total)
		}
		if c.N > 0 {
			m.ErrorShare = graph.Round3(c.Errors / c.N)
		}
		if ms, ok := p95[version]; ok {
			m.P95 = new(graph.Round3(ms))
		}
		out[version] = m
	}
	for _, v := range s.Versions {
		add(v.Version)
	}
	for v := range counts {
		if _, known := out[v]; !known {
			add(v)
		}
	}
	return out
}
