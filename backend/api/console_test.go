package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const testPage = `<!doctype html><html><head><script>theme()</script><script type="module" src="/assets/app-1a2b.js"></script><style>a{}</style></head></html>`

func consoleBench(t *testing.T) *bench {
	t.Helper()
	page, err := NewConsole(fstest.MapFS{
		"index.html":               {Data: []byte(testPage)},
		"favicon.svg":              {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":       {Data: []byte("plain")},
		"assets/app-1a2b.js.gz":    {Data: []byte("zipped")},
		"assets/app-1a2b.js.br":    {Data: []byte("brotli")},
		"assets/theme-3c.css":      {Data: []byte("a{}")},
		".gitkeep":                 {},
		"assets/secret/.env":       {Data: []byte("secret")},
		"assets/lonely-archive.gz": {Data: []byte("archive")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return newBench(t, func(o *Options) { o.Console = page })
}

func (b *bench) page(path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := request(http.MethodGet, "/", "", change...)
	r.URL.Path, r.RequestURI = path, path
	return b.do(r)
}

func TestConsoleIsServed(t *testing.T) {
	b := consoleBench(t)
	html := with("Accept", "text/html,*/*")
	tests := []struct {
		name, path string
		change     []func(*http.Request)
		status     int
		body       string
		headers    map[string]string
	}{
		{"the page", "/", nil, 200, testPage, map[string]string{"Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8"}},
		{"by its name", "/index.html", nil, 200, testPage, map[string]string{"Cache-Control": "no-store"}},
		{"an address within", "/topology", []func(*http.Request){html}, 200, testPage, map[string]string{"Cache-Control": "no-store"}},
		{"a name with dots", "/services/default/api.example.com", []func(*http.Request){html}, 200, testPage, nil},
		{"not for a program", "/topology", nil, 404, "notFound", nil},
		{"no page of the API", "/api/v1/nothing", []func(*http.Request){html}, 404, "notFound", nil},
		{"nor below metrics", "/metrics/x", []func(*http.Request){html}, 404, "notFound", nil},
		{"a file that is gone", "/assets/app-0000.js", []func(*http.Request){html}, 404, "notFound", nil},
		{"code", "/assets/app-1a2b.js", nil, 200, "plain", map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}},
		{"code, zipped", "/assets/app-1a2b.js", []func(*http.Request){with("Accept-Encoding", "gzip, deflate")}, 200, "zipped", map[string]string{"Content-Encoding": "gzip"}},
		{"code, brotli", "/assets/app-1a2b.js", []func(*http.Request){with("Accept-Encoding", "gzip, deflate, br;q=0.5")}, 200, "brotli", map[string]string{"Content-Encoding": "br"}},
		{"code, no brotli", "/assets/app-1a2b.js", []func(*http.Request){with("Accept-Encoding", "br;q=0, gzip")}, 200, "zipped", nil},
		{"no file of its own", "/assets/app-1a2b.js.gz", nil, 404, "notFound", nil},
		{"an archive", "/assets/lonely-archive.gz", nil, 200, "archive", nil},
		{"a file with a lasting name", "/favicon.svg", nil, 200, "<svg/>", map[string]string{"Cache-Control": "no-cache", "Content-Type": "image/svg+xml"}},
		{"a hidden file", "/.gitkeep", nil, 404, "notFound", nil},
		{"a hidden file below", "/assets/secret/.env", nil, 404, "notFound", nil},
	}
	for _, tt := range tests {
		w := b.page(tt.path, tt.change...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s: %d %s", tt.name, w.Code, w.Body)
		}
		for name, want := range tt.headers {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", tt.name, name, got, want)
			}
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", tt.name, w.Header())
		}
	}
	tag := b.page("/assets/app-1a2b.js").Header().Get("ETag")
	if w := b.page("/assets/app-1a2b.js", with("If-None-Match", tag)); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("with its tag: %d %s", w.Code, w.Body)
	}
	r := request(http.MethodHead, "/", "")
	if w := b.do(r); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	if w := b.do(request(http.MethodPost, "/topology", "{}", html)); w.Code != http.StatusNotFound {
		t.Errorf("POST to a page: %d", w.Code)
	}
}

// There is nothing outside of what was built.
func TestNoPathLeavesTheConsole(t *testing.T) {
	b := consoleBench(t)
	for _, path := range []string{
		"/../go.mod", "/assets/../../go.mod", "/assets/..", "/assets/", "/assets", "/..", "/./index.html", "//index.html", "/assets//app-1a2b.js",
		`/assets\..\..\go.mod`, "/assets/%2e%2e/%2e%2e/go.mod", "/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "/proc/self/environ", "/index.html/", "/index.html\x00.js",
		"/assets/app-1a2b.js/../../index.html",
	} {
		if w := b.page(path); w.Code != http.StatusNotFound {
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestContentPolicy(t *testing.T) {
	b := consoleBench(t)
	policy := map[string]string{}
	for part := range strings.SplitSeq(b.page("/").Header().Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(part, " ")
		policy[name] = value
	}
	for name, want := range map[string]string{
		"default-src": "'none'", "script-src": "'self' 'sha256-", "style-src": "'self' 'sha256-", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'self'", "connect-src": "'self'",
	} {
		if !strings.HasPrefix(policy[name], want) {
			t.Errorf("%s is %q, want %q", name, policy[name], want)
		}
	}
	for name, value := range policy {
		for _, weak := range []string{"unsafe-", "*", "http:", "https:", "blob:"} {
			if strings.Contains(value, weak) {
				t.Errorf("%s allows %s", name, weak)
			}
		}
	}
	if n := strings.Count(policy["script-src"], "sha256"); n != 1 {
		t.Errorf("%d scripts within the page are allowed, and there is one", n)
	}
}

func TestWithoutAConsole(t *testing.T) {
	page, err := NewConsole(fstest.MapFS{".gitkeep": {}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(o *Options) { o.Console = page })
	if w := b.page("/", with("Accept", "text/html")); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
