package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	backendlocal "github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// What pods wrote comes from the supervisor of the local cluster, and the control
// plane says so where there is none.
func TestLogsOfPods(t *testing.T) {
	c := newControl(t)
	if err := os.MkdirAll(c.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(c.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 1)
	c.start()
	defer c.stop()
	const path = "/api/v1/pods/default/reviews-1/logs?container=proxy&tail=3"
	c.until("the pod is known, and the supervisor is not", func() error {
		_, err := c.get(path)
		if err == nil || !strings.Contains(err.Error(), "no local cluster answers") {
			return fmt.Errorf("got %w", errors.Join(err, errors.New("another answer was expected")))
		}
		return nil
	})
	l, err := private.Listen(backendlocal.SocketPath(c.settings.State))
	if err != nil {
		t.Fatal(err)
	}
	supervisor := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s\n", r.URL)
	})}
	go supervisor.Serve(l)
	defer supervisor.Close()
	if text, err := c.get(path); err != nil || text != "/logs?container=proxy&follow=false&pod=default%2Freviews-1&tail=3\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := c.get("/api/v1/proxies/reviews-1/log-level"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("level of a pod without proxy: %v", err)
	}
	for _, path := range []string{"/api/v1/series?kind=mesh&range=1m&step=5s", "/api/v1/timeline?bars=3"} {
		if text, err := c.get(path); err != nil || !strings.Contains(text, `"step":`) {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}
