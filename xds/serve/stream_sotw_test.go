package serve

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/xds"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	heddle "github.com/heddle-mesh/heddle/xds"
)

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// greeter is a gRPC backend that says which one it is by its health.
func greeter(t *testing.T, says healthv1.HealthCheckResponse_ServingStatus) uint32 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := health.NewServer()
	h.SetServingStatus("", says)
	g := grpc.NewServer()
	healthv1.RegisterHealthServer(g, h)
	done := make(chan error, 1)
	go func() { done <- g.Serve(l) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
			t.Errorf("backend: %v", err)
		}
	})
	return uint32(l.Addr().(*net.TCPAddr).Port)
}

// manager of HTTP connections by a route configuration.
func manager(t testing.TB, routes string) *anypb.Any {
	t.Helper()
	return pack(t, &hcmv3.HttpConnectionManager{
		StatPrefix:     routes,
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: routes, ConfigSource: adsSource()}},
		HttpFilters:    []*hcmv3.HttpFilter{{Name: "router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(t, &routerv3.Router{})}}},
	})
}

// grpcShop is what a gRPC client needs for xds:///shop, split between two
// clusters, beside much that it does not ask for.
func grpcShop(t *testing.T, one, two, v1, v2 uint32) []heddle.Part {
	t.Helper()
	host := virtualHost("grpc/shop", "shop", "unused")
	host.Routes[0].Match = &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: ""}}
	host.Routes[0].Action = &routev3.Route_Route{Route: &routev3.RouteAction{
		ClusterSpecifier: &routev3.RouteAction_WeightedClusters{WeightedClusters: &routev3.WeightedCluster{
			Clusters: []*routev3.WeightedCluster_ClusterWeight{
				{Name: "v1", Weight: wrapperspb.UInt32(one)}, {Name: "v2", Weight: wrapperspb.UInt32(two)},
			},
		}},
	}}
	api := &listenerv3.Listener{Name: "shop", ApiListener: &listenerv3.ApiListener{ApiListener: manager(t, "grpc")}}
	parts := append(shop(), part(api), part(routeConfig("grpc")), part(host))
	for name, port := range map[string]uint32{"v1": v1, "v2": v2} {
		cla := assignment(name, port)
		cla.Endpoints[0].LoadBalancingWeight = wrapperspb.UInt32(1)
		parts = append(parts, part(edsCluster(name, time.Second)), part(cla))
	}
	return parts
}

