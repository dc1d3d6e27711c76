// Package servetest plays Envoy against a serve.Server within the process, with
// answers that a test writes.
package servetest

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Response is what the server sent at once.
type Response struct {
	Type    string // type URL
	Names   []string
	Removed []string
}

// Answer says what a proxy thinks of a response: "" takes it, anything else
// rejects it with these words. It may block, as a proxy that hangs does.
type Answer func(r Response) string

// Take accepts everything.
func Take(Response) string { return "" }

// patience is how long a server may take to say anything.
const patience = 10 * time.Second

// Connect opens the stream of a pod's proxy, which subscribes to what Envoy
// does, and returns when the server has said something. The function it gives
// closes the stream; so does the end of the test.
func Connect(t testing.TB, server *serve.Server, uid string, answer Answer) (disconnect func()) {
	t.Helper()
	var service discoveryService
	server.Register(&service)
	ctx, cancel := context.WithCancel(peer.NewContext(context.Background(), &peer.Peer{Addr: serve.PodAddr{UID: uid}}))
	s := &stream{ctx: ctx, answer: answer, known: map[string]map[string]bool{}, heard: make(chan struct{}), in: make(chan *discoveryv3.DeltaDiscoveryRequest, 64)}
	s.in <- &discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := service.DeltaAggregatedResources(s); err != nil && ctx.Err() == nil {
			t.Errorf("the stream of %s ended: %v", uid, err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-s.heard:
	case <-done:
	case <-time.After(patience):
		t.Fatalf("the server has nothing for %s", uid)
	}
	return func() {
		cancel()
		<-done
	}
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

// stream is a proxy's stream without a wire between.
type stream struct {
	grpc.ServerStream
	ctx    context.Context
	answer Answer
	known  map[string]map[string]bool // names subscribed to, by type
	once   sync.Once
	heard  chan struct{} // closed at the first response
	in     chan *discoveryv3.DeltaDiscoveryRequest
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) Recv() (*discoveryv3.DeltaDiscoveryRequest, error) {
	select {
	case q := <-s.in:
		return q, nil
	case <-s.ctx.Done():
		return nil, io.EOF
	}
}

func (s *stream) Send(r *discoveryv3.DeltaDiscoveryResponse) error {
	s.once.Do(func() { close(s.heard) })
	said := Response{Type: r.GetTypeUrl(), Removed: r.GetRemovedResources()}
	for _, x := range r.GetResources() {
		said.Names = append(said.Names, x.GetName())
	}
	words := s.answer(said)
	q := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce()}
	if words != "" {
		q.ErrorDetail = &status.Status{Code: int32(codes.Internal), Message: words}
	} else if err := s.follow(r); err != nil {
		return err
	}
	return s.ask(q)
}

func (s *stream) ask(q *discoveryv3.DeltaDiscoveryRequest) error {
	select {
	case s.in <- q:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// follow subscribes to what a response leads to, as Envoy does.
func (s *stream) follow(r *discoveryv3.DeltaDiscoveryResponse) error {
	names := map[string][]string{}
	for _, x := range r.GetResources() {
		m, err := x.GetResource().UnmarshalNew()
		if err != nil {
			return err
		}
		for _, ref := range xds.References(m) {
			if ref.Type == xds.ClusterType || s.known[ref.Type][ref.Name] {
				continue
			}
			if s.known[ref.Type] == nil {
				s.known[ref.Type] = map[string]bool{}
			}
			s.known[ref.Type][ref.Name] = true
			names[ref.Type] = append(names[ref.Type], ref.Name)
		}
	}
	for _, typ := range xds.Types {
		if len(names[typ]) == 0 {
			continue
		}
		slices.Sort(names[typ])
		if err := s.ask(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ, ResourceNamesSubscribe: names[typ]}); err != nil {
			return err
		}
	}
	next := map[string]string{xds.ClusterType: xds.ListenerType, xds.RouteType: xds.VirtualHostType}[r.GetTypeUrl()]
	if next == "" || s.known[next] != nil {
		return nil
	}
	s.known[next] = map[string]bool{}
	return s.ask(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: next})
}
