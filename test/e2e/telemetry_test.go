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

// stallManifest is an application whose every name differs from every other,
// called by one with a sidecar in another namespace and by one without.
func stallManifest() string {
	return strings.NewReplacer("PROBER", proberPath).Replace(`apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: buyer, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: seller}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: caller-v7, namespace: shop}
spec:
  selector: {matchLabels: {app: caller}}
  template:
    metadata: {labels: {app: caller, version: v7}}
    spec:
      serviceAccountName: buyer
      containers:
      - {name: app, command: [PROBER], args: [serve, -name, caller, -ports, "http=8080"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: stall-v2}
spec:
  selector: {matchLabels: {app: stall}}
  template:
    metadata: {labels: {app: stall, version: v2, service.istio.io/canonical-name: market, service.istio.io/canonical-revision: r2}}
    spec:
      serviceAccountName: seller
      containers:
      - name: app
        command: [PROBER]
        args: [serve, -name, stall, -ports, "http=8080,grpc=8081,tcp=8082,http=8085,tcp=8086,tcp=9999"]
        readinessProbe: {exec: {command: [PROBER, call, -to, "127.0.0.1:8080"]}, periodSeconds: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bare-v1}
spec:
  selector: {matchLabels: {app: bare}}
  template:
    metadata:
      labels: {app: bare, version: v1}
      annotations: {sidecar.istio.io/inject: "false"}
    spec:
      containers:
      - name: app
        command: [PROBER]
        args: [serve, -name, bare, -ports, "http=8080,grpc=8081,tcp=8082,tcp=9999"]
        readinessProbe: {exec: {command: [PROBER, call, -to, "127.0.0.1:8080"]}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: stall}
spec:
  selector: {app: stall}
  ports:
  - {name: http, port: 8080}
  - {name: grpc, port: 8081}
  - {name: tcp, port: 8082}
  - {name: http-shut, port: 8090}
  - {name: grpc-shut, port: 8091}
  - {name: tcp-shut, port: 8092}
---
apiVersion: v1
kind: Service
metadata: {name: edge}
spec:
  selector: {app: stall}
  ports: [{name: http, port: 8085}]
---
apiVersion: v1
kind: Service
metadata: {name: flow}
spec:
  selector: {app: stall}
  ports: [{name: tcp, port: 8086}]
---
apiVersion: v1
kind: Service
metadata: {name: bare}
spec:
  selector: {app: bare}
  ports:
  - {name: http, port: 8080}
  - {name: grpc, port: 8081}
  - {name: tcp, port: 8082}
  - {name: http-shut, port: 8090}
  - {name: grpc-shut, port: 8091}
  - {name: tcp-shut, port: 8092}
---
apiVersion: v1
kind: Service
metadata: {name: gone}
spec:
  selector: {app: gone}
  ports: [{name: http, port: 8080}, {name: grpc, port: 8081}, {name: tcp, port: 8082}]
---
apiVersion: v1
kind: Service
metadata: {name: lost}
spec:
  selector: {app: gone}
  ports: [{name: http, port: 8080}, {name: grpc, port: 8081}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: lost}
spec:
  hosts: [lost]
  http:
  - match: [{uri: {exact: /never}}]
    route: [{destination: {host: lost}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge}
spec:
  hosts: [market.example]
  gateways: [bookinfo-gateway]
  http:
  - route: [{destination: {host: edge}}]
`)
}

// The ways in which a proxy sees a call: which of the labels can be known.
const (
	toMesh    = iota // source, to a pod with a sidecar
	toBare           // source, to a pod without one
	toNobody         // source, a service without endpoints
	toNothing        // source, no cluster was found
	outside          // source, whatever no service declares
	mutual           // destination, by mutual TLS
	plaintext        // destination, in plaintext
	uncharted        // destination, at a port that no service declares
	ways
)

const (
	buyer  = "spiffe://cluster.local/ns/shop/sa/buyer"
	seller = "spiffe://cluster.local/ns/default/sa/seller"
)

