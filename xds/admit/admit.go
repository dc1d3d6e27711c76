// Package admit bounds how much a server does at one time for all of its clients,
// and for each of them, so that none takes the others' part.
package admit

import (
	"net"
	"net/netip"
	"sync"
)

// Limits of a Gate.
type Limits struct {
	Total     int
	PerClient int // of one address; clients without one, on unix sockets, share Total
}

// Gate counts who is inside. It is safe for concurrent use.
type Gate struct {
	limits Limits

	mu      sync.Mutex
	inside  int
	clients map[netip.Addr]int
}

// NewGate makes a Gate that nobody has entered.
func NewGate(limits Limits) *Gate {
	return &Gate{limits: limits, clients: map[netip.Addr]int{}}
}

// Enter lets a client in, unless as many are inside as may be. Who was let in
// leaves once.
func (g *Gate) Enter(client netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside >= g.limits.Total || client.IsValid() && g.clients[client] >= g.limits.PerClient {
		return false
	}
	g.inside++
	if client.IsValid() {
		g.clients[client]++
	}
	return true
}

// Leave makes room for another one.
func (g *Gate) Leave(client netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.clients[client]--; g.clients[client] <= 0 {
		delete(g.clients, client)
	}
}

// Client is the address of a client, without its port; invalid where there is
// none.
func Client(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Listener accepts as many connections as may be open at one time. Others are
// reset at once: left in the queue, they would keep everybody waiting.
func Listener(l net.Listener, limits Limits) net.Listener {
	return &listener{Listener: l, gate: NewGate(limits)}
}

type listener struct {
	net.Listener
	gate *Gate
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := Client(c.RemoteAddr())
		if l.gate.Enter(client) {
			return &conn{Conn: c, leave: sync.OnceFunc(func() { l.gate.Leave(client) })}, nil
		}
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // nothing of it is kept: not even its end is waited for
		}
		c.Close()
	}
}

type conn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
