package api

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/live"
)

func TestTheCookieIsSafe(t *testing.T) {
	b := newBench(t)
	c := b.cookie("the-viewer")
	if c.Name != "heddle_session" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	secure := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	w := b.do(request(http.MethodPost, "/api/v1/session", `{"username":"the-viewer","password":"`+testPassword+`"}`, secure))
	if cookies := w.Result().Cookies(); len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("with TLS: %v", cookies)
	}
}

func TestSessionTellsWhoAndHowLong(t *testing.T) {
	b := newBench(t)
	w := b.do(request(http.MethodGet, "/api/v1/session", "", as(b.cookie("the-operator"))))
	var s Session
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if s.User.Name != "the-operator" || s.User.Role != auth.Operator || !slices.Equal(s.Capabilities, []Capability{View, EditTraffic}) || s.Version != "test" || s.Mesh != "demo" ||
		s.IdleExpires == nil || !s.IdleExpires.Equal(b.now.Add(8*time.Hour)) || s.AbsoluteExpires == nil || !s.AbsoluteExpires.Equal(b.now.Add(24*time.Hour)) {
		t.Errorf("%s", w.Body)
	}
	if strings.Contains(w.Body.String(), "heddle_session") || strings.Contains(w.Body.String(), "eyJ") {
		t.Errorf("the answer repeats the cookie: %s", w.Body)
	}
}

func TestAnyRequestRenewsTheCookie(t *testing.T) {
	b := newBench(t)
	c := b.cookie("the-viewer")
	for _, tt := range []struct {
		wait    time.Duration
		renewed bool
	}{{time.Minute, false}, {5 * time.Minute, true}, {0, false}, {7 * time.Hour, true}} {
		b.wait(tt.wait)
		w := b.do(request(http.MethodGet, "/api/v1/session", "", as(c)))
		cookies := w.Result().Cookies()
		if w.Code != http.StatusOK || (len(cookies) == 1) != tt.renewed {
			t.Fatalf("after %v: %d, %v", tt.wait, w.Code, cookies)
		}
		if tt.renewed {
			c = cookies[0]
		}
	}
	b.wait(2 * time.Minute)
	if w := b.do(request(http.MethodPost, "/api/v1/session/renew", "", as(c))); w.Code != http.StatusOK || len(w.Result().Cookies()) != 1 {
		t.Errorf("%d %v", w.Code, w.Result().Cookies())
	}
}

// A page that slept opens its socket before it asks anything else: the new cookie
// comes with the answer of that, and where it does not arrive the old one is good
// for another try.
func TestTheSocketRenewsTheCookie(t *testing.T) {
	hub := live.New(live.Options{})
	defer hub.Close()
	b := newBench(t, func(o *Options) { o.Live = hub })
	server := httptest.NewServer(b.server)
	defer server.Close()
	dial := func(c *http.Cookie) *http.Response {
		t.Helper()
		conn, answer, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/live",
			http.Header{"Origin": {server.URL}, "Cookie": {c.Name + "=" + c.Value}})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the upgrade has not the headers of every answer: %v", answer.Header)
		}
		return answer
	}
	for name, cookieAfter := range map[string]func(old *http.Cookie, answer *http.Response) *http.Cookie{
		"the answer arrives": func(_ *http.Cookie, answer *http.Response) *http.Cookie {
			cookies := answer.Cookies()
			if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
				t.Fatalf("the upgrade brings %v", answer.Header["Set-Cookie"])
			}
			return cookies[0]
		},
		"the answer is lost": func(old *http.Cookie, _ *http.Response) *http.Cookie { return old },
	} {
		c := b.cookie("the-viewer")
		if answer := dial(c); len(answer.Cookies()) != 0 {
			t.Errorf("a fresh cookie is renewed: %v", answer.Cookies())
		}
		b.wait(11 * time.Minute)
		c = cookieAfter(c, dial(c))
		b.wait(2 * time.Minute)
		if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(c))); w.Code != http.StatusOK {
			t.Errorf("%s: two minutes later %d %s", name, w.Code, w.Body)
		}
	}
}

