package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/database"
)

// bench is an API with people, on a clock that tests move.
type bench struct {
	t        *testing.T
	auth     *auth.Auth
	database *database.DB
	handlers *Handlers
	server   http.Handler
	log      *strings.Builder

	mu  sync.Mutex
	now time.Time
}

const (
	testOrigin   = "http://localhost:20001"
	testPassword = "correct horse"
	scrapeSecret = "0123456789012345678901234567890123456789"
)

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Now(), log: &strings.Builder{}}
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if b.database, err = database.Open(t.Context(), filepath.Join(t.TempDir(), "heddle.db"), log, auth.Tables()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.database.Close() })
	b.auth, err = auth.Open(t.Context(), auth.Options{
		DB: b.database, Log: log, Idle: 8 * time.Hour, Absolute: 24 * time.Hour,
		Cost: &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
		Now: func() time.Time {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.now
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range auth.Roles() {
		if _, err := b.auth.AddUser(t.Context(), "the-"+string(role), role, testPassword); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Name: "demo", Version: "test", ScrapeToken: scrapeSecret, Hosts: NewHosts("127.0.0.1:20001", nil, nil), Auth: b.auth, Log: log}
	for _, f := range change {
		f(&o)
	}
	b.handlers = New(o)
	b.server = b.handlers.Public()
	return b
}

func (b *bench) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// request is a request as a browser on this machine sends it.
func request(method, path, body string, change ...func(*http.Request)) *http.Request {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, content)
	r.Host, r.RemoteAddr = "localhost:20001", "127.0.0.1:55555"
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	return r
}

func with(header, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(header, value) }
}

func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.server.ServeHTTP(w, r)
	return w
}

// cookie signs a user in.
func (b *bench) cookie(user string) *http.Cookie {
	b.t.Helper()
	w := b.do(request(http.MethodPost, "/api/v1/session", `{"username":"`+user+`","password":"`+testPassword+`"}`))
	if w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
		b.t.Fatalf("sign in as %s: %d %s", user, w.Code, w.Body)
	}
	return w.Result().Cookies()[0]
}

func as(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

// concrete fills in the parameters of a route's path.
func concrete(path string) string {
	for _, name := range []string{":namespace", ":pod", "{namespace}", "{name}", "{proxy}", "{id}", "{pod}"} {
		path = strings.ReplaceAll(path, name, "a")
	}
	return strings.NewReplacer("{kind}", "vs", "{what}", "routes", "*path", "api/v1/query").Replace(path)
}

// Every route is in the table, and the table in every route, on both faces.
func TestEveryRouteHasALine(t *testing.T) {
	h := newBench(t).handlers
	for name, engine := range map[string]http.Handler{"console": h.engine(h.consolePage), "owner": h.engine(func(*gin.Context) {})} {
		served := engine.(*gin.Engine).Routes()
		for _, r := range served {
			if _, ok := h.needs[r.Method+" "+r.Path]; !ok {
				t.Errorf("%s: %s %s is served and has no line in the table", name, r.Method, r.Path)
			}
		}
		if len(served) != len(routes) {
			t.Errorf("%s: %d routes are served, %d stand in the table", name, len(served), len(routes))
		}
	}
}

// What is registered beside the table answers nobody.
func TestARouteWithoutALineIsClosed(t *testing.T) {
	h := newBench(t).handlers
	engine := h.engine(h.consolePage).(*gin.Engine)
	engine.GET("/api/v1/forgotten", func(c *gin.Context) { c.String(http.StatusOK, "secret") })
	for _, who := range []auth.Session{{}, {Role: auth.AdminRole}, {Role: auth.OwnerRole}} {
		w := httptest.NewRecorder()
		r := request(http.MethodGet, "/api/v1/forgotten", "")
		engine.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%q: %d %s", who.Role, w.Code, w.Body)
		}
	}
}

// ofPeople are routes that a token cannot use, so that one that was stolen cannot
// make others or take the account.
var ofPeople = []string{"change-password", "create-token", "revoke-token"}

// All routes × all roles, by cookie and by token, and on the owner's socket.
func TestAllRoutesForAllRoles(t *testing.T) {
	b := newBench(t)
	type caller struct {
		name string
		role auth.Role
		as   func(*http.Request)
	}
	callers := []caller{{"nobody", "", func(*http.Request) {}}, {"a bad token", "", with("Authorization", "Bearer hdl_AAAAAAAAAAAAAAAAAAAAAAAAAA")}}
	for _, role := range auth.Roles() {
		user := "the-" + string(role)
		callers = append(callers, caller{user, role, func(r *http.Request) { r.AddCookie(b.cookie(user)) }})
		who := auth.With(t.Context(), auth.Session{User: auth.OwnerName, Role: auth.OwnerRole, Via: auth.CLI})
		_, secret, err := b.auth.CreateToken(who, "test", role, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		callers = append(callers, caller{"a token of " + string(role), role, with("Authorization", "Bearer "+secret)})
	}
	for _, r := range routes {
		for _, c := range callers {
			w := b.do(request(r.method, concrete(r.path), "", c.as))
			got := w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden
			var want bool
			switch r.needs {
			case Open, SignIn:
				want = true
			case Scrape:
				want = false // who signs in has no scrape token
			default:
				want = c.role.Can(r.needs)
			}
			if token := strings.HasPrefix(c.name, "a token"); token && slices.Contains(ofPeople, r.id) {
				if w.Code/100 == 2 {
					t.Errorf("%s: %s %s answers %d", c.name, r.method, r.path, w.Code)
				}
				continue
			}
			if got != want {
				t.Errorf("%s: %s %s answers %d, allowed %v: %s", c.name, r.method, r.path, w.Code, want, w.Body)
			}
			if !want && c.role == "" && w.Code != http.StatusUnauthorized {
				t.Errorf("%s: %s %s answers %d, not 401", c.name, r.method, r.path, w.Code)
			}
			if !want && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s %s answers %s", c.name, r.method, r.path, w.Header().Get("Content-Type"))
			}
		}
		w := httptest.NewRecorder()
		b.handlers.Owner().ServeHTTP(w, request(r.method, concrete(r.path), ""))
		if w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden {
			t.Errorf("the owner: %s %s answers %d: %s", r.method, r.path, w.Code, w.Body)
		}
	}
}

// The table says what each route is for; this says which roles that lets in, so
// that a wrong word there does not go unseen.
func TestRoutesThatWriteNeedMoreThanViewing(t *testing.T) {
	own := []string{"sign-out", "renew-session", "change-password", "create-token", "revoke-token"}
	asking := []string{"explain", "prometheus-post", "check", "fixes", "preview", "preview-envoy", "try", "merge", "split"} // questions with a body
	for _, r := range routes {
		switch {
		case r.method == http.MethodGet, r.needs == SignIn, slices.Contains(own, r.id), slices.Contains(asking, r.id):
		case r.needs != EditTraffic && r.needs != Admin && r.needs != OwnerOnly:
			t.Errorf("%s %s (%s) writes, and needs only %q", r.method, r.path, r.id, r.needs)
		}
	}
}

func TestScrapeTokenOpensScrapingAlone(t *testing.T) {
	b := newBench(t)
	token := with("Authorization", "Bearer "+scrapeSecret)
	for _, r := range routes {
		if r.needs == Open || r.needs == SignIn {
			continue
		}
		w := b.do(request(r.method, concrete(r.path), "", token))
		if got := w.Code != http.StatusUnauthorized; got != (r.needs == Scrape) {
			t.Errorf("%s %s: %d", r.method, r.path, w.Code)
		}
	}
}
