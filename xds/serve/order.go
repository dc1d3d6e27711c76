package serve

import (
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/heddle-mesh/heddle/xds"
)

const (
	// maxResponse is where responses are cut, in bytes.
	maxResponse = 1 << 20
	// dnsWait bounds how long a route waits for a cluster that resolves names.
	dnsWait = 5 * time.Second
)

// desired is what one proxy should have.
type desired interface {
	// want is the content of a name. Without content, keep says whether the
	// proxy may go on with what it has: nobody knows better at present.
	want(typ, name string) (c *content, keep bool)
	// all lists the names of a type.
	all(typ string) iter.Seq[string]
	// hosts lists the virtual hosts of a route configuration, the placeholder
	// first.
	hosts(routes string) iter.Seq[string]
}

// order decides what one delta stream sends next. It is a state machine without
// clock and without I/O: requests, changes and the time go in, one response at
// a time comes out.
//
// The rules, each with its reason in the design:
//
//   - one outstanding response per type;
//   - clusters go when the slots of clusters and endpoints are both free, and
//     their endpoints directly behind them, unasked;
//   - what leads to a cluster goes behind the cluster's endpoints, in the same
//     burst; where the cluster must resolve names, after its acknowledgement;
//   - a cluster is removed by a later response, when every change of routes and
//     listeners before it is acknowledged and nothing leads to it any more;
//   - discovered filters go one per response, virtual hosts one response per
//     route configuration.
type order struct {
	types map[string]*subscription
	want  desired // nil as long as nobody knows what the proxy should have
	nonce uint64

	// force are endpoints that go again because their cluster went.
	force map[string]struct{}
	// fresh are route configurations that were first sent on this stream: what
	// the proxy says it has of their hosts, it has dropped.
	fresh map[string]struct{}
	// blocked are clusters to be removed that something still leads to.
	blocked map[string]struct{}

	wake time.Time // when to look again although nothing happened; zero is never
}

func newOrder() *order {
	return &order{
		types: map[string]*subscription{},
		force: map[string]struct{}{}, fresh: map[string]struct{}{}, blocked: map[string]struct{}{},
	}
}

func (o *order) sub(typ string) *subscription {
	t := o.types[typ]
	if t == nil {
		t = newSubscription(typ)
		o.types[typ] = t
	}
	return t
}

// know sets what the proxy should have, for the first time.
func (o *order) know(d desired) {
	o.want = d
	for _, t := range o.types {
		o.markAll(t)
	}
}

// changed says that the content of a name may differ from before.
func (o *order) changed(typ, name string) {
	o.sub(typ).mark(name)
	switch typ {
	case xds.VirtualHostType:
		o.sub(typ).mark(placeholderName(routesOf(name)))
	case xds.ClusterType, xds.RouteType, xds.ListenerType:
		o.unblock()
	}
}

func (o *order) unblock() {
	cds := o.sub(xds.ClusterType)
	for name := range o.blocked {
		cds.mark(name)
	}
	clear(o.blocked)
}

func (o *order) markAll(t *subscription) {
	if !t.started {
		return
	}
	for name := range t.has {
		t.mark(name)
	}
	for name := range t.asked {
		t.mark(name)
	}
	if o.want == nil {
		return
	}
	if t.wildcard {
		for name := range o.want.all(t.typ) {
			t.mark(name)
		}
	}
	for name := range t.names {
		t.mark(name)
	}
	if t.typ == xds.VirtualHostType {
		for routes := range o.sub(xds.RouteType).has {
			o.markHosts(routes)
		}
	}
}

func (o *order) markHosts(routes string) {
	vhds := o.sub(xds.VirtualHostType)
	for name := range vhds.has {
		if routesOf(name) == routes {
			vhds.mark(name)
		}
	}
	if o.want == nil {
		return
	}
	for name := range o.want.hosts(routes) {
		vhds.mark(name)
	}
}

// forgetHosts: the proxy drops the hosts of a route configuration with it.
func (o *order) forgetHosts(routes string) {
	vhds := o.sub(xds.VirtualHostType)
	for _, known := range []map[string]*content{vhds.has, vhds.restore} {
		for name := range known {
			if routesOf(name) == routes {
				vhds.forget(name)
			}
		}
	}
}

