package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/delivery"
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
	told := canary.Told{Asked: c.Weights, Enough: canary.Enough, Since: time.Now().Add(-splitWindow)}
	byWorkload, _ := p.health.last(graph.ByWorkload)
	var before map[string]int
	if c.Ref != nil {
		var text []byte
		if o, there := snap.Get(*c.Ref); there {
			text = o.Text
		}
		if d, was, ok := p.delivery.LatestOf(*c.Ref, text); ok {
			told.Acked, told.Rejected, told.Total = d.Summary.Acknowledged, d.Summary.Rejected, d.Summary.Concerned
			told.Since = d.Summary.Written
			if d.Summary.Last != nil {
				told.Since = *d.Summary.Last
			}
			m.Waiting = waiting(d, sendersTo(byWorkload, svc.Host))
			if !d.Summary.Known { // nobody can have it yet
				told.Total, m.Waiting = max(1, told.Total), max(1, m.Waiting)
			}
			before = sharesBefore(was, svc.Host, c.ID)
		}
	}
	counts, err := p.telemetry.metrics.CountsSince(ctx, svc.Host, told.Since)
	if err != nil {
		counts = nil // what is asked and in effect is known all the same
	}
	m.Count = map[string]float64{}
	for v, n := range counts {
		m.Count[v] = n.N
	}
	m.AllRoutes = s.OthersTakePart(c, callersOf(byWorkload, svc.Host))
	byVersion, p95 := p.p95Of(svc)
	told.Effect = canary.Effect(before, c.Weights, told.Acked, told.Total)
	told.N, told.AllRoutes, told.State = graph.Round3(m.N()), m.AllRoutes, m.State()
	told.Measured, told.P95 = measured(s, counts, time.Since(told.Since), byVersion), p95
	return told, true
}

// workload is one that calls a service.
type workload struct{ namespace, name string }

// sendersTo are the workloads that call a service now.
func sendersTo(g *graph.Graph, host string) map[workload]bool {
	senders := map[workload]bool{}
	eachCaller(g, host, func(n *graph.Node) { senders[workload{n.Namespace, n.Workload}] = true })
	return senders
}

// waiting is how many proxies with traffic do not have a change: those of the
// senders, or all where nobody is seen to send.
func waiting(d delivery.Delivery, senders map[workload]bool) int {
	concerned := func(x *delivery.Proxy) bool { return senders[workload{x.Namespace, x.Workload}] }
	if !slices.ContainsFunc(d.Proxies, func(x delivery.Proxy) bool { return concerned(&x) }) {
		concerned = func(*delivery.Proxy) bool { return true }
	}
	n := 0
	for i := range d.Proxies {
		if x := &d.Proxies[i]; x.State != delivery.Acknowledged && concerned(x) {
			n++
		}
	}
	return n
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

// eachCaller goes through those that call a service now.
func eachCaller(g *graph.Graph, host string, caller func(*graph.Node)) {
	if g == nil {
		return
	}
	nodes := map[string]*graph.Node{}
	for i := range g.Nodes {
		nodes[g.Nodes[i].ID] = &g.Nodes[i]
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		if n := nodes[e.Source]; n != nil && e.Rate > 0 && slices.Contains(e.Services, host) {
			caller(n)
		}
	}
}

// callersOf says where calls to a service come from now.
func callersOf(g *graph.Graph, host string) canary.Callers {
	var from canary.Callers
	eachCaller(g, host, func(n *graph.Node) {
		switch {
		case n.Gateway:
			from.Gateway = true
		case n.Meshed:
			from.Mesh = true
		default:
			from.Plain = true
		}
	})
	return from
}

// p95Of is the latency of each version, and of the whole service, in milliseconds.
func (p *plane) p95Of(svc *mesh.Service) (byVersion map[string]float64, whole *float64) {
	byVersion = map[string]float64{}
	slowest := func(t graph.Type, found func(n *graph.Node, ms float64)) {
		g, err := p.health.last(t)
		if err != nil || g == nil {
			return
		}
		for i := range g.Nodes {
			n := &g.Nodes[i]
			if !slices.Contains(n.Services, svc.Host) {
				continue
			}
			for _, r := range n.In {
				if r.P95 != nil && r.Protocol != graph.TCP {
					found(n, *r.P95)
				}
			}
		}
	}
	slowest(graph.ByVersionedApp, func(n *graph.Node, ms float64) {
		if n.Version != "" {
			byVersion[n.Version] = max(byVersion[n.Version], ms)
		}
	})
	slowest(graph.ByService, func(n *graph.Node, ms float64) {
		if n.Kind == graph.KindService && (whole == nil || ms > *whole) {
			whole = new(graph.Round3(ms))
		}
	})
	return byVersion, whole
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
