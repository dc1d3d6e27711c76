package golden

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// dialled is the address that applications dial: no service has it, so that
// hosts alone decide.
var dialled = netip.MustParseAddr("10.96.0.99")

// caller calls through one proxy in one state of the mesh.
type caller struct {
	proxy *proxy
	pods  *pods
	set   *xds.ResourceSet
	made  int
}

// call sends a call of a case, "GET reviews:9080/ → answer", and checks that
// Envoy does what the case and the simulation say.
func (c *caller) call(t *testing.T, line string) {
	t.Helper()
	text, said, _ := strings.Cut(line, " → ")
	call, err := simulate.ParseCall(text)
	if err != nil {
		t.Fatal(err)
	}
	call.Address = dialled
	want, err := simulate.Walk(c.set, call)
	if err != nil {
		t.Fatal(err)
	}
	// The cases know nothing but the routes that they are about: what those do
	// not take may still be taken by the listener around them.
	if said, _, _ = strings.Cut(said, ", by "); want.Failure == nil && !fails(said) && said != want.String() {
		t.Errorf("%s: the whole plan says %s, the case says %s", text, want, said)
	}
	c.exchange(t, call, want)
}

// exchange makes a call and checks what comes of it.
func (c *caller) exchange(t *testing.T, call simulate.Call, want *simulate.Answer) {
	t.Helper()
	c.run(t, &exchange{call: call, want: want})
}

// retry makes a call of a case that every pod fails, and checks how often Envoy
// tries.
func (c *caller) retry(t *testing.T, line string) {
	t.Helper()
	text, _, _ := strings.Cut(line, " → ")
	call, err := simulate.ParseCall(text)
	if err != nil {
		t.Fatal(err)
	}
	call.Address = dialled
	want, err := simulate.Walk(c.set, call)
	if err != nil {
		t.Fatal(err)
	}
	c.run(t, &exchange{call: call, want: want, fail: true})
}

func (c *caller) run(t *testing.T, x *exchange) {
	t.Helper()
	c.made++
	x.t, x.caller, x.id = t, c, fmt.Sprintf("%s/%d", t.Name(), c.made)
	x.run()
	if t.Failed() {
		t.Logf("%s %s%s → %s\nEnvoy: %s, arrived: %+v", x.call.Method, x.call.Host, x.call.Path, x.want, x.got, c.pods.of(x.id))
	}
}

// fails says whether an answer of a case is Envoy's own.
func fails(said string) bool { return strings.HasPrefix(said, "404 ") || strings.HasPrefix(said, "0 ") }

// exchange is a call and its answer.
type exchange struct {
	t      *testing.T
	caller *caller
	call   simulate.Call
	want   *simulate.Answer
	fail   bool // the pods fail it
	id     string
	got    string // in short
}

func (x *exchange) run() {
	t := x.t
	t.Helper()
	at := x.caller.entrance(t, x.call)
	client := &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return x.dial(ctx, at) },
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	q, err := http.NewRequestWithContext(t.Context(), x.call.Method, "http://"+at.String()+x.call.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = x.call.Host
	for name, value := range x.call.Headers {
		q.Header.Set(name, value)
	}
	q.Header.Set(headerCall, x.id)
	if x.fail {
		q.Header.Set(headerFail, "1")
	}
	res, err := client.Do(q)
	if err != nil {
		t.Errorf("%s %s: %v", x.call.Method, x.call.Host, err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("read the answer: %v", err)
	}
	x.got = fmt.Sprintf("%s %q %v", res.Status, body, res.Header)
	if x.fail {
		x.retried(res)
		return
	}
	x.check(res, string(body))
}

// retried checks how often the call came.
func (x *exchange) retried(res *http.Response) {
	x.t.Helper()
	tries := 1
	if x.want.Retries != nil {
		tries += int(x.want.Retries.Attempts)
	}
	x.status(res, http.StatusServiceUnavailable)
	if got := len(x.caller.pods.of(x.id)); got != tries {
		x.t.Errorf("Envoy tried %d times, want %d", got, tries)
	}
}

// entrance is the address to dial for a call, with somebody behind it where
// Envoy may pass the call through.
func (c *caller) entrance(t *testing.T, call simulate.Call) netip.AddrPort {
	t.Helper()
	if w := c.proxy.workload; w.Gateway {
		port := call.Port
		if r, ok := c.set.Get(xds.ListenerType, names.PortListener(port)); ok {
			port = r.Message.(*listenerv3.Listener).GetAddress().GetSocketAddress().GetPortValue()
		}
		return netip.AddrPortFrom(w.Address, uint16(port))
	}
	at := netip.AddrPortFrom(call.Address, uint16(call.Port))
	c.pods.listen(t, at, nil)
	return at
}

// dial connects as the application beside the sidecar or, for inbound calls,
// as the sidecar of somebody else or a program without one.
func (x *exchange) dial(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	dialer := &net.Dialer{}
	if x.call.Inbound {
		dialer.Control = asOther
	}
	conn, err := dialer.DialContext(ctx, "tcp", at.String())
	if err != nil || !x.call.TLS {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: x.call.ALPN,
		Certificates:       []tls.Certificate{x.caller.pods.certificate(x.t, x.caller.proxy.workload)},
		InsecureSkipVerify: true, // there is no name to check, and what is tested is what the other side takes
	})
	return secure, secure.HandshakeContext(ctx)
}