// quiet reports that the proxy has acknowledged everything that it should have.
func (o *order) quiet() bool {
	for _, t := range o.types {
		if !t.quiet() {
			return false
		}
	}
	return len(o.force) == 0 || !o.sub(xds.EndpointType).started
}

// answered handles the acknowledgement (or rejection) of a nonce. It gives the
// response that was meant, nil for a nonce that is not the outstanding one.
func (o *order) answered(typ, nonce string, rejected bool) *outstanding {
	t := o.sub(typ)
	if t.out == nil || nonce == "" || t.out.nonce != nonce {
		return nil
	}
	out := t.out
	t.out = nil
	for _, c := range out.changes {
		if !out.restores {
			delete(t.single, c.name)
		}
		if !rejected {
			continue
		}
		if c.c == nil {
			continue // a refused removal is not repeated
		}
		// Some types take the good resources of a refused response, others
		// take none: from here on nobody knows what the proxy holds.
		_, fresh := out.fresh[c.name]
		if !t.covers(c.name) || (fresh && typ == xds.RouteType) {
			delete(t.has, c.name)
		} else {
			t.has[c.name] = unknownContent(typ, c.name, "")
		}
		if t.covers(c.name) {
			t.mark(c.name)
		}
	}
	if typ == xds.RouteType || typ == xds.VirtualHostType || typ == xds.ListenerType {
		o.unblock()
	}
	return out
}

// isolate sends the resources of a rejected response one by one, after what
// was accepted under these names before is put back.
func (o *order) isolate(out *outstanding, good func(name string) *content) {
	t := o.sub(out.typ)
	for _, c := range out.changes {
		if c.c == nil || !t.covers(c.name) {
			continue
		}
		t.single[c.name] = struct{}{}
		if g := good(c.name); g != nil && g.version != c.c.version {
			t.restore[c.name] = g
		}
	}
}

// next is the response that goes now, or nil. It is to be called again after
// everything that happens, and at o.wake.
func (o *order) next(now time.Time) *response {
	o.wake = time.Time{}
	if o.want == nil {
		return nil
	}
	for _, step := range []func(time.Time) *response{
		o.plain(xds.SecretType), o.addClusters, o.endpoints, o.extensions,
		o.routes, o.virtualHosts, o.listeners, o.dropClusters, o.rest,
	} {
		if r := step(now); r != nil {
			return r
		}
	}
	return nil
}

// due is what a name lacks. What is not due is not looked at again before it
// changes.
func (o *order) due(t *subscription, name string) (change, bool) {
	if g := t.restore[name]; g != nil {
		return change{name, g}, true
	}
	_, asked := t.asked[name]
	if t.covers(name) {
		c, keep := o.want.want(t.typ, name)
		has := t.has[name]
		switch {
		case c != nil && (has == nil || has.version != c.version):
			return change{name, c}, true
		case c == nil && has == nil && asked:
			return change{name, nil}, true
		case c == nil && has != nil && !keep && (asked || !endsByUnsubscribing(t.typ)):
			return change{name, nil}, true
		case c != nil:
			t.has[name] = c // the proxy's own word said the same version
		}
	}
	delete(t.dirty, name)
	delete(t.asked, name)
	delete(t.single, name)
	return change{}, false
}

// gather lists what is due and allowed now, up to the size of a response.
func (o *order) gather(t *subscription, allow func(change) bool) []change {
	for _, b := range t.batches() {
		var changes []change
		size := 0
		for _, name := range b.names {
			c, due := o.due(t, name)
			if !due || (allow != nil && !allow(c)) {
				continue
			}
			size += o.weight(c)
			if len(changes) > 0 && (size > maxResponse || b.alone) {
				break
			}
			changes = append(changes, c)
		}
		if len(changes) > 0 {
			return changes
		}
	}
	return nil
}

// weight of a change in its response; a cluster weighs as much as its
// endpoints, which go in one response behind it.
func (o *order) weight(c change) int {
	if c.c == nil {
		return len(c.name)
	}
	size := c.c.size()
	if name := c.c.facts.endpoints; name != "" {
		if e, _ := o.want.want(xds.EndpointType, name); e != nil {
			size = max(size, e.size())
		}
	}
	return size
}

