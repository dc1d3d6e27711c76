package admit_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/xds/admit"
)

func TestGate(t *testing.T) {
	a, b, c, none := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3"), netip.Addr{}
	g := admit.NewGate(admit.Limits{Total: 5, PerClient: 2})
	for i, step := range []struct {
		client netip.Addr
		want   bool
	}{{a, true}, {a, true}, {a, false}, {b, true}, {none, true}, {none, true}, {c, false}, {none, false}} {
		if got := g.Enter(step.client); got != step.want {
			t.Errorf("step %d: %v was let in: %v", i, step.client, got)
		}
	}
	g.Leave(none)
	if !g.Enter(c) || g.Enter(c) {
		t.Error("the place that got free was not given to one")
	}
	g.Leave(a)
	if g.Enter(b); g.Enter(a) {
		t.Error("more are inside than may be")
	}
}

// Connections beyond the bound are reset, and one that ends makes room.
func TestListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := admit.Listener(inner, admit.Limits{Total: 10, PerClient: 3})
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	var open []net.Conn
	for range 3 {
		dial()
		open = append(open, <-accepted)
	}
	refused := func(what string) {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			defer c.Close()
			if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, err = c.Read(make([]byte, 1))
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("the fourth connection")
	open[0].Close()
	open[0].Close() // counts once
	dial()
	open[0] = <-accepted
	refused("closing twice made room for two")
	for _, c := range open {
		c.Close()
	}
}
