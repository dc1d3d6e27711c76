package graph

import (
	"net/netip"
	"time"
)

// Reporter is the side of a call that counted it.
type Reporter string

// The two sides. A gateway counts as source of what it sends inwards.
const (
	BySource      Reporter = "source"
	ByDestination Reporter = "destination"
)

// Protocol as the metrics name it.
type Protocol string

// Protocols of traffic.
const (
	HTTP Protocol = "http"
	GRPC Protocol = "grpc"
	TCP  Protocol = "tcp"
)

// Security of a connection as the metrics name it.
type Security string

// What is known of a connection's security. A source often does not know.
const (
	SecurityUnknown Security = ""
	MutualTLS       Security = "mutual_tls"
	Plaintext       Security = "none"
)

// Peer is one end of traffic. The zero Peer is one that nobody could name.
type Peer struct {
	Cluster   string
	Namespace string
	Workload  string
	App       string // canonical service
	Version   string // canonical revision
}

// Known reports whether the peer is a workload with a name.
func (p Peer) Known() bool { return p.Workload != "" }

// ServiceName is the service that was called, as the caller's configuration
// names it.
type ServiceName struct {
	Host      string // "reviews.default.svc.cluster.local"
	Name      string // "reviews"; "PassthroughCluster" and "BlackHoleCluster" for what is no service
	Namespace string
}

// Flow says whose traffic a figure is about.
type Flow struct {
	Reporter             Reporter
	Source, Destination  Peer
	SourcePrincipal      string // SPIFFE id, "" when unknown
	DestinationPrincipal string
	Service              ServiceName
	Protocol             Protocol
	Security             Security
}

// Requests are the requests of a flow that ended the same way.
type Requests struct {
	Flow
	Code  string  // HTTP status; "0" when there was none
	GRPC  string  // gRPC status as a number, "" for other protocols
	Flags string  // Envoy's response flags, "" for none
	Rate  float64 // per second
}

// Durations are the request durations of a flow as a histogram of rates.
type Durations struct {
	Flow
	Buckets []Bucket // by LE, cumulative; the last LE is +Inf
}

// Bucket counts the requests per second that took at most LE milliseconds.
type Bucket struct {
	LE   float64
	Rate float64
}

// Connections is the TCP traffic of a flow, all per second. Bytes are counted
// as the reporter's proxy saw them: Received came from the caller, Sent went
// back to it.
type Connections struct {
	Flow
	Flags    string
	Opened   float64
	Closed   float64
	Sent     float64
	Received float64
}

// Caller counts requests (for TCP: connections) that came in without TLS from
// an address inside the mesh's own range, and so from a pod without a proxy.
type Caller struct {
	Address     netip.Addr
	Destination Peer
	Service     ServiceName
	Protocol    Protocol
	// Code, GRPC and Flags as in Requests; Code "" means "however it ended".
	Code, GRPC, Flags string
	Rate              float64
}

// Traffic is what the metrics say about one window of time.
type Traffic struct {
	At          time.Time     // the end of the window
	Window      time.Duration // what the rates are averages over
	Requests    []Requests
	Durations   []Durations
	Connections []Connections
	Callers     []Caller
}