// send notes that the changes go out.
func (o *order) send(t *subscription, changes []change, now time.Time) *response {
	o.nonce++
	r := response{typ: t.typ, nonce: strconv.FormatUint(o.nonce, 10), changes: changes}
	out := &outstanding{response: r, sent: now, fresh: map[string]struct{}{}}
	for _, c := range changes {
		if t.restore[c.name] != nil {
			delete(t.restore, c.name) // and look at it again: it is not what is wanted
			out.restores = true
		} else {
			delete(t.dirty, c.name)
		}
		delete(t.asked, c.name)
		old := t.has[c.name]
		if c.c == nil {
			delete(t.has, c.name)
			continue
		}
		if old == nil {
			out.fresh[c.name] = struct{}{}
		}
		t.has[c.name] = c.c
		switch t.typ {
		case xds.ClusterType:
			if name := c.c.facts.endpoints; name != "" {
				o.force[name] = struct{}{}
			}
		case xds.RouteType:
			if c.c.facts.vhds && (old == nil || (old.body != nil && !old.facts.vhds)) {
				o.fresh[c.name] = struct{}{}
				o.forgetHosts(c.name)
				o.markHosts(c.name)
			}
		}
	}
	t.answer = false
	t.out = out
	return &r
}

// plain types have no order of their own.
func (o *order) plain(typ string) func(time.Time) *response {
	return func(now time.Time) *response { return o.simple(typ, now, nil) }
}

func (o *order) simple(typ string, now time.Time, allow func(change) bool) *response {
	t := o.sub(typ)
	if !t.started || !t.free() {
		return nil
	}
	if changes := o.gather(t, allow); len(changes) > 0 {
		return o.send(t, changes, now)
	}
	if t.answer && len(t.dirty) == 0 {
		return o.send(t, nil, now)
	}
	return nil
}

func (o *order) addClusters(now time.Time) *response {
	if !o.sub(xds.EndpointType).free() {
		return nil
	}
	cds := o.sub(xds.ClusterType)
	return o.simple(xds.ClusterType, now, func(c change) bool { return c.c != nil || cds.has[c.name] == nil })
}

// endpoints sends what clusters just sent wait for, whole, and what else
// changed as far as it fits.
func (o *order) endpoints(now time.Time) *response {
	eds := o.sub(xds.EndpointType)
	if !eds.started || !eds.free() {
		return nil
	}
	var changes []change
	size := 0
	for _, name := range slices.Sorted(maps.Keys(o.force)) {
		delete(o.force, name)
		c, _ := o.want.want(xds.EndpointType, name)
		if c == nil {
			// The cluster is about to go, but it warms now, and nothing else of
			// its type is acknowledged before it is warm.
			if c = eds.has[name]; c != nil && c.body == nil {
				c = nil
			}
		}
		if c != nil {
			size += c.size()
		} else if !eds.covers(name) {
			continue
		}
		changes = append(changes, change{name, c})
	}
	forced := len(changes)
	for _, c := range o.gather(eds, nil) {
		_, found := slices.BinarySearchFunc(changes[:forced], c.name, compareChange)
		if found {
			continue
		}
		if size += o.weight(c); len(changes) > 0 && size > maxResponse {
			break
		}
		changes = append(changes, c)
	}
	if len(changes) == 0 {
		return nil
	}
	slices.SortFunc(changes, func(a, b change) int { return compareChange(a, b.name) })
	return o.send(eds, changes, now)
}

// extensions go one by one: a bad one takes all others of its response with it,
// and is accepted unseen when the same response comes again.
func (o *order) extensions(now time.Time) *response {
	t := o.sub(xds.ExtensionType)
	if !t.started || !t.free() {
		return nil
	}
	changes := o.gather(t, nil)
	if len(changes) == 0 {
		return nil
	}
	return o.send(t, changes[:1], now)
}

func (o *order) routes(now time.Time) *response {
	return o.simple(xds.RouteType, now, func(c change) bool { return o.ready(c, now) })
}

func (o *order) listeners(now time.Time) *response {
	return o.simple(xds.ListenerType, now, func(c change) bool { return o.ready(c, now) })
}

