package agent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/xds"
)

// Names of secrets.
const (
	// SecretOwn is the workload's own certificate and key.
	SecretOwn = "default"
	// SecretRoots is the trust bundle.
	SecretRoots = "ROOTCA"
	// SecretDescription is asked of the control plane by the agent alone: a
	// digest of what the mesh says about the workload.
	SecretDescription = "description"
)

// describeWithin is how long a first certificate waits for the control plane's
// word about the workload, so that a change in between is noticed.
const describeWithin = time.Second

// lookEvery bounds how long nobody looks at the certificate: timers stand still
// while the machine sleeps, and certificates go on ageing.
const lookEvery = time.Minute

// keeper gets the workload's certificate and renews it.
type keeper struct {
	vault   *vault
	link    *link
	metrics *ownMetrics
	log     *slog.Logger

	// held are the versions of what watch was told, so that a new session
	// repeats nothing. Only watch uses it.
	held map[string]string

	news        notice
	mu          sync.Mutex
	description string
	described   *session // the session that said so
	failed      error    // why there is no new certificate
}

// run renews at half-life, when the description changes, and when there is no
// valid certificate; until ctx ends.
func (k *keeper) run(ctx context.Context) error {
	const shortest, longest = 100 * time.Millisecond, 10 * time.Second
	retry := shortest
	for ctx.Err() == nil {
		told, linked := k.news.changed(), k.link.news.changed()
		wait := time.Duration(-1)
		if due := k.due(time.Now()); due <= 0 {
			switch s := k.link.current(); {
			case s == nil: // linked wakes us
			case !k.waitForDescription(ctx, s):
				continue
			default:
				err := k.renew(s)
				k.note(err)
				if err == nil {
					retry = shortest
					continue
				}
				k.log.Warn("no certificate", "error", err, "again_in", retry)
				wait = retry
				retry = min(2*retry, longest)
			}
		} else {
			wait = min(due, lookEvery)
		}
		var timer <-chan time.Time
		if wait >= 0 {
			timer = time.After(wait)
		}
		select {
		case <-ctx.Done():
		case <-told:
		case <-linked:
			retry = shortest
		case <-timer:
		}
	}
	return nil
}

// due is how long until a new certificate is needed; 0 or less is now.
func (k *keeper) due(now time.Time) time.Duration {
	c := k.vault.credential()
	if c == nil {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.described != nil && k.description != c.description {
		return 0
	}
	return c.halfLife().Sub(now)
}

// waitForDescription gives the session's word about the workload a moment to
// arrive. It is false when the session ended meanwhile.
func (k *keeper) waitForDescription(ctx context.Context, s *session) bool {
	limit := time.NewTimer(describeWithin)
	defer limit.Stop()
	for {
		told := k.news.changed()
		k.mu.Lock()
		have := k.described == s
		k.mu.Unlock()
		if have {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-s.ctx.Done():
			return false
		case <-limit.C:
			return true
		case <-told:
		}
	}
}

// renew asks for a certificate for a fresh key. The key stays here.
func (k *keeper) renew(s *session) error {
	k.mu.Lock()
	description := k.description
	k.mu.Unlock()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return fmt.Errorf("make a signing request: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	answer, err := securityv1alpha1.NewIstioCertificateServiceClient(s.conn).CreateCertificate(ctx,
		&securityv1alpha1.IstioCertificateRequest{
			Csr:              string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
			ValidityDuration: int64(ca.MaxTTL / time.Second),
		})
	if err != nil {
		return fmt.Errorf("ask the control plane for a certificate: %w", err)
	}
	chain, err := withoutRoots(strings.Join(answer.GetCertChain(), "\n"))
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	c, err := newCredential(chain, pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), description)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	if err := verifyLeaf(c, k.vault.trusted()); err != nil {
		return fmt.Errorf("the certificate is not of this mesh: %w", err)
	}
	if err := k.vault.keep(c); err != nil {
		return err
	}
	k.metrics.renewals.Inc()
	k.metrics.expiry.Set(float64(c.leaf.NotAfter.Unix()))
	k.log.Info("certificate issued", "identity", c.identity(), "until", c.leaf.NotAfter.UTC().Format(time.RFC3339))
	return nil
}

func (k *keeper) note(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed = err
}

// failure is why the last attempt to get a certificate failed, or nil.
func (k *keeper) failure() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed
}

// withoutRoots leaves self-signed certificates out of a chain: peers have
// their own copy, or do not trust them anyway.
func withoutRoots(text string) ([]byte, error) {
	var chain []byte
	rest := []byte(text)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if c.IsCA && c.CheckSignatureFrom(c) == nil {
			continue
		}
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw})...)
	}
	if len(chain) == 0 {
		return nil, errors.New("the answer holds no certificate")
	}
	return chain, nil
}

// watch follows the trust bundle and the description on a stream of the
// agent's own, over every session, until ctx ends.
func (k *keeper) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		linked := k.link.news.changed()
		if s := k.link.current(); s != nil {
			err := k.follow(s)
			if s.ctx.Err() == nil {
				k.log.Warn("stream of trust and description ended", "error", err)
				pause(ctx, time.Second)
				continue
			}
		}
		select {
		case <-ctx.Done():
		case <-linked:
		}
	}
	return nil
}

// follow reads one stream until it breaks, and says why it did.
func (k *keeper) follow(s *session) error {
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(s.conn).DeltaAggregatedResources(s.ctx)
	if err != nil {
		return err
	}
	err = stream.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node:                    &corev3.Node{Id: "agent"},
		TypeUrl:                 xds.SecretType,
		ResourceNamesSubscribe:  []string{SecretRoots, SecretDescription},
		InitialResourceVersions: maps.Clone(k.held),
	})
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		k.hear(s, m)
		if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: m.GetTypeUrl(), ResponseNonce: m.GetNonce()}); err != nil {
			return err
		}
	}
}

// hear takes in what the control plane says about trust and the workload.
func (k *keeper) hear(s *session, m *discoveryv3.DeltaDiscoveryResponse) {
	for _, r := range m.GetResources() {
		var secret tlsv3.Secret
		if err := r.GetResource().UnmarshalTo(&secret); err != nil {
			k.log.Warn("secret cannot be read", "name", r.GetName(), "error", err)
			continue
		}
		if k.held == nil {
			k.held = map[string]string{}
		}
		k.held[r.GetName()] = r.GetVersion()
		switch r.GetName() {
		case SecretRoots:
			if err := k.vault.trust(inline(secret.GetValidationContext().GetTrustedCa())); err != nil {
				k.log.Warn("trust bundle not taken", "error", err)
			}
		case SecretDescription:
			k.describe(s, string(inline(secret.GetGenericSecret().GetSecret())))
		}
	}
	// A control plane that has no word about the workload asks for nothing.
	if slices.Contains(m.GetRemovedResources(), SecretDescription) {
		k.mu.Lock()
		last := k.description
		k.mu.Unlock()
		k.describe(s, last)
	}
}

func (k *keeper) describe(s *session, description string) {
	k.mu.Lock()
	k.description, k.described = description, s
	k.mu.Unlock()
	k.news.tell()
}

func inline(d *corev3.DataSource) []byte {
	if s := d.GetInlineString(); s != "" {
		return []byte(s)
	}
	return d.GetInlineBytes()
}
