package bench

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// proxy asks and answers as Envoy does.
type proxy struct {
	asked     map[string]bool // types
	endpoints map[string]bool // subscribed
	routes    map[string]bool
	bytes     atomic.Int64 // received
}

func newProxy() *proxy {
	return &proxy{asked: map[string]bool{}, endpoints: map[string]bool{}, routes: map[string]bool{}}
}

func (p *proxy) first() []*discoveryv3.DeltaDiscoveryRequest {
	return []*discoveryv3.DeltaDiscoveryRequest{{TypeUrl: xds.ClusterType}}
}

// handle gives the requests that follow from a response.
func (p *proxy) handle(r *discoveryv3.DeltaDiscoveryResponse) ([]*discoveryv3.DeltaDiscoveryRequest, error) {
	p.bytes.Add(int64(proto.Size(r)))
	typ := r.GetTypeUrl()
	var out []*discoveryv3.DeltaDiscoveryRequest
	subscribe := func(to string, known map[string]bool) error {
		var names []string
		for _, x := range r.GetResources() {
			refs, err := references(x)
			if err != nil {
				return err
			}
			for _, ref := range refs {
				if ref.Type == to && !known[ref.Name] {
					known[ref.Name] = true
					names = append(names, ref.Name)
				}
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			out = append(out, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: to, ResourceNamesSubscribe: names})
		}
		return nil
	}
	ack := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ, ResponseNonce: r.GetNonce()}
	ask := func(to string) {
		if !p.asked[to] {
			p.asked[to] = true
			out = append(out, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: to})
		}
	}
	var err error
	switch typ {
	case xds.ClusterType:
		err = subscribe(xds.EndpointType, p.endpoints)
		ask(xds.ListenerType)
	case xds.ListenerType:
		err = subscribe(xds.RouteType, p.routes)
	case xds.RouteType:
		ask(xds.VirtualHostType)
	}
	return append(out, ack), err
}

// decoded remembers what resources name: many proxies get the same.
var decoded sync.Map // version to []xds.Reference

func references(x *discoveryv3.Resource) ([]xds.Reference, error) {
	if refs, ok := decoded.Load(x.GetVersion()); ok {
		return refs.([]xds.Reference), nil
	}
	m, err := x.GetResource().UnmarshalNew()
	if err != nil {
		return nil, err
	}
	refs := xds.References(m)
	decoded.Store(x.GetVersion(), refs)
	return refs, nil
}

// discoveryService takes the service out of a server's registration, to call it
// without a connection.
type discoveryService struct {
	discoveryv3.AggregatedDiscoveryServiceServer
}

func (d *discoveryService) RegisterService(_ *grpc.ServiceDesc, impl any) {
	if ads, ok := impl.(discoveryv3.AggregatedDiscoveryServiceServer); ok {
		d.AggregatedDiscoveryServiceServer = ads
	}
}

// directStream is a proxy's stream without a wire between.
type directStream struct {
	grpc.ServerStream
	ctx   context.Context
	proxy *proxy
	in    chan *discoveryv3.DeltaDiscoveryRequest
}

func (s *directStream) Context() context.Context { return s.ctx }

func (s *directStream) Recv() (*discoveryv3.DeltaDiscoveryRequest, error) {
	select {
	case q := <-s.in:
		return q, nil
	case <-s.ctx.Done():
		return nil, io.EOF
	}
}

func (s *directStream) Send(r *discoveryv3.DeltaDiscoveryResponse) error {
	requests, err := s.proxy.handle(r)
	for _, q := range requests {
		s.in <- q
	}
	return err
}

// connectDirect opens a pod's stream within the process.
func connectDirect(t testing.TB, server *serve.Server, uid string) *proxy {
	t.Helper()
	var service discoveryService
	server.Register(&service)
	ctx, cancel := context.WithCancel(peer.NewContext(context.Background(), &peer.Peer{Addr: serve.PodAddr{UID: uid}}))
	s := &directStream{ctx: ctx, proxy: newProxy(), in: make(chan *discoveryv3.DeltaDiscoveryRequest, 64)}
	for _, q := range s.proxy.first() {
		s.in <- q
	}
	done := make(chan error, 1)
	go func() { done <- service.DeltaAggregatedResources(s) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s.proxy
}

// connectWire opens a pod's stream over a connection.
func connectWire(t testing.TB, c *grpc.ClientConn) *proxy {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(c).DeltaAggregatedResources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy()
	done := make(chan error, 1)
	go func() { done <- pumpWire(stream, p) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; ctx.Err() == nil && err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("a proxy's stream ended: %v", err)
		}
	})
	return p
}

func pumpWire(stream grpc.BidiStreamingClient[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse], p *proxy) error {
	for _, q := range p.first() {
		if err := stream.Send(q); err != nil {
			return err
		}
	}
	for {
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		requests, err := p.handle(r)
		if err != nil {
			return err
		}
		for _, q := range requests {
			if err := stream.Send(q); err != nil {
				return err
			}
		}
	}
}
