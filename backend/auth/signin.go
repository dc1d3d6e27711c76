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
	try := a.attempt(from, nameKey(name))
	if err := try.begin(ctx); err != nil {
		if try.news(err) {
			a.recordRefused(ctx, from, a.known(ctx, name), "too many attempts: turned away until they come slower")
		}
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

// attempt is one at a password.
type attempt struct {
	auth          *Auth
	local         bool
	name, address string // keys of the throttle
	held          bool
	end           func() // once, after begin: the next one has its turn
}

func (a *Auth) attempt(from Client, name string) *attempt {
	return &attempt{auth: a, local: from.Local, name: name, address: addressKey(from.Address), end: func() {}}
}

// begin waits until the password may be looked at, or fails: see SignIn.
func (t *attempt) begin(ctx context.Context) error {
	throttle := t.auth.throttle
	wait := throttle.begin(false, t.name, t.address)
	switch {
	case wait <= 0:
		return nil
	case !t.local:
		return &Throttled{After: wait}
	}
	end, err := throttle.hold(ctx, t.name)
	if err != nil {
		return err
	}
	wait = throttle.begin(true, t.name, t.address)
	if err := t.auth.pause(ctx, min(wait, slowest)); err != nil {
		end()
		return err
	}
	t.held, t.end = true, end
	return nil
}

// news reports whether an attempt that did not begin is to be told of.
func (t *attempt) news(err error) bool {
	var slow *Throttled
	return errors.As(err, &slow) && t.auth.throttle.news(t.name, t.address)
}

func (t *attempt) succeeded() { t.auth.throttle.succeeded(t.name, t.address) }

// failed is what an attempt is told that failed of err. One that was held back
// learns how long others wait.
func (t *attempt) failed(err error) error {
	if errors.Is(err, ErrCredentials) && t.held {
		return &Throttled{After: t.auth.throttle.next(t.name, t.address)}
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
		detail := "wrong password"
		switch {
		case !known:
			detail = "unknown name"
		case user.Disabled:
			detail = "the user is disabled"
		}
		a.recordRefused(ctx, from, user.Name, detail)
	}
	return s, cookie, err
}

// known is the name of a user that there is, and "" for anything else: people type
// passwords where the name belongs, and those are not written down.
func (a *Auth) known(ctx context.Context, name string) string {
	user, err := a.find(ctx, name)
	if err != nil {
		return ""
	}
	return user.Name
}

func (a *Auth) recordRefused(ctx context.Context, from Client, user, detail string) {
	a.audit.Record(ctx, Entry{Actor: user, Via: Console, Address: from.Address, Action: actionSignIn, Outcome: Refused, Detail: detail})
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
	refused := func(why string) {
		a.audit.Record(ctx, Entry{Action: "user.change", Target: who.User, Outcome: Refused, Detail: "password: " + why})
	}
	try := a.attempt(from, ownKey(who.User))
	if err := try.begin(ctx); err != nil {
		if try.news(err) {
			refused("too many attempts: turned away until they come slower")
		}
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
		refused("the old one is wrong")
		return Session{}, "", try.failed(ErrCredentials)
	}
	try.succeeded()
	if user, err = a.ChangeUser(ctx, who.User, UserChange{Password: &password}); err != nil {
		return Session{}, "", err
	}
	return a.begin(ctx, user.Name, user.password, from.Address)
}
