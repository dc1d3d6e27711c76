package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/heddle-mesh/heddle/mesh/ca"
)

const (
	// A control plane that hangs is found after healthEvery + healthWithin at
	// the latest; grpc-go's own keepalive asks every 10 s at best.
	healthEvery  = 1500 * time.Millisecond
	healthWithin = 2500 * time.Millisecond

	// maxMessage bounds one message from the control plane.
	maxMessage = 64 << 20
)

// session is one connection to a control plane that answers. ctx ends when the
// connection is lost.
type session struct {
	conn *grpc.ClientConn
	ctx  context.Context
}

// link keeps a connection to the control plane.
type link struct {
	target string
	roots  func() []byte // PEM of the roots that are trusted now
	log    *slog.Logger

	news  notice // told when current changes
	mu    sync.Mutex
	now   *session
	since time.Time // of the present state
	last  error     // why there is no session
}

// current is the session, or nil while the control plane is away.
func (l *link) current() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil && l.now.ctx.Err() != nil {
		return nil
	}
	return l.now
}

// state says since when there is a session or none, and in the latter case why.
func (l *link) state() (connected bool, since time.Time, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now != nil && l.now.ctx.Err() == nil, l.since, l.last
}

func (l *link) set(s *session, why error) {
	l.mu.Lock()
	l.now, l.last, l.since = s, why, time.Now()
	l.mu.Unlock()
	l.news.tell()
}

// run keeps the connection until ctx ends.
func (l *link) run(ctx context.Context) error {
	l.set(nil, errors.New("not connected yet"))
	for ctx.Err() == nil {
		began := time.Now()
		err := l.once(ctx)
		if ctx.Err() != nil {
			break
		}
		l.set(nil, err)
		l.log.Warn("control plane is away", "error", err)
		// A connection that ends right after it began must not become a storm.
		if time.Since(began) < time.Second {
			pause(ctx, 500*time.Millisecond+rand.N(500*time.Millisecond))
		}
	}
	l.set(nil, errors.New("agent is stopping"))
	return nil
}

// once connects, publishes the session, and returns when it is lost.
func (l *link) once(ctx context.Context) error {
	creds, err := l.credentials()
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(l.target,
		grpc.WithTransportCredentials(creds),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 1500 * time.Millisecond},
			// The socket outlives the process behind it: a connection waits in
			// its queue and is served the moment the control plane is back.
			MinConnectTimeout: 20 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", l.target, err)
	}
	defer conn.Close()
	if err := l.ready(ctx, conn); err != nil {
		return err
	}
	alive, lost := context.WithCancel(ctx)
	defer lost()
	go func() {
		defer lost()
		conn.WaitForStateChange(alive, connectivity.Ready)
	}()
	l.set(&session{conn: conn, ctx: alive}, nil)
	l.log.Info("control plane is connected", "target", l.target)

	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for {
		select {
		case <-alive.Done():
			return errors.New("connection closed")
		case <-tick.C:
			if err := l.health(alive, conn); err != nil {
				return err
			}
		}
	}
}

// ready waits until the connection stands.
func (l *link) ready(ctx context.Context, conn *grpc.ClientConn) error {
	for {
		s := conn.GetState()
		switch s {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			conn.Connect()
		case connectivity.TransientFailure:
			l.explain(ctx, conn)
		}
		if !conn.WaitForStateChange(ctx, s) {
			return ctx.Err()
		}
	}
}

// explain keeps why the last attempt failed, in the transport's own words.
func (l *link) explain(ctx context.Context, conn *grpc.ClientConn) {
	if err := l.health(ctx, conn); err != nil {
		l.mu.Lock()
		l.last = err
		l.mu.Unlock()
		l.log.Debug("cannot reach the control plane", "error", err)
	}
}

// health asks whether the control plane answers at all: what it answers does
// not matter.
func (l *link) health(ctx context.Context, conn *grpc.ClientConn) error {
	ask, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	_, err := healthpb.NewHealthClient(conn).Check(ask, &healthpb.HealthCheckRequest{})
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return fmt.Errorf("no answer within %s", healthWithin)
	case codes.Unavailable, codes.Canceled:
		return err
	default:
		return nil
	}
}

func (l *link) credentials() (credentials.TransportCredentials, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(l.roots()) {
		return nil, errors.New("there is no root certificate to check the control plane with: root.pem is missing or empty")
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13,
		RootCAs:    pool,
		ServerName: ca.ServerName,
	}), nil
}

// pause waits, and reports whether ctx still stands.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
