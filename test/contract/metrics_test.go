package contract

import (
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
)

// calls are who calls whom, with requests per second by status.
var calls = []struct {
	from, to, version string
	rate              map[string]float64
}{
	{"productpage", "details", "v1", map[string]float64{"200": 12}},
	{"productpage", "reviews", "v1", map[string]float64{"200": 8}},
	{"productpage", "reviews", "v2", map[string]float64{"200": 4}},
	{"reviews", "ratings", "v1", map[string]float64{"200": 3, "503": 1}},
}

// What the metrics reach over, before and after the moment that a test begins:
// whenever it asks, the rates are the same.
const (
	recordedBefore = 70 * time.Minute
	recordedAfter  = 20 * time.Minute
	recordedEvery  = 5 * time.Second
)

// recordMetrics writes what proxies would have counted into the folder of the
// built-in Prometheus.
func recordMetrics(t *testing.T, dir string, at time.Time) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	block, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (recordedBefore+recordedAfter).Milliseconds()*2)
	if err != nil {
		t.Fatal(err)
	}
	defer block.Close()
	samples := block.Appender(t.Context())
	// counter grows by rate each second.
	counter := func(rate float64, name string, pairs ...string) {
		set := labels.FromStrings(append(pairs, "__name__", name)...)
		for after := -recordedBefore; after <= recordedAfter; after += recordedEvery {
			if _, err := samples.Append(0, set, at.Add(after).UnixMilli(), rate*(recordedBefore+after).Seconds()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, call := range calls {
		for _, status := range slices.Sorted(maps.Keys(call.rate)) {
			for _, reporter := range []string{"source", "destination"} {
				rate, flow := call.rate[status], flowLabels(call.from, call.to, call.version, reporter, status)
				counter(rate, "istio_requests_total", flow...)
				for _, b := range buckets {
					counter(rate*b.part, "istio_request_duration_milliseconds_bucket", append(flow, "le", b.le)...)
				}
			}
		}
	}
	if err := samples.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := block.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// buckets are how the durations of all calls lie.
var buckets = []struct {
	le   string
	part float64
}{{"5", 0.5}, {"10", 0.9}, {"25", 1}, {"+Inf", 1}}

// flowLabels are the standard labels of a call between two applications.
func flowLabels(from, to, version, reporter, status string) []string {
	account := func(app string) string { return "spiffe://cluster.local/ns/default/sa/bookinfo-" + app }
	flags := "-"
	if status == "503" {
		flags = "URX"
	}
	caller := "v1"
	if from == "reviews" {
		caller = "v2"
	}
	return slices.Clip([]string{
		"reporter", reporter, "request_protocol", "http", "response_code", status, "response_flags", flags, "connection_security_policy", "mutual_tls",
		"source_cluster", "local", "source_workload_namespace", "default", "source_workload", from + "-" + caller,
		"source_canonical_service", from, "source_canonical_revision", caller, "source_principal", account(from),
		"destination_cluster", "local", "destination_workload_namespace", "default", "destination_workload", to + "-" + version,
		"destination_canonical_service", to, "destination_canonical_revision", version, "destination_principal", account(to),
		"destination_service", to + ".default.svc.cluster.local", "destination_service_name", to, "destination_service_namespace", "default",
		"namespace", "default", "pod", to + "-" + version + "-0",
	})
}
