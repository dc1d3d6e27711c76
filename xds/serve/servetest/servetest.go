// Package servetest plays Envoy against a serve.Server within the process, with
// answers that a test writes.
package servetest

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/serve/servetest/follower"
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
	s := &stream{ctx: ctx, answer: answer, follower: follower.New(), heard: make(chan struct{}), in: make(chan *discoveryv3.DeltaDiscoveryRequest, 64)}
	s.in <- s.follower.First()
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
	ctx      context.Context
	answer   Answer
	follower *follower.Follower
	once     sync.Once
	heard    chan struct{} // closed at the first response
	in       chan *discoveryv3.DeltaDiscoveryRequest
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
	if words := s.answer(said); words != "" {
		return s.ask(s.follower.Rejected(r, words))
	}
	requests, err := s.follower.Taken(r)
	if err != nil {
		return err
	}
	for _, q := range requests {
		if err := s.ask(q); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) ask(q *discoveryv3.DeltaDiscoveryRequest) error {
	select {
	case s.in <- q:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
