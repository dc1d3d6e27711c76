package app

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// signal tells whoever watches that something may have changed. The zero signal
// is ready to use.
type signal struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

// fire never waits.
func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.watchers {
		select {
		case c <- struct{}{}:
		default: // it is told already
		}
	}
}

// watch gives a channel that has something after each fire from now on, until
// ctx ends.
func (s *signal) watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers == nil {
		s.watchers = map[chan struct{}]struct{}{}
	}
	s.watchers[c] = struct{}{}
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, c)
	})
	return c
}

// pace says how often something is computed.
type pace struct {
	atLeast time.Duration // so often also when nothing is said to have changed; 0 is never
	gap     time.Duration // at least so long between two; what changes meanwhile is one
	rest    int           // how much longer than the computing the pause after it is; usualRest when 0
	longest time.Duration // of such a pause; 0 is any
}

// usualRest keeps what somebody waits for from taking more than its share of the
// machine.
const usualRest = 4

// keep computes at once, after each change, and from time to time, until ctx
// ends, whose error it returns. A change after a pause is computed at once. With
// a nil channel nothing changes.
func keep(ctx context.Context, p pace, changed <-chan struct{}, compute func(context.Context)) error {
	for {
		began := time.Now()
		compute(ctx)
		took := time.Since(began)
		pause := time.Duration(cmp.Or(p.rest, usualRest)) * took
		if p.longest > 0 {
			pause = min(pause, p.longest)
		}
		if !sleep(ctx, max(p.gap, pause)) {
			return ctx.Err()
		}
		var due <-chan time.Time
		if p.atLeast > 0 {
			due = time.After(time.Until(began.Add(p.atLeast)))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due:
			select {
			case <-changed: // what is computed now knows of it
			default:
			}
		case <-changed:
		}
	}
}

// sleep is false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
