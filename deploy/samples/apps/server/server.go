// Package server runs the HTTP servers of the sample applications until they
// are asked to stop.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// grace is how long requests under way may take after the application was
// asked to stop.
const grace = 5 * time.Second

// Run serves h on the address until ctx ends, then finishes what is under way.
// HTTP/1.1 and HTTP/2 without TLS are both spoken.
func Run(ctx context.Context, address string, h http.Handler, log *slog.Logger) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	log.Info("listening", "address", l.Addr().String())
	return Serve(ctx, l, h)
}

// Serve is Run on a listener, which it closes.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, Protocols: new(http.Protocols),
		ReadHeaderTimeout: 10 * time.Second,
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	// Not derived from ctx, which has ended.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := s.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop: %w", err)
	}
	return s.Close()
}
