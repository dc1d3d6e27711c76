package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The control plane asks a pod's agent over a socket in a folder that the pod
// writes to. What the pod puts in its place must lead nowhere: not to the
// owner's sockets, not to another pod's, not to the control plane itself.
func TestPodsCannotHaveTheControlPlaneSpeakForThem(t *testing.T) {
	m := bookinfo(t)
	local := m.(*localMesh)
	pod, other := podOf(t, m, "details-v1"), podOf(t, m, "reviews-v1")
	folder := func(pod Pod) string {
		out, err := m.Exec(t.Context(), pod.Name, "/bin/sh", "-c", "echo '"+local.state+"'/run/pods/*")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	dir, others := folder(pod), folder(other)
	inPod := func(script string) {
		t.Helper()
		if _, err := m.Exec(t.Context(), pod.Name, "/bin/sh", "-c", "cd '"+dir+"' && "+script); err != nil {
			t.Fatal(err)
		}
	}
	dump := "/api/v1/proxies/" + pod.UID + "/config/bootstrap"
	works := func() error {
		var out map[string]any
		return m.Ask(t.Context(), dump, &out)
	}
	for _, what := range []string{"listeners", "routes", "clusters", "endpoints", "secrets", "bootstrap", "all", "stats"} {
		var out map[string]any
		if err := m.Ask(t.Context(), "/api/v1/proxies/"+pod.UID+"/config/"+what, &out); err != nil || len(out) == 0 {
			t.Fatalf("%s: %v, %v", what, out, err)
		}
	}
	inPod("mv metrics.sock away.sock")
	defer func() { // while the test's context lasts
		inPod("rm -f metrics.sock; mv away.sock metrics.sock")
		Eventually(t, 5*time.Second, "the agent is asked again", works)
	}()
	run := filepath.Join(local.state, "run")
	for _, tt := range []struct{ script, want string }{
		{"ln -sfn '" + run + "/heddle.sock' metrics.sock", "something else stands in its place"},
		{"ln -sfn '" + run + "/supervisor.sock' metrics.sock", "something else stands in its place"},
		{"ln -sfn '" + run + "/cluster.sock' metrics.sock", "something else stands in its place"},
		{"ln -sfn '" + others + "/metrics.sock' metrics.sock", "something else stands in its place"},
		{"rm metrics.sock; mkfifo metrics.sock", "something else stands in its place"},
		// The socket of the pod's own credential, behind which is the control plane.
		{"rm metrics.sock; ln xds.sock metrics.sock", " serves it"},
	} {
		inPod(tt.script)
		var out any
		if err := m.Ask(t.Context(), dump, &out); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("after %s: %v, %v; want an error with %q", tt.script, out, err, tt.want)
		}
	}
}

// A web page can give the console's address a name of its own.
func TestTheConsoleAnswersToItsOwnNamesAlone(t *testing.T) {
	local := bookinfo(t).(*localMesh)
	for host, want := range map[string]int{"": http.StatusOK, "localhost": http.StatusOK, "rebound.example.com": http.StatusMisdirectedRequest} {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, local.console+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host // empty is that of the URL
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("GET %s of %q: %s", path, host, resp.Status)
			}
		}
	}
}
