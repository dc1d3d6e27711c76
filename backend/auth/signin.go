package auth

import (
	"context"
	"errors"
	"time"
)

// Client is where a request comes from.
type Client struct {
	Address string
	// Local says that it comes from this machine itself, through no proxy.
	Local bool
}

// SignIn makes a session for who knows a password, and gives its cookie. The
// answer to a wrong name and a wrong password is the same, ErrCredentials, and
// takes as long. Attempts that come too fast are *Throttled before the password
// is looked at; those from this machine are held back instead, and a right
// password then lets in, so that guesses from elsewhere lock nobody out who sits
// here. Only so many are held back at a time, in all and for one name; beyond
// them an attempt from here is *Throttled as well.
func (a *Auth) SignIn(ctx context.Context, from Client, name, password string) (Session, string, error) {
	name = canonicalName(name)
	if len(name) > 64 {
		name = name[:64] // there is none like it; it is throttled like any
	}
	keys := []string{nameKey(name), addressKey(from.Address)}
	wait := a.throttle.begin(false, keys...)
	if wait > 0 {
		if !from.Local {
			return Session{}, "", &Throttled{After: wait}
		}
		release, ok := a.throttle.hold(name)
		if !ok {
			return Session{}, "", &Throttled{After: min(wait, slowest)}
		}
		defer release()
		wait = a.throttle.begin(true, keys...)
		if err := a.pause(ctx, min(wait, slowest)); err != nil {
			return Session{}, "", err
		}
	}
	s, cookie, err := a.tryPassword(ctx, from, name, password)
	if err == nil {
		a.throttle.succeeded(keys[0], keys[1])
		a.audit.Record(With(ctx, s), Entry{Action: actionSignIn, Outcome: Done})
		return s, cookie, nil
	}
	if errors.Is(err, ErrCredentials) && wait > 0 {
		err = &Throttled{After: a.throttle.next(keys...)}
	}
	return Session{}, "", err
}

func (a *Auth) tryPassword(ctx context.Context, from Client, name, password string) (Session, string, error) {
	user, err := a.find(ctx, name)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Session{}, "", err
	}
	hash := user.password
	if user.Disabled {
		hash = ""
	}
	if len(password) > maxPassword {
		hash, password = "", password[:maxPassword]
	}
	right, err := a.passwords.matches(ctx, password, hash)
	if err != nil {
		return Session{}, "", err
	}
	var s Session
	var cookie string
	if err = ErrCredentials; right {
		s, cookie, err = a.begin(ctx, name, hash, from.Address)
	}
	if errors.Is(err, ErrNotFound) { // removed at this moment
		err = ErrCredentials
	}
	if errors.Is(err, ErrCredentials) {
		actor, detail := name, "wrong password"
		switch {
		case !known:
			// Not the name itself: people type passwords there.
			actor, detail = "", "unknown name"
		case user.Disabled:
			detail = "the user is disabled"
		}
		a.audit.Record(ctx, Entry{Actor: actor, Via: Console, Address: from.Address, Action: actionSignIn, Outcome: Refused, Detail: detail})
	}
	return s, cookie, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SignOut ends the session of who asks.
func (a *Auth) SignOut(ctx context.Context) {
	if s, ok := From(ctx); ok && s.Via == Console {
		a.End(ctx, s.ID)
		a.audit.Record(ctx, Entry{Action: "session.signOut", Outcome: Done})
	}
}

// ChangePassword changes the password of who asks, ends all sessions of that
// user, and begins a new one. Guesses of the old password are throttled as those
// of a sign-in are.
func (a *Auth) ChangePassword(ctx context.Context, from Client, old, password string) (Session, string, error) {
	who, ok := From(ctx)
	if !ok || who.Via != Console {
		return Session{}, "", &Forbidden{Needs: View, What: "changing a password"}
	}
	if err := checkPassword(password, who.User); err != nil {
		return Session{}, "", err
	}
	keys := []string{nameKey(who.User), addressKey(from.Address)}
	if wait := a.throttle.begin(false, keys...); wait > 0 {
		return Session{}, "", &Throttled{After: wait}
	}
	user, err := a.find(ctx, who.User)
	if err != nil {
		return Session{}, "", err
	}
	right, err := a.passwords.matches(ctx, old, user.password)
	switch {
	case err != nil:
		return Session{}, "", err
	case !right:
		a.audit.Record(ctx, Entry{Action: "user.change", Target: who.User, Outcome: Refused, Detail: "password: the old one is wrong"})
		return Session{}, "", ErrCredentials
	}
	a.throttle.succeeded(keys[0], keys[1])
	if user, err = a.ChangeUser(ctx, who.User, UserChange{Password: &password}); err != nil {
		return Session{}, "", err
	}
	return a.begin(ctx, user.Name, user.password, from.Address)
}
