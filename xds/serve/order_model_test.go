package serve

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/xds"
)

// modelEnvoy behaves as Envoy was measured to: clusters warm only when their
// endpoints come after them, and the response is acknowledged only then; route
// configurations are asked for when a listener names them and are dropped, with
// their hosts, when none does; hosts of an unknown configuration are dropped.
type modelEnvoy struct {
	t     *rapid.T
	order *order
	now   time.Time

	wire    []*response // on their way to the proxy
	back    []func()    // on their way to the server
	waiting []*response // cluster responses that warm

	asked     map[string]bool // types
	has       map[string]map[string]*content
	warm      map[string]bool // clusters
	endpoints map[string]bool // subscribed
	routes    map[string]bool // subscribed
	pending   map[string]int
}

func newModelEnvoy(t *rapid.T) *modelEnvoy {
	m := &modelEnvoy{t: t, now: time.Unix(1e9, 0), has: map[string]map[string]*content{}, warm: map[string]bool{}, routes: map[string]bool{}}
	for _, typ := range xds.Types {
		m.has[typ] = map[string]*content{}
	}
	m.endpoints = map[string]bool{}
	return m
}

// connect opens a stream. What the model has from before it says.
func (m *modelEnvoy) connect(want mapWant) {
	m.order = newOrder()
	m.order.know(want)
	m.wire, m.back, m.waiting, m.pending = nil, nil, nil, map[string]int{}
	m.asked = map[string]bool{}
	for name := range m.has[xds.ClusterType] {
		m.warm[name] = true
	}
	m.ask(xds.ClusterType, nil)
	if len(m.endpoints) > 0 {
		m.ask(xds.EndpointType, slices.Sorted(maps.Keys(m.endpoints)))
	}
	m.ask(xds.ListenerType, nil)
	if len(m.routes) > 0 {
		m.ask(xds.RouteType, slices.Sorted(maps.Keys(m.routes)))
	}
	if len(m.has[xds.RouteType]) > 0 {
		m.ask(xds.VirtualHostType, nil)
	}
}

func (m *modelEnvoy) ask(typ string, names []string) {
	r := subscribing{typ: typ, subscribe: names}
	if !m.asked[typ] {
		r.initial = map[string]string{}
		for name, c := range m.has[typ] {
			r.initial[name] = c.version
		}
	}
	m.asked[typ] = true
	o := m.order
	m.back = append(m.back, func() { o.request(r) })
}

func (m *modelEnvoy) unsubscribe(typ, name string) {
	o := m.order
	m.back = append(m.back, func() { o.request(subscribing{typ: typ, unsubscribe: []string{name}}) })
}

func (m *modelEnvoy) ack(r *response) {
	o := m.order
	m.back = append(m.back, func() {
		m.pending[r.typ]--
		if o.answered(r.typ, r.nonce, false) == nil {
			m.t.Fatalf("acknowledgement of %s %s was not expected", short(r.typ), r.nonce)
		}
	})
}

// pull takes one response from the server onto the wire.
func (m *modelEnvoy) pull() bool {
	r := m.order.next(m.now)
	if r == nil {
		return false
	}
	if m.pending[r.typ]++; m.pending[r.typ] > 1 {
		m.t.Fatalf("two outstanding responses of %s", short(r.typ))
	}
	if r.typ == xds.ClusterType {
		adds := slices.ContainsFunc(r.changes, func(c change) bool { return c.c != nil })
		drops := slices.ContainsFunc(r.changes, func(c change) bool { return c.c == nil })
		if adds && drops {
			m.t.Fatalf("clusters added and removed in one response: %v", r.changes)
		}
		if m.pending[xds.EndpointType] > 0 {
			m.t.Fatalf("clusters sent while endpoints are outstanding")
		}
	}
	m.wire = append(m.wire, r)
	return true
}

