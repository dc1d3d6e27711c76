package graph

import (
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// Rule is an object that acts on a node, with what it does there.
type Rule struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Does is what it does to the traffic of this node, what matters most first;
	// empty where only its text says it.
	Does []Deed `json:"does,omitempty" enum:"split,fault,mirror,timeout,retry,route,breaker,gate,entry,lock,scope"`
}

// Ref names the object.
func (r *Rule) Ref() mesh.Ref {
	return mesh.Ref{Kind: mesh.Kind{Group: r.Group, Name: r.Kind}, Namespace: r.Namespace, Name: r.Name}
}

func ruleOf(snap *mesh.Snapshot, o *mesh.Object, host string) Rule {
	return Rule{Group: o.Kind.Group, Kind: o.Kind.Name, Namespace: o.Namespace, Name: o.Name, Does: does(snap, o, host)}
}

// Deed is one thing that a rule does to traffic.
type Deed string

// What rules do, what matters most first.
const (
	Splits   Deed = "split" // two or more destinations of one route take a share
	Faults   Deed = "fault"
	Mirrors  Deed = "mirror"
	TimesOut Deed = "timeout"
	Retries  Deed = "retry"
	Routes   Deed = "route"   // leads somewhere, without dividing
	Breaks   Deed = "breaker" // limits connections, or takes out bad endpoints
	Gates    Deed = "gate"
	Enters   Deed = "entry" // adds a service
	Locks    Deed = "lock"  // says who may, or asks for proof of it
	Scopes   Deed = "scope" // says what proxies know
)

// deeds are the Deeds in their order.
var deeds = []Deed{Splits, Faults, Mirrors, TimesOut, Retries, Routes, Breaks, Gates, Enters, Locks, Scopes}

// does says what an object does to the traffic of a host; the host is empty for
// what acts on workloads.
func does(snap *mesh.Snapshot, o *mesh.Object, host string) []Deed {
	switch o.Kind {
	case mesh.KindGateway:
		return []Deed{Gates}
	case mesh.KindServiceEntry:
		return []Deed{Enters}
	case mesh.KindPeerAuthentication, mesh.KindRequestAuthentication, mesh.KindAuthorizationPolicy:
		return []Deed{Locks}
	case mesh.KindSidecar:
		return []Deed{Scopes}
	}
	d := doing{host: host, found: map[Deed]bool{}, named: func(name, namespace string) bool {
		return scope.HostCovers(scope.ResolveHost(name, namespace, snap.Settings.ClusterDomain), host)
	}}
	switch spec := o.Spec.(type) {
	case *networking.VirtualService:
		d.virtualService(spec, o.Namespace)
	case *networking.DestinationRule:
		d.destinationRule(spec)
	case *gatewayv1.HTTPRoute:
		d.httpRoute(&spec.Spec, o.Namespace)
	case *gatewayv1.GRPCRoute:
		d.grpcRoute(&spec.Spec, o.Namespace)
	}
	if d.found[Splits] {
		delete(d.found, Routes)
	}
	return inOrder(d.found)
}

func inOrder(found map[Deed]bool) []Deed {
	var list []Deed
	for _, one := range deeds {
		if found[one] {
			list = append(list, one)
		}
	}
	return list
}

// joined is what two readings of one rule say together.
func joined(a, b []Deed) []Deed {
	found := map[Deed]bool{}
	for _, one := range slices.Concat(a, b) {
		found[one] = true
	}
	return inOrder(found)
}

// doing collects what an object does to the traffic of one host.
type doing struct {
	host  string
	named func(name, namespace string) bool // the name means the host
	found map[Deed]bool
}

// mark notes a deed when it is so.
func (d *doing) mark(deed Deed, so bool) {
	if so {
		d.found[deed] = true
	}
}

// virtualService reads the routes of its hosts, and those that lead to the host:
// a rule of many services does to each what its own routes say.
func (d *doing) virtualService(vs *networking.VirtualService, namespace string) {
	rules := slices.ContainsFunc(vs.GetHosts(), func(h string) bool { return d.named(h, namespace) })
	leads := func(to *networking.Destination) bool { return to != nil && d.named(to.GetHost(), namespace) }
	for _, r := range vs.GetHttp() {
		mirrored := leads(r.GetMirror()) || slices.ContainsFunc(r.GetMirrors(), func(m *networking.HTTPMirrorPolicy) bool { return leads(m.GetDestination()) })
		taken := slices.ContainsFunc(r.GetRoute(), func(to *networking.HTTPRouteDestination) bool { return leads(to.GetDestination()) })
		d.mark(Mirrors, mirrored)
		if !rules && !taken {
			continue
		}
		d.mark(Splits, divides(r.GetRoute()))
		d.mark(Routes, true)
		d.mark(Faults, faulty(r.GetFault()))
		d.mark(Mirrors, r.GetMirror() != nil || len(r.GetMirrors()) > 0)
		d.mark(TimesOut, r.GetTimeout().AsDuration() > 0)
		d.mark(Retries, r.GetRetries().GetAttempts() > 0)
	}
	for _, r := range vs.GetTls() {
		d.connections(r.GetRoute(), rules, leads)
	}
	for _, r := range vs.GetTcp() {
		d.connections(r.GetRoute(), rules, leads)
	}
}

