package agent

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/envoy/envoytest"
)

// pod is an agent with a real Envoy, a control plane and an application.
type pod struct {
	t     *testing.T
	dir   string
	plane *plane
	ports ports
	logs  *lines
	http  *http.Client // of the agent's private socket
	tcp   net.Listener // the application's TCP side
	stop  func() error // ends the agent in order
	role  xds.Role
	// slow is a request to /slow: it says that it arrived, and waits.
	slow chan struct{}
}

// newPod makes everything but starts nothing.
func newPod(t *testing.T) *pod {
	t.Helper()
	// Socket paths are short by law of the kernel.
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &pod{t: t, dir: dir, role: xds.Sidecar, slow: make(chan struct{}), ports: freePorts(t), logs: newLines(), plane: newPlane(t, dir)}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/slow" {
			p.slow <- struct{}{}
			<-p.slow
		}
		fmt.Fprint(w, "hello "+req.URL.Path)
	}))
	t.Cleanup(app.Close)
	p.tcp, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.tcp.Close() })
	go echo(p.tcp)
	serveMesh(t, p.plane, p.ports, portOf(t, app.Listener), portOf(t, p.tcp))
	p.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "metrics.sock"))
		},
		DisableKeepAlives: true,
	}}
	return p
}

func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_, _ = io.Copy(c, c)
		}()
	}
}

// run starts the agent.
func (p *pod) run() {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	options := Options{
		Dir: p.dir, Role: p.role, Envoy: envoytest.Path(p.t),
		Pod:        Pod{Name: "reviews-v1-abc", Namespace: "default", UID: "uid-1"},
		DrainLimit: 3 * time.Second,
		Log:        slog.New(slog.NewTextHandler(p.logs, nil)),
	}
	go func() { done <- Run(ctx, options) }()
	ended := false
	p.stop = func() error {
		if ended {
			return nil
		}
		ended = true
		cancel()
		return <-done
	}
	p.t.Cleanup(func() {
		if err := p.stop(); err != nil {
			p.t.Error(err)
		}
		if p.t.Failed() {
			p.t.Log(p.logs.text())
		}
	})
}

// get asks the agent.
func (p *pod) get(path string) (int, string) {
	res, err := p.http.Get("http://agent" + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// ready waits until the proxy is.
func (p *pod) ready() {
	p.t.Helper()
	last := ""
	eventually(p.t, 15*time.Second, func() bool {
		code, text := p.get("/healthz/ready")
		last = text
		return code == http.StatusOK
	}, func() string { return "readiness: " + last })
}

func (p *pod) waitLog(pattern string) []string {
	p.t.Helper()
	return p.logs.wait(p.t, pattern)
}

// works asks the application through Envoy.
func (p *pod) works() {
	p.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/x", p.ports.http))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if string(text) != "hello /x" {
		p.t.Fatalf("%d %q", res.StatusCode, text)
	}
}

func eventually(t *testing.T, within time.Duration, ok func() bool, why func() string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %s: %s", within, why())
		}
	}
}

