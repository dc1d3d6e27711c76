package auth

import (
	"fmt"
	"net/netip"
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
	// here gets in while others guess, unless so many guess here at once that
	// there is no room to be held back.
	slowest = 2 * time.Second
	// maxHeld and maxHeldEach bound that room, in all and for one name; guesses of
	// one name leave room for others.
	maxHeld, maxHeldEach = 64, 8
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
}

type failures struct {
	count int
	last  time.Time
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
		t.failures[k] = failures{f.count + 1, now}
	}
	return wait
}

// hold counts an attempt for a name that is held back; false when there are too
// many already. release, once, ends it.
func (t *throttle) hold(name string) (release func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holding >= maxHeld || t.held[name] >= maxHeldEach {
		return nil, false
	}
	t.holding++
	t.held[name]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.holding--
		if t.held[name]--; t.held[name] == 0 {
			delete(t.held, name)
		}
	}, true
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

// succeeded takes back that an attempt was counted. What is known of the name is
// forgotten; of the address only this attempt, since somebody who has a password
// may guess others'.
func (t *throttle) succeeded(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.failures, name)
	if f := t.failures[address]; f.count > 1 {
		t.failures[address] = failures{f.count - 1, f.last}
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
