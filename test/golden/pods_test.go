package golden

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
)

// Headers between callers and pods.
const (
	headerCall = "X-Call" // names one call
	headerPod  = "X-Pod"  // the address that answers
	headerFail = "X-Fail" // asks pods to fail in all ways that are retried
)

// hit is a request that arrived at a pod.
type hit struct {
	pod    string // address and port
	host   string
	uri    string
	header http.Header
}

// pods are the applications of the mesh, at their own addresses. Those with a
// sidecar take mutual TLS alone, as their sidecar would.
type pods struct {
	t         *testing.T // of the proxy: pods live as long
	authority *ca.Authority
	own       *mesh.Workload // whose sidecar is real: its application takes plaintext

	open map[netip.AddrPort]bool
	mu   sync.Mutex
	hits map[string][]hit // by call
}

func newPods(t *testing.T, authority *ca.Authority, own *mesh.Workload) *pods {
	t.Helper()
	return &pods{t: t, authority: authority, own: own, open: map[netip.AddrPort]bool{}, hits: map[string][]hit{}}
}

// serve opens the endpoints of a mesh that are not open yet, until the proxy's
// test ends.
func (p *pods) serve(t *testing.T, snap *mesh.Snapshot) {
	t.Helper()
	at := map[netip.Addr]*mesh.Workload{}
	for w := range snap.Workloads.Values() {
		at[w.Address] = w
	}
	for _, list := range snap.Endpoints.All() {
		for _, e := range list.Endpoints {
			// Envoy is the application of a gateway.
			if !e.Address.IsValid() || p.own.Gateway && e.Address == p.own.Address {
				continue
			}
			var identity *mesh.Workload
			if w := at[e.Address]; w != nil && e.Meshed && w.UID != p.own.UID {
				identity = w
			}
			p.listen(t, netip.AddrPortFrom(e.Address, uint16(e.Port)), identity)
		}
	}
}

// listen answers HTTP at an address, over mutual TLS when there is an identity.
func (p *pods) listen(t *testing.T, at netip.AddrPort, identity *mesh.Workload) {
	t.Helper()
	if p.open[at] {
		return
	}
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	p.open[at] = true
	if identity != nil {
		l = hidden{tls.NewListener(l, p.mutual(t, identity))}
	}
	var both http.Protocols
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: &both, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { p.answer(at.String(), w, q) })}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) }) // ends with ErrServerClosed
	p.t.Cleanup(func() {
		_ = server.Close()
		running.Wait()
	})
}

// hidden hides from net/http that connections are TLS: sidecars agree on HTTP/2
// without ALPN, by its preface.
type hidden struct{ net.Listener }

func (h hidden) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return struct{ net.Conn }{c}, nil
}

func (p *pods) answer(pod string, w http.ResponseWriter, q *http.Request) {
	_, _ = io.Copy(io.Discard, q.Body)
	p.mu.Lock()
	id := q.Header.Get(headerCall)
	p.hits[id] = append(p.hits[id], hit{pod: pod, host: q.Host, uri: q.RequestURI, header: q.Header})
	p.mu.Unlock()
	w.Header().Set(headerPod, pod)
	// Something for routes to take away.
	w.Header().Set("Server", "pod")
	w.Header().Set("X-Powered-By", "pod")
	if q.Header.Get(headerFail) != "" {
		w.Header().Set("Grpc-Status", "14") // unavailable
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// of are the requests of a call that arrived so far.
func (p *pods) of(call string) []hit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]hit(nil), p.hits[call]...)
}

// mutual is TLS as the sidecar of a workload speaks it.
func (p *pods) mutual(t *testing.T, w *mesh.Workload) *tls.Config {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.authority.Root())
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.certificate(t, w)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
	}
}

// certificate is one of the mesh for a workload.
func (p *pods) certificate(t *testing.T, w *mesh.Workload) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := ca.SubjectOf(w, p.authority.TrustDomain())
	if err != nil {
		t.Fatal(err)
	}
	chain, err := p.authority.Sign(csr, subject, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := tls.Certificate{PrivateKey: key}
	for _, text := range chain {
		block, _ := pem.Decode(text)
		out.Certificate = append(out.Certificate, block.Bytes)
	}
	return out
}
