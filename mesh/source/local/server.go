package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/private"
)

// State is the whole cluster at one moment.
type State struct {
	// Revision counts up from 1 with each state.
	Revision uint64
	Objects  []*mesh.Object // of the kinds that NewObject takes
	Findings []mesh.Finding
}

// ErrClosed reports that the server was closed.
var ErrClosed = errors.New("cluster socket is closed")

// Server is the supervisor's end. It holds the newest state and the sockets of
// all pods, and says them to one control plane: the first that is connected. The
// next ones are told whose turn it is and wait in line; who is first there has
// the cluster at once when the one before goes, and hears everything from the
// start. All methods may be called from any goroutine; none of them waits for
// the control plane but WaitSettled.
type Server struct {
	log      *slog.Logger
	instance string
	listener *net.UnixListener
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	state   *WireState
	pods    map[string]*os.File
	current *peer // nil while nobody is connected
	line    []*peer
	settled uint64
	changed chan struct{} // closed and replaced when settled, current or closed changes
}

// peer is one connection of a control plane.
type peer struct {
	conn  *Conn
	pid   int           // of its process; 0 when it is not known
	ready chan struct{} // capacity one: there is something to write

	// Guarded by Server.mu.
	since time.Time  // when it came to have the cluster
	state *WireState // not written yet; newest wins
	queue []outgoing // written in order, after the state
}

// outgoing is a frame that waits. The file is a duplicate of its own, so that
// the pod may be withdrawn meanwhile.
type outgoing struct {
	frame Frame
	file  *os.File
}

// Listen makes the socket at path (0600), in the place of a stale one, and
// serves it until Close.
func Listen(path string, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l, err := private.Listen(path)
	if err != nil {
		return nil, err
	}
	s := &Server{log: log, instance: rand.Text(), listener: l, pods: map[string]*os.File{}, changed: make(chan struct{})}
	s.running.Go(s.accept)
	return s, nil
}

// Close ends the socket and the connection, and closes the sockets of all pods.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, p := range s.line {
		p.conn.Close()
	}
	s.line = nil
	s.release()
	for _, uid := range sortedKeys(s.pods) {
		s.pods[uid].Close()
	}
	clear(s.pods)
	s.mu.Unlock()
	err := s.listener.Close()
	s.running.Wait()
	return err
}

// Publish says a new state. It fails for objects that a state does not carry;
// then nothing is said.
func (s *Server) Publish(state State) error {
	w := &WireState{Revision: state.Revision, Objects: []WireObject{}, Findings: state.Findings}
	for _, o := range state.Objects {
		raw, err := encode(o)
		if err != nil {
			return err
		}
		w.Objects = append(w.Objects, raw)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.state = w
	if p := s.current; p != nil {
		p.state = w
		p.wake()
	}
	return nil
}

// Offer hands the listening socket of a pod to the control plane, now and to
// each that connects later, until Withdraw. The listener stays the caller's;
// a duplicate is held.
func (s *Server) Offer(uid string, l *net.UnixListener) error {
	file, err := l.File()
	if err != nil {
		return fmt.Errorf("duplicate socket of pod %s: %w", uid, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		file.Close()
		return ErrClosed
	}
	if old, ok := s.pods[uid]; ok {
		old.Close()
	}
	s.pods[uid] = file
	if p := s.current; p != nil {
		return p.offer(uid, file)
	}
	return nil
}

// Withdraw takes a pod's socket back.
func (s *Server) Withdraw(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file, ok := s.pods[uid]
	if !ok {
		return
	}
	file.Close()
	delete(s.pods, uid)
	if p := s.current; p != nil {
		p.queue = append(p.queue, outgoing{frame: Frame{Gone: &Pod{UID: uid}}})
		p.wake()
	}
}

// Connected reports whether a control plane is connected.
func (s *Server) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current != nil
}

// WaitSettled waits until every connected proxy has acknowledged what follows
// from the state of a revision, or a newer one. It returns ctx's error when
// that takes longer, also while no control plane is connected.
func (s *Server) WaitSettled(ctx context.Context, revision uint64) error {
	for {
		s.mu.Lock()
		settled, closed, changed := s.settled, s.closed, s.changed
		s.mu.Unlock()
		switch {
		case settled >= revision:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for proxies to follow state %d (they are at %d): %w", revision, settled, ctx.Err())
		case <-changed:
		}
	}
}

func (s *Server) accept() {
	for {
		nc, err := s.listener.AcceptUnix()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.Error("cluster socket failed", "error", err)
			}
			return
		}
		p := &peer{conn: NewConn(nc), pid: processOf(nc), ready: make(chan struct{}, 1)}
		if !s.admit(p) {
			nc.Close()
			continue
		}
		gone := make(chan struct{})
		s.running.Go(func() {
			defer close(gone)
			s.read(p)
		})
		s.running.Go(func() { s.write(p, gone) })
	}
}

func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// read takes what the control plane says until the connection ends.
func (s *Server) read(p *peer) {
	for {
		f, file, err := p.conn.ReadFrame()
		if file != nil {
			file.Close() // nothing is handed over in this direction
		}
		s.mu.Lock()
		switch current := s.current == p; {
		case err != nil && current:
			if !errors.Is(err, io.EOF) {
				s.log.Warn("control plane connection broke", "error", err)
			}
			s.release()
		case err != nil:
			s.line = slices.DeleteFunc(s.line, func(other *peer) bool { return other == p })
		case current && f.Settled != nil && f.Settled.Revision > s.settled:
			s.settled = f.Settled.Revision
			s.signal()
		}
		s.mu.Unlock()
		if err != nil {
			p.conn.Close()
			return
		}
	}
}

// write sends what is queued until the connection is gone.
func (s *Server) write(p *peer, gone <-chan struct{}) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, o := range p.queue {
			o.close()
		}
		p.queue = nil
	}()
	for {
		select {
		case <-gone:
			return
		case <-p.ready:
		}
		for _, o := range s.drain(p) {
			err := p.conn.WriteFrame(o.frame, o.file)
			o.close()
			if err != nil {
				p.conn.Close() // the reader ends with it
			}
		}
	}
}

// drain takes everything that waits: the greeting, the newest state, then the
// sockets, so that a pod's socket never comes before the state that names it.
func (s *Server) drain(p *peer) []outgoing {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue := p.queue
	p.queue = nil
	if p.state == nil {
		return queue
	}
	at := 0
	if len(queue) > 0 && queue[0].frame.Hello != nil {
		at = 1
	}
	queue = slices.Insert(queue, at, outgoing{frame: Frame{State: p.state}})
	p.state = nil
	return queue
}

// offer queues a duplicate of a pod's socket. The caller holds Server.mu.
func (p *peer) offer(uid string, file *os.File) error {
	dup, err := duplicate(file)
	if err != nil {
		return fmt.Errorf("duplicate socket of pod %s: %w", uid, err)
	}
	p.queue = append(p.queue, outgoing{frame: Frame{Listener: &Pod{UID: uid}}, file: dup})
	p.wake()
	return nil
}

func (p *peer) wake() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

func (o outgoing) close() {
	if o.file != nil {
		o.file.Close()
	}
}
