// Package echo answers in each protocol that a mesh carries, so that a test can
// see who was reached and what arrived.
package echo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/heddle-mesh/heddle/deploy/samples/apps/server"
)

// Config configures Run. An address that is empty is not served.
type Config struct {
	Name        string // in every answer: "echo-v1"
	HTTP        string // HTTP/1.1 and HTTP/2 without TLS
	GRPC        string // grpc.health.v1.Health, the name in the header x-served-by
	TCP         string // "<name>\n" once the first bytes came, then every byte back
	ServerFirst string // "<name>\n" at once, then every byte back
	Log         *slog.Logger
}

// Answer is the body of every HTTP answer: what arrived.
type Answer struct {
	Name    string      `json:"name"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Host    string      `json:"host"`
	Proto   string      `json:"proto"`
	Peer    string      `json:"peer"`
	Headers http.Header `json:"headers"`
	Body    string      `json:"body,omitempty"`
}

// Run serves all addresses until ctx ends or one of them fails.
func Run(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var listen net.ListenConfig
	for _, part := range []struct {
		protocol, address string
		serve             func(context.Context, net.Listener) error
	}{
		{"http", cfg.HTTP, func(ctx context.Context, l net.Listener) error { return server.Serve(ctx, l, Handler(cfg.Name)) }},
		{"grpc", cfg.GRPC, cfg.serveGRPC},
		{"tcp", cfg.TCP, func(ctx context.Context, l net.Listener) error { return cfg.serveTCP(ctx, l, false) }},
		{"server-first tcp", cfg.ServerFirst, func(ctx context.Context, l net.Listener) error { return cfg.serveTCP(ctx, l, true) }},
	} {
		if part.address == "" {
			continue
		}
		l, err := listen.Listen(ctx, "tcp", part.address)
		if err != nil {
			cancel(fmt.Errorf("listen on %s: %w", part.address, err))
			break
		}
		cfg.Log.Info("listening", "protocol", part.protocol, "address", l.Addr().String())
		running.Go(func() {
			if err := part.serve(ctx, l); err != nil {
				cancel(fmt.Errorf("serve %s: %w", part.protocol, err))
			}
		})
	}
	<-ctx.Done()
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Handler echoes requests. The query may ask for something else: status=503,
// delay=2s.
func Handler(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status := http.StatusOK
		query := r.URL.Query()
		if s := query.Get("status"); s != "" {
			if _, err := fmt.Sscanf(s, "%3d", &status); err != nil || status < 200 || status > 599 {
				http.Error(w, "status must be a number from 200 to 599", http.StatusBadRequest)
				return
			}
		}
		if s := query.Get("delay"); s != "" {
			d, err := time.ParseDuration(s)
			if err != nil {
				http.Error(w, "delay must be a duration as 2s", http.StatusBadRequest)
				return
			}
			select {
			case <-time.After(d):
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Served-By", name)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(Answer{
			Name: name, Method: r.Method, Path: r.URL.RequestURI(), Host: r.Host, Proto: r.Proto,
			Peer: r.RemoteAddr, Headers: r.Header, Body: string(body),
		})
	})
}

func (cfg Config) serveGRPC(ctx context.Context, l net.Listener) error {
	named := metadata.Pairs("x-served-by", cfg.Name)
	s := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			if err := grpc.SetHeader(ctx, named); err != nil {
				return nil, err
			}
			return handle(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			if err := stream.SetHeader(named); err != nil {
				return err
			}
			return handle(srv, stream)
		}),
	)
	healthServer := health.NewServer()
	grpc_health_v1.RegisterHealthServer(s, healthServer)
	stop := context.AfterFunc(ctx, func() {
		healthServer.Shutdown() // ends the watches, which GracefulStop would wait for
		s.GracefulStop()
	})
	defer stop()
	return s.Serve(l)
}

// serveTCP echoes connections; those that are open when ctx ends are closed.
func (cfg Config) serveTCP(ctx context.Context, l net.Listener, first bool) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		running.Go(func() {
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			if err := echo(c, cfg.Name, first); err != nil && ctx.Err() == nil {
				cfg.Log.Debug("connection ended", "peer", c.RemoteAddr().String(), "error", err)
			}
		})
	}
}

// echo greets with the name, before or after the first bytes, and sends back
// what comes.
func echo(c net.Conn, name string, first bool) error {
	buf := make([]byte, 32<<10)
	greeted := false
	greet := func() error {
		greeted = true
		_, err := io.WriteString(c, name+"\n")
		return err
	}
	if first {
		if err := greet(); err != nil {
			return err
		}
	}
	for {
		n, err := c.Read(buf)
		if n > 0 && !greeted {
			if err := greet(); err != nil {
				return err
			}
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
