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
// password then lets in, so that guesses from here or elsewhere lock nobody out
// who sits here. Where so many come from here that they wait for each other, each
// has its turn; only when one would come after a minute is it *Throttled as well.
func (a *Auth) SignIn(ctx context.Context, from Client, name, password string) (Session, string, error) {
	name = canonicalName(name)
	if len(name) > 64 {
		name = name[:64] // there is none like it; it is throttled like any
	}
	try, err := a.attempt(ctx, from, nameKey(name))
	if err != nil {
		return Session{}, "", err
	}
	defer try.end()
	s, cookie, err := a.tryPassword(ctx, from, name, password)
	if err == nil {
		try.succeeded()
		a.audit.Record(With(ctx, s), Entry{Action: actionSignIn, Outcome: Done})
		return s, cookie, nil
	}
	return Session{}, "", try.failed(err)
}

// attempt is one at a password that may be looked at.
type attempt struct {
	throttle      *throttle
	name, address string
	held          bool
	end           func() // once: the next one has its turn
}

// attempt waits until a password may be looked at, or fails: see SignIn.
func (a *Auth) attempt(ctx context.Context, from Client, name string) (*attempt, error) {
	try := &attempt{throttle: a.throttle, name: name, address: addressKey(from.Address), end: func() {}}
	wait := a.throttle.begin(false, try.name, try.address)
	switch {
	case wait <= 0:
		return try, nil
	case !from.Local:
		return nil, &Throttled{After: wait}
	}
	end, err := a.throttle.hold(ctx, name)
	if err != nil {
		return nil, err
	}
	wait = a.throttle.begin(true, try.name, try.address)
	if err := a.pause(ctx, min(wait, slowest)); err != nil {
		end()
		return nil, err
	}
	try.held, try.end = true, end
	return try, nil
}

func (t *attempt) succeeded() { t.throttle.succeeded(t.name, t.address) }

// failed is what an attempt is told that failed of err. One that was held back
// learns how long others wait.
func (t *attempt) failed(err error) error {
	if errors.Is(err, ErrCredentials) && t.held {
		return &Throttled{After: t.throttle.next(t.name, t.address)}
	}
	return err
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
// user, and begins a new one. Guesses of the old password are slowed down as those
// of a sign-in are, and counted apart from these.
func (a *Auth) ChangePassword(ctx context.Context, from Client, old, password string) (Session, string, error) {
	who, ok := From(ctx)
	if !ok || who.Via != Console {
		return Session{}, "", &Forbidden{Needs: View, What: "changing a password"}
	}
	if err := checkPassword(password, who.User); err != nil {
		return Session{}, "", err
	}
	try, err := a.attempt(ctx, from, ownKey(who.User))
	if err != nil {
		return Session{}, "", err
	}
	defer try.end()
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
		return Session{}, "", try.failed(ErrCredentials)
	}
	try.succeeded()
	if user, err = a.ChangeUser(ctx, who.User, UserChange{Password: &password}); err != nil {
		return Session{}, "", err
	}
	return a.begin(ctx, user.Name, user.password, from.Address)
}
