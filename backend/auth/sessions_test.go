package auth

import (
	"errors"
	"testing"
	"time"
)

func TestSessionsEnd(t *testing.T) {
	b := newBench(t)
	s, cookie := b.in("the-viewer")
	over := b.Ended(s.ID)
	e, ok := b.Expiry(s.ID)
	if !ok || !e.Idle.Equal(b.now.Add(8*time.Hour)) || !e.Absolute.Equal(b.now.Add(24*time.Hour)) {
		t.Errorf("%+v, %v", e, ok)
	}
	// Idle for almost eight hours, three times: used, it goes on.
	for i := range 3 {
		b.wait(8*time.Hour - 2*time.Minute)
		b.sweep(t.Context())
		got, renewal, err := b.comes(cookie)
		switch {
		case i < 2 && (err != nil || got.ID != s.ID || renewal == nil):
			t.Fatalf("%d: %+v, %v, %v", i, got, renewal, err)
		case i < 2:
			cookie = renewal.Cookie
		}
	}
	b.wait(6 * time.Minute) // 24 hours after the sign-in
	if ended(over) {
		t.Fatal("ended before its time")
	}
	if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("after 24 hours: %v", err)
	}
	b.sweep(t.Context())
	if !ended(over) {
		t.Error("nobody was told of the end")
	}

	idle, cookie := b.in("the-viewer")
	over = b.Ended(idle.ID)
	b.wait(8 * time.Hour)
	if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("after eight idle hours: %v", err)
	}
	b.sweep(t.Context())
	if _, ok := b.Expiry(idle.ID); ok || !ended(over) {
		t.Error("an idle session goes on")
	}
	b.restart()
	if len(b.sessions) != 0 {
		t.Errorf("%d sessions are kept", len(b.sessions))
	}
}

func TestCookiesAreRenewed(t *testing.T) {
	b := newBench(t)
	_, first := b.in("the-viewer")
	b.wait(4 * time.Minute)
	if _, renewal, err := b.comes(first); err != nil || renewal != nil {
		t.Errorf("after 4 minutes: %v, %v", renewal, err)
	}
	b.wait(2 * time.Minute)
	_, renewal, err := b.comes(first)
	if err != nil || renewal == nil {
		t.Fatalf("after 6 minutes: %v", err)
	}
	second := renewal.Cookie
	// Requests that came at the same moment get none of their own.
	if _, more, err := b.comes(first); err != nil || more != nil {
		t.Errorf("at the same moment: %v, %v", more, err)
	}
	// Ten minutes later a copy of it is worth nothing, for the browser went on.
	if _, _, err := b.comes(second); err != nil {
		t.Error(err)
	}
	b.wait(5 * time.Minute)
	if _, _, err := b.comes(first); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("a copy of a renewed cookie is taken: %v", err)
	}
	// The browser sleeps for hours, and comes back with several requests.
	b.wait(6 * time.Hour)
	_, renewal, err = b.comes(second)
	if err != nil || renewal == nil {
		t.Fatalf("after hours of sleep: %v, %v", renewal, err)
	}
	if _, more, err := b.comes(second); err != nil || more != nil {
		t.Errorf("the next request: %v, %v", more, err)
	}
	third := renewal.Cookie
	if _, _, err := b.comes(third); err != nil {
		t.Error(err)
	}
	b.wait(2 * time.Minute)
	if _, _, err := b.comes(second); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("a copy of the cookie from before the sleep is taken: %v", err)
	}
	b.restart()
	if _, _, err := b.comes(second); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("it is taken after a restart: %v", err)
	}
	b.wait(time.Hour)
	if _, renewal, err := b.comes(third); err != nil || renewal == nil {
		t.Errorf("after a restart and an hour: %v, %v", renewal, err)
	}
}

// An answer gets lost with the new cookie in it: the browser has the old one, and
// goes on with that.
func TestLostRenewals(t *testing.T) {
	b := newBench(t)
	_, old := b.in("the-viewer")
	renewed := func(cookie string) string {
		t.Helper()
		_, renewal, err := b.comes(cookie)
		if err != nil || renewal == nil {
			t.Fatalf("%v, %v", renewal, err)
		}
		return renewal.Cookie
	}
	b.wait(11 * time.Minute)
	lost := []string{renewed(old)}
	for _, wait := range []time.Duration{2 * time.Minute, 30 * time.Minute, time.Hour} {
		b.wait(wait)
		lost = append(lost, renewed(old))
		b.restart()
	}
	b.wait(time.Hour)
	// Any of those that were thought lost may be the one that came in the end.
	for i, cookie := range lost {
		if _, _, err := b.comes(cookie); err != nil {
			t.Errorf("new cookie %d: %v", i+1, err)
		}
	}
	b.wait(2 * time.Minute)
	if _, _, err := b.comes(old); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("the old one is taken after the new one came: %v", err)
	}
	b.restart()
	if _, _, err := b.comes(old); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("and after a restart: %v", err)
	}
	// The next renewal has a new id: what is useless now stays so.
	next := renewed(lost[0])
	b.wait(11 * time.Minute)
	if _, _, err := b.comes(next); err != nil {
		t.Error(err)
	}
	b.wait(2 * time.Minute)
	if _, _, err := b.comes(lost[0]); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("two renewals back: %v", err)
	}
}

