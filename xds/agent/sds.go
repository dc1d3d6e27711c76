package agent

import (
	"context"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
)

// secrets serves SDS to Envoy: its own certificate and the trust bundle, and
// both again whenever they change.
type secrets struct {
	secretv3.UnimplementedSecretDiscoveryServiceServer
	vault *vault
}

// secret makes one secret with its version; ok is false while there is none.
func (s *secrets) secret(name string) (version string, res *anypb.Any, ok bool, err error) {
	m := &tlsv3.Secret{Name: name}
	switch name {
	case SecretOwn:
		c := s.vault.credential()
		if c == nil {
			return "", nil, false, nil
		}
		version = digest(c.chain, c.key)
		m.Type = &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
			CertificateChain: inlineBytes(c.chain),
			PrivateKey:       inlineBytes(c.key),
		}}
	case SecretRoots:
		roots := s.vault.trusted()
		version = digest(roots)
		m.Type = &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
			TrustedCa: inlineBytes(roots),
		}}
	default:
		return "", nil, false, nil
	}
	res, err = anypb.New(m)
	return version, res, err == nil, err
}

// asked follows what one stream wants and was sent; both variants of the
// protocol share it.
type asked struct {
	names []string // in the order of asking
	sent  map[string]string
}

func (a *asked) add(names []string) {
	for _, n := range names {
		if _, ok := a.sent[n]; !ok {
			a.sent[n] = ""
			a.names = append(a.names, n)
		}
	}
}

func (a *asked) remove(names []string) {
	for _, n := range names {
		delete(a.sent, n)
	}
	kept := a.names[:0]
	for _, n := range a.names {
		if _, ok := a.sent[n]; ok {
			kept = append(kept, n)
		}
	}
	a.names = kept
}

// fresh are the resources that changed since they were sent.
func (s *secrets) fresh(a *asked) ([]*discoveryv3.Resource, error) {
	var out []*discoveryv3.Resource
	for _, name := range a.names {
		version, res, ok, err := s.secret(name)
		if err != nil {
			return nil, err
		}
		if ok && a.sent[name] != version {
			a.sent[name] = version
			out = append(out, &discoveryv3.Resource{Name: name, Version: version, Resource: res})
		}
	}
	return out, nil
}

// StreamSecrets is the state-of-the-world variant.
func (s *secrets) StreamSecrets(stream secretv3.SecretDiscoveryService_StreamSecretsServer) error {
	a := &asked{sent: map[string]string{}}
	nonce := 0
	return serveSecrets(stream.Context(), &s.vault.news, stream.Recv,
		func(m *discoveryv3.DiscoveryRequest) { a.add(m.GetResourceNames()) },
		func() error {
			changed, err := s.fresh(a)
			if err != nil || len(changed) == 0 {
				return err
			}
			nonce++
			m := &discoveryv3.DiscoveryResponse{TypeUrl: xds.SecretType, Nonce: strconv.Itoa(nonce)}
			// This variant always sends everything that was asked for.
			for _, name := range a.names {
				if version, res, ok, err := s.secret(name); err != nil {
					return err
				} else if ok {
					m.VersionInfo = version
					m.Resources = append(m.Resources, res)
				}
			}
			return stream.Send(m)
		})
}

// DeltaSecrets is the incremental variant.
func (s *secrets) DeltaSecrets(stream secretv3.SecretDiscoveryService_DeltaSecretsServer) error {
	a := &asked{sent: map[string]string{}}
	nonce := 0
	return serveSecrets(stream.Context(), &s.vault.news, stream.Recv,
		func(m *discoveryv3.DeltaDiscoveryRequest) {
			a.add(m.GetResourceNamesSubscribe())
			a.remove(m.GetResourceNamesUnsubscribe())
		},
		func() error {
			changed, err := s.fresh(a)
			if err != nil || len(changed) == 0 {
				return err
			}
			nonce++
			return stream.Send(&discoveryv3.DeltaDiscoveryResponse{
				TypeUrl: xds.SecretType, Nonce: strconv.Itoa(nonce), Resources: changed,
			})
		})
}

// serveSecrets takes in requests and answers after each, and whenever a secret
// changes; until the stream ends.
func serveSecrets[M any](ctx context.Context, news *notice, recv func() (M, error), take func(M), answer func() error) error {
	requests := make(chan M)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			m, err := recv()
			if err != nil {
				return
			}
			select {
			case requests <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		changed := news.changed()
		select {
		case <-ended:
			return nil
		case m := <-requests:
			take(m)
		case <-changed:
		}
		if err := answer(); err != nil {
			return err
		}
	}
}

func inlineBytes(b []byte) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: b}}
}
