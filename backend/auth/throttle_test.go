package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestThrottleDoubles(t *testing.T) {
	b := newBench(t)
	for i, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		if _, _, err := b.SignIn(t.Context(), remote, "the-admin", "wrong"); !errors.Is(err, ErrCredentials) {
			t.Fatalf("attempt %d: %v", i, err)
		}
		var slow *Throttled
		// Also the right password, and from elsewhere, and of others from there.
		for _, a := range []struct {
			from Client
			name string
		}{{remote, "the-admin"}, {Client{Address: "198.51.100.1"}, "the-admin"}, {remote, "the-viewer"}} {
			if _, _, err := b.SignIn(t.Context(), a.from, a.name, password); !errors.As(err, &slow) || slow.Seconds() != want {
				t.Errorf("after %d failures, %v from %s: %v, want %d s", i+1, a.name, a.from.Address, err, want)
			}
		}
		b.wait(time.Duration(want) * time.Second)
	}
	if _, _, err := b.SignIn(t.Context(), remote, "the-admin", password); err != nil {
		t.Errorf("the right password after the wait: %v", err)
	}
	// The name starts anew; the address has failed before, and others behind it
	// are slowed by that only after a failure of theirs.
	if _, _, err := b.SignIn(t.Context(), Client{Address: "198.51.100.2"}, "the-admin", "wrong"); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
	b.wait(forgetAfter + time.Minute)
	b.throttle.forget()
	if n := len(b.throttle.failures); n != 0 {
		t.Errorf("%d entries are remembered", n)
	}
}

// Attempts at the same moment are not free.
func TestThrottleCountsAttemptsThatRun(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	tried := 0
	for range 50 {
		all.Go(func() {
			if _, _, err := b.SignIn(t.Context(), remote, "the-admin", "wrong"); errors.Is(err, ErrCredentials) {
				mu.Lock()
				tried++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if tried != 1 {
		t.Errorf("%d passwords were tried at once", tried)
	}
}

// Whoever sits at the machine gets in while others guess, from here and elsewhere.
func TestLoopbackIsSlowedAndNotLockedOut(t *testing.T) {
	b := newBench(t)
	var paused []time.Duration
	b.pause = func(_ context.Context, d time.Duration) error {
		paused = append(paused, d)
		return nil
	}
	for range 3 {
		if _, _, err := b.SignIn(t.Context(), local, "the-admin", "wrong"); err == nil {
			t.Fatal("let in")
		}
	}
	var slow *Throttled
	if _, _, err := b.SignIn(t.Context(), remote, "the-admin", "wrong"); !errors.As(err, &slow) {
		t.Fatal(err)
	}
	if _, _, err := b.SignIn(t.Context(), local, "the-admin", "wrong"); !errors.As(err, &slow) || slow.Seconds() != 8 {
		t.Errorf("a wrong one from here: %v", err)
	}
	if _, _, err := b.SignIn(t.Context(), local, "the-admin", password); err != nil {
		t.Errorf("the right one from here: %v", err)
	}
	if want := []time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second}; !slices.Equal(paused, want) {
		t.Errorf("attempts from here wait %v, want %v", paused, want)
	}
}

func TestPauseEndsWithTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := pause(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
}

func TestThrottleKeys(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.7": "address 192.0.2.7", "::ffff:192.0.2.7": "address 192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "address 2001:db8:1:2::/64", "2001:db8:1:2::9": "address 2001:db8:1:2::/64", "fe80::1%eth0": "address fe80::/64",
		"": "address ", "pipe": "address pipe",
	} {
		if got := addressKey(a); got != want {
			t.Errorf("%q: %q, want %q", a, got, want)
		}
	}
}

func TestThrottleIsBounded(t *testing.T) {
	now := time.Now()
	th := newThrottle(func() time.Time { now = now.Add(time.Millisecond); return now })
	for i := range maxRemembered + 100 {
		th.begin(true, nameKey(strings.Repeat("x", i%7)+time.Duration(i).String()))
	}
	if n := len(th.failures); n > maxRemembered {
		t.Errorf("%d entries", n)
	}
}

// crowd is attempts from here that come at once, and are held back until they are
// let go.
type crowd struct {
	*bench
	all sync.WaitGroup
	let chan struct{} // one of those held back goes on for each

	mu         sync.Mutex
	held       int
	turnedAway int
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{bench: newBench(t), let: make(chan struct{})}
	c.pause = func(context.Context, time.Duration) error {
		c.mu.Lock()
		c.held++
		c.mu.Unlock()
		<-c.let
		c.mu.Lock()
		c.held--
		c.mu.Unlock()
		return nil
	}
	if _, _, err := c.SignIn(t.Context(), local, "the-admin", "wrong"); err == nil {
		t.Fatal("let in")
	}
	return c
}

// guess comes so often with a wrong password.
func (c *crowd) guess(ctx context.Context, name string, times int) {
	for range times {
		c.all.Go(func() {
			var slow *Throttled
			_, _, err := c.SignIn(ctx, local, name, "wrong")
			if errors.As(err, &slow) && slow.After == slowest {
				c.mu.Lock()
				c.turnedAway++
				c.mu.Unlock()
			}
		})
	}
	synctest.Wait()
}

// leave lets so many go on, one after the other.
func (c *crowd) leave(many int) {
	for range many {
		c.let <- struct{}{}
		synctest.Wait()
	}
}

// However many guess from here: whoever knows the password has a turn, and gets in.
func TestGuessesFromHereLockNobodyOut(t *testing.T) {
	for name, guessed := range map[string][]string{
		"of one name":     slices.Repeat([]string{"the-admin"}, 100),
		"of many names":   append(strings.Fields(strings.Repeat("a b c d e f g h i ", 100)), "the-admin"),
		"that went again": append(slices.Repeat([]string{"gone"}, 200), slices.Repeat([]string{"the-admin"}, 50)...),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t)
				left, leave := context.WithCancel(t.Context())
				for _, name := range guessed {
					ctx := t.Context()
					if name == "gone" {
						ctx, name = left, "the-admin"
					}
					c.guess(ctx, name, 1)
				}
				leave()
				synctest.Wait()
				var in Session
				c.all.Go(func() {
					var err error
					if in, _, err = c.SignIn(t.Context(), local, "the-admin", password); err != nil {
						t.Errorf("the right password: %v", err)
					}
				})
				synctest.Wait()
				waiting := c.held + len(c.throttle.line)
				c.guess(t.Context(), "the-admin", 100) // they come later
				c.leave(waiting)
				if in.User != "the-admin" {
					t.Error("the right password had no turn")
				}
				close(c.let)
				c.all.Wait()
			})
		})
	}
}