// labelTable is what each label is in each of these ways. $ stands for the name
// of the service that was called.
var labelTable = []struct {
	label string
	value [ways]string
}{
	//                                  toMesh     toBare     toNobody   toNothing  outside               mutual       plaintext  uncharted
	{"reporter", [ways]string{"source", "source", "source", "source", "source", "destination", "destination", "destination"}},
	{"source_workload", [ways]string{"caller-v7", "caller-v7", "caller-v7", "caller-v7", "caller-v7", "caller-v7", "unknown", "unknown"}},
	{"source_workload_namespace", [ways]string{"shop", "shop", "shop", "shop", "shop", "shop", "unknown", "unknown"}},
	{"source_principal", [ways]string{buyer, "unknown", "unknown", "unknown", "unknown", buyer, "unknown", "unknown"}},
	{"source_app", [ways]string{"caller", "caller", "caller", "caller", "caller", "caller", "unknown", "unknown"}},
	{"source_version", [ways]string{"v7", "v7", "v7", "v7", "v7", "v7", "unknown", "unknown"}},
	{"source_cluster", [ways]string{"local", "local", "local", "local", "local", "local", "unknown", "unknown"}},
	{"source_canonical_service", [ways]string{"caller", "caller", "caller", "caller", "caller", "caller", "unknown", "unknown"}},
	{"source_canonical_revision", [ways]string{"v7", "v7", "v7", "v7", "v7", "v7", "unknown", "unknown"}},
	{"destination_workload", [ways]string{"stall-v2", "bare-v1", "unknown", "unknown", "unknown", "stall-v2", "stall-v2", "stall-v2"}},
	{"destination_workload_namespace", [ways]string{"default", "default", "unknown", "unknown", "unknown", "default", "default", "default"}},
	{"destination_principal", [ways]string{seller, "unknown", "unknown", "unknown", "unknown", seller, "unknown", "unknown"}},
	{"destination_app", [ways]string{"stall", "bare", "unknown", "unknown", "unknown", "stall", "stall", "stall"}},
	{"destination_version", [ways]string{"v2", "v1", "unknown", "unknown", "unknown", "v2", "v2", "v2"}},
	{"destination_cluster", [ways]string{"local", "local", "unknown", "unknown", "unknown", "local", "local", "local"}},
	{"destination_canonical_service", [ways]string{"market", "bare", "unknown", "unknown", "unknown", "market", "market", "market"}},
	{"destination_canonical_revision", [ways]string{"r2", "v1", "unknown", "unknown", "unknown", "r2", "r2", "r2"}},
	{"destination_service", [ways]string{"$.default.svc.cluster.local", "$.default.svc.cluster.local", "$.default.svc.cluster.local", "unknown", "unknown", "$.default.svc.cluster.local", "$.default.svc.cluster.local", "unknown"}},
	{"destination_service_name", [ways]string{"$", "$", "$", "unknown", "PassthroughCluster", "$", "$", "InboundPassthroughCluster"}},
	{"destination_service_namespace", [ways]string{"default", "default", "default", "unknown", "unknown", "default", "default", "unknown"}},
	{"connection_security_policy", [ways]string{"unknown", "unknown", "unknown", "unknown", "unknown", "mutual_tls", "none", "none"}},
}

// seen is one set of labels that a call is expected to be counted under.
type seen struct {
	way                  int
	protocol, code, grpc string // request_protocol, response_code, grpc_response_status
	flags                string
	times                int
}

// forgedHeaders pose as everything that some proxy believes.
const forgedHeaders = `x-envoy-peer-metadata:ChQKDkFQUF9DT05UQUlORVJTEgIaAAoYCgtXT1JLTE9BRF9OQU1FEgkaB2FkbWlu
x-envoy-peer-metadata-id:sidecar~6.6.6.6~admin.istio-system~istio-system.svc.cluster.local
x-istio-attributes:Cj4KE2Rlc3RpbmF0aW9uLnNlcnZpY2USJxIlYWRtaW4=
x-envoy-original-dst-host:6.6.6.6:80
x-envoy-original-path:/admin
x-envoy-internal:true
x-envoy-external-address:6.6.6.6
x-envoy-decorator-operation:admin.istio-system.svc.cluster.local:80/*
x-envoy-upstream-alt-stat-name:admin
x-envoy-attempt-count:7
x-forwarded-for:6.6.6.6, 10.66.0.2
x-forwarded-host:admin.istio-system
x-forwarded-proto:https
x-forwarded-client-cert:By=spiffe://cluster.local/ns/a/sa/b;Hash=00;Subject="CN=admin,O=admin,OU=v1,L=admin,ST=v1,street=local,serialNumber=1";URI=spiffe://cluster.local/ns/istio-system/sa/admin
x-request-id:admin
baggage:k8s.deployment.name=admin,service.name=admin,source_workload=admin
heddle.peer.workload:admin
source_workload:admin
user-agent:admin`

