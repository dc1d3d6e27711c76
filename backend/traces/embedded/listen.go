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
	"google.golang.org/grpc/keepalive"

	"github.com/heddle-mesh/heddle/backend/traces"
)

// stopWithin is how long what is under way may take when a listener ends.
const stopWithin = time.Second

// ServeOTLP takes OTLP over gRPC on a listener until ctx ends.
func (s *Server) ServeOTLP(ctx context.Context, l net.Listener) error {
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxRequestBytes), grpc.MaxConcurrentStreams(100), idle())
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
		Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
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
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(traces.Codec()),
		grpc.MaxRecvMsgSize(64<<10), // questions are small
		grpc.MaxConcurrentStreams(64), idle(),
	)
	api_v2.RegisterQueryServiceServer(server, queryService{s})
	return server
}

// idle closes connections that nobody uses.
func idle() grpc.ServerOption {
	return grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 10 * time.Minute})
}

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
