// Package queue has expensive work wait for its turn: little of it is done at a
// time, in all and for each who asks, and few wait, for a short while.
package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Kind is what somebody comes for.
type Kind int

const (
	// Read is work that its asker looks at and nothing else.
	Read Kind = iota
	// Write is work that something is changed by: it never waits for reading.
	Write
)

// Limits of a queue. Those for each who asks, and of those who wait, hold for
// reading and for writing, each for itself.
type Limits struct {
	AtOnce, AtOnceEach   int // that work, in all and for each who asks
	Kept                 int // of AtOnce, which reading never takes
	Waiting, WaitingEach int // that wait for it
	// Patience is how long one waits before being sent away.
	Patience time.Duration
}

// Queue lets people in one after the other. It is safe for concurrent use.
type Queue struct {
	limits Limits

	mu      sync.Mutex
	working map[asker]int // nobody with none is in it
	places  [2]int        // that are taken, by kind
	waiting []*ticket     // who is to come next stands first
}

// asker is who asks, and for what.
type asker struct {
	who  string
	kind Kind
}

// ticket is somebody's place in the queue.
type ticket struct {
	asker
	called chan struct{} // closed when it is their turn
}

// New makes a queue.
func New(l Limits) *Queue { return &Queue{limits: l, working: map[asker]int{}} }

// Busy reports that there was no turn in time.
type Busy struct {
	// Own says that it is the one who asks that keeps the queue busy.
	Own bool
	// After is when it makes sense to ask again.
	After time.Duration
}

func (b *Busy) Error() string {
	if b.Own {
		return fmt.Sprintf("you have other requests of this kind under way; wait for their answers, or try again in %d s", b.Seconds())
	}
	return fmt.Sprintf("others keep the server busy with requests of this kind; try again in %d s", b.Seconds())
}

// Seconds are whole ones, at least one.
func (b *Busy) Seconds() int { return max(1, int((b.After+time.Second-1)/time.Second)) }

// Enter waits for a turn; leave, which may be called twice, ends it. It gives
// *Busy when too many wait already or it takes too long, and the error of ctx
// when that ends first: who is gone stands in nobody's way.
func (q *Queue) Enter(ctx context.Context, who string, kind Kind) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := asker{who, kind}
	t, err := q.line(a)
	if err != nil {
		return nil, err
	}
	leave = sync.OnceFunc(func() { q.leave(a) })
	if t == nil {
		return leave, nil
	}
	patience := time.NewTimer(q.limits.Patience)
	defer patience.Stop()
	select {
	case <-t.called:
		return leave, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-patience.C:
		if !q.giveUp(t) { // it was called at this very moment
			return leave, nil
		}
		return nil, q.busy(a)
	}
	if !q.giveUp(t) {
		leave()
	}
	return nil, err
}

// line takes a place, or one in the queue; nil when there is no need to wait.
func (q *Queue) line(a asker) (*ticket, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	// For none of those who wait there is a place: it would have been given.
	if q.free(a) {
		q.take(a)
		return nil, nil
	}
	own, all := 0, 0
	for _, t := range q.waiting {
		if t.kind == a.kind {
			all++
		}
		if t.asker == a {
			own++
		}
	}
	switch {
	case own >= q.limits.WaitingEach:
		return nil, &Busy{Own: true, After: time.Second}
	case all >= q.limits.Waiting:
		return nil, &Busy{After: q.limits.Patience}
	}
	t := &ticket{asker: a, called: make(chan struct{})}
	q.waiting = append(q.waiting, t)
	return t, nil
}

// free says whether there is a place for somebody. q.mu is held.
func (q *Queue) free(a asker) bool {
	switch {
	case q.places[Read]+q.places[Write] >= q.limits.AtOnce:
		return false
	case a.kind == Read && q.places[Read] >= q.limits.AtOnce-q.limits.Kept:
		return false
	}
	return q.working[a] < q.limits.AtOnceEach
}

func (q *Queue) take(a asker) {
	q.places[a.kind]++
	q.working[a]++
}

// leave gives a place back, and calls whom it is for now.
func (q *Queue) leave(a asker) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.places[a.kind]--
	if q.working[a]--; q.working[a] == 0 {
		delete(q.working, a)
	}
	for i := q.next(); i >= 0; i = q.next() {
		t := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.take(t.asker)
		close(t.called)
		// Whoever has much to ask lets the others go first each time.
		slices.SortStableFunc(q.waiting, func(a, b *ticket) int {
			switch {
			case a.who != t.who && b.who == t.who:
				return -1
			case a.who == t.who && b.who != t.who:
				return 1
			}
			return 0
		})
	}
}

// next is the first that waits and for whom there is a place, or -1. q.mu is held.
func (q *Queue) next() int {
	return slices.IndexFunc(q.waiting, func(t *ticket) bool { return q.free(t.asker) })
}

// giveUp leaves the queue; false when the ticket was called meanwhile.
func (q *Queue) giveUp(t *ticket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, t)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// busy is what somebody is told who waited too long.
func (q *Queue) busy(a asker) *Busy {
	q.mu.Lock()
	defer q.mu.Unlock()
	return &Busy{Own: q.working[a] >= q.limits.AtOnceEach, After: q.limits.Patience}
}
