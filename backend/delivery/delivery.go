// Package delivery follows each change on its way to the proxies: whom it
// concerns, who has acknowledged it and how soon, who rejected it with which
// words, and whether the change itself is to blame.
//
// A change is found again in the snapshots: the first that holds everything it
// wrote is the one whose acknowledgement counts, and so does that of any newer
// one.
package delivery

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/serve"
)

const (
	// maxSteps bounds how many snapshots are remembered, for changes that are
	// told after their snapshot came.
	maxSteps = 64
	// maxWords bounds what is remembered of a snapshot besides: a proxy that
	// rejects without end says very much.
	maxWords = 20_000
	// toldWithin is how long it may take until somebody tells of a change that the
	// mesh holds already.
	toldWithin = 5 * time.Second
	// maxChanges bounds how many changes are followed; the oldest go first.
	maxChanges = 100
)

// Change is what was written. Text is nil for a deleted object.
type Change struct {
	ID      string
	At      time.Time
	Objects []Written
}

// Written is one object of a change as it was written.
type Written struct {
	Ref  mesh.Ref
	Text []byte
}

// Concerned works out what a change of snapshots does to the connected proxies.
type Concerned func(before, after *mesh.Snapshot) []*preview.Effect

// State of a proxy with regard to a change.
type State string

// States of a proxy.
const (
	Pending      State = "pending"
	Acknowledged State = "acknowledged"
	Rejected     State = "rejected"
)

// Proxy is one that a change concerns.
type Proxy struct {
	ID        string     `json:"id"`
	UID       string     `json:"uid"`
	Workload  string     `json:"workload"`
	Namespace string     `json:"namespace"`
	State     State      `json:"state"`
	MS        *float64   `json:"ms,omitempty"` // from the write to the last answer
	Since     time.Time  `json:"since"`        // it is in this state
	Error     string     `json:"error,omitempty"`
	Resource  string     `json:"resource,omitempty"`
	Refs      []mesh.Ref `json:"refs,omitempty"` // that the rejection is blamed on
	// OwnFault is true when what was rejected comes of this change.
	OwnFault *bool `json:"ownFault,omitempty"`
}

// Summary counts the proxies of a change.
type Summary struct {
	Concerned    int        `json:"concerned"`
	Acknowledged int        `json:"acknowledged"`
	Rejected     int        `json:"rejected"`
	Pending      int        `json:"pending"`
	Written      time.Time  `json:"written"`
	Sent         *time.Time `json:"sent"` // the first response with it
	Last         *time.Time `json:"last"` // the last acknowledgement
	// Known is false as long as no snapshot holds the change.
	Known bool `json:"known"`
}

// Delivery is how far a change is.
type Delivery struct {
	Summary Summary
	Proxies []Proxy // by ID
}

// step is one snapshot with what proxies said of it.
type step struct {
	seq           uint64
	at            time.Time
	before, after *mesh.Snapshot
	words         []serve.Word
}

// followed is a change with its proxies.
type followed struct {
	change  Change
	seq     uint64         // of the first snapshot that holds it; 0 is not yet
	before  *mesh.Snapshot // they share most of what they hold with those in force
	after   *mesh.Snapshot // nil once the proxies are known
	ready   bool           // the proxies are known
	proxies map[string]*proxy
	early   []serve.Word // heard before they were
	sent    *time.Time
	last    *time.Time
}

type proxy struct {
	Proxy
	resources map[resource]bool // that the change gives it
}

type resource struct{ typ, name string }

// Tracker follows changes. It is a serve.Listener, and safe for concurrent use.
type Tracker struct {
	concerned Concerned
	wake      chan struct{}

	mu      sync.Mutex
	steps   []*step // oldest first
	latest  *mesh.Snapshot
	changes []*followed // oldest first
	watch   map[string]map[chan struct{}]bool
}

var _ serve.Listener = (*Tracker)(nil)

// New makes a tracker; Run makes it live.
func New(c Concerned) *Tracker {
	return &Tracker{concerned: c, wake: make(chan struct{}, 1), watch: map[string]map[chan struct{}]bool{}}
}

// Published takes in a snapshot.
func (t *Tracker) Published(p serve.Published) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest = p.Snapshot
	t.steps = append(t.steps, &step{seq: p.Seq, at: p.At, before: p.Before, after: p.Snapshot})
	if len(t.steps) > maxSteps {
		t.steps = slices.Delete(t.steps, 0, len(t.steps)-maxSteps)
	}
	for _, f := range t.changes {
		if f.seq == 0 && p.Before != nil && holds(p.Snapshot, f.change.Objects) {
			f.found(t.steps[len(t.steps)-1])
			t.rouse()
		}
		if f.dropGone(p.Snapshot) {
			t.tell(f.change.ID)
		}
	}
}

