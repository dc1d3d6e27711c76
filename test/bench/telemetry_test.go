package bench

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/bootstrap"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// mostForMetrics is what the standard metrics may cost: the CPU of Envoy for a
// request with them, as a multiple of that without.
const mostForMetrics = 1.6

// telemetryService is who is called, through whose sidecar.
const (
	telemetryCaller = "productpage-v1-0"
	telemetryHost   = "reviews.default.svc.cluster.local"
	telemetryPort   = 9080
	telemetryPods   = 3
)

// outboundParts are what a sidecar needs for calls to one service, as the
// control plane makes it, but for what this test has no part in: the addresses
// of pods, who hands connections to the listener, mutual TLS and traces. All
// that would only make a request dearer, and so the metrics look cheaper.
func outboundParts(t testing.TB, port int, backends []int, metrics bool) []xds.Part {
	t.Helper()
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	w, ok := snap.Workloads.Get(telemetryCaller)
	if !ok {
		t.Fatalf("no workload %s in the sample mesh", telemetryCaller)
	}
	plan, _ := new(translate.Planner).Plan(snap, xds.Proxy{
		UID: w.UID, ID: w.Pod + "." + w.Namespace, Role: xds.Sidecar, Workload: w, Namespace: w.Namespace,
	})
	routes, cluster := names.OutboundRoutes(telemetryPort), names.OutboundCluster(telemetryPort, "", telemetryHost)
	wanted := map[xds.Reference]func(proto.Message){
		{Type: xds.RuntimeType, Name: names.RuntimeLayer}:                           func(proto.Message) {},
		{Type: xds.RouteType, Name: routes}:                                         func(proto.Message) {},
		{Type: xds.VirtualHostType, Name: names.VirtualHost(routes, telemetryHost)}: func(proto.Message) {},
		{Type: xds.ClusterType, Name: cluster}:                                      func(m proto.Message) { m.(*clusterv3.Cluster).TransportSocketMatches = nil },
		{Type: xds.EndpointType, Name: cluster}:                                     func(m proto.Message) { moveTo(t, m.(*endpointv3.ClusterLoadAssignment), backends) },
		{Type: xds.ListenerType, Name: names.PortListener(telemetryPort)}: func(m proto.Message) {
			onlyHTTP(t, m.(*listenerv3.Listener), port, metrics)
		},
	}
	var parts []xds.Part
	for _, p := range plan.All() {
		change, ok := wanted[xds.Reference{Type: p.Type, Name: p.Name}]
		if !ok {
			continue
		}
		r, _ := xds.Build(p)
		if r == nil {
			t.Fatalf("%s was not made", p.Name)
		}
		m := proto.Clone(r.Message)
		change(m)
		parts = append(parts, part(t, m))
	}
	if len(parts) != len(wanted) {
		t.Fatalf("%d of %d resources are in the plan", len(parts), len(wanted))
	}
	return parts
}

// moveTo puts backends where the pods are.
func moveTo(t testing.TB, m *endpointv3.ClusterLoadAssignment, backends []int) {
	t.Helper()
	n := 0
	for _, l := range m.GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			e.GetEndpoint().Address = address("127.0.0.1", backends[n%len(backends)])
			n++
		}
	}
	if n != len(backends) {
		t.Fatalf("%d endpoints for %d backends", n, len(backends))
	}
}

// onlyHTTP makes a listener take HTTP on a port of its own.
func onlyHTTP(t testing.TB, l *listenerv3.Listener, port int, metrics bool) {
	t.Helper()
	i := slices.IndexFunc(l.GetFilterChains(), func(c *listenerv3.FilterChain) bool { return c.GetName() == "http" })
	if i < 0 {
		t.Fatalf("listener %s has no chain for HTTP", l.GetName())
	}
	chain := l.GetFilterChains()[i]
	chain.FilterChainMatch = nil
	l.FilterChains, l.ListenerFilters, l.BindToPort, l.Address = []*listenerv3.FilterChain{chain}, nil, nil, address("127.0.0.1", port)
	manager := &hcmv3.HttpConnectionManager{}
	if err := chain.GetFilters()[0].GetTypedConfig().UnmarshalTo(manager); err != nil {
		t.Fatal(err)
	}
	manager.Tracing = nil
	if len(manager.GetAccessLog()) == 0 {
		t.Fatal("the listener has no loggers")
	}
	if !metrics {
		manager.AccessLog = nil
	}
	chain.Filters[0].ConfigType = &listenerv3.Filter_TypedConfig{TypedConfig: pack(t, manager)}
}

// sidecar is an Envoy that calls go through.
type sidecar struct {
	pid     int
	port    int
	clients []*http.Client // with one kept connection each
	admin   *http.Client
	asked   int
}

const telemetryClients = 4

