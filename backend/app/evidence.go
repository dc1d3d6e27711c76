package app

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// observed is the window that calls are averaged over.
const observed = 5 * time.Minute

// evidence is what can be observed at this moment.
func (p *plane) evidence(ctx context.Context) validate.Evidence {
	now, snap := time.Now(), p.Snapshot()
	e := validate.Evidence{
		Now: now, ChangedAt: p.checks.changes.times(), Certificates: p.certificates.of(ctx, snap, now),
	}
	traffic, err := p.telemetry.metrics.Traffic(ctx, observed, now)
	if err != nil {
		p.log.Debug("checks do without the calls", slog.Any("error", err))
		return e
	}
	e.Calls = callsOf(snap, traffic)
	return e
}

// callsOf are the calls that their callers counted, sorted; never nil. Metrics do
// not tell the port: it is known where the service has no other one.
func callsOf(s *mesh.Snapshot, t graph.Traffic) []validate.Call {
	type edge struct {
		source   mesh.Ref
		host     string
		protocol graph.Protocol
	}
	type sums struct{ all, failed float64 }
	edges := map[edge]sums{}
	add := func(f graph.Flow, rate float64, failed bool) {
		if f.Reporter != graph.BySource || !f.Source.Known() || rate <= 0 {
			return
		}
		k := edge{
			source:   ownerOf(s, f.Source.Namespace, f.Source.Workload, f.Source.Workload),
			host:     f.Service.Host,
			protocol: f.Protocol,
		}
		sum := edges[k]
		sum.all += rate
		if failed {
			sum.failed += rate
		}
		edges[k] = sum
	}
	for _, r := range t.Requests {
		add(r.Flow, r.Rate, r.Code == "0" || r.Code >= "500" || (r.GRPC != "" && r.GRPC != "0"))
	}
	for _, c := range t.Connections {
		add(c.Flow, c.Opened, c.Flags != "")
	}
	keys := slices.SortedFunc(maps.Keys(edges), func(a, b edge) int {
		return cmp.Or(a.source.Compare(b.source), cmp.Compare(a.host, b.host), cmp.Compare(a.protocol, b.protocol))
	})
	out := make([]validate.Call, len(keys))
	for i, k := range keys {
		sum, port := edges[k], uint32(0)
		if service, ok := s.Services.Get(k.host); ok && len(service.Ports) == 1 {
			port = service.Ports[0].Number
		}
		out[i] = validate.Call{
			Source: k.source, Host: k.host, Port: port, Protocol: string(k.protocol), PerSecond: sum.all, ErrorRate: sum.failed / sum.all,
		}
	}
	return out
}

// changes remembers when each object last changed.
type changes struct {
	mu   sync.Mutex
	last *mesh.Snapshot
	at   map[mesh.Ref]time.Time
}

// follow takes the next snapshot. Of what stood in the first one the time of its
// file counts; of what has none nothing is known.
func (c *changes) follow(s *mesh.Snapshot, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.last == nil
	if first {
		c.at = map[mesh.Ref]time.Time{}
	}
	delta := mesh.Diff(c.last, s)
	for _, refs := range [][]mesh.Ref{delta.Added, delta.Changed} {
		for _, ref := range refs {
			is, _ := s.Get(ref)
			if first {
				if info, err := os.Stat(is.Origin.File); is.Origin.File != "" && err == nil {
					c.at[ref] = info.ModTime()
				}
				continue
			}
			if was, ok := c.last.Get(ref); !ok || was.Hash != is.Hash {
				c.at[ref] = now
			}
		}
	}
	for _, ref := range delta.Removed {
		delete(c.at, ref)
	}
	c.last = s
}

// times is a copy of what is known.
func (c *changes) times() map[mesh.Ref]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.at)
}
