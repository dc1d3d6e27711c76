package translate

import (
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/xds/names"
)

// ALPN between proxies of the mesh: what the sender offers tells the receiver
// HTTP and TCP apart on ports whose protocol nobody declared, and both from an
// application's own TLS.
const (
	alpnHTTP = "heddle-http"
	alpnTCP  = "heddle-tcp"
)

const (
	tlsSocket = "envoy.transport_sockets.tls"
	rawSocket = "envoy.transport_sockets.raw_buffer"
)

// secretSource is the agent. Envoy waits for it without limit: a proxy without
// its certificate must not open a port, and the agent starts Envoy only when
// it has one.
func secretSource() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:  corev3.ApiVersion_V3,
		InitialFetchTimeout: durationpb.New(0 * time.Second),
		ConfigSourceSpecifier: &corev3.ConfigSource_ApiConfigSource{ApiConfigSource: &corev3.ApiConfigSource{
			ApiType:                   corev3.ApiConfigSource_GRPC,
			TransportApiVersion:       corev3.ApiVersion_V3,
			GrpcServices:              []*corev3.GrpcService{agentService()},
			SetNodeOnFirstMessageOnly: true,
		}},
	}
}

func commonTLS(alpn []string, peers []*tlsv3.SubjectAltNameMatcher) *tlsv3.CommonTlsContext {
	return &tlsv3.CommonTlsContext{
		TlsParams: &tlsv3.TlsParameters{
			TlsMinimumProtocolVersion: tlsv3.TlsParameters_TLSv1_2,
			// Envoy's clients stop at 1.2 unless told.
			TlsMaximumProtocolVersion: tlsv3.TlsParameters_TLSv1_3,
		},
		AlpnProtocols: alpn,
		TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{
			{Name: names.OwnCertificate, SdsConfig: secretSource()},
		},
		ValidationContextType: &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         &tlsv3.CertificateValidationContext{MatchTypedSubjectAltNames: peers},
				ValidationContextSdsSecretConfig: &tlsv3.SdsSecretConfig{Name: names.TrustBundle, SdsConfig: secretSource()},
			},
		},
	}
}

func uriSAN(m *matcherv3.StringMatcher) *tlsv3.SubjectAltNameMatcher {
	return &tlsv3.SubjectAltNameMatcher{SanType: tlsv3.SubjectAltNameMatcher_URI, Matcher: m}
}

// upstreamTLS proves who we are and accepts only the accounts of the service.
func upstreamTLS(alpn string, accounts []string) *corev3.TransportSocket {
	peers := make([]*tlsv3.SubjectAltNameMatcher, 0, len(accounts))
	for _, a := range accounts {
		peers = append(peers, uriSAN(&matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: a}}))
	}
	return transportSocket(tlsSocket, &tlsv3.UpstreamTlsContext{CommonTlsContext: commonTLS([]string{alpn}, peers)})
}

// downstreamTLS takes peers of the trust domain. It offers no ALPN, so nothing
// is negotiated: filter chains match on what the client offered, and the HTTP
// connection manager finds HTTP/2 by its preface.
func downstreamTLS(trustDomain string) *corev3.TransportSocket {
	peers := []*tlsv3.SubjectAltNameMatcher{uriSAN(&matcherv3.StringMatcher{
		MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: "spiffe://" + trustDomain + "/"},
	})}
	return transportSocket(tlsSocket, &tlsv3.DownstreamTlsContext{
		CommonTlsContext:         commonTLS(nil, peers),
		RequireClientCertificate: wrapperspb.Bool(true),
	})
}