// receive lets the proxy handle the oldest response on the wire.
func (m *modelEnvoy) receive() bool {
	if len(m.wire) == 0 {
		return false
	}
	r := m.wire[0]
	m.wire = m.wire[1:]
	if !m.asked[r.typ] {
		m.t.Fatalf("%s before the proxy asked for the type: it is dropped without an answer", short(r.typ))
	}
	switch r.typ {
	case xds.ClusterType:
		m.clusters(r)
		return true
	case xds.EndpointType:
		for _, c := range r.changes {
			if !m.endpoints[c.name] {
				continue
			}
			m.warm[c.name] = true // also when it hears that there are none
			if c.c != nil {
				m.has[r.typ][c.name] = c.c
			}
		}
	case xds.ListenerType:
		m.listeners(r)
	case xds.RouteType:
		for _, c := range r.changes {
			if c.c != nil && m.routes[c.name] {
				m.has[r.typ][c.name] = c.c
			}
		}
		if !m.asked[xds.VirtualHostType] {
			m.ask(xds.VirtualHostType, nil)
		}
	case xds.VirtualHostType:
		m.hosts(r)
	}
	m.ack(r)
	m.warmed()
	return true
}

func (m *modelEnvoy) clusters(r *response) {
	var subscribe []string
	for _, c := range r.changes {
		if c.c == nil {
			for _, typ := range []string{xds.VirtualHostType, xds.ListenerType} {
				for _, user := range m.has[typ] {
					if slices.Contains(user.facts.clusters, c.name) {
						m.t.Fatalf("cluster %s removed while %s leads to it", c.name, user.name)
					}
				}
			}
			delete(m.has[r.typ], c.name)
			delete(m.has[xds.EndpointType], c.name)
			delete(m.endpoints, c.name)
			m.unsubscribe(xds.EndpointType, c.name)
			continue
		}
		m.has[r.typ][c.name] = c.c
		m.warm[c.name] = c.c.facts.endpoints == ""
		if e := c.c.facts.endpoints; e != "" && !m.endpoints[e] {
			m.endpoints[e] = true
			subscribe = append(subscribe, e)
		}
	}
	if len(subscribe) > 0 {
		m.ask(xds.EndpointType, subscribe)
	}
	m.waiting = append(m.waiting, r)
	m.warmed()
}

func (m *modelEnvoy) warmed() {
	m.waiting = slices.DeleteFunc(m.waiting, func(r *response) bool {
		for _, c := range r.changes {
			if c.c != nil && !m.warm[c.name] {
				return false
			}
		}
		m.ack(r)
		return true
	})
}

func (m *modelEnvoy) listeners(r *response) {
	for _, c := range r.changes {
		if c.c != nil {
			m.leads(c.c)
			m.has[r.typ][c.name] = c.c
		} else {
			delete(m.has[r.typ], c.name)
		}
	}
	named := map[string]bool{}
	for name := range m.has[r.typ] {
		if routes, ok := strings.CutPrefix(name, "http-"); ok {
			named[routes] = true
		}
	}
	for _, routes := range slices.Sorted(maps.Keys(named)) {
		if !m.routes[routes] {
			m.routes[routes] = true
			m.ask(xds.RouteType, []string{routes})
		}
	}
	for _, routes := range slices.Sorted(maps.Keys(m.routes)) {
		if named[routes] {
			continue
		}
		delete(m.routes, routes)
		delete(m.has[xds.RouteType], routes)
		m.unsubscribe(xds.RouteType, routes)
		// Envoy drops the hosts with their configuration, but still names them
		// after a reconnect: they stay in the model as ghosts.
		for name, c := range m.has[xds.VirtualHostType] {
			if routesOf(name) == routes {
				m.has[xds.VirtualHostType][name] = unknownContent(c.typ, c.name, c.version)
			}
		}
	}
}

func (m *modelEnvoy) hosts(r *response) {
	in := map[string]bool{}
	for _, c := range r.changes {
		routes := routesOf(c.name)
		in[routes] = true
		switch {
		case c.c == nil:
			delete(m.has[r.typ], c.name)
		case m.has[xds.RouteType][routes] != nil:
			m.leads(c.c)
			m.has[r.typ][c.name] = c.c
		}
	}
	if len(in) > 1 {
		m.t.Fatalf("hosts of several route configurations in one response: %v", slices.Sorted(maps.Keys(in)))
	}
}

// leads checks that everything a route leads to is there to take its traffic.
func (m *modelEnvoy) leads(c *content) {
	for _, name := range c.facts.clusters {
		cluster := m.has[xds.ClusterType][name]
		if cluster == nil {
			m.t.Fatalf("%s %s leads to %s, which the proxy does not have", short(c.typ), c.name, name)
		}
		if e := cluster.facts.endpoints; e != "" && m.has[xds.EndpointType][e] == nil {
			m.t.Fatalf("%s %s leads to %s, which has no endpoints", short(c.typ), c.name, name)
		}
	}
}

