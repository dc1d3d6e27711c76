package relay

import (
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// join copies both ways until both sides have ended, and hands on each side's
// end of stream. Between TCP connections the bytes stay in the kernel. A
// connection that carries nothing for too long is broken off.
func join(a, b net.Conn, idle, halfClosed time.Duration) {
	w := watch(a, b, idle)
	defer w.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pour(a, b)
		w.tighten(halfClosed)
	}()
	pour(b, a)
	w.tighten(halfClosed)
	<-done
}

func pour(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok { // broken off, not ended
		reset(to)
		return
	}
	half.CloseWrite()
}

// watchdog breaks off two joined connections that are silent. The copying
// itself is the kernel's, so the kernel is asked when bytes came last.
type watchdog struct {
	a, b net.Conn

	mu    sync.Mutex
	limit time.Duration
	timer *time.Timer // nil once stopped
}

func watch(a, b net.Conn, limit time.Duration) *watchdog {
	w := &watchdog{a: a, b: b, limit: limit}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(limit, w.look)
	return w
}

// tighten lowers the limit.
func (w *watchdog) tighten(limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil && limit < w.limit {
		w.limit = limit
		w.timer.Reset(limit)
	}
}

func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
}

func (w *watchdog) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil {
		return
	}
	if rest := w.limit - min(silence(w.a), silence(w.b)); rest > 0 {
		w.timer.Reset(rest)
		return
	}
	reset(w.a)
	reset(w.b)
}

// forever is the silence of a connection that cannot be asked any more: one
// side's word decides then.
const forever = 1<<63 - 1

// silence is how long nothing has come in on a TCP connection.
func silence(c net.Conn) time.Duration {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return forever
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return forever
	}
	out := time.Duration(forever)
	_ = raw.Control(func(fd uintptr) { // a closed one stays silent
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			out = time.Duration(info.Last_data_recv) * time.Millisecond
		}
	})
	return out
}
