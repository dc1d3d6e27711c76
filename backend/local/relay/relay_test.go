package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// limits are small enough to reach, and wide where a test does not care.
func limits(change func(*Limits)) Limits {
	l := Limits{Total: 100, PerPort: 100, Dial: 10 * time.Second, Idle: time.Hour, HalfClosed: time.Hour}
	change(&l)
	return l
}

// log gathers what is logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve relays a port to another one until the test ends; to nobody where that
// is nil.
func serve(t *testing.T, limits Limits, to net.Addr) (*Relay, net.Addr, *log) {
	t.Helper()
	said := &log{}
	r := New(limits, slog.New(slog.NewTextHandler(said, nil)))
	return r, also(t, r, to), said
}

// also gives a relay another port.
func also(t *testing.T, r *Relay, to net.Addr) net.Addr {
	t.Helper()
	front := listen(t)
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.Serve(front, func(ctx context.Context, _ net.Conn) (net.Conn, error) {
			if to == nil {
				return nil, errors.New("nobody")
			}
			return new(net.Dialer).DialContext(ctx, "tcp", to.String())
		})
	}()
	t.Cleanup(func() {
		front.Close()
		<-served
	})
	return front.Addr()
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

func (r *Relay) held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

// echo answers each connection with what it says, and keeps it open.
func echo(t *testing.T) net.Addr {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr()
}

// call says a byte and hears it back; then the connection is surely joined.
func call(to net.Addr) (net.Conn, error) {
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		return nil, err
	}
	if _, err = c.Write([]byte{1}); err == nil {
		_, err = io.ReadFull(c, make([]byte, 1))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func TestServeHandsOnTheEndOfTheStream(t *testing.T) {
	back := listen(t)
	go func() {
		c, err := back.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c) // until the client says that it has said all
		c.Write(append(all, '!'))
	}()
	r, front, _ := serve(t, limits(func(*Limits) {}), back.Addr())
	c, err := net.Dial("tcp", front.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello!" {
		t.Errorf("%q, %v", got, err)
	}
	until(t, "the connection is forgotten", func() bool { return r.held() == 0 })
}

func TestServeResetsWhereNobodyIs(t *testing.T) {
	r, front, _ := serve(t, limits(func(*Limits) {}), nil)
	if c, err := call(front); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, %v, want a reset", c, err)
	}
	until(t, "the connection is forgotten", func() bool { return r.held() == 0 })
}

// A flood takes what the limits allow and no more, is told in few lines, and
// leaves nothing behind.
func TestAFloodIsBounded(t *testing.T) {
	before := runtime.NumGoroutine()
	back := echo(t)
	r, front, said := serve(t, limits(func(l *Limits) { l.Total, l.PerPort = 30, 20 }), back)
	other := also(t, r, back)
	flood := func(to net.Addr) (kept []net.Conn) {
		var mu sync.Mutex
		var calls sync.WaitGroup
		for range 300 {
			calls.Go(func() {
				if c, err := call(to); err == nil {
					mu.Lock()
					defer mu.Unlock()
					kept = append(kept, c)
				}
			})
		}
		calls.Wait()
		return kept
	}
	first := flood(front)
	if len(first) != 20 || r.held() != 20 {
		t.Errorf("one port: %d connections, %d held; the limit is 20", len(first), r.held())
	}
	second := flood(other)
	if len(second) != 10 || r.held() != 30 {
		t.Errorf("all ports: %d more connections, %d held; the limit is 30", len(second), r.held())
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "limit=port") {
		t.Errorf("%d lines: %s", n, said)
	}
	r.report()
	if want := "refused=569"; !strings.Contains(said.String(), want) {
		t.Errorf("no %s in %s", want, said)
	}
	for _, c := range append(first, second...) {
		c.Close()
	}
	until(t, "all connections are forgotten", func() bool { return r.held() == 0 })
	c, err := call(front)
	if err != nil {
		t.Fatalf("after the flood: %v", err)
	}
	c.Close()
	// The two ports, the server behind them, and nothing for each connection.
	until(t, "the goroutines of the flood are gone", func() bool { return runtime.NumGoroutine() <= before+4 })
}

func TestOneClientLeavesRoomForOthers(t *testing.T) {
	r := New(limits(func(l *Limits) { l.PerClient = 2 }), slog.New(slog.DiscardHandler))
	p := &port{clients: map[netip.Addr]int{}}
	greedy, modest := netip.MustParseAddr("10.66.0.2"), netip.MustParseAddr("10.66.0.3")
	for i, want := range []bool{true, true, false} {
		if r.admit(p, greedy) != want {
			t.Errorf("connection %d: admitted %v", i+1, !want)
		}
	}
	if !r.admit(p, modest) {
		t.Error("another client is refused")
	}
	r.release(p, greedy)
	if !r.admit(p, greedy) {
		t.Error("a place that is free again is not given")
	}
}

func TestDialIsBounded(t *testing.T) {
	r := New(limits(func(l *Limits) { l.Dial = 20 * time.Millisecond }), slog.New(slog.DiscardHandler))
	front := listen(t)
	go r.Serve(front, func(ctx context.Context, _ net.Conn) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if _, err := call(front.Addr()); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a reset", err)
	}
	until(t, "the connection is forgotten", func() bool { return r.held() == 0 })
}

// Silence ends a connection, and traffic in one direction keeps it.
func TestSilentConnectionsEnd(t *testing.T) {
	const idle = 400 * time.Millisecond
	r, front, _ := serve(t, limits(func(l *Limits) { l.Idle = idle }), echo(t))
	// busy talks for longer than the limit. It is void where the machine was too
	// busy itself for this test to talk often enough.
	busy := func() (c net.Conn, void bool) {
		c, err := call(front)
		if err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(idle / 20)
		defer tick.Stop()
		last := time.Now()
		for range 40 {
			<-tick.C
			if time.Since(last) > idle/2 {
				c.Close()
				return nil, true
			}
			if _, err := c.Write([]byte{1}); err != nil {
				t.Fatalf("a busy connection was broken off: %v", err)
			}
			last = time.Now()
		}
		return c, false
	}
	c, void := busy()
	for void {
		c, void = busy()
	}
	defer c.Close()
	said := time.Now()
	if _, err := io.Copy(io.Discard, c); err == nil {
		t.Error("a silent connection ended as if all had been said")
	}
	if quiet := time.Since(said); quiet < idle/2 {
		t.Errorf("broken off after %v, the limit is %v", quiet, idle)
	}
	until(t, "the connection is forgotten", func() bool { return r.held() == 0 })
}

// A client that went away with half a connection does not hold it for an hour.
func TestHalfClosedConnectionsEndSooner(t *testing.T) {
	back := listen(t) // says nothing and closes nothing
	r, front, _ := serve(t, limits(func(l *Limits) { l.HalfClosed = 50 * time.Millisecond }), back.Addr())
	c, err := net.Dial("tcp", front.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.(*net.TCPConn).CloseWrite()
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want a reset", err)
	}
	until(t, "the connection is forgotten", func() bool { return r.held() == 0 })
}

func TestProxyHeader(t *testing.T) {
	got := ProxyHeader(netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("10.66.0.2:8080"))
	want := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"),
		127, 0, 0, 1, 10, 66, 0, 2, 0x9c, 0x40, 0x1f, 0x90)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = ProxyHeader(netip.MustParseAddrPort("[::1]:1"), netip.MustParseAddrPort("10.66.0.2:80"))
	if len(got) != 16+36 {
		t.Errorf("%d bytes of header for IPv6", len(got))
	}
}