// Whoever signs in gets a session of their own, and the one that the browser had
// is over: nobody can have put it there to share it.
func TestSignInEndsTheSessionBefore(t *testing.T) {
	b := newBench(t)
	planted := b.cookie("the-viewer")
	w := b.do(request(http.MethodPost, "/api/v1/session", `{"username":"the-admin","password":"`+testPassword+`"}`, as(planted)))
	if w.Code != http.StatusOK || w.Result().Cookies()[0].Value == planted.Value {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(planted))); w.Code != http.StatusUnauthorized {
		t.Errorf("the session from before: %d %s", w.Code, w.Body)
	}
}

func TestSignOut(t *testing.T) {
	b := newBench(t)
	c := b.cookie("the-viewer")
	w := b.do(request(http.MethodDelete, "/api/v1/session", "", as(c)))
	if cookies := w.Result().Cookies(); w.Code != http.StatusNoContent || len(cookies) != 1 || cookies[0].Value != "" || cookies[0].MaxAge >= 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(c))); w.Code != http.StatusUnauthorized {
		t.Errorf("after signing out: %d", w.Code)
	}
}

func TestTooManyAttempts(t *testing.T) {
	b := newBench(t)
	elsewhere := func(r *http.Request) { r.RemoteAddr = "192.0.2.7:5555" }
	for _, name := range []string{"the-admin", "nobody"} {
		b.wait(time.Hour)
		body := `{"username":"` + name + `","password":"wrong"}`
		first := b.do(request(http.MethodPost, "/api/v1/session", body, elsewhere))
		second := b.do(request(http.MethodPost, "/api/v1/session", body, elsewhere))
		if first.Code != http.StatusUnauthorized || second.Code != http.StatusTooManyRequests || second.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %d, then %d, again after %q", name, first.Code, second.Code, second.Header().Get("Retry-After"))
		}
		for _, w := range []*httptest.ResponseRecorder{first, second} {
			if strings.Contains(w.Body.String(), name) || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: %s", name, w.Body)
			}
		}
	}
}