func (x *exchange) check(res *http.Response, body string) {
	t, want := x.t, x.want
	t.Helper()
	pod := res.Header.Get(headerPod)
	switch {
	case want.Failure != nil:
		x.status(res, want.Failure.Status)
	case want.Redirect != nil:
		x.status(res, want.Redirect.Status)
		if got := res.Header.Get("Location"); got != want.Redirect.Location {
			t.Errorf("redirected to %s", got)
		}
	case want.Direct != nil:
		x.status(res, want.Direct.Status)
		if body != want.Direct.Body {
			t.Errorf("answered %q", body)
		}
	case want.Fault != nil && pod == "":
		x.aborted(res)
	default:
		x.forwarded(res, pod)
		return
	}
	if pod != "" {
		t.Errorf("pod %s answered", pod)
	}
}

func (x *exchange) status(res *http.Response, want int) {
	x.t.Helper()
	if res.StatusCode != want {
		x.t.Errorf("status %s, want %d", res.Status, want)
	}
}

func (x *exchange) aborted(res *http.Response) {
	x.t.Helper()
	f := x.want.Fault
	switch {
	case f.AbortPercent == 0:
		x.t.Errorf("not forwarded: %s", res.Status)
	case f.AbortGRPC != nil && res.Header.Get("Grpc-Status") != "":
		if got := res.Header.Get("Grpc-Status"); got != fmt.Sprint(*f.AbortGRPC) {
			x.t.Errorf("gRPC status %s", got)
		}
	case f.AbortGRPC == nil:
		x.status(res, int(f.AbortStatus))
	}
}

// forwarded checks who answered, and what that one was asked.
func (x *exchange) forwarded(res *http.Response, pod string) {
	t, want := x.t, x.want
	t.Helper()
	if f := want.Fault; f != nil && f.AbortPercent == 100 {
		t.Error("nothing was aborted")
	}
	i := slices.IndexFunc(want.Clusters, func(s simulate.Share) bool { return x.caller.leads(s.Cluster, pod, x.call) })
	if i < 0 {
		t.Errorf("%q answered with %s", pod, res.Status)
		return
	}
	if pod == "" { // nobody is behind the cluster
		x.status(res, http.StatusServiceUnavailable)
		return
	}
	x.status(res, http.StatusOK)
	share := want.Clusters[i]
	arrived := x.caller.pods.of(x.id)
	at := slices.IndexFunc(arrived, func(h hit) bool { return h.pod == pod })
	got := arrived[at]
	host := x.call.Host
	for _, other := range []string{want.Host, share.Host} {
		if other != "" {
			host = other
		}
	}
	if got.host != host {
		t.Errorf("the pod was called %s, want %s", got.host, host)
	}
	if by := got.header.Get("X-Forwarded-Client-Cert"); x.call.TLS && want.RouteConfiguration != "" && !strings.Contains(by, "URI=spiffe://") {
		t.Errorf("the pod was told %q of its caller", by)
	}
	path := x.call.Path
	if want.Path != "" {
		path = want.Path
	}
	if got.uri != path {
		t.Errorf("the pod was asked for %s, want %s", got.uri, path)
	}
	for _, h := range []simulate.Headers{want.RequestHeaders, share.RequestHeaders} {
		x.changed("request", got.header, h)
	}
	for _, h := range []simulate.Headers{want.ResponseHeaders, share.ResponseHeaders} {
		x.changed("response", res.Header, h)
	}
	for _, m := range want.Mirrors {
		if m.Percent == 100 {
			x.mirrored(m.Cluster)
		}
	}
}

// changed checks headers whose values are fixed.
func (x *exchange) changed(of string, got http.Header, want simulate.Headers) {
	x.t.Helper()
	fixed := func(h simulate.Header) bool { return !strings.Contains(h.Value, "%") }
	for _, h := range want.Set {
		if fixed(h) && got.Get(h.Name) != h.Value {
			x.t.Errorf("%s header %s is %q, want %q", of, h.Name, got.Values(h.Name), h.Value)
		}
	}
	for _, h := range want.Add {
		if fixed(h) && !slices.Contains(got.Values(h.Name), h.Value) {
			x.t.Errorf("%s header %s is %q, want %q among them", of, h.Name, got.Values(h.Name), h.Value)
		}
	}
	for _, name := range want.Remove {
		if values := got.Values(name); len(values) > 0 {
			x.t.Errorf("%s header %s is still %q", of, name, values)
		}
	}
}

// mirrored waits for the copy of a call, which comes on its own time.
func (x *exchange) mirrored(cluster string) {
	x.t.Helper()
	eventually(x.t, func() error {
		for _, h := range x.caller.pods.of(x.id) {
			if strings.Contains(h.host, "-shadow") && x.caller.leads(cluster, h.pod, x.call) {
				return nil
			}
		}
		return fmt.Errorf("no copy of the call came to %s", cluster)
	})
}

// leads says whether a pod, by address and port, stands behind a cluster. With
// "" it says whether nobody does.
func (c *caller) leads(cluster, pod string, call simulate.Call) bool {
	r, ok := c.set.Get(xds.EndpointType, cluster)
	if !ok { // it leads to where the caller wanted
		return pod == netip.AddrPortFrom(call.Address, uint16(call.Port)).String()
	}
	var all []string
	for _, locality := range r.Message.(*endpointv3.ClusterLoadAssignment).GetEndpoints() {
		for _, e := range locality.GetLbEndpoints() {
			all = append(all, addressOf(e))
		}
	}
	if pod == "" {
		return len(all) == 0
	}
	return slices.Contains(all, pod)
}
