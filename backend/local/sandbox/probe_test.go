package sandbox

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What a program runs itself counts on when the program is started anew, and
// begins at 0.
func TestRestartsThatAProgramTellsOf(t *testing.T) {
	said := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Fell", said)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	at := netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	var status ContainerStatus
	c := newContainer(Container{}, nil, nil, func(change func(*ContainerStatus)) { change(&status) })
	probe := &Probe{HTTP: &HTTPProbe{Scheme: "http", Host: at.Addr().String(), Port: at.Port(), Path: "/", Restarts: "Fell"}, Timeout: time.Second}
	for _, step := range []struct {
		anew bool
		said string
		want int
	}{
		{false, "", 0},
		{false, "0", 0},
		{false, "2", 2},
		{false, "many", 2},
		{false, "-7", 2},
		{true, "0", 2},
		{false, "1", 3},
	} {
		if step.anew {
			c.inner = status.Inner
		}
		said = step.said
		if err := c.ask(t.Context(), probe); err == nil {
			t.Error("a probe that was refused is good")
		}
		if status.Inner != step.want {
			t.Errorf("after %q: %d, want %d", step.said, status.Inner, step.want)
		}
	}
}
