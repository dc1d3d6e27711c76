package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyKnownHostsAreAnswered(t *testing.T) {
	certified := func(host string) bool { return host == "tls.example.org" }
	tests := []struct {
		bind, host, local string
		want              bool
	}{
		{"127.0.0.1:20001", "127.0.0.1:20001", "127.0.0.1", true},
		{"127.0.0.1:20001", "127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1:20001", "localhost:20001", "127.0.0.1", true},
		{"127.0.0.1:20001", "LOCALHOST.:8080", "127.0.0.1", true}, // through a tunnel
		{"127.0.0.1:20001", "[::1]:20001", "127.0.0.1", true},
		{"127.0.0.1:20001", "::1", "127.0.0.1", true},
		{"127.0.0.1:20001", "127.9.9.9", "127.0.0.1", true},
		{"127.0.0.1:20001", "mesh.example.org", "127.0.0.1", true},
		{"127.0.0.1:20001", "Mesh.Example.Org.:443", "127.0.0.1", true},
		{"127.0.0.1:20001", "tls.example.org:20001", "127.0.0.1", true},
		{"127.0.0.1:20001", "rebound.example.com:20001", "127.0.0.1", false},
		{"127.0.0.1:20001", "localhost.example.com", "127.0.0.1", false},
		{"127.0.0.1:20001", "127.0.0.1.example.com", "127.0.0.1", false},
		{"127.0.0.1:20001", "192.0.2.7:20001", "127.0.0.1", false},
		{"127.0.0.1:20001", "", "127.0.0.1", false},
		{"127.0.0.1:20001", ":20001", "127.0.0.1", false},
		{"0.0.0.0:20001", "192.0.2.7:20001", "192.0.2.7", true},
		{"0.0.0.0:20001", "192.0.2.8:20001", "192.0.2.7", false},
		{":20001", "[2001:db8::1]:20001", "2001:db8::1", true},
		{":20001", "", "192.0.2.7", false},
		{"console.internal:20001", "console.internal:20001", "192.0.2.7", true},
	}
	for _, tt := range tests {
		h := New(Options{
			Version: "test", ScrapeToken: strings.Repeat("x", 40),
			Hosts: NewHosts(tt.bind, []string{"mesh.example.org", " "}, certified),
		})
		for _, path := range []string{"/healthz", "/metrics/targets", "/nothing"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = tt.host
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(tt.local), Port: 20001}))
			w := httptest.NewRecorder()
			h.Public().ServeHTTP(w, r)
			if got := w.Code != http.StatusMisdirectedRequest; got != tt.want {
				t.Errorf("at %s, asked for %q: %s answers %d", tt.bind, tt.host, path, w.Code)
			}
			if !tt.want {
				var p struct{ Detail string }
				if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || !strings.Contains(p.Detail, "HEDDLE_CONSOLENAMES") ||
					w.Header().Get("Content-Type") != "application/problem+json" {
					t.Errorf("problem %s, %v", w.Body, err)
				}
			}
		}
	}
}

// The owner's socket cannot be reached by any web page, and has no name.
func TestTheOwnersSocketHasNoHost(t *testing.T) {
	h := New(Options{Version: "test", Hosts: NewHosts("127.0.0.1:1", nil, nil)}).Owner()
	r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	r.Host = "heddle"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	h := New(Options{Version: "test", Hosts: NewHosts("127.0.0.1:1", nil, nil)}).Public()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodConnect, http.MethodTrace, "BREW"} {
		r := httptest.NewRequest(method, "/healthz", nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodGet {
			t.Errorf("%s: %d, allowed %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}
