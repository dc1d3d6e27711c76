package serve

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// ends waits until the server ends the client's stream, and gives its reason.
func (c *client) ends() codes.Code {
	c.t.Helper()
	for {
		select {
		case <-c.in:
		case err := <-c.err:
			return status.Code(err)
		case <-time.After(patience):
			c.t.Fatal("the stream goes on")
		}
	}
}

func TestLimitsEndTheStreamThatBreaksThem(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("name-", i)
	}
	initial := map[string]string{}
	for _, name := range many {
		initial[name] = "1"
	}
	cases := map[string]struct {
		q    *discoveryv3.DeltaDiscoveryRequest
		want codes.Code
	}{
		"too many names":    {&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNamesSubscribe: many}, codes.ResourceExhausted},
		"too many versions": {&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType, InitialResourceVersions: initial}, codes.ResourceExhausted},
		"a name too long":   {&discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.EndpointType, ResourceNamesSubscribe: []string{strings.Repeat("x", 2000)}}, codes.InvalidArgument},
		"a type too long":   {&discoveryv3.DeltaDiscoveryRequest{TypeUrl: strings.Repeat("x", 2000)}, codes.InvalidArgument},
		"too large":         {&discoveryv3.DeltaDiscoveryRequest{TypeUrl: strings.Repeat("x", 200_000)}, codes.ResourceExhausted},
	}
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Names: 100, RequestBytes: 100_000} }, "pod-1", "pod-2")
	w.set(shop()...)
	other := w.connect("pod-2")
	start(other)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bad := w.connect("pod-1")
			bad.t = t
			bad.send(c.q)
			if got := bad.ends(); got != c.want {
				t.Errorf("the stream ended with %v, want %v", got, c.want)
			}
		})
	}
	types := w.connect("pod-1")
	for i := range 40 {
		if types.stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: fmt.Sprint("type-", i), ResourceNamesSubscribe: []string{"x"}}) != nil {
			break
		}
	}
	if got := types.ends(); got != codes.ResourceExhausted {
		t.Errorf("too many types: %v", got)
	}
	other.silent()
}

func TestStreamsPerPodAreBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{StreamsPerPod: 2} }, "pod-1", "pod-2")
	w.set(shop()...)
	w.connect("pod-1").silent()
	w.connect("pod-1").silent()
	if got := w.connect("pod-1").ends(); got != codes.ResourceExhausted {
		t.Errorf("the third stream ended with %v", got)
	}
	w.connect("pod-2").silent()
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{SendTimeout: 50 * time.Millisecond} }, "pod-1", "pod-2")
	parts := shop()
	for i := range 3000 {
		parts = append(parts, part(edsCluster(fmt.Sprintf("outbound|%d||%s", i, strings.Repeat("x", 200)), time.Second)))
	}
	w.set(parts...)
	c, err := grpc.NewClient("passthrough:///pod-1", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return w.pods["pod-1"].DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(c).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The first response fills what the connection takes; the second one waits.
	for _, typ := range []string{xds.ClusterType, xds.ListenerType} {
		if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the stream is there", func() bool { return len(w.server.Proxies()) == 1 })
	eventually(t, "the stream is cut off", func() bool { return len(w.server.Proxies()) == 0 })
	other := w.connect("pod-2")
	other.subscribe(xds.ListenerType)
	other.take(xds.ListenerType)
}

func TestClientThatDoesNotAnswerIsCutOff(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{AnswerTimeout: 20 * time.Millisecond} }, "pod-1")
	w.set(shop()...)
	c := w.connect("pod-1")
	c.subscribe(xds.ListenerType)
	c.expect(xds.ListenerType)
	if got := c.ends(); got != codes.DeadlineExceeded {
		t.Errorf("the stream ended with %v", got)
	}
}

func TestFloodIsReadNoFasterThanTheLimit(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{RequestsPerSecond: 5} }, "pod-1", "pod-2")
	w.set(shop()...)
	flood := w.connect("pod-1")
	for i := range 500 {
		flood.send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: probeType, ResourceNamesSubscribe: []string{fmt.Sprint(i)}})
	}
	other := w.connect("pod-2")
	start(other)
	for _, p := range w.server.Proxies() {
		if p.UID == "pod-1" && len(p.Types) > 0 && p.Types[0].Subscribed > 100 {
			t.Errorf("%d requests were handled", p.Types[0].Subscribed)
		}
	}
}

func TestConnectionThatProvesNoPodIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	w.set(shop()...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- w.grpc.Serve(l) }()
	t.Cleanup(func() {
		w.stop()
		<-served
	})
	c, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(c).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("discovery: %v", err)
	}
	_, err = securityv1alpha1.NewIstioCertificateServiceClient(c).CreateCertificate(t.Context(), &securityv1alpha1.IstioCertificateRequest{})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("certificate: %v", err)
	}
}

