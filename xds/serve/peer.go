package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// PodAddr is the remote address of a connection that came over a pod's own
// socket. It is the pod's credential: only that pod can reach the socket.
type PodAddr struct{ UID string }

// Network is "pod".
func (PodAddr) Network() string { return "pod" }

func (a PodAddr) String() string { return "pod/" + a.UID }

// PodOf is the UID of the pod that makes a call, as its connection proves it.
func PodOf(ctx context.Context) (uid string, ok bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", false
	}
	addr, ok := p.Addr.(PodAddr)
	return addr.UID, ok && addr.UID != ""
}

// errNoPod answers calls over connections that prove nothing.
var errNoPod = status.Error(codes.Unauthenticated, "this connection does not prove which pod it comes from; connect over the pod's own socket")

// Serve accepts the connections of one pod on its own socket, until ctx ends or
// the listener fails. Then the listener is closed, and so is every connection
// that came over it. It returns nil when ctx ended.
func Serve(ctx context.Context, g *grpc.Server, uid string, l net.Listener) error {
	pod := &podListener{Listener: l, uid: uid, conns: map[*podConn]struct{}{}}
	stop := context.AfterFunc(ctx, pod.shut)
	defer stop()
	defer pod.shut()
	err := g.Serve(pod)
	if ctx.Err() != nil || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("accept connections of pod %s: %w", uid, err)
	}
	return nil
}

// maxPodConns bounds the connections of one pod: its agent has one, and for a
// moment a second one when it connects anew. Without a bound one pod could take
// all the descriptors of the process, and the buffers of each.
const maxPodConns = 4

// podListener gives connections the address of their pod, and remembers them.
type podListener struct {
	net.Listener
	uid string

	mu     sync.Mutex
	conns  map[*podConn]struct{}
	closed bool
}

func (l *podListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &podConn{Conn: c, from: l}
		l.mu.Lock()
		closed, full := l.closed, len(l.conns) >= maxPodConns
		if !closed && !full {
			l.conns[conn] = struct{}{}
		}
		l.mu.Unlock()
		switch {
		case closed:
			_ = c.Close() // nobody is left to tell
			return nil, net.ErrClosed
		case full:
			_ = c.Close() // one too many; the others go on
			continue
		}
		return conn, nil
	}
}

func (l *podListener) shut() {
	_ = l.Close() // closed twice at most, which is no problem
	l.mu.Lock()
	l.closed = true
	conns := l.conns
	l.conns = map[*podConn]struct{}{}
	l.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close() // nobody is left to tell
	}
}

type podConn struct {
	net.Conn
	from *podListener
}

func (c *podConn) RemoteAddr() net.Addr { return PodAddr{c.from.uid} }

func (c *podConn) Close() error {
	c.from.mu.Lock()
	delete(c.from.conns, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
