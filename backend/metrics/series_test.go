package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
)

// versions is what the proxies of two versions of reviews and of its caller say
// after s seconds. Version v1 gets 20 requests per second, of which 2 fail; v2
// has no proxy and gets 10, as its caller says. The caller breaks 4 calls of v1
// off and has nobody to send 1 to; it says of v1 what v1 says itself.
func versions(s float64) string {
	b := &strings.Builder{}
	say := func(reporter, version, code, flags, extra string, rate float64) {
		workload := "reviews-" + version
		if version == "" {
			workload, version = "unknown", "unknown"
		}
		fmt.Fprintf(b, `istio_requests_total{reporter=%q,source_workload="productpage-v1",source_workload_namespace="default",source_canonical_service="productpage",source_canonical_revision="v1",`+
			`destination_cluster="local",destination_workload_namespace="default",destination_workload=%q,destination_canonical_service="reviews",destination_canonical_revision=%q,`+
			`destination_service="reviews.default.svc.cluster.local",destination_service_namespace="default",request_protocol="http",response_code=%q,response_flags=%q%s} %f`+"\n",
			reporter, workload, version, code, flags, extra, rate*s)
	}
	for _, reporter := range []string{"destination", "source"} {
		say(reporter, "v1", "200", "-", "", 18)
		say(reporter, "v1", "503", "-", "", 2)
	}
	say("source", "v1", "504", "UT", "", 3) // the destination saw this one, too
	say("source", "v1", "503", "URX,UF", "", 4)
	say("source", "", "503", "UH", "", 1)
	say("source", "v2", "200", "-", `,grpc_response_status="0"`, 7)
	say("source", "v2", "200", "-", `,grpc_response_status="13"`, 2)
	say("source", "v2", "200", "-", `,grpc_response_status="5"`, 1)
	for reporter, scale := range map[string]float64{"destination": 1, "source": 2} {
		for le, rate := range map[string]float64{"5": 0, "10": 18, "25": 20, "+Inf": 20} {
			fmt.Fprintf(b, `istio_request_duration_milliseconds_bucket{reporter=%q,destination_workload_namespace="default",destination_workload="reviews-v1",destination_cluster="local",`+
				`destination_canonical_revision="v1",destination_service="reviews.default.svc.cluster.local",le=%q} %f`+"\n", reporter, le, rate*scale*s)
		}
	}
	fmt.Fprintf(b, `istio_tcp_sent_bytes_total{reporter="source",destination_workload="reviews-v1",destination_workload_namespace="default",destination_cluster="local",`+
		`destination_canonical_revision="v1",destination_service="reviews.default.svc.cluster.local"} %f`+"\n", 1000*s)
	return b.String()
}

