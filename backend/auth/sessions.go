package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/backend/database"
)

// session is one that goes on.
type session struct {
	Session
	started, seen time.Time
	ended         chan struct{}

	// Of the cookies that were signed for it: the ids of the last one and the one
	// before, when the last was signed, and whether it has come back. An answer can
	// get lost with the cookie in it; until then the browser may have the one before.
	seal, sealBefore string
	sealed           time.Time
	came             bool
}

// takes reports whether a cookie of that id is taken though its time is over.
func (s *session) takes(id string, now time.Time) bool {
	switch id {
	case s.seal:
		return true
	case s.sealBefore:
		return !s.came || now.Sub(s.sealed) < renewTogether
	}
	return false
}

const (
	// maxSessions of one user; the one that was used least recently ends when
	// there are more.
	maxSessions = 50
	// renewTogether is how long after a cookie was renewed the one before it is
	// taken too, though its time is over: requests come several at once.
	renewTogether = time.Minute
)

// Expiry says when a session ends: if nothing is asked, and in any case.
type Expiry struct{ Idle, Absolute time.Time }

func readSessions(ctx context.Context, db *sql.DB, roles map[string]Role) (map[string]*session, error) {
	rows, err := db.QueryContext(ctx, "SELECT id, user, started, seen, seal, seal_before, address FROM sessions")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]*session{}
	for rows.Next() {
		s := &session{ended: make(chan struct{})}
		var started, seen int64
		if err := rows.Scan(&s.ID, &s.User, &started, &seen, &s.seal, &s.sealBefore, &s.Address); err != nil {
			return nil, err
		}
		s.started, s.seen, s.Via, s.Role = fromMillis(started), fromMillis(seen), Console, roles[s.User]
		s.came = s.sealBefore == ""
		if s.Role != "" {
			out[s.ID] = s
		}
	}
	return out, rows.Err()
}

// begin makes a session for a user, as the user is now. A user that may not come
// in, or whose password is no longer the one of that hash, gets none.
func (a *Auth) begin(ctx context.Context, name, hash, address string) (Session, string, error) {
	a.people.Lock()
	defer a.people.Unlock()
	user, err := a.find(ctx, name)
	if err != nil {
		return Session{}, "", err
	}
	if user.Disabled || user.password != hash {
		return Session{}, "", ErrCredentials
	}
	now := a.now()
	s := &session{
		Session: Session{ID: rand.Text(), User: user.Name, Role: user.Role, Via: Console, Address: address},
		started: now, seen: now, seal: rand.Text(), sealed: now, came: true, ended: make(chan struct{}),
	}
	cookie, err := a.keyRing().sign(s.ID, s.seal)
	if err != nil {
		return Session{}, "", err
	}
	a.endOldest(ctx, user.Name)
	a.mu.Lock()
	a.sessions[s.ID] = s
	a.mu.Unlock()
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO sessions (id, user, started, seen, seal, address) VALUES (?, ?, ?, ?, ?, ?)",
			s.ID, s.User, millis(s.started), millis(s.seen), s.seal, s.Address)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE users SET last_sign_in = ? WHERE name = ?", millis(now), s.User)
		return err
	})
	if err != nil && !database.IsNotWritable(err) {
		a.End(ctx, s.ID)
		return Session{}, "", err
	}
	return s.Session, cookie, nil
}

// endOldest makes room for one more session of a user.
func (a *Auth) endOldest(ctx context.Context, user string) {
	a.mu.Lock()
	var own []*session
	for _, s := range a.sessions {
		if s.User == user {
			own = append(own, s)
		}
	}
	slices.SortFunc(own, func(x, y *session) int { return y.seen.Compare(x.seen) })
	a.mu.Unlock()
	for _, s := range own[min(len(own), maxSessions-1):] {
		a.End(ctx, s.ID)
	}
}

// over reports whether the time of a session is over.
func (a *Auth) over(s *session, now time.Time) bool {
	e := a.expiry(s)
	return !now.Before(e.Idle) || !now.Before(e.Absolute)
}

func (a *Auth) expiry(s *session) Expiry {
	e := Expiry{Idle: s.seen.Add(a.idle), Absolute: s.started.Add(a.most)}
	if e.Absolute.Before(e.Idle) {
		e.Idle = e.Absolute
	}
	return e
}

// Expiry of a session; false when it is over.
func (a *Auth) Expiry(id string) (Expiry, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.sessions[id]
	if !ok || a.over(s, a.now()) {
		return Expiry{}, false
	}
	return a.expiry(s), true
}

// Renewal is a new cookie for a session.
type Renewal struct{ Cookie string }

// resume finds the session of a cookie, and renews the cookie when that is due.
// Cookies whose time is over are good for one thing: the last one that is known to
// have reached the browser is renewed. So a copy of a cookie is useless ten
// minutes later, once the browser that it was taken from goes on; until then, or
// if it never does, the copy is as good as the cookie.
func (a *Auth) resume(ctx context.Context, cookie string) (Session, *Renewal, error) {
	c, err := a.keyRing().open(cookie)
	if err != nil {
		return Session{}, nil, err
	}
	now := a.now()
	a.mu.Lock()
	s, ok := a.sessions[c.session]
	if !ok || a.over(s, now) || c.expired && !s.takes(c.id, now) {
		a.mu.Unlock()
		return Session{}, nil, errSeal
	}
	s.seen = now
	came := !s.came && c.id == s.seal
	s.came = s.came || came
	who := s.Session
	a.mu.Unlock()
	if came {
		if err := a.keepSeals(ctx, who.ID); err != nil {
			return Session{}, nil, err
		}
	}
	if !c.expired && now.Sub(c.issued) < renewAfter {
		return who, nil, nil
	}
	renewed, err := a.renew(ctx, who.ID)
	return who, renewed, err
}

