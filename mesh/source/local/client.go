package local

import (
	"context"
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
	"github.com/heddle-mesh/heddle/mesh/source"
)

// PodListener is the listening socket of a pod: whoever connects to it is that
// pod, because nobody else can reach it.
//
// It is closed when the pod is gone, so that Accept ends with net.ErrClosed.
type PodListener struct {
	UID string
	L   net.Listener
}

// maxPause bounds the pause between two attempts to connect.
const maxPause = 250 * time.Millisecond

// Client is the control plane's end: a source of the cluster's state and of the
// pods' listening sockets. It connects again for as long as Run runs.
type Client struct {
	path string
	log  *slog.Logger

	listeners chan PodListener
	// settled holds the newest revision to be told, capacity one.
	settled chan uint64
	onTaken func() // may be nil

	mu        sync.Mutex // Settled and Taken are called from any goroutine
	settledAt uint64
	instance  string // of the supervisor that settledAt was said to
	taken     *Taken // while another control plane has the cluster
}

// Dial makes a Client of the supervisor's socket at path. Nothing is connected
// before Run. A nil log discards.
func Dial(path string, log *slog.Logger) *Client {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Client{
		path: path, log: log,
		listeners: make(chan PodListener),
		settled:   make(chan uint64, 1),
	}
}

var _ source.Source = (*Client)(nil)

// Name is SourceName.
func (c *Client) Name() string { return SourceName }

// Listeners gives each pod's socket once, in the order of the supervisor. It is
// never closed.
func (c *Client) Listeners() <-chan PodListener { return c.listeners }

// Settled tells the supervisor that every connected proxy has acknowledged what
// follows from the state of this revision. It never blocks; only the newest
// revision is sent.
func (c *Client) Settled(revision uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision <= c.settledAt {
		return
	}
	c.settledAt = revision
	select {
	case <-c.settled:
	default:
	}
	c.settled <- revision // this goroutine alone fills the one place
}

// Taken says who has the cluster while this client waits for it; nil otherwise.
func (c *Client) Taken() *Taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

// OnTaken has f called whenever Taken has another answer. It is to be called
// before Run.
func (c *Client) OnTaken(f func()) { c.onTaken = f }

// setTaken notes who has the cluster, nil for nobody else, and is true when that
// is news.
func (c *Client) setTaken(t *Taken) bool {
	c.mu.Lock()
	same := t == nil && c.taken == nil || t != nil && c.taken != nil && t.PID == c.taken.PID && t.Since.Equal(c.taken.Since)
	c.taken = t
	c.mu.Unlock()
	return !same
}

// tellTaken says that Taken has another answer, after everything else that
// follows from it was said.
func (c *Client) tellTaken() {
	if c.onTaken != nil {
		c.onTaken()
	}
}

// session is what outlives a connection.
type session struct {
	out       chan<- source.Update
	listeners chan<- PodListener

	last    *source.Update // what the cluster said last; nil before its first word
	pending *source.Update // not handed over yet; newest wins
	// objects of the last state by their bytes, so that what did not change
	// stays the same pointer.
	known map[knownKey]*mesh.Object
	pods  map[string]net.Listener
	order []PodListener // not handed over yet
}

// knownKey is what an object is made from.
type knownKey struct {
	origin mesh.Origin
	raw    string
}

// event is what the reading goroutine of a connection saw.
type event struct {
	frame Frame
	file  *os.File
	err   error
}

// Run implements source.Source. The token of an update is the revision of the
// state. When it returns, the pods' sockets are closed.
func (c *Client) Run(ctx context.Context, out chan<- source.Update) error {
	s := &session{out: out, listeners: c.listeners, pods: map[string]net.Listener{}}
	defer func() {
		for _, uid := range sortedKeys(s.pods) {
			s.pods[uid].Close()
		}
	}()
	pause := time.Duration(0)
	for {
		heard, err := c.connection(ctx, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		waited := c.setTaken(nil)
		if heard || waited { // said once per loss, not per attempt
			c.log.Warn("cluster went away", "path", c.path, "error", err)
			s.away(err)
		}
		if waited {
			c.tellTaken()
		}
		if heard {
			pause = 0
		}
		pause = min(max(2*pause, 10*time.Millisecond), maxPause)
		if _, err := s.step(ctx, nil, time.After(pause)); err != nil {
			return err
		}
	}
}

// connection serves one connection until it ends, and says whether it had the
// cluster.
func (c *Client) connection(ctx context.Context, s *session) (heard bool, err error) {
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, "unix", c.path)
	if err != nil {
		return false, fmt.Errorf("connect to the supervisor at %s: %w", c.path, err)
	}
	conn := NewConn(nc.(*net.UnixConn))
	events := make(chan event)
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { read(conn, events, done) })
	running.Go(func() { c.write(conn, done) })
	defer func() {
		close(done)
		conn.Close()
		running.Wait()
	}()
	for {
		e, err := s.step(ctx, events, nil)
		switch {
		case err != nil:
			return heard, err
		case errors.Is(e.err, io.EOF):
			return heard, errors.New("it closed the connection")
		case e.err != nil:
			return heard, e.err
		}
		heard = heard || e.frame.Hello != nil
		c.take(s, e)
	}
}

