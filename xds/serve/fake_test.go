package serve

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

func adsSource() *corev3.ConfigSource {
	return &corev3.ConfigSource{ResourceApiVersion: corev3.ApiVersion_V3, ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}}}
}

func edsCluster(name string, timeout time.Duration) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name: name, ConnectTimeout: durationpb.New(timeout),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{EdsConfig: adsSource()},
	}
}

func address(host string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

func assignment(name string, ports ...uint32) *endpointv3.ClusterLoadAssignment {
	locality := &endpointv3.LocalityLbEndpoints{Locality: &corev3.Locality{Region: "r"}}
	for _, p := range ports {
		locality.LbEndpoints = append(locality.LbEndpoints, &endpointv3.LbEndpoint{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address("127.0.0.1", p)}},
		})
	}
	return &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{locality}}
}

func routeTo(cluster string) *routev3.Route {
	return &routev3.Route{
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster}}},
	}
}

func virtualHost(name, domain, cluster string) *routev3.VirtualHost {
	return &routev3.VirtualHost{Name: name, Domains: []string{domain}, Routes: []*routev3.Route{routeTo(cluster)}}
}

func routeConfig(name string) *routev3.RouteConfiguration {
	return &routev3.RouteConfiguration{Name: name, Vhds: &routev3.Vhds{ConfigSource: adsSource()}}
}

func listener(name string, port uint32) *listenerv3.Listener {
	return &listenerv3.Listener{Name: name, Address: address("127.0.0.1", port)}
}

// part is a Part of a finished message.
func part(m proto.Message, from ...mesh.Ref) xds.Part {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("marshal a test's own message: %v", err))
	}
	return xds.Part{
		Type: typeOf(m), Name: xds.NameOf(m), Key: mesh.HashOf(raw), From: from,
		Make: func() (proto.Message, []mesh.Finding) { return m, nil },
	}
}

func typeOf(m proto.Message) string {
	return "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName())
}

// mapWant is a desired state written down as contents.
type mapWant map[resourceKey]*content

func (w mapWant) want(typ, name string) (*content, bool) {
	return w[resourceKey{typ, name}], false
}

func (w mapWant) all(typ string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range w {
			if k.typ == typ && !yield(k.name) {
				return
			}
		}
	}
}

func (w mapWant) hosts(routes string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range w {
			if k.typ == xds.VirtualHostType && routesOf(k.name) == routes && !yield(k.name) {
				return
			}
		}
	}
}

// world is a server with a planner whose plans a test writes.
type world struct {
	t      testing.TB
	head   *mesh.Head
	server *Server
	pods   map[string]*bufconn.Listener
	conns  map[string]*grpc.ClientConn
	grpc   *grpc.Server
	stop   func()

	mu      sync.Mutex
	plans   map[mesh.Hash]plans
	objects map[mesh.Ref]*mesh.Object
	account string            // service account of all pods
	kinds   map[string]string // workload by pod UID; "app" for all others
	n       int
}

// plans by pod UID; "" is for all others.
type plans map[string]*xds.Plan

func (w *world) Plan(snap *mesh.Snapshot, p xds.Proxy) (*xds.Plan, []mesh.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if plan, ok := w.plans[snap.Revision][p.UID]; ok {
		return plan, nil
	}
	return w.plans[snap.Revision][""], nil
}

// newWorld starts a server that knows the given pods.
func newWorld(t testing.TB, options func(*Options), pods ...string) *world {
	t.Helper()
	w := &world{
		t: t, head: &mesh.Head{}, plans: map[mesh.Hash]plans{}, pods: map[string]*bufconn.Listener{}, conns: map[string]*grpc.ClientConn{},
		objects: map[mesh.Ref]*mesh.Object{}, account: "default", kinds: map[string]string{},
	}
	o := Options{Planner: w, Head: w.head}
	if options != nil {
		options(&o)
	}
	server, err := New(o)
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
	for _, uid := range pods {
		l := bufconn.Listen(1 << 20)
		w.pods[uid] = l
		running.Go(func() {
			if err := Serve(ctx, w.grpc, uid, l); err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		w.grpc.Stop()
		running.Wait()
	})
	t.Cleanup(w.stop)
	return w
}

// set makes one plan for everybody the newest state.
func (w *world) set(parts ...xds.Part) mesh.Hash { return w.setPlans(map[string][]xds.Part{"": parts}) }

func (w *world) setPlans(byPod map[string][]xds.Part) mesh.Hash {
	w.mu.Lock()
	w.n++
	rev := mesh.HashOf(fmt.Sprint("state ", w.n))
	made := plans{}
	for uid, parts := range byPod {
		sorted := slices.Clone(parts)
		slices.SortFunc(sorted, xds.Part.Compare)
		made[uid] = &xds.Plan{Revision: rev, Parts: sorted}
	}
	w.plans[rev] = made
	objects := mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
		for ref, o := range w.objects {
			if !yield(ref, o) {
				return
			}
		}
	})
	workloads := mesh.NewTable(mesh.ByValue[string], func(yield func(string, *mesh.Workload) bool) {
		for uid := range w.pods {
			facts := mesh.WorkloadFacts{Workload: cmp.Or(w.kinds[uid], "app"), Namespace: "default", ServiceAccount: w.account}
			if !yield(uid, &mesh.Workload{WorkloadFacts: facts, UID: uid, Pod: uid}) {
				return
			}
		}
	})
	w.mu.Unlock()
	w.head.Set(&mesh.Snapshot{Revision: rev, Objects: objects, Workloads: workloads})
	return rev
}

