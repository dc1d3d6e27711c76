package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowPage is a page that takes its time, and remembers how many asked at once.
func slowPage(t *testing.T, takes time.Duration) (url string, most *atomic.Int64) {
	t.Helper()
	var now atomic.Int64
	most = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-time.After(takes):
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "The Comedy of Errors")
	}))
	t.Cleanup(s.Close)
	return s.URL, most
}

func TestLoadFallsBehindWithoutMoreConnections(t *testing.T) {
	// 64 visitors with answers after 200 ms make 320 requests a second at most.
	url, most := slowPage(t, 200*time.Millisecond)
	load := StartLoad(t.Context(), url, 1000)
	began := time.Now()
	load.Wait(t, 300*time.Millisecond)
	if took := time.Since(began); took < 600*time.Millisecond {
		t.Errorf("270 requests were sent within %v", took)
	}
	sent, failed := load.Stop()
	if most.Load() > loadVisitors || sent < 270 || len(failed) > 0 {
		t.Errorf("%d at once, %d sent, failed: %v", most.Load(), sent, failed)
	}
	if load.late == 0 || load.behind < 300*time.Millisecond {
		t.Errorf("it does not own to being late: %s", load.Pace())
	}
}

func TestLoadSeesWhatThePageLacks(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("end-user") == "jason" {
			fmt.Fprint(w, `<h2 class="failed">Error fetching product details!</h2>`)
			return
		}
		http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
	}))
	defer s.Close()
	for header, want := range map[string]string{"jason": "Error fetching product details!", "": "503 no healthy upstream"} {
		load := StartLoad(t.Context(), s.URL, 200, "end-user", header)
		load.Wait(t, 50*time.Millisecond)
		sent, failed := load.Stop()
		if len(failed) != sent || !strings.Contains(failed[0], want) {
			t.Errorf("as %q: %d sent, failed: %v", header, sent, failed)
		}
	}
}
