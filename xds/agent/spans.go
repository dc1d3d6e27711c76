package agent

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

const methodExportSpans = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

const (
	// spanQueue bounds the batches that wait for the control plane.
	spanQueue = 256
	// spanWithin bounds one hand-over.
	spanWithin = 5 * time.Second
)

// spans forwards Envoy's spans to the control plane, as they are. It never
// makes Envoy wait: what cannot be handed over is dropped and counted.
type spans struct {
	link    *link
	metrics *ownMetrics
	queue   chan *frame
}

func newSpans(l *link, m *ownMetrics) *spans {
	return &spans{link: l, metrics: m, queue: make(chan *frame, spanQueue)}
}

func (s *spans) register(server *grpc.Server) {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "opentelemetry.proto.collector.trace.v1.TraceService",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Export",
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				f := new(frame)
				if err := decode(f); err != nil {
					return nil, err
				}
				s.put(f)
				return &frame{}, nil // an empty ExportTraceServiceResponse: all taken
			},
		}},
	}, s)
}

func (s *spans) put(f *frame) {
	select {
	case s.queue <- f:
	default:
		s.metrics.spansDropped.Inc()
	}
}

// run hands over what waits, until ctx ends.
func (s *spans) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case f := <-s.queue:
			if s.hand(ctx, f) {
				s.metrics.spansSent.Inc()
			} else {
				s.metrics.spansDropped.Inc()
			}
		}
	}
}

func (s *spans) hand(ctx context.Context, f *frame) bool {
	session := s.link.current()
	if session == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, spanWithin)
	defer cancel()
	defer context.AfterFunc(session.ctx, cancel)()
	return session.conn.Invoke(ctx, methodExportSpans, f, new(frame), grpc.ForceCodecV2(frameCodec{})) == nil
}
