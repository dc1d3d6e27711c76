package live

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Options of New.
type Options struct {
	Topics []Topic
	Log    *slog.Logger // nil discards
	Limits Limits
}

// Limits of one hub. A zero one is its default.
type Limits struct {
	Sockets          int           // altogether; 400
	SocketsPerCaller int           // with one Caller.Key; 32
	Subscriptions    int           // of one socket; 32
	Feeds            int           // of topics whose parameters may be any text, at a time; 256
	Stall            time.Duration // a reader that takes nothing for so long is given up; 15 s
	Ping             time.Duration // how often a silent reader is asked; 20 s
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Sockets: cmp.Or(l.Sockets, 400), SocketsPerCaller: cmp.Or(l.SocketsPerCaller, 32),
		Subscriptions: cmp.Or(l.Subscriptions, 32), Feeds: cmp.Or(l.Feeds, 256),
		Stall: cmp.Or(l.Stall, 15*time.Second), Ping: cmp.Or(l.Ping, 20*time.Second),
	}
}

// Caller is who opens a socket.
type Caller struct {
	// Key is the same for all sockets of one user.
	Key string
	// May says whether the caller may subscribe to a topic; nil allows all.
	May func(topic string) bool
	// Origin of this server's own pages; empty is what the request itself says:
	// its scheme, name and port.
	Origin string
	// Ended is closed when the session is over, and with it the socket.
	Ended <-chan struct{}
}

// Codes with which sockets are closed, besides those of the protocol.
const (
	CloseNonsense = 4400 // a message was no request
	CloseEnded    = 4401 // the session is over: sign in again
	CloseTooMany  = 4429 // there are too many sockets: try again later
)

// Hub connects sockets with topics. It is safe for concurrent use.
type Hub struct {
	topics   map[string]*Topic
	log      *slog.Logger
	limits   Limits
	upgrader websocket.Upgrader

	ctx     context.Context // of everything that runs
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	feeds   map[string]*feed
	sockets int
	callers map[string]int
}

// New makes a hub. Close ends it.
func New(o Options) *Hub {
	h := &Hub{
		topics: map[string]*Topic{}, log: o.Log, limits: o.Limits.withDefaults(),
		feeds: map[string]*feed{}, callers: map[string]int{},
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second, ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
			CheckOrigin: func(*http.Request) bool { return true }, // Serve has, and knows the caller
			// Every message is compressed alone, and none holds a secret beside
			// what others choose: nothing can be learnt from its length.
			EnableCompression: true,
		},
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.ctx, h.stop = context.WithCancel(context.Background())
	for i := range o.Topics {
		h.topics[o.Topics[i].Name] = &o.Topics[i]
	}
	return h
}

// sameOrigin reports whether a request comes from a page of this very server:
// scheme, name and port. Programs that are no browsers send no origin.
func sameOrigin(r *http.Request, own string) bool {
	if own == "" {
		own = "http://" + r.Host
		if r.TLS != nil {
			own = "https://" + r.Host
		}
	}
	origins := r.Header["Origin"]
	return len(origins) == 0 || len(origins) == 1 && strings.EqualFold(origins[0], own)
}

// Close ends every socket and every computation, and waits for them.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.stop()
	h.running.Wait()
}

// Serve makes a socket of a request, and returns when that is over. Headers that
// are on the answer are sent with it.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, c Caller) {
	if !sameOrigin(r, c.Origin) {
		http.Error(w, "the request comes from a page of another server", http.StatusForbidden)
		return
	}
	full, ok := h.enter(c.Key)
	if !ok {
		http.Error(w, "the server stops", http.StatusServiceUnavailable)
		return
	}
	defer h.running.Done()
	defer h.exit(c.Key)
	// The upgrade writes an answer of its own: what was put on this one by whoever
	// looked at the request goes with it, above all the renewed cookie.
	conn, err := h.upgrader.Upgrade(patient{w, h.limits.Stall}, r, w.Header())
	if err != nil {
		h.log.Debug("no websocket", "error", err)
		return
	}
	s := newSocket(h, conn, c)
	if full {
		s.close(CloseTooMany, "too many sockets are open")
	}
	s.run()
}

// enter counts a socket. It is false when the hub is closed.
func (h *Hub) enter(key string) (full, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false, false
	}
	h.running.Add(1)
	h.sockets++
	h.callers[key]++
	return h.sockets > h.limits.Sockets || h.callers[key] > h.limits.SocketsPerCaller, true
}

func (h *Hub) exit(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets--
	if h.callers[key]--; h.callers[key] == 0 {
		delete(h.callers, key)
	}
}

// open joins a subscription to the feed of its topic and parameters, and starts
// that for the first one.
func (h *Hub) open(t *Topic, p Params, s *subscription) error {
	key := t.key(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("the server stops")
	}
	f := h.feeds[key]
	if f != nil && f.ended.Load() != nil {
		f = nil // who reads it is still to hear that; the next one begins anew
	}
	if f == nil {
		if t.unbounded() && h.unboundedFeeds() >= h.limits.Feeds {
			return fmt.Errorf("%d topics with different parameters are read already", h.limits.Feeds)
		}
		ctx, stop := context.WithCancel(h.ctx)
		f = &feed{topic: t, key: key, params: p, log: h.log, stop: stop, readers: map[*subscription]struct{}{}}
		f.current.Store(&state{epoch: newEpoch()})
		h.feeds[key] = f
		h.running.Go(func() { f.run(ctx) })
	}
	s.feed = f
	f.join(s)
	return nil
}

// unboundedFeeds counts what callers can multiply at will. Topics that know all
// their parameters are few by themselves, and nobody can take them from others.
// The caller holds mu.
func (h *Hub) unboundedFeeds() int {
	n := 0
	for _, f := range h.feeds {
		if f.topic.unbounded() {
			n++
		}
	}
	return n
}

// leave ends a subscription's reading, and what nobody reads.
func (h *Hub) leave(s *subscription) {
	if s.ring != nil {
		s.ring.leave(s)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !s.feed.leave(s) {
		return
	}
	s.feed.stop()
	if h.feeds[s.feed.key] == s.feed {
		delete(h.feeds, s.feed.key)
	}
}

// newEpoch is a name that no other run has.
func newEpoch() string { return rand.Text()[:12] }
