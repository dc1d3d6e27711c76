package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/heddle-mesh/heddle/backend/app"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// deadline bounds what would otherwise wait for ever.
const deadline = 30 * time.Second

// control is a control plane on a state folder of its own.
type control struct {
	t        *testing.T
	settings settings.Settings
	http     *http.Client
	cancel   context.CancelFunc
	ended    chan error
}

// newControl prepares a control plane: nothing runs yet, and every address is
// one that the system chooses.
func newControl(t *testing.T) *control {
	t.Helper()
	state, err := os.MkdirTemp("", "heddle") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(state) })
	s := settings.Default()
	s.State, s.Console = state, "127.0.0.1:0"
	s.Traces.OTLPGRPC, s.Traces.OTLPHTTP, s.Traces.Query = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	c := &control{t: t, settings: s}
	var dialer net.Dialer
	c.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", c.path("run", "heddle.sock"))
		},
	}}
	return c
}

func (c *control) path(parts ...string) string {
	return filepath.Join(append([]string{c.settings.State}, parts...)...)
}

func (c *control) start() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	c.cancel, c.ended = cancel, make(chan error, 1)
	go func() {
		c.ended <- app.Serve(ctx, c.settings, app.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	}()
	c.t.Cleanup(cancel)
	c.until("it answers", func() error { _, err := c.get("/healthz"); return err })
}

func (c *control) stop() {
	c.t.Helper()
	c.cancel()
	select {
	case err := <-c.ended:
		if err != nil {
			c.t.Errorf("it ended with: %v", err)
		}
	case <-time.After(deadline):
		c.t.Fatal("it does not end")
	}
}

// get asks the owner's socket; anything but 200 is an error with the answer.
func (c *control) get(path string) (string, error) {
	resp, err := c.http.Get("http://heddle" + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), err
}

// until waits for a condition.
func (c *control) until(what string, check func() error) {
	c.t.Helper()
	limit := time.After(deadline)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case ended := <-c.ended:
			c.t.Fatalf("%s: it ended with: %v", what, ended)
		case <-limit:
			c.t.Fatalf("%s: not in %s: %v", what, deadline, err)
		case <-tick.C:
		}
	}
}