func TestRenewIsForSessions(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-viewer")
	b.wait(2 * time.Minute)
	if renewal, err := b.Renew(With(t.Context(), s)); err != nil || renewal == nil {
		t.Errorf("%v, %v", renewal, err)
	}
	if renewal, err := b.Renew(With(t.Context(), Session{Via: Token, ID: "x"})); err != nil || renewal != nil {
		t.Errorf("a token: %v, %v", renewal, err)
	}
	b.End(t.Context(), s.ID)
	b.wait(2 * time.Minute)
	if renewal, err := b.Renew(With(t.Context(), s)); err == nil || renewal != nil {
		t.Error("a session that ended was renewed")
	}
	if _, err := b.Renew(t.Context()); !errors.Is(err, ErrNotSignedIn) {
		t.Error(err)
	}
}

func TestRevocationIsAtOnce(t *testing.T) {
	role, disabled, secret := Operator, true, "another secret"
	for name, revoke := range map[string]func(*bench, Session) error{
		"sign-out": func(b *bench, s Session) error { b.SignOut(With(b.t.Context(), s)); return nil },
		"role": func(b *bench, s Session) error {
			_, err := b.ChangeUser(b.t.Context(), s.User, UserChange{Role: &role})
			return err
		},
		"disabled": func(b *bench, s Session) error {
			_, err := b.ChangeUser(b.t.Context(), s.User, UserChange{Disabled: &disabled})
			return err
		},
		"password by an administrator": func(b *bench, s Session) error {
			_, err := b.ChangeUser(b.t.Context(), s.User, UserChange{Password: &secret})
			return err
		},
		"own password": func(b *bench, s Session) error {
			fresh, cookie, err := b.ChangePassword(With(b.t.Context(), s), local, password, secret)
			if got, _, err := b.comes(cookie); err != nil || got.ID != fresh.ID || fresh.ID == s.ID {
				b.t.Errorf("the new session: %+v, %v", got, err)
			}
			return err
		},
		"removed": func(b *bench, s Session) error { return b.RemoveUser(b.t.Context(), s.User) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.t = t
			s, cookie := b.in("the-viewer")
			other, otherCookie := b.in("the-admin")
			over, goesOn := b.Ended(s.ID), b.Ended(other.ID)
			if err := revoke(b, s); err != nil {
				t.Fatal(err)
			}
			if !ended(over) || !ended(b.Ended(s.ID)) {
				t.Error("sockets are not told")
			}
			if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
				t.Errorf("the cookie is taken: %v", err)
			}
			if ended(goesOn) {
				t.Error("another user's session ended too")
			}
			b.restart()
			if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
				t.Errorf("after a restart the cookie is taken: %v", err)
			}
			if _, _, err := b.comes(otherCookie); err != nil {
				t.Errorf("after a restart: %v", err)
			}
		})
	}
}

func TestManySessionsOfOneUser(t *testing.T) {
	b := newBench(t)
	first, _ := b.in("the-viewer")
	other, _ := b.in("the-admin")
	b.wait(time.Minute)
	for range maxSessions {
		b.in("the-viewer")
	}
	if !ended(b.Ended(first.ID)) || ended(b.Ended(other.ID)) || len(b.sessions) != maxSessions+1 {
		t.Errorf("%d sessions", len(b.sessions))
	}
}

func TestCookiesBesideEachOther(t *testing.T) {
	b := newBench(t)
	a, mine := b.in("the-admin")
	_, theirs := b.in("the-viewer")
	if got, _, err := b.comes("nonsense", mine); err != nil || got.ID != a.ID {
		t.Errorf("beside nonsense: %+v, %v", got, err)
	}
	if _, _, err := b.comes(mine, theirs); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("two sessions: %v", err)
	}
	if _, _, err := b.comes("a", "b", "c", "d", mine); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("behind many: %v", err)
	}
}
