package serve

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// liveHeap is what is in use after a collection.
func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// flood opens more streams, on more connections, than a pod may, and sends 8
// requests on each, or as many as it can before the stream is ended. It answers
// nothing. What it has stays open until stop is called.
func flood(w *world, uid string, request func(stream, n int) *discoveryv3.DeltaDiscoveryRequest) (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	type clientStream = grpc.BidiStreamingClient[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse]
	var open []clientStream
	for range 6 {
		client := discoveryv3.NewAggregatedDiscoveryServiceClient(w.dialAnew(uid))
		for range 6 {
			stream, err := client.DeltaAggregatedResources(ctx)
			if err != nil {
				continue // refused
			}
			open = append(open, stream)
			// It reads, or nothing would tell it that its stream has ended.
			go func() {
				for read := error(nil); read == nil; _, read = stream.Recv() {
				}
			}()
		}
	}
	for n := range 8 {
		for i, stream := range open {
			if stream != nil && stream.Send(request(i, n)) != nil {
				open[i] = nil
			}
		}
	}
	return stop
}

func TestFloodOfOnePodIsBounded(t *testing.T) {
	names := func(count, size, stream, n int) []string {
		all := make([]string, count)
		for i := range all {
			all[i] = fmt.Sprintf("%0*d", size, (stream*1000+n)*count+i)
		}
		return all
	}
	for name, request := range map[string]func(stream, n int) *discoveryv3.DeltaDiscoveryRequest{
		"long names": func(stream, n int) *discoveryv3.DeltaDiscoveryRequest {
			return &discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNamesSubscribe: names(700, 1000, stream, n)}
		},
		"names that it dropped": func(stream, n int) *discoveryv3.DeltaDiscoveryRequest {
			return &discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType, ResourceNamesUnsubscribe: names(700, 1000, stream, n)}
		},
		"claims": func(stream, n int) *discoveryv3.DeltaDiscoveryRequest {
			q := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: fmt.Sprint("type-", n), InitialResourceVersions: map[string]string{}}
			for _, name := range names(700, 1000, stream, n) {
				q.InitialResourceVersions[name] = "1"
			}
			return q
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.Limits = Limits{NamesPerPod: 4 << 20} }, "evil", "pod-1")
			rev := w.set(shop()...)
			before := liveHeap()
			stop := flood(w, "evil", request)
			defer stop()
			grown := (int64(liveHeap()) - int64(before)) >> 20
			t.Logf("the heap grew by %d MiB", grown)
			// 4 MiB of names, and what is on its way, in the client too, which is
			// part of this process.
			if grown > 40 {
				t.Errorf("one pod took %d MiB", grown)
			}
			one := w.connect("pod-1")
			start(one)
			stop()
			w.settled(rev)
			eventually(t, "what the pod had is given back", func() bool {
				w.server.budgets.mu.Lock()
				defer w.server.budgets.mu.Unlock()
				return w.server.budgets.pods["evil"] == nil
			})
		})
	}
}

func TestNamesOfAPodAreBoundedOverItsStreams(t *testing.T) {
	limits := Limits{NamesPerPod: 100 * (nameOverhead + 10)}
	w := newWorld(t, func(o *Options) { o.Limits = limits }, "pod-1", "pod-2")
	w.set(shop()...)
	name := func(i int) string { return fmt.Sprintf("name-%05d", i) }
	one, two := w.connect("pod-1"), w.connect("pod-1")
	// What goes away again is not counted for ever.
	for i := range 300 {
		one.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNamesSubscribe: []string{name(i)}})
		one.take(xds.EndpointType)
		one.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNamesUnsubscribe: []string{name(i)}})
	}
	fill := func(c *client, from, n int) {
		names := make([]string, n)
		for i := range names {
			names[i] = name(from + i)
		}
		c.subscribe(xds.EndpointType, names...)
	}
	fill(one, 0, 60)
	one.take(xds.EndpointType)
	fill(two, 0, 60)
	if got := two.ends(); got != codes.ResourceExhausted {
		t.Errorf("the stream that asks for too much ended with %v", got)
	}
	one.silent()
	whole, err := discoveryv3.NewAggregatedDiscoveryServiceClient(w.dial("pod-1")).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 60)
	for i := range many {
		many[i] = name(i)
	}
	if err := whole.Send(&discoveryv3.DiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNames: many}); err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("state of the world: %v", err)
	}
	other := w.connect("pod-2")
	fill(other, 0, 60)
	other.take(xds.EndpointType)
}

func TestCallsOfAPodAreBoundedOverItsConnections(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{CallsPerPod: 3, StreamsPerPod: 10} }, "pod-1", "pod-2")
	w.set(shop()...)
	open := func(uid string) *client {
		w.mu.Lock()
		delete(w.conns, uid)
		w.mu.Unlock()
		return w.connect(uid)
	}
	first := open("pod-1")
	first.silent()
	open("pod-1").silent()
	open("pod-1").silent()
	if got := open("pod-1").ends(); got != codes.ResourceExhausted {
		t.Errorf("the fourth call ended with %v", got)
	}
	open("pod-2").silent()
	first.cancel()
	eventually(t, "the place is given back", func() bool {
		w.server.budgets.mu.Lock()
		defer w.server.budgets.mu.Unlock()
		return w.server.budgets.pods["pod-1"].calls == 2
	})
	w.connect("pod-1").silent()
}

