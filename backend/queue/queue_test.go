package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heddle-mesh/heddle/backend/queue"
)

var limits = queue.Limits{AtOnce: 2, AtOnceEach: 1, Waiting: 4, WaitingEach: 2, Patience: 5 * time.Second}

func enter(t *testing.T, q *queue.Queue, who string) func() {
	t.Helper()
	leave, err := q.Enter(t.Context(), who, queue.Read)
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	return leave
}

// later has somebody wait, and tells when they came in.
func later(ctx context.Context, q *queue.Queue, who string) (came *atomic.Bool, failed *error) {
	came, failed = new(atomic.Bool), new(error)
	go func() {
		leave, err := q.Enter(ctx, who, queue.Read)
		if *failed = err; err == nil {
			came.Store(true)
			<-ctx.Done()
			leave()
		}
	}()
	synctest.Wait()
	return came, failed
}

func TestNeverMoreThanAllowed(t *testing.T) {
	q := queue.New(queue.Limits{AtOnce: 2, AtOnceEach: 1, Waiting: 100, WaitingEach: 100, Patience: time.Minute})
	var mu sync.Mutex
	working := map[string]int{}
	var all sync.WaitGroup
	for i := range 60 {
		who := fmt.Sprint(i % 3)
		all.Go(func() {
			leave, err := q.Enter(t.Context(), who, queue.Read)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			working[who]++
			if working[who] > 1 || working["0"]+working["1"]+working["2"] > 2 {
				t.Errorf("at once: %v", working)
			}
			mu.Unlock()
			mu.Lock()
			working[who]--
			mu.Unlock()
			leave()
			leave() // a second time does nothing
		})
	}
	all.Wait()
	one, two := enter(t, q, "a"), enter(t, q, "b") // no place was lost
	one()
	two()
}

// Who works already stands in nobody else's way, and goes on as soon as their own
// abandoned work ended.
func TestWhoWaitsForThemselvesHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(limits)
		leave := enter(t, q, "eva")
		ctx, gone := context.WithCancel(t.Context())
		newer, _ := later(ctx, q, "eva")
		if newer.Load() {
			t.Error("eva works twice at once")
		}
		enter(t, q, "ron")()
		leave()
		synctest.Wait()
		if !newer.Load() {
			t.Error("eva's newer work waits although the older one ended")
		}
		gone()
		synctest.Wait()
		enter(t, q, "eva")()
	})
}

func TestWhoIsGoneLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(limits)
		leave := enter(t, q, "eva")
		for range 10 { // more than may wait at once
			ctx, gone := context.WithCancel(t.Context())
			_, failed := later(ctx, q, "eva")
			gone()
			synctest.Wait()
			if !errors.Is(*failed, context.Canceled) {
				t.Fatalf("%v, want canceled", *failed)
			}
		}
		leave()
		enter(t, q, "eva")()
	})
}

func TestTheQueueIsShortAndSoIsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(limits)
		ctx, gone := context.WithCancel(t.Context())
		defer gone()
		enter(t, q, "eva")
		enter(t, q, "ron")
		begun := time.Now()
		_, evas := later(ctx, q, "eva")
		later(ctx, q, "eva")
		var busy *queue.Busy
		if _, err := q.Enter(ctx, "eva", queue.Read); !errors.As(err, &busy) || !busy.Own {
			t.Errorf("a third of eva's: %v, want that she has others under way", err)
		}
		_, anns := later(ctx, q, "ann")
		later(ctx, q, "bob")
		if _, err := q.Enter(ctx, "kim", queue.Read); !errors.As(err, &busy) || busy.Own || busy.Seconds() < 1 {
			t.Errorf("with a full queue: %v, want that others keep it busy", err)
		}
		if !time.Now().Equal(begun) {
			t.Error("a full queue makes people wait")
		}
		time.Sleep(limits.Patience) // time in here is not real
		synctest.Wait()
		if !errors.As(*evas, &busy) || !busy.Own {
			t.Errorf("eva: %v, want that her own work takes so long", *evas)
		}
		if !errors.As(*anns, &busy) || busy.Own {
			t.Errorf("ann: %v, want that others' work takes so long", *anns)
		}
	})
}

func TestWhoAsksMuchLetsOthersGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{AtOnce: 1, AtOnceEach: 1, Waiting: 10, WaitingEach: 5, Patience: time.Minute})
		ctx, gone := context.WithCancel(t.Context())
		defer gone()
		leave := enter(t, q, "eva")
		var order []string
		for _, who := range []string{"eva", "eva", "eva", "ron", "ann"} {
			go func() {
				leave, err := q.Enter(ctx, who, queue.Read)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, who) // one at a time
				leave()
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		if got := strings.Join(order, " "); got != "eva ron ann eva eva" {
			t.Errorf("they came in as %s", got)
		}
	})
}

// However many read, or wait to, and whoever they are: who writes has a place at
// once, and waits for those alone that write.
func TestWritingNeverWaitsForReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Limits{AtOnce: 3, AtOnceEach: 1, Kept: 1, Waiting: 4, WaitingEach: 2, Patience: time.Minute})
		ctx, gone := context.WithCancel(t.Context())
		defer gone()
		reading := 0
		for _, who := range []string{"eva", "ron", "ann", "bob", "kim", "leo"} {
			if came, _ := later(ctx, q, who); came.Load() {
				reading++
			}
		}
		if reading != 2 {
			t.Errorf("%d read at once, want 2 of 3 places", reading)
		}
		var busy *queue.Busy
		if _, err := q.Enter(ctx, "joe", queue.Read); !errors.As(err, &busy) {
			t.Fatalf("the queue of those who read is not full: %v", err)
		}
		begun := time.Now()
		leave, err := q.Enter(ctx, "eva", queue.Write) // who reads at this moment, too
		if err != nil {
			t.Fatalf("who writes is sent away: %v", err)
		}
		if !time.Now().Equal(begun) {
			t.Error("who writes waits for those who read")
		}
		var wrote atomic.Bool
		go func() {
			leave, err := q.Enter(ctx, "ron", queue.Write)
			if err != nil {
				t.Error(err)
				return
			}
			wrote.Store(true)
			leave()
		}()
		synctest.Wait()
		if wrote.Load() {
			t.Error("two write in the one place that is left")
		}
		leave()
		synctest.Wait()
		if !wrote.Load() {
			t.Error("the second writes not although the first is done: somebody reads in the place that is kept")
		}
	})
}
