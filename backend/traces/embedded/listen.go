package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/heddle-mesh/heddle/backend/traces"
)

// stopWithin is how long what is under way may take when a listener ends.
const stopWithin = time.Second

// ServeOTLP takes OTLP over gRPC on a listener until ctx ends.
func (s *Server) ServeOTLP(ctx context.Context, l net.Listener) error {
	server := grpc.NewServer(append(bounds(), grpc.MaxRecvMsgSize(maxRequestBytes), grpc.MaxConcurrentStreams(100))...)
	s.RegisterOTLP(server)
	return serve(ctx, server, l)
}

// ServeQuery serves the Jaeger query service on a listener until ctx ends.
func (s *Server) ServeQuery(ctx context.Context, l net.Listener) error {
	return serve(ctx, s.newQueryServer(), l)
}

// ServeOTLPHTTP takes OTLP over HTTP on a listener until ctx ends.
func (s *Server) ServeOTLPHTTP(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	stop := context.AfterFunc(ctx, func() {
		down, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if server.Shutdown(down) != nil {
			_ = server.Close() // the listener is closed, and its error says nothing new
		}
	})
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve OTLP over HTTP on %s: %w", l.Addr(), err)
	}
	return nil
}

// Connect is a connection to the query service within the process: the console
// reads its own traces also where the port of the service is taken.
func (s *Server) Connect(ctx context.Context) (net.Conn, error) { return s.inside.dial(ctx) }

// newQueryServer is a gRPC server of its own, because its codec is.
func (s *Server) newQueryServer() *grpc.Server {
	turns := make(turns, maxQuestions)
	server := grpc.NewServer(append(bounds(),
		grpc.ForceServerCodecV2(traces.Codec()),
		grpc.MaxRecvMsgSize(64<<10), // questions are small
		grpc.MaxConcurrentStreams(64), grpc.UnaryInterceptor(turns.unary), grpc.StreamInterceptor(turns.stream),
	)...)
	api_v2.RegisterQueryServiceServer(server, queryService{s})
	return server
}

// bounds are those of every server: for headers, for saying hello, and for
// connections that nobody uses.
func bounds() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxHeaderListSize(64 << 10), grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 10 * time.Minute}),
	}
}

// Bounds of questions: how many are answered at a time, the others waiting, and
// how long each may take with that.
const (
	maxQuestions = 16
	answerWithin = 30 * time.Second
)

// turns are taken by the questions that are being answered.
type turns chan struct{}

func (t turns) take(ctx context.Context) (context.Context, func(), error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	select {
	case t <- struct{}{}:
		return ctx, func() { <-t; cancel() }, nil
	case <-ctx.Done():
		cancel()
		return nil, nil, status.Error(codes.ResourceExhausted, "too many questions at a time: ask again later")
	}
}

func (t turns) unary(ctx context.Context, in any, _ *grpc.UnaryServerInfo, answer grpc.UnaryHandler) (any, error) {
	ctx, done, err := t.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return answer(ctx, in)
}

func (t turns) stream(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, answer grpc.StreamHandler) error {
	ctx, done, err := t.take(stream.Context())
	if err != nil {
		return err
	}
	defer done()
	return answer(server, bounded{stream, ctx})
}

// bounded is a stream whose context ends in time.
type bounded struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (b bounded) Context() context.Context { return b.ctx }

func serve(ctx context.Context, server *grpc.Server, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() {
		force := time.AfterFunc(stopWithin, server.Stop)
		defer force.Stop()
		server.GracefulStop()
	})
	defer stop()
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}
