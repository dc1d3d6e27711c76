package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
)

// Whole is everything that a topic has to say: elements by id, as values that
// can be written as JSON.
type Whole map[string]any

// minGone is how many removed elements a state remembers at least.
const minGone = 1000

// state is one version of a topic's elements, and knows of each when it
// changed: so that what a reader lacks, whatever it has, follows from it alone.
// It is immutable but for what it remembers of its own messages.
type state struct {
	epoch string
	seq   uint64
	elems map[string]element
	gone  map[string]uint64 // when removed elements were removed
	floor uint64            // readers that are further behind need the whole

	mu       sync.Mutex
	messages map[messageKey]*websocket.PreparedMessage
}

type element struct {
	pair []byte // id and value as they stand in a JSON object
	seq  uint64 // when it became so
}

// pairs writes each element.
func pairs(w Whole) (map[string][]byte, error) {
	out := make(map[string][]byte, len(w))
	for id, value := range w {
		data, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("element %q: %w", id, err)
		}
		key := quoted(id)
		pair := make([]byte, 0, len(key)+1+len(data))
		out[id] = append(append(append(pair, key...), ':'), data...)
	}
	return out, nil
}

// next is the state with other elements: s itself where nothing differs.
func (s *state) next(elems map[string][]byte) *state {
	n := &state{epoch: s.epoch, seq: s.seq + 1, elems: make(map[string]element, len(elems)), gone: map[string]uint64{}, floor: s.floor}
	changed := s.seq == 0
	for id, pair := range elems {
		if old, ok := s.elems[id]; ok && bytes.Equal(old.pair, pair) {
			n.elems[id] = old
			continue
		}
		n.elems[id] = element{pair, n.seq}
		changed = true
	}
	for id := range s.elems {
		if _, ok := elems[id]; !ok {
			n.gone[id] = n.seq
			changed = true
		}
	}
	if !changed {
		return s
	}
	for id, seq := range s.gone {
		if _, back := elems[id]; !back {
			n.gone[id] = seq
		}
	}
	n.forget()
	return n
}

// forget drops the oldest removals when there are many, so that elements which
// come and go do not fill the memory.
func (s *state) forget() {
	most := max(minGone, len(s.elems))
	if len(s.gone) <= most {
		return
	}
	when := slices.Sorted(maps.Values(s.gone))
	s.floor = max(s.floor, when[len(when)-most/2])
	maps.DeleteFunc(s.gone, func(_ string, seq uint64) bool { return seq <= s.floor })
}

// lacks is what a reader that has the state of number known lacks.
func (s *state) lacks(known uint64) (whole bool, put, del []string) {
	whole = known == 0 || known < s.floor
	for id, e := range s.elems {
		if whole || e.seq > known {
			put = append(put, id)
		}
	}
	if !whole {
		for id, seq := range s.gone {
			if seq > known {
				del = append(del, id)
			}
		}
	}
	slices.Sort(put)
	slices.Sort(del)
	return whole, put, del
}

// encode writes the message for a reader that has the state of number known.
func (s *state) encode(id string, known uint64) []byte {
	whole, put, del := s.lacks(known)
	var b bytes.Buffer
	b.WriteString(`{"id":`)
	b.Write(quoted(id))
	b.WriteString(`,"epoch":`)
	b.Write(quoted(s.epoch))
	b.WriteString(`,"seq":`)
	b.WriteString(strconv.FormatUint(s.seq, 10))
	if whole {
		b.WriteString(`,"whole":true`)
	}
	b.WriteString(`,"put":{`)
	for i, name := range put {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(s.elems[name].pair)
	}
	b.WriteString(`},"del":[`)
	for i, name := range del {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(name))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// messageKey is all that a message depends on besides the state.
type messageKey struct {
	id    string
	known uint64
}

// maxShared bounds the messages that a state remembers. Readers are alike, as
// most have the state before and one page gives the same ids everywhere, so
// that few are enough.
const maxShared = 8

// message is encode, made and compressed once for all readers that are alike.
func (s *state) message(id string, known uint64) (*websocket.PreparedMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := messageKey{id, known}
	if m := s.messages[key]; m != nil {
		return m, nil
	}
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, s.encode(id, known))
	if err != nil {
		return nil, err
	}
	if s.messages == nil {
		s.messages = map[messageKey]*websocket.PreparedMessage{}
	}
	for other := range s.messages {
		if len(s.messages) < maxShared {
			break
		}
		delete(s.messages, other) // any: one that many want is soon there again
	}
	s.messages[key] = m
	return m, nil
}