// A call, and everything that it must be counted under. BARE and STALL in the
// address stand for the addresses of the pods.
type labelledCall struct {
	from, protocol, to, path, header string
	ok                               bool
	service                          string
	counted                          []seen
}

// Each outcome for each protocol. Envoy writes URX and UF in one order for
// requests and in the other for connections.
var labelledCalls = []labelledCall{
	// Answered, by mutual TLS. What headers claim changes nothing.
	{"caller", "http1", "stall.default:8080", "/delay/300ms", "", true, "stall", []seen{{toMesh, "http", "200", "", "-", 2}, {mutual, "http", "200", "", "-", 2}}},
	{"caller", "http1", "stall.default:8080", "/", forgedHeaders, true, "stall", nil},
	{"caller", "grpc", "stall.default:8081", "", "", true, "stall", []seen{{toMesh, "grpc", "200", "0", "-", 1}, {mutual, "grpc", "200", "0", "-", 1}}},
	{"caller", "tcp", "stall.default:8082", "", "", true, "stall", []seen{{toMesh, "tcp", "", "", "-", 2}, {mutual, "tcp", "", "", "-", 1}}},
	// Answered by a pod without a sidecar.
	{"caller", "http1", "bare.default:8080", "/bytes/12345", "", true, "bare", []seen{{toBare, "http", "200", "", "-", 1}}},
	{"caller", "grpc", "bare.default:8081", "", "", true, "bare", []seen{{toBare, "grpc", "200", "0", "-", 1}}},
	{"caller", "tcp", "bare.default:8082", "", "", true, "bare", []seen{{toBare, "tcp", "", "", "-", 1}}},
	// Asked by one.
	{"bare", "http1", "stall:8080", "/", "", true, "stall", []seen{{plaintext, "http", "200", "", "-", 2}}},
	{"bare", "http1", "stall:8080", "/", forgedHeaders, true, "stall", nil},
	{"bare", "grpc", "stall:8081", "", "", true, "stall", []seen{{plaintext, "grpc", "200", "0", "-", 1}}},
	{"bare", "tcp", "stall:8082", "", "", true, "stall", []seen{{plaintext, "tcp", "", "", "-", 1}}},
	// UF: nobody listens on the port. The called sidecar says so; the caller
	// got an answer, or for TCP a connection (counted with the answered one).
	{"caller", "http1", "stall.default:8090", "/", "", false, "stall", []seen{{toMesh, "http", "503", "", "-", 1}, {mutual, "http", "503", "", "URX,UF", 1}}},
	{"caller", "grpc", "stall.default:8091", "", "", false, "stall", []seen{{toMesh, "grpc", "200", "14", "URX", 1}, {mutual, "grpc", "200", "14", "URX,UF", 3}}},
	{"caller", "tcp", "stall.default:8092", "", "", false, "stall", []seen{{mutual, "tcp", "", "", "UF,URX", 1}}},
	{"bare", "http1", "stall:8090", "/", "", false, "stall", []seen{{plaintext, "http", "503", "", "URX,UF", 1}}},
	{"bare", "grpc", "stall:8091", "", "", false, "stall", []seen{{plaintext, "grpc", "200", "14", "URX,UF", 1}}},
	{"bare", "tcp", "stall:8092", "", "", false, "stall", []seen{{plaintext, "tcp", "", "", "UF,URX", 1}}},
	// UF: the caller's own sidecar says so.
	{"caller", "http1", "bare.default:8090", "/", "", false, "bare", []seen{{toBare, "http", "503", "", "URX,UF", 1}}},
	{"caller", "grpc", "bare.default:8091", "", "", false, "bare", []seen{{toBare, "grpc", "200", "14", "URX,UF", 1}}},
	{"caller", "tcp", "bare.default:8092", "", "", false, "bare", []seen{{toBare, "tcp", "", "", "UF,URX", 1}}},
	// UH: the service has no pods.
	{"caller", "http1", "gone.default:8080", "/", "", false, "gone", []seen{{toNobody, "http", "503", "", "UH", 1}}},
	{"caller", "grpc", "gone.default:8081", "", "", false, "gone", []seen{{toNobody, "grpc", "200", "14", "UH", 1}}},
	{"caller", "tcp", "gone.default:8082", "", "", false, "gone", []seen{{toNobody, "tcp", "", "", "UH", 1}}},
	// NR: no route matches.
	{"caller", "http1", "lost.default:8080", "/", "", false, "lost", []seen{{toNothing, "http", "404", "", "NR", 1}}},
	{"caller", "grpc", "lost.default:8081", "", "", false, "lost", []seen{{toNothing, "grpc", "200", "12", "NR", 1}}},
	// Hosts and ports that nobody declares.
	{"caller", "http1", "BARE:8080", "/", "host:outside.example", true, "", []seen{{outside, "http", "200", "", "-", 1}}},
	{"caller", "grpc", "BARE:8081", "", "", true, "", []seen{{outside, "grpc", "200", "0", "-", 1}}},
	{"caller", "tcp", "BARE:9999", "", "", true, "", []seen{{outside, "tcp", "", "", "-", 2}}},
	{"caller", "tcp", "STALL:9999", "", "", true, "", []seen{{uncharted, "tcp", "", "", "-", 1}}},
}

