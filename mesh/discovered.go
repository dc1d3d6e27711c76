package mesh

import "net/netip"

// Protocol of a service port.
type Protocol string

const (
	HTTP    Protocol = "HTTP"  // HTTP/1.1; upgrades and h2c are taken too
	HTTP2   Protocol = "HTTP2" // h2c
	GRPC    Protocol = "GRPC"
	TCP     Protocol = "TCP"
	TLS     Protocol = "TLS" // the application's own TLS (also named https)
	Unnamed Protocol = ""    // nobody said: sniffed
	UDP     Protocol = "UDP" // not carried by the mesh
)

// Resolution says how the endpoints of a service are found.
type Resolution string

const (
	// ResolveEndpoints: the endpoints are listed, with addresses. Kubernetes
	// services and ServiceEntry STATIC.
	ResolveEndpoints Resolution = ""
	// ResolveDNS: endpoints have a Hostname that proxies look up, all answers
	// are used. ExternalName services and ServiceEntry DNS.
	ResolveDNS Resolution = "DNS"
	// ResolveDNSRoundRobin: as ResolveDNS, but one answer at a time.
	ResolveDNSRoundRobin Resolution = "DNS_ROUND_ROBIN"
	// ResolveDynamicDNS: the name that the request carries is looked up.
	ResolveDynamicDNS Resolution = "DYNAMIC_DNS"
	// ResolveNone: connections go where the caller sent them.
	ResolveNone Resolution = "NONE"
)

// IsHTTP reports whether requests can be seen.
func (p Protocol) IsHTTP() bool { return p == HTTP || p == HTTP2 || p == GRPC }

// Service is something that can be called by name, merged by host name over
// all clusters.
type Service struct {
	Host      string // key: "reviews.default.svc.cluster.local"
	Name      string
	Namespace string
	Clusters  []string // where it is defined, sorted
	Addresses []netip.Addr
	Headless  bool
	// External is true for ExternalName and ServiceEntry MESH_EXTERNAL.
	External    bool
	Resolution  Resolution
	Ports       []ServicePort // by number
	Selector    map[string]string
	Labels      map[string]string
	Annotations map[string]string
	// Accounts are the SPIFFE identities of all workload templates that the
	// service selects, those with zero replicas included; sorted.
	Accounts []string
	// LoadBalancer is true when the service is offered outside the cluster.
	LoadBalancer bool
	// ExportTo lists the namespaces that see the service: "." its own, "*"
	// all, "~" none, or names. Empty is all.
	ExportTo []string
	From     []Ref // the objects that define it, the deciding one first
	// Hash covers everything above but Accounts and From.
	Hash Hash
}

// ServicePort is one port of a Service.
type ServicePort struct {
	Name       string
	Number     uint32
	TargetPort uint32 // number that pods listen on, 0 when TargetName names it
	TargetName string // name of a container port
	Protocol   Protocol
}

// Port finds a port by number.
func (s *Service) Port(number uint32) (ServicePort, bool) {
	for _, p := range s.Ports {
		if p.Number == number {
			return p, true
		}
	}
	return ServicePort{}, false
}

// WorkloadFacts is what the mesh says about a workload: in certificates, in
// metric labels, on graph nodes. Equal for all pods of one template.
type WorkloadFacts struct {
	Workload       string // name of the owner: "reviews-v1"
	Namespace      string
	Cluster        string
	App            string // label app, else app.kubernetes.io/name
	Version        string // label version, else app.kubernetes.io/version
	Canonical      string // canonical service: the label, else App, else Workload
	Revision       string // canonical revision: the label, else Version, else "latest"
	ServiceAccount string
}

// Workload is one pod.
type Workload struct {
	WorkloadFacts
	UID         string // of the pod: key
	Pod         string
	Node        string
	Network     string
	Locality    Locality
	Address     netip.Addr // invalid until assigned
	HostIP      netip.Addr
	Labels      map[string]string
	Annotations map[string]string
	Ports       []ContainerPort
	// Meshed is true when a proxy of ours stands beside it (or it is a gateway).
	Meshed  bool
	Gateway bool
	Phase   string // Pending, Running, Succeeded, Failed
	Ready   bool
	// Terminating is true from the moment the pod was asked to stop.
	Terminating bool
	From        Ref
	Hash        Hash // of everything above but Phase, Ready, Terminating
}

// ContainerPort is a declared port of a pod.
type ContainerPort struct {
	Name     string
	Number   uint32
	Protocol string // TCP, UDP
}

// Locality of a workload or endpoint.
type Locality struct{ Region, Zone, Subzone string }

// Health of an endpoint.
type Health uint8

const (
	Ready    Health = iota // takes traffic
	Draining               // still serving, on its way out: takes none that is new
	NotReady
)

// Endpoint is one address behind one port of a service.
type Endpoint struct {
	Address  netip.Addr
	Hostname string // to be looked up instead of Address, for services resolved by DNS
	Port     uint32 // target port number
	Health   Health
	Locality Locality
	Network  string
	Cluster  string
	Weight   uint32 // 0 is 1
	// Meshed endpoints take mutual TLS.
	Meshed   bool
	Labels   map[string]string // of the workload: subsets select by them
	Workload WorkloadFacts
	UID      string // of the workload, may be empty
}

// EndpointKey names the endpoints of one service port.
type EndpointKey struct {
	Host string
	Port uint32 // service port
}

// EndpointList is all endpoints of one service port, sorted by address, host name and port.
type EndpointList struct {
	Endpoints []Endpoint
	Hash      Hash
}
