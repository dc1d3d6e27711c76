package app

import (
	"context"
	"slices"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	telemetryv1 "istio.io/api/telemetry/v1alpha1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// tellObjects computes the state of the objects that configure the mesh.
func (p *plane) tellObjects(ctx context.Context, _ live.Params, publish func(live.Whole)) error {
	var acts reach
	return keep(ctx, pace{atLeast: lookEvery, gap: shortGap}, p.live.changed.watch(ctx), func(context.Context) {
		snap := p.Snapshot()
		publish(objectElements(snap, p.Findings(), acts.in(snap), p.lastChange))
	})
}

// lastChange is the last change of an object.
func (p *plane) lastChange(ref mesh.Ref) *api.LastChange {
	if l, ok := p.history.Latest(ref); ok {
		return &api.LastChange{At: l.At, Actor: l.Actor, Change: l.ID}
	}
	at, ok := p.checks.changes.of(ref)
	if !ok {
		return nil
	}
	return &api.LastChange{At: at.UTC()}
}

// of is when an object last changed, as far as it is known.
func (c *changes) of(ref mesh.Ref) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.at[ref]
	return at, ok
}

// reach is what the objects of one snapshot act on.
type reach struct {
	snap     *mesh.Snapshot
	services map[mesh.Ref][]string // "namespace/name"
}

// in gives the services that each object of a snapshot acts on. They are found
// once per snapshot.
func (r *reach) in(snap *mesh.Snapshot) map[mesh.Ref][]string {
	if r.snap == snap {
		return r.services
	}
	r.snap, r.services = snap, map[mesh.Ref][]string{}
	before := servicesBefore(snap)
	for ref, o := range snap.Objects.All() {
		if !configures(o) || scopeOf(o, snap.Settings.RootNamespace) != "services" {
			continue
		}
		targets := graph.ActsOn(snap, ref)
		for _, host := range targets.Hosts {
			if s, ok := snap.Services.Get(host); ok {
				r.services[ref] = append(r.services[ref], s.Namespace+"/"+s.Name)
			}
		}
		for _, workload := range targets.Workloads {
			r.services[ref] = append(r.services[ref], before[workload]...)
		}
		slices.Sort(r.services[ref])
		r.services[ref] = slices.Compact(r.services[ref])
	}
	return r.services
}

// servicesBefore are the services that stand before each workload, both as
// "namespace/name".
func servicesBefore(snap *mesh.Snapshot) map[string][]string {
	out := map[string][]string{}
	for key, list := range snap.Endpoints.All() {
		s, ok := snap.Services.Get(key.Host)
		if !ok {
			continue
		}
		service := s.Namespace + "/" + s.Name
		for _, e := range list.Endpoints {
			workload := e.Workload.Namespace + "/" + e.Workload.Workload
			if e.Workload.Workload != "" && !slices.Contains(out[workload], service) {
				out[workload] = append(out[workload], service)
			}
		}
	}
	return out
}

// configures reports whether an object is a rule of the mesh, and not what the
// mesh is made of.
func configures(o *mesh.Object) bool {
	_, known := config.Lookup(o.Kind)
	return known && !clusterKinds[o.Kind]
}

// objectElements says how each object is.
func objectElements(snap *mesh.Snapshot, findings []mesh.Finding, services map[mesh.Ref][]string, last func(mesh.Ref) *api.LastChange) live.Whole {
	about := map[mesh.Ref][]mesh.Finding{}
	for _, f := range findings {
		about[f.Ref] = append(about[f.Ref], f)
	}
	whole := live.Whole{}
	for ref, o := range snap.Objects.All() {
		if !configures(o) {
			continue
		}
		e := api.LiveObject{
			Ref: ref, ETag: o.Version, Hosts: hostsOf(o), Services: append([]string{}, services[ref]...),
			Scope: scopeOf(o, snap.Settings.RootNamespace), Changed: last(ref), NotSupported: !config.Supports(o.Kind),
		}
		e.State, e.Findings = stateOf(about[ref])
		whole[ref.ID()] = e
	}
	return whole
}

// stateOf is the worst that is said about an object.
func stateOf(findings []mesh.Finding) (state string, n api.Severities) {
	rejected := false
	for _, f := range findings {
		rejected = rejected || f.Code == mesh.CodeRejected
		switch f.Severity {
		case mesh.Error:
			n.Error++
		case mesh.Warning:
			n.Warning++
		case mesh.Info:
			n.Info++
		}
	}
	switch {
	case rejected:
		return "rejected", n
	case n.Error > 0:
		return "error", n
	case n.Warning > 0:
		return "warning", n
	case n.Info > 0:
		return "info", n
	}
	return "ok", n
}

// hostsOf lists the hosts that an object names, in order and each once.
func hostsOf(o *mesh.Object) []string {
	hosts := []string{}
	add := func(names ...string) {
		for _, h := range names {
			if h != "" && !slices.Contains(hosts, h) {
				hosts = append(hosts, h)
			}
		}
	}
	switch spec := o.Spec.(type) {
	case *networking.VirtualService:
		add(spec.GetHosts()...)
	case *networking.DestinationRule:
		add(spec.GetHost())
	case *networking.ServiceEntry:
		add(spec.GetHosts()...)
	case *networking.Gateway:
		for _, s := range spec.GetServers() {
			for _, h := range s.GetHosts() { // "namespace/host"
				_, host, ok := strings.Cut(h, "/")
				if !ok {
					host = h
				}
				add(host)
			}
		}
	case *gatewayv1.HTTPRoute:
		for _, h := range spec.Spec.Hostnames {
			add(string(h))
		}
	case *gatewayv1.GRPCRoute:
		for _, h := range spec.Spec.Hostnames {
			add(string(h))
		}
	case *gatewayv1.TLSRoute:
		for _, h := range spec.Spec.Hostnames {
			add(string(h))
		}
	case *gatewayv1.Gateway:
		for _, l := range spec.Spec.Listeners {
			if l.Hostname != nil {
				add(string(*l.Hostname))
			}
		}
	}
	return hosts
}

// scopeOf says how far an object reaches: what a policy without selector applies
// to is not listed, because it is everything.
func scopeOf(o *mesh.Object, root string) string {
	selects := true
	switch spec := o.Spec.(type) {
	case *security.PeerAuthentication:
		selects = len(spec.GetSelector().GetMatchLabels()) > 0
	case *security.RequestAuthentication:
		selects = len(spec.GetSelector().GetMatchLabels()) > 0 || spec.GetTargetRef() != nil || len(spec.GetTargetRefs()) > 0
	case *security.AuthorizationPolicy:
		selects = len(spec.GetSelector().GetMatchLabels()) > 0 || spec.GetTargetRef() != nil || len(spec.GetTargetRefs()) > 0
	case *telemetryv1.Telemetry:
		selects = len(spec.GetSelector().GetMatchLabels()) > 0 || spec.GetTargetRef() != nil || len(spec.GetTargetRefs()) > 0
	case *networking.Sidecar:
		selects = len(spec.GetWorkloadSelector().GetLabels()) > 0
	case *networking.EnvoyFilter:
		selects = len(spec.GetWorkloadSelector().GetLabels()) > 0 || len(spec.GetTargetRefs()) > 0
	}
	switch {
	case selects:
		return "services"
	case o.Namespace == root:
		return "mesh"
	}
	return "namespace"
}
