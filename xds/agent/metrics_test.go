package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	alsdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/heddle-mesh/heddle/mesh/ca"
)

func TestUnprefix(t *testing.T) {
	in := strings.Join([]string{
		`# TYPE envoy_istio_requests_total counter`,
		`envoy_istio_requests_total{response_code="200",reporter="source",app="envoy_istio_x"} 5`,
		`# TYPE envoy_heddle_plaintext_requests_total counter`,
		`envoy_heddle_plaintext_requests_total{source_address="10.66.0.2"} 1`,
		``,
		`# HELP envoy_istio_request_bytes envoy_istio_request_bytes`,
		`# TYPE envoy_server_state gauge`,
		`envoy_server_state{} 0`,
		`envoy_istiod_like 3`,
	}, "\n")
	want := strings.Join([]string{
		`# TYPE istio_requests_total counter`,
		`istio_requests_total{response_code="200",reporter="source",app="envoy_istio_x"} 5`,
		`# TYPE heddle_plaintext_requests_total counter`,
		`heddle_plaintext_requests_total{source_address="10.66.0.2"} 1`,
		``,
		`# HELP istio_request_bytes envoy_istio_request_bytes`,
		`# TYPE envoy_server_state gauge`,
		`envoy_server_state{} 0`,
		`envoy_istiod_like 3`,
		``,
	}, "\n")
	var got strings.Builder
	if err := unprefix(&got, iotest.OneByteReader(strings.NewReader(in))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
	// A line longer than the buffer is one line all the same.
	long := `envoy_istio_x{v="` + strings.Repeat("envoy_istio_", 20_000) + `"} 1` + "\n"
	got.Reset()
	if err := unprefix(&got, strings.NewReader(long)); err != nil || got.String() != long[len("envoy_"):] {
		t.Errorf("%d of %d bytes, %v", got.Len(), len(long), err)
	}
}

func entry(id string, kind alsdatav3.AccessLogType, sent, received uint64, tags ...string) *alsdatav3.TCPAccessLogEntry {
	e := &alsdatav3.TCPAccessLogEntry{
		CommonProperties:     &alsdatav3.AccessLogCommon{StreamId: id, AccessLogType: kind, CustomTags: map[string]string{}},
		ConnectionProperties: &alsdatav3.ConnectionProperties{SentBytes: sent, ReceivedBytes: received},
	}
	for i := 0; i < len(tags); i += 2 {
		e.CommonProperties.CustomTags[tags[i]] = tags[i+1]
	}
	return e
}

func TestTCPBytes(t *testing.T) {
	const (
		connected = alsdatav3.AccessLogType_TcpUpstreamConnected
		periodic  = alsdatav3.AccessLogType_TcpPeriodic
		end       = alsdatav3.AccessLogType_TcpConnectionEnd
	)
	b := newTCPBytes(quietLog())
	now := time.Now()
	b.now = func() time.Time { return now }
	tags := []string{"reporter", "source", "destination_service", "mysql", "response_flags", "-", "source_workload", "-", "bad name", "x", "extra", "y"}
	for _, e := range []*alsdatav3.TCPAccessLogEntry{
		entry("a", connected, 0, 0, tags...),
		entry("b", connected, 0, 0, tags...),
		entry("a", periodic, 100, 10, tags...),
		entry("a", periodic, 250, 25, tags...),
		entry("b", end, 7, 3, tags...),
		entry("a", end, 300, 30, tags...),
		entry("c", end, 1000, 1, tags...), // only its end was seen
	} {
		b.add(e)
	}
	if n := testutil.CollectAndCount(b, "istio_tcp_sent_bytes_total"); n != 1 {
		t.Errorf("%d series", n)
	}
	var s *tcpSeries
	for _, s = range b.series {
	}
	if s.sent != 1307 || s.received != 34 {
		t.Errorf("sent %v received %v", s.sent, s.received)
	}
	got := map[string]string{}
	for i, n := range s.names {
		got[n] = s.values[i]
	}
	for name, want := range map[string]string{
		"reporter": "source", "destination_service": "mysql", "response_flags": "-", "source_workload": "unknown",
		"source_principal": "unknown", "request_protocol": "tcp", "extra": "y",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	if len(got) != len(TCPLabels())+1 {
		t.Errorf("labels %v", got)
	}
	if len(b.connections) != 0 {
		t.Errorf("%d connections are remembered", len(b.connections))
	}

	b.add(entry("d", periodic, 5, 5, tags...))
	b.envoyEnded()
	b.add(entry("d", periodic, 5, 5, tags...)) // another Envoy's d
	if s.sent != 1317 {
		t.Errorf("sent %v", s.sent)
	}
	now = now.Add(idleSeries + 2*time.Minute)
	b.add(entry("e", end, 1, 1, "reporter", "destination"))
	if len(b.series) != 1 {
		t.Errorf("%d series after a long time", len(b.series))
	}
}

func TestTCPBytesAreBounded(t *testing.T) {
	b := newTCPBytes(quietLog())
	for i := range maxSeries + 10 {
		b.add(entry("x", alsdatav3.AccessLogType_TcpConnectionEnd, 1, 1, "destination_service", strconv.Itoa(i)))
	}
	if len(b.series) != maxSeries || b.dropped != 10 {
		t.Errorf("%d series, %v dropped", len(b.series), b.dropped)
	}
}

// fakeAdmin is Envoy's admin interface.
func fakeAdmin(t *testing.T, h http.HandlerFunc) *admin {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
	return newAdmin(path)
}

func TestMergedMetrics(t *testing.T) {
	envoy := fakeAdmin(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.String() != "/stats/prometheus?usedonly" {
			t.Errorf("asked for %s", req.URL)
		}
		fmt.Fprint(w, "# TYPE envoy_istio_requests_total counter\nenvoy_istio_requests_total{} 3\n")
	})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines 7\napp_path{path=%q} 1", req.URL.Path)
	}))
	defer app.Close()
	_, port, _ := net.SplitHostPort(app.Listener.Addr().String())
	n, _ := strconv.ParseUint(port, 10, 16)

	get := func(a AppMetrics) string {
		w := httptest.NewRecorder()
		newMerged(envoy, newOwnMetrics(), a, quietLog()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/stats/prometheus", nil))
		return w.Body.String()
	}
	text := get(AppMetrics{Scrape: true, Port: uint16(n), Path: "/custom"})
	for _, want := range []string{"\nistio_requests_total{} 3\n", "\ngo_goroutines 7\n", "app_path{path=\"/custom\"} 1\n", "\nheddle_agent_go_goroutines ", "\nheddle_agent_certificates_issued_total 0\n"} {
		if !strings.Contains("\n"+text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if strings.Count(text, "\ngo_goroutines") != 1 {
		t.Error("the agent's own metrics are taken for the application's")
	}
	if text := get(AppMetrics{Scrape: true, Port: 1}); !strings.Contains(text, "istio_requests_total{} 3") {
		t.Error("an application that does not answer takes the mesh's metrics away")
	}
}

func TestDebugPages(t *testing.T) {
	e := &endpoints{log: quietLog(), admin: fakeAdmin(t, func(w http.ResponseWriter, req *http.Request) { fmt.Fprint(w, req.Method, " ", req.URL) })}
	e.metrics, e.ready = newMerged(e.admin, newOwnMetrics(), AppMetrics{}, quietLog()), &readiness{}
	ask := func(h http.Handler, method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	if code, text := ask(e.private(), "GET", "/debug/config_dump?include_eds"); code != 200 || text != "GET /config_dump?include_eds" {
		t.Error(code, text)
	}
	for _, path := range []string{"/debug/quitquitquit", "/debug/..%2fquitquitquit", "/debug/logging", "/debug/memory"} {
		if code, text := ask(e.private(), "GET", path); code != 404 {
			t.Error(path, code, text)
		}
	}
	if code, _ := ask(e.private(), "POST", "/debug/config_dump"); code == 200 {
		t.Error(code)
	}
	if code, _ := ask(e.public(), "GET", "/debug/config_dump"); code != 404 {
		t.Error("everybody in the mesh may read the dump:", code)
	}
}

func TestTellsTheOwnerOfItsCertificate(t *testing.T) {
	a, err := ca.Open(t.TempDir(), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoints{log: quietLog(), vault: &vault{}, ready: &readiness{}}
	e.metrics = newMerged(nil, newOwnMetrics(), AppMetrics{}, quietLog())
	ask := func(h http.Handler) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, CertificatePath, nil))
		return w.Code, w.Body.String()
	}
	if code, _ := ask(e.private()); code != http.StatusNotFound {
		t.Errorf("without a certificate: %d", code)
	}
	e.vault.own = issue(t, a, "")
	code, text := ask(e.private())
	var got Certificate
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	leaf := e.vault.own.leaf
	if !got.NotAfter.Equal(leaf.NotAfter) || !got.NotBefore.Equal(leaf.NotBefore) || !slices.Equal(got.Names, []string{leaf.URIs[0].String()}) {
		t.Errorf("told %+v", got)
	}
	if code, _ := ask(e.public()); code != http.StatusNotFound {
		t.Errorf("everybody in the mesh may ask: %d", code)
	}
}

func TestAnApplicationCannotSpeakForTheMesh(t *testing.T) {
	const said = "# TYPE istio_requests_total counter\nistio_requests_total{a=\"b\"} 1\n# HELP app_jobs jobs\napp_jobs 3\n  heddle_agent_x 1\napp_istio_like 2"
	var got strings.Builder
	if err := foreign(&got, strings.NewReader(said)); err != nil {
		t.Fatal(err)
	}
	if want := "# HELP app_jobs jobs\napp_jobs 3\napp_istio_like 2\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
