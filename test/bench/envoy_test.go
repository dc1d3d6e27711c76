package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/envoy"
)

// clientOf makes Envoy a delta client of the server on a socket.
const clientOf = `
node: {id: test, cluster: test}
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    grpc_services: [{envoy_grpc: {cluster_name: xds, retry_policy: {retry_back_off: {base_interval: 0.2s, max_interval: 0.5s}}}}]
  cds_config: {ads: {}, resource_api_version: V3}
  lds_config: {ads: {}, resource_api_version: V3}
static_resources:
  clusters:
  - name: xds
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment: {cluster_name: xds, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: %q}}}}]}]}
`

// startEnvoy runs the pinned Envoy against the server on a socket.
func startEnvoy(t *testing.T, socket string) {
	t.Helper()
	runEnvoy(t, fmt.Appendf(nil, clientOf, socket))
}

// runEnvoy runs the pinned Envoy with a bootstrap and gives its process.
func runEnvoy(t testing.TB, config []byte) (pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	binary, err := envoy.Find(ctx, os.Getenv("HEDDLE_ENVOY"), filepath.Join("..", "..", ".heddle"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bootstrap.yaml") // YAML holds JSON, too
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary.Path, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "-l", "warning", "--drain-time-s", "1")
	cmd.Stderr = &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Envoy says:\n%s", log.String())
		}
	})
	return cmd.Process.Pid
}

// backend answers with its name.
func backend(t testing.TB, name string) int {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).Port
}

// load asks through a port, again and again, until it is stopped.
type load struct {
	asked, failed atomic.Int64
	mu            sync.Mutex
	last          string // a failure's words
}

func startLoad(t *testing.T, port int, host string, workers int) (l *load, stop func()) {
	t.Helper()
	l = &load{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				code, body, err := ask(ctx, client, port, host)
				if ctx.Err() != nil {
					return
				}
				l.asked.Add(1)
				if err != nil || code != http.StatusOK {
					l.failed.Add(1)
					l.mu.Lock()
					l.last = fmt.Sprintf("%d %s %v", code, body, err)
					l.mu.Unlock()
				}
			}
		})
	}
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return l, stop
}

func ask(ctx context.Context, client *http.Client, port int, host string) (int, string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(port)+"/", nil)
	if err != nil {
		return 0, "", err
	}
	q.Host = host
	r, err := client.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r.StatusCode, string(body), err
}

func answers(port int, host, want string) func() bool {
	return func() bool {
		code, body, err := ask(context.Background(), http.DefaultClient, port, host)
		return err == nil && code == http.StatusOK && body == want
	}
}

func TestEnvoyMakeBeforeBreak(t *testing.T) {
	w := newWorld(t, nil, false)
	l, socket := unixListener(t)
	w.listen("pod-1", l)
	port, v1, v2 := freePort(t), backend(t, "v1"), backend(t, "v2")
	base := []xds.Part{
		part(t, edsCluster("shop", time.Second)), part(t, assignment("shop", v1)),
		part(t, routeConfig("http")), part(t, httpListener(t, "http", port)),
	}
	before := append(base, part(t, virtualHost("http/shop", "shop", "shop")))
	w.set(before...)
	startEnvoy(t, socket)
	eventually(t, "Envoy answers", answers(port, "shop", "v1"))

	l200, stop := startLoad(t, port, "shop", 4)
	for i := range 50 {
		// A new subset, and in the same change the route to it and another
		// cluster setting; then all of it goes again.
		subset := fmt.Sprintf("shop-%d", i)
		rev := w.set(
			part(t, edsCluster("shop", time.Second+time.Duration(i)*time.Millisecond)), part(t, assignment("shop", v1)),
			part(t, edsCluster(subset, time.Second)), part(t, assignment(subset, v2)),
			part(t, routeConfig("http")), part(t, httpListener(t, "http", port)),
			part(t, virtualHost("http/shop", "shop", subset)))
		w.settled(rev)
		if i == 0 {
			eventually(t, "the subset answers", answers(port, "shop", "v2"))
		}
		w.settled(w.set(before...))
	}
	stop()
	t.Logf("%d requests, %d failed", l200.asked.Load(), l200.failed.Load())
	if l200.failed.Load() > 0 || l200.asked.Load() < 100 {
		t.Errorf("%d of %d requests failed, the last one: %s", l200.failed.Load(), l200.asked.Load(), l200.last)
	}
}

