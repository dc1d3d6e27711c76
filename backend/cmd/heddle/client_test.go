package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// A control plane that is busy says when to come back; the command does.
func TestABusyControlPlaneIsAskedAgain(t *testing.T) {
	state, err := os.MkdirTemp("", "heddle") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(state) })
	if err := os.Mkdir(filepath.Join(state, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(state, "run", "heddle.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := make([]byte, 100)
		n, _ := r.Body.Read(text)
		if bodies = append(bodies, string(text[:n])); len(bodies) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code": "busy", "title": "too many requests at once"}`))
			return
		}
		_, _ = w.Write([]byte(`"done"`))
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	c, err := newClient(&globals{state: state})
	if err != nil {
		t.Fatal(err)
	}
	var answer string
	if err := c.call(t.Context(), http.MethodPost, "/api/v1/config", nil, map[string]int{"a": 1}, &answer); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0] != `{"a":1}` || bodies[1] != bodies[0] || answer != "done" {
		t.Errorf("asked with %q, answered %q", bodies, answer)
	}
}