// object puts an object with some content into the snapshots from now on.
func (w *world) object(ref mesh.Ref, text string) mesh.Ref {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.objects[ref] = &mesh.Object{Ref: ref, Hash: mesh.HashOf(text)}
	return ref
}

func (w *world) settled(rev mesh.Hash) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.server.WaitSettled(ctx, rev); err != nil {
		w.t.Fatalf("not settled: %v; %+v", err, w.server.Proxies())
	}
}

func (w *world) isSettled(rev mesh.Hash) bool {
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	return w.server.settledLocked(rev)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
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

// dial is the connection of a pod's agent; it has one, for all of its streams.
func (w *world) dial(uid string) *grpc.ClientConn {
	w.t.Helper()
	if c := w.conns[uid]; c != nil {
		return c
	}
	w.conns[uid] = w.dialAnew(uid)
	return w.conns[uid]
}

func (w *world) dialAnew(uid string) *grpc.ClientConn {
	w.t.Helper()
	l := w.pods[uid]
	c, err := grpc.NewClient("passthrough:///"+uid, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// client is an Envoy played by hand.
type client struct {
	t      testing.TB
	stream grpc.BidiStreamingClient[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse]
	in     chan *discoveryv3.DeltaDiscoveryResponse
	err    chan error
	cancel context.CancelFunc
	probes int
}

func (w *world) connect(uid string) *client {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(w.dial(uid)).DeltaAggregatedResources(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &client{t: w.t, stream: stream, in: make(chan *discoveryv3.DeltaDiscoveryResponse), err: make(chan error, 1), cancel: cancel}
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				c.err <- err
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

func (c *client) send(q *discoveryv3.DeltaDiscoveryRequest) {
	c.t.Helper()
	if err := c.stream.Send(q); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) subscribe(typ string, names ...string) {
	c.t.Helper()
	c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ, ResourceNamesSubscribe: names})
}

// expect is the next response, which must be of the type.
func (c *client) expect(typ string) *discoveryv3.DeltaDiscoveryResponse {
	c.t.Helper()
	select {
	case r := <-c.in:
		if r.GetTypeUrl() != typ {
			c.t.Fatalf("got %s %v - %v, want %s", short(r.GetTypeUrl()), resourceNames(r), r.GetRemovedResources(), short(typ))
		}
		return r
	case err := <-c.err:
		c.t.Fatalf("waiting for %s: %v", short(typ), err)
	case <-time.After(patience):
		c.t.Fatalf("no %s came", short(typ))
	}
	return nil
}

func (c *client) ack(r *discoveryv3.DeltaDiscoveryResponse) {
	c.t.Helper()
	c.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce()})
}

func (c *client) nack(r *discoveryv3.DeltaDiscoveryResponse, words string) {
	c.t.Helper()
	c.send(&discoveryv3.DeltaDiscoveryRequest{
		TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce(),
		ErrorDetail: &status.Status{Code: 13, Message: words},
	})
}

// take expects a response and acknowledges it.
func (c *client) take(typ string) *discoveryv3.DeltaDiscoveryResponse {
	c.t.Helper()
	r := c.expect(typ)
	c.ack(r)
	return r
}

const probeType = "type.googleapis.com/heddle.test.Probe"

// silent checks that the server has nothing to say: it answers a question of
// the lowest precedence at once.
func (c *client) silent() {
	c.t.Helper()
	c.probes++
	c.subscribe(probeType, fmt.Sprint("probe-", c.probes))
	c.take(probeType)
}

func resourceNames(r *discoveryv3.DeltaDiscoveryResponse) []string {
	var names []string
	for _, x := range r.GetResources() {
		names = append(names, x.GetName())
	}
	return names
}
