package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// engine is the state machine of a stream's protocol.
type engine interface {
	// know sets what the proxy should have, for the first time.
	know(d desired)
	// changed says that the content of a name may differ from before.
	changed(typ, name string)
	// quiet reports that everything is sent and acknowledged.
	quiet() bool
	// configured reports whether the proxy has asked for what changes are about,
	// as far as can be told: if it has not, its being quiet says nothing.
	configured() bool
	// account fills in what the engine knows of a ledger.
	account(l *ledger)
	// holds lists what the proxy has, of all types.
	holds(visit func(*content))
	// oldest is when the oldest unanswered response was sent; zero is never.
	oldest() time.Time
}

// stream is one open discovery stream.
type stream struct {
	server    *Server
	id        uint64
	uid       string
	pod       bool // the connection proved the pod
	connected time.Time
	log       *slog.Logger
	wake      chan struct{}

	// Only the stream's own goroutine uses these.
	applied    uint64 // number of the snapshot that view follows
	verdicts   uint64 // of the quarantine that view follows
	wasSettled bool
	charged    int    // bytes of names that count for the pod because of this stream
	sending    bool   // something was sent of what is not said to be settled yet
	said       uint64 // number of the snapshot that it was last said to have caught up with

	mu       sync.Mutex // guards what follows: others read it
	engine   engine
	ledger   *ledger
	proxy    xds.Proxy
	snap     *mesh.Snapshot // that view follows
	view     *view          // nil as long as nobody knows the pod
	settled  bool
	revision string
	version  string // of the proxy itself, as it said first
}

// admit takes in a new stream.
func (s *Server) admit(ctx context.Context, e engine) (*stream, error) {
	uid, pod := PodOf(ctx)
	if !pod && !s.options.Anonymous {
		s.log.Warn("discovery stream refused", slog.String("reason", "the connection proves no pod"))
		return nil, errNoPod
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
		return nil, errStopping
	default:
	}
	s.streamID++
	if !pod {
		uid = "client-" + strconv.FormatUint(s.streamID, 10)
	}
	if err := s.budgets.open(uid); err != nil {
		s.log.Warn("discovery stream refused", slog.String("pod", uid), slog.String("reason", "too many streams"))
		return nil, err
	}
	st := &stream{
		server: s, id: s.streamID, uid: uid, pod: pod, connected: time.Now(),
		log:  s.log.With(slog.String("pod", uid), slog.Uint64("stream", s.streamID)),
		wake: make(chan struct{}, 1), engine: e, ledger: newLedger(),
	}
	s.streams[st] = struct{}{}
	s.behind[st] = struct{}{}
	return st, nil
}

// leave forgets a stream.
func (s *Server) leave(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
	delete(s.behind, st)
	s.budgets.shut(st.uid, st.charged)
	s.landLocked()
}

var errStopping = status.Error(codes.Unavailable, "the control plane is stopping")

// charge counts more bytes of names for the pod, or fewer; false when that
// leaves less than spare of what it may have.
func (st *stream) charge(more, spare int) bool {
	if !st.server.budgets.charge(st.uid, more, spare) {
		return false
	}
	st.charged += more
	return true
}

