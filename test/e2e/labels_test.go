package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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
    route: [{destination: {host: lost, port: {number: 8080}}}]
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
