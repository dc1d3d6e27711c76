package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/heddle-mesh/heddle/backend/socket"
)

// liveFilter is the configuration of a filter as the Envoy of a pod has it in
// its listener.
func liveFilter(t *testing.T, m Mesh, pod Pod, listener, filter string) map[string]any {
	t.Helper()
	nodes, err := filepath.Glob(filepath.Join(m.(*localMesh).state, "run", "pods", "*", "bootstrap.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range nodes {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "~"+pod.Name+".") {
			continue
		}
		var dump struct {
			Configs []struct {
				ActiveState struct {
					Listener struct {
						FilterChains []struct{ Filters []map[string]any } `json:"filter_chains"`
					}
				} `json:"active_state"`
			}
		}
		admin := socket.At(filepath.Join(filepath.Dir(path), "admin.sock")).Client()
		if err := ask(t.Context(), admin, http.MethodGet, "/config_dump?resource=dynamic_listeners&name_regex="+listener, nil, &dump); err != nil {
			t.Fatal(err)
		}
		for _, c := range dump.Configs {
			for _, chain := range c.ActiveState.Listener.FilterChains {
				for _, f := range chain.Filters {
					if f["name"] == filter {
						return f
					}
				}
			}
		}
	}
	t.Fatalf("%s has no %s in a listener %s", pod.Name, filter, listener)
	return nil
}

// noCluster sees what is counted when a route leads to a cluster that is not
// there. The control plane never lets that happen, so that a second Envoy gets
// the filters of the caller's, and a route to nowhere.
func noCluster(t *testing.T, m Mesh, caller Pod) {
	dir, err := freeDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ports, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	manager := liveFilter(t, m, caller, "0.0.0.0_8080$", "envoy.filters.network.http_connection_manager")
	config := manager["typed_config"].(map[string]any)
	delete(config, "rds")
	config["route_config"] = map[string]any{"validate_clusters": false, "virtual_hosts": []any{map[string]any{
		"name": "nowhere", "domains": []any{"*"},
		"routes": []any{map[string]any{"match": map[string]any{"prefix": "/"}, "route": map[string]any{"cluster": "absent"}}},
	}}}
	proxy := liveFilter(t, m, caller, "virtualOutbound$", "envoy.filters.network.tcp_proxy")
	proxy["typed_config"].(map[string]any)["cluster"] = "absent"
	listener := func(port int, filter any) any {
		return map[string]any{
			"name":          fmt.Sprint(port),
			"address":       map[string]any{"socket_address": map[string]any{"address": "127.0.0.1", "port_value": port}},
			"filter_chains": []any{map[string]any{"filters": []any{filter}}},
		}
	}
	bootstrap, err := json.Marshal(map[string]any{
		"node":  map[string]any{"id": "nowhere", "cluster": "nowhere"},
		"admin": map[string]any{"address": map[string]any{"pipe": map[string]any{"path": filepath.Join(dir, "admin.sock")}}},
		"static_resources": map[string]any{
			"listeners": []any{listener(ports[0], manager), listener(ports[1], proxy)},
			"clusters": []any{map[string]any{
				"name": "agent", "type": "STATIC", "load_assignment": map[string]any{"cluster_name": "agent"},
				"typed_extension_protocol_options": map[string]any{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": map[string]any{
					"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
					"explicit_http_config": map[string]any{"http2_protocol_options": map[string]any{}},
				}},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "bootstrap.json")
	if err := os.WriteFile(file, bootstrap, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := &lockedBuffer{}
	envoy := exec.CommandContext(ctx, envoyPath, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warning")
	envoy.Stdout, envoy.Stderr = said, said
	envoy.Cancel = func() error { return envoy.Process.Signal(syscall.SIGTERM) }
	envoy.WaitDelay = 5 * time.Second
	if err := envoy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = envoy.Wait() }()
	admin := socket.At(filepath.Join(dir, "admin.sock")).Client()
	Eventually(t, 15*time.Second, "the Envoy is ready", func() error {
		if err := ask(t.Context(), admin, http.MethodGet, "/ready", nil, nil); err != nil {
			return fmt.Errorf("%w; it said %s", err, said)
		}
		return nil
	})
	for _, c := range [][]string{{"http1", fmt.Sprint("127.0.0.1:", ports[0])}, {"grpc", fmt.Sprint("127.0.0.1:", ports[0])}, {"tcp", fmt.Sprint("127.0.0.1:", ports[1])}} {
		// The answers are of no interest here: HTTP gives 503, others an error.
		out, _ := exec.CommandContext(ctx, proberPath, "call", "-protocol", c[0], "-to", c[1], "-for", "0s").Output()
		if !strings.Contains(string(out), `"status":503`) && !strings.Contains(string(out), `"error":`) {
			t.Errorf("%v got %s", c, out)
		}
	}
	want := expectedSeries([]labelledCall{{counted: []seen{
		{toNothing, "http", "503", "", "NC", 1}, {toNothing, "grpc", "200", "14", "NC", 1}, {toNothing, "tcp", "", "", "NC", 1},
	}}})
	// The agent adds up bytes, and it is not there.
	delete(want, "istio_tcp_sent_bytes_total")
	delete(want, "istio_tcp_received_bytes_total")
	Eventually(t, 10*time.Second, "NC as the table says", func() error {
		got, err := scraped(t.Context(), admin)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, got); diff != "" {
			return errors.New("-want +got\n" + diff)
		}
		return nil
	})
}

// scraped are the standard metrics in an Envoy's own exposition.
func scraped(ctx context.Context, admin *http.Client) (map[string]map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://envoy/stats/prometheus", nil)
	if err != nil {
		return nil, err
	}
	resp, err := admin.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	decoder := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(io.Reader(resp.Body), expfmt.NewFormat(expfmt.TypeTextPlain)),
		Opts: &expfmt.DecodeOptions{Timestamp: model.Now()},
	}
	var all model.Vector
	for {
		var v model.Vector
		if err := decoder.Decode(&v); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
		for _, s := range v {
			if name, ok := strings.CutPrefix(string(s.Metric[model.MetricNameLabel]), "envoy_istio_"); ok {
				s.Metric[model.MetricNameLabel] = model.LabelValue("istio_" + name)
				all = append(all, s)
			}
		}
	}
	return byMetric(all), nil
}