func TestAgentBringsEnvoyUp(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	p.works()

	// Envoy shows the workload's certificate.
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.plane.authority.Root())
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports.tls), &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // there is no DNS name to check: the chain is checked below
		MinVersion:         tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	chain := conn.ConnectionState().PeerCertificates
	between := x509.NewCertPool()
	between.AddCert(chain[1])
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between}); err != nil {
		t.Error(err)
	}
	if got := chain[0].URIs[0].String(); got != "spiffe://cluster.local/ns/default/sa/bookinfo-reviews" {
		t.Error(got)
	}

	// A new description means a new certificate, at once, without a new Envoy.
	serial := chain[0].SerialNumber
	p.plane.describe("d2")
	eventually(t, 5*time.Second, func() bool {
		c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports.tls), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // only the serial number is looked at
		if err != nil {
			return false
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(serial) != 0
	}, func() string { return "the certificate is still the old one" })
	p.plane.mu.Lock()
	if n := len(p.plane.csrs); n != 2 {
		t.Errorf("%d certificates were asked for", n)
	}
	p.plane.mu.Unlock()

	// Spans arrive at the control plane.
	eventually(t, 10*time.Second, func() bool {
		p.plane.mu.Lock()
		defer p.plane.mu.Unlock()
		return p.plane.spans > 0
	}, func() string { return "no spans" })

	// No key is in any dump, log, or message.
	key := regexp.MustCompile(`PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)`)
	own, err := os.ReadFile(filepath.Join(p.dir, "secrets", "identity.pem"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(key.FindSubmatch(own)[1]), "\n")[1]
	_, dump := p.get("/debug/config_dump?include_eds")
	if !strings.Contains(dump, "virtual_hosts") || !strings.Contains(dump, `"name": "default"`) {
		t.Errorf("dump of %d bytes", len(dump))
	}
	for name, text := range map[string]string{"dump": dump, "log": p.logs.text(), "wire": p.plane.everything()} {
		if strings.Contains(text, secret) || strings.Contains(text, "PRIVATE") {
			t.Errorf("the key is in the %s", name)
		}
	}
	kept, _ := os.ReadFile(filepath.Join(p.dir, "cache", "configuration"))
	if strings.Contains(string(kept), "PRIVATE") {
		t.Error("the key is in the cache")
	}
	for _, name := range []string{"secrets/identity.pem", "cache/configuration", "envoy.sock", "metrics.sock", "admin.sock"} {
		info, err := os.Stat(filepath.Join(p.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Error(name, info.Mode(), err)
		}
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreForTheChildAlone(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	conn, err := grpc.NewClient("unix://"+filepath.Join(p.dir, "envoy.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if m, err := secretv3.NewSecretDiscoveryServiceClient(conn).StreamSecrets(ctx); err == nil {
		if got, err := m.Recv(); err == nil {
			t.Fatalf("this process got %d secrets", len(got.GetResources()))
		}
	}
	p.waitLog("it is not from the Envoy of this pod")
	_, metrics := p.get("/stats/prometheus")
	if !regexp.MustCompile(`(?m)^heddle_agent_connections_refused_total [1-9]`).MatchString(metrics) {
		t.Error("not counted")
	}
}

// The control plane is killed, then Envoy: it is live again with its
// configuration. The control plane comes back: nothing is sent again.
func TestLifeWithoutControlPlane(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	p.works()
	first := p.plane.resent()
	if first[xds.ListenerType] != 3 || first[xds.VirtualHostType] == 0 {
		t.Fatalf("sent at first: %v", first)
	}

	p.plane.kill()
	p.waitLog("control plane is away")
	p.works()
	pid := p.envoyPID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	p.waitLog("it was ended by signal 9")
	p.ready()
	p.works()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Envoy was away for %s", took)
	} else {
		t.Logf("live again after %s", took)
	}
	if p.envoyPID() == pid {
		t.Fatal("the same Envoy")
	}
	if _, text := p.get("/healthz/ready"); !strings.Contains(text, "the control plane is away") {
		t.Errorf("readiness does not tell: %q", text)
	}
	if _, text := p.get("/stats/prometheus"); !strings.Contains(text, "heddle_agent_control_plane_connected 0\n") {
		t.Error("the metric does not tell")
	}

	began = time.Now()
	p.plane.start()
	eventually(t, 5*time.Second, func() bool {
		_, text := p.get("/stats/prometheus")
		return strings.Contains(text, `heddle_agent_configuration_streams_total{mode="pass"} 2`)
	}, func() string { return "Envoy's stream is not passed through again" })
	t.Logf("passed through again after %s", time.Since(began))
	// A change now reaches Envoy, and is all that is sent.
	p.plane.set("extra", p.extraListener())
	eventually(t, 5*time.Second, func() bool {
		_, text := p.get("/debug/listeners")
		return strings.Contains(text, "extra::")
	}, func() string { return "the new listener does not arrive" })
	if got := p.plane.resent(); got[xds.ListenerType] != 1 || got[xds.ClusterType]+got[xds.EndpointType]+got[xds.RouteType]+got[xds.VirtualHostType]+got[xds.RuntimeType]+got[xds.SecretType] != 0 {
		t.Errorf("sent again: %v", got)
	}
	p.works()
}

// The agent itself comes back while the control plane is away.
func TestAgentStartsFromDisk(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p.plane.kill()
	began := time.Now()
	p.run()
	p.ready()
	p.works()
	t.Logf("ready from disk after %s", time.Since(began))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}

	// Not with what another pod left.
	path := filepath.Join(p.dir, "cache", "configuration")
	data, _ := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "uid-1", "uid-2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run()
	p.waitLog("Envoy waits.*nothing was kept")
	if code, text := p.get("/healthz/ready"); code != 503 || !strings.Contains(text, "the proxy does not run: it waits: the control plane is away") {
		t.Errorf("%d %q", code, text)
	}
}

func TestHungControlPlaneIsNoticed(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	p.plane.mu.Lock()
	p.plane.hung = make(chan struct{})
	p.plane.mu.Unlock()
	began := time.Now()
	p.waitLog("control plane is away.*no answer within")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("noticed after %s", took)
	} else {
		t.Logf("noticed after %s", took)
	}
	p.works()
	p.plane.mu.Lock()
	close(p.plane.hung)
	p.plane.mu.Unlock()
}

func TestMetrics(t *testing.T) {
	p := newPod(t)
	p.plane.start()
	p.run()
	p.ready()
	p.works()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports.tcp))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say := func(n int) {
		if _, err := c.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	bytesOf := func(name string, want int) func() bool {
		line := regexp.MustCompile(fmt.Sprintf(`(?m)^%s\{.*destination_service="tcp".*reporter="source".*source_workload="unknown".*\} %d$`, name, want))
		return func() bool {
			_, text := p.get("/stats/prometheus")
			return line.MatchString(text)
		}
	}
	why := func() string { _, text := p.get("/stats/prometheus"); return text }
	say(1000)
	// While the connection lives.
	eventually(t, 5*time.Second, bytesOf("istio_tcp_sent_bytes_total", 1000), why)
	say(234)
	eventually(t, 5*time.Second, bytesOf("istio_tcp_received_bytes_total", 1234), why)
	say(66)
	c.Close()
	eventually(t, 5*time.Second, bytesOf("istio_tcp_received_bytes_total", 1300), why)
	eventually(t, 5*time.Second, bytesOf("istio_tcp_sent_bytes_total", 1300), why)

	code, text := p.get("/stats/prometheus")
	if code != 200 || !strings.Contains(text, "envoy_server_state") || !strings.Contains(text, "heddle_agent_control_plane_connected 1\n") {
		t.Errorf("%d %.300s", code, text)
	}
}

