package api

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds/agent"
)

// talking is a mesh whose pods say what the test says.
type talking struct {
	Mesh
	snap  *mesh.Snapshot
	asked LogsRequest
	text  func() io.ReadCloser
	fail  error
	level string
}

func (m *talking) Snapshot() *mesh.Snapshot { return m.snap }

func (m *talking) Logs(_ context.Context, r LogsRequest) (io.ReadCloser, error) {
	m.asked = r
	if m.fail != nil {
		return nil, m.fail
	}
	return m.text(), nil
}

func (m *talking) LogLevel(_ context.Context, uid, level string) (agent.LogLevel, error) {
	if level != "" {
		m.level = level
	}
	return agent.LogLevel{Level: m.level}, m.fail
}

func talkingPod(t *testing.T) (*talking, *mesh.Workload) {
	t.Helper()
	m := &talking{snap: meshtest.Snapshot(t, meshtest.Bookinfo()), level: "info"}
	for w := range m.snap.Workloads.Values() {
		if w.Workload == "reviews-v1" {
			return m, w
		}
	}
	t.Fatal("no pod of reviews-v1")
	return nil, nil
}

func TestLogs(t *testing.T) {
	m, pod := talkingPod(t)
	m.text = func() io.ReadCloser { return io.NopCloser(strings.NewReader("one\ntwo\n")) }
	h := New(Options{Mesh: m}).Owner()
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", path, ""))
		return w
	}
	path := "/api/v1/pods/default/" + pod.Pod + "/logs"
	w := get(path + "?container=proxy&tail=7")
	if w.Code != 200 || w.Body.String() != "one\ntwo\n" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("%d %q %s", w.Code, w.Body, w.Header())
	}
	if want := (LogsRequest{Namespace: "default", Pod: pod.Pod, Container: "proxy", Tail: 7}); m.asked != want {
		t.Errorf("asked for %+v", m.asked)
	}
	m.text = func() io.ReadCloser { return io.NopCloser(io.LimitReader(forever{}, 2*maxLogBytes)) }
	if w := get(path); w.Body.Len() != maxLogBytes {
		t.Errorf("%d bytes of a long log", w.Body.Len())
	}
	for bad, code := range map[string]int{"?tail=10001": 422, "?tail=-1": 422} {
		if w := get(path + bad); w.Code != code {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if w := get("/api/v1/pods/default/nobody/logs"); w.Code != 404 {
		t.Errorf("of no pod: %d", w.Code)
	}
	m.fail = ErrNoLogs
	if w := get(path); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "local cluster") {
		t.Errorf("without a cluster: %d %s", w.Code, w.Body)
	}
}

type forever struct{}

func (forever) Read(p []byte) (int, error) { return len(p), nil }

// A log that is followed arrives line by line, also through the compression of
// the public port, and ends with the session of who reads it.
func TestLogsAreFollowedForAsLongAsTheSession(t *testing.T) {
	m, pod := talkingPod(t)
	from, to := io.Pipe()
	m.text = func() io.ReadCloser { return from }
	b := newBench(t, func(o *Options) { o.Mesh = m })
	server := httptest.NewServer(b.server)
	defer server.Close()
	cookie := b.cookie("the-viewer")
	r, err := http.NewRequest("GET", server.URL+"/api/v1/pods/default/"+pod.Pod+"/logs?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "localhost:20001"
	r.AddCookie(cookie)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	lines := bufio.NewReader(resp.Body)
	for _, line := range []string{"one\n", "two\n"} {
		go io.WriteString(to, line)
		if got, err := lines.ReadString('\n'); err != nil || got != line {
			t.Fatalf("%q, %v", got, err)
		}
	}
	out := request("DELETE", "/api/v1/session", "", as(cookie), with("Origin", testOrigin))
	if w := b.do(out); w.Code != http.StatusNoContent {
		t.Fatalf("sign out: %d %s", w.Code, w.Body)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := lines.ReadString('\n')
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a line came after the end of the session")
		}
	case <-time.After(20 * time.Second):
		t.Error("the log outlives the session")
	}
}

func TestFollowersAreBounded(t *testing.T) {
	m, pod := talkingPod(t)
	m.text = func() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }
	handlers := New(Options{Mesh: m})
	h := handlers.Owner()
	path := "/api/v1/pods/default/" + pod.Pod + "/logs?follow=true"
	for range maxFollowers + 1 { // places are given back
		if code := ask(t, h, "GET", path, "", nil); code != 200 {
			t.Fatal(code)
		}
	}
	for range maxFollowers {
		handlers.following <- struct{}{}
	}
	if code := ask(t, h, "GET", path, "", nil); code != http.StatusTooManyRequests {
		t.Error(code)
	}
}

func TestLogLevel(t *testing.T) {
	m, pod := talkingPod(t)
	h := New(Options{Mesh: m}).Owner()
	var got agent.LogLevel
	path := "/api/v1/proxies/" + pod.Pod + "/log-level"
	if code := ask(t, h, "GET", path, "", &got); code != 200 || got.Level != "info" {
		t.Error(code, got)
	}
	if code := ask(t, h, "PUT", path, `{"level":"debug"}`, &got); code != 200 || got.Level != "debug" {
		t.Error(code, got)
	}
	if code := ask(t, h, "PUT", path, `{"level":"loud"}`, nil); code != http.StatusUnprocessableEntity {
		t.Error(code)
	}
	if code := ask(t, h, "PUT", "/api/v1/proxies/nobody/log-level", `{"level":"debug"}`, nil); code != http.StatusNotFound {
		t.Error(code)
	}
}

// Whoever has a proxy log more, or less, is in the audit log.
func TestTheLogLevelIsAudited(t *testing.T) {
	m, pod := talkingPod(t)
	b := newBench(t, func(o *Options) { o.Mesh = m })
	path := "/api/v1/proxies/" + pod.Pod + "/log-level"
	for path, code := range map[string]int{path: http.StatusOK, "/api/v1/proxies/nobody/log-level": http.StatusNotFound} {
		if w := b.do(request("PUT", path, `{"level":"debug"}`, as(b.cookie("the-admin")))); w.Code != code {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	b.do(request("GET", path, "", as(b.cookie("the-admin"))))
	log, _, err := b.auth.Audit().List(t.Context(), auth.AuditQuery{Limit: 10, Action: "proxy.logLevel"})
	got := map[string]string{}
	for _, e := range log {
		got[e.Target] = strings.Join([]string{e.Actor, string(e.Via), e.Outcome, e.Detail}, "|")
	}
	if err != nil || len(log) != 2 || got[pod.Pod] != "the-admin|console|ok|debug" || !strings.HasPrefix(got["nobody"], "the-admin|console|failed|debug: ") {
		t.Errorf("%v, %v", got, err)
	}
}
