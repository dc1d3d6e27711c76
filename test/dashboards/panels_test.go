package dashboards

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/backend/metrics/embedded"
	"github.com/heddle-mesh/heddle/backend/socket"
)

// exposition is what a mesh of two calls exposes after s seconds: the gateway
// calls productpage, productpage calls reviews.
func exposition(s float64) string {
	b := &strings.Builder{}
	call := func(reporter, source, destination, security string) string {
		return fmt.Sprintf(`reporter=%q,source_workload="%s-v1",source_workload_namespace="default",source_canonical_service=%[2]q,`+
			`destination_workload="%[3]s-v1",destination_workload_namespace="default",destination_canonical_revision="v1",`+
			`destination_service="%[3]s.default.svc.cluster.local",destination_service_name=%[3]q,destination_service_namespace="default",`+
			`request_protocol="http",response_code="200",response_flags="-",connection_security_policy=%[4]q`, reporter, source, destination, security)
	}
	for _, c := range []string{
		call("source", "gateway", "productpage", "unknown"), call("destination", "gateway", "productpage", "mutual_tls"),
		call("source", "productpage", "reviews", "unknown"), call("destination", "productpage", "reviews", "mutual_tls"),
	} {
		fmt.Fprintf(b, "istio_requests_total{%s} %f\n", c, 10*s)
		for _, m := range []string{"istio_request_duration_milliseconds", "istio_request_bytes", "istio_response_bytes"} {
			for _, le := range []string{"1", "10", "100", "+Inf"} {
				fmt.Fprintf(b, "%s_bucket{%s,le=%q} %f\n", m, c, le, 10*s)
			}
		}
	}
	fmt.Fprintf(b, "heddle_plaintext_requests_total{source_address=\"10.66.0.9\",destination_workload=\"gateway-v1\",destination_workload_namespace=\"default\"} %f\n", s)
	for _, m := range []string{"heddle_xds_responses_total", "heddle_xds_resources_total", "heddle_xds_sent_bytes_total"} {
		fmt.Fprintf(b, "%s{type=\"CDS\"} %f\n", m, s)
	}
	for _, m := range []string{
		"heddle_xds_streams", "heddle_xds_streams_behind", "heddle_xds_resources_made_total", "heddle_xds_resources_held", "heddle_xds_quarantined",
		"heddle_agent_control_plane_connected", "heddle_agent_certificate_expiry_timestamp_seconds", "envoy_server_memory_allocated",
		"process_resident_memory_bytes", "process_cpu_seconds_total", "go_memstats_heap_inuse_bytes", "go_goroutines",
	} {
		fmt.Fprintf(b, "%s %f\n", m, s)
	}
	return b.String()
}

// What a quiet mesh with nothing but HTTP exposes is enough for every panel.
func TestEveryPanelHasDataOnAQuietMesh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	start, scraped := time.Now(), make(chan struct{}, 1000)
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, exposition(time.Since(start).Seconds()))
		scraped <- struct{}{}
	})}
	go func() { _ = proxy.Serve(l) }()
	defer proxy.Close()
	s, err := embedded.Open(embedded.Options{Dir: t.TempDir(), ScrapeInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.SetTargets(t.Context(), []embedded.Target{{Namespace: "default", Pod: "p", Dial: socket.At(path)}}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		select {
		case <-scraped:
		case <-time.After(20 * time.Second):
			t.Fatal("not scraped")
		}
	}
	c, err := metrics.Local(s.Handler())
	if err != nil {
		t.Fatal(err)
	}
	problems, err := Check(t.Context(), c.API(), os.DirFS("../../grafana-dashboards"), Fill{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}