func (st *stream) poke() {
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// refresh brings the view up to the newest snapshot and quarantine.
func (st *stream) refresh() {
	s := st.server
	snap, seq := s.current()
	verdicts := s.bad.version.Load()
	if snap == nil {
		return
	}
	var next *set
	proxy, known := st.proxy, false
	if seq != st.applied {
		proxy, known = s.proxyOf(st, snap)
		if known {
			var prev *set
			if st.view != nil {
				prev = st.view.set
			}
			made, err := s.setFor(snap, seq, proxy, prev)
			if err != nil {
				st.log.Error("proxy keeps its plan", slog.Any("error", err))
			}
			next = made
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.applied != seq {
		st.applied, st.sending = seq, false
	}
	first := st.view == nil
	switch {
	case next != nil:
		st.apply(proxy, snap, next)
	case first:
		return
	}
	if verdicts != st.verdicts {
		st.verdicts = verdicts
		for _, v := range *s.bad.bad.Load() { // also what binds this proxy no more
			st.engine.changed(v.Type, v.Name)
		}
	}
	for _, key := range st.view.lean(st.snap) {
		st.engine.changed(key.typ, key.name)
	}
	for _, name := range agentSecrets {
		st.engine.changed(xds.SecretType, name)
	}
	if first {
		st.engine.know(st.view)
	}
}

// apply makes a set the one to follow.
func (st *stream) apply(p xds.Proxy, snap *mesh.Snapshot, next *set) {
	st.proxy, st.snap, st.revision = p, snap, snap.Revision.String()
	if st.view == nil {
		s := st.server
		st.view = &view{
			set: next, goods: s.goods, bad: s.bad, variant: variantOf(p),
			refused: map[resourceKey]*verdict{}, extra: map[resourceKey]*content{}, hostless: map[string]*content{},
		}
		if s.options.Signer != nil && st.pod {
			st.view.secret = func(name string) *content { return s.agentSecret(name, st.proxy.Workload) }
		}
		return
	}
	prev := st.view.set
	st.view.follow(next)
	for _, d := range st.server.differences(st.applied, prev, next) {
		st.engine.changed(d.typ, d.name)
	}
}

// variantOf is whose content a proxy shares, and as whose its word on content
// counts: its workload's. Clients that are no pod are one.
func variantOf(p xds.Proxy) string {
	if p.Workload == nil {
		return string(p.Role)
	}
	return string(p.Role) + "/" + p.Namespace + "/" + p.Workload.Workload
}

// conn is a discovery stream of either protocol.
type conn[Q, R any] interface {
	Recv() (Q, error)
	Send(R) error
	Context() context.Context
}

// exchange is what a protocol does on a stream, with the stream's lock held.
type exchange[Q, R any] interface {
	// handle takes in a request; its error ends the stream.
	handle(q Q, now time.Time) error
	// next is the response to send now, if any, and when to ask again although
	// nothing happened (zero: never).
	next(now time.Time) (r R, ok bool, wake time.Time)
}

// pump moves a stream until it ends. One response at a time is handed to the
// connection; the next one is decided when that is through, from the state of
// that moment.
func pump[Q, R any](st *stream, c conn[Q, R], x exchange[Q, R]) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	requests, ended := receive(ctx, c, st.server.limits)
	out := make(chan R)
	defer close(out)
	sent := make(chan error, 1)
	go func() {
		for r := range out {
			sent <- c.Send(r)
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()

	var sending time.Time // since when; zero is not
	st.refresh()
	for {
		var wake time.Time
		if sending.IsZero() {
			r, ok, again := step(st, x)
			wake = again
			if ok {
				out <- r // the sender waits for it
				sending = time.Now()
			}
		}
		timer.Reset(st.untilNext(wake, sending))
		select {
		case q := <-requests:
			st.mu.Lock()
			err := x.handle(q, time.Now())
			st.mu.Unlock()
			if err != nil {
				st.log.Warn("discovery stream ended", slog.Any("error", err))
				return err
			}
			if st.server.bad.version.Load() != st.verdicts {
				st.refresh()
			}
		case <-st.wake:
			st.refresh()
		case err := <-sent:
			if err != nil {
				return err
			}
			sending = time.Time{}
		case <-timer.C:
			if err := st.overdue(sending); err != nil {
				st.log.Warn("discovery stream ended", slog.Any("error", err))
				return err
			}
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-st.server.stop:
			return errStopping
		}
	}
}

// step decides what to send and keeps the books on being settled.
func step[Q, R any](st *stream, x exchange[Q, R]) (r R, ok bool, wake time.Time) {
	st.mu.Lock()
	r, ok, wake = x.next(time.Now())
	st.settled = !ok && (st.view == nil || st.engine.quiet())
	settled := st.settled
	if settled {
		st.saySettled(time.Now())
	}
	st.mu.Unlock()
	switch {
	case settled:
		st.server.caughtUp(st, st.applied)
	case st.wasSettled:
		st.server.lagging(st)
	}
	st.wasSettled = settled
	return r, ok, wake
}

// receive reads requests no faster than the limits allow. What is not read
// waits in the sender.
func receive[Q, R any](ctx context.Context, c conn[Q, R], l Limits) (<-chan Q, <-chan error) {
	requests := make(chan Q)
	ended := make(chan error, 1)
	limiter := l.limiter()
	go func() {
		for {
			if err := limiter.Wait(ctx); err != nil {
				ended <- err
				return
			}
			q, err := c.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case requests <- q:
			case <-ctx.Done():
				ended <- ctx.Err()
				return
			}
		}
	}()
	return requests, ended
}

// untilNext is how long to wait for something to happen.
func (st *stream) untilNext(wake, sending time.Time) time.Duration {
	until := time.Now().Add(time.Hour)
	earlier := func(t time.Time) {
		if t.Before(until) {
			until = t
		}
	}
	if !wake.IsZero() {
		earlier(wake)
	}
	if !sending.IsZero() {
		earlier(sending.Add(st.server.limits.SendTimeout))
	}
	st.mu.Lock()
	oldest := st.engine.oldest()
	st.mu.Unlock()
	if !oldest.IsZero() {
		earlier(oldest.Add(st.server.limits.AnswerTimeout))
	}
	return max(0, time.Until(until))
}

// overdue is the error that ends a stream whose client does not read or answer.
func (st *stream) overdue(sending time.Time) error {
	l := st.server.limits
	if !sending.IsZero() && time.Since(sending) >= l.SendTimeout {
		return status.Errorf(codes.DeadlineExceeded, "the client has not read a response for %v", l.SendTimeout)
	}
	st.mu.Lock()
	oldest := st.engine.oldest()
	st.mu.Unlock()
	if !oldest.IsZero() && time.Since(oldest) >= l.AnswerTimeout {
		return status.Errorf(codes.DeadlineExceeded, "the client has not answered a response for %v", l.AnswerTimeout)
	}
	return nil
}

// introduced notes which version the proxy says that it is. It says so once on a
// stream.
func (st *stream) introduced(n *corev3.Node) {
	if v := n.GetUserAgentBuildVersion().GetVersion(); v != nil && st.version == "" {
		st.version = fmt.Sprintf("%d.%d.%d", v.GetMajorNumber(), v.GetMinorNumber(), v.GetPatch())
	}
}

// status of the stream, as if it were its pod's only one.
func (st *stream) status(now time.Time) ProxyStatus {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.engine.account(st.ledger)
	p := ProxyStatus{
		UID: st.uid, ID: st.proxy.ID, Namespace: st.proxy.Namespace, Role: st.proxy.Role,
		Connected: st.connected, Streams: 1, Revision: st.revision,
		Settled: st.settled && st.view != nil, Types: st.ledger.list(), Version: st.version,
	}
	if p.ID == "" {
		p.ID = st.uid
	}
	if oldest := st.engine.oldest(); !oldest.IsZero() && now.Sub(oldest) > staleAfter {
		p.Stale = true
	}
	return p
}

// resources that the proxy has.
func (st *stream) resources() map[string][]xds.Resource {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := map[string][]xds.Resource{}
	st.engine.holds(func(c *content) {
		if c.body == nil {
			return
		}
		from := c.from
		if st.view != nil {
			// The objects may have changed in a way that does not reach the resource.
			if e := st.view.set.get(c.typ, c.name); e != nil && e.content != nil && e.content.version == c.version {
				from = e.from
			}
		}
		r, err := c.resource(from)
		if err != nil {
			st.log.Error("resource cannot be shown", slog.Any("error", err))
			return
		}
		all[c.typ] = append(all[c.typ], r)
	})
	for _, list := range all {
		slices.SortFunc(list, func(a, b xds.Resource) int { return (&a).Compare(&b) })
	}
	return all
}

// found is where the stream's findings are.
func (st *stream) found() (*set, []*verdict) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.view == nil {
		return nil, nil
	}
	refused := make([]*verdict, 0, len(st.view.refused))
	for _, v := range st.view.refused {
		if !v.At.IsZero() {
			refused = append(refused, v)
		}
	}
	return st.view.set, refused
}
