package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"github.com/heddle-mesh/heddle/mesh/private"
)

// guard lets only the Envoy that the agent started use a socket: other
// processes of the pod run under the same user, so file modes do not tell.
type guard struct {
	log     *slog.Logger
	refused func() // called for every connection turned away
	// said keeps somebody who tries again and again from filling the log.
	said rate.Sometimes

	mu  sync.RWMutex
	pid int // 0: nobody
}

// start runs a function that starts the process, and lets that process in.
// Connections that arrive meanwhile wait for its end.
func (g *guard) start(run func() (pid int, err error)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	pid, err := run()
	if err != nil {
		return err
	}
	g.pid = pid
	return nil
}

// ended forgets the process: its number may be given to another one.
func (g *guard) ended() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pid = 0
}

func (g *guard) admits(pid int) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.pid != 0 && g.pid == pid
}

func newGuard(log *slog.Logger, refused func()) *guard {
	return &guard{log: log, refused: refused, said: rate.Sometimes{First: 3, Interval: 10 * time.Second}}
}

// listen serves a unix socket, 0600, whose connections are all from the process.
func (g *guard) listen(path string) (net.Listener, error) {
	l, err := private.Listen(path)
	if err != nil {
		return nil, err
	}
	return &guarded{Listener: l, guard: g}, nil
}

type guarded struct {
	net.Listener
	guard *guard
}

func (l *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		pid, err := peerPID(conn)
		if err == nil && l.guard.admits(pid) {
			return conn, nil
		}
		conn.Close()
		l.guard.refused()
		l.guard.said.Do(func() {
			l.guard.log.Warn("connection to Envoy's socket refused: it is not from the Envoy of this pod", "pid", pid, "error", err)
		})
	}
}

// peerPID is the process that connected a unix socket.
func peerPID(conn net.Conn) (int, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("%T is no unix socket", conn)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, credErr); err != nil {
		return 0, fmt.Errorf("ask who connected: %w", err)
	}
	return int(cred.Pid), nil
}
