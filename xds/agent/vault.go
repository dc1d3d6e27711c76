package agent

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh/private"
)

const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
	blockDescription = "HEDDLE DESCRIPTION"
)

// credential is the workload's key and certificate.
type credential struct {
	chain, key []byte // PEM; the leaf stands first in chain
	leaf       *x509.Certificate
	// description digests what the control plane said about the workload when
	// the certificate was asked for; empty when it said nothing.
	description string
}

// halfLife is when the certificate is to be renewed.
func (c *credential) halfLife() time.Time {
	return c.leaf.NotBefore.Add(c.leaf.NotAfter.Sub(c.leaf.NotBefore) / 2)
}

func (c *credential) valid(now time.Time) bool {
	return now.Before(c.leaf.NotAfter)
}

// identity is the SPIFFE URI of the certificate.
func (c *credential) identity() string {
	if len(c.leaf.URIs) == 0 {
		return ""
	}
	return c.leaf.URIs[0].String()
}

// encode is the credential as one file: replacing it replaces all parts.
func (c *credential) encode() []byte {
	var out bytes.Buffer
	out.Write(c.chain)
	out.Write(c.key)
	out.Write(pem.EncodeToMemory(&pem.Block{Type: blockDescription, Bytes: []byte(c.description)}))
	return out.Bytes()
}

// newCredential checks that key and chain belong together.
func newCredential(chain, key []byte, description string) (*credential, error) {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	return &credential{chain: chain, key: key, leaf: leaf, description: description}, nil
}

func decodeCredential(text []byte) (*credential, error) {
	var chain, key bytes.Buffer
	var description string
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		switch block.Type {
		case blockCertificate:
			chain.Write(pem.EncodeToMemory(block))
		case blockKey:
			key.Write(pem.EncodeToMemory(block))
		case blockDescription:
			description = string(block.Bytes)
		}
	}
	return newCredential(chain.Bytes(), key.Bytes(), description)
}

// vault holds the workload's credential and the roots that it trusts, in
// memory and in the pod's private folder.
type vault struct {
	dir  string // memory-backed, 0700
	news notice

	mu    sync.Mutex
	own   *credential
	roots []byte
}

// openVault reads what an agent before this one left. rootFile is what was
// given at the pod's start; what the control plane said later goes first.
func openVault(dir, rootFile string, now time.Time) (*vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for the key: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close the folder of the key to others: %w", err)
	}
	v := &vault{dir: dir}
	given, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, fmt.Errorf("read the mesh's root certificate: %w", err)
	}
	v.roots = given
	switch kept, err := os.ReadFile(v.rootsPath()); {
	case err == nil:
		if x509.NewCertPool().AppendCertsFromPEM(kept) {
			v.roots = kept
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the kept roots: %w", err)
	}
	text, err := os.ReadFile(v.ownPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return v, nil
	case err != nil:
		return nil, fmt.Errorf("read the kept identity: %w", err)
	}
	// A damaged or outdated one is no reason to stop: a new one is asked for.
	if c, err := decodeCredential(text); err == nil && c.valid(now) && verifyLeaf(c, v.roots) == nil {
		v.own = c
	}
	return v, nil
}

func (v *vault) ownPath() string   { return filepath.Join(v.dir, "identity.pem") }
func (v *vault) rootsPath() string { return filepath.Join(v.dir, "roots.pem") }

// credential is the present one, or nil.
func (v *vault) credential() *credential {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.own
}

// trusted is the PEM of the present roots.
func (v *vault) trusted() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.roots
}

// keep stores a new credential.
func (v *vault) keep(c *credential) error {
	if err := private.WriteFile(v.ownPath(), c.encode()); err != nil {
		return err
	}
	v.mu.Lock()
	v.own = c
	v.mu.Unlock()
	v.news.tell()
	return nil
}

// trust replaces the roots; a bundle without certificates is refused.
func (v *vault) trust(roots []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(roots) {
		return errors.New("the trust bundle holds no certificate")
	}
	if bytes.Equal(roots, v.trusted()) {
		return nil
	}
	if err := private.WriteFile(v.rootsPath(), roots); err != nil {
		return err
	}
	v.mu.Lock()
	v.roots = roots
	v.mu.Unlock()
	v.news.tell()
	return nil
}

// verifyLeaf checks a credential against the roots.
func verifyLeaf(c *credential, roots []byte) error {
	pool, between := x509.NewCertPool(), x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	between.AppendCertsFromPEM(c.chain)
	_, err := c.leaf.Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: between,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