func TestEnvoyGetsNothingAfterAReturn(t *testing.T) {
	first := newWorld(t, nil, false)
	l, socket := unixListener(t)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	file, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	port, v1 := freePort(t), backend(t, "v1")
	state := []xds.Part{
		part(t, edsCluster("shop", time.Second)), part(t, assignment("shop", v1)), part(t, routeConfig("http")),
		part(t, httpListener(t, "http", port)), part(t, virtualHost("http/shop", "shop", "shop")),
	}
	first.listen("pod-1", l)
	rev := first.set(state...)
	startEnvoy(t, socket)
	eventually(t, "Envoy answers", answers(port, "shop", "v1"))
	first.settled(rev)
	first.stop()

	second := newWorld(t, nil, false)
	again, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	second.listen("pod-1", again)
	rev = second.set(state...)
	eventually(t, "Envoy is back", func() bool {
		p := second.server.Proxies()
		return len(p) == 1 && len(p[0].Types) == 5
	})
	second.settled(rev)
	for _, s := range second.server.Proxies()[0].Types {
		if s.Sent.Bytes > 0 {
			t.Errorf("%s: %d bytes were sent again", s.Type, s.Sent.Bytes)
		}
	}
	// And it follows changes as before.
	second.settled(second.set(append(state, part(t, virtualHost("http/cart", "cart", "shop")))...))
	eventually(t, "the new host answers", answers(port, "cart", "v1"))
}

