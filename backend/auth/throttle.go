package auth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds of the throttle: how long the next attempt waits after the first
// failure, after many, and when failures are forgotten.
const (
	firstWait   = time.Second
	longestWait = time.Minute
	forgetAfter = 15 * time.Minute
	// maxRemembered bounds memory against somebody with many addresses or names.
	maxRemembered = 20_000
	// slowest is how long an attempt from this machine is held back. Whoever sits
	// here gets in while others guess.
	slowest = 2 * time.Second
	// maxHeld and maxHeldEach are how many are held back at a time, in all and of
	// one name: they bound how fast somebody here can guess. The others wait in
	// line, and each has its turn.
	maxHeld, maxHeldEach = 64, 8
	// maxInLine and maxInLineEach bound memory, and how long a turn may be away: a
	// minute for one name. Each of them has a connection open all that time.
	maxInLine, maxInLineEach = 1000, 240
)

// throttle makes guessing slow: after each failure the next attempt for the same
// name, or from the same address, waits twice as long. It does not know which
// names there are.
type throttle struct {
	now func() time.Time

	mu       sync.Mutex
	failures map[string]failures
	held     map[string]int // attempts that are held back, by name
	holding  int            // all of them
	line     []*turn        // who waits to be held back, the first one first
}

// turn is the place of an attempt in the line.
type turn struct {
	name string
	come chan struct{} // closed when it is held back
}

type failures struct {
	count int
	last  time.Time
	told  bool // that attempts after the last one were turned away
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, failures: map[string]failures{}, held: map[string]int{}}
}

// wait is how long after the last failure the next attempt may come.
func (f failures) wait() time.Duration {
	if f.count == 0 {
		return 0
	}
	return min(firstWait<<min(f.count-1, 10), longestWait)
}

// begin tells how long an attempt must wait, and when it need not, or insists,
// counts it as failed until it succeeds. So attempts at the same moment do not
// get by each other.
func (t *throttle) begin(insist bool, keys ...string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	wait := t.left(now, keys)
	if wait > 0 && !insist {
		return wait
	}
	for _, k := range keys {
		f := t.failures[k]
		if now.Sub(f.last) > forgetAfter {
			f.count = 0
		}
		t.makeRoom(k)
		t.failures[k] = failures{count: f.count + 1, last: now}
	}
	return wait
}

// hold counts an attempt for a name that is held back, after those that came
// before it had their turn; release, once, ends it. It is *Throttled when too many
// wait already, and the error of ctx when that ends first: who is gone stands in
// nobody's way.
func (t *throttle) hold(ctx context.Context, name string) (release func(), err error) {
	place, err := t.stand(name)
	if err != nil {
		return nil, err
	}
	release = func() { t.release(name) }
	select {
	case <-place.come:
		return release, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.line, place)
	if i >= 0 {
		t.line = slices.Delete(t.line, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // its turn came at this very moment
		release()
	}
	return nil, ctx.Err()
}

// stand gives an attempt its place.
func (t *throttle) stand(name string) (*turn, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := 0
	for _, other := range t.line {
		if other.name == name {
			own++
		}
	}
	if own >= maxInLineEach || len(t.line) >= maxInLine {
		return nil, &Throttled{After: slowest}
	}
	place := &turn{name, make(chan struct{})}
	t.line = append(t.line, place)
	t.call()
	return place, nil
}

func (t *throttle) release(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holding--
	if t.held[name]--; t.held[name] == 0 {
		delete(t.held, name)
	}
	t.call()
}

// call holds back whoever of the line there is room for. The caller holds mu.
func (t *throttle) call() {
	t.line = slices.DeleteFunc(t.line, func(next *turn) bool {
		if t.holding >= maxHeld || t.held[next.name] >= maxHeldEach {
			return false
		}
		t.holding++
		t.held[next.name]++
		close(next.come)
		return true
	})
}

// left is how long an attempt must still wait.
func (t *throttle) left(now time.Time, keys []string) (longest time.Duration) {
	for _, k := range keys {
		f := t.failures[k]
		longest = max(longest, f.last.Add(f.wait()).Sub(now))
	}
	return longest
}

// next is how long the next attempt must wait.
func (t *throttle) next(keys ...string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left(t.now(), keys)
}

// news reports whether nobody has been told yet that attempts with one of the keys
// are turned away. It is so once for each that counted, however many follow it too
// early.
func (t *throttle) news(keys ...string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, news := t.now(), false
	for _, k := range keys {
		if f := t.failures[k]; !f.told && f.last.Add(f.wait()).After(now) {
			f.told, news = true, true
			t.failures[k] = f
		}
	}
	return news
}

// succeeded takes back that an attempt was counted. What is known of the name is
// forgotten; of the address only this attempt, since somebody who has a password
// may guess others'.
func (t *throttle) succeeded(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failures, name)
	if f := t.failures[address]; f.count > 1 {
		f.count--
		t.failures[address] = f
	} else {
		delete(t.failures, address)
	}
}

// makeRoom drops the oldest entry when there are too many for another one.
func (t *throttle) makeRoom(key string) {
	if _, known := t.failures[key]; known || len(t.failures) < maxRemembered {
		return
	}
	oldest := ""
	for k, f := range t.failures {
		if oldest == "" || f.last.Before(t.failures[oldest].last) {
			oldest = k
		}
	}
	delete(t.failures, oldest)
}

// forget drops what is too old to count.
func (t *throttle) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, f := range t.failures {
		if t.now().Sub(f.last) > forgetAfter {
			delete(t.failures, k)
		}
	}
}

// Keys of the throttle. Of an IPv6 address the network counts, because one
// machine has as many addresses in it as it likes.
func nameKey(name string) string { return "name " + name }

// ownKey is for the old password of who is signed in already: guesses of others
// keep nobody from changing it.
func ownKey(name string) string { return "own " + name }

func addressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "address " + address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return "address " + network.String()
		}
	}
	return "address " + ip.String()
}

// Throttled reports that somebody tried too often. It tells nothing about the
// name that was tried.
type Throttled struct{ After time.Duration }

func (e *Throttled) Error() string {
	return fmt.Sprintf("too many attempts; try again in %d s", e.Seconds())
}

// Seconds are whole ones, at least one.
func (e *Throttled) Seconds() int { return max(1, int((e.After+time.Second-1)/time.Second)) }
