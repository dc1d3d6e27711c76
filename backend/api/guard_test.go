package api

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/auth"
)

// A browser tells of each request which page sent it. Only pages of this very
// address may change anything or open a socket.
func TestOtherSitesChangeNothing(t *testing.T) {
	b := newBench(t)
	cookie := b.cookie("the-admin")
	upgrade := func(r *http.Request) {
		r.Method, r.Body = http.MethodGet, http.NoBody
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.URL.Path = "/api/v1/live"
	}
	tests := []struct {
		name             string
		origin, site     string
		writes, upgrades bool
	}{
		{"its own page", testOrigin, "same-origin", true, true},
		{"its own page, in an old browser", testOrigin, "", true, true},
		{"no browser", "", "", true, false},
		{"another port of this host", "http://localhost:8080", "same-site", false, false},
		{"another port, in an old browser", "http://localhost:8080", "", false, false},
		{"another port that claims to be the same", "http://localhost:8080", "same-origin", false, false},
		{"another name of this machine", "http://127.0.0.1:20001", "cross-site", false, false},
		{"another name, in an old browser", "http://127.0.0.1:20001", "", false, false},
		{"TLS at the same port", "https://localhost:20001", "", false, false},
		{"another site", "https://example.com", "cross-site", false, false},
		{"a site whose name begins alike", "http://localhost:20001.example.com", "", false, false},
		{"a sandboxed frame", "null", "cross-site", false, false},
		{"a sandboxed frame, in an old browser", "null", "", false, false},
		{"another site without Origin", "", "cross-site", false, false},
		{"an extension or bookmark", testOrigin, "none", true, true},
	}
	for _, tt := range tests {
		from := func(r *http.Request) {
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			if tt.site != "" {
				r.Header.Set("Sec-Fetch-Site", tt.site)
			}
		}
		for _, r := range []*http.Request{
			request(http.MethodPost, "/api/v1/session/renew", "", as(cookie), from),
			request(http.MethodPost, "/api/v1/session", `{"username":"the-admin","password":"`+testPassword+`"}`, from),
			request(http.MethodDelete, "/api/v1/users/nobody", "", as(cookie), from),
			request(http.MethodPatch, "/api/v1/users/nobody", `{}`, as(cookie), from),
			request(http.MethodPost, "/prometheus/api/v1/query", "query=up", as(cookie), from),
		} {
			if w := b.do(r); (w.Code == http.StatusForbidden) == tt.writes {
				t.Errorf("%s: %s %s answers %d: %s", tt.name, r.Method, r.URL, w.Code, w.Body)
			}
		}
		if w := b.do(request("", "/api/v1/live", "", as(cookie), from, upgrade)); (w.Code == http.StatusForbidden) == tt.upgrades {
			t.Errorf("%s: an upgrade answers %d: %s", tt.name, w.Code, w.Body)
		}
		// Reading is what browsers themselves keep from other sites.
		if w := b.do(request(http.MethodGet, "/api/v1/session", "", as(cookie), from)); w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: reading answers %d, %v", tt.name, w.Code, w.Header())
		}
	}
	twice := b.do(request(http.MethodPost, "/api/v1/session/renew", "", as(cookie), with("Origin", testOrigin), with("Origin", "https://example.com")))
	if twice.Code != http.StatusForbidden {
		t.Errorf("two origins: %d", twice.Code)
	}
}

// A token comes from a program that keeps it; a socket opened with one needs no page.
func TestSocketsOfPrograms(t *testing.T) {
	r := request(http.MethodGet, "/api/v1/live", "", with("Upgrade", "websocket"), with("Connection", "Upgrade"), with("Authorization", "Bearer hdl_x"))
	if err := sameOrigin(r, testOrigin); err != nil {
		t.Error(err)
	}
	r.Header.Set("Origin", "https://example.com")
	if sameOrigin(r, testOrigin) == nil {
		t.Error("a browser of another site is taken for a program")
	}
}

func TestOrigins(t *testing.T) {
	for _, tt := range []struct {
		secure bool
		host   string
		want   string
	}{
		{false, "localhost:20001", "http://localhost:20001"},
		{true, "Mesh.Example.Org:443", "https://mesh.example.org"},
		{true, "mesh.example.org", "https://mesh.example.org"},
		{false, "mesh.example.org:80", "http://mesh.example.org"},
		{true, "mesh.example.org:80", "https://mesh.example.org:80"},
		{false, "[::1]:20001", "http://[::1]:20001"},
		{false, "[::1]:80", "http://[::1]"},
	} {
		if got := originOf(tt.secure, tt.host); got != tt.want {
			t.Errorf("%v %s: %s, want %s", tt.secure, tt.host, got, tt.want)
		}
	}
}

