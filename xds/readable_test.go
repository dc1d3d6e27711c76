package xds_test

import (
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
)

func key(text string) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: text}}
}

func TestReadableMasksKeys(t *testing.T) {
	const private = "-----BEGIN PRIVATE KEY-----"
	secret := &tlsv3.Secret{Name: "cert", Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
		CertificateChain: key("the chain"), PrivateKey: key(private),
	}}}
	inside, err := anypb.New(&tlsv3.UpstreamTlsContext{CommonTlsContext: &tlsv3.CommonTlsContext{
		TlsCertificates: []*tlsv3.TlsCertificate{secret.GetTlsCertificate()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cluster := &clusterv3.Cluster{Name: "true", TransportSocket: &corev3.TransportSocket{
		Name: "tls", ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: inside},
	}}
	for _, m := range []proto.Message{secret, cluster} {
		text, err := xds.Readable(m)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "PRIVATE") || !strings.Contains(text, xds.Masked) || !strings.Contains(text, "the chain") {
			t.Errorf("shown:\n%s", text)
		}
		if m == cluster && !strings.HasPrefix(text, "name: \"true\"\n") {
			t.Errorf("no YAML of a name that looks like something else:\n%s", text)
		}
	}
	if secret.GetTlsCertificate().GetPrivateKey().GetInlineString() != private {
		t.Error("the resource itself was changed")
	}
}
