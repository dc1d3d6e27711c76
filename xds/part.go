package xds

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
)

// Type URLs of the resources we serve.
const (
	ClusterType     = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	EndpointType    = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	ListenerType    = "type.googleapis.com/envoy.config.listener.v3.Listener"
	RouteType       = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
	VirtualHostType = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
	SecretType      = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
	RuntimeType     = "type.googleapis.com/envoy.service.runtime.v3.Runtime"
	ExtensionType   = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
)

// Types in the order in which they are pushed: what is named goes before what
// names it.
var Types = []string{
	SecretType, ClusterType, EndpointType, ExtensionType,
	RouteType, VirtualHostType, ListenerType, RuntimeType,
}

// Part is one Envoy resource to be made.
type Part struct {
	Type string
	Name string
	// Key digests everything that Make reads: equal keys, equal result.
	Key mesh.Hash
	// From lists the objects that a rejection of the resource is blamed on.
	From []mesh.Ref
	// Make builds the resource. It is pure and may be called from any
	// goroutine; a problem with an object is a finding, never a panic.
	Make func() (proto.Message, []mesh.Finding)
	// Fallback, when not nil, builds what stands in for the resource where Make
	// gives nothing and no proxy has ever accepted anything under the name:
	// what must not be absent, because its absence would mean something else.
	Fallback func() proto.Message
}

// Plan is everything one proxy gets. Proxies of one class share their plan.
type Plan struct {
	Revision mesh.Hash // of the snapshot
	// Base is what this plan has in common with others, nil when there is
	// nothing: the same pointer for all of them, so that what comes of it is
	// worked out once. A base has no base itself.
	Base *Plan
	// Parts are those beyond Base, ordered by type (as in Types) and name; none
	// of them has type and name of one in Base.
	Parts []Part
}

// All lists the parts, those of Base included, by type and name.
func (p *Plan) All() []Part {
	if p.Base == nil {
		return p.Parts
	}
	all := slices.Concat(p.Base.Parts, p.Parts)
	slices.SortStableFunc(all, Part.Compare)
	return all
}

// Compare orders parts by type and name.
func (p Part) Compare(o Part) int {
	return cmp.Or(cmp.Compare(typeRank(p.Type), typeRank(o.Type)), cmp.Compare(p.Name, o.Name))
}

func typeRank(t string) int {
	for i, known := range Types {
		if known == t {
			return i
		}
	}
	return len(Types)
}

// Role of a proxy.
type Role string

const (
	Sidecar Role = "sidecar"
	Gateway Role = "gateway"
)

// Proxy is who asks: the traits of one Envoy that translation may read. The
// control plane takes them from the pod that the connection proved to be,
// never from what the client says about itself.
type Proxy struct {
	UID       string // pod UID
	ID        string // "pod.namespace", as people name the proxy
	Role      Role
	Workload  *mesh.Workload // nil for clients that are no pod (gRPC clients in tests)
	Namespace string
}

// Planner says what a proxy gets. It is pure: same snapshot content and same
// proxy traits, same plan. It returns the findings of planning itself; those of
// a part come from its Make.
type Planner interface {
	Plan(snap *mesh.Snapshot, p Proxy) (*Plan, []mesh.Finding)
}
