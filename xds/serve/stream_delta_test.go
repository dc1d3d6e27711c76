package serve

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/xds"
)

// shop is a service with its cluster, endpoints, virtual host and listener.
func shop() []xds.Part {
	return []xds.Part{
		part(edsCluster("outbound|80||shop", 1e9)), part(assignment("outbound|80||shop", 8080)),
		part(routeConfig("80")), part(virtualHost("80/shop", "shop", "outbound|80||shop")),
		part(listener("0.0.0.0_80", 80)),
	}
}

// start plays Envoy's first moments with the state of shop.
func start(c *client) {
	c.t.Helper()
	c.subscribe(xds.ClusterType)
	cds := c.expect(xds.ClusterType)
	c.subscribe(xds.EndpointType, resourceNames(cds)...)
	c.take(xds.EndpointType)
	c.ack(cds)
	c.subscribe(xds.ListenerType)
	c.take(xds.ListenerType)
	c.subscribe(xds.RouteType, "80")
	c.take(xds.RouteType)
	c.subscribe(xds.VirtualHostType)
	c.take(xds.VirtualHostType)
}

func TestDeltaStart(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	rev := w.set(shop()...)
	c := w.connect("pod-1")
	start(c)
	w.settled(rev)
	c.silent()
	p := w.server.Proxies()
	if len(p) != 1 || p[0].ID != "pod-1.default" || p[0].Revision != rev.String() {
		t.Errorf("proxies: %+v", p)
	}
	held := w.server.Resources("pod-1")
	if len(held[xds.ClusterType]) != 1 || len(held[xds.VirtualHostType]) != 1 {
		t.Errorf("resources: %v", held)
	}
}

// A proxy says once on a stream which version it is.
func TestVersionOfProxy(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	w.set(shop()...)
	c := w.connect("pod-1")
	c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType, Node: &corev3.Node{
		UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
			Version: &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: 40, Patch: 2},
		}},
	}})
	c.ack(c.expect(xds.ClusterType))
	if p := w.server.Proxies(); len(p) != 1 || p[0].Version != "1.40.2" {
		t.Errorf("proxies: %+v", p)
	}
}

// back plays Envoy's return on a new stream: it says what it has, type by type.
func (c *client) back(held map[string][]xds.Resource, types ...string) {
	c.t.Helper()
	for _, typ := range types {
		q := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ, InitialResourceVersions: map[string]string{}}
		for _, r := range held[typ] {
			q.InitialResourceVersions[r.Name] = r.Version
			if typ == xds.EndpointType || typ == xds.RouteType {
				q.ResourceNamesSubscribe = append(q.ResourceNamesSubscribe, r.Name)
			}
		}
		c.send(q)
	}
}

func TestDeltaReconnectSendsNothing(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	rev := w.set(shop()...)
	c := w.connect("pod-1")
	start(c)
	w.settled(rev)
	held := w.server.Resources("pod-1")
	c.cancel()
	eventually(t, "the stream ends", func() bool { return len(w.server.Proxies()) == 0 })

	again := w.connect("pod-1")
	again.back(held, xds.ClusterType, xds.EndpointType, xds.ListenerType, xds.RouteType, xds.VirtualHostType)
	again.silent()
	w.settled(rev)
	var sent Sent
	for _, s := range w.server.Proxies()[0].Types {
		if s.Type != probeType {
			sent.Bytes += s.Sent.Bytes
		}
	}
	if diff := cmp.Diff(Sent{}, sent); diff != "" {
		t.Errorf("sent after the return: %s", diff)
	}
	if got := w.server.Resources("pod-1"); len(got[xds.ClusterType]) != 1 || len(got[xds.EndpointType]) != 1 {
		t.Errorf("what the proxy said it has is not shown: %v", got)
	}
}