// Those that are held back at a time are few, and so are those in line.
func TestHeldBackAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.guess(t.Context(), "the-admin", maxHeldEach+maxInLineEach+50)
		if c.held != maxHeldEach || c.turnedAway != 50 {
			t.Errorf("of one name %d are held back and %d turned away, want %d and 50", c.held, c.turnedAway, maxHeldEach)
		}
		c.guess(t.Context(), "the-viewer", 1)
		if c.held != maxHeldEach+1 {
			t.Error("guesses of one name leave no room for another")
		}
		for i := range 20 {
			c.guess(t.Context(), "x"+strings.Repeat("y", i), 100)
		}
		if c.held != maxHeld || len(c.throttle.line) != maxInLine {
			t.Errorf("%d are held back, %d in line, want %d and %d", c.held, len(c.throttle.line), maxHeld, maxInLine)
		}
		close(c.let)
		c.all.Wait()
		if n, names, line := c.throttle.holding, len(c.throttle.held), len(c.throttle.line); n != 0 || names != 0 || line != 0 {
			t.Errorf("%d attempts of %d names are held for ever, %d wait for ever", n, names, line)
		}
	})
}

// Whoever is signed in here changes the password while others guess it; a wrong
// old one is slowed down as a sign-in is.
func TestOwnPasswordFromHere(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-viewer")
	ctx := With(t.Context(), s)
	var paused []time.Duration
	b.pause = func(_ context.Context, d time.Duration) error {
		paused = append(paused, d)
		return nil
	}
	for range 3 {
		if _, _, err := b.SignIn(t.Context(), Client{Address: "192.0.2.9"}, "the-viewer", "wrong"); err == nil {
			t.Fatal("let in")
		}
	}
	if _, _, err := b.ChangePassword(ctx, local, "wrong", "another secret"); !errors.Is(err, ErrCredentials) || len(paused) != 0 {
		t.Errorf("the first wrong one: %v, after %v", err, paused)
	}
	var slow *Throttled
	if _, _, err := b.ChangePassword(ctx, local, "wrong", "another secret"); !errors.As(err, &slow) || slow.Seconds() != 2 {
		t.Errorf("the second: %v", err)
	}
	if _, _, err := b.ChangePassword(ctx, local, password, "another secret"); err != nil {
		t.Errorf("the right one: %v", err)
	}
	if want := []time.Duration{time.Second, 2 * time.Second}; !slices.Equal(paused, want) {
		t.Errorf("they wait %v, want %v", paused, want)
	}
}
