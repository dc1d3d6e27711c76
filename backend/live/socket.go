package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// Limits of what one client says.
const (
	maxRequest       = 16 << 10 // bytes of a message
	requestsAtOnce   = 64
	requestsPerCheck = 20 // per second, when those are used up
)

// lastWords is how long a closing socket may take.
const lastWords = time.Second

// socket is one connection: the goroutine that serves it reads, one other
// writes.
type socket struct {
	hub    *Hub
	conn   *websocket.Conn
	caller Caller
	limit  *rate.Limiter

	ready   chan struct{} // capacity one: there may be something to send
	replies chan []byte   // small answers; the reader waits while they are not taken
	ctx     context.Context
	cancel  context.CancelFunc

	mu   sync.Mutex
	subs []*subscription
	bye  []byte // not nil: the close message to end with
}

// subscription is what one socket reads under one id. Only the writer touches
// what is below the line.
type subscription struct {
	id     string
	socket *socket
	feed   *feed // of a state
	ring   *Ring // of events
	missed bool  // the events that were asked for are not there

	// ---
	known uint64 // number of the state or event that was sent last
	begun bool
}

func newSocket(h *Hub, conn *websocket.Conn, c Caller) *socket {
	s := &socket{
		hub: h, conn: conn, caller: c, limit: rate.NewLimiter(requestsPerCheck, requestsAtOnce),
		ready: make(chan struct{}, 1), replies: make(chan []byte, 8),
	}
	s.ctx, s.cancel = context.WithCancel(h.ctx)
	return s
}

// wake tells the writer to look. It never waits.
func (s *socket) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// close ends the socket with a code, when the writer comes to it.
func (s *socket) close(code int, why string) {
	s.mu.Lock()
	if s.bye == nil {
		s.bye = websocket.FormatCloseMessage(code, why)
	}
	s.mu.Unlock()
	s.cancel()
}

// run serves the socket until it is over.
func (s *socket) run() {
	var others sync.WaitGroup
	over := make(chan struct{})
	others.Go(s.write)
	others.Go(func() { s.watch(over) })
	s.read()
	s.cancel()
	close(over)
	s.conn.Close()
	others.Wait()
	s.mu.Lock()
	left := s.subs
	s.subs = nil
	s.mu.Unlock()
	for _, sub := range left {
		s.hub.leave(sub)
	}
}

// watch ends the socket with its session, whatever the writer waits for.
func (s *socket) watch(over <-chan struct{}) {
	select {
	case <-s.caller.Ended:
		s.close(CloseEnded, "the session is over")
	case <-s.ctx.Done():
	}
	timer := time.NewTimer(2 * lastWords)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
		s.conn.Close()
	}
}

// read takes requests until the connection ends.
func (s *socket) read() {
	s.conn.SetReadLimit(maxRequest)
	alive := func(string) error {
		if s.ctx.Err() != nil {
			return nil
		}
		return s.conn.SetReadDeadline(time.Now().Add(2*s.hub.limits.Ping + lastWords))
	}
	s.conn.SetPongHandler(alive)
	if alive("") != nil {
		return
	}
	for {
		typ, r, err := s.conn.NextReader()
		if err != nil {
			if errors.Is(err, websocket.ErrReadLimit) {
				s.close(CloseNonsense, "the message is too large")
			}
			return
		}
		if s.ctx.Err() != nil {
			continue // it is being closed: only the client's last words are waited for
		}
		// What was compressed may be much larger than what was read.
		data, err := io.ReadAll(io.LimitReader(r, maxRequest+1))
		switch {
		case err != nil:
			return
		case typ != websocket.TextMessage || len(data) > maxRequest:
			s.close(CloseNonsense, "the message is no text, or too large")
			continue
		}
		if s.limit.Wait(s.ctx) != nil {
			continue
		}
		request, err := parse(data)
		if err != nil {
			s.close(CloseNonsense, reason(err))
			continue
		}
		s.handle(request)
	}
}

// reason fits an error into a close message, which takes 123 bytes.
func reason(err error) string {
	text := err.Error()
	for i := range text {
		if i > 110 {
			return text[:i] + "…"
		}
	}
	return text
}

func (s *socket) handle(r Request) {
	if r.Unsubscribe != nil {
		s.unsubscribe(r.Unsubscribe.ID)
		return
	}
	if p := s.subscribe(r.Subscribe); p != nil {
		s.reply(Failure{ID: r.Subscribe.ID, Error: *p})
		return
	}
	s.wake()
}

