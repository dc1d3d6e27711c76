package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// targetLabels are put on series by whoever scrapes.
var targetLabels = []model.LabelName{model.MetricNameLabel, "instance", "job", "namespace", "pod"}

// query asks the built-in Prometheus through the owner's API.
func query(ctx context.Context, m Mesh, expr string) (model.Vector, error) {
	var answer struct {
		Data struct{ Result json.RawMessage }
	}
	if err := m.Ask(ctx, "/prometheus/api/v1/query?query="+url.QueryEscape(expr), &answer); err != nil {
		return nil, err
	}
	var v model.Vector
	return v, json.Unmarshal(answer.Data.Result, &v)
}

// byMetric are series by metric and labels, without those of the target; bounds
// of buckets are gathered.
func byMetric(v model.Vector) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, s := range v {
		metric := string(s.Metric[model.MetricNameLabel])
		labels := map[string]string{}
		for name, value := range s.Metric {
			if !slices.Contains(targetLabels, name) && name != "le" {
				labels[string(name)] = string(value)
			}
		}
		if out[metric] == nil {
			out[metric] = map[string]string{}
		}
		out[metric][line(labels)] = ""
		if counts(metric) {
			out[metric][line(labels)] = s.Value.String()
		}
	}
	return out
}

// ask makes one call of the table.
func (c labelledCall) ask(t *testing.T, m Mesh, pods map[string]Pod) {
	t.Helper()
	to := strings.NewReplacer("BARE", pods["bare"].Address, "STALL", pods["stall"].Address).Replace(c.to)
	argv := []string{proberPath, "call", "-protocol", c.protocol, "-to", to, "-header", c.header, "-for", "0s"}
	if c.path != "" {
		argv = append(argv, "-path", c.path)
	}
	var a struct {
		Status int
		Error  string
	}
	err := ExecJSON(t.Context(), m, pods[c.from].Namespace+"/"+pods[c.from].Name, &a, argv...)
	if ok := err == nil && a.Error == "" && a.Status < 400; ok != c.ok {
		t.Errorf("%s → %s %s%s: %+v, %v", c.from, c.protocol, to, c.path, a, err)
	}
}

func TestTelemetry(t *testing.T) {
	m := bookinfo(t)
	clean(t, m, stallManifest())
	apply(t, m, stallManifest())
	pods := map[string]Pod{"caller": podOf(t, m, "caller-v7"), "stall": podOf(t, m, "stall-v2"), "bare": podOf(t, m, "bare-v1")}
	settle(t, m)

	// Every label of every series that two fresh pods have.
	t.Run("labels", func(t *testing.T) {
		for _, c := range labelledCalls {
			c.ask(t, m, pods)
		}
		selector := fmt.Sprintf(`{__name__=~"istio_.+",pod=~"%s|%s",destination_service_name!~"edge|flow"}`, pods["caller"].Name, pods["stall"].Name)
		want := expectedSeries(labelledCalls)
		var got map[string]map[string]string
		took := Eventually(t, 15*time.Second, "every series as the table says", func() error {
			v, err := query(t.Context(), m, selector)
			if err != nil {
				return err
			}
			got = byMetric(v)
			if diff := cmp.Diff(want, got); diff != "" {
				return errors.New("-want +got\n" + diff)
			}
			return nil
		})
		n := 0
		for _, series := range got {
			n += len(series)
		}
		t.Logf("%d calls, %d series, right after %v", len(labelledCalls), n, took)
	})
	t.Run("no cluster", func(t *testing.T) { noCluster(t, m, pods["caller"]) })
	t.Run("histograms", func(t *testing.T) { histograms(t, m, pods) })
	t.Run("forged at the gateway", func(t *testing.T) { forgedAtTheGateway(t, m, pods) })
	t.Run("bytes of a living connection", func(t *testing.T) { livingBytes(t, m, pods) })
	t.Run("another Prometheus", func(t *testing.T) { anotherPrometheus(t, m, pods) })
}

