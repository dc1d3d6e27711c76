package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/heddle-mesh/heddle/test/dashboards"
)

// Every panel of every board has data on a mesh with some traffic of each sort.
func TestDashboardsHaveData(t *testing.T) {
	m := bookinfo(t)
	echoApp(t, m)
	pod := podOf(t, m, "productpage-v1")
	c, err := api.NewClient(api.Config{Address: "http://heddle/prometheus", Client: m.(*localMesh).api})
	if err != nil {
		t.Fatal(err)
	}
	folder := os.DirFS(filepath.Join(repository(), "grafana-dashboards"))
	took := Eventually(t, 30*time.Second, "data in every panel", func() error {
		for _, call := range [][]string{{"-protocol", "tcp", "-to", "echo:8082"}, {"-to", "echo:8080", "-path", "/status/500"}} {
			var a struct{ Status int }
			if err := ExecJSON(t.Context(), m, pod.Name, &a, append([]string{proberPath, "call"}, call...)...); err != nil {
				return err
			}
		}
		problems, err := dashboards.Check(t.Context(), promv1.NewAPI(c), folder, dashboards.Fill{})
		if err == nil && len(problems) > 0 {
			err = errors.New(strings.Join(problems, "\n"))
		}
		return err
	})
	t.Logf("data in every panel after %v", took)
}
