package bench

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	grpcxds "google.golang.org/grpc/xds"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/translate"
)

const grpcHost = "shop.default.svc.cluster.local"

// forGRPC gives gRPC's own client the plan of the real planner, with what such
// a client needs besides: a listener for the name that it dials, and clusters
// without transport sockets to choose from, which it refuses.
type forGRPC struct {
	t       testing.TB
	planner translate.Planner
	port    int
}

// Plan implements xds.Planner.
func (p *forGRPC) Plan(snap *mesh.Snapshot, who xds.Proxy) (*xds.Plan, []mesh.Finding) {
	plan, findings := p.planner.Plan(snap, who)
	parts := slices.Clone(plan.All())
	for i, old := range parts {
		if old.Type != xds.ClusterType {
			continue
		}
		parts[i].Make = func() (proto.Message, []mesh.Finding) {
			m, findings := old.Make()
			if c, ok := m.(*clusterv3.Cluster); ok {
				c = proto.CloneOf(c)
				c.TransportSocketMatches = nil
				return c, findings
			}
			return m, findings
		}
	}
	parts = append(parts, part(p.t, &listenerv3.Listener{Name: grpcHost, ApiListener: &listenerv3.ApiListener{
		ApiListener: pack(p.t, connectionManager(p.t, strconv.Itoa(p.port))),
	}}))
	slices.SortStableFunc(parts, xds.Part.Compare)
	return &xds.Plan{Revision: plan.Revision, Parts: parts}, findings
}

// greeters are two gRPC backends on one port of two addresses, the first of
// which says SERVING, the other NOT_SERVING.
func greeters(t *testing.T) int {
	t.Helper()
	var listeners []net.Listener
	eventually(t, "a port is free on both addresses", func() bool {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return false
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", "127.0.0.2:"+strconv.Itoa(port))
		if err != nil {
			_ = first.Close()
			return false
		}
		listeners = []net.Listener{first, second}
		return true
	})
	for i, says := range []healthv1.HealthCheckResponse_ServingStatus{healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING} {
		h := health.NewServer()
		h.SetServingStatus("", says)
		g := grpc.NewServer()
		healthv1.RegisterHealthServer(g, h)
		done := make(chan error, 1)
		go func() { done <- g.Serve(listeners[i]) }()
		t.Cleanup(func() {
			g.Stop()
			if err := <-done; err != nil {
				t.Errorf("backend: %v", err)
			}
		})
	}
	return listeners[0].Addr().(*net.TCPAddr).Port
}

func weightsYAML(one, two int) string {
	return fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: default}
spec:
  hosts: [%s]
  http:
  - route:
    - {destination: {host: %[1]s, subset: v1}, weight: %[2]d}
    - {destination: {host: %[1]s, subset: v2}, weight: %[3]d}
`, grpcHost, one, two)
}

func TestGRPCClientFollowsAVirtualService(t *testing.T) {
	port := greeters(t)
	shop := fmt.Sprintf("grpc:%d", port)
	text := "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n" +
		meshtest.ServiceYAML("shop", "default", "10.96.0.1", shop) +
		meshtest.PodYAML(meshtest.Pod{App: "shop", Version: "v1", Namespace: "default", Account: "default", Address: "127.0.0.1", Port: port}) +
		meshtest.PodYAML(meshtest.Pod{App: "shop", Version: "v2", Namespace: "default", Account: "default", Address: "127.0.0.2", Port: port}) +
		meshtest.SliceYAML("shop", "default", shop, "shop-v1-0=127.0.0.1", "shop-v2-0=127.0.0.2") + fmt.Sprintf(`---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop, namespace: default}
spec:
  host: %s
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
`, grpcHost)
	snap := meshtest.Snapshot(t, text, weightsYAML(95, 5))
	w := newWorld(t, &forGRPC{t: t, port: port}, true)
	w.head.Set(snap)
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
	resolver, err := grpcxds.NewXDSResolverWithConfigForTesting(fmt.Appendf(nil,
		`{"xds_servers":[{"server_uri":%q,"channel_creds":[{"type":"insecure"}],"server_features":["xds_v3"]}],"node":{"id":"grpc"}}`, l.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	c, err := grpc.NewClient("xds:///"+grpcHost, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithResolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	// first is how many of 200 calls the first subset answered; a share of 5 or
	// 95 in 100 strays over the bounds below less than once in a million runs.
	first := func() int {
		n := 0
		for range 200 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			r, err := healthv1.NewHealthClient(c).Check(ctx, &healthv1.HealthCheckRequest{})
			cancel()
			if err != nil {
				t.Fatalf("call: %v; %+v", err, w.server.Proxies())
			}
			if r.GetStatus() == healthv1.HealthCheckResponse_SERVING {
				n++
			}
		}
		return n
	}
	if got := first(); got < 160 {
		t.Errorf("weights 95/5: the first subset answered %d of 200", got)
	}
	w.head.Set(snap.With(meshtest.Object(t, weightsYAML(5, 95))))
	eventually(t, "the other subset answers", func() bool { return first() < 40 })
}
