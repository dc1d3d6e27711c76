package serve

import (
	"log/slog"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// discovery is the aggregated discovery service.
type discovery struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	server *Server
}

// DeltaAggregatedResources serves Envoy.
func (d discovery) DeltaAggregatedResources(g discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	o := newOrder()
	st, err := d.server.admit(g.Context(), o)
	if err != nil {
		return err
	}
	defer d.server.leave(st)
	return pump(st, g, &delta{stream: st, order: o})
}

// delta is the incremental protocol on one stream.
type delta struct {
	*stream
	order *order
}

func (d *delta) handle(q *discoveryv3.DeltaDiscoveryRequest, now time.Time) error {
	typ := q.GetTypeUrl()
	if err := d.check(q); err != nil {
		return err
	}
	d.introduced(q.GetNode())
	rejected := q.GetErrorDetail() != nil
	if out := d.order.answered(typ, q.GetResponseNonce(), rejected); out != nil {
		if rejected {
			d.rejected(out, q.GetErrorDetail().GetMessage(), now)
		} else {
			d.accepted(out, now)
		}
	}
	d.order.request(subscribing{
		typ: typ, subscribe: q.GetResourceNamesSubscribe(), unsubscribe: q.GetResourceNamesUnsubscribe(),
		initial: q.GetInitialResourceVersions(),
	})
	return nil
}

func (d *delta) check(q *discoveryv3.DeltaDiscoveryRequest) error {
	held, types := 0, 1
	for typ, t := range d.order.types {
		held += len(t.names)
		if t.started && typ != q.GetTypeUrl() {
			types++
		}
	}
	limits := d.server.limits
	if err := limits.checkWord("type URL", q.GetTypeUrl()); err != nil {
		return err
	}
	cost := costOf(q.GetResourceNamesSubscribe()) + costOf(q.GetResourceNamesUnsubscribe())
	claimed := make([]string, 0, len(q.GetInitialResourceVersions()))
	for name, version := range q.GetInitialResourceVersions() {
		if err := limits.checkWord("version", version); err != nil {
			return err
		}
		claimed = append(claimed, name)
		cost += nameOverhead + len(name) + len(version)
	}
	if err := limits.checkNames(0, types, claimed); err != nil {
		return err
	}
	if err := limits.checkNames(0, types, q.GetResourceNamesUnsubscribe()); err != nil {
		return err
	}
	if err := limits.checkNames(held, types, q.GetResourceNamesSubscribe()); err != nil {
		return err
	}
	return d.pay(cost)
}

// pay counts what the names of a request may add to the books of the stream.
// That is more than they do when they come again or go; only when it is too
// much the books are added up. An eighth must be free then, or a client at its
// limit would make us do that for every request.
func (d *delta) pay(more int) error {
	if d.charge(more, 0) {
		return nil
	}
	d.charge(d.order.cost()-d.charged, 0)
	limits := d.server.limits
	if !d.charge(more, limits.NamesPerPod/8) {
		return tooManyNames(limits)
	}
	return nil
}

// cost is what the names take that the proxy asked for or says it has. What it
// has of its plan is not its own doing.
func (o *order) cost() int {
	n := 0
	for _, t := range o.types {
		for name := range t.names {
			n += nameOverhead + len(name)
		}
		for name := range t.asked {
			n += nameOverhead + len(name)
		}
		for name, c := range t.has {
			if c.body == nil {
				n += nameOverhead + len(name) + len(c.version)
			}
		}
	}
	return n
}

func (d *delta) accepted(out *outstanding, now time.Time) {
	d.ledger.acked(out.typ, out.nonce, now)
	if d.view == nil {
		return
	}
	bad, variant := d.server.bad, d.view.variant
	for _, c := range out.changes {
		if c.c != nil && bad.accept(variant, c.c) {
			d.server.wakeAll()
		}
	}
	d.server.goods.accept(variant, out, func(c *content) bool {
		// A response that was refused once is accepted unseen when the same
		// comes again; and nobody's object made the placeholder.
		return bad.holds(variant, c) || placeholderName(routesOf(c.name)) == c.name
	})
	d.server.saveSoon()
}

