package metrics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/backend/metrics/embedded"
	"github.com/heddle-mesh/heddle/backend/socket"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// flowLabels are those of productpage calling reviews, as Istio names them.
func flowLabels(reporter, extra string) string {
	return `reporter="` + reporter + `",source_cluster="local",source_workload_namespace="default",source_workload="productpage-v1",` +
		`source_canonical_service="productpage",source_canonical_revision="v1",source_principal="spiffe://cluster.local/ns/default/sa/productpage",` +
		`destination_cluster="local",destination_workload_namespace="default",destination_workload="reviews-v1",` +
		`destination_canonical_service="reviews",destination_canonical_revision="v1",destination_principal="unknown",` +
		`destination_service="reviews.default.svc.cluster.local",destination_service_name="reviews",destination_service_namespace="default",` +
		`connection_security_policy="mutual_tls"` + extra
}

// exposition is a proxy's metrics after s seconds: 20 requests per second, of
// which 2 fail; 90 % take up to 10 ms, all up to 25 ms; TCP at 1,000 bytes/s.
func exposition(s float64) string {
	http := func(code string) string {
		return `,request_protocol="http",response_code="` + code + `",response_flags="-"`
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "istio_requests_total{%s} %f\n", flowLabels("destination", http("200")), 18*s)
	fmt.Fprintf(b, "istio_requests_total{%s} %f\n", flowLabels("destination", http("503")), 2*s)
	for le, rate := range map[string]float64{"5": 0, "10": 18, "25": 20, "+Inf": 20} {
		fmt.Fprintf(b, "istio_request_duration_milliseconds_bucket{%s} %f\n", flowLabels("destination", http("200")+`,le="`+le+`"`), rate*s)
	}
	tcp := `,request_protocol="tcp",response_flags="-"`
	fmt.Fprintf(b, "istio_tcp_connections_opened_total{%s} %f\n", flowLabels("source", tcp), 3*s)
	fmt.Fprintf(b, "istio_tcp_sent_bytes_total{%s} %f\n", flowLabels("source", tcp), 1000*s)
	fmt.Fprintf(b, "heddle_plaintext_requests_total{source_address=\"10.66.0.9\",destination_workload_namespace=\"default\",destination_workload=\"reviews-v1\",request_protocol=\"http\",response_code=\"200\"} %f\n", 5*s)
	return b.String()
}

// serveMesh is an embedded Prometheus that has scraped the exposition so often.
func serveMesh(t *testing.T, scrapes int) *metrics.Client {
	t.Helper()
	return serve(t, exposition, scrapes)
}

// serve is an embedded Prometheus that has scraped what is exposed after so many
// seconds so often.
func serve(t *testing.T, exposition func(float64) string, scrapes int) *metrics.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	start, scraped := time.Now(), make(chan struct{}, 10_000)
	proxy := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, exposition(time.Since(start).Seconds()))
		scraped <- struct{}{}
	})}
	go func() { _ = proxy.Serve(l) }()
	t.Cleanup(func() { _ = proxy.Close() })
	s, err := embedded.Open(embedded.Options{Dir: t.TempDir(), ScrapeInterval: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.SetTargets(t.Context(), []embedded.Target{{Pod: "p", Dial: socket.At(path)}}); err != nil {
		t.Fatal(err)
	}
	for range scrapes {
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
	return c
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.25*want {
		t.Errorf("%s is %.2f, want about %.2f", what, got, want)
	}
}

func TestTrafficFromTheEmbeddedServer(t *testing.T) {
	c := serveMesh(t, 30)
	traffic, err := c.Traffic(t.Context(), 2*time.Second, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(traffic.Requests) != 2 || len(traffic.Durations) != 1 || len(traffic.Connections) != 1 || len(traffic.Callers) != 1 {
		t.Fatalf("traffic: %+v", traffic)
	}
	want := graph.Flow{
		Reporter:        graph.ByDestination,
		Source:          graph.Peer{Cluster: "local", Namespace: "default", Workload: "productpage-v1", App: "productpage", Version: "v1"},
		Destination:     graph.Peer{Cluster: "local", Namespace: "default", Workload: "reviews-v1", App: "reviews", Version: "v1"},
		SourcePrincipal: "spiffe://cluster.local/ns/default/sa/productpage",
		Service:         graph.ServiceName{Host: "reviews.default.svc.cluster.local", Name: "reviews", Namespace: "default"},
		Protocol:        graph.HTTP, Security: graph.MutualTLS,
	}
	if diff := cmp.Diff(want, traffic.Requests[0].Flow); diff != "" {
		t.Error(diff)
	}
	near(t, "rate of 200", traffic.Requests[0].Rate, 18)
	near(t, "rate of 503", traffic.Requests[1].Rate, 2)
	if got := traffic.Requests[1]; got.Code != "503" || got.Flags != "" {
		t.Errorf("second request: %+v", got)
	}
	buckets := traffic.Durations[0].Buckets
	if len(buckets) != 4 || buckets[0].LE != 5 || !math.IsInf(buckets[3].LE, 1) {
		t.Errorf("buckets: %+v", buckets)
	}
	near(t, "bucket up to 10 ms", buckets[1].Rate, 18)
	tcp := traffic.Connections[0]
	near(t, "connections", tcp.Opened, 3)
	near(t, "bytes sent", tcp.Sent, 1000)
	if tcp.Protocol != graph.TCP || tcp.Reporter != graph.BySource || tcp.Received != 0 {
		t.Errorf("tcp: %+v", tcp)
	}
	near(t, "plaintext", traffic.Callers[0].Rate, 5)
}

func TestAYoungMeshIsNotAveragedOverTheTimeBeforeIt(t *testing.T) {
	c := serveMesh(t, 40)
	traffic, err := c.Traffic(t.Context(), time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(traffic.Requests) != 2 {
		t.Fatalf("requests: %+v", traffic.Requests)
	}
	if traffic.Window > 10*time.Second {
		t.Errorf("window is %s although metrics began 4 s ago", traffic.Window)
	}
	if got := traffic.Requests[0].Rate; got < 10 || got > 24 {
		t.Errorf("rate is %.2f, want about 18", got)
	}
}

func TestASilentServerIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	c, err := metrics.Local(hang)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Traffic(ctx, time.Minute, time.Now()); err == nil {
		t.Error("no error")
	}
}

func TestHTTPSD(t *testing.T) {
	out, err := metrics.HTTPSD([]metrics.ScrapePoint{{
		Address: "127.0.0.1:20001", Path: "/metrics/pods/default/reviews-1", Labels: map[string]string{"pod": "reviews-1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{
		"targets": []any{"127.0.0.1:20001"},
		"labels":  map[string]any{"pod": "reviews-1", "__metrics_path__": "/metrics/pods/default/reviews-1"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if out, _ := metrics.HTTPSD(nil); string(out) != "[]" {
		t.Errorf("no targets: %s", out)
	}
}
