package local

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of the line in which control planes wait for the cluster.
const (
	// maxLine is how many may wait; the next ones are sent away, and try again.
	maxLine = 16
	// takenGrace is how long one waits before it is told why: the control plane
	// that it follows may have ended this very moment.
	takenGrace = 200 * time.Millisecond
)

// admit gives the cluster to p when nobody has it, and has p wait for it
// otherwise. It is false when there is no room, or the server was closed.
func (s *Server) admit(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed || len(s.line) >= maxLine:
		return false
	case s.current == nil:
		s.adopt(p)
		return true
	}
	s.line = append(s.line, p)
	s.log.Warn("another control plane waits for this cluster", "process", p.pid, "behind", s.current.pid)
	time.AfterFunc(takenGrace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tellTaken(p)
	})
	return true
}

// adopt makes p the current peer and queues everything for it. The caller holds
// mu.
func (s *Server) adopt(p *peer) {
	uids := sortedKeys(s.pods)
	p.queue = []outgoing{{frame: Frame{Hello: &Hello{Instance: s.instance, Pods: uids}}}}
	p.state, p.since = s.state, time.Now()
	for _, uid := range uids {
		if err := p.offer(uid, s.pods[uid]); err != nil {
			s.log.Error("pod socket cannot be handed over", "pod", uid, "error", err)
		}
	}
	s.current = p
	s.signal()
	p.wake()
}

// release ends the current connection, forgets what it settled, since the next
// control plane starts from nothing, and gives the cluster to the first in line.
// The caller holds mu.
func (s *Server) release() {
	if s.current != nil {
		s.current.conn.Close()
	}
	s.current, s.settled = nil, 0
	s.signal()
	if len(s.line) == 0 {
		return
	}
	next := s.line[0]
	s.line = s.line[1:]
	s.log.Info("the control plane that waited has the cluster", "process", next.pid)
	s.adopt(next)
	for _, p := range s.line {
		s.tellTaken(p)
	}
}

// tellTaken says to one that waits who has the cluster. The caller holds mu.
func (s *Server) tellTaken(p *peer) {
	for _, waiting := range s.line {
		if waiting == p {
			p.queue = []outgoing{{frame: Frame{Taken: &Taken{PID: s.current.pid, Since: s.current.since}}}}
			p.wake()
		}
	}
}

// processOf is the process that connected, as this one sees it; 0 when it does
// not see it.
func processOf(c *net.UnixConn) int {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	if err := raw.Control(func(fd uintptr) {
		if who, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(who.Pid)
		}
	}); err != nil {
		return 0
	}
	return pid
}