// renew signs a new cookie for a session, and notes that it was used. It gives
// none when one was signed a moment ago: of several answers nobody knows which
// one the browser takes last. One that never came back is signed again under the
// same id: any of the two may reach the browser.
func (a *Auth) renew(ctx context.Context, id string) (*Renewal, error) {
	a.mu.Lock()
	s, ok := a.sessions[id]
	if !ok {
		a.mu.Unlock()
		return nil, errSeal
	}
	now := a.now()
	if now.Sub(s.sealed) < renewTogether {
		a.mu.Unlock()
		return nil, nil
	}
	seal := s.seal
	if s.came {
		seal = rand.Text()
	}
	cookie, err := a.keys.sign(id, seal)
	if err != nil {
		a.mu.Unlock()
		return nil, err
	}
	if s.came {
		s.sealBefore, s.seal, s.came = s.seal, seal, false
	}
	s.sealed = now
	a.mu.Unlock()
	if err := a.keepSeals(ctx, id); err != nil {
		return nil, err
	}
	return &Renewal{Cookie: cookie}, nil
}

// keepSeals writes which cookies of a session are taken, and when it was used. A
// database that cannot be written keeps nobody out.
func (a *Auth) keepSeals(ctx context.Context, id string) error {
	ctx = context.WithoutCancel(ctx) // the browser may have the cookie already when it goes away
	err := a.db.Write(ctx, func(tx *sql.Tx) error {
		a.mu.Lock()
		s, ok := a.sessions[id]
		if !ok {
			a.mu.Unlock()
			return nil
		}
		seen, seal, before := s.seen, s.seal, s.sealBefore
		if s.came {
			before = ""
		}
		a.mu.Unlock()
		_, err := tx.ExecContext(ctx, "UPDATE sessions SET seen = ?, seal = ?, seal_before = ? WHERE id = ?", millis(seen), seal, before, id)
		return err
	})
	if database.IsNotWritable(err) {
		return nil
	}
	return err
}

// Renew signs a new cookie for the session of who asks; nil when it has a fresh
// one, and for who has no session that could end.
func (a *Auth) Renew(ctx context.Context) (*Renewal, error) {
	s, ok := From(ctx)
	switch {
	case !ok:
		return nil, ErrNotSignedIn
	case s.Via != Console:
		return nil, nil
	}
	return a.renew(ctx, s.ID)
}

// Ended is closed when the session or token of that id ends, is taken back, or
// when what its user may do changes. That of the owner, "", never ends.
func (a *Auth) Ended(id string) <-chan struct{} {
	if id == "" {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.sessions[id]; ok {
		return s.ended
	}
	for _, t := range a.tokens {
		if t.ID == id {
			return t.ended
		}
	}
	over := make(chan struct{})
	close(over)
	return over
}

// End ends sessions at once. Where the database cannot be told, it is told later.
func (a *Auth) End(ctx context.Context, ids ...string) {
	a.mu.Lock()
	for _, id := range ids {
		if s, ok := a.sessions[id]; ok {
			delete(a.sessions, id)
			close(s.ended)
			a.unkept[id] = true
		}
	}
	a.mu.Unlock()
	a.keepEnds(ctx)
}

// endAllOf ends every session of a user.
func (a *Auth) endAllOf(ctx context.Context, user string) {
	a.mu.Lock()
	var ids []string
	for id, s := range a.sessions {
		if s.User == user {
			ids = append(ids, id)
		}
	}
	a.mu.Unlock()
	a.End(ctx, ids...)
}

// keepEnds removes from the database the sessions that ended.
func (a *Auth) keepEnds(ctx context.Context) {
	a.mu.Lock()
	ids := make([]string, 0, len(a.unkept))
	for id := range a.unkept {
		ids = append(ids, id)
	}
	a.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx) // whoever signed out may be gone
	err := a.db.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, "DELETE FROM sessions WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		if !database.IsNotWritable(err) {
			a.log.WarnContext(ctx, "the end of sessions could not be kept yet", "error", err)
		}
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		delete(a.unkept, id)
	}
}

// endExpired ends sessions and tokens whose time is over.
func (a *Auth) endExpired(ctx context.Context) {
	now := a.now()
	a.mu.Lock()
	var ids []string
	for id, s := range a.sessions {
		if a.over(s, now) {
			ids = append(ids, id)
		}
	}
	for hash, t := range a.tokens {
		if !now.Before(t.Expires) {
			delete(a.tokens, hash)
			close(t.ended)
		}
	}
	a.mu.Unlock()
	a.End(ctx, ids...)
}

// ErrCredentials is the one answer to a name that there is not, a wrong
// password, and a user that may not come in.
var ErrCredentials = errors.New("name or password are wrong")
