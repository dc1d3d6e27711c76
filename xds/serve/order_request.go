package serve

import (
	"github.com/heddle-mesh/heddle/xds"
)

// subscribing is the part of a delta request that changes a subscription.
type subscribing struct {
	typ         string
	subscribe   []string
	unsubscribe []string
	// initial is what the proxy has from before this stream: name to version.
	initial map[string]string
}

const wildcard = "*"

// request takes in a subscription. An acknowledgement in the same message is
// handled first, by answered.
func (o *order) request(r subscribing) {
	t := o.sub(r.typ)
	first := !t.started
	if first {
		t.started, t.claimed = true, len(r.initial) > 0
		o.claim(t, r.initial)
		if len(r.subscribe) == 0 && wholeByDefault(r.typ) {
			o.subscribeAll(t, len(r.initial) == 0)
		}
		if r.typ == xds.VirtualHostType {
			o.markAll(t)
		}
	}
	for _, name := range r.unsubscribe {
		o.unsubscribe(t, name)
	}
	for _, name := range r.subscribe {
		if name == wildcard {
			o.subscribeAll(t, len(t.has) == 0)
			continue
		}
		o.subscribe(t, name, first)
	}
}

func (o *order) subscribeAll(t *subscription, empty bool) {
	t.wildcard = true
	// An empty first answer about virtual hosts would never let the listener
	// start; each route configuration has its placeholder instead.
	t.answer = empty && t.typ != xds.VirtualHostType
	o.markAll(t)
}

// claim notes what the proxy says it has.
func (o *order) claim(t *subscription, initial map[string]string) {
	rds := o.sub(xds.RouteType)
	for name, version := range initial {
		if t.typ == xds.VirtualHostType {
			routes := routesOf(name)
			if _, fresh := o.fresh[routes]; fresh || (rds.started && !rds.covers(routes) && o.wanted(t.typ, name)) {
				continue // dropped together with its configuration
			}
		}
		t.has[name] = o.known(t.typ, name, version)
		t.mark(name)
	}
}

func (o *order) wanted(typ, name string) bool {
	if o.want == nil {
		return false
	}
	c, keep := o.want.want(typ, name)
	return c != nil || keep
}

func (o *order) known(typ, name, version string) *content {
	if o.want != nil {
		if c, _ := o.want.want(typ, name); c != nil && c.version == version {
			return c
		}
	}
	return unknownContent(typ, name, version)
}

// subscribe takes in one name. What the proxy has of it from before the stream
// (it says so in the first request of the type) stays; anything else is sent
// again, even if it went before: the proxy may not have listened then.
func (o *order) subscribe(t *subscription, name string, first bool) {
	_, again := t.names[name]
	t.names[name] = struct{}{}
	t.mark(name)
	switch {
	case first:
	case t.typ == xds.EndpointType && !again && t.out.holds(name):
		// It went unasked behind its cluster and is not acknowledged yet: the
		// proxy listened when it arrived.
	default:
		delete(t.has, name)
	}
	if t.has[name] == nil {
		t.asked[name] = struct{}{}
	}
	if t.typ == xds.RouteType {
		if t.has[name] == nil {
			o.forgetHosts(name)
		} else {
			o.markHosts(name)
		}
	}
}

func (o *order) unsubscribe(t *subscription, name string) {
	if name == wildcard {
		t.wildcard = false
		for held := range t.has {
			if !t.covers(held) {
				t.forget(held)
			}
		}
		return
	}
	delete(t.names, name)
	t.forget(name)
	if t.typ == xds.RouteType {
		delete(o.fresh, name)
		o.forgetHosts(name)
	}
	if t.wildcard {
		// The name is still covered, and the proxy has just dropped it: it is
		// to be told what there is.
		t.asked[name] = struct{}{}
		t.mark(name)
	}
}
