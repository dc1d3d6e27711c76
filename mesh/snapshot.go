package mesh

import (
	"cmp"
)

// Settings of the mesh as a whole: what Istio calls mesh config.
type Settings struct {
	TrustDomain   string // "cluster.local"
	ClusterDomain string // "cluster.local"
	Cluster       string // id of the local cluster: "Kubernetes", or "local"
	RootNamespace string // "istio-system"
	// OutboundAllowAny is the mesh-wide outboundTrafficPolicy: ALLOW_ANY when
	// true, REGISTRY_ONLY when false.
	OutboundAllowAny bool
	// AutoMTLS is true where proxies use mutual TLS among themselves without
	// being told to.
	AutoMTLS bool
	// AllocateAddresses is true where services without address get one of the
	// mesh, which proxies answer when the application looks the host up.
	AllocateAddresses bool
	// TraceSampling is in percent, 0 to 100.
	TraceSampling float64
	// LocalGateway is true where gateways take PROXY protocol from the host's
	// port relay (local mode).
	LocalGateway bool
	// PodRange is the CIDR of pod addresses, "" when unknown.
	PodRange string
}

// DefaultSettings are the settings of a mesh where nobody said otherwise.
func DefaultSettings() Settings {
	return Settings{
		TrustDomain: "cluster.local", ClusterDomain: "cluster.local",
		Cluster: "local", RootNamespace: "istio-system",
		OutboundAllowAny: true, AutoMTLS: true, TraceSampling: 100,
	}
}

// Snapshot is the whole mesh at one moment. It is immutable, and tables that
// did not change are shared with the snapshot before it.
type Snapshot struct {
	// Revision names the content: equal content, equal revision.
	Revision Hash
	Settings Settings

	// Objects holds everything declared or reported, by reference.
	Objects Table[Ref, *Object]

	// Derived by Build.
	Services  Table[string, *Service]           // by host
	Workloads Table[string, *Workload]          // by pod UID
	Endpoints Table[EndpointKey, *EndpointList] // by service port

	// Findings of sources and decoding. Checks and delivery add theirs elsewhere.
	Findings []Finding

	byKind   map[Kind][]*Object
	given    []Finding // Findings without those of Build itself
	shadowed []*Object // objects that lost their reference to another one
}

// Kind lists the objects of one kind, ordered by namespace and name.
func (s *Snapshot) Kind(k Kind) []*Object { return s.byKind[k] }

// Get finds one object.
func (s *Snapshot) Get(r Ref) (*Object, bool) { return s.Objects.Get(r) }

// CompareEndpointKeys orders by host, then port.
func CompareEndpointKeys(a, b EndpointKey) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
}

// Inputs is what Build makes a snapshot from: the last word of every source.
type Inputs struct {
	Settings Settings
	Objects  []*Object
	Findings []Finding
}