// Heard takes in what happened between the server and a proxy.
func (t *Tracker) Heard(w serve.Word) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.steps) - 1; i >= 0; i-- {
		if s := t.steps[i]; s.seq == w.Seq && len(s.words) < maxWords {
			s.words = append(s.words, w)
			break
		}
	}
	for _, f := range t.changes {
		if f.seq != 0 && w.Seq >= f.seq && f.hear(w) {
			t.tell(f.change.ID)
		}
	}
}

// Follow begins to follow a change, which is about to be written or was a
// moment ago. Following the same one again changes nothing.
func (t *Tracker) Follow(c Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.find(c.ID) != nil {
		return
	}
	f := &followed{change: c, proxies: map[string]*proxy{}}
	t.changes = append(t.changes, f)
	if len(t.changes) > maxChanges {
		t.changes = slices.Delete(t.changes, 0, len(t.changes)-maxChanges)
	}
	if i := t.heldSince(c.Objects); i >= 0 {
		f.found(t.steps[i])
		for _, later := range t.steps[i:] {
			f.early = append(f.early, later.words...)
		}
		t.rouse()
	}
	t.tell(c.ID)
}

// heldSince is the step since which the mesh holds what was written; -1 when it
// does not, or has for longer than is remembered.
func (t *Tracker) heldSince(objects []Written) int {
	for i := len(t.steps) - 1; i >= 0 && holds(t.steps[i].after, objects); i-- {
		if before := t.steps[i].before; before != nil && !holds(before, objects) {
			return i
		}
	}
	return -1
}

func (t *Tracker) find(id string) *followed {
	for _, f := range t.changes {
		if f.change.ID == id {
			return f
		}
	}
	return nil
}

