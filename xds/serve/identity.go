package serve

import (
	"context"
	"log/slog"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	securityv1alpha1 "istio.io/api/security/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/ca"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// Signer is the certificate authority, as far as the server needs it.
type Signer interface {
	// Sign issues a certificate to a workload for the key of a signing request.
	// It answers the chain in PEM, the leaf first, without the root.
	Sign(csr []byte, w *mesh.Workload, ttl time.Duration) ([][]byte, error)
	// Root is the trust bundle in PEM.
	Root() []byte
	// Description digests what a workload's certificate says; when it changes,
	// the certificate is to be renewed.
	Description(w *mesh.Workload) string
}

// Authority makes a certificate authority a Signer.
func Authority(a *ca.Authority) Signer { return authority{a} }

type authority struct{ ca *ca.Authority }

func (a authority) Sign(csr []byte, w *mesh.Workload, ttl time.Duration) ([][]byte, error) {
	subject, err := ca.SubjectOf(w, a.ca.TrustDomain())
	if err != nil {
		return nil, err
	}
	return a.ca.Sign(csr, subject, ttl)
}

func (a authority) Root() []byte { return a.ca.Root() }

func (a authority) Description(w *mesh.Workload) string { return ca.DescriptionHash(w) }

// SecretDescription is the secret whose content changes when the pod's
// certificate no longer says what is true.
const SecretDescription = "description"

// agentSecrets are made by the control plane itself, for the agent.
var agentSecrets = [...]string{names.TrustBundle, SecretDescription}

// agentSecret makes a secret for the agent of a workload, nil for other names.
func (s *Server) agentSecret(name string, w *mesh.Workload) *content {
	secret := &tlsv3.Secret{Name: name}
	inline := func(b []byte) *corev3.DataSource {
		return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: b}}
	}
	switch name {
	case names.TrustBundle:
		secret.Type = &tlsv3.Secret_ValidationContext{ValidationContext: &tlsv3.CertificateValidationContext{
			TrustedCa: inline(s.options.Signer.Root()),
		}}
	case SecretDescription:
		secret.Type = &tlsv3.Secret_GenericSecret{GenericSecret: &tlsv3.GenericSecret{
			Secret: inline([]byte(s.options.Signer.Description(w))),
		}}
	default:
		return nil
	}
	r, err := xds.NewResource(xds.SecretType, name, secret, nil)
	if err != nil {
		s.log.Error("secret for the agent is not valid", slog.String("secret", name), slog.Any("error", err))
		return nil
	}
	return newContent(r)
}

// certificates is the signing service. Which pod asks is known from its
// connection, and who the pod is from the snapshot; nothing that the request
// says about that is read.
type certificates struct {
	securityv1alpha1.UnimplementedIstioCertificateServiceServer
	server *Server
}

// CreateCertificate signs the key of a pod.
func (c certificates) CreateCertificate(ctx context.Context, q *securityv1alpha1.IstioCertificateRequest) (*securityv1alpha1.IstioCertificateResponse, error) {
	s := c.server
	uid, ok := PodOf(ctx)
	if !ok {
		s.log.Warn("certificate refused", slog.String("reason", "the connection proves no pod"))
		return nil, errNoPod
	}
	if s.options.Signer == nil {
		return nil, status.Error(codes.Unimplemented, "this control plane signs no certificates")
	}
	snap, _ := s.current()
	if snap == nil {
		return nil, status.Error(codes.Unavailable, "the control plane does not know the mesh yet; try again")
	}
	w, ok := snap.Workloads.Get(uid)
	if !ok {
		s.log.Warn("certificate refused", slog.String("pod", uid), slog.String("reason", "no such pod"))
		return nil, status.Error(codes.Unavailable, "the control plane does not know this pod yet; try again")
	}
	if err := s.budgets.sign(uid, time.Now()); err != nil {
		s.log.Warn("certificate refused", slog.String("pod", uid), slog.Any("error", err))
		return nil, err
	}
	ttl := time.Duration(q.GetValidityDuration()) * time.Second
	chain, err := s.options.Signer.Sign([]byte(q.GetCsr()), w, ttl)
	if err != nil {
		s.log.Warn("certificate refused", slog.String("pod", uid),
			slog.String("proxy", w.Pod+"."+w.Namespace), slog.Any("error", err))
		return nil, status.Errorf(codes.InvalidArgument, "certificate refused: %v", err)
	}
	out := &securityv1alpha1.IstioCertificateResponse{}
	for _, pem := range chain {
		out.CertChain = append(out.CertChain, string(pem))
	}
	s.log.Info("certificate issued", slog.String("pod", uid), slog.String("proxy", w.Pod+"."+w.Namespace))
	return out, nil
}