// step waits for an event or the end of a pause, and meanwhile hands over what
// waits: neither who takes updates nor who takes listeners holds up the other.
func (s *session) step(ctx context.Context, events <-chan event, pause <-chan time.Time) (event, error) {
	for {
		var out chan<- source.Update
		var update source.Update
		if s.pending != nil {
			out, update = s.out, *s.pending
		}
		var listeners chan<- PodListener
		var listener PodListener
		if len(s.order) > 0 {
			listeners, listener = s.listeners, s.order[0]
		}
		select {
		case <-ctx.Done():
			return event{}, ctx.Err()
		case out <- update:
			s.pending = nil
		case listeners <- listener:
			s.order = s.order[1:]
		case e := <-events:
			return e, nil
		case <-pause:
			return event{}, nil
		}
	}
}

// away repeats the last word with the finding that the cluster does not answer.
func (s *session) away(err error) {
	if s.last == nil {
		return
	}
	f := mesh.Finding{
		Code: mesh.CodeSourceAway, Severity: mesh.Warning, Phase: mesh.PhaseSource,
		Message: fmt.Sprintf("The cluster does not answer (%v). Its last state stands. Is `heddle up` still running?", err),
		Params:  map[string]string{"source": SourceName, "error": err.Error()},
	}
	if taken := (*Taken)(nil); errors.As(err, &taken) {
		f.Message = fmt.Sprintf("The cluster is not told to this control plane: %v. Its last state stands.", err)
	}
	u := *s.last
	u.Findings = append(slices.Clone(u.Findings), f)
	s.pending = &u
}

// take acts on one frame.
func (c *Client) take(s *session, e event) {
	switch f := e.frame; {
	case f.Taken != nil:
		if c.setTaken(f.Taken) {
			c.log.Warn(f.Taken.Error(), "path", c.path)
			s.away(f.Taken)
			c.tellTaken()
		}
	case f.Hello != nil:
		if c.setTaken(nil) {
			c.log.Info("the other control plane of the cluster is gone, and this one takes over", "path", c.path)
			c.tellTaken()
		}
		for _, uid := range sortedKeys(s.pods) {
			if !slices.Contains(f.Hello.Pods, uid) {
				s.drop(uid)
			}
		}
		c.repeatSettled(f.Hello.Instance)
	case f.State != nil:
		u := s.update(*f.State, c.log)
		s.last, s.pending = &u, &u
	case f.Listener != nil:
		c.adopt(s, f.Listener.UID, e.file)
		return // adopt owns the file
	case f.Gone != nil:
		s.drop(f.Gone.UID)
	}
	if e.file != nil {
		e.file.Close()
	}
}

// adopt makes a listener of a received socket. A pod that is known keeps the
// one it has: it is the same socket, said again after a reconnect.
func (c *Client) adopt(s *session, uid string, file *os.File) {
	if file == nil {
		c.log.Warn("pod listener came without socket", "pod", uid)
		return
	}
	defer file.Close() // FileListener duplicates
	if _, ok := s.pods[uid]; ok {
		return
	}
	l, err := net.FileListener(file)
	if err != nil {
		c.log.Warn("pod listener is no listening socket", "pod", uid, "error", err)
		return
	}
	s.pods[uid] = l
	s.order = append(s.order, PodListener{UID: uid, L: l})
}

// drop closes the socket of a pod that is gone.
func (s *session) drop(uid string) {
	l, ok := s.pods[uid]
	if !ok {
		return
	}
	l.Close()
	delete(s.pods, uid)
	s.order = slices.DeleteFunc(s.order, func(p PodListener) bool { return p.UID == uid })
}

// update decodes a state. An object that cannot be read is a finding, and the
// others stand.
func (s *session) update(w WireState, log *slog.Logger) source.Update {
	u := source.Update{Source: SourceName, Token: w.Revision, Findings: w.Findings}
	known := make(map[knownKey]*mesh.Object, len(w.Objects))
	for _, raw := range w.Objects {
		key := knownKey{raw.Origin, string(raw.Object)}
		o, ok := s.known[key]
		if !ok {
			var err error
			if o, err = decode(raw); err != nil {
				log.Warn("cluster object is not readable", "error", err)
				u.Findings = append(u.Findings, mesh.Finding{
					Code: mesh.CodeSchema, Severity: mesh.Error, Phase: mesh.PhaseSource,
					Message: fmt.Sprintf("The cluster reported an object that cannot be read: %v. Restart `heddle up`, so that both sides are of one version.", err),
				})
				continue
			}
		}
		known[key] = o
		u.Objects = append(u.Objects, o)
	}
	s.known = known
	return u
}

// read hands frames over until the connection or done ends.
func read(conn *Conn, events chan<- event, done <-chan struct{}) {
	for {
		f, file, err := conn.ReadFrame()
		select {
		case events <- event{f, file, err}:
		case <-done:
			if file != nil {
				file.Close()
			}
			return
		}
		if err != nil {
			return
		}
	}
}

// write tells settled revisions until done.
func (c *Client) write(conn *Conn, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case revision := <-c.settled:
			if err := conn.WriteFrame(Frame{Settled: &Settled{Revision: revision}}, nil); err != nil {
				return // the reader sees the end of the connection and repeats the word on the next
			}
		}
	}
}

// repeatSettled queues the newest settled revision again, which may have been
// lost with a connection. A new supervisor counts its revisions anew.
func (c *Client) repeatSettled(instance string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.instance != instance {
		c.instance, c.settledAt = instance, 0
		select {
		case <-c.settled:
		default:
		}
	}
	if c.settledAt == 0 {
		return
	}
	select {
	case c.settled <- c.settledAt:
	default: // a newer one is under way
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
