package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh/ca"
)

// issue makes a credential of an authority for a description.
func issue(t *testing.T, a *ca.Authority, description string) *credential {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := a.Sign(csr, ca.Subject{TrustDomain: "cluster.local", Namespace: "default", ServiceAccount: "x"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCredential(bytes.Join(chain, nil), pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), description)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openAuthority(t *testing.T) *ca.Authority {
	t.Helper()
	a, err := ca.Open(filepath.Join(t.TempDir(), "ca"), "cluster.local")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVaultKeepsIdentity(t *testing.T) {
	dir, a, other := t.TempDir(), openAuthority(t), openAuthority(t)
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, a.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := filepath.Join(dir, "secrets")
	open := func() *vault {
		t.Helper()
		v, err := openVault(secrets, root, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := open()
	if v.credential() != nil {
		t.Fatal("an identity out of nothing")
	}
	changed := v.news.changed()
	if err := v.keep(issue(t, a, "d1")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody is told")
	}
	c := open().credential()
	if c == nil || c.description != "d1" || c.identity() != "spiffe://cluster.local/ns/default/sa/x" {
		t.Fatalf("%+v", c)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "identity.pem": 0o600} {
		if info, _ := os.Stat(filepath.Join(secrets, name)); info.Mode().Perm() != mode {
			t.Errorf("%q is %v", name, info.Mode())
		}
	}

	// A trust bundle without certificates changes nothing.
	if err := v.trust([]byte("hello")); err == nil {
		t.Error("trusted nonsense")
	}
	// Rotation: both roots for a time, over a restart of the agent too.
	if err := v.trust(append(bytes.Clone(other.Root()), a.Root()...)); err != nil {
		t.Fatal(err)
	}
	if again := open(); again.credential() == nil || !bytes.Equal(again.trusted(), v.trusted()) {
		t.Error("the bundle was forgotten")
	}
	// The old root is gone: its identity is worth nothing.
	if err := v.trust(other.Root()); err != nil {
		t.Fatal(err)
	}
	if open().credential() != nil {
		t.Error("an identity of a root that is not trusted")
	}
	if err := os.WriteFile(filepath.Join(secrets, "identity.pem"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if open().credential() != nil {
		t.Error("an identity out of a damaged file")
	}
	if _, err := openVault(secrets, filepath.Join(dir, "missing"), time.Now()); err == nil {
		t.Error("no root, no error")
	}
}

func TestWhenToRenew(t *testing.T) {
	dir, a := t.TempDir(), openAuthority(t)
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, a.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := openVault(filepath.Join(dir, "secrets"), root, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{vault: v, log: quietLog()}
	now := time.Now()
	if k.due(now) > 0 {
		t.Error("without a certificate there is time")
	}
	if err := v.keep(issue(t, a, "d1")); err != nil {
		t.Fatal(err)
	}
	if due := k.due(now); due < 20*time.Minute || due > 30*time.Minute {
		t.Errorf("a certificate of one hour is renewed after %s", due)
	}
	if k.due(now.Add(40*time.Minute)) > 0 {
		t.Error("past half-life there is time")
	}
	k.describe(&session{}, "d1")
	if k.due(now) <= 0 {
		t.Error("renewed although nothing changed")
	}
	k.describe(&session{}, "d2")
	if k.due(now) > 0 {
		t.Error("not renewed although the description changed")
	}
}
