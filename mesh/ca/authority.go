package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"time"
)

const (
	// MaxTTL bounds the life of a workload's certificate.
	MaxTTL = 24 * time.Hour
	// ServerName is the DNS name in the control plane's own certificate.
	ServerName = "heddle.heddle-system.svc"

	rootLife    = 10 * 365 * 24 * time.Hour
	signingLife = 365 * 24 * time.Hour
	// renewSigning is the life left at which a new signing certificate is made.
	renewSigning = 30 * 24 * time.Hour
	// skew is how far a certificate reaches into the past, for clocks that
	// are behind.
	skew = 5 * time.Minute
	// maxCSR bounds what a signing request may weigh.
	maxCSR = 16 << 10
)

// Authority signs. It may be used from any goroutine, and by several processes
// on one folder at a time.
type Authority struct {
	dir         string
	trustDomain string
	now         func() time.Time

	mu     sync.Mutex
	keys   material
	server *tls.Certificate // of the control plane itself, made when first needed
}

// Root is the trust bundle in PEM: every root that is trusted at present.
func (a *Authority) Root() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Clone(a.keys.bundle)
}

// TrustDomain that the authority signs for.
func (a *Authority) TrustDomain() string { return a.trustDomain }

// Sign issues a certificate for the key of a signing request (PEM or DER). Only
// the key and the proof that the asker holds it are taken from the request;
// every name in it is ignored. ttl is clipped to MaxTTL; zero is MaxTTL. The
// result is the leaf and the certificate that signed it, each in PEM, without
// the root.
func (a *Authority) Sign(csr []byte, s Subject, ttl time.Duration) ([][]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.TrustDomain != a.trustDomain {
		return nil, fmt.Errorf("subject of trust domain %q, but this authority signs for %q", s.TrustDomain, a.trustDomain)
	}
	key, err := requestedKey(csr)
	if err != nil {
		return nil, err
	}
	if ttl <= 0 || ttl > MaxTTL {
		ttl = MaxTTL
	}
	usage := x509.KeyUsageDigitalSignature
	if _, ok := key.(*rsa.PublicKey); ok {
		usage |= x509.KeyUsageKeyEncipherment
	}
	leaf, signing, err := a.issue(&x509.Certificate{
		Subject:     s.Name(),
		URIs:        []*url.URL{s.URI()},
		KeyUsage:    usage,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, key, ttl)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of %s: %w", s.URI(), err)
	}
	return [][]byte{encodePEM(typeCertificate, leaf), encodePEM(typeCertificate, signing)}, nil
}

// ServerConfig is TLS for the control plane's own listeners: a certificate for
// ServerName, renewed by itself. Clients are not asked for one.
func (a *Authority) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.serverCertificate()
		},
	}
}

func (a *Authority) serverCertificate() (*tls.Certificate, error) {
	a.mu.Lock()
	have := a.server
	a.mu.Unlock()
	if have != nil && a.now().Before(halfLife(have.Leaf)) {
		return have, nil
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	leaf, signing, err := a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: ServerName},
		DNSNames:    []string{ServerName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public(), MaxTTL)
	if err != nil {
		return nil, fmt.Errorf("issue the control plane's certificate: %w", err)
	}
	parsed, err := x509.ParseCertificate(leaf)
	if err != nil {
		return nil, fmt.Errorf("read the control plane's certificate: %w", err)
	}
	made := &tls.Certificate{Certificate: [][]byte{leaf, signing}, PrivateKey: key, Leaf: parsed}
	a.mu.Lock()
	a.server = made
	a.mu.Unlock()
	return made, nil
}

// issue fills in serial number and validity and signs; the results are DER.
func (a *Authority) issue(t *x509.Certificate, key crypto.PublicKey, ttl time.Duration) (leaf, signing []byte, err error) {
	keys, err := a.current()
	if err != nil {
		return nil, nil, err
	}
	if t.SerialNumber, err = serial(); err != nil {
		return nil, nil, err
	}
	now := a.now()
	t.NotBefore, t.NotAfter = now.Add(-skew), now.Add(ttl)
	if t.NotAfter.After(keys.signing.NotAfter) {
		t.NotAfter = keys.signing.NotAfter
	}
	t.BasicConstraintsValid = true
	leaf, err = x509.CreateCertificate(rand.Reader, t, keys.signing, key, keys.signingKey)
	if err != nil {
		return nil, nil, err
	}
	return leaf, keys.signing.Raw, nil
}

// current gives the signing certificate, renewed when it is near its end.
func (a *Authority) current() (material, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys.signing.NotAfter.Sub(a.now()) > renewSigning {
		return a.keys, nil
	}
	keys, err := ensure(a.dir, a.trustDomain, a.now())
	if err != nil {
		return material{}, fmt.Errorf("renew the signing certificate: %w", err)
	}
	a.keys = keys
	return keys, nil
}

// requestedKey reads a signing request and checks that the asker holds the key
// and that the key is strong enough.
func requestedKey(csr []byte) (crypto.PublicKey, error) {
	if len(csr) > maxCSR {
		return nil, fmt.Errorf("signing request of %d bytes; at most %d are read", len(csr), maxCSR)
	}
	if block, _ := pem.Decode(csr); block != nil {
		csr = block.Bytes
	}
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("read the signing request: %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("signing request is not signed by its own key: %w", err)
	}
	switch key := req.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < elliptic.P256().Params().BitSize {
			return nil, fmt.Errorf("ECDSA key on %s; P-256 or larger is needed", key.Curve.Params().Name)
		}
		return key, nil
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return nil, fmt.Errorf("RSA key of %d bits; 2048 or more are needed", key.N.BitLen())
		}
		return key, nil
	default:
		return nil, fmt.Errorf("key of type %s; ECDSA (P-256 or larger) or RSA (2048 bits or more) is needed", req.PublicKeyAlgorithm)
	}
}

// halfLife is when half of a certificate's validity is over.
func halfLife(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 2)
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// serial is a random positive number of 127 bits, as RFC 5280 allows up to 20
// octets and wants it unpredictable.
func serial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

var errKeyMismatch = errors.New("key and certificate do not belong together")