// histograms have Istio's bounds; durations are in milliseconds, and sizes are
// those of bodies.
func histograms(t *testing.T, m Mesh, pods map[string]Pod) {
	v, err := query(t.Context(), m, fmt.Sprintf(`{__name__=~"istio_.+_bucket",pod="%s"}`, pods["caller"].Name))
	if err != nil {
		t.Fatal(err)
	}
	bounds := map[model.LabelValue]map[model.LabelValue]bool{}
	for _, s := range v {
		name := s.Metric[model.MetricNameLabel]
		if bounds[name] == nil {
			bounds[name] = map[model.LabelValue]bool{}
		}
		bounds[name][s.Metric["le"]] = true
	}
	for name, les := range bounds {
		var got []float64
		for le := range les {
			if le == "+Inf" {
				continue
			}
			f, err := strconv.ParseFloat(string(le), 64)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		slices.Sort(got)
		if !cmp.Equal(istioBuckets, got) {
			t.Errorf("buckets of %s:\n%s", name, cmp.Diff(istioBuckets, got))
		}
	}
	if len(bounds) != 3 {
		t.Errorf("histograms are %v", slices.Collect(maps.Keys(bounds)))
	}
	// The two requests together: one of 300 ms, one of next to nothing.
	for _, reporter := range []string{"source", "destination"} {
		sum := one(t, m, fmt.Sprintf(`istio_request_duration_milliseconds_sum{reporter="%s",pod=~"%s|%s",destination_service_name="stall",source_workload="caller-v7",request_protocol="http",response_code="200"}`,
			reporter, pods["caller"].Name, pods["stall"].Name))
		if sum < 290 || sum > 3000 {
			t.Errorf("the %s counted %v ms, want a little more than 300", reporter, sum)
		}
		t.Logf("the %s counted %v ms", reporter, sum)
	}
	if size := one(t, m, fmt.Sprintf(`istio_response_bytes_sum{pod="%s",destination_service_name="bare",request_protocol="http",response_code="200"}`, pods["caller"].Name)); size < 12000 || size > 13000 {
		t.Errorf("the response had %v bytes, want 12,345 within the 2 digits that Envoy keeps", size)
	}
}

// one asks for a single number.
func one(t *testing.T, m Mesh, expr string) float64 {
	t.Helper()
	v, err := query(t.Context(), m, expr)
	if err != nil {
		t.Fatal(err)
	}
	if len(v) != 1 {
		t.Fatalf("%s gives %d numbers: %v", expr, len(v), v)
	}
	return float64(v[0].Value)
}

// An outside client, and a pod without a sidecar, come in through the gateway
// with forged headers.
func forgedAtTheGateway(t *testing.T, m Mesh, pods map[string]Pod) {
	gateway := podOf(t, m, "ingressgateway")
	// The gateway's proxy is older than this test.
	requests := fmt.Sprintf(`istio_requests_total{destination_service_name="edge",pod=~"%s|%s"}`, gateway.Name, pods["stall"].Name)
	own := fmt.Sprintf(`sum(heddle_plaintext_requests_total{source_address="%s",pod="%s"})`, pods["bare"].Address, gateway.Name)
	before := map[model.LabelValue]model.SampleValue{}
	for _, expr := range []string{requests, own} {
		v, err := query(t.Context(), m, expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range v {
			before[s.Metric["reporter"]] = s.Value
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.Gateway()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "market.example"
	for header := range strings.Lines(forgedHeaders) {
		name, value, _ := strings.Cut(strings.TrimSpace(header), ":")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var heard struct{ Headers http.Header }
	if err := json.NewDecoder(resp.Body).Decode(&heard); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("through the gateway: %s, %v", resp.Status, err)
	}
	if xfcc := heard.Headers.Get("x-forwarded-client-cert"); strings.Contains(xfcc, "admin") {
		t.Errorf("the application hears of the forged client certificate: %q", xfcc)
	}
	var a struct{ Status int }
	if err := ExecJSON(t.Context(), m, pods["bare"].Name, &a, proberPath, "call", "-to", "ingressgateway:80", "-header", "host:market.example\n"+forgedHeaders); err != nil || a.Status != http.StatusOK {
		t.Fatalf("from a pod through the gateway: %+v, %v", a, err)
	}
	var edge model.Vector
	Eventually(t, 15*time.Second, "both reporters count both requests", func() error {
		var err error
		if edge, err = query(t.Context(), m, requests); err != nil {
			return err
		}
		for _, s := range edge {
			if s.Value != before[s.Metric["reporter"]]+2 {
				return fmt.Errorf("%v", edge)
			}
		}
		if len(edge) != 2 {
			return fmt.Errorf("%d series, want 2: %v", len(edge), edge)
		}
		return nil
	})
	for _, s := range edge {
		want := map[model.LabelName]model.LabelValue{
			"source_workload": "ingressgateway", "source_workload_namespace": "default", "source_canonical_service": "ingressgateway",
			"destination_workload": "stall-v2", "destination_principal": seller, "destination_service": "edge.default.svc.cluster.local",
			"connection_security_policy": "unknown", "pod": model.LabelValue(gateway.Name),
		}
		if s.Metric["reporter"] == "destination" {
			want["connection_security_policy"], want["pod"] = "mutual_tls", model.LabelValue(pods["stall"].Name)
		}
		for name, value := range want {
			if s.Metric[name] != value {
				t.Errorf("%s is %q, want %q in %v", name, s.Metric[name], value, s.Metric)
			}
		}
	}
	// Nothing of what was claimed is anywhere; the pod counts under its own address.
	for _, expr := range []string{
		`{__name__=~"istio_.+|heddle_.+",source_workload=~".*admin.*"}`, `{__name__=~"istio_.+|heddle_.+",source_principal=~".*admin.*"}`,
		`{__name__=~"istio_.+|heddle_.+",destination_service=~".*admin.*"}`, `{__name__=~"istio_.+|heddle_.+",source_app=~".*admin.*"}`,
		`heddle_plaintext_requests_total{source_address=~"6[.].*|10[.]66[.]0[.]2"}`,
	} {
		if v, err := query(t.Context(), m, expr); err != nil || len(v) > 0 {
			t.Errorf("%s: %v %v", expr, v, err)
		}
	}
	if n := one(t, m, own) - float64(before[""]); n != 1 {
		t.Errorf("the pod's address is counted %v times at the gateway, want once", n)
	}
}

// Bytes are there while the connection is open, and right when it has ended.
func livingBytes(t *testing.T, m Mesh, pods map[string]Pod) {
	type held struct {
		Sent, Closed int
		err          error
	}
	done := make(chan held, 1)
	go func() {
		var h held
		h.err = ExecJSON(t.Context(), m, pods["caller"].Namespace+"/"+pods["caller"].Name, &h, proberPath, "hold", "-protocol", "tcp", "-to", "flow.default:8086", "-bytes", "1234", "-every", "100ms", "-for", "9s")
		done <- h
	}()
	totals := func() (map[string]float64, error) {
		v, err := query(t.Context(), m, fmt.Sprintf(`{__name__=~"istio_tcp_.+",destination_service_name="flow",pod=~"%s|%s"}`, pods["caller"].Name, pods["stall"].Name))
		out := map[string]float64{}
		for _, s := range v {
			out[string(s.Metric["reporter"]+" "+s.Metric[model.MetricNameLabel])] += float64(s.Value)
		}
		return out, err
	}
	var open map[string]float64
	took := Eventually(t, 8*time.Second, "both reporters count bytes of the open connection", func() error {
		var err error
		if open, err = totals(); err != nil {
			return err
		}
		for _, r := range []string{"source", "destination"} {
			if open[r+" istio_tcp_sent_bytes_total"] == 0 || open[r+" istio_tcp_received_bytes_total"] == 0 || open[r+" istio_tcp_connections_opened_total"] != 1 {
				return fmt.Errorf("%v", open)
			}
		}
		return nil
	})
	var h held
	select {
	case h = <-done:
		t.Fatalf("the connection ended before its bytes were seen: %+v", h)
	default:
	}
	t.Logf("after %v, open: %v", took, open)
	for r, n := range open {
		if strings.Contains(r, "closed") {
			t.Errorf("%s is %v while the connection is open", r, n)
		}
	}
	h = <-done
	if h.err != nil || h.Closed > 0 {
		t.Fatalf("the connection did not hold: %+v", h)
	}
	sent := float64(h.Sent)
	want := map[string]float64{}
	for _, r := range []string{"source", "destination"} {
		want[r+" istio_tcp_sent_bytes_total"], want[r+" istio_tcp_received_bytes_total"] = sent, sent
		want[r+" istio_tcp_connections_opened_total"], want[r+" istio_tcp_connections_closed_total"] = 1, 1
	}
	took = Eventually(t, 10*time.Second, "bytes to the byte", func() error {
		got, err := totals()
		if err == nil && !cmp.Equal(want, got) {
			err = errors.New(cmp.Diff(want, got))
		}
		return err
	})
	t.Logf("%d bytes either way, right %v after the end", h.Sent, took)
}
