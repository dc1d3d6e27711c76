package traffic

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("x")), Request: r}
}

func generator(t *testing.T, rate float64, f roundTrip) *Generator {
	t.Helper()
	g, err := New(Config{
		Target: "http://gateway/", Rate: rate, Client: &http.Client{Transport: f},
		Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(1, 2)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSlowAnswersDoNotSlowTheVisitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := 0
		users := map[string]int{}
		paths := map[string]int{}
		g := generator(t, 20, func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			asked++
			paths[r.URL.Path]++
			if c, err := r.Cookie("session"); err == nil {
				users[c.Value]++
			}
			mu.Unlock()
			select {
			case <-time.After(3 * time.Second):
				return answer(r, 200), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second+time.Millisecond)
		defer cancel()
		g.Run(ctx)
		if asked != 1201 { // the first at once
			t.Errorf("%d requests in a minute, want 1201", asked)
		}
		for _, name := range []string{"jason", "alice", "bob"} {
			if users[name] < 30 {
				t.Errorf("%s came %d times", name, users[name])
			}
		}
		if reviews := paths["/productpage"] + paths["/api/v1/products/0/reviews"]; reviews < asked*95/100 {
			t.Errorf("only %d of %d visits lead to reviews", reviews, asked)
		}
	})
}

func TestWhatNeverAnswersIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := generator(t, 100, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		g.Run(ctx)
		if want := uint64(2001 - maxUnderWay); g.dropped < want-1 || g.dropped > want {
			t.Errorf("dropped %d, want %d", g.dropped, want)
		}
		if len(g.counts) != 0 {
			t.Errorf("requests cut short by the end were counted: %v", g.counts)
		}
	})
}

func TestMetrics(t *testing.T) {
	g := generator(t, 1, func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/api") {
			return nil, io.ErrUnexpectedEOF
		}
		return answer(r, 503), nil
	})
	for _, v := range []visit{{name: "page", path: "/productpage", user: "jason"}, {name: "page", path: "/productpage", user: "jason"}, {name: "api", path: "/api"}} {
		g.request(t.Context(), v)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got []string
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{
		`traffic_requests_total{visit="api",user="",code="error"} 1`,
		`traffic_requests_total{visit="page",user="jason",code="503"} 2`,
		`traffic_dropped_total 0`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRateMustBePossible(t *testing.T) {
	for _, rate := range []float64{0, -1, 1e6} {
		if _, err := New(Config{Rate: rate}); err == nil {
			t.Errorf("rate %v was taken", rate)
		}
	}
}
