// Package relay joins TCP connections of two networks that no route connects,
// as many as its limits allow.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a Relay. A connection beyond them is reset at once: waiting would
// look to its client like a service that hangs.
type Limits struct {
	Total     int // joined connections of all ports together
	PerPort   int // of one listener
	PerClient int // of one address at one listener; 0 is no bound of its own
	// Dial is how long a client waits for the other side.
	Dial time.Duration
	// Idle is how long a connection may carry nothing in either direction, and
	// HalfClosed how long once one side has said all it had to say.
	Idle, HalfClosed time.Duration
}

// DefaultLimits are for one process that relays for a machine. Each joined
// connection takes two files, and up to four more while bytes are on their way,
// so no more than the process may open.
func DefaultLimits() Limits {
	l := Limits{Total: 4096, PerPort: 2048, Dial: 10 * time.Second, Idle: time.Hour, HalfClosed: 10 * time.Minute}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && files.Cur/8 < uint64(l.Total) {
		l.Total = max(int(files.Cur/8), 16)
	}
	l.PerPort = min(l.PerPort, l.Total)
	return l
}

// Relay joins connections, within limits that hold for all its ports. It is
// safe for concurrent use.
type Relay struct {
	limits Limits
	log    *slog.Logger

	mu      sync.Mutex
	open    int
	refused refusals
}

// New makes a Relay.
func New(limits Limits, log *slog.Logger) *Relay {
	return &Relay{limits: limits, log: log}
}

// port is a listener with what it holds open.
type port struct {
	address string
	open    int
	clients map[netip.Addr]int
}

// acceptPause is waited after a connection that could not be accepted.
const acceptPause = 50 * time.Millisecond

// Dial makes the connection that a client's is joined to, before ctx ends.
type Dial func(ctx context.Context, client net.Conn) (net.Conn, error)

// Serve joins every connection that l accepts to the one that dial makes for
// it, until l is closed; connections that are joined then go on. When dial
// fails, the client's connection is reset.
func (r *Relay) Serve(l net.Listener, dial Dial) {
	p := &port{address: l.Addr().String(), clients: map[netip.Addr]int{}}
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, say: it passes
			r.log.Warn("connection not accepted", "address", p.address, "error", err)
			time.Sleep(acceptPause)
			continue
		}
		client := addressOf(c)
		if !r.admit(p, client) {
			reset(c)
			continue
		}
		go func() {
			defer r.release(p, client)
			defer c.Close()
			r.relay(c, dial)
		}()
	}
}

func (r *Relay) relay(c net.Conn, dial Dial) {
	ctx, cancel := context.WithTimeout(context.Background(), r.limits.Dial)
	out, err := dial(ctx, c)
	cancel()
	if err != nil {
		r.log.Debug("relay found nobody", "client", c.RemoteAddr().String(), "error", err)
		reset(c) // refused there, so reset here
		return
	}
	defer out.Close()
	join(c, out, r.limits.Idle, r.limits.HalfClosed)
}

// admit counts a connection, unless that would be one too many.
func (r *Relay) admit(p *port, client netip.Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := ""
	switch {
	case r.open >= r.limits.Total:
		limit = "all ports"
	case p.open >= r.limits.PerPort:
		limit = "port"
	case r.limits.PerClient > 0 && p.clients[client] >= r.limits.PerClient:
		limit = "client"
	}
	if limit != "" {
		r.refuse(p, client, limit)
		return false
	}
	r.open++
	p.open++
	p.clients[client]++
	return true
}

func (r *Relay) release(p *port, client netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	p.open--
	if p.clients[client]--; p.clients[client] == 0 {
		delete(p.clients, client)
	}
}

// reportEvery is how often refused connections are logged while there are more
// and more of them.
const reportEvery = 10 * time.Second

// refusals are the refused connections that no line in the log tells of yet.
type refusals struct {
	count   int
	waiting bool // a line is due at the end of the interval
}

// refuse counts a refused connection. The first one is logged, and those that
// follow are added up. The caller holds the lock.
func (r *Relay) refuse(p *port, client netip.Addr, limit string) {
	if r.refused.waiting {
		r.refused.count++
		return
	}
	r.log.Warn("connection refused: too many are open", "address", p.address, "client", client.String(), "limit", limit, "open", r.open)
	r.refused.waiting = true
	time.AfterFunc(reportEvery, r.report)
}

// report logs what was refused since the last line.
func (r *Relay) report() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refused.count == 0 {
		r.refused.waiting = false
		return
	}
	r.log.Warn("connections refused: too many are open", "refused", r.refused.count, "open", r.open)
	r.refused.count = 0
	time.AfterFunc(reportEvery, r.report)
}

func addressOf(c net.Conn) netip.Addr {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// reset breaks a connection off, so that its client sees an error, not an end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
