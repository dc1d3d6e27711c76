package serve

import (
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// Published is a snapshot that proxies are to follow from now on.
type Published struct {
	Seq uint64 // counts the snapshots
	// Before is what they were to follow until now; nil at the first.
	Before, Snapshot *mesh.Snapshot
	At               time.Time
}

// Word is what happened between the server and one proxy.
type Word struct {
	UID, ID string
	// Seq is the number of the snapshot that the proxy follows.
	Seq  uint64
	At   time.Time
	What Happening
	// Refusals are, of What Refused, those of this moment; of What Settled, all
	// that the proxy is not sent because it was rejected, by itself or others.
	Refusals []Refusal
}

// Happening is the kind of a Word.
type Happening uint8

const (
	// SentSome: the proxy was sent the first of what it lacks of the snapshot.
	SentSome Happening = iota + 1
	// Refused: it rejected a response.
	Refused
	// Settled: it has answered everything that follows from the snapshot.
	Settled
)

// Refusal is content that a proxy rejected.
type Refusal struct {
	// Type and Name of the resource; Name is empty as long as it is not known
	// which one of several was meant.
	Type, Name string
	Words      string     // the proxy's own
	From       []mesh.Ref // the objects it was made of, the likely culprit first
}

// Listener is told what is delivered. Its methods are called in the order of
// what happens to each proxy, and must neither wait nor ask the server.
type Listener interface {
	Published(p Published)
	Heard(w Word)
}

// Listen tells l everything from now on. It is called before Run.
func (s *Server) Listen(l Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
}

func (s *Server) say(w Word) {
	s.mu.Lock()
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		l.Heard(w)
	}
}

// sentSome notes a response; the first one since the stream follows its
// snapshot is told. The caller holds the stream's lock.
func (st *stream) sentSome(at time.Time) {
	if st.view == nil || st.sending {
		return
	}
	st.sending = true
	st.server.say(Word{UID: st.uid, ID: st.proxy.ID, Seq: st.applied, At: at, What: SentSome})
}

// refusedSome tells what the proxy rejected; nothing known is a response of
// which nobody can say yet what was wrong. The caller holds the stream's lock.
func (st *stream) refusedSome(typ, words string, names []string, at time.Time) {
	if st.view == nil {
		return
	}
	w := Word{UID: st.uid, ID: st.proxy.ID, Seq: st.applied, At: at, What: Refused}
	for _, name := range names {
		r := Refusal{Type: typ, Name: name, Words: words}
		if e := st.view.set.get(typ, name); e != nil {
			r.From = st.server.guiltiest(e.from)
		}
		w.Refusals = append(w.Refusals, r)
	}
	if len(names) == 0 {
		w.Refusals = []Refusal{{Type: typ, Words: words}}
	}
	st.server.say(w)
}

// saySettled tells that the stream has caught up with its snapshot, unless that
// was said already and nothing happened since. The caller holds the stream's
// lock.
func (st *stream) saySettled(now time.Time) {
	if st.view == nil || !st.sending && st.said == st.applied || !st.engine.configured() {
		return
	}
	st.said, st.sending = st.applied, false
	st.server.say(Word{UID: st.uid, ID: st.proxy.ID, Seq: st.applied, At: now, What: Settled, Refusals: st.view.withheld()})
}

// configures reports whether a type brings a proxy what changes are about. An
// agent has a stream of its own for secrets, which goes on while the proxy hangs
// and says nothing about it.
func configures(typ string) bool { return typ != xds.SecretType }

// withheld lists what the proxy is not sent because it was rejected.
func (v *view) withheld() []Refusal {
	var list []Refusal
	add := func(r *verdict) {
		if e := v.set.get(r.Type, r.Name); e != nil && e.content != nil && e.content.version == r.Version {
			list = append(list, Refusal{Type: r.Type, Name: r.Name, Words: r.Words, From: r.refs()})
		}
	}
	for _, r := range v.bad.binding(v.variant) {
		add(r)
	}
	for _, r := range v.refused {
		add(r)
	}
	return list
}