// rest is every type that has no step of its own.
func (o *order) rest(now time.Time) *response {
	for _, typ := range slices.Sorted(maps.Keys(o.types)) {
		switch typ {
		case xds.SecretType, xds.ClusterType, xds.EndpointType, xds.ExtensionType,
			xds.RouteType, xds.VirtualHostType, xds.ListenerType:
			continue
		}
		if r := o.simple(typ, now, nil); r != nil {
			return r
		}
	}
	return nil
}

// ready reports whether everything that a route or listener leads to can take
// its traffic.
func (o *order) ready(c change, now time.Time) bool {
	if c.c == nil {
		return true
	}
	cds, eds := o.sub(xds.ClusterType), o.sub(xds.EndpointType)
	if !cds.started {
		return true
	}
	for _, name := range c.c.facts.clusters {
		w, _ := o.want.want(xds.ClusterType, name)
		if w == nil || !cds.covers(name) {
			continue // static, asked for on demand, or not there: waiting changes nothing
		}
		if cds.has[name] == nil {
			return false
		}
		if e := w.facts.endpoints; e != "" {
			if c, _ := o.want.want(xds.EndpointType, e); c != nil && eds.has[e] == nil {
				return false
			}
		}
		if w.facts.dns && cds.out != nil {
			if _, fresh := cds.out.fresh[name]; fresh {
				if until := cds.out.sent.Add(dnsWait); now.Before(until) {
					o.wakeAt(until)
					return false
				}
			}
		}
	}
	return true
}

func (o *order) wakeAt(t time.Time) {
	if o.wake.IsZero() || t.Before(o.wake) {
		o.wake = t
	}
}

// dropClusters removes clusters once nothing can lead to them any more.
func (o *order) dropClusters(now time.Time) *response {
	cds := o.sub(xds.ClusterType)
	eds := o.sub(xds.EndpointType)
	if !cds.started || !cds.free() || !eds.free() || len(cds.dirty) == 0 || !o.usersKnown() {
		return nil
	}
	gone := map[string]struct{}{}
	for _, name := range slices.Sorted(maps.Keys(cds.dirty)) {
		if c, due := o.due(cds, name); due && c.c == nil {
			gone[name] = struct{}{}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	for _, typ := range []string{xds.RouteType, xds.VirtualHostType, xds.ListenerType} {
		for _, c := range o.sub(typ).has {
			for _, name := range c.facts.clusters {
				if _, ok := gone[name]; ok {
					delete(gone, name)
					delete(cds.dirty, name)
					o.blocked[name] = struct{}{}
				}
			}
		}
	}
	var changes []change
	size := 0
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		if size += len(name); len(changes) > 0 && size > maxResponse {
			break
		}
		changes = append(changes, change{name: name})
	}
	if len(changes) == 0 {
		return nil
	}
	for _, c := range changes {
		if e := cds.has[c.name].facts.endpoints; e != "" {
			delete(o.force, e)
			if !eds.covers(e) {
				eds.forget(e) // went unasked, goes with its cluster
			}
		}
	}
	return o.send(cds, changes, now)
}

// usersKnown reports whether everything that the proxy leads to clusters with is
// known and acknowledged. After a return, the proxy's word on its clusters comes
// before that on its listeners and routes.
func (o *order) usersKnown() bool {
	cds, lds, rds, vhds := o.sub(xds.ClusterType), o.sub(xds.ListenerType), o.sub(xds.RouteType), o.sub(xds.VirtualHostType)
	if !lds.quiet() || !rds.quiet() || !vhds.quiet() {
		return false
	}
	return (lds.started || !cds.claimed) && o.followed()
}

// followed reports whether the proxy has asked for what its listeners and route
// configurations name.
func (o *order) followed() bool {
	rds, vhds := o.sub(xds.RouteType), o.sub(xds.VirtualHostType)
	for _, l := range o.sub(xds.ListenerType).has {
		for _, routes := range l.facts.routes {
			if !rds.covers(routes) {
				return false
			}
		}
	}
	for _, r := range rds.has {
		if r.facts.vhds && !vhds.started {
			return false
		}
	}
	return true
}
