package agent

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLogLevel(t *testing.T) {
	level := "info"
	admin := fakeAdmin(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodPost || req.URL.Path != "/logging" {
			t.Errorf("Envoy is asked %s %s", req.Method, req.URL)
		}
		if l := req.URL.Query().Get("level"); l != "" {
			level = l
		}
		fmt.Fprintf(w, "active loggers:\n  admin: %s\n  config: %s\n  wasm: warning\n", level, level)
	})
	e := &endpoints{log: quietLog(), admin: admin, ready: &readiness{}}
	e.metrics = newMerged(admin, newOwnMetrics(), AppMetrics{}, quietLog())
	ask := func(h http.Handler, method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, step := range []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", LogLevelPath, 200, `{"level":"info","others":{"wasm":"warning"}}`},
		{"PUT", LogLevelPath + "?level=debug", 200, `{"level":"debug","others":{"wasm":"warning"}}`},
		{"PUT", LogLevelPath + "?level=warning", 200, `{"level":"warning"}`},
		{"PUT", LogLevelPath + "?level=loud", 400, "level must be one of trace, debug, info, warning, error, critical, off"},
		{"PUT", LogLevelPath, 400, "level must be one of trace, debug, info, warning, error, critical, off"},
		{"PUT", LogLevelPath + "?level=info%26paths%3Dx:trace", 400, "level must be one of trace, debug, info, warning, error, critical, off"},
		{"POST", LogLevelPath + "?level=debug", 404, "404 page not found"},
	} {
		if code, text := ask(e.private(), step.method, step.path); code != step.code || text != step.want {
			t.Errorf("%s %s: %d %s", step.method, step.path, code, text)
		}
	}
	if code, _ := ask(e.public(), "PUT", LogLevelPath+"?level=debug"); code != http.StatusNotFound {
		t.Errorf("everybody in the mesh may set it: %d", code)
	}
}