// A client cannot choose the address that it is counted under.
func TestWhereRequestsComeFrom(t *testing.T) {
	trusted, err := ParseProxies("10.0.0.1, 10.1.0.0/16,fd00::/8")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, remote string
		headers      map[string]string
		address      string
		local        bool
		origin       string
	}{
		{"directly", "192.0.2.7:1", nil, "192.0.2.7", false, "http://localhost:20001"},
		{"from this machine", "127.0.0.1:1", nil, "127.0.0.1", true, "http://localhost:20001"},
		{"from this machine, IPv6", "[::1]:1", nil, "::1", true, "http://localhost:20001"},
		{"claims another", "192.0.2.7:1", map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}, "192.0.2.7", false, "http://localhost:20001"},
		{"an undeclared proxy here", "127.0.0.1:1", map[string]string{"X-Forwarded-For": "192.0.2.7"}, "127.0.0.1", false, "http://localhost:20001"},
		{"another one", "127.0.0.1:1", map[string]string{"Via": "1.1 proxy"}, "127.0.0.1", false, "http://localhost:20001"},
		{"a proxy", "10.0.0.1:1", map[string]string{"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "mesh.example.org"}, "192.0.2.7", false, "https://mesh.example.org"},
		{"a proxy, and claims", "10.0.0.1:1", map[string]string{"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, "192.0.2.7", false, "http://localhost:20001"},
		{"two proxies", "10.0.0.1:1", map[string]string{"X-Forwarded-For": "1.2.3.4, 192.0.2.7, 10.1.2.3"}, "192.0.2.7", false, "http://localhost:20001"},
		{"a proxy asks for itself", "10.0.0.1:1", nil, "10.0.0.1", false, "http://localhost:20001"},
		{"a proxy says nonsense", "10.0.0.1:1", map[string]string{"X-Forwarded-For": "192.0.2.7, unknown"}, "10.0.0.1", false, "http://localhost:20001"},
		{"a proxy for this machine", "10.0.0.1:1", map[string]string{"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", false, "http://localhost:20001"},
		{"a program of the mesh", "127.66.0.1:1", map[string]string{"X-Forwarded-For": "192.0.2.7"}, "127.66.0.1", false, "http://localhost:20001"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", map[string]string{"X-Forwarded-For": "::ffff:192.0.2.7"}, "192.0.2.7", false, "http://localhost:20001"},
	}
	for _, tt := range tests {
		r := request(http.MethodGet, "/", "")
		r.RemoteAddr = tt.remote
		for k, v := range tt.headers {
			r.Header.Set(k, v)
		}
		if got := trusted.peer(r); got.Address != tt.address || got.Local != tt.local || got.origin != tt.origin {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	for _, list := range []string{"a", "10.0.0.0/33", "10.0.0.1:80"} {
		if _, err := ParseProxies(list); err == nil {
			t.Errorf("%q is taken", list)
		}
	}
}

// A browser sends the session's cookie to every port of this host, so that the
// applications of the mesh see it. It must be worth nothing to them.
func TestProgramsOfTheMeshCannotUseSessions(t *testing.T) {
	b := newBench(t)
	cookie := b.cookie("the-admin")
	pod := func(r *http.Request) { r.RemoteAddr = "127.66.0.1:5555" }
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(cookie), pod)); w.Code != http.StatusUnauthorized {
		t.Errorf("with the cookie of a person: %d %s", w.Code, w.Body)
	}
	if w := b.do(request(http.MethodPost, "/api/v1/session", `{"username":"the-admin","password":"`+testPassword+`"}`, pod)); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
		t.Errorf("with a password: %d %s", w.Code, w.Body)
	}
	_, secret, err := b.auth.CreateToken(auth.With(t.Context(), auth.Session{User: auth.OwnerName, Role: auth.OwnerRole, Via: auth.CLI}), "t", auth.Viewer, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(cookie), with("Authorization", "Bearer "+secret), pod)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"role":"viewer"`) {
		t.Errorf("with a token: %d %s", w.Code, w.Body)
	}
}

func TestPeopleLookAfterTheirOwn(t *testing.T) {
	b := newBench(t)
	viewer, admin := b.cookie("the-viewer"), b.cookie("the-admin")
	post := func(c *http.Cookie, path, body string) *httptest.ResponseRecorder {
		return b.do(request(http.MethodPost, path, body, as(c)))
	}
	if w := post(viewer, "/api/v1/tokens", `{"name":"mine","role":"admin"}`); w.Code != http.StatusForbidden {
		t.Errorf("a viewer makes an administrator's token: %d %s", w.Code, w.Body)
	}
	w := post(viewer, "/api/v1/tokens", `{"name":"mine","role":"viewer","expires":"1h"}`)
	var made NewToken
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || !strings.HasPrefix(made.Token, "hdl_") || made.Owner != "the-viewer" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	post(admin, "/api/v1/tokens", `{"name":"theirs","role":"admin"}`)
	for c, want := range map[*http.Cookie]int{viewer: 1, admin: 2} {
		var list []auth.TokenInfo
		w := b.do(request(http.MethodGet, "/api/v1/tokens", "", as(c)))
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != want || strings.Contains(w.Body.String(), "hdl_") {
			t.Errorf("%d tokens, want %d: %s", len(list), want, w.Body)
		}
	}
	if w := b.do(request(http.MethodDelete, "/api/v1/tokens/"+made.ID, "", as(b.cookie("the-operator")))); w.Code != http.StatusNotFound {
		t.Errorf("a stranger revokes: %d", w.Code)
	}
	if w := b.do(request(http.MethodDelete, "/api/v1/tokens/"+made.ID, "", as(viewer))); w.Code != http.StatusNoContent {
		t.Errorf("revoking: %d %s", w.Code, w.Body)
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", with("Authorization", "Bearer "+made.Token))); w.Code != http.StatusUnauthorized {
		t.Errorf("after that: %d", w.Code)
	}
	w = post(viewer, "/api/v1/session/password", `{"old":"`+testPassword+`","new":"another secret"}`)
	if w.Code != http.StatusNoContent || len(w.Result().Cookies()) != 1 {
		t.Fatalf("own password: %d %s", w.Code, w.Body)
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(viewer))); w.Code != http.StatusUnauthorized {
		t.Errorf("the session from before: %d", w.Code)
	}
	if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(w.Result().Cookies()[0]))); w.Code != http.StatusOK {
		t.Errorf("the new session: %d", w.Code)
	}
}

func TestNothingIsWrittenToAReadOnlyDatabase(t *testing.T) {
	b := newBench(t)
	admin := b.cookie("the-admin")
	var path string
	if err := b.database.Read().QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	w := b.do(request(http.MethodPost, "/api/v1/users", `{"name":"new","role":"viewer","password":"long enough"}`, as(admin)))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"code":"databaseNotWritable"`) || !strings.Contains(w.Body.String(), "chmod u+w") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.cookie("the-viewer")
}

// A socket lives as long as its session: 4401 tells the page to sign in again.
func TestRevocationClosesTheSocket(t *testing.T) {
	hub := live.New(live.Options{Topics: []live.Topic{{Name: "parts", Run: func(ctx context.Context, _ live.Params, _ func(live.Whole)) error {
		<-ctx.Done()
		return ctx.Err()
	}}}})
	defer hub.Close()
	b := newBench(t, func(o *Options) { o.Live = hub })
	server := httptest.NewServer(b.server)
	defer server.Close()
	dial := func(origin string, c *http.Cookie) (*websocket.Conn, *http.Response, error) {
		return websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/live", http.Header{"Origin": {origin}, "Cookie": {c.Name + "=" + c.Value}})
	}
	c := b.cookie("the-viewer")
	if _, answer, err := dial("http://127.0.0.1:8080", c); err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another port: %v, %v", answer, err)
	}
	if _, answer, err := dial(server.URL, &http.Cookie{Name: auth.CookieName, Value: "x"}); err == nil || answer == nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session: %v, %v", answer, err)
	}
	for name, revoke := range map[string]func(c *http.Cookie){
		"sign-out": func(c *http.Cookie) { b.do(request(http.MethodDelete, "/api/v1/session", "", as(c))) },
		"role": func(*http.Cookie) {
			b.do(request(http.MethodPatch, "/api/v1/users/the-viewer", `{"role":"operator"}`, as(b.cookie("the-admin"))))
		},
		"disabled": func(*http.Cookie) {
			b.do(request(http.MethodPatch, "/api/v1/users/the-viewer", `{"disabled":true}`, as(b.cookie("the-admin"))))
			b.do(request(http.MethodPatch, "/api/v1/users/the-viewer", `{"disabled":false}`, as(b.cookie("the-admin"))))
		},
	} {
		c := b.cookie("the-viewer")
		conn, _, err := dial(server.URL, c)
		if err != nil {
			t.Fatal(err)
		}
		revoke(c)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, _, err = conn.ReadMessage()
		}
		if !websocket.IsCloseError(err, 4401) {
			t.Errorf("%s: the socket ends with %v", name, err)
		}
		conn.Close()
	}
}

// Sockets count by user, so that more sessions do not get more of them.
func TestSocketsOfAllSessionsOfAUserCountTogether(t *testing.T) {
	hub := live.New(live.Options{Limits: live.Limits{SocketsPerCaller: 2}})
	defer hub.Close()
	b := newBench(t, func(o *Options) { o.Live = hub })
	server := httptest.NewServer(b.server)
	defer server.Close()
	for i, c := range []struct {
		user string
		open bool
	}{{"the-viewer", true}, {"the-viewer", true}, {"the-viewer", false}, {"the-operator", true}} {
		cookie := b.cookie(c.user) // a session of its own
		conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/api/v1/live",
			http.Header{"Origin": {server.URL}, "Cookie": {cookie.Name + "=" + cookie.Value}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// An open socket answers, one too many is closed.
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"subscribe":{"id":"x","topic":"none"}}`)); err != nil {
			t.Fatal(err)
		}
		_, _, err = conn.ReadMessage()
		if open := !websocket.IsCloseError(err, live.CloseTooMany); open != c.open {
			t.Errorf("socket %d, of %s: open %v, want %v (%v)", i+1, c.user, open, c.open, err)
		}
	}
}