func (t *Tracker) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run works out whom changes concern, as soon as a snapshot holds them, until
// ctx ends.
func (t *Tracker) Run(ctx context.Context) error {
	for {
		select {
		case <-t.wake:
			t.work()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// work works out whom changes concern that were found in a snapshot.
func (t *Tracker) work() {
	for {
		t.mu.Lock()
		i := slices.IndexFunc(t.changes, func(f *followed) bool { return f.seq != 0 && !f.ready })
		if i < 0 {
			t.mu.Unlock()
			return
		}
		f := t.changes[i]
		before, after := f.before, f.after
		t.mu.Unlock()
		effects := t.concerned(before, after)
		t.mu.Lock()
		f.concern(effects)
		if t.latest != nil {
			f.dropGone(t.latest)
		}
		t.tell(f.change.ID)
		t.mu.Unlock()
	}
}

// Get is how far a change is; false for one that is not followed (any more).
func (t *Tracker) Get(id string) (Delivery, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.find(id)
	if f == nil {
		return Delivery{}, false
	}
	return f.delivery(), true
}

// LatestOf is the newest change that wrote an object, with the snapshot before
// it; false when none that is followed did. text is what the mesh holds: a change
// that wrote something else is not the one in force. The one that is, which may be
// the first of the object, is told of a moment later, and until then nobody has it.
func (t *Tracker) LatestOf(ref mesh.Ref, text []byte) (d Delivery, before *mesh.Snapshot, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range slices.Backward(t.changes) {
		i := slices.IndexFunc(f.change.Objects, func(w Written) bool { return w.Ref == ref })
		if i < 0 {
			continue
		}
		if f.seq == 0 || f.change.Objects[i].says(text) {
			return f.delivery(), f.before, true
		}
		break
	}
	now := []Written{{Ref: ref, Text: text}}
	if t.latest != nil && !holds(t.latest, now) { // it is still to be published
		return Delivery{Summary: Summary{Written: time.Now()}}, t.latest, true
	}
	step := t.heldSince(now)
	if step < 0 || time.Since(t.steps[step].at) > toldWithin {
		return Delivery{}, nil, false // it was not recorded
	}
	return Delivery{Summary: Summary{Written: t.steps[step].at}}, t.steps[step].before, true
}

// Watch gives a channel that says when there is something new about a change;
// done ends that.
func (t *Tracker) Watch(id string) (news <-chan struct{}, done func()) {
	c := make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watch[id] == nil {
		t.watch[id] = map[chan struct{}]bool{}
	}
	t.watch[id][c] = true
	return c, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.watch[id], c)
		if len(t.watch[id]) == 0 {
			delete(t.watch, id)
		}
	}
}

func (t *Tracker) tell(id string) {
	for c := range t.watch[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// holds reports whether a snapshot has all objects as they were written.
func holds(snap *mesh.Snapshot, objects []Written) bool {
	for _, w := range objects {
		o, there := snap.Get(w.Ref)
		if w.Text == nil {
			if there {
				return false
			}
			continue
		}
		// What the cluster reports in its own words has no text.
		if !there || o.Text != nil && !w.says(o.Text) {
			return false
		}
	}
	return true
}

// says reports whether an object's text is what was written.
func (w Written) says(text []byte) bool {
	return bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(w.Text))
}

func (f *followed) found(s *step) {
	f.seq, f.before, f.after = s.seq, s.before, s.after
	if s.at.Before(f.change.At) {
		f.change.At = s.at // it was noticed later than it was made
	}
}

// concern takes in whom the change concerns, and what they said meanwhile.
func (f *followed) concern(effects []*preview.Effect) {
	f.ready, f.after = true, nil
	for _, e := range effects {
		resources := make(map[resource]bool, len(e.Resources))
		for _, r := range e.Resources {
			resources[resource{r.Type, r.Name}] = true
		}
		for _, p := range e.Proxies {
			f.proxies[p.UID] = &proxy{resources: resources, Proxy: Proxy{
				ID: p.ID, UID: p.UID, Workload: p.Workload.Workload, Namespace: p.Namespace, State: Pending, Since: f.change.At,
			}}
		}
	}
	early := f.early
	f.early = nil
	for _, w := range early {
		f.hear(w)
	}
}

// dropGone forgets proxies whose pods are gone: nobody waits for them.
func (f *followed) dropGone(snap *mesh.Snapshot) bool {
	before := len(f.proxies)
	maps.DeleteFunc(f.proxies, func(uid string, _ *proxy) bool {
		_, there := snap.Workloads.Get(uid)
		return !there
	})
	return len(f.proxies) != before
}

// hear takes in a word about the change or a newer state, and reports whether
// anything is new.
func (f *followed) hear(w serve.Word) bool {
	if !f.ready {
		f.early = append(f.early, w)
		return false
	}
	p := f.proxies[w.UID]
	if p == nil || p.State == Acknowledged {
		return false
	}
	switch w.What {
	case serve.SentSome:
		if f.sent == nil {
			f.sent = &w.At
		}
		return true
	case serve.Refused:
		if p.State == Rejected && *p.OwnFault && len(p.blamed(w.Refusals)) == 0 {
			return false
		}
		p.reject(w, p.blamed(w.Refusals))
	case serve.Settled:
		if own := p.blamed(w.Refusals); len(own) > 0 {
			if p.State == Rejected && *p.OwnFault {
				return false
			}
			p.reject(w, own)
			break
		}
		p.State, p.Since, p.MS = Acknowledged, w.At, f.took(w.At)
		p.Error, p.Resource, p.Refs, p.OwnFault = "", "", nil, nil
		if f.last == nil || w.At.After(*f.last) {
			f.last = &w.At
		}
	}
	if f.sent == nil {
		f.sent = &w.At
	}
	if p.State == Rejected {
		p.MS = f.took(w.At)
	}
	return true
}

func (f *followed) took(at time.Time) *float64 {
	ms := max(0, float64(at.Sub(f.change.At).Microseconds())/1000)
	return &ms
}

// blamed are those refusals that are of resources which the change gives the
// proxy.
func (p *proxy) blamed(all []serve.Refusal) []serve.Refusal {
	var own []serve.Refusal
	for _, r := range all {
		if p.resources[resource{r.Type, r.Name}] {
			own = append(own, r)
		}
	}
	return own
}

func (p *proxy) reject(w serve.Word, own []serve.Refusal) {
	fault := len(own) > 0
	told := own
	if !fault {
		told = w.Refusals
	}
	p.State, p.Since, p.OwnFault = Rejected, w.At, &fault
	if len(told) > 0 {
		p.Error, p.Resource, p.Refs = told[0].Words, told[0].Name, told[0].From
	}
}

func (f *followed) delivery() Delivery {
	d := Delivery{Summary: Summary{Written: f.change.At, Sent: f.sent, Last: f.last, Known: f.ready, Concerned: len(f.proxies)}}
	for _, p := range f.proxies {
		switch p.State {
		case Acknowledged:
			d.Summary.Acknowledged++
		case Rejected:
			d.Summary.Rejected++
		case Pending:
			d.Summary.Pending++
		}
		d.Proxies = append(d.Proxies, p.Proxy)
	}
	slices.SortFunc(d.Proxies, func(a, b Proxy) int {
		switch {
		case a.ID < b.ID || a.ID == b.ID && a.UID < b.UID:
			return -1
		case a.ID == b.ID && a.UID == b.UID:
			return 0
		}
		return 1
	})
	return d
}