func TestEnvoyListenerComesBack(t *testing.T) {
	w := newWorld(t, nil, false)
	l, socket := unixListener(t)
	w.listen("pod-1", l)
	port, other, v1 := freePort(t), freePort(t), backend(t, "v1")
	rest := []xds.Part{
		part(t, edsCluster("shop", time.Second)), part(t, assignment("shop", v1)),
		part(t, routeConfig("other")), part(t, httpListener(t, "other", other)),
	}
	with := append(rest, part(t, routeConfig("http")), part(t, httpListener(t, "http", port)), part(t, virtualHost("http/shop", "shop", "shop")))
	w.set(with...)
	startEnvoy(t, socket)
	eventually(t, "Envoy answers", answers(port, "shop", "v1"))
	for range 3 {
		w.settled(w.set(rest...))
		eventually(t, "the listener is gone", func() bool {
			c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
		from := time.Now()
		w.set(with...)
		eventually(t, "the listener answers again", answers(port, "shop", "v1"))
		if d := time.Since(from); d > time.Second {
			t.Errorf("the listener came back after %v", d)
		}
	}
	// A route configuration that changes keeps its hosts.
	changed := routeConfig("http")
	changed.ResponseHeadersToAdd = []*corev3.HeaderValueOption{{Header: &corev3.HeaderValue{Key: "x-changed", Value: "1"}}}
	w.settled(w.set(append(rest, part(t, changed), part(t, httpListener(t, "http", port)), part(t, virtualHost("http/shop", "shop", "shop")))...))
	if !answers(port, "shop", "v1")() {
		t.Error("the hosts of a changed route configuration are gone")
	}
}

func TestEnvoyRejectionHurtsOnlyTheGuilty(t *testing.T) {
	w := newWorld(t, nil, false)
	l, socket := unixListener(t)
	w.listen("pod-1", l)
	rules := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "shop"}
	w.objects[rules] = &mesh.Object{Ref: rules, Hash: mesh.HashOf("1")}
	port, v1, v2 := freePort(t), backend(t, "v1"), backend(t, "v2")
	base := []xds.Part{
		part(t, edsCluster("shop", time.Second)), part(t, assignment("shop", v1)),
		part(t, edsCluster("cart", time.Second)), part(t, assignment("cart", v2)),
		part(t, routeConfig("http")), part(t, httpListener(t, "http", port)),
	}
	good := append(base, part(t, virtualHost("http/shop", "shop", "shop"), rules), part(t, virtualHost("http/cart", "cart", "cart")))
	w.set(good...)
	startEnvoy(t, socket)
	eventually(t, "Envoy answers", answers(port, "shop", "v1"))

	// A pattern that passes every check of ours, and that Envoy refuses.
	bad := virtualHost("http/shop", "shop", "shop")
	bad.Routes[0].Match = &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_SafeRegex{SafeRegex: &matcherv3.RegexMatcher{Regex: "/("}}}
	w.objects[rules] = &mesh.Object{Ref: rules, Hash: mesh.HashOf("2")}
	rev := w.set(append(base, part(t, bad, rules), part(t, virtualHost("http/cart", "cart.new", "cart")))...)
	w.settled(rev)
	eventually(t, "the other change is in force", answers(port, "cart.new", "v2"))
	if !answers(port, "shop", "v1")() {
		t.Error("the rejected host does not go on as before")
	}
	findings := w.server.Findings()
	if len(findings) != 1 || findings[0].Ref != rules || findings[0].Code != mesh.CodeRejected || !strings.Contains(findings[0].Message, "missing )") {
		t.Errorf("findings: %+v", findings)
	}

	// A second proxy starts with the last good content, though nobody else is
	// left to ask.
	l2, socket2 := unixListener(t)
	w.listen("pod-2", l2)
	rev = w.set(append(base, part(t, bad, rules), part(t, virtualHost("http/cart", "cart.new", "cart")))...)
	w.settled(rev)
	startEnvoy(t, socket2)
	eventually(t, "the second proxy has it all", func() bool {
		for _, p := range w.server.Proxies() {
			if p.UID == "pod-2" {
				return p.Settled && len(w.server.Resources("pod-2")[xds.VirtualHostType]) == 2
			}
		}
		return false
	})

	// Mended.
	w.objects[rules] = &mesh.Object{Ref: rules, Hash: mesh.HashOf("3")}
	rev = w.set(append(base, part(t, virtualHost("http/shop", "shop", "cart"), rules), part(t, virtualHost("http/cart", "cart.new", "cart")))...)
	w.settled(rev)
	eventually(t, "the mended host answers", answers(port, "shop", "v2"))
	if f := w.server.Findings(); len(f) > 0 {
		t.Errorf("findings after mending: %+v", f)
	}
}

func TestEnvoyWarmsAClusterThatHasNoEndpoints(t *testing.T) {
	w := newWorld(t, nil, false)
	l, socket := unixListener(t)
	w.listen("pod-1", l)
	port, v1 := freePort(t), backend(t, "v1")
	state := []xds.Part{
		part(t, edsCluster("shop", time.Second)), part(t, assignment("shop", v1)), part(t, routeConfig("http")),
		part(t, httpListener(t, "http", port)), part(t, virtualHost("http/shop", "shop", "shop")),
	}
	w.set(state...)
	startEnvoy(t, socket)
	eventually(t, "Envoy answers", answers(port, "shop", "v1"))
	// A cluster is acknowledged when it is warm, and it waits 15 s for endpoints
	// of which it hears nothing.
	from := time.Now()
	w.settled(w.set(append(state, part(t, edsCluster("lonely", time.Second)))...))
	if d := time.Since(from); d > 5*time.Second {
		t.Errorf("a cluster without endpoints was acknowledged after %v", d)
	}
}
