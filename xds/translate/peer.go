package translate

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	valuev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/common/set_filter_state/v3"
	statev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/set_filter_state/v3"
)

const stateFilter = "envoy.filters.network.set_filter_state"

// word is what a fact in a certificate may consist of. A certificate with
// anything else in one place matches no expression, and so says nothing.
const word = "[-._A-Za-z0-9]*"

// A peerFact is read from the certificate of a peer, once per connection.
type peerFact struct {
	name   string
	source string // CEL attribute
	// before and after anchor the fact in the whole text.
	before, after string
}

const (
	subject = "connection.subject_peer_certificate"
	uri     = "connection.uri_san_peer_certificate"
)

// The facts of a peer. The Subject holds all seven attributes in this order,
// and each expression spells the whole of it, so that no value can pose as
// another attribute.
var peerFacts = []peerFact{
	subjectFact("workload", 0),
	subjectFact("app", 1),
	subjectFact("version", 2),
	subjectFact("canonical_name", 3),
	subjectFact("canonical_revision", 4),
	subjectFact("cluster", 5),
	{name: "namespace", source: uri, before: "spiffe://" + word + "/ns/", after: "/sa/" + word},
}

var subjectAttributes = []string{"CN", "O", "OU", "L", "ST", "street", "serialNumber"}

func subjectFact(name string, place int) peerFact {
	f := peerFact{name: name, source: subject}
	for i, attribute := range subjectAttributes {
		if i > 0 {
			attribute = "," + attribute
		}
		switch {
		case i < place:
			f.before += attribute + "=" + word
		case i == place:
			f.before += attribute + "="
		default:
			f.after += attribute + "=" + word
		}
	}
	return f
}

// peerKey is where a fact about the peer stands in filter state.
func peerKey(fact string) string { return "heddle.peer." + fact }

func (f peerFact) expression() string {
	return `%CEL(re.extract(` + f.source + `, '^` + f.before + `(` + word + `)` + f.after + `$', '\\1'))%`
}

// peerFilter reads the peer's certificate into filter state when the handshake
// is done. Nobody can change the facts afterwards, so telemetry and policies
// rely on them.
func peerFilter() *listenerv3.Filter {
	config := &statev3.Config{}
	for _, f := range peerFacts {
		config.OnDownstreamTlsHandshake = append(config.OnDownstreamTlsHandshake, stateValue(peerKey(f.name), "envoy.string", f.expression()))
	}
	return networkFilter(stateFilter, config)
}

// tcpALPNFilter makes the connection offer the ALPN of TCP, on ports where the
// cluster, which is shared with HTTP, would offer the other.
func tcpALPNFilter() *listenerv3.Filter {
	v := stateValue("envoy.network.application_protocols", "envoy.network.application_protocols", alpnTCP)
	v.SharedWithUpstream = valuev3.FilterStateValue_ONCE
	return networkFilter(stateFilter, &statev3.Config{OnNewConnection: []*valuev3.FilterStateValue{v}})
}

func stateValue(key, factory, format string) *valuev3.FilterStateValue {
	return &valuev3.FilterStateValue{
		Key:        &valuev3.FilterStateValue_ObjectKey{ObjectKey: key},
		FactoryKey: factory,
		Value: &valuev3.FilterStateValue_FormatString{FormatString: &corev3.SubstitutionFormatString{
			OmitEmptyValues: true,
			Format: &corev3.SubstitutionFormatString_TextFormatSource{TextFormatSource: &corev3.DataSource{
				Specifier: &corev3.DataSource_InlineString{InlineString: format},
			}},
		}},
	}
}