// httpMetrics and tcpMetrics are all standard metrics, as Prometheus stores
// them.
var (
	httpMetrics = []string{
		"istio_requests_total",
		"istio_request_duration_milliseconds_bucket", "istio_request_duration_milliseconds_sum", "istio_request_duration_milliseconds_count",
		"istio_request_bytes_bucket", "istio_request_bytes_sum", "istio_request_bytes_count",
		"istio_response_bytes_bucket", "istio_response_bytes_sum", "istio_response_bytes_count",
	}
	tcpMetrics = []string{
		"istio_tcp_connections_opened_total", "istio_tcp_connections_closed_total",
		"istio_tcp_sent_bytes_total", "istio_tcp_received_bytes_total",
	}
)

// istioBuckets are the bounds of Istio's histograms.
var istioBuckets = []float64{
	0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
}

// expectedSeries writes the table out: the number of calls by metric and labels.
func expectedSeries(calls []labelledCall) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, c := range calls {
		for _, s := range c.counted {
			labels := map[string]string{"request_protocol": s.protocol, "response_flags": s.flags}
			metrics := tcpMetrics
			if s.code != "" {
				metrics, labels["response_code"] = httpMetrics, s.code
			}
			if s.grpc != "" {
				labels["grpc_response_status"] = s.grpc
			}
			for _, row := range labelTable {
				labels[row.label] = strings.ReplaceAll(row.value[s.way], "$", c.service)
			}
			for _, m := range metrics {
				if out[m] == nil {
					out[m] = map[string]string{}
				}
				out[m][line(labels)] = ""
				if counts(m) {
					out[m][line(labels)] = strconv.Itoa(s.times)
				}
			}
		}
	}
	return out
}

// counts reports whether a metric's value is a number of calls.
func counts(metric string) bool {
	return strings.HasSuffix(metric, "_count") || metric == "istio_requests_total" || strings.HasPrefix(metric, "istio_tcp_connections_")
}

func line(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%s=%s ", k, labels[k])
	}
	return strings.TrimSpace(b.String())
}

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
	want := []float64{}
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
		if want = istioBuckets; !cmp.Equal(want, got) {
			t.Errorf("buckets of %s:\n%s", name, cmp.Diff(want, got))
		}
	}
	if len(bounds) != 3 {
		t.Errorf("histograms are %v", slices.Collect(maps.Keys(bounds)))
	}
	// The two requests together: one of 300 ms, one of next to nothing.
	for _, reporter := range []string{"source", "destination"} {
		sum := one(t, m, fmt.Sprintf(`istio_request_duration_milliseconds_sum{reporter="%s",destination_service_name="stall",source_workload="caller-v7",request_protocol="http",response_code="200"}`, reporter))
		if sum < 290 || sum > 3000 {
			t.Errorf("the %s counted %v ms, want a little more than 300", reporter, sum)
		}
		t.Logf("the %s counted %v ms", reporter, sum)
	}
	if size := one(t, m, `istio_response_bytes_sum{destination_service_name="bare",source_workload="caller-v7",request_protocol="http",response_code="200"}`); size < 12000 || size > 13000 {
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
	gateway := podOf(t, m, "ingressgateway")
	var edge model.Vector
	Eventually(t, 15*time.Second, "both reporters count both requests", func() error {
		var err error
		if edge, err = query(t.Context(), m, `istio_requests_total{destination_service_name="edge"}`); err != nil {
			return err
		}
		for _, s := range edge {
			if s.Value != 2 {
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
	if n := one(t, m, fmt.Sprintf(`sum(heddle_plaintext_requests_total{source_address="%s",pod="%s"})`, pods["bare"].Address, gateway.Name)); n != 1 {
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
		v, err := query(t.Context(), m, `{__name__=~"istio_tcp_.+",destination_service_name="flow"}`)
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
