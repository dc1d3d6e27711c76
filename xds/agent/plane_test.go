package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/xds"
)

// plane is a small control plane on a pod's socket. The socket outlives each
// life of it, as the supervisor holds it.
type plane struct {
	securityv1alpha1.UnimplementedIstioCertificateServiceServer
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	t         *testing.T
	authority *ca.Authority
	socket    *net.UnixListener
	server    *grpc.Server

	news notice
	mu   sync.Mutex
	// what is served, by type and name
	resources   map[string]map[string]*discoveryv3.Resource
	description string
	workload    *mesh.Workload
	// what was seen
	csrs     []string
	sent     map[string]int // resources sent, by type
	requests []string       // bytes of every request
	spans    int
	hung     chan struct{} // closed: answers; open: every answer waits
}

func newPlane(t *testing.T, dir string) *plane {
	t.Helper()
	authority, err := ca.Open(filepath.Join(t.TempDir(), "ca"), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), authority.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "xds.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	p := &plane{
		t: t, authority: authority, socket: socket,
		resources: map[string]map[string]*discoveryv3.Resource{}, sent: map[string]int{},
		description: "d1", hung: make(chan struct{}),
		workload: &mesh.Workload{
			WorkloadFacts: mesh.WorkloadFacts{
				Workload: "reviews-v1", Namespace: "default", Cluster: "local", App: "reviews", Version: "v1",
				Canonical: "reviews", Revision: "v1", ServiceAccount: "bookinfo-reviews",
			},
			UID: "uid-1", Pod: "reviews-v1-abc",
		},
	}
	close(p.hung)
	return p
}

// start is one life of the control plane.
func (p *plane) start() {
	p.t.Helper()
	file, err := p.socket.File()
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		p.t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	p.server = grpc.NewServer(grpc.Creds(credentials.NewTLS(p.authority.ServerConfig())), grpc.ForceServerCodecV2(frameCodec{}),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			p.mu.Lock()
			hung := p.hung
			p.mu.Unlock()
			select {
			case <-hung:
			case <-ctx.Done():
			}
			return next(ctx, req)
		}))
	healthpb.RegisterHealthServer(p.server, health.NewServer())
	securityv1alpha1.RegisterIstioCertificateServiceServer(p.server, p)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(p.server, p)
	p.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "opentelemetry.proto.collector.trace.v1.TraceService", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			f := new(frame)
			err := decode(f)
			p.mu.Lock()
			p.spans += len(f.data)
			p.mu.Unlock()
			p.news.tell()
			return &frame{}, err
		}}},
	}, p)
	server := p.server
	go func() { _ = server.Serve(l) }()
	p.t.Cleanup(server.Stop)
}

// kill ends the present life at once.
func (p *plane) kill() { p.server.Stop() }

func (p *plane) CreateCertificate(_ context.Context, m *securityv1alpha1.IstioCertificateRequest) (*securityv1alpha1.IstioCertificateResponse, error) {
	p.mu.Lock()
	p.csrs = append(p.csrs, m.GetCsr())
	w := *p.workload
	p.mu.Unlock()
	s, err := ca.SubjectOf(&w, "cluster.local")
	if err != nil {
		return nil, err
	}
	chain, err := p.authority.Sign([]byte(m.GetCsr()), s, 0)
	if err != nil {
		return nil, err
	}
	p.news.tell()
	out := &securityv1alpha1.IstioCertificateResponse{}
	for _, c := range chain {
		out.CertChain = append(out.CertChain, string(c))
	}
	return out, nil
}

// set replaces or adds a resource; its version is the digest of its content.
func (p *plane) set(name string, m proto.Message) {
	p.t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	table := p.resources[packed.GetTypeUrl()]
	if table == nil {
		table = map[string]*discoveryv3.Resource{}
		p.resources[packed.GetTypeUrl()] = table
	}
	table[name] = &discoveryv3.Resource{Name: name, Version: digest(packed.GetValue()), Resource: packed}
	p.mu.Unlock()
	p.news.tell()
}

func (p *plane) describe(text string) {
	p.mu.Lock()
	p.description = text
	p.mu.Unlock()
	p.news.tell()
}

// resentTo says how many resources were sent since the last call.
func (p *plane) resent() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.sent
	p.sent = map[string]int{}
	return out
}

// client is what one stream holds of one type.
type client struct {
	wildcard bool
	names    map[string]bool
	holds    map[string]string
}

func (p *plane) DeltaAggregatedResources(stream discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	requests := make(chan *discoveryv3.DeltaDiscoveryRequest)
	go func() {
		defer close(requests)
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case requests <- m:
			case <-stream.Context().Done():
				return
			}
		}
	}()
	types := map[string]*client{}
	nonce := 0
	for {
		changed := p.news.changed()
		first := ""
		select {
		case m, ok := <-requests:
			if !ok {
				return nil
			}
			raw, _ := proto.Marshal(m)
			p.mu.Lock()
			p.requests = append(p.requests, string(raw))
			p.mu.Unlock()
			c := types[m.GetTypeUrl()]
			if c == nil {
				c = &client{names: map[string]bool{}, holds: map[string]string{}}
				types[m.GetTypeUrl()] = c
				for n, v := range m.GetInitialResourceVersions() {
					c.holds[n] = v
				}
				c.wildcard = len(m.GetResourceNamesSubscribe()) == 0
				first = m.GetTypeUrl()
			}
			for _, n := range m.GetResourceNamesSubscribe() {
				c.wildcard = c.wildcard || n == "*"
				c.names[n] = true
			}
			for _, n := range m.GetResourceNamesUnsubscribe() {
				delete(c.names, n)
				delete(c.holds, n)
			}
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
		for _, typeURL := range xds.Types {
			c := types[typeURL]
			if c == nil {
				continue
			}
			out := p.lacks(typeURL, c)
			if len(out.GetResources()) == 0 && (first != typeURL || !c.wildcard || len(c.holds) > 0 || typeURL == xds.VirtualHostType) {
				continue
			}
			nonce++
			out.Nonce = fmt.Sprintf("n%d", nonce)
			if err := stream.Send(out); err != nil {
				return err
			}
		}
	}
}

// lacks is what a stream wants and does not hold.
func (p *plane) lacks(typeURL string, c *client) *discoveryv3.DeltaDiscoveryResponse {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL}
	table := p.resources[typeURL]
	if typeURL == xds.SecretType {
		table = p.secrets()
	}
	for name, r := range table {
		if (c.wildcard || c.names[name]) && c.holds[name] != r.GetVersion() {
			c.holds[name] = r.GetVersion()
			out.Resources = append(out.Resources, r)
		}
	}
	p.sent[typeURL] += len(out.GetResources())
	return out
}

func (p *plane) secrets() map[string]*discoveryv3.Resource {
	out := map[string]*discoveryv3.Resource{}
	for _, s := range []*tlsv3.Secret{
		{Name: SecretRoots, Type: &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{TrustedCa: inlineBytes(p.authority.Root())}}},
		{Name: SecretDescription, Type: &tlsv3.Secret_GenericSecret{GenericSecret: &tlsv3.GenericSecret{
			Secret: &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: p.description}},
		}}},
	} {
		packed, err := anypb.New(s)
		if err != nil {
			p.t.Error(err)
			continue
		}
		out[s.GetName()] = &discoveryv3.Resource{Name: s.GetName(), Version: digest(packed.GetValue()), Resource: packed}
	}
	return out
}

// everything is all that ever came to the control plane.
func (p *plane) everything() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.requests, "\n") + strings.Join(p.csrs, "\n")
}