func startSidecar(t testing.TB, backends []int, metrics bool) *sidecar {
	t.Helper()
	w := newWorld(t, nil, false)
	l, socket := unixListener(t)
	w.listen(telemetryCaller, l)
	admin := filepath.Join(filepath.Dir(socket), "admin.sock")
	x := &sidecar{port: freePort(t), admin: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", admin)
		},
	}}}
	w.set(outboundParts(t, x.port, backends, metrics)...)
	config, err := bootstrap.JSON(bootstrap.Config{
		Role: xds.Sidecar, Pod: telemetryCaller, Namespace: "default",
		AgentSocket: socket, AdminSocket: admin,
	})
	if err != nil {
		t.Fatal(err)
	}
	x.pid = runEnvoy(t, config)
	for range telemetryClients {
		c := &http.Client{Transport: &http.Transport{}}
		t.Cleanup(c.CloseIdleConnections)
		x.clients = append(x.clients, c)
	}
	eventually(t, "Envoy forwards", func() bool {
		code, _, err := ask(context.Background(), x.clients[0], x.port, telemetryHost)
		if err == nil {
			x.asked++
		}
		return err == nil && code == http.StatusOK
	})
	return x
}

// counted is how many requests the standard metrics of the sidecar tell of.
func (x *sidecar) counted(t testing.TB) int {
	t.Helper()
	r, err := x.admin.Get("http://envoy/stats/prometheus?filter=istio.requests_total")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	sum := 0
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "envoy_istio_requests_total{"); ok {
			n, err := strconv.Atoi(value[strings.LastIndexByte(value, ' ')+1:])
			if err != nil {
				t.Fatalf("read %q: %v", lines.Text(), err)
			}
			sum += n
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return sum
}

// spend makes requests and gives the CPU that Envoy used for one.
func (x *sidecar) spend(t testing.TB, requests int) time.Duration {
	t.Helper()
	before := cpuOf(t, x.pid)
	var running sync.WaitGroup
	for _, c := range x.clients {
		running.Go(func() {
			for range requests / telemetryClients {
				if code, body, err := ask(context.Background(), c, x.port, telemetryHost); err != nil || code != http.StatusOK {
					t.Errorf("a request failed: %d %s %v", code, body, err)
					return
				}
			}
		})
	}
	running.Wait()
	x.asked += requests
	return (cpuOf(t, x.pid) - before) / time.Duration(requests)
}

// cpuOf is what a process has used: of all its threads, to the nanosecond.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	// As clock_getcpuclockid(3) makes it.
	clock := int32(^pid<<3 | 2)
	var at unix.Timespec
	if err := unix.ClockGettime(clock, &at); err != nil {
		t.Fatalf("read the CPU time of Envoy: %v", err)
	}
	return time.Duration(at.Nano())
}

// metricsCost is what the standard metrics cost.
type metricsCost struct {
	without, with time.Duration // CPU for one request, the medians
	ratio         float64       // the median of the rounds
}

func (c metricsCost) String() string {
	return fmt.Sprintf("%v of CPU for one request without metrics, %v with: %.2f times", c.without, c.with, c.ratio)
}

// costOfMetrics measures an Envoy with the standard metrics against one without,
// round by round, so that what else the machine does concerns both.
func costOfMetrics(t testing.TB, rounds, requests int) metricsCost {
	t.Helper()
	var backends []int
	for i := range telemetryPods {
		backends = append(backends, backend(t, fmt.Sprint(i)))
	}
	without, with := startSidecar(t, backends, false), startSidecar(t, backends, true)
	for _, x := range []*sidecar{without, with} {
		x.spend(t, requests/2) // to warm up
	}
	var plain, measured []time.Duration
	var ratios []float64
	for round := range rounds {
		pair := []*sidecar{without, with}
		spent := map[*sidecar]time.Duration{}
		if round%2 == 1 {
			slices.Reverse(pair)
		}
		for _, x := range pair {
			spent[x] = x.spend(t, requests)
		}
		plain, measured = append(plain, spent[without]), append(measured, spent[with])
		ratios = append(ratios, float64(spent[with])/float64(spent[without]))
	}
	if got := with.counted(t); got != with.asked {
		t.Errorf("the metrics tell of %d requests, want %d", got, with.asked)
	}
	if got := without.counted(t); got != 0 {
		t.Errorf("the sidecar without metrics counted %d requests", got)
	}
	return metricsCost{without: median(plain), with: median(measured), ratio: median(ratios)}
}

func median[T time.Duration | float64](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

// TestCostOfStandardMetrics holds what Envoy spends on the standard metrics.
func TestCostOfStandardMetrics(t *testing.T) {
	cost := costOfMetrics(t, 9, 1200)
	t.Log(cost)
	if cost.ratio > mostForMetrics {
		t.Errorf("standard metrics cost too much, at most %.1f times: %v", mostForMetrics, cost)
	}
}

// BenchmarkStandardMetrics is the same, with more requests.
func BenchmarkStandardMetrics(b *testing.B) {
	for b.Loop() {
		cost := costOfMetrics(b, 15, 4000)
		b.ReportMetric(cost.ratio, "times")
		b.ReportMetric(float64(cost.without.Nanoseconds())/1000, "us-without/request")
		b.ReportMetric(float64(cost.with.Nanoseconds())/1000, "us-with/request")
	}
}
