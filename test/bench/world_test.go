package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

func pack(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func adsSource() *corev3.ConfigSource {
	return &corev3.ConfigSource{ResourceApiVersion: corev3.ApiVersion_V3, ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}}}
}

func address(host string, port int) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
	}}}
}

// edsCluster is a cluster; its content differs with its connect timeout.
func edsCluster(name string, timeout time.Duration) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name: name, ConnectTimeout: durationpb.New(timeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: adsSource()},
	}
}

func assignment(name string, ports ...int) *endpointv3.ClusterLoadAssignment {
	locality := &endpointv3.LocalityLbEndpoints{Locality: &corev3.Locality{Region: "r"}}
	for _, p := range ports {
		locality.LbEndpoints = append(locality.LbEndpoints, &endpointv3.LbEndpoint{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address("127.0.0.1", p)}},
		})
	}
	return &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{locality}}
}

func virtualHost(name, domain, cluster string) *routev3.VirtualHost {
	return &routev3.VirtualHost{Name: name, Domains: []string{domain}, Routes: []*routev3.Route{{
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster}}},
	}}}
}

func routeConfig(name string) *routev3.RouteConfiguration {
	return &routev3.RouteConfiguration{Name: name, Vhds: &routev3.Vhds{ConfigSource: adsSource()}}
}

// httpListener answers on a port by a route configuration of the same name.
func httpListener(t testing.TB, name string, port int) *listenerv3.Listener {
	t.Helper()
	return &listenerv3.Listener{Name: name, Address: address("127.0.0.1", port), FilterChains: []*listenerv3.FilterChain{{
		Filters: []*listenerv3.Filter{{Name: "hcm", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(t, connectionManager(t, name))}}},
	}}}
}

func connectionManager(t testing.TB, routes string) *hcmv3.HttpConnectionManager {
	t.Helper()
	return &hcmv3.HttpConnectionManager{
		StatPrefix:     "test",
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: routes, ConfigSource: adsSource()}},
		HttpFilters: []*hcmv3.HttpFilter{{
			Name: "envoy.filters.http.router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: pack(t, &routerv3.Router{})},
		}},
	}
}

// part is a Part of a finished message.
func part(t testing.TB, m proto.Message, from ...mesh.Ref) xds.Part {
	t.Helper()
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return xds.Part{
		Type: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()),
		Name: xds.NameOf(m), Key: mesh.HashOf(raw), From: from,
		Make: func() (proto.Message, []mesh.Finding) { return m, nil },
	}
}

// world is a server whose plan a test writes.
type world struct {
	t      testing.TB
	head   *mesh.Head
	server *serve.Server
	grpc   *grpc.Server
	stop   func()

	mu      sync.Mutex
	plans   map[mesh.Hash]*xds.Plan
	objects map[mesh.Ref]*mesh.Object
	pods    map[string]*mesh.Workload
	n       int
}

// Plan gives every proxy the plan of the snapshot.
func (w *world) Plan(snap *mesh.Snapshot, _ xds.Proxy) (*xds.Plan, []mesh.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plans[snap.Revision], nil
}

func newWorld(t testing.TB, planner xds.Planner, anonymous bool) *world {
	t.Helper()
	w := &world{
		t: t, head: &mesh.Head{}, plans: map[mesh.Hash]*xds.Plan{},
		objects: map[mesh.Ref]*mesh.Object{}, pods: map[string]*mesh.Workload{},
	}
	if planner == nil {
		planner = w
	}
	server, err := serve.New(serve.Options{Planner: planner, Head: w.head, Anonymous: anonymous})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	w.grpc = grpc.NewServer(server.GRPCOptions()...)
	server.Register(w.grpc)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	w.stop = sync.OnceFunc(func() {
		cancel()
		w.grpc.Stop()
		running.Wait()
	})
	t.Cleanup(w.stop)
	return w
}

// listen serves a pod on its own socket.
func (w *world) listen(uid string, l net.Listener) {
	w.t.Helper()
	w.mu.Lock()
	facts := mesh.WorkloadFacts{Workload: "app", Namespace: "default", ServiceAccount: "default"}
	w.pods[uid] = &mesh.Workload{WorkloadFacts: facts, UID: uid, Pod: uid}
	w.mu.Unlock()
	var running sync.WaitGroup
	running.Go(func() {
		if err := serve.Serve(context.Background(), w.grpc, uid, l); err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	w.t.Cleanup(func() {
		w.stop()
		running.Wait()
	})
}

// set makes parts the newest state.
func (w *world) set(parts ...xds.Part) mesh.Hash {
	w.mu.Lock()
	w.n++
	rev := mesh.HashOf("state " + strconv.Itoa(w.n))
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, xds.Part.Compare)
	w.plans[rev] = &xds.Plan{Revision: rev, Parts: sorted}
	snap := &mesh.Snapshot{Revision: rev}
	snap.Objects = mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
		for ref, o := range w.objects {
			if !yield(ref, o) {
				return
			}
		}
	})
	snap.Workloads = mesh.NewTable(mesh.ByValue[string], func(yield func(string, *mesh.Workload) bool) {
		for uid, pod := range w.pods {
			if !yield(uid, pod) {
				return
			}
		}
	})
	w.mu.Unlock()
	w.head.Set(snap)
	return rev
}

func (w *world) settled(rev mesh.Hash) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.server.WaitSettled(ctx, rev); err != nil {
		w.t.Fatalf("not settled: %v; %+v", err, w.server.Proxies())
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// freePort is a port of the loopback that nobody listened on a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func unixListener(t testing.TB) (net.Listener, string) {
	t.Helper()
	// t.TempDir can be longer than a socket's path may be.
	dir, err := os.MkdirTemp("", "heddle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "xds.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(fmt.Errorf("listen for Envoy: %w", err))
	}
	return l, path
}
