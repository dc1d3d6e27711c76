package auth

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/heddle-mesh/heddle/backend/database"
)

// bench is people with a database, on a clock that tests move.
type bench struct {
	*Auth
	t    *testing.T
	db   *database.DB
	path string
	log  *bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

const password = "correct horse"

var (
	cheap  = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	remote = Client{Address: "192.0.2.7"}
	local  = Client{Address: "127.0.0.1", Local: true}
)

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "heddle.db"), log: &bytes.Buffer{}, now: time.Now().Truncate(time.Second)}
	b.open()
	t.Cleanup(func() {
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, role := range Roles() {
		if _, err := b.AddUser(t.Context(), "the-"+string(role), role, password); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// open opens the database as a new process does.
func (b *bench) open() {
	b.t.Helper()
	log := slog.New(slog.NewTextHandler(b.log, nil))
	var err error
	if b.db, err = database.Open(b.t.Context(), b.path, log, Tables()); err != nil {
		b.t.Fatal(err)
	}
	b.Auth, err = Open(b.t.Context(), Options{DB: b.db, Log: log, Idle: 8 * time.Hour, Absolute: 24 * time.Hour, Cost: cheap, Now: b.clock})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) restart() {
	b.t.Helper()
	if err := b.db.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// in signs a user in.
func (b *bench) in(user string) (Session, string) {
	b.t.Helper()
	s, cookie, err := b.SignIn(b.t.Context(), local, user, password)
	if err != nil {
		b.t.Fatalf("sign in as %s: %v", user, err)
	}
	return s, cookie
}

// comes asks with cookies.
func (b *bench) comes(cookies ...string) (Session, *Renewal, error) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(Cookie(c, false))
	}
	return b.Authenticate(r, "192.0.2.7")
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestSignIn(t *testing.T) {
	b := newBench(t)
	s, cookie := b.in(" The-Operator ")
	got, renewal, err := b.comes(cookie)
	if err != nil || renewal != nil || got.User != "the-operator" || got.Role != Operator || got.Via != Console || got.ID != s.ID || got.Address != "192.0.2.7" {
		t.Errorf("%+v, %v, %v", got, renewal, err)
	}
	// A session is never one that was there before the sign-in.
	again, other := b.in("the-operator")
	if again.ID == s.ID || other == cookie || len(s.ID) < 26 {
		t.Errorf("sessions %q and %q", s.ID, again.ID)
	}
	b.restart()
	if got, _, err := b.comes(cookie); err != nil || got.ID != s.ID {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	users, err := b.Users(t.Context())
	if err != nil || users[1].Name != "the-operator" || users[1].LastSignIn == nil || users[0].LastSignIn != nil {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestWrongNameAndWrongPasswordAreAlike(t *testing.T) {
	b := newBench(t)
	disabled := true
	if _, err := b.ChangeUser(t.Context(), "the-viewer", UserChange{Disabled: &disabled}); err != nil {
		t.Fatal(err)
	}
	attempts := map[string][2]string{
		"wrong password":       {"the-admin", "wrong"},
		"unknown name":         {"nobody", password},
		"disabled":             {"the-viewer", password},
		"no name":              {"", password},
		"no password":          {"the-admin", ""},
		"long password":        {"the-admin", strings.Repeat("x", 5000)},
		"beginning with right": {"the-admin", password + strings.Repeat("x", 5000)},
		"long name":            {strings.Repeat("the-admin", 1000), password},
		"odd name":             {"the-admin\x00' OR 1=1 --", password},
	}
	for name, a := range attempts {
		b.wait(time.Hour) // past any throttle
		_, cookie, err := b.SignIn(t.Context(), remote, a[0], a[1])
		if !errors.Is(err, ErrCredentials) || err.Error() != ErrCredentials.Error() || cookie != "" {
			t.Errorf("%s: %q, %v", name, cookie, err)
		}
		// And the next attempt is held back alike, whether the name is known or not.
		var slow *Throttled
		if _, _, err := b.SignIn(t.Context(), remote, a[0], a[1]); !errors.As(err, &slow) || slow.Seconds() != 1 {
			t.Errorf("%s, at once again: %v", name, err)
		}
	}
}

// Both answers take the time of one hash. With none for unknown names the ratio
// would be above 50.
func TestUnknownNamesTakeAsLong(t *testing.T) {
	b := newBench(t)
	var err error
	if b.passwords, err = newPasswords(&argon2id.Params{Memory: 8 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddUser(t.Context(), "slow", Viewer, password); err != nil {
		t.Fatal(err)
	}
	fastest := func(name string) time.Duration {
		var all []time.Duration
		for range 7 {
			b.wait(time.Hour)
			began := time.Now()
			if _, _, err := b.SignIn(t.Context(), remote, name, "wrong"); !errors.Is(err, ErrCredentials) {
				t.Fatal(err)
			}
			all = append(all, time.Since(began))
		}
		return slices.Min(all)
	}
	wrong, unknown := fastest("slow"), fastest("nobody")
	if unknown < wrong/2 || wrong < unknown/2 {
		t.Errorf("a wrong password takes %v, an unknown name %v", wrong, unknown)
	}
}

// A sign-in that runs while its user changes ends up with what the user is then,
// or not at all.
func TestSignInWhileTheUserChanges(t *testing.T) {
	b := newBench(t)
	user, err := b.find(t.Context(), "the-operator")
	if err != nil {
		t.Fatal(err)
	}
	viewer, secret := Viewer, "another secret"
	if _, err := b.ChangeUser(t.Context(), "the-operator", UserChange{Role: &viewer}); err != nil {
		t.Fatal(err)
	}
	if s, _, err := b.begin(t.Context(), "the-operator", user.password, ""); err != nil || s.Role != Viewer {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := b.ChangeUser(t.Context(), "the-operator", UserChange{Password: &secret}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.begin(t.Context(), "the-operator", user.password, ""); !errors.Is(err, ErrCredentials) {
		t.Errorf("the old password: %v", err)
	}
}

func TestOwnPassword(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-viewer")
	ctx := With(t.Context(), s)
	if _, _, err := b.ChangePassword(ctx, remote, "wrong", "another secret"); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
	var slow *Throttled
	if _, _, err := b.ChangePassword(ctx, remote, password, "another secret"); !errors.As(err, &slow) {
		t.Errorf("guessing the old one is not slowed: %v", err)
	}
	if _, _, err := b.ChangePassword(With(t.Context(), Session{User: "the-viewer", Via: Token}), remote, password, "another secret"); err == nil {
		t.Error("a token changed a password")
	}
}

// Signing in and out goes on while nothing can be written; what users are does
// not change.
func TestReadOnlyDatabase(t *testing.T) {
	b := newBench(t)
	before, cookie := b.in("the-viewer")
	if err := os.Chmod(b.path, 0o400); err != nil {
		t.Fatal(err)
	}
	s, fresh := b.in("the-admin")
	if got, _, err := b.comes(fresh); err != nil || got.Role != AdminRole {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.AddUser(t.Context(), "new", Viewer, password); !database.IsNotWritable(err) {
		t.Errorf("a user was made: %v", err)
	}
	if _, _, err := b.CreateToken(With(t.Context(), s), "t", Viewer, time.Hour); !database.IsNotWritable(err) {
		t.Errorf("a token was made: %v", err)
	}
	b.SignOut(With(t.Context(), before))
	if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("signed out, and taken: %v", err)
	}
	if !strings.Contains(b.log.String(), "an entry of the audit log could not be kept") {
		t.Errorf("the log does not have what the audit log cannot: %s", b.log)
	}
	if err := os.Chmod(b.path, 0o600); err != nil {
		t.Fatal(err)
	}
	b.sweep(t.Context())
	b.restart()
	if _, _, err := b.comes(cookie); !errors.Is(err, ErrNotSignedIn) {
		t.Errorf("the sign-out was forgotten: %v", err)
	}
}

// A control plane that starts with a database that it cannot write lets in whom
// it knows.
func TestStartWithAReadOnlyDatabase(t *testing.T) {
	b := newBench(t)
	_, cookie := b.in("the-viewer")
	if err := errors.Join(b.db.Close(), os.Chmod(b.path, 0o400)); err != nil {
		t.Fatal(err)
	}
	b.open()
	if _, _, err := b.comes(cookie); err != nil {
		t.Errorf("a session from before: %v", err)
	}
	b.in("the-admin")
	if err := os.Chmod(b.path, 0o600); err != nil {
		t.Fatal(err)
	}
	b.db.Check(t.Context(), time.Now())
	b.sweep(t.Context())
	if _, err := b.AddUser(t.Context(), "new", Viewer, password); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
}

func TestFirstAdministrator(t *testing.T) {
	for _, given := range []string{"", "secret"} {
		path := filepath.Join(t.TempDir(), "heddle.db")
		b := &bench{t: t, path: path, log: &bytes.Buffer{}, now: time.Now()}
		b.open()
		made, generated, err := b.FirstAdministrator(t.Context(), given)
		if err != nil || !made || (generated == "") != (given != "") {
			t.Fatalf("%v, %q, %v", made, generated, err)
		}
		if s, _, err := b.SignIn(t.Context(), local, "admin", given+generated); err != nil || s.Role != AdminRole {
			t.Errorf("%+v, %v", s, err)
		}
		if len(generated) > 0 && len(generated) < 20 {
			t.Errorf("the password %q is easily guessed", generated)
		}
		if made, generated, err := b.FirstAdministrator(t.Context(), "other"); made || generated != "" || err != nil {
			t.Errorf("a second first one: %v, %q, %v", made, generated, err)
		}
		if err := b.db.Close(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || generated != "" && bytes.Contains(text, []byte(generated)) {
			t.Errorf("the password stands in the file, or %v", err)
		}
	}
}

func TestUsersAreChecked(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		name     string
		role     Role
		password string
		field    string
	}{
		{"owner", Viewer, password, "name"},
		{"", Viewer, password, "name"},
		{"a b", Viewer, password, "name"},
		{"../a", Viewer, password, "name"},
		{"a\nb", Viewer, password, "name"},
		{strings.Repeat("a", 65), Viewer, password, "name"},
		{"a", OwnerRole, password, "role"},
		{"a", "", password, "role"},
		{"a", Viewer, "short", "password"},
		{"longer-name", Viewer, "longer-NAME", "password"},
		{"a", Viewer, strings.Repeat("x", 257), "password"},
		{"a", Viewer, "no text \xff\xff", "password"},
	} {
		var bad *Invalid
		if _, err := b.AddUser(t.Context(), tt.name, tt.role, tt.password); !errors.As(err, &bad) || bad.Field != tt.field {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	if u, err := b.AddUser(t.Context(), " Anna@Example.org", Viewer, password); err != nil || u.Name != "anna@example.org" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := b.AddUser(t.Context(), "ANNA@example.org", Viewer, password); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
}

func TestAnAdministratorStays(t *testing.T) {
	b := newBench(t)
	viewer, disabled := Viewer, true
	for name, try := range map[string]func() error{
		"role": func() error { _, err := b.ChangeUser(t.Context(), "the-admin", UserChange{Role: &viewer}); return err },
		"disable": func() error {
			_, err := b.ChangeUser(t.Context(), "the-admin", UserChange{Disabled: &disabled})
			return err
		},
		"remove": func() error { return b.RemoveUser(t.Context(), "the-admin") },
	} {
		if err := try(); !errors.Is(err, ErrLastAdministrator) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.in("the-admin")
	if _, err := b.AddUser(t.Context(), "second", AdminRole, password); err != nil {
		t.Fatal(err)
	}
	if err := b.RemoveUser(t.Context(), "the-admin"); err != nil {
		t.Error(err)
	}
}
