package serve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
)

// script plays an order by hand: what it sends is written as
// "Cluster +name -name".
type script struct {
	t     *testing.T
	order *order
	want  mapWant
	now   time.Time
	sent  map[string]string // type to the nonce that is outstanding
}

func newScript(t *testing.T, want ...*content) *script {
	s := &script{t: t, order: newOrder(), want: mapWant{}, now: time.Unix(1e9, 0), sent: map[string]string{}}
	for _, c := range want {
		s.want[resourceKey{c.typ, c.name}] = c
	}
	s.order.know(s.want)
	return s
}

// change makes contents the wanted ones; unknown content removes a name.
func (s *script) change(contents ...*content) {
	for _, c := range contents {
		key := resourceKey{c.typ, c.name}
		if c.body == nil {
			delete(s.want, key)
		} else {
			s.want[key] = c
		}
	}
	for _, c := range contents {
		s.order.changed(c.typ, c.name)
	}
}

func (s *script) ask(typ string, names ...string) {
	s.order.request(subscribing{typ: typ, subscribe: names})
}

func (s *script) back(typ string, initial map[string]string, names ...string) {
	s.order.request(subscribing{typ: typ, subscribe: names, initial: initial})
}

// expect checks everything that goes now.
func (s *script) expect(lines ...string) {
	s.t.Helper()
	var got []string
	for {
		r := s.order.next(s.now)
		if r == nil {
			break
		}
		line := short(r.typ)
		for _, c := range r.changes {
			if c.c != nil {
				line += " +" + c.name
			} else {
				line += " -" + c.name
			}
		}
		got = append(got, line)
		s.sent[r.typ] = r.nonce
	}
	if diff := cmp.Diff(lines, got); diff != "" {
		s.t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func (s *script) ack(types ...string) {
	s.t.Helper()
	for _, typ := range types {
		if s.order.answered(typ, s.sent[typ], false) == nil {
			s.t.Errorf("%s was not outstanding", short(typ))
		}
	}
}

func make1(typ, name string, f facts) *content { return modelContent(typ, name, 1, f) }

func again(c *content) *content {
	next := *c
	next.version += "'"
	return &next
}

func gone(c *content) *content { return unknownContent(c.typ, c.name, "") }

func eds(name string) *content { return make1(xds.ClusterType, name, facts{endpoints: name}) }
func cla(name string) *content { return make1(xds.EndpointType, name, facts{}) }
func host(name string, clusters ...string) *content {
	return make1(xds.VirtualHostType, name, facts{clusters: clusters, domains: []string{name}})
}
func routes(name string) *content { return make1(xds.RouteType, name, facts{vhds: true}) }
func chain(name string, clusters ...string) *content {
	return make1(xds.ListenerType, name, facts{clusters: clusters})
}

// started is a proxy that has a cluster, a route configuration with one host
// that leads to it, and a listener.
func started(t *testing.T) *script {
	t.Helper()
	s := newScript(t, eds("a"), cla("a"), routes("80"), host("80/a", "a"), chain("80"))
	s.ask(xds.ClusterType)
	s.expect("Cluster +a")
	s.ask(xds.EndpointType, "a")
	s.expect("ClusterLoadAssignment +a")
	s.ack(xds.EndpointType, xds.ClusterType)
	s.ask(xds.ListenerType)
	s.ask(xds.RouteType, "80")
	s.expect("RouteConfiguration +80", "Listener +80")
	s.ask(xds.VirtualHostType)
	s.expect("VirtualHost +80/a")
	s.ack(xds.ListenerType, xds.RouteType, xds.VirtualHostType)
	s.expect()
	if !s.order.quiet() {
		t.Error("not quiet after the start")
	}
	return s
}

func TestOrderNewSubsetGoesInOneBurst(t *testing.T) {
	s := started(t)
	s.change(again(host("80/a", "b")), eds("b"), cla("b"), again(chain("80")))
	s.expect("Cluster +b", "ClusterLoadAssignment +b", "VirtualHost +80/a", "Listener +80")
}

func TestOrderEndpointsFollowEachChangedCluster(t *testing.T) {
	s := started(t)
	s.change(again(eds("a")))
	s.expect("Cluster +a", "ClusterLoadAssignment +a")
	s.ask(xds.EndpointType, "a") // Envoy does not; if one does, it is answered
	s.ack(xds.EndpointType, xds.ClusterType)
	s.change(again(cla("a")))
	s.expect("ClusterLoadAssignment +a")
}

func TestOrderClustersWaitForBothSlots(t *testing.T) {
	s := started(t)
	s.change(again(cla("a")))
	s.expect("ClusterLoadAssignment +a")
	s.change(eds("b"), cla("b"), host("80/b", "b"), host("80/c", "a"))
	s.expect("VirtualHost +80/c") // what needs no new cluster goes on
	s.ack(xds.EndpointType, xds.VirtualHostType)
	s.expect("Cluster +b", "ClusterLoadAssignment +b", "VirtualHost +80/b")
	s.change(eds("c"), cla("c"))
	s.ack(xds.EndpointType)
	s.expect()
	s.ack(xds.ClusterType)
	s.expect("Cluster +c", "ClusterLoadAssignment +c")
}

func TestOrderSubscriptionThatCrossesUnaskedEndpoints(t *testing.T) {
	s := started(t)
	s.change(eds("b"), cla("b"))
	s.expect("Cluster +b", "ClusterLoadAssignment +b")
	s.ask(xds.EndpointType, "b") // before it has answered: it listened
	s.expect()
	s.ack(xds.EndpointType, xds.ClusterType)
	s.expect()

	s.change(eds("c"), cla("c"))
	s.expect("Cluster +c", "ClusterLoadAssignment +c")
	s.ack(xds.EndpointType)
	s.ask(xds.EndpointType, "c") // after its answer: it may not have listened
	s.expect("ClusterLoadAssignment +c")
}

func TestOrderRouteWaitsForClusterThatResolvesNames(t *testing.T) {
	s := started(t)
	dns := make1(xds.ClusterType, "dns", facts{dns: true})
	s.change(dns, host("80/dns", "dns"), host("80/b", "a"))
	s.expect("Cluster +dns", "VirtualHost +80/b")
	s.ack(xds.VirtualHostType)
	s.expect()
	if want := s.now.Add(dnsWait); !s.order.wake.Equal(want) {
		t.Errorf("looks again at %v, want %v", s.order.wake, want)
	}
	s.now = s.now.Add(dnsWait)
	s.expect("VirtualHost +80/dns")
	s.ack(xds.VirtualHostType, xds.ClusterType)

	// Acknowledged in time: at once.
	s.change(make1(xds.ClusterType, "dns2", facts{dns: true}), host("80/dns2", "dns2"))
	s.expect("Cluster +dns2")
	s.ack(xds.ClusterType)
	s.expect("VirtualHost +80/dns2")

	// A change of a cluster that already serves holds nothing up.
	s.ack(xds.VirtualHostType)
	s.change(again(dns), again(host("80/dns", "dns")))
	s.expect("Cluster +dns", "VirtualHost +80/dns")
}

func TestOrderDomainDoesNotLeaveBeforeItsNewHostIsReady(t *testing.T) {
	s := started(t)
	// 80/a loses its domain to 80/new, which waits for a name.
	moved := host("80/new", "dns")
	moved.facts.domains = []string{"80/a"}
	lost := again(host("80/a", "a"))
	lost.facts.domains = []string{"elsewhere"}
	s.change(make1(xds.ClusterType, "dns", facts{dns: true}), moved, lost)
	s.expect("Cluster +dns")
	s.ack(xds.ClusterType)
	s.expect("VirtualHost +80/a +80/new")
}

func TestOrderRemovesClustersLast(t *testing.T) {
	s := started(t)
	s.change(gone(eds("a")), gone(cla("a")), gone(host("80/a")), host("80/b", "b"), eds("b"), cla("b"))
	s.expect("Cluster +b", "ClusterLoadAssignment +b", "VirtualHost -80/a +80/b")
	s.ack(xds.EndpointType, xds.ClusterType)
	s.expect()
	s.ack(xds.VirtualHostType)
	s.expect("Cluster -a")
}

func TestOrderKeepsClustersThatSomethingLeadsTo(t *testing.T) {
	s := started(t)
	s.change(gone(eds("a")), gone(cla("a")))
	s.expect()
	if !s.order.quiet() {
		t.Error("a cluster that stays is nothing to wait for")
	}
	s.change(gone(host("80/a")), host(placeholderName("80")))
	s.expect("VirtualHost -80/a +80/heddle.invalid")
	s.ack(xds.VirtualHostType)
	s.expect("Cluster -a")
}

func TestOrderVirtualHostsOnePerRouteConfiguration(t *testing.T) {
	s := started(t)
	s.ask(xds.RouteType, "90")
	s.change(routes("90"), host("90/a", "a"), host("80/b", "a"))
	s.expect("RouteConfiguration +90", "VirtualHost +80/b")
	s.ack(xds.VirtualHostType)
	s.expect("VirtualHost +90/a")
}

func TestOrderRouteConfigurationSubscribedAnewGetsAllItsHosts(t *testing.T) {
	s := started(t)
	s.order.request(subscribing{typ: xds.RouteType, unsubscribe: []string{"80"}})
	s.expect()
	s.ask(xds.RouteType, "80")
	s.expect("RouteConfiguration +80", "VirtualHost +80/a")
	s.ack(xds.RouteType, xds.VirtualHostType)
	s.change(again(routes("80")))
	s.expect("RouteConfiguration +80") // a mere change keeps them
}

func TestOrderReturnOfAProxy(t *testing.T) {
	s := newScript(t, eds("a"), cla("a"), routes("80"), routes("90"), host("80/a", "a"), host("90/a", "a"), chain("80"))
	s.back(xds.ClusterType, map[string]string{"a": "1", "stale": "1"})
	s.back(xds.EndpointType, map[string]string{"a": "1", "stale": "1"}, "a", "stale")
	s.expect() // whether something leads to the stale one is not known yet
	s.back(xds.ListenerType, map[string]string{"80": "1"})
	// 90 is subscribed anew; its hosts went with it, though the proxy names them.
	s.back(xds.RouteType, map[string]string{"80": "1"}, "80", "90")
	s.expect("RouteConfiguration +90")
	s.back(xds.VirtualHostType, map[string]string{"80/a": "1", "80/stale": "1", "90/a": "1"})
	s.expect("VirtualHost -80/stale")
	s.ack(xds.RouteType, xds.VirtualHostType)
	s.expect("VirtualHost +90/a")
	s.ack(xds.VirtualHostType)
	s.expect("Cluster -stale")
}

func TestOrderAnswersSubscriptions(t *testing.T) {
	s := newScript(t, eds("a"), eds("b"))
	s.ask(xds.ListenerType)
	s.expect("Listener") // nothing, and the proxy hears it
	s.ask(xds.EndpointType, "nobody")
	s.expect("ClusterLoadAssignment -nobody")
	s.ack(xds.EndpointType)
	s.ask(xds.ClusterType, "b")
	s.expect("Cluster +b")
	s.ack(xds.ClusterType)
	s.ask(xds.ClusterType, wildcard)
	s.expect("Cluster +a")
	s.ack(xds.ClusterType)
	// A name given up while everything is asked for is told once more.
	s.order.request(subscribing{typ: xds.ClusterType, unsubscribe: []string{"b"}})
	s.expect("Cluster +b")
	s.ack(xds.ClusterType)
	s.order.request(subscribing{typ: xds.ClusterType, unsubscribe: []string{wildcard}})
	s.change(again(eds("a")), again(eds("b")))
	s.expect()
	// Asked for once more, sent once more.
	s.ask(xds.ClusterType, "a")
	s.expect("Cluster +a")
	s.ack(xds.ClusterType)
	s.ask(xds.ClusterType, "a")
	s.expect("Cluster +a")
}

func TestOrderExtensionsGoOneByOne(t *testing.T) {
	s := started(t)
	ext := func(name string) *content { return make1(xds.ExtensionType, name, facts{}) }
	s.change(ext("x"), ext("y"))
	s.ask(xds.ExtensionType, "x", "y")
	s.expect("TypedExtensionConfig +x")
	s.ack(xds.ExtensionType)
	s.expect("TypedExtensionConfig +y")
	s.ack(xds.ExtensionType)
	// One that goes ends when the proxy has let go of it.
	s.change(gone(ext("x")), again(chain("80")))
	s.expect("Listener +80")
	s.ack(xds.ListenerType)
	s.expect()
	s.ask(xds.ExtensionType, "x")
	s.expect("TypedExtensionConfig -x")
}

func TestOrderCutsResponses(t *testing.T) {
	big := strings.Repeat("x", 400_000)
	s := newScript(t)
	s.ask(xds.ClusterType)
	s.expect("Cluster")
	s.ack(xds.ClusterType)
	s.ask(xds.EndpointType, "none")
	s.expect("ClusterLoadAssignment -none")
	s.ack(xds.EndpointType)
	var all []*content
	for i := range 5 {
		c, e := eds(fmt.Sprint("c", i)), cla(fmt.Sprint("c", i))
		// The endpoints are what is large: they go behind their clusters whole.
		e.body = &anypb.Any{Value: []byte(big)}
		all = append(all, c, e)
	}
	s.change(all...)
	s.expect("Cluster +c0 +c1", "ClusterLoadAssignment +c0 +c1")
	s.ack(xds.EndpointType, xds.ClusterType)
	s.expect("Cluster +c2 +c3", "ClusterLoadAssignment +c2 +c3")
	s.ack(xds.EndpointType, xds.ClusterType)
	s.expect("Cluster +c4", "ClusterLoadAssignment +c4")
}

func TestOrderNewestStateWins(t *testing.T) {
	s := started(t)
	first := again(host("80/a", "a"))
	s.change(first)
	s.expect("VirtualHost +80/a")
	second := again(first)
	s.change(second)
	third := again(second)
	s.change(third)
	s.expect()
	s.ack(xds.VirtualHostType)
	s.expect("VirtualHost +80/a")
	if got := s.order.sub(xds.VirtualHostType).has["80/a"]; got != third {
		t.Errorf("version %s was sent, want %s", got.version, third.version)
	}
	s.ack(xds.VirtualHostType)
	s.expect()
}

func TestOrderStaleNonceAnswersNothing(t *testing.T) {
	s := started(t)
	s.change(again(host("80/a", "a")))
	s.expect("VirtualHost +80/a")
	if s.order.answered(xds.VirtualHostType, "1", false) != nil || s.order.answered(xds.VirtualHostType, "", true) != nil {
		t.Error("a nonce that is not outstanding was taken for an answer")
	}
}
