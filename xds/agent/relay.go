package agent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// relay is Envoy's ADS: passed through to the control plane, or answered from
// the cache.
type relay struct {
	link    *link
	cache   *cache
	metrics *ownMetrics
	log     *slog.Logger
	streams atomic.Uint64
}

const methodDeltaADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

// register serves the delta method alone, which is the one that the bootstrap
// names, with frames instead of messages.
func (r *relay) register(s *grpc.Server) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "envoy.service.discovery.v3.AggregatedDiscoveryService",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName:    "DeltaAggregatedResources",
			ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error { return r.serve(stream) },
		}},
	}, r)
}

func (r *relay) serve(envoy grpc.ServerStream) error {
	linked := r.link.news.changed()
	if s := r.link.current(); s != nil {
		r.metrics.streams.WithLabelValues("pass").Inc()
		return r.pass(envoy, s)
	}
	r.metrics.streams.WithLabelValues("cache").Inc()
	return r.answer(envoy, linked)
}

// pass forwards frames both ways until either end ends the stream or the
// control plane is lost.
func (r *relay) pass(envoy grpc.ServerStream, s *session) error {
	ctx, cancel := context.WithCancel(envoy.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	up, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, methodDeltaADS,
		grpc.ForceCodecV2(frameCodec{}))
	if err != nil {
		return away(err)
	}
	r.cache.hear(time.Now())
	defer func() { r.cache.hear(time.Now()) }()

	j := newJournal(r.streams.Add(1), r.cache, r.log)
	var mu sync.Mutex
	go func() {
		defer cancel()
		for {
			f := new(frame)
			if err := envoy.RecvMsg(f); err != nil {
				return
			}
			mu.Lock()
			j.request(f.data)
			mu.Unlock()
			if err := up.SendMsg(f); err != nil {
				return
			}
		}
	}()
	for {
		f := new(frame)
		if err := up.RecvMsg(f); err != nil {
			return away(err)
		}
		mu.Lock()
		j.response(f.data)
		mu.Unlock()
		if err := envoy.SendMsg(f); err != nil {
			return err
		}
	}
}

// answer speaks from the cache until the control plane is back.
func (r *relay) answer(envoy grpc.ServerStream, linked <-chan struct{}) error {
	if ok, why := r.cache.usable(time.Now()); !ok {
		return status.Error(codes.Unavailable, "the control plane is away, and "+why)
	}
	r.log.Info("configuration is answered from what was kept", "heard", r.cache.heardAt())
	requests, ended := make(chan *discoveryv3.DeltaDiscoveryRequest), make(chan error, 1)
	go func() {
		for {
			f, m := new(frame), new(discoveryv3.DeltaDiscoveryRequest)
			err := envoy.RecvMsg(f)
			if err == nil {
				err = proto.Unmarshal(f.data, m)
			}
			if err != nil {
				ended <- err
				return
			}
			select {
			case requests <- m:
			case <-envoy.Context().Done():
				return
			}
		}
	}()
	a := newAnswerer(r.cache)
	for {
		select {
		case <-envoy.Context().Done():
			return envoy.Context().Err()
		case err := <-ended:
			return err
		case <-linked:
			linked = r.link.news.changed()
			if r.link.current() != nil {
				return status.Error(codes.Unavailable, "the control plane is back")
			}
		case m := <-requests:
			if e := m.GetErrorDetail(); e != nil {
				r.log.Warn("Envoy refused kept configuration", "type", m.GetTypeUrl(), "error", e.GetMessage())
			}
			for _, response := range a.request(m) {
				if err := envoy.SendMsg(response); err != nil {
					return err
				}
			}
		}
	}
}

// away is how Envoy hears that it should come back.
func away(err error) error {
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return status.Error(codes.Unavailable, "the control plane is away")
	}
	return status.Error(codes.Unavailable, "control plane: "+status.Convert(err).Message())
}