func TestGRPCClientFollowsAWeightChange(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Anonymous = true })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- w.grpc.Serve(l) }()
	t.Cleanup(func() {
		w.stop()
		<-served
	})
	v1, v2 := greeter(t, healthv1.HealthCheckResponse_SERVING), greeter(t, healthv1.HealthCheckResponse_NOT_SERVING)
	w.set(grpcShop(t, 95, 5, v1, v2)...)

	bootstrap := fmt.Sprintf(`{"xds_servers":[{"server_uri":%q,"channel_creds":[{"type":"insecure"}],"server_features":["xds_v3"]}],"node":{"id":"grpc"}}`, l.Addr().String())
	resolver, err := xds.NewXDSResolverWithConfigForTesting([]byte(bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	c, err := grpc.NewClient("xds:///shop", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithResolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	// share of 200 calls that v1 answered; a share of 5 or 95 in 100 strays over
	// the bounds below less than once in a million runs.
	share := func() int {
		first := 0
		for range 200 {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			r, err := healthv1.NewHealthClient(c).Check(ctx, &healthv1.HealthCheckRequest{})
			cancel()
			if err != nil {
				t.Fatalf("call: %v", err)
			}
			if r.GetStatus() == healthv1.HealthCheckResponse_SERVING {
				first++
			}
		}
		return first
	}
	if got := share(); got < 160 {
		t.Errorf("weights 95/5: the first cluster answered %d of 200", got)
	}
	w.settled(w.set(grpcShop(t, 5, 95, v1, v2)...))
	eventually(t, "the other cluster answers", func() bool { return share() < 40 })
	if f := w.server.Findings(); len(f) > 0 {
		t.Errorf("findings: %v", f)
	}
	p := w.server.Proxies()[0]
	for _, s := range p.Types {
		if s.Rejected.Count > 0 {
			t.Errorf("%s was rejected: %s", s.Type, s.Rejected.Words)
		}
	}
	for _, r := range w.server.Resources(p.UID)[heddle.ClusterType] {
		if r.Name == "outbound|80||shop" {
			t.Error("the client got a cluster that it did not ask for")
		}
	}
}

// wholeClient is a state-of-the-world client played by hand.
type wholeClient struct {
	t      testing.TB
	stream grpc.BidiStreamingClient[discoveryv3.DiscoveryRequest, discoveryv3.DiscoveryResponse]
	in     chan *discoveryv3.DiscoveryResponse
	cancel context.CancelFunc
}

func (w *world) connectWhole(uid string) *wholeClient {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(w.dial(uid)).StreamAggregatedResources(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &wholeClient{t: w.t, stream: stream, in: make(chan *discoveryv3.DiscoveryResponse), cancel: cancel}
	go func() {
		defer close(c.in)
		for {
			r, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case c.in <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	w.t.Cleanup(cancel)
	return c
}

func (c *wholeClient) send(q *discoveryv3.DiscoveryRequest) {
	c.t.Helper()
	if err := c.stream.Send(q); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wholeClient) expect(typ string, resources int) *discoveryv3.DiscoveryResponse {
	c.t.Helper()
	select {
	case r := <-c.in:
		if r.GetTypeUrl() != typ || len(r.GetResources()) != resources {
			c.t.Fatalf("got %s with %d resources, want %s with %d", short(r.GetTypeUrl()), len(r.GetResources()), short(typ), resources)
		}
		return r
	case <-time.After(patience):
		c.t.Fatalf("no %s came", short(typ))
	}
	return nil
}

func TestStateOfTheWorld(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	cart := []heddle.Part{part(edsCluster("cart", time.Second)), part(assignment("cart", 1))}
	w.set(append(shop(), cart...)...)
	c := w.connectWhole("pod-1")
	ask := func(r *discoveryv3.DiscoveryResponse, names ...string) {
		c.send(&discoveryv3.DiscoveryRequest{TypeUrl: r.GetTypeUrl(), VersionInfo: r.GetVersionInfo(), ResponseNonce: r.GetNonce(), ResourceNames: names})
	}

	// A subset is answered; so is a name that does not exist.
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: heddle.ClusterType, ResourceNames: []string{"cart"}})
	r := c.expect(heddle.ClusterType, 1)
	ask(r, "cart", "nobody")
	r = c.expect(heddle.ClusterType, 1)
	ask(r, "cart", "outbound|80||shop")
	r = c.expect(heddle.ClusterType, 2)
	ask(r, "cart", "outbound|80||shop")

	// Route configurations come with their hosts.
	c.send(&discoveryv3.DiscoveryRequest{TypeUrl: heddle.RouteType, ResourceNames: []string{"80"}})
	routes := c.expect(heddle.RouteType, 1)
	var config routev3.RouteConfiguration
	if err := routes.GetResources()[0].UnmarshalTo(&config); err != nil {
		t.Fatal(err)
	}
	if config.Vhds != nil || len(config.VirtualHosts) != 1 || config.VirtualHosts[0].Name != "80/shop" {
		t.Errorf("route configuration: %v", &config)
	}
	ask(routes, "80")

	// A change of a host reaches the configuration, and nothing else.
	rev := w.set(append(with(shop(), part(virtualHost("80/shop", "other", "outbound|80||shop"))), cart...)...)
	routes = c.expect(heddle.RouteType, 1)

	// What a client rejects is not sent again, and condemns nothing.
	c.send(&discoveryv3.DiscoveryRequest{
		TypeUrl: heddle.RouteType, ResponseNonce: routes.GetNonce(), ResourceNames: []string{"80"},
		ErrorDetail: &status.Status{Message: "not for me"},
	})
	w.settled(rev)
	if diff := cmp.Diff(0, len(w.server.bad.all())); diff != "" {
		t.Error(diff)
	}

	// A client that returns with the version it has gets nothing.
	back := w.connectWhole("pod-1")
	back.send(&discoveryv3.DiscoveryRequest{TypeUrl: heddle.ClusterType, VersionInfo: r.GetVersionInfo(), ResourceNames: []string{"cart", "outbound|80||shop"}})
	back.send(&discoveryv3.DiscoveryRequest{TypeUrl: heddle.EndpointType, ResourceNames: []string{"cart"}})
	back.expect(heddle.EndpointType, 1)
}