// alive is what the proxy works with.
func (m *modelEnvoy) alive() map[resourceKey]string {
	all := map[resourceKey]string{}
	for typ, of := range m.has {
		for name, c := range of {
			if c.body != nil {
				all[resourceKey{typ, name}] = c.version
			}
		}
	}
	return all
}

func modelContent(typ, name string, version int, f facts) *content {
	return &content{typ: typ, name: name, version: fmt.Sprint(version), body: &anypb.Any{}, facts: f}
}

// modelMesh draws a state that hangs together.
func modelMesh(t *rapid.T, into mapWant) {
	clear(into)
	versions := rapid.IntRange(0, 2)
	put := func(c *content) { into[resourceKey{c.typ, c.name}] = c }
	var clusters []string
	for i := range 5 {
		if !rapid.Bool().Draw(t, "cluster") {
			continue
		}
		name := fmt.Sprint("c", i)
		clusters = append(clusters, name)
		f := facts{}
		if i < 4 {
			f.endpoints = name
			put(modelContent(xds.EndpointType, name, versions.Draw(t, "endpoints"), facts{}))
		}
		put(modelContent(xds.ClusterType, name, versions.Draw(t, "cluster version"), f))
	}
	target := func() []string {
		if len(clusters) == 0 {
			return nil
		}
		return []string{rapid.SampledFrom(clusters).Draw(t, "target")}
	}
	// The version of what leads somewhere says where, as content does.
	leading := func(typ, name string) {
		to := target()
		v := versions.Draw(t, "version") * 10
		for _, c := range to {
			v += int(c[1] - '0' + 1)
		}
		put(modelContent(typ, name, v, facts{clusters: to}))
	}
	for _, routes := range []string{"80", "in|81"} {
		if !rapid.Bool().Draw(t, "listener") {
			continue
		}
		put(modelContent(xds.ListenerType, "http-"+routes, versions.Draw(t, "listener version"), facts{routes: []string{routes}}))
		put(modelContent(xds.RouteType, routes, versions.Draw(t, "routes version"), facts{vhds: true}))
		hosts := 0
		for _, h := range []string{"/a", "/b", "/c"} {
			if rapid.Bool().Draw(t, "host") {
				leading(xds.VirtualHostType, routes+h)
				hosts++
			}
		}
		if hosts == 0 {
			put(modelContent(xds.VirtualHostType, placeholderName(routes), 0, facts{}))
		}
	}
	if rapid.Bool().Draw(t, "tcp listener") {
		leading(xds.ListenerType, "tcp")
	}
}

func TestOrderKeepsItsRulesWithAModelOfEnvoy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := mapWant{}
		modelMesh(t, want)
		m := newModelEnvoy(t)
		m.connect(want)
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"pull", "pull", "receive", "receive", "answer", "answer", "change", "reconnect"}).Draw(t, "step") {
			case "pull":
				m.pull()
			case "receive":
				m.receive()
			case "answer":
				if len(m.back) > 0 {
					m.back[0]()
					m.back = m.back[1:]
				}
			case "change":
				before := maps.Clone(want)
				modelMesh(t, want)
				for _, key := range slices.SortedFunc(maps.Keys(want), compareKey) {
					if old := before[key]; old == nil || old.version != want[key].version {
						m.order.changed(key.typ, key.name)
					}
				}
				for _, key := range slices.SortedFunc(maps.Keys(before), compareKey) {
					if want[key] == nil {
						m.order.changed(key.typ, key.name)
					}
				}
			case "reconnect":
				m.connect(want)
			}
		}
		for moved := true; moved; {
			moved = m.pull()
			moved = m.receive() || moved
			if len(m.back) > 0 {
				m.back[0]()
				m.back = m.back[1:]
				moved = true
			}
		}
		if !m.order.quiet() {
			for typ, sub := range m.order.types {
				if !sub.quiet() {
					t.Errorf("%s: out %v, dirty %v, answer %v", short(typ), sub.out, sub.dirty, sub.answer)
				}
			}
			t.Fatalf("not quiet at the end; forced %v", m.order.force)
		}
		wanted := map[resourceKey]string{}
		for key, c := range want {
			wanted[key] = c.version
		}
		if diff := cmp.Diff(wanted, m.alive(), cmp.AllowUnexported(resourceKey{})); diff != "" {
			t.Fatalf("the proxy does not have what it should:\n%s", diff)
		}
	})
}