func TestStartsAloneAndStopsWithoutRemains(t *testing.T) {
	before := runtime.NumGoroutine()
	c := newControl(t)
	for range 2 { // the second one finds what the first one left
		c.start()
		if _, err := c.get("/readyz"); err == nil || !strings.Contains(err.Error(), "waiting for the sources") {
			t.Errorf("without a cluster it is ready: %v", err)
		}
		for _, path := range []string{"/api/v1/graph", "/api/v1/findings", "/api/v1/proxies", "/api/v1/workloads", "/api/v1/traces/services", "/metrics", "/prometheus/api/v1/labels"} {
			if _, err := c.get(path); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		c.stop()
		if _, err := os.Lstat(c.path("run", "heddle.sock")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	}
	c.until("every goroutine ends", func() error {
		if now := runtime.NumGoroutine(); now > before {
			stacks := make([]byte, 1<<20)
			return fmt.Errorf("%d goroutines, %d before:\n%s", now, before, stacks[:runtime.Stack(stacks, true)])
		}
		return nil
	})
}

// What the cluster reports and what stands in the store meet in one mesh; what
// is written is there at once; and the cluster hears that all of it is settled.
func TestServesAMesh(t *testing.T) {
	c := newControl(t)
	if err := os.MkdirAll(c.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(c.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 7)
	c.start()
	defer c.stop()
	c.until("it is ready", func() error { _, err := c.get("/readyz"); return err })
	if text, err := c.get("/api/v1/workloads"); err != nil || !strings.Contains(text, `"pod":"reviews-1"`) {
		t.Errorf("workloads: %s, %v", text, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := cluster.WaitSettled(ctx, 7); err != nil {
		t.Errorf("the cluster was not told: %v", err)
	}

	const manifest = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}\n"
	apply := func(force bool) (int, string) {
		body, err := json.Marshal(map[string]any{"manifests": []map[string]string{{"file": "vs.yaml", "text": manifest}}, "force": force})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Post("http://heddle/api/v1/config", "application/json", strings.NewReader(string(body)))
		if err != nil {
			t.Fatalf("apply: %v", err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("apply: %v", err)
		}
		return resp.StatusCode, string(text)
	}
	// There is no service reviews: that is refused, with the place, unless it is forced.
	if status, text := apply(false); status != http.StatusUnprocessableEntity || !strings.Contains(text, "HDL2101") || !strings.Contains(text, `"line":4`) {
		t.Errorf("apply of a route to nobody: %d %s", status, text)
	}
	if status, text := apply(true); status != http.StatusOK {
		t.Fatalf("forced: %d %s", status, text)
	}
	c.until("the check tells it of the live mesh", func() error {
		text, err := c.get("/api/v1/findings")
		if err == nil && !strings.Contains(text, "HDL2101") {
			err = fmt.Errorf("findings: %s", text)
		}
		return err
	})
	if status, text := apply(false); status != http.StatusOK {
		t.Errorf("what was wrong before keeps nobody from writing: %d %s", status, text)
	}
	if text, err := c.get("/api/v1/config/vs/default/reviews"); err != nil || !strings.Contains(text, "vs.yaml") {
		t.Errorf("what was written: %s, %v", text, err)
	}
	// The word after a change is settled as well, with no proxy to wait for.
	publish(t, cluster, 8)
	if err := cluster.WaitSettled(ctx, 8); err != nil {
		t.Errorf("the cluster was not told of its next word: %v", err)
	}
}

func publish(t *testing.T, s *local.Server, revision uint64) {
	t.Helper()
	pod, err := local.NewObject(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "reviews-1", Namespace: "default", UID: "1-2-3", Labels: map[string]string{"app": "reviews"}},
		Status:     corev1.PodStatus{PodIP: "10.66.0.5", Phase: corev1.PodRunning},
	}, mesh.Origin{Source: local.SourceName})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(local.State{Revision: revision, Objects: []*mesh.Object{pod}}); err != nil {
		t.Fatal(err)
	}
}

func TestSaysWhyItCannotStart(t *testing.T) {
	runs := newControl(t)
	runs.start()
	defer runs.stop()
	for name, test := range map[string]struct {
		change func(*settings.Settings)
		want   string
	}{
		"console": {func(s *settings.Settings) { s.Console = "192.0.2.1:1" }, "console: listen on 192.0.2.1:1"},
		"state":   {func(s *settings.Settings) { s.State = runs.settings.State }, "another control plane runs on " + runs.settings.State},
		"damaged CA": {func(s *settings.Settings) {
			dir := filepath.Join(s.State, "ca")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, f := range []string{"root.pem", "root-key.pem", "root.key", "ca.pem", "ca.key"} {
				if err := os.WriteFile(filepath.Join(dir, f), []byte("no certificate"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}, "certificate authority"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newControl(t)
			test.change(&c.settings)
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			err := app.Serve(ctx, c.settings, app.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want something about %q", err, test.want)
			}
		})
	}
}

// Another program on its ports costs a control plane those ports alone, for as
// long as it has them.
func TestPortsOfOthersAreWaitedFor(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newControl(t)
	c.settings.Console = taken.Addr().String()
	c.start()
	defer c.stop()
	c.until("it says why the console is not there", func() error {
		text, err := c.get("/api/v1/findings")
		if err == nil && !strings.Contains(text, "choose another address with --console") {
			err = errors.New(text)
		}
		return err
	})
	taken.Close()
	c.until("the console answers", func() error {
		resp, err := http.Get("http://" + c.settings.Console + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	if text, err := c.get("/api/v1/findings"); err != nil || strings.Contains(text, mesh.CodePort) {
		t.Errorf("findings: %s, %v", text, err)
	}
}

// With stores of the user's that are away, the control plane serves all the same
// and says what it cannot read.
func TestStoresOfTheUserMayBeAway(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	c := newControl(t)
	c.settings.Metrics.PrometheusURL = "http://" + gone.Addr().String()
	c.settings.Traces.JaegerAddr = gone.Addr().String()
	c.start()
	defer c.stop()
	if _, err := c.get("/api/v1/graph"); err == nil || !strings.Contains(err.Error(), "metrics cannot be read") {
		t.Errorf("graph: %v", err)
	}
	if _, err := c.get("/prometheus/api/v1/labels"); err == nil || !strings.Contains(err.Error(), "ask that one") {
		t.Errorf("prometheus: %v", err)
	}
	if _, err := c.get("/api/v1/findings"); err != nil {
		t.Errorf("findings: %v", err)
	}
	for _, dir := range []string{"prometheus", "traces"} {
		if _, err := os.Lstat(c.path(dir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a store of its own was made: %s", dir)
		}
	}
}
