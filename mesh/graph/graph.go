// Package graph makes the topology of the mesh: who calls whom, how much and
// how well. It is a pure function of a snapshot and of the traffic that the
// metrics report.
//
// Both ends of a call report it. Build counts each call once: as the
// destination saw it where the destination reported, as the source saw it
// where it did not (failures before the destination, gateways, hosts outside).
package graph

import "time"

// Type of a graph: what its nodes stand for.
type Type string

// The four graphs.
const (
	ByService      Type = "service"
	ByWorkload     Type = "workload"
	ByApp          Type = "app"
	ByVersionedApp Type = "versionedApp"
)

// Types lists the graph types, the default first.
func Types() []Type { return []Type{ByVersionedApp, ByWorkload, ByApp, ByService} }

// Options of Build.
type Options struct {
	// Type of the graph; ByVersionedApp when empty.
	Type Type
	// Namespaces whose traffic is shown, with the neighbours that it comes from
	// and goes to; all when empty.
	Namespaces []string
	// Window is repeated in the graph when the traffic does not say its own.
	Window time.Duration
	// IncludeIdle shows services and workloads without traffic, and edges whose
	// series exist while nothing flows.
	IncludeIdle bool
}

// Graph is the mesh with its traffic. Nodes and edges are ordered by ID, and
// equal inputs give equal graphs.
type Graph struct {
	Type    Type      `json:"type"`
	At      time.Time `json:"at"`
	Seconds float64   `json:"seconds"` // length of the window
	Nodes   []Node    `json:"nodes"`
	Edges   []Edge    `json:"edges"`
	// Parts are the traffic that came to a node, or over an edge, by the workload
	// that it reached; by the ID of the node or edge.
	Parts map[string][]Part `json:"-"`
	// Workloads are those that a node stands for, as "namespace/name", sorted; by
	// the ID of the node.
	Workloads map[string][]string `json:"-"`
}

// Part is the traffic to one workload. Its Workload is empty for what reached
// nobody. A workload that several protocols reach has one part with the sum.
type Part struct {
	Cluster, Namespace, Workload, Version string
	Rate, Errors                          float64  // of requests, and connections of TCP
	P95                                   *float64 // of all requests
}

// NodeKind says what a node stands for.
type NodeKind string

// Kinds of nodes.
const (
	KindService      NodeKind = "service"
	KindWorkload     NodeKind = "workload"
	KindApp          NodeKind = "app"
	KindVersionedApp NodeKind = "versionedApp"
	KindAddress      NodeKind = "address" // a caller of which only the address is known
	KindOutside      NodeKind = "outside" // PassthroughCluster, BlackHoleCluster
	KindUnknown      NodeKind = "unknown" // nobody could say
)

// Node is one end of edges.
type Node struct {
	ID        string   `json:"id"` // stable: "workload/local/default/reviews-v1"
	Kind      NodeKind `json:"kind"`
	Name      string   `json:"name"` // what to call it in its namespace
	Cluster   string   `json:"cluster,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	Workload  string   `json:"workload,omitempty"`
	App       string   `json:"app,omitempty"`
	Version   string   `json:"version,omitempty"`
	// Services are the hosts that it was called by or is selected by, sorted.
	Services []string `json:"services,omitempty"`
	// External is true for a service outside the mesh.
	External bool `json:"external,omitempty"`
	// Gateway and Meshed: it is a gateway; a proxy stands beside every pod.
	Gateway bool `json:"gateway,omitempty"`
	Meshed  bool `json:"meshed,omitempty"`
	// Idle nodes had no traffic in the window.
	Idle bool `json:"idle,omitempty"`
	// Pods are the instances behind it now.
	Pods Pods `json:"pods"`
	// In and Out add up its edges, one entry per protocol.
	In  []Rates `json:"in,omitempty"`
	Out []Rates `json:"out,omitempty"`
	// Versions are the workloads behind a service or an application, by version.
	Versions []Version `json:"versions,omitempty"`
	// Health is Unknown until Decorate says more.
	Health Health `json:"health"`
}

// Version is one workload behind a service or an application. Workloads of one
// version are apart.
type Version struct {
	Version   string `json:"version"` // canonical revision
	Workload  string `json:"workload"`
	Namespace string `json:"namespace"`
	Cluster   string `json:"cluster,omitempty"`
	Pods      int    `json:"pods"`
	Ready     int    `json:"ready"`
	// Share of the requests that reached any version, 0 to 1; Rate per second.
	Share      float64  `json:"share"`
	Rate       float64  `json:"rate"`
	ErrorShare float64  `json:"errorShare"`
	P95        *float64 `json:"p95,omitempty"` // milliseconds
	// State is that of the workload.
	State State `json:"state,omitempty" enum:"healthy,degraded,failing,idle,unknown"`
}

// Pods counts instances.
type Pods struct {
	Ready int `json:"ready"`
	Total int `json:"total"`
}

// Edge is the traffic of one protocol from one node to another.
type Edge struct {
	ID     string `json:"id"` // "<source> > <target> : <protocol>"
	Source string `json:"source"`
	Target string `json:"target"`
	Rates
	Responses []Response `json:"responses,omitempty"` // by rate, the largest first
	// Services are the hosts that the calls named, sorted.
	Services []string `json:"services,omitempty"`
	// MutualTLS is the share of traffic under mutual TLS, 0 to 1; nil when no
	// reporter could tell.
	MutualTLS *float64 `json:"mutualTLS,omitempty"`
	// Principals seen at both ends, sorted.
	SourcePrincipals      []string `json:"sourcePrincipals,omitempty"`
	DestinationPrincipals []string `json:"destinationPrincipals,omitempty"`
	// Reporters whose figures these are, sorted.
	Reporters []Reporter `json:"reporters"`
	Idle      bool       `json:"idle,omitempty"`
	// Health is Unknown until Decorate says more.
	Health Health `json:"health"`
}

// Rates are figures per second of one protocol.
type Rates struct {
	Protocol Protocol `json:"protocol"`
	// Rate counts requests; for TCP, connections opened.
	Rate float64 `json:"rate"`
	// Errors counts what failed: HTTP 5xx, no response, the gRPC statuses that
	// stand for a fault of the server (2, 4, 8, 13 to 15); for TCP connections
	// that ended with a failure flag.
	Errors float64 `json:"errors"`
	// ErrorShare is Errors of all, 0 to 1.
	ErrorShare float64 `json:"errorShare"`
	// P50, P95, P99 of the duration in milliseconds; nil when not measured.
	P50 *float64 `json:"p50,omitempty"`
	P95 *float64 `json:"p95,omitempty"`
	P99 *float64 `json:"p99,omitempty"`
	// Sent and Received are bytes per second of TCP: back to the caller, and
	// from it.
	Sent     float64 `json:"sentBytes,omitempty"`
	Received float64 `json:"receivedBytes,omitempty"`
}

// Response is one way in which requests ended.
type Response struct {
	Code  string  `json:"code,omitempty"`
	GRPC  string  `json:"grpc,omitempty"`
	Flags string  `json:"flags,omitempty"`
	Rate  float64 `json:"rate"`
}

// Node finds a node by ID.
func (g *Graph) Node(id string) (Node, bool) {
	for _, n := range g.Nodes {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}
