package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heddle-mesh/heddle/backend/socket"
)

// fakePod answers scrapes on a unix socket with a counter that rises by ten
// each time, and says so on scraped.
type fakePod struct {
	socket  string
	count   atomic.Int64
	scraped chan int64
}

func startPod(t *testing.T) *fakePod {
	t.Helper()
	p := &fakePod{socket: filepath.Join(t.TempDir(), "m.sock"), scraped: make(chan int64, 1000)}
	l, err := net.Listen("unix", p.socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stats/prometheus" {
			http.NotFound(w, r)
			return
		}
		n := p.count.Add(10)
		fmt.Fprintf(w, "# TYPE istio_requests_total counter\nistio_requests_total{reporter=\"source\",namespace=\"forged\"} %d\n", n)
		select {
		case p.scraped <- n:
		default:
		}
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return p
}

func (p *fakePod) wait(t *testing.T, scrapes int) {
	t.Helper()
	for range scrapes {
		select {
		case <-p.scraped:
		case <-time.After(20 * time.Second):
			t.Fatal("the pod is not scraped")
		}
	}
}

func open(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Open(Options{Dir: dir, ScrapeInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

type vector struct {
	Status string
	Data   struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
}

func query(t *testing.T, s *Server, q string) vector {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/query?query="+url.QueryEscape(q), nil))
	var v vector
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Status != "success" {
		t.Fatalf("query %s: %d %s (%v)", q, w.Code, w.Body, err)
	}
	return v
}

func TestScrapesAPodThroughItsSocketAndKeepsTheSamples(t *testing.T) {
	pod, dir := startPod(t), t.TempDir()
	s := open(t, dir)
	target := Target{
		UID: "u1", Namespace: "default", Pod: "reviews-1", Job: "pods", Dial: socket.At(pod.socket),
		Instance: "10.66.0.2:15020", Path: "/stats/prometheus", Labels: map[string]string{"zone": "a"},
	}
	if err := s.SetTargets(t.Context(), []Target{target}); err != nil {
		t.Fatal(err)
	}
	pod.wait(t, 3)
	v := query(t, s, `istio_requests_total`)
	if len(v.Data.Result) != 1 {
		t.Fatalf("series: %+v", v)
	}
	want := map[string]string{
		"__name__": "istio_requests_total", "reporter": "source", "job": "pods", "namespace": "default",
		"pod": "reviews-1", "instance": "10.66.0.2:15020", "zone": "a", "exported_namespace": "forged",
	}
	got := v.Data.Result[0].Metric
	if len(got) != len(want) {
		t.Errorf("labels %v, want %v", got, want)
	}
	for k, w := range want {
		if got[k] != w {
			t.Errorf("label %s is %q, want %q", k, got[k], w)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if v := query(t, again, `count_over_time(istio_requests_total[10m]) >= 2`); len(v.Data.Result) != 1 {
		t.Errorf("after a restart: %+v", v)
	}
}

func TestAGoneTargetIsStaleAtOnce(t *testing.T) {
	pod := startPod(t)
	s := open(t, t.TempDir())
	targets := []Target{{Pod: "p", Dial: socket.At(pod.socket), Path: "/stats/prometheus"}}
	if err := s.SetTargets(t.Context(), targets); err != nil {
		t.Fatal(err)
	}
	pod.wait(t, 2)
	if err := s.SetTargets(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(query(t, s, `up`).Data.Result) != 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the series of a target that is gone never becomes stale")
		}
	}
}

// A pod that sends the scraper on to another target's metrics would have them
// stored under its own name.
func TestATargetCannotSendTheScraperElsewhere(t *testing.T) {
	other := startPod(t)
	others := Target{UID: "u2", Pod: "other", Dial: socket.At(other.socket), Path: "/stats/prometheus"}
	path := filepath.Join(t.TempDir(), "r.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1000)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+others.host()+"/stats/prometheus", http.StatusFound)
		asked <- struct{}{}
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	s := open(t, t.TempDir())
	if err := s.SetTargets(t.Context(), []Target{others, {UID: "u1", Pod: "bad", Dial: socket.At(path)}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case <-asked:
		case <-time.After(20 * time.Second):
			t.Fatal("not scraped")
		}
	}
	other.wait(t, 2)
	if v := query(t, s, `istio_requests_total{pod="bad"} or up{pod="bad"} == 1`); len(v.Data.Result) != 0 {
		t.Errorf("taken from a redirect: %+v", v)
	}
	if v := query(t, s, `istio_requests_total{pod="other"}`); len(v.Data.Result) != 1 {
		t.Errorf("the other target: %+v", v)
	}
}

func TestRefusesWhatChangesAnything(t *testing.T) {
	s := open(t, t.TempDir())
	for path, want := range map[string]int{
		"/api/v1/admin/tsdb/delete_series": http.StatusNotFound,
		"/api/v1/write":                    http.StatusNotFound,
		"/api/v1/otlp/v1/metrics":          http.StatusNotFound,
		"/api/v1/notifications/live":       http.StatusNotFound,
		"/metrics":                         http.StatusNotFound,
	} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		if w.Code != want {
			t.Errorf("POST %s: %d, want %d", path, w.Code, want)
		}
	}
	for _, path := range []string{"targets", "labels", "metadata", "rules", "alerts", "status/tsdb", "status/buildinfo", "status/runtimeinfo", "status/config", "status/flags", "alertmanagers"} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/"+path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
}

// Whoever may look at the mesh learns nothing of the machine from it.
func TestStatusTellsNothingOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var runtimeInfo struct {
		Data struct {
			StartTime                  time.Time
			StorageRetention           string
			GoroutineCount, GOMAXPROCS int
		}
	}
	for _, path := range []string{"targets", "status/tsdb", "status/buildinfo", "status/runtimeinfo", "status/config", "status/flags", "status/walreplay"} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/"+path, nil))
		for what, secret := range map[string]string{"the folder": dir, "the host's name": host, "what it was built with": runtime.Version()} {
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s tells %s: %s", path, what, w.Body)
			}
		}
		if path == "status/runtimeinfo" {
			if err := json.Unmarshal(w.Body.Bytes(), &runtimeInfo); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d := runtimeInfo.Data; d.StartTime.IsZero() || d.StorageRetention == "" || d.GoroutineCount != 0 || d.GOMAXPROCS != 0 {
		t.Errorf("runtime: %+v", d)
	}
}

func TestBadTargetsAreNamed(t *testing.T) {
	s := open(t, t.TempDir())
	nowhere := socket.At("/nowhere")
	for name, list := range map[string][]Target{
		"no way":     {{Pod: "p"}},
		"no name":    {{Dial: nowhere}},
		"label name": {{Pod: "p", Dial: nowhere, Labels: map[string]string{"a-b": "c"}}},
		"twice":      {{Pod: "p", Dial: nowhere}, {Pod: "p", Dial: nowhere}},
	} {
		if err := s.SetTargets(t.Context(), list); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestQuestionsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := inTurn(1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			if d, ok := r.Context().Deadline(); !ok || time.Until(d) > answerWithin {
				t.Errorf("deadline %v, %v", d, ok)
			}
		}))
		ask := func() chan int {
			code := make(chan int, 1)
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				code <- w.Code
			}()
			synctest.Wait()
			return code
		}
		first, second := ask(), ask()
		if code := <-second; code != http.StatusServiceUnavailable {
			t.Errorf("the second one, in vain: %d", code)
		}
		third := ask()
		close(release)
		if a, b := <-first, <-third; a != http.StatusOK || b != http.StatusOK {
			t.Errorf("the first and the third one: %d, %d", a, b)
		}
	})
}

// A dashboard outside that asks more than can be answered takes no turn from the
// console.
func TestQuestionsFromOutsideLeaveTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int32
		own := inTurn(maxQuestions, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			asked.Add(1)
			<-release
		}))
		others := outside(own)
		var running sync.WaitGroup
		ask := func(h http.Handler, times int, want int32) {
			t.Helper()
			for range times {
				running.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
			}
			synctest.Wait()
			if n := asked.Load(); n != want {
				t.Errorf("%d questions are answered at a time, want %d", n, want)
			}
		}
		ask(others, 100, maxOutside)
		ask(own, maxQuestions-maxOutside, maxQuestions)
		close(release)
		running.Wait()
		if n := asked.Load(); n != 100+maxQuestions-maxOutside {
			t.Errorf("%d questions were answered", n)
		}
	})
}