// A request that is under way when the agent is stopped is answered.
func TestStopDrains(t *testing.T) {
	p := newPod(t)
	p.role = xds.Gateway // all listeners drain
	p.plane.start()
	p.run()
	p.ready()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/slow", p.ports.http))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		answer <- string(text)
	}()
	<-p.slow
	stopped := make(chan error, 1)
	began := time.Now()
	go func() { stopped <- p.stop() }()
	eventually(t, 2*time.Second, func() bool {
		code, text := p.get("/healthz/ready")
		return code == 503 && strings.Contains(text, "stopping")
	}, func() string { return "still ready" })
	p.slow <- struct{}{}
	if got := <-answer; got != "hello /slow" {
		t.Error(got)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2900*time.Millisecond {
		t.Errorf("took %s", took)
	}
	p.waitLog("Envoy is drained")
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.ports.http)); err == nil {
		t.Error("Envoy still listens")
	}
}

// envoyPID is the process that was started last.
func (p *pod) envoyPID() int {
	p.t.Helper()
	all := p.waitLog(`Envoy started" pid=(\d+)`)
	var pid int
	if _, err := fmt.Sscan(all[len(all)-1], &pid); err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// lines is a log that can be waited for.
type lines struct {
	in    *io.PipeWriter
	news  notice
	mu    chan struct{} // held to read or write all
	all   []string
	ended chan struct{}
}

func newLines() *lines {
	r, w := io.Pipe()
	l := &lines{in: w, mu: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		s := bufio.NewScanner(r)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			l.mu <- struct{}{}
			l.all = append(l.all, s.Text())
			<-l.mu
			l.news.tell()
		}
	}()
	return l
}

func (l *lines) Write(p []byte) (int, error) { return l.in.Write(p) }

func (l *lines) text() string {
	l.mu <- struct{}{}
	defer func() { <-l.mu }()
	return strings.Join(l.all, "\n")
}

// wait gives what a pattern (its first group, or all of it) matched, as soon as
// there is a match.
func (l *lines) wait(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.After(15 * time.Second)
	for {
		changed := l.news.changed()
		var out []string
		for _, m := range re.FindAllStringSubmatch(l.text(), -1) {
			out = append(out, m[len(m)-1])
		}
		if len(out) > 0 {
			return out
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("the log never said %q:\n%s", pattern, l.text())
		}
	}
}
