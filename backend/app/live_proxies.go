package app

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// rateWindow is what the requests of proxies are averaged over.
const rateWindow = 30 * time.Second

// tellProxies computes the status of all proxies.
func (p *plane) tellProxies(ctx context.Context, _ live.Params, publish func(live.Whole)) error {
	var rates map[metrics.Pod]float64
	var read time.Time
	return keep(ctx, pace{atLeast: 2 * time.Second, gap: shortGap}, p.live.changed.watch(ctx), func(ctx context.Context) {
		if now := time.Now(); now.Sub(read) >= lookEvery {
			read = now
			if fresh, err := p.telemetry.metrics.PodRequests(ctx, rateWindow, now); err == nil {
				rates = fresh
			}
		}
		proxies := p.Proxies()
		publish(proxyElements(p.Snapshot(), proxies, rates, p.live.refused.of(proxies), p.certificates.present))
	})
}

// proxyElements joins what is known of each connected proxy.
func proxyElements(
	snap *mesh.Snapshot, proxies []serve.ProxyStatus, rates map[metrics.Pod]float64,
	refused map[string][]api.RefusedResource, certificate func(uid string) (validate.Certificate, bool),
) live.Whole {
	whole := live.Whole{}
	for _, status := range proxies {
		e := api.LiveProxy{ProxyStatus: status, Refused: refused[status.UID]}
		if e.Refused == nil {
			e.Refused = []api.RefusedResource{}
		}
		if w, ok := snap.Workloads.Get(status.UID); ok {
			e.Workload, e.Pod, e.Ready, e.Node = w.WorkloadFacts.Workload, w.Pod, w.Ready, w.Node
			e.RPS = graph.Round3(rates[metrics.Pod{Namespace: w.Namespace, Name: w.Pod}])
		}
		if c, ok := certificate(status.UID); ok {
			ends, renews := c.NotAfter.UTC(), halfLife(c).UTC()
			e.CertificateEnds, e.CertificateRenews = &ends, &renews
		}
		whole[status.UID] = e
	}
	return whole
}

// refusals remembers what proxies rejected, and makes events of it. It is told
// by the xDS server, which it never keeps waiting.
type refusals struct {
	telling *telling
	log     *slog.Logger

	mu      sync.Mutex
	byProxy map[string]refusedOf // by pod UID
}

// refusedOf is what one proxy is not sent because it was rejected.
type refusedOf map[refusedResource]api.RefusedResource

type refusedResource struct{ typ, name string }

var _ serve.Listener = (*refusals)(nil)

// Published implements serve.Listener.
func (r *refusals) Published(serve.Published) {
	r.telling.revised.fire()
	r.telling.changed.fire()
}

// Heard implements serve.Listener.
func (r *refusals) Heard(w serve.Word) {
	defer r.telling.changed.fire()
	switch w.What {
	case serve.Refused:
		for _, one := range w.Refusals {
			r.telling.event(r.log, "nack", api.LiveNack{
				Proxy: w.ID, UID: w.UID, Type: one.Type, Resource: one.Name, Message: one.Words, Refs: append([]mesh.Ref{}, one.From...),
			})
			if one.Name != "" {
				r.note(w.UID, one, w.At)
			}
		}
	case serve.Settled:
		r.settle(w)
	}
}

func (r *refusals) note(uid string, one serve.Refusal, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byProxy[uid] == nil {
		r.byProxy[uid] = refusedOf{}
	}
	r.byProxy[uid][refusedResource{one.Type, one.Name}] = refusalOf(one, at)
}

func refusalOf(one serve.Refusal, at time.Time) api.RefusedResource {
	return api.RefusedResource{Type: one.Type, Resource: one.Name, Message: one.Words, Refs: append([]mesh.Ref{}, one.From...), At: at.UTC()}
}

// settle takes the whole of what a proxy is not sent; when each was rejected is
// known from before.
func (r *refusals) settle(w serve.Word) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.byProxy[w.UID]
	delete(r.byProxy, w.UID)
	for _, one := range w.Refusals {
		key, at := refusedResource{one.Type, one.Name}, w.At
		if old, ok := before[key]; ok && old.Message == one.Words {
			at = old.At
		}
		if r.byProxy[w.UID] == nil {
			r.byProxy[w.UID] = refusedOf{}
		}
		r.byProxy[w.UID][key] = refusalOf(one, at)
	}
}

// of lists the refusals of connected proxies by UID, and forgets the others.
func (r *refusals) of(connected []serve.ProxyStatus) map[string][]api.RefusedResource {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.byProxy, func(uid string, _ refusedOf) bool {
		return !slices.ContainsFunc(connected, func(p serve.ProxyStatus) bool { return p.UID == uid })
	})
	out := map[string][]api.RefusedResource{}
	for uid, list := range r.byProxy {
		out[uid] = slices.SortedFunc(maps.Values(list), func(a, b api.RefusedResource) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Resource, b.Resource))
		})
	}
	return out
}

// event adds to the events.
func (t *telling) event(log *slog.Logger, typ string, params any) {
	if err := t.events.Add(typ, params); err != nil {
		log.Error("event is lost", "type", typ, "error", err)
	}
}