func TestSecretsStandInNoAddress(t *testing.T) {
	b := newBench(t)
	cookie := b.cookie("the-admin")
	_, secret, err := b.auth.CreateToken(auth.With(t.Context(), auth.Session{User: auth.OwnerName, Role: auth.OwnerRole, Via: auth.CLI}), "t", auth.AdminRole, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"jwt=" + cookie.Value, "token=" + secret, "access_token=" + secret, "heddle_session=" + cookie.Value, "authorization=Bearer " + secret} {
		r := request(http.MethodGet, "/api/v1/session", "")
		r.URL.RawQuery = strings.ReplaceAll(query, " ", "+")
		if w := b.do(r); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
	// Nor is a session a bearer token, nor a token a cookie.
	for _, change := range []func(*http.Request){
		with("Authorization", "Bearer "+cookie.Value), with("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("the-admin:"+testPassword))),
		with("Cookie", "heddle_session="+secret), with("Cookie", "jwt="+cookie.Value),
	} {
		if w := b.do(request(http.MethodGet, "/api/v1/session", "", change)); w.Code != http.StatusUnauthorized {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	}
}

// Whatever happens to a request, its secrets stay out of the log and out of the
// answer.
func TestSecretsStayOutOfLogsAndAnswers(t *testing.T) {
	b := newBench(t)
	cookie := b.cookie("the-admin")
	const token = "hdl_THISISASECRETTHISISASECRET"
	secrets := []string{cookie.Value, token, testPassword, "guessed-by-mistake", "new-secret-word"}
	var answers strings.Builder
	send := func(r *http.Request) {
		w := b.do(r)
		answers.WriteString(w.Body.String())
		for name, values := range w.Header() {
			if name != "Set-Cookie" {
				answers.WriteString(strings.Join(values, " "))
			}
		}
	}
	for _, r := range routes { // most of them panic here, for there is no mesh
		send(request(r.method, concrete(r.path), "", as(cookie)))
		send(request(r.method, concrete(r.path), "", with("Authorization", "Bearer "+token), as(cookie)))
	}
	cookie = b.cookie("the-admin")
	secrets = append(secrets, cookie.Value)
	for _, body := range []string{
		`{"username":"guessed-by-mistake","password":"guessed-by-mistake"}`, `{"password":"guessed-by-mistake"}`,
		`{"username":7,"password":"guessed-by-mistake"}`, `{"username":"the-admin","password":["guessed-by-mistake"]}`,
		`{"username":"the-admin","password":"guessed-by-mistake"`,
	} {
		send(request(http.MethodPost, "/api/v1/session", body))
	}
	send(request(http.MethodPost, "/api/v1/session/password", `{"old":"guessed-by-mistake","new":"new-secret-word","more":"new-secret-word"}`, as(cookie)))
	send(request(http.MethodPost, "/api/v1/users", `{"name":"a","role":"none","password":"new-secret-word"}`, as(cookie)))
	send(request(http.MethodPost, "/api/v1/users", `{"name":"b","role":"viewer","password":"new-secret-word"}`, as(cookie)))
	entries, _, err := b.auth.Audit().List(t.Context(), auth.AuditQuery{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	audit, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 5 || !strings.Contains(b.log.String(), "panic") {
		t.Errorf("%d entries; the log has %d bytes", len(entries), b.log.Len())
	}
	for _, secret := range secrets {
		for place, text := range map[string]string{"log": b.log.String(), "answers": answers.String(), "audit log": string(audit)} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("the %s holds a secret: …%.200s", place, text[max(0, i-80):])
			}
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	b := newBench(t)
	long := `{"username":"the-admin","password":"` + strings.Repeat("x", 1<<20) + `"}`
	if w := b.do(request(http.MethodPost, "/api/v1/session", long)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a password of 1 MB: %d %.200s", w.Code, w.Body)
	}
	// Who did not sign in is not even read.
	body := &countedReader{Reader: strings.NewReader(strings.Repeat("x", 8<<20))}
	r := request(http.MethodPost, "/api/v1/config", "")
	r.Body = io.NopCloser(body)
	if w := b.do(r); w.Code != http.StatusUnauthorized || body.n > 0 {
		t.Errorf("%d, %d bytes were read", w.Code, body.n)
	}
	body.n = 0
	r = request(http.MethodPost, "/api/v1/config", "", as(b.cookie("the-admin")))
	r.Body = io.NopCloser(body)
	if w := b.do(r); w.Code != http.StatusRequestEntityTooLarge || body.n > maxBody+64<<10 {
		t.Errorf("%d, %d bytes were read", w.Code, body.n)
	}
}

type countedReader struct {
	io.Reader
	n int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func TestSecureHeadersGoWithEveryAnswer(t *testing.T) {
	b := newBench(t)
	for _, r := range []*http.Request{
		request(http.MethodGet, "/healthz", ""), request(http.MethodGet, "/api/v1/session", ""), request(http.MethodGet, "/nothing", ""),
		request("BREW", "/healthz", ""), request(http.MethodGet, "/api/v1/session", "", as(b.cookie("the-viewer"))),
		request(http.MethodGet, "/api/v1/graph", "", as(b.cookie("the-viewer"))), // panics
		request(http.MethodPost, "/api/v1/session", "{}", with("Origin", "https://example.com")),
		request(http.MethodGet, "/", "", func(r *http.Request) { r.Host = "rebound.example.com" }),
	} {
		w := b.do(r)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s (%d): %s is %q, want %q", r.Method, r.URL, w.Code, name, got, want)
			}
		}
	}
}

// No answer sends a browser elsewhere.
func TestNothingRedirects(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{
		"/api/v1/session/", "//example.com/", "//example.com/%2f..", "/\\example.com", "/api/v1/../v1/session", "/API/V1/SESSION",
		"/healthz/", "/x//example.com", "/api/v1//session", "/?next=//example.com", "/login?next=https://example.com",
	} {
		r := request(http.MethodGet, "/", "", with("Accept", "text/html"), with("X-Forwarded-Prefix", "//example.com"))
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
		r.RequestURI = path
		if w := b.do(r); w.Code/100 == 3 || w.Header().Get("Location") != "" || w.Header().Get("Refresh") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	b := newBench(t)
	plain := b.do(request(http.MethodGet, "/api/v1/openapi.json", "", as(b.cookie("the-viewer"))))
	zipped := b.do(request(http.MethodGet, "/api/v1/openapi.json", "", as(b.cookie("the-viewer")), with("Accept-Encoding", "gzip")))
	if plain.Header().Get("Content-Encoding") != "" || zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Body.Len()*4 > plain.Body.Len() {
		t.Fatalf("%d bytes plain, %d zipped: %v", plain.Body.Len(), zipped.Body.Len(), zipped.Header())
	}
	r, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
		t.Errorf("%v, %d bytes", err, len(got))
	}
	if !strings.Contains(zipped.Header().Get("Vary"), "Accept-Encoding") {
		t.Errorf("Vary: %v", zipped.Header()["Vary"])
	}
}

// A panic ends one request, and the rest of the answer says nothing about it.
func TestPanicsAreSurvived(t *testing.T) {
	b := newBench(t)
	h := b.handlers.survive(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("something inner") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(http.MethodGet, "/", "", with("Cookie", "heddle_session=secret-cookie")))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "inner") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if log := b.log.String(); !strings.Contains(log, "something inner") || !strings.Contains(log, "guard_test.go") || strings.Contains(log, "secret-cookie") {
		t.Errorf("log %s", log)
	}
}

func TestProblemsHaveCodes(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		r      *http.Request
		status int
		code   string
	}{
		{request(http.MethodGet, "/api/v1/graph", ""), 401, "notSignedIn"},
		{request(http.MethodGet, "/api/v1/users", "", as(b.cookie("the-viewer"))), 403, "forbidden"},
		{request(http.MethodGet, "/nothing", ""), 404, "notFound"},
		{request(http.MethodPut, "/healthz", ""), 405, "methodNotAllowed"},
		{request(http.MethodGet, "/api/v1/audit?limit=x", "", as(b.cookie("the-admin"))), 422, "invalid"},
		{request(http.MethodPost, "/api/v1/users", `{"name":"The Boss","role":"admin","password":"long enough"}`, as(b.cookie("the-admin"))), 422, "invalid"},
		{request(http.MethodPost, "/api/v1/users", `{"name":"the-viewer","role":"admin","password":"long enough"}`, as(b.cookie("the-admin"))), 409, "exists"},
		{request(http.MethodDelete, "/api/v1/users/nobody", "", as(b.cookie("the-admin"))), 404, "notFound"},
	} {
		w := b.do(tt.r)
		var p struct{ Code, Title, Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tt.status || p.Code != tt.code || p.Detail == "" {
			t.Errorf("%s %s: %d %s, %v", tt.r.Method, tt.r.URL, w.Code, w.Body, err)
		}
	}
}
