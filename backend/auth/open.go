package auth

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/heddle-mesh/heddle/backend/database"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables are those of this package, for database.Open.
func Tables() database.Concern {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil { // the name is right, or nothing would have been embedded
		panic(err)
	}
	return database.Concern{Name: "auth", Files: files}
}

// Auth is the people of one mesh. Its methods are safe for concurrent use.
//
// What is needed on each request is held in memory, and is written to the
// database as well; one process has the database. While it cannot be written,
// people sign in and out all the same, and users and tokens stay as they are.
type Auth struct {
	db   *database.DB
	log  *slog.Logger
	now  func() time.Time
	idle time.Duration
	most time.Duration // that a session lasts

	pause     func(context.Context, time.Duration) error
	passwords *passwords
	throttle  *throttle
	keys      *keyRing
	audit     *Audit

	// people is held while a user changes, and while a session or token of one is
	// made: so none is made of what the user was before.
	people sync.Mutex

	mu       sync.Mutex
	from     *sql.DB         // what the following was read from
	roles    map[string]Role // of users that may come in
	sessions map[string]*session
	tokens   map[tokenHash]*token
	unkept   map[string]bool // sessions that ended and are in the database still
}

// Options of Open.
type Options struct {
	DB  *database.DB
	Log *slog.Logger
	// Idle and Absolute bound sessions: without a request, and altogether.
	Idle, Absolute time.Duration
	// Owner is what the audit log calls whoever has the owner's socket; "" is
	// OwnerName.
	Owner string
	// Cost of trying a password; nil is the one for people, tests take a lower one.
	Cost *argon2id.Params
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Open reads who may come in.
func Open(ctx context.Context, o Options) (*Auth, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &Auth{db: o.DB, log: o.Log, now: o.Now, idle: o.Idle, most: o.Absolute, throttle: newThrottle(o.Now), pause: pause}
	a.audit = &Audit{db: o.DB, log: o.Log, now: o.Now, owner: o.Owner}
	var err error
	if a.passwords, err = newPasswords(o.Cost); err != nil {
		return nil, err
	}
	if err := a.load(ctx); err != nil {
		return nil, fmt.Errorf("read users and sessions: %w", err)
	}
	return a, nil
}

// Audit is the log of what was done.
func (a *Auth) Audit() *Audit { return a.audit }

// load reads everything anew. Sessions that go on are those in the database.
func (a *Auth) load(ctx context.Context) error {
	a.people.Lock()
	defer a.people.Unlock()
	from := a.db.Read()
	keys, err := openKeys(ctx, a.db, a.now, a.log)
	if err != nil {
		return err
	}
	roles, err := readRoles(ctx, from)
	if err != nil {
		return err
	}
	sessions, err := readSessions(ctx, from, roles)
	if err != nil {
		return err
	}
	tokens, err := readTokens(ctx, from)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.sessions {
		close(s.ended)
	}
	for _, t := range a.tokens {
		close(t.ended)
	}
	a.keys, a.from, a.roles, a.sessions, a.tokens, a.unkept = keys, from, roles, sessions, tokens, map[string]bool{}
	return nil
}

// How often Run looks for sessions that are over, and for old entries of the
// audit log.
const (
	sweepEvery = 5 * time.Second
	pruneEvery = time.Hour
)

// Run ends sessions and tokens when their time is over, renews keys, and catches
// up on what the database could not take, until ctx ends.
func (a *Auth) Run(ctx context.Context) error {
	sweep, prune := time.NewTicker(sweepEvery), time.NewTicker(pruneEvery)
	defer sweep.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-sweep.C:
			a.sweep(ctx)
		case <-prune.C:
			if err := a.audit.prune(ctx); err != nil && !database.IsNotWritable(err) {
				a.log.WarnContext(ctx, "old entries of the audit log were not removed", "error", err)
			}
		}
	}
}

func (a *Auth) sweep(ctx context.Context) {
	a.mu.Lock()
	stale := a.from != a.db.Read() // it was mended
	a.mu.Unlock()
	if stale {
		if err := a.load(ctx); err != nil {
			a.log.WarnContext(ctx, "users could not be read from the mended database", "error", err)
		}
	}
	a.endExpired(ctx)
	a.keepEnds(ctx)
	a.throttle.forget()
	if err := a.keyRing().rotateOld(ctx); err != nil && !database.IsNotWritable(err) {
		a.log.WarnContext(ctx, "the key of sessions was not renewed", "error", err)
	}
}

func (a *Auth) keyRing() *keyRing {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys
}

// millis is a time as the database has it.
func millis(t time.Time) int64 { return t.UnixMilli() }

// fromMillis is a time from the database.
func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