func (d *doing) connections(route []*networking.RouteDestination, rules bool, leads func(*networking.Destination) bool) {
	if rules || slices.ContainsFunc(route, func(to *networking.RouteDestination) bool { return leads(to.GetDestination()) }) {
		d.mark(Splits, divides(route))
		d.mark(Routes, true)
	}
}

// divides says whether two or more destinations take a share.
func divides[T interface{ GetWeight() int32 }](route []T) bool {
	taking := 0
	for _, to := range route {
		if to.GetWeight() > 0 {
			taking++
		}
	}
	return taking > 1
}

// faulty says whether a fault meets any request; without a percentage it meets all.
func faulty(f *networking.HTTPFaultInjection) bool {
	delay, abort := f.GetDelay(), f.GetAbort()
	return delay != nil && (delay.GetPercentage() == nil || delay.GetPercentage().GetValue() > 0) ||
		abort != nil && (abort.GetPercentage() == nil || abort.GetPercentage().GetValue() > 0)
}

// destinationRule breaks where it limits or takes out; subsets alone do nothing.
func (d *doing) destinationRule(dr *networking.DestinationRule) {
	breaks := func(p *networking.TrafficPolicy) bool {
		return p.GetOutlierDetection() != nil || p.GetConnectionPool() != nil ||
			slices.ContainsFunc(p.GetPortLevelSettings(), func(s *networking.TrafficPolicy_PortTrafficPolicy) bool {
				return s.GetOutlierDetection() != nil || s.GetConnectionPool() != nil
			})
	}
	d.mark(Breaks, breaks(dr.GetTrafficPolicy()) ||
		slices.ContainsFunc(dr.GetSubsets(), func(s *networking.Subset) bool { return breaks(s.GetTrafficPolicy()) }))
}

// attached says whether a route hangs on the service itself.
func (d *doing) attached(parents []gatewayv1.ParentReference, namespace string) bool {
	return slices.ContainsFunc(parents, func(p gatewayv1.ParentReference) bool {
		return p.Kind != nil && *p.Kind == gatewayv1.Kind(mesh.KindService.Name) && d.named(string(p.Name), or(p.Namespace, namespace))
	})
}

// backend says whether a reference means the host.
func (d *doing) backend(b *gatewayv1.BackendObjectReference, namespace string) bool {
	return (b.Kind == nil || *b.Kind == gatewayv1.Kind(mesh.KindService.Name)) && d.named(string(b.Name), or(b.Namespace, namespace))
}

func or(named *gatewayv1.Namespace, namespace string) string {
	if named == nil {
		return namespace
	}
	return string(*named)
}

func (d *doing) httpRoute(spec *gatewayv1.HTTPRouteSpec, namespace string) {
	rules := d.attached(spec.ParentRefs, namespace)
	for _, r := range spec.Rules {
		backends := make([]gatewayv1.BackendRef, len(r.BackendRefs))
		for i, b := range r.BackendRefs {
			backends[i] = b.BackendRef
		}
		if !d.backends(backends, rules, namespace) {
			continue
		}
		d.mark(Mirrors, slices.ContainsFunc(r.Filters, func(f gatewayv1.HTTPRouteFilter) bool { return f.RequestMirror != nil }))
		d.mark(TimesOut, r.Timeouts != nil && (limits(r.Timeouts.Request) || limits(r.Timeouts.BackendRequest)))
		d.mark(Retries, r.Retry != nil && (r.Retry.Attempts == nil || *r.Retry.Attempts > 0))
	}
}

// limits says whether a time is one; 0s stands for none.
func limits(t *gatewayv1.Duration) bool { return t != nil && *t != "0s" }

func (d *doing) grpcRoute(spec *gatewayv1.GRPCRouteSpec, namespace string) {
	rules := d.attached(spec.ParentRefs, namespace)
	for _, r := range spec.Rules {
		backends := make([]gatewayv1.BackendRef, len(r.BackendRefs))
		for i, b := range r.BackendRefs {
			backends[i] = b.BackendRef
		}
		if d.backends(backends, rules, namespace) {
			d.mark(Mirrors, slices.ContainsFunc(r.Filters, func(f gatewayv1.GRPCRouteFilter) bool { return f.RequestMirror != nil }))
		}
	}
}

// backends notes where a rule leads, and says whether that concerns the host.
// A backend without a weight has 1.
func (d *doing) backends(list []gatewayv1.BackendRef, rules bool, namespace string) bool {
	taking, here := 0, rules
	for i := range list {
		if list[i].Weight == nil || *list[i].Weight > 0 {
			taking++
		}
		here = here || d.backend(&list[i].BackendObjectReference, namespace)
	}
	d.mark(Splits, here && taking > 1)
	d.mark(Routes, here)
	return here
}
