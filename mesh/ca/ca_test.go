package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

func workload() *mesh.Workload {
	return &mesh.Workload{
		WorkloadFacts: mesh.WorkloadFacts{
			Workload: "reviews-v1", Namespace: "default", Cluster: "local", App: "reviews", Version: "v1",
			Canonical: "reviews", Revision: "v1", ServiceAccount: "bookinfo-reviews",
		},
		UID: "4f0a2c11-4b3e-4f3f-9d36-0b5d2f9b7f11", Pod: "reviews-v1-abc",
	}
}

func request(t *testing.T, key any, tmpl *x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, tmpl, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parseLeaf(t *testing.T, chain [][]byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(chain[0])
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openTemp(t *testing.T) *Authority {
	t.Helper()
	a, err := Open(filepath.Join(t.TempDir(), "ca"), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestLeafSaysWhatTheClusterSays(t *testing.T) {
	a := openTemp(t)
	s, err := SubjectOf(workload(), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	key, _ := newKey()
	evil := request(t, key, &x509.CertificateRequest{
		Subject:     pkix.Name{CommonName: "admin", Organization: []string{"evil"}},
		DNSNames:    []string{"heddle.heddle-system.svc"},
		IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/kube-system/sa/admin"}},
	})
	chain, err := a.Sign(encodePEM("CERTIFICATE REQUEST", evil), s, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(chain) != 2 {
		t.Fatalf("chain of %d certificates", len(chain))
	}
	leaf := parseLeaf(t, chain)
	if diff := cmp.Diff([]*url.URL{{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/default/sa/bookinfo-reviews"}}, leaf.URIs); diff != "" {
		t.Error(diff)
	}
	if len(leaf.DNSNames)+len(leaf.IPAddresses)+len(leaf.EmailAddresses) != 0 {
		t.Errorf("names of the request got in: %v %v", leaf.DNSNames, leaf.IPAddresses)
	}
	want := "CN=reviews-v1,O=reviews,OU=v1,L=reviews,ST=v1,STREET=local,SERIALNUMBER=4f0a2c11-4b3e-4f3f-9d36-0b5d2f9b7f11"
	var written pkix.RDNSequence // leaf.Subject forgets the order
	if _, err := asn1.Unmarshal(leaf.RawSubject, &written); err != nil {
		t.Fatal(err)
	}
	if got := written.String(); got != want {
		t.Errorf("subject\n got %s\nwant %s", got, want)
	}
	if life := time.Until(leaf.NotAfter); life > MaxTTL || life < MaxTTL-time.Minute {
		t.Errorf("life %s", life)
	}
	if leaf.IsCA || !time.Now().After(leaf.NotBefore.Add(4*time.Minute)) {
		t.Errorf("IsCA %v, not before %s", leaf.IsCA, leaf.NotBefore)
	}

	roots, inter := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(a.Root())
	inter.AppendCertsFromPEM(chain[1])
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inter, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
}

func TestEmptyAndLongValues(t *testing.T) {
	w := workload()
	w.App, w.Version, w.ServiceAccount = "", "", ""
	w.Workload = strings.Repeat("a", 100)
	s, err := SubjectOf(w, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.URI().String(); got != "spiffe://cluster.local/ns/default/sa/default" {
		t.Error(got)
	}
	var values []string
	for _, n := range s.Name().ExtraNames {
		values = append(values, n.Value.(string))
	}
	if len(values) != 7 || values[4] != "unknown" || values[5] != "unknown" || len(values[6]) != 64 {
		t.Errorf("%q", values)
	}
	w.Workload = strings.Repeat("a", 99) + "b"
	other, _ := SubjectOf(w, "cluster.local")
	if cmp.Equal(other.Name(), s.Name()) {
		t.Error("two long names became one")
	}
}

// A label value with dots or odd characters mints nothing but itself, or
// nothing at all.
func TestOddValuesMintNothing(t *testing.T) {
	w := workload()
	w.Version = "1.2.CN-admin"
	s, err := SubjectOf(w, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	name := s.Name()
	if got := name.ToRDNSequence().String(); !strings.HasPrefix(got, "CN=reviews-v1,O=reviews,OU=1.2.CN-admin,L=") {
		t.Error(got)
	}
	odd := []string{"v1,CN=admin", "v1+CN=admin", `v1\`, "v1\n", "v1 ", "v1/CN=x", "v1\x00", "ü", `"v1"`, "a=b", "#00", "<x>;", "v1:2"}
	set := []func(*mesh.Workload, string){
		func(w *mesh.Workload, v string) { w.Version = v },
		func(w *mesh.Workload, v string) { w.App = v },
		func(w *mesh.Workload, v string) { w.Workload = v },
		func(w *mesh.Workload, v string) { w.Canonical = v },
		func(w *mesh.Workload, v string) { w.Revision = v },
		func(w *mesh.Workload, v string) { w.Cluster = v },
		func(w *mesh.Workload, v string) { w.UID = v },
		func(w *mesh.Workload, v string) { w.Namespace = v },
		func(w *mesh.Workload, v string) { w.ServiceAccount = v },
	}
	a := openTemp(t)
	key, _ := newKey()
	csr := request(t, key, &x509.CertificateRequest{})
	for _, v := range odd {
		for i, f := range set {
			w := workload()
			f(w, v)
			if s, err := SubjectOf(w, "cluster.local"); err == nil {
				t.Errorf("value %d %q: subject %+v", i, v, s)
			}
		}
		s, _ := SubjectOf(workload(), "cluster.local")
		s.App = v
		if _, err := a.Sign(csr, s, time.Hour); err == nil {
			t.Errorf("%q was signed", v)
		}
	}
	for _, ns := range []string{"a.b", "", "default/sa/x", "Default", "-a"} {
		w := workload()
		w.Namespace = ns
		if _, err := SubjectOf(w, "cluster.local"); err == nil {
			t.Errorf("namespace %q", ns)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	a := openTemp(t)
	s, _ := SubjectOf(workload(), "cluster.local")
	good, _ := newKey()
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	forged := request(t, good, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "aaaa"}})
	forged = bytes.Replace(forged, []byte("aaaa"), []byte("bbbb"), 1)
	for name, csr := range map[string][]byte{
		"no request":  []byte("hello"),
		"empty":       nil,
		"forged":      forged,
		"P-224":       request(t, p224, &x509.CertificateRequest{}),
		"Ed25519":     request(t, ed, &x509.CertificateRequest{}),
		"RSA 1024":    request(t, weak, &x509.CertificateRequest{}),
		"very long":   bytes.Repeat([]byte{'x'}, maxCSR+1),
		"certificate": a.Root(),
	} {
		if _, err := a.Sign(csr, s, time.Hour); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	other := s
	other.TrustDomain = "elsewhere.example"
	if _, err := a.Sign(request(t, good, &x509.CertificateRequest{}), other, 0); err == nil {
		t.Error("signed for another trust domain")
	}
}

func TestOpenIsStableAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	roots := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range roots {
		wg.Go(func() {
			a, err := Open(dir, "cluster.local")
			if err != nil {
				t.Error(err)
				return
			}
			roots[i] = a.Root()
		})
	}
	wg.Wait()
	for _, r := range roots {
		if !bytes.Equal(r, roots[0]) {
			t.Fatal("two openers made two roots")
		}
	}
	if bytes.Contains(roots[0], []byte("PRIVATE")) {
		t.Fatal("the bundle holds a key")
	}
	info, _ := os.Stat(dir)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v", info.Mode())
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s %v", e.Name(), info.Mode())
		}
	}
	if len(entries) != 3 {
		t.Errorf("%d files", len(entries))
	}
	if _, err := Open(dir, "other.example"); err == nil || !strings.Contains(err.Error(), `made for trust domain "cluster.local"`) {
		t.Error(err)
	}
}

func TestSigningCertificateIsRenewed(t *testing.T) {
	clock := time.Now()
	a, err := open(filepath.Join(t.TempDir(), "ca"), "cluster.local", func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	s, _ := SubjectOf(workload(), "cluster.local")
	key, _ := newKey()
	csr := request(t, key, &x509.CertificateRequest{})
	first, err := a.Sign(csr, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(signingLife - 10*24*time.Hour)
	second, err := a.Sign(csr, s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first[1], second[1]) {
		t.Error("the old signing certificate still signs")
	}
	if leaf := parseLeaf(t, second); !leaf.NotAfter.After(clock) {
		t.Errorf("leaf ended %s", leaf.NotAfter)
	}
}

// Roots behind the first one are trusted and do not sign: room for rotation.
func TestBundleOfSeveralRoots(t *testing.T) {
	old, next := filepath.Join(t.TempDir(), "ca"), filepath.Join(t.TempDir(), "ca")
	a, err := Open(old, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(next, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(next, rootFile)
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, a.Root()...), 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := Open(next, "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	if want := string(b.Root()) + string(a.Root()); string(both.Root()) != want {
		t.Error("the bundle is not both roots")
	}
}

func TestServerConfig(t *testing.T) {
	a := openTemp(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.Root())
	client, server := net.Pipe()
	go func() { _ = tls.Server(server, a.ServerConfig()).Handshake() }()
	conn := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: ServerName, NextProtos: []string{"h2"}})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Error(got)
	}
}

func TestDescriptionHash(t *testing.T) {
	a, b := workload(), workload()
	b.Ready, b.Labels = true, map[string]string{"x": "y"}
	if DescriptionHash(a) != DescriptionHash(b) {
		t.Error("readiness or an unrelated label asks for a new certificate")
	}
	b.Version = "v2"
	if DescriptionHash(a) == DescriptionHash(b) {
		t.Error("a new version does not")
	}
}
