package live

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// ringSize is how many events are kept.
const ringSize = 10_000

// maxNews bounds the events of one message.
const maxNews = 500

// Ring keeps the latest events. It is safe for concurrent use.
type Ring struct {
	epoch string

	mu      sync.Mutex
	events  []Event // the event of number n is at n % size, once there are so many
	size    int
	last    uint64 // number of the latest event
	readers map[*subscription]struct{}
}

// NewRing makes an empty ring.
func NewRing() *Ring { return newRing(ringSize) }

func newRing(size int) *Ring {
	return &Ring{epoch: newEpoch(), size: size, readers: map[*subscription]struct{}{}}
}

// Add tells of something that happened now. It waits for nobody. What cannot be
// written as JSON is refused.
func (r *Ring) Add(typ string, params any) error {
	data, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("event %s: %w", typ, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	e := Event{Seq: r.last, At: time.Now().UTC(), Type: typ, Params: data}
	if len(r.events) < r.size {
		r.events = append(r.events, e)
	} else {
		r.events[(r.last-1)%uint64(r.size)] = e
	}
	for s := range r.readers {
		s.socket.wake()
	}
	return nil
}

// after lists what follows the event of number seq, oldest first and as many as
// one message takes. It is false where some of that is not there any more.
func (r *Ring) after(seq uint64) (events []Event, last uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq > r.last || r.last-seq > uint64(len(r.events)) {
		return nil, r.last, false
	}
	for n := seq + 1; n <= r.last && len(events) < maxNews; n++ {
		events = append(events, r.events[(n-1)%uint64(r.size)])
	}
	return events, seq + uint64(len(events)), true
}

// newest is the number of the latest event.
func (r *Ring) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// start is where a subscription begins to read, and whether what it asked for
// is there.
func (r *Ring) start(p Params) (seq uint64, missed bool, err error) {
	after, given := p["after"]
	if !given || after == "" {
		return r.newest(), false, nil
	}
	seq, err = strconv.ParseUint(after, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("after must be the number of an event")
	}
	if _, _, ok := r.after(seq); !ok || p["epoch"] != r.epoch {
		return r.newest(), true, nil
	}
	return seq, false, nil
}

func (r *Ring) join(s *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers[s] = struct{}{}
}

func (r *Ring) leave(s *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.readers, s)
}

// news is the next message of a reader that has all up to seq, and what it has
// with that. It is empty where there is nothing new.
func (r *Ring) news(id string, seq uint64, first, missed bool) (m *websocket.PreparedMessage, upTo uint64, err error) {
	events, upTo, ok := r.after(seq)
	n := News{ID: id, Epoch: r.epoch, Seq: upTo, Events: append([]Event{}, events...), Resync: missed || !ok}
	if len(events) == 0 && !first && !n.Resync {
		return nil, upTo, nil
	}
	data, err := json.Marshal(n)
	if err != nil {
		return nil, upTo, err
	}
	m, err = websocket.NewPreparedMessage(websocket.TextMessage, data)
	return m, upTo, err
}