func TestTypesThatClientsMakeUpAreOneSeries(t *testing.T) {
	for typ, want := range map[string]string{xds.ClusterType: "Cluster", "type.googleapis.com/made.Up": "other", "": "other"} {
		if got := typeLabel(typ); got != want {
			t.Errorf("%q is counted as %q, want %q", typ, got, want)
		}
	}
}

func TestWordsOfAClientAreCut(t *testing.T) {
	for _, words := range []string{"", "bad route", strings.Repeat("x", maxWords)} {
		if got := clip(words); got != words {
			t.Errorf("%d bytes became %d", len(words), len(got))
		}
	}
	if got := clip(strings.Repeat("ü", maxWords)); len(got) > maxWords+4 || !utf8.ValidString(got) {
		t.Errorf("%d bytes are kept, valid: %v", len(got), utf8.ValidString(got))
	}
}

func TestConnectionsPerPodAreBounded(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "pod.sock"))
	if err != nil {
		t.Fatal(err)
	}
	pod := &podListener{Listener: l, uid: "pod-1", conns: map[*podConn]struct{}{}}
	t.Cleanup(pod.shut)
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := pod.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	var first net.Conn
	for i := range maxPodConns {
		dial()
		if c := <-accepted; i == 0 {
			first = c
		}
	}
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is not closed")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	dial()
	select {
	case <-accepted:
	case <-time.After(patience):
		t.Error("a place that is free again is not given")
	}
}

func TestPodGetsItsOwnIdentityAndSecrets(t *testing.T) {
	authority, err := ca.Open(t.TempDir(), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) { o.Signer = Authority(authority) }, "pod-1")
	w.set(shop()...)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"somebody.else"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	client := securityv1alpha1.NewIstioCertificateServiceClient(w.dial("pod-1"))
	eventually(t, "the server knows the mesh", func() bool { snap, _ := w.server.current(); return snap != nil })
	r, err := client.CreateCertificate(t.Context(), &securityv1alpha1.IstioCertificateRequest{
		Csr: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(r.GetCertChain()[0]))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(leaf.URIs) != 1 || leaf.URIs[0].String() != "spiffe://cluster.local/ns/default/sa/default" || len(leaf.DNSNames) > 0 {
		t.Errorf("identity: %v %v", leaf.URIs, leaf.DNSNames)
	}
	if _, err := client.CreateCertificate(t.Context(), &securityv1alpha1.IstioCertificateRequest{Csr: "nonsense"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("nonsense: %v", err)
	}

	agent := w.connect("pod-1")
	agent.subscribe(xds.SecretType, names.TrustBundle, SecretDescription)
	secrets := agent.take(xds.SecretType)
	if len(secrets.GetResources()) != 2 {
		t.Fatalf("secrets: %v", resourceNames(secrets))
	}
	var root tlsv3.Secret
	if err := secrets.GetResources()[0].GetResource().UnmarshalTo(&root); err != nil {
		t.Fatal(err)
	}
	if got := root.GetValidationContext().GetTrustedCa().GetInlineBytes(); string(got) != string(authority.Root()) {
		t.Errorf("trust bundle: %s", got)
	}
	// A change of what the certificate says is told at once; any other is not.
	w.settled(w.set(shop()...))
	agent.silent()
	w.mu.Lock()
	w.account = "other"
	w.mu.Unlock()
	w.set(shop()...)
	if got := resourceNames(agent.take(xds.SecretType)); len(got) != 1 || got[0] != SecretDescription {
		t.Errorf("after the change: %v", got)
	}
}

func TestSettled(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	told := make(chan mesh.Hash, 10)
	w.server.OnSettled(func(rev mesh.Hash) { told <- rev })
	first := w.set(shop()...)
	if got := <-told; got != first {
		t.Errorf("nobody is connected: told %v, want %v", got, first)
	}
	c := w.connect("pod-1")
	start(c)
	w.settled(first)
	second := w.set(with(shop(), part(virtualHost("80/shop", "other", "outbound|80||shop")))...)
	r := c.expect(xds.VirtualHostType)
	if w.isSettled(second) {
		t.Error("settled before the proxy has acknowledged")
	}
	c.ack(r)
	if got := <-told; got != second {
		t.Errorf("told %v, want %v", got, second)
	}
	if !w.isSettled(second) || w.isSettled(mesh.HashOf("unknown")) {
		t.Error("settled is wrong")
	}
}

func TestMemoForgetsWhatNobodyUses(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	w.set(shop()...)
	one, two := w.connect("pod-1"), w.connect("pod-2")
	start(one)
	start(two)
	if made := w.server.Made(); made != 5 {
		t.Errorf("%d parts made for two proxies, want 5", made)
	}
	for i := range 50 {
		rev := w.set(with(shop(), part(assignment("outbound|80||shop", uint32(9000+i))))...)
		one.take(xds.EndpointType)
		two.take(xds.EndpointType)
		w.settled(rev)
	}
	if made := w.server.Made(); made != 55 {
		t.Errorf("%d parts made, want 55", made)
	}
	eventually(t, "the memo shrinks", func() bool {
		runtime.GC()
		return w.server.memo.size() <= 8
	})
}
