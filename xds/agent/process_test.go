package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/xds"
)

func TestEnvoyThatCrashesIsStartedAgain(t *testing.T) {
	script := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf 'error\\tmain\\tno good: %s\\n' \"$1\"\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	logs := newLines()
	log := slog.New(slog.NewTextHandler(logs, nil))
	metrics := newOwnMetrics()
	ready := &readiness{}
	ends := 0
	p := &process{
		path: script, args: []string{"arg"}, guard: newGuard(log, func() {}), ready: ready,
		metrics: metrics, log: log, ended: func() { ends++ },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.run(ctx) }()
	logs.wait(t, `status 3.*again_in=100ms`)
	logs.wait(t, `status 3.*again_in=200ms`)
	logs.wait(t, `level=ERROR msg="no good: arg" from=envoy logger=main`)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if ends < 2 || ready.why != "it exited with status 3" || ready.fallen() != ends || p.guard.admits(os.Getpid()) {
		t.Error(ends, ready.why, ready.fallen())
	}
}

func TestEnvoyThatDoesNotEnd(t *testing.T) {
	script := filepath.Join(t.TempDir(), "envoy")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntrap '' TERM\nprintf 'info\\tmain\\tup\\n'\nwhile :; do read x </dev/zero; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	logs := newLines()
	log := slog.New(slog.NewTextHandler(logs, nil))
	p := &process{path: script, guard: newGuard(log, func() {}), ready: &readiness{}, metrics: newOwnMetrics(), log: log, ended: func() {}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.run(ctx) }()
	logs.wait(t, `msg=up`)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	logs.wait(t, "it is killed")
}

func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil)) // of info: what Envoy says, it says
	copyLog(strings.NewReader("warning\tconfig\tfirst line\nsecond\tline\n\ninfo\tmain\tup\ndebug\tx\ty\ncritical\tmain\tdown\nno newline"), log)
	got := regexp.MustCompile(`time=\S+ `).ReplaceAllString(out.String(), "")
	want := `level=WARN msg="first line" from=envoy logger=config
level=WARN msg="second\tline" from=envoy
level=INFO msg=up from=envoy logger=main
level=DEBUG msg=y from=envoy logger=x
level=ERROR msg=down from=envoy logger=main
level=ERROR msg="no newline" from=envoy
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLive(t *testing.T) {
	facts := func(state, active, warming, workers int64) map[string]int64 {
		return map[string]int64{
			"server.state": state, "listener_manager.total_listeners_active": active,
			"listener_manager.total_listeners_warming": warming, "listener_manager.workers_started": workers,
		}
	}
	for _, c := range []struct {
		facts map[string]int64
		warm  bool
		want  string
	}{
		{facts(0, 2, 0, 1), false, ""},
		{facts(0, 2, 1, 1), true, ""},
		{facts(0, 2, 1, 1), false, "warms 1 listeners"},
		{facts(0, 0, 0, 1), false, "no listeners yet"},
		{facts(0, 2, 0, 0), false, "workers have not started"},
		{facts(2, 2, 0, 0), false, "initializes"},
		{facts(1, 2, 0, 1), true, "drains"},
		{nil, true, "does not tell"},
	} {
		got := ""
		if err := live(c.facts, c.warm); err != nil {
			got = err.Error()
		}
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.facts, got, c.want)
		}
	}
}

func TestCountOpen(t *testing.T) {
	counts := parseCounts(`http.admin.downstream_cx_active: 1
http.inbound_0.0.0.0_9080.downstream_cx_active: 3
http.inbound_0.0.0.0_9080.downstream_rq_active: 1
http.outbound_0.0.0.0_9080.downstream_cx_active: 9
http.outbound_0.0.0.0_9080.downstream_rq_active: 9
listener.0.0.0.0_15006.downstream_cx_active: 5
listener.0.0.0.0_15006.worker_0.downstream_cx_active: 5
listener.127.0.0.1_15001.downstream_cx_active: 9
listener.admin.main_thread.downstream_cx_active: 1
control_plane.identifier: ""
`)
	if diff := cmp.Diff(opened{connections: 5, http: 3, requests: 1}, countOpen(counts, xds.Sidecar), cmp.AllowUnexported(opened{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(opened{connections: 14, http: 12, requests: 10}, countOpen(counts, xds.Gateway), cmp.AllowUnexported(opened{})); diff != "" {
		t.Error(diff)
	}
	if n := (opened{connections: 5, http: 3, requests: 1}).busy(); n != 3 {
		t.Error(n)
	}
}

// A client that keeps an idle connection cannot hold up the end of a pod, one
// that sends over TCP is waited for.
func TestDrainWaitsForWhatIsUnderWay(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	stats := "listener.0.0.0.0_15006.downstream_cx_active: 2\nhttp.inbound_a.downstream_cx_active: 2\nhttp.inbound_a.downstream_rq_active: 0\n"
	var posted string
	a := fakeAdmin(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost {
			posted = req.URL.String()
			return
		}
		fmt.Fprint(w, stats)
	})
	drain(a, xds.Sidecar, 3*time.Second, log)
	if posted != "/drain_listeners?graceful&skip_exit&inboundonly" || !strings.Contains(out.String(), "idle_connections=2") {
		t.Error(posted, out.String())
	}
	out.Reset()
	stats = "listener.0.0.0.0_15006.downstream_cx_active: 2\nhttp.inbound_a.downstream_cx_active: 1\n"
	drain(a, xds.Sidecar, 700*time.Millisecond, log)
	if !strings.Contains(out.String(), "still open at the end of the drain") {
		t.Error(out.String())
	}
}

func TestOptions(t *testing.T) {
	env := map[string]string{
		"POD_NAME": "a-1", "POD_NAMESPACE": "default", "POD_UID": "u", "INSTANCE_IP": "10.66.0.2", "TRUST_DOMAIN": "example.org",
		"PROMETHEUS_SCRAPE": "true", "PROMETHEUS_PORT": "9100", "PROMETHEUS_PATH": "/m", "ENVOY_CONCURRENCY": "2",
		"TERMINATION_DRAIN_DURATION_SECONDS": "7",
	}
	o := Options{Dir: "/pod", Envoy: "/envoy"}
	if err := o.FromEnv(func(k string) string { return env[k] }); err != nil {
		t.Fatal(err)
	}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	if o.App != (AppMetrics{true, 9100, "/m"}) || o.Concurrency != 2 || o.DrainLimit != 7*time.Second || o.ControlPlane != "unix:///pod/xds.sock" || o.TrustDomain != "example.org" {
		t.Errorf("%+v", o)
	}
	for k, v := range map[string]string{"PROMETHEUS_PORT": "x", "ENVOY_CONCURRENCY": "0", "TERMINATION_DRAIN_DURATION_SECONDS": "soon"} {
		bad := map[string]string{"PROMETHEUS_SCRAPE": "true", k: v}
		if err := new(Options).FromEnv(func(k string) string { return bad[k] }); err == nil || !strings.Contains(err.Error(), k) {
			t.Errorf("%s=%s: %v", k, v, err)
		}
	}
	o.Dir = "/" + strings.Repeat("x", 110)
	if err := o.complete(); err == nil || !strings.Contains(err.Error(), "use a shorter state folder") {
		t.Error(err)
	}
}
