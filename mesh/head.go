package mesh

import (
	"context"
	"sync"
)

// Head holds the latest snapshot and tells who wants to know when it changes.
// The zero Head is empty and ready to use. All methods may be called from any
// goroutine.
type Head struct {
	mu       sync.Mutex
	latest   *Snapshot
	watchers map[chan *Snapshot]struct{}
}

// Get is the latest snapshot; nil as long as there is none.
func (h *Head) Get() *Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latest
}

// Set makes s the latest snapshot and offers it to every watcher. It never
// waits for any of them.
func (h *Head) Set(s *Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latest = s
	for c := range h.watchers {
		offer(c, s)
	}
}

// Watch gives a channel with the latest snapshot, if there is one, and each
// newer one from now on. A reader that is slow misses those in between, never
// the newest. The channel is closed once ctx ends.
func (h *Head) Watch(ctx context.Context) <-chan *Snapshot {
	c := make(chan *Snapshot, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = map[chan *Snapshot]struct{}{}
	}
	h.watchers[c] = struct{}{}
	if h.latest != nil {
		c <- h.latest
	}
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, c)
		close(c)
	})
	return c
}

// offer replaces what waits in c. Only the holder of the lock sends, so that
// the place it frees is still free when it sends.
func offer(c chan *Snapshot, s *Snapshot) {
	select {
	case <-c:
	default:
	}
	c <- s
}