func TestSeries(t *testing.T) {
	c := serve(t, versions, 40)
	now := time.Now()
	r := metrics.Range{Start: now.Add(-2 * time.Second), End: now, Step: time.Second}
	reviews := metrics.Subject{Kind: metrics.Service, Name: "reviews.default.svc.cluster.local"}
	last := func(s metrics.Subject) map[string]float64 {
		t.Helper()
		list, err := c.Series(t.Context(), s, 2*time.Second, r)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for _, s := range list {
			p := s.Points[len(s.Points)-1]
			if at := time.Unix(int64(p[0]), 0); at.Sub(now).Abs() > 5*time.Second {
				t.Errorf("the last point is of %s", at)
			}
			out[strings.TrimSpace(s.Name+" "+s.Version)] = p[1]
		}
		return out
	}
	want := func(what string, got map[string]float64, want map[string]float64) {
		t.Helper()
		for name, v := range want {
			if v == 0 {
				if g, ok := got[name]; !ok || g != 0 {
					t.Errorf("%s: %s is %v, want 0", what, name, got)
				}
				continue
			}
			near(t, what+": "+name, got[name], v)
		}
	}
	all := last(reviews)
	want("service", all, map[string]float64{"requests": 20 + 4 + 1 + 10, "errors": 2 + 4 + 1 + 2, "p50": 7.8, "sent": 1000})
	if _, ok := all["received"]; ok {
		t.Error("a series without values is there")
	}
	reviews.ByVersion = true
	byVersion := last(reviews)
	want("by version", byVersion, map[string]float64{"requests v1": 24, "errors v1": 6, "p95 v1": 17.5, "requests v2": 10, "errors v2": 2, "sent v1": 1000})
	if len(byVersion) != 8 {
		t.Errorf("by version: %v", byVersion)
	}
	want("one version", last(metrics.Subject{Kind: metrics.Service, Name: reviews.Name, Version: "v2"}), map[string]float64{"requests": 10, "errors": 2})
	want("workload", last(metrics.Subject{Kind: metrics.Workload, Namespace: "default", Name: "reviews-v1"}), map[string]float64{"requests": 24, "errors": 6})
	want("application", last(metrics.Subject{Kind: metrics.App, Namespace: "default", Name: "reviews"}), map[string]float64{"requests": 35, "errors": 9})
	want("outbound", last(metrics.Subject{Kind: metrics.Workload, Namespace: "default", Name: "productpage-v1", Direction: metrics.Outbound}),
		map[string]float64{"requests": 20 + 3 + 4 + 1 + 10, "errors": 2 + 3 + 4 + 1 + 2})
	from := func(namespace string, workloads ...string) metrics.Subject {
		return metrics.Subject{Kind: metrics.Service, Name: reviews.Name, SourceNamespace: namespace, Sources: workloads}
	}
	want("from one workload", last(from("default", "productpage-v1")), map[string]float64{"requests": 35, "errors": 9})
	want("from one of several", last(from("default", "other", "productpage-v1")), map[string]float64{"requests": 35, "errors": 9})
	want("from a namespace", last(from("default")), map[string]float64{"requests": 35, "errors": 9})
	for _, s := range []metrics.Subject{from("default", "other"), from("other"), from("default", "productpage.*"), from("default", "productpage")} {
		if got := last(s); len(got) > 0 {
			t.Errorf("calls from %s %v: %v", s.SourceNamespace, s.Sources, got)
		}
	}
	want("mesh", last(metrics.Subject{Kind: metrics.Mesh}), map[string]float64{"requests": 35, "errors": 9})
	want("namespace", last(metrics.Subject{Kind: metrics.Mesh, Namespaces: []string{"default"}}), map[string]float64{"requests": 35})
	want("namespaces", last(metrics.Subject{Kind: metrics.Mesh, Namespaces: []string{"other", "default"}}), map[string]float64{"requests": 35})
	if got := last(metrics.Subject{Kind: metrics.Mesh, Namespaces: []string{"other"}}); len(got) > 0 {
		t.Errorf("another namespace: %v", got)
	}
	if got := last(metrics.Subject{Kind: metrics.Service, Name: `x"} or up{a="`}); len(got) > 0 {
		t.Errorf("a name with quotes: %v", got)
	}
	for _, s := range []metrics.Subject{
		{Kind: "pod"},
		{Kind: metrics.Service, Name: "x", Direction: metrics.Outbound},
		{Kind: metrics.Mesh, ByVersion: true},
		{Kind: metrics.Service, Name: "x", Sources: []string{"a"}},
		{Kind: metrics.App, Name: "x", Namespace: "default", Direction: metrics.Outbound, SourceNamespace: "default"},
	} {
		if _, err := c.Series(t.Context(), s, time.Second, r); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}

	bars, err := c.Timeline(t.Context(), nil, metrics.Range{Start: now.Add(-30 * time.Second), End: now, Step: 2 * time.Second})
	if err != nil || len(bars) != 16 {
		t.Fatalf("%v, %v", bars, err)
	}
	near(t, "rate of the last bar", bars[15].RPS, 35)
	near(t, "errors of the last bar", bars[15].ErrorShare, 9./35)
	if bars[0].RPS != 0 || bars[0].ErrorShare != 0 {
		t.Errorf("before there was a mesh: %+v", bars[0])
	}

	since := time.Now().Add(-2500 * time.Millisecond)
	counts, err := c.CountsSince(t.Context(), reviews.Name, since)
	if err != nil || len(counts) != 2 {
		t.Fatalf("%v, %v", counts, err)
	}
	near(t, "requests of v1", counts["v1"].N, 24*2.5)
	near(t, "errors of v1", counts["v1"].Errors, 6*2.5)
	near(t, "requests of v2", counts["v2"].N, 10*2.5)
	if counts, err := c.CountsSince(t.Context(), reviews.Name, time.Now()); err != nil || len(counts) > 0 {
		t.Errorf("since now: %v, %v", counts, err)
	}
}

func TestTrafficOverARange(t *testing.T) {
	c := serve(t, exposition, 40)
	now := time.Now()
	list, err := c.TrafficOver(t.Context(), time.Second, metrics.Range{Start: now.Add(-20 * time.Second), End: now, Step: time.Second})
	if err != nil || len(list) < 2 || len(list) > 6 {
		t.Fatalf("%d steps, %v", len(list), err)
	}
	for i, traffic := range list {
		if i > 0 && traffic.At.Sub(list[i-1].At) != time.Second {
			t.Errorf("step %d follows %s after the one before", i, traffic.At.Sub(list[i-1].At))
		}
	}
	end := list[len(list)-1]
	if len(end.Requests) != 2 || len(end.Durations) != 1 || len(end.Durations[0].Buckets) != 4 || len(end.Connections) != 1 || len(end.Callers) != 1 {
		t.Fatalf("the last step: %+v", end)
	}
	near(t, "rate of 200", end.Requests[0].Rate, 18)
	near(t, "bytes", end.Connections[0].Sent, 1000)
}
