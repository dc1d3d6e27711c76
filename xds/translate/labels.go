package translate

import (
	"cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

// unknown stands for a label that nobody can fill in.
const unknown = "unknown"

// A label of the standard metrics: where its value comes from, for the
// reporter that calls and for the one that is called, there with mutual TLS and
// in plaintext.
type label struct {
	name      string
	source    value
	mutual    value
	plaintext value
	// httpOnly labels are not on TCP metrics.
	httpOnly bool
}

// A value is one of: a text that holds for the proxy, or a format that Envoy
// expands for each request or connection.
type value struct {
	own    func(mesh.WorkloadFacts) string
	format string
	// missing says what an empty value becomes; "" drops the label.
	missing string
	// choose gives the value by prefixes of what the format gave.
	choose []choice
}

type choice struct{ prefix, value string }

// The standard labels, exactly Istio's, in the order in which its documents
// list them. What there is of a call that fails early: the names of the service
// as soon as a cluster was chosen, of the workload as soon as an endpoint was;
// everything else is "unknown".
//
//	                        UF  UH  NC  NR  passthrough
//	destination_service      x   x   -   -   unknown, name PassthroughCluster
//	destination_workload     x   -   -   -   -
//	response_code, _flags    x   x   x   x   x
var labels = []label{
	{name: "reporter", source: text("source"), mutual: text("destination"), plaintext: text("destination")},

	{name: "source_workload", source: own(workloadName), mutual: peer("workload"), plaintext: text(unknown)},
	{name: "source_canonical_service", source: own(canonicalName), mutual: peer("canonical_name"), plaintext: text(unknown)},
	{name: "source_canonical_revision", source: own(canonicalRevision), mutual: peer("canonical_revision"), plaintext: text(unknown)},
	{name: "source_workload_namespace", source: own(namespaceName), mutual: peer("namespace"), plaintext: text(unknown)},
	{name: "source_principal", source: envoy("%UPSTREAM_LOCAL_URI_SAN%"), mutual: envoy("%DOWNSTREAM_PEER_URI_SAN%"), plaintext: text(unknown)},
	{name: "source_app", source: own(appName), mutual: peer("app"), plaintext: text(unknown)},
	{name: "source_version", source: own(versionName), mutual: peer("version"), plaintext: text(unknown)},
	{name: "source_cluster", source: own(clusterName), mutual: peer("cluster"), plaintext: text(unknown)},

	{name: "destination_workload", source: endpoint("workload"), mutual: own(workloadName), plaintext: own(workloadName)},
	{name: "destination_workload_namespace", source: endpoint("namespace"), mutual: own(namespaceName), plaintext: own(namespaceName)},
	{name: "destination_principal", source: envoy("%UPSTREAM_PEER_URI_SAN%"), mutual: envoy("%DOWNSTREAM_LOCAL_URI_SAN%"), plaintext: text(unknown)},
	{name: "destination_app", source: endpoint("app"), mutual: own(appName), plaintext: own(appName)},
	{name: "destination_version", source: endpoint("version"), mutual: own(versionName), plaintext: own(versionName)},
	{name: "destination_service", source: service("destination_service"), mutual: service("destination_service"), plaintext: service("destination_service")},
	{name: "destination_canonical_service", source: endpoint("canonical_name"), mutual: own(canonicalName), plaintext: own(canonicalName)},
	{name: "destination_canonical_revision", source: endpoint("canonical_revision"), mutual: own(canonicalRevision), plaintext: own(canonicalRevision)},
	{name: "destination_service_name", source: service("destination_service_name"), mutual: service("destination_service_name"), plaintext: service("destination_service_name")},
	{name: "destination_service_namespace", source: service("destination_service_namespace"), mutual: service("destination_service_namespace"), plaintext: service("destination_service_namespace")},
	{name: "destination_cluster", source: endpoint("cluster"), mutual: own(clusterName), plaintext: own(clusterName)},

	{name: "request_protocol", source: requestProtocol, mutual: requestProtocol, plaintext: requestProtocol},
	{name: "response_code", source: envoy("%RESPONSE_CODE%"), mutual: envoy("%RESPONSE_CODE%"), plaintext: envoy("%RESPONSE_CODE%"), httpOnly: true},
	{name: "grpc_response_status", source: optional("%GRPC_STATUS_NUMBER%"), mutual: optional("%GRPC_STATUS_NUMBER%"), plaintext: optional("%GRPC_STATUS_NUMBER%"), httpOnly: true},
	{name: "response_flags", source: envoy("%RESPONSE_FLAGS%"), mutual: envoy("%RESPONSE_FLAGS%"), plaintext: envoy("%RESPONSE_FLAGS%")},
	// Only the receiver says so, as in Istio: the caller may have been told to
	// speak plaintext by an endpoint that is gone by now.
	{name: "connection_security_policy", source: text(unknown), mutual: text("mutual_tls"), plaintext: text("none")},
}

// requestProtocol tells gRPC from other HTTP; on TCP metrics it is "tcp".
var requestProtocol = value{format: "%REQ(CONTENT-TYPE)%", missing: "http", choose: []choice{{"application/grpc", "grpc"}}}

func text(s string) value {
	return value{own: func(mesh.WorkloadFacts) string { return s }}
}

func own(f func(mesh.WorkloadFacts) string) value { return value{own: f} }

func envoy(format string) value { return value{format: format, missing: unknown} }

func optional(format string) value { return value{format: format} }

// endpoint is a fact about the workload that was called.
func endpoint(key string) value {
	return envoy("%UPSTREAM_METADATA(" + metadataKey + ":" + key + ")%")
}

// service is a fact about the service that was called.
func service(key string) value {
	return envoy("%CLUSTER_METADATA(" + metadataKey + ":" + key + ")%")
}

// peer is a fact from the caller's certificate.
func peer(fact string) value {
	return envoy("%FILTER_STATE(" + peerKey(fact) + ":PLAIN)%")
}

func workloadName(f mesh.WorkloadFacts) string      { return f.Workload }
func canonicalName(f mesh.WorkloadFacts) string     { return f.Canonical }
func canonicalRevision(f mesh.WorkloadFacts) string { return f.Revision }
func namespaceName(f mesh.WorkloadFacts) string     { return f.Namespace }
func appName(f mesh.WorkloadFacts) string           { return f.App }
func versionName(f mesh.WorkloadFacts) string       { return f.Version }
func clusterName(f mesh.WorkloadFacts) string       { return f.Cluster }

// A vantage is from where a proxy reports a call.
type vantage int

const (
	calling         vantage = iota // outbound, and all of a gateway
	calledMutual                   // inbound by mutual TLS
	calledPlaintext                // inbound in plaintext
)

func (l label) at(v vantage) value {
	switch v {
	case calledMutual:
		return l.mutual
	case calledPlaintext:
		return l.plaintext
	default:
		return l.source
	}
}

// resolved is a label's value with the proxy's own facts filled in: a constant,
// or a format with rules.
type resolved struct {
	name     string
	constant string // "" where value decides
	value    value
}

// resolve fills in the labels for one proxy and vantage.
func resolve(v vantage, facts mesh.WorkloadFacts, tcp bool) []resolved {
	out := make([]resolved, 0, len(labels))
	for _, l := range labels {
		if tcp && l.httpOnly {
			continue
		}
		r := resolved{name: l.name, value: l.at(v)}
		switch {
		case tcp && l.name == "request_protocol":
			r.constant = "tcp"
		case r.value.own != nil:
			r.constant = cmp.Or(r.value.own(facts), unknown)
		}
		out = append(out, r)
	}
	return out
}
