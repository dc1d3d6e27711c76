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

// Guesses from here that are held back are few, and those of one name leave room
// for whoever has another.
func TestHeldBackAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var mu sync.Mutex
		held := 0
		let := make(chan struct{})
		b.pause = func(context.Context, time.Duration) error {
			mu.Lock()
			held++
			mu.Unlock()
			<-let
			return nil
		}
		var all sync.WaitGroup
		turnedAway := 0
		guess := func(name string, times int) {
			for range times {
				all.Go(func() {
					var slow *Throttled
					_, _, err := b.SignIn(t.Context(), local, name, "wrong")
					select {
					case <-let:
					default: // at once
						if !errors.As(err, &slow) || slow.After > slowest {
							t.Errorf("more than may wait: %v", err)
						}
						mu.Lock()
						turnedAway++
						mu.Unlock()
					}
				})
			}
			synctest.Wait()
		}
		if _, _, err := b.SignIn(t.Context(), local, "the-admin", "wrong"); !errors.Is(err, ErrCredentials) {
			t.Fatal(err)
		}
		guess("the-admin", 100)
		if held != maxHeldEach || turnedAway != 100-maxHeldEach {
			t.Errorf("of one name %d wait and %d are turned away, want %d and %d", held, turnedAway, maxHeldEach, 100-maxHeldEach)
		}
		for i := range 20 {
			guess("x"+strings.Repeat("y", i), maxHeldEach)
		}
		if held != maxHeld {
			t.Errorf("%d wait, want %d", held, maxHeld)
		}
		close(let)
		all.Wait()
		if n, names := b.throttle.holding, len(b.throttle.held); n != 0 || names != 0 {
			t.Errorf("%d attempts of %d names are held for ever", n, names)
		}
	})
}