func TestCertificatesOfAPodAreLimited(t *testing.T) {
	signer := &countingSigner{}
	w := newWorld(t, func(o *Options) { o.Signer = signer }, "pod-1", "pod-2")
	w.set(shop()...)
	eventually(t, "the server knows the mesh", func() bool { snap, _ := w.server.current(); return snap != nil })
	ask := func(uid string) error {
		_, err := securityv1alpha1.NewIstioCertificateServiceClient(w.dial(uid)).CreateCertificate(t.Context(), &securityv1alpha1.IstioCertificateRequest{})
		return err
	}
	var last error
	for range 40 {
		if err := ask("pod-1"); err != nil {
			last = err
		}
	}
	if status.Code(last) != codes.ResourceExhausted || !strings.Contains(fmt.Sprint(last), "try again in ") {
		t.Errorf("too many: %v", last)
	}
	if n := signer.count(); n < 20 || n > 22 {
		t.Errorf("%d certificates were signed, want 20", n)
	}
	if err := ask("pod-2"); err != nil {
		t.Errorf("another pod: %v", err)
	}
	// Coming back does not fill the bucket.
	if err := w.dial("pod-1").Close(); err != nil {
		t.Fatal(err)
	}
	delete(w.conns, "pod-1")
	w.settled(w.set(shop()...))
	if err := ask("pod-1"); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("after the return: %v", err)
	}

	b := newBudgets(Limits{}.withDefaults())
	now := time.Now()
	for range 20 {
		if err := b.sign("pod-1", now); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.sign("pod-1", now.Add(time.Second)); err == nil || !strings.Contains(err.Error(), "try again in 4.1s") {
		t.Errorf("after a second: %v", err)
	}
	if err := b.sign("pod-1", now.Add(5*time.Second)); err != nil {
		t.Errorf("after five seconds: %v", err)
	}
	b.sweep(now.Add(time.Minute))
	if len(b.pods) != 1 {
		t.Error("a pod is forgotten while its bucket fills")
	}
	b.sweep(now.Add(time.Hour))
	if len(b.pods) != 0 {
		t.Error("a pod with nothing in use is kept")
	}
}

// countingSigner signs nothing, and counts.
type countingSigner struct {
	mu sync.Mutex
	n  int
}

func (s *countingSigner) Sign([]byte, *mesh.Workload, time.Duration) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return nil, nil
}

func (s *countingSigner) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *countingSigner) Root() []byte { return []byte("root") }

func (s *countingSigner) Description(*mesh.Workload) string { return "same" }

func TestCodecDecodesWhatIsRead(t *testing.T) {
	version := &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: 40}
	told := &corev3.Node{UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{Version: version}}}
	node := &corev3.Node{
		Id: "me", Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewBoolValue(true)}},
		UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
			Version: version, Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"b": structpb.NewBoolValue(true)}},
		}},
	}
	detail := &rpcstatus.Status{Code: 13, Message: "no", Details: []*anypb.Any{{TypeUrl: "x"}}}
	c := newCodec(Limits{Names: 2})
	for _, x := range []struct{ in, want, into proto.Message }{
		{
			&discoveryv3.DeltaDiscoveryRequest{
				Node: node, TypeUrl: "t", ResourceNamesSubscribe: []string{"a", "b", "c", "d"}, ResourceNamesUnsubscribe: []string{"e"},
				InitialResourceVersions: map[string]string{"f": "1"}, ResponseNonce: "n", ErrorDetail: detail,
			},
			&discoveryv3.DeltaDiscoveryRequest{
				Node: told, TypeUrl: "t", ResourceNamesSubscribe: []string{"a", "b", "c"}, ResourceNamesUnsubscribe: []string{"e"},
				InitialResourceVersions: map[string]string{"f": "1"}, ResponseNonce: "n", ErrorDetail: &rpcstatus.Status{Code: 13, Message: "no"},
			},
			&discoveryv3.DeltaDiscoveryRequest{},
		},
		{
			&discoveryv3.DiscoveryRequest{Node: node, VersionInfo: "1", TypeUrl: "t", ResourceNames: []string{"a"}, ResponseNonce: "n", ErrorDetail: detail},
			&discoveryv3.DiscoveryRequest{Node: told, VersionInfo: "1", TypeUrl: "t", ResourceNames: []string{"a"}, ResponseNonce: "n", ErrorDetail: &rpcstatus.Status{Code: 13, Message: "no"}},
			&discoveryv3.DiscoveryRequest{},
		},
		{
			&securityv1alpha1.IstioCertificateRequest{Csr: "c", ValidityDuration: 7, Metadata: &structpb.Struct{}},
			&securityv1alpha1.IstioCertificateRequest{Csr: "c", ValidityDuration: 7},
			&securityv1alpha1.IstioCertificateRequest{},
		},
		{detail, detail, &rpcstatus.Status{}}, // is not one of the requests
	} {
		wire, err := proto.Marshal(x.in)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, x.into); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.want, x.into, protocmp.Transform()); diff != "" {
			t.Errorf("%T: %s", x.in, diff)
		}
	}
	for _, wire := range [][]byte{{0xff}, {0x0a, 0x05, 'x'}, {0x3a, 0x02, 0xff, 0xff}} {
		if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, &discoveryv3.DeltaDiscoveryRequest{}); err == nil {
			t.Errorf("% x is decoded", wire)
		}
	}
}
