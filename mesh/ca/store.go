package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/mesh/private"
)

const (
	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY"

	// Each file holds a certificate and its key together, so that replacing
	// the file replaces both. root.pem may hold further certificates behind
	// the first: roots that are trusted but do not sign.
	rootFile    = "root.pem"
	signingFile = "signing.pem"
	lockFile    = "lock"
)

// material is what the folder holds.
type material struct {
	bundle     []byte // PEM of all trusted roots, without keys
	signing    *x509.Certificate
	signingKey *ecdsa.PrivateKey
}

// Open reads the authority in dir, and makes it there at first use: a root for
// ten years and a signing certificate for one. The folder is 0700, its files
// 0600. Several processes may open one folder at the same time.
func Open(dir, trustDomain string) (*Authority, error) {
	return open(dir, trustDomain, time.Now)
}

func open(dir, trustDomain string, now func() time.Time) (*Authority, error) {
	if !isDNSName(trustDomain) {
		return nil, fmt.Errorf("trust domain %q is not a DNS name", trustDomain)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the certificate authority's folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close the certificate authority's folder to others: %w", err)
	}
	keys, err := ensure(dir, trustDomain, now())
	if err != nil {
		return nil, fmt.Errorf("open the certificate authority in %s: %w", dir, err)
	}
	return &Authority{dir: dir, trustDomain: trustDomain, now: now, keys: keys}, nil
}

// ensure reads the folder and makes what is missing or near its end. A lock
// file makes it safe against other processes.
func ensure(dir, trustDomain string, now time.Time) (material, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return material{}, err
	}
	defer lock.Close() // gives the lock back
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return material{}, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}

	root, err := loadOrMake(filepath.Join(dir, rootFile), func() (pair, error) {
		return makeAuthority("Heddle root", trustDomain, now, rootLife, nil)
	})
	if err != nil {
		return material{}, err
	}
	if got := authorityDomain(root.chain[0]); got != trustDomain {
		return material{}, fmt.Errorf("it was made for trust domain %q, not %q: set the trust domain back or use another state folder", got, trustDomain)
	}
	if !now.Before(root.chain[0].NotAfter) {
		return material{}, fmt.Errorf("the root certificate ended on %s: remove %s and restart every workload", root.chain[0].NotAfter.Format(time.DateOnly), dir)
	}

	makeSigning := func() (pair, error) {
		return makeAuthority("Heddle signing", trustDomain, now, signingLife, &root)
	}
	path := filepath.Join(dir, signingFile)
	signing, err := loadOrMake(path, makeSigning)
	if err != nil {
		return material{}, err
	}
	if signing.chain[0].NotAfter.Sub(now) <= renewSigning || signing.chain[0].CheckSignatureFrom(root.chain[0]) != nil {
		if signing, err = makeSigning(); err != nil {
			return material{}, err
		}
		if err := signing.write(path); err != nil {
			return material{}, err
		}
	}

	var bundle []byte
	for _, c := range root.chain {
		bundle = append(bundle, encodePEM(typeCertificate, c.Raw)...)
	}
	return material{bundle: bundle, signing: signing.chain[0], signingKey: signing.key}, nil
}

// pair is a file's content: certificates, the first of which belongs to the key.
type pair struct {
	chain []*x509.Certificate
	key   *ecdsa.PrivateKey
}

func loadOrMake(path string, produce func() (pair, error)) (pair, error) {
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		p, err := parsePair(text)
		if err != nil {
			return pair{}, fmt.Errorf("read %s: %w", path, err)
		}
		return p, nil
	case !errors.Is(err, fs.ErrNotExist):
		return pair{}, err
	}
	p, err := produce()
	if err != nil {
		return pair{}, err
	}
	return p, p.write(path)
}

func parsePair(text []byte) (pair, error) {
	var p pair
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		switch block.Type {
		case typeCertificate:
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return pair{}, err
			}
			p.chain = append(p.chain, c)
		case typeKey:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return pair{}, err
			}
			ec, ok := key.(*ecdsa.PrivateKey)
			if !ok {
				return pair{}, fmt.Errorf("key is %T, not ECDSA", key)
			}
			p.key = ec
		}
	}
	if len(p.chain) == 0 || p.key == nil {
		return pair{}, errors.New("it holds no certificate with its key")
	}
	if !p.key.PublicKey.Equal(p.chain[0].PublicKey) {
		return pair{}, errKeyMismatch
	}
	return p, nil
}

// write replaces the file at once: a reader sees the old content or the new.
func (p pair) write(path string) error {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	for _, c := range p.chain {
		text.Write(encodePEM(typeCertificate, c.Raw))
	}
	text.Write(encodePEM(typeKey, key))

	return private.WriteFile(path, text.Bytes())
}

// makeAuthority makes a certificate that may sign others: a root when parent is
// nil, else one that signs leaves only.
func makeAuthority(name, trustDomain string, now time.Time, life time.Duration, parent *pair) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	number, err := serial()
	if err != nil {
		return pair{}, err
	}
	t := &x509.Certificate{
		SerialNumber: number,
		Subject:      pkix.Name{CommonName: name, Organization: []string{trustDomain}},
		// SPIFFE: a signing certificate names its trust domain.
		URIs:                  []*url.URL{{Scheme: "spiffe", Host: trustDomain}},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	signer, signerKey := t, key
	if parent != nil {
		signer, signerKey = parent.chain[0], parent.key
		t.MaxPathLenZero = true
		if t.NotAfter.After(signer.NotAfter) {
			t.NotAfter = signer.NotAfter
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, signer, key.Public(), signerKey)
	if err != nil {
		return pair{}, fmt.Errorf("make the certificate %q: %w", name, err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("read the certificate %q back: %w", name, err)
	}
	return pair{chain: []*x509.Certificate{c}, key: key}, nil
}

// authorityDomain is the trust domain that a signing certificate names.
func authorityDomain(c *x509.Certificate) string {
	if len(c.URIs) == 0 {
		return ""
	}
	return c.URIs[0].Host
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
