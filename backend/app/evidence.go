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
	now := time.Now()
	e := validate.Evidence{Now: now, ChangedAt: p.checks.changes.times()}
	traffic, err := p.telemetry.metrics.Traffic(ctx, observed, now)
	if err != nil {
		p.log.Debug("checks do without the calls", slog.Any("error", err))
		return e
	}
	e.Calls = callsOf(traffic)
	return e
}

// callsOf are the calls that their callers counted, sorted; never nil.
func callsOf(t graph.Traffic) []validate.Call {
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
			source:   mesh.Ref{Kind: mesh.KindDeployment, Namespace: f.Source.Namespace, Name: f.Source.Workload},
			host:     f.Service.Host,
			protocol: f.Protocol,
		}
		s := edges[k]
		s.all += rate
		if failed {
			s.failed += rate
		}
		edges[k] = s
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
		s := edges[k]
		out[i] = validate.Call{
			Source: k.source, Host: k.host, Protocol: string(k.protocol), PerSecond: s.all, ErrorRate: s.failed / s.all,
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