// subscribe begins a subscription, or says why there is none.
func (s *socket) subscribe(r *Subscribe) *Problem {
	t := s.hub.topics[r.Topic]
	switch {
	case t == nil:
		return &Problem{unknownTopic, "there is no topic " + string(quoted(r.Topic))}
	case s.caller.May != nil && !s.caller.May(t.Name):
		return &Problem{forbidden, "your role may not read " + t.Name}
	}
	params, err := t.check(r.Params)
	if err != nil {
		return &Problem{badParameter, err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case slices.ContainsFunc(s.subs, func(sub *subscription) bool { return sub.id == r.ID }):
		return &Problem{idInUse, "unsubscribe " + string(quoted(r.ID)) + " first, or choose another id"}
	case len(s.subs) >= s.hub.limits.Subscriptions:
		return &Problem{tooMany, "this socket has as many subscriptions as it may have"}
	}
	sub := &subscription{id: r.ID, socket: s}
	if t.Events != nil {
		sub.ring = t.Events
		if sub.known, sub.missed, err = t.Events.start(params); err != nil {
			return &Problem{badParameter, err.Error()}
		}
		t.Events.join(sub)
	} else if err := s.hub.open(t, params, sub); err != nil {
		return &Problem{tooMany, err.Error()}
	}
	s.subs = append(s.subs, sub)
	return nil
}

// unsubscribe ends a subscription. One that is not there ended by itself.
func (s *socket) unsubscribe(id string) {
	s.mu.Lock()
	i := slices.IndexFunc(s.subs, func(sub *subscription) bool { return sub.id == id })
	if i < 0 {
		s.mu.Unlock()
		return
	}
	sub := s.subs[i]
	s.subs = slices.Delete(slices.Clone(s.subs), i, i+1) // the writer walks the old list
	s.mu.Unlock()
	s.hub.leave(sub)
}

// reply queues a small answer, and waits while the client takes none.
func (s *socket) reply(v any) {
	data, err := json.Marshal(v)
	if err != nil {
		s.hub.log.Error("live answer cannot be written", "error", err)
		return
	}
	select {
	case s.replies <- data:
	case <-s.ctx.Done():
	}
}

// write sends what there is to send until the socket is over.
func (s *socket) write() {
	ping := time.NewTicker(s.hub.limits.Ping)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-s.ctx.Done():
			s.sayGoodbye()
			return
		case data := <-s.replies:
			err = s.conn.WriteMessage(websocket.TextMessage, data)
		case <-ping.C:
			err = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(lastWords))
		case <-s.ready:
			err = s.send()
		}
		if err != nil {
			s.hub.log.Debug("live socket is given up", "error", err)
			s.conn.Close()
			return
		}
	}
}

func (s *socket) sayGoodbye() {
	s.mu.Lock()
	bye := s.bye
	s.mu.Unlock()
	if bye == nil {
		bye = websocket.FormatCloseMessage(websocket.CloseServiceRestart, "the server stops; connect again")
	}
	err := s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(lastWords))
	if err != nil || s.conn.SetReadDeadline(time.Now().Add(lastWords)) != nil {
		s.conn.Close()
	}
}

// send writes what each subscription lacks, until none lacks anything.
func (s *socket) send() error {
	s.mu.Lock()
	subs := s.subs
	s.mu.Unlock()
	again := false
	for _, sub := range subs {
		if s.ctx.Err() != nil {
			return nil
		}
		sent, err := sub.send()
		if err != nil {
			return err
		}
		again = again || sent
	}
	if again { // there may be more by now
		s.wake()
	}
	return nil
}

// send writes the next message of a subscription, if there is one.
func (sub *subscription) send() (sent bool, err error) {
	var m *websocket.PreparedMessage
	var known uint64
	switch {
	case sub.ring != nil:
		m, known, err = sub.ring.news(sub.id, sub.known, !sub.begun, sub.missed)
	default:
		current := sub.feed.current.Load()
		if problem := sub.feed.ended.Load(); problem != nil && sub.known == current.seq {
			return sub.fail(*problem)
		}
		if sub.known == current.seq {
			return false, nil
		}
		known = current.seq
		m, err = current.message(sub.id, sub.known)
	}
	if err != nil || m == nil {
		return false, err
	}
	sub.known, sub.begun, sub.missed = known, true, false
	return true, sub.socket.conn.WritePreparedMessage(m)
}

// fail tells that the topic gives no more.
func (sub *subscription) fail(p Problem) (bool, error) {
	data, err := json.Marshal(Failure{ID: sub.id, Error: p})
	if err != nil {
		return false, err
	}
	sub.socket.unsubscribe(sub.id)
	return true, sub.socket.conn.WriteMessage(websocket.TextMessage, data)
}