// rejected finds the guilty resource of a refused response.
func (d *delta) rejected(out *outstanding, words string, now time.Time) {
	d.server.metrics.rejected(out.typ)
	guilty := accused(out.changes, words[:min(len(words), maxHeard)])
	words = clip(words)
	if len(guilty) == 0 || d.view == nil {
		d.ledger.rejected(out.typ, words, "", now)
		d.refusedSome(out.typ, words, nil, now)
		d.log.Warn("proxy rejected a response",
			slog.String("type", short(out.typ)), slog.Int("resources", len(out.changes)), slog.String("words", words))
		if d.view != nil {
			d.order.isolate(out, func(name string) *content { return d.view.substitute(out.typ, name) })
		}
		return
	}
	names := make([]string, len(guilty))
	for i, g := range guilty {
		names[i] = g.name
	}
	d.refusedSome(out.typ, words, names, now)
	for _, g := range guilty {
		d.ledger.rejected(out.typ, words, g.name, now)
		d.condemn(g.c, words, now)
	}
}

// condemn keeps content back: from this proxy alone when others of its workload
// live with it, else from the proxies of its workload, and from all when
// another workload refused it too.
func (st *stream) condemn(c *content, words string, now time.Time) {
	s, variant := st.server, st.view.variant
	var from []mesh.Ref
	if e := st.view.set.get(c.typ, c.name); e != nil {
		from = s.guiltiest(e.from)
	}
	own, others := s.goods.accepted(variant, c)
	v := &verdict{
		Type: c.typ, Name: c.name, Version: c.version, Words: words, Lives: others,
		Proxy: st.proxy.ID, At: now, Blamed: blame(from, st.snap),
	}
	st.log.Warn("proxy rejected a resource", slog.String("proxy", st.proxy.ID), slog.String("type", short(c.typ)),
		slog.String("resource", c.name), slog.Bool("others_accept_it", own || others), slog.String("words", words))
	if !own && s.bad.refuse(variant, v, st.snap) {
		s.wakeAll()
	} else {
		st.view.refuse(v)
	}
	st.engine.changed(c.typ, c.name)
	for _, key := range st.view.lean(st.snap) {
		st.engine.changed(key.typ, key.name)
	}
}

func (d *delta) next(now time.Time) (*discoveryv3.DeltaDiscoveryResponse, bool, time.Time) {
	r := d.order.next(now)
	if r == nil {
		return nil, false, d.order.wake
	}
	m := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: r.typ, Nonce: r.nonce, SystemVersionInfo: d.revision}
	for _, c := range r.changes {
		if c.c == nil {
			m.RemovedResources = append(m.RemovedResources, c.name)
			continue
		}
		m.Resources = append(m.Resources, &discoveryv3.Resource{Name: c.name, Version: c.c.version, Resource: c.c.body})
	}
	size := proto.Size(m)
	d.ledger.sent(r.typ, r.nonce, d.revision, len(m.GetResources()), len(m.GetRemovedResources()), size, now)
	d.server.metrics.sent(r.typ, len(m.GetResources()), size)
	d.sentSome(now)
	return m, true, time.Time{}
}

// configured is false as well while Envoy is still asking: it begins with the
// clusters, also after a return, and says type by type what it has. The change
// may be in what comes last.
func (o *order) configured() bool {
	if o.sub(xds.ClusterType).wildcard && !o.sub(xds.ListenerType).started || !o.followed() {
		return false
	}
	for typ, t := range o.types {
		if t.started && configures(typ) {
			return true
		}
	}
	return false
}

func (o *order) account(l *ledger) {
	for typ, t := range o.types {
		if !t.started {
			continue
		}
		s := l.of(typ)
		s.Wildcard, s.Subscribed, s.Held = t.wildcard, len(t.names), len(t.has)
	}
}

func (o *order) holds(visit func(*content)) {
	for _, t := range o.types {
		for _, c := range t.has {
			visit(c)
		}
	}
}

func (o *order) oldest() time.Time {
	var oldest time.Time
	for _, t := range o.types {
		if t.out != nil && (oldest.IsZero() || t.out.sent.Before(oldest)) {
			oldest = t.out.sent
		}
	}
	return oldest
}
