package scope

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// View is the mesh as one class of proxies sees it. It reads no trait but
// those of Asker, so proxies with equal Class share one View.
type View struct {
	x     *Index
	asker Asker
}

// Asker is who looks, with only those labels that some selector of the
// snapshot names.
func (v *View) Asker() Asker { return v.asker }

// Snapshot is what the view was made from.
func (v *View) Snapshot() *mesh.Snapshot { return v.x.snap }

// Class digests everything in the asker that the view reads.
func (v *View) Class() mesh.Hash {
	role := "sidecar"
	if v.asker.Gateway {
		role = "gateway"
	}
	parts := []string{role, v.asker.Namespace}
	for _, k := range slices.Sorted(maps.Keys(v.asker.Labels)) {
		parts = append(parts, k, v.asker.Labels[k])
	}
	return mesh.HashOf(parts...)
}

// Services lists what the asker can call, by host.
func (v *View) Services() []*mesh.Service {
	visible := make([]*mesh.Service, 0, len(v.x.services))
	for _, s := range v.x.services {
		if v.sees(s) {
			visible = append(visible, s)
		}
	}
	return visible
}

// Service finds a visible service by its host.
func (v *View) Service(host string) (*mesh.Service, bool) {
	s, ok := v.x.snap.Services.Get(host)
	if !ok || !v.sees(s) {
		return nil, false
	}
	return s, true
}

func (v *View) sees(s *mesh.Service) bool {
	e, restricted := v.x.exports[s.Host]
	return !restricted || e.to(v.asker.Namespace)
}

// MeshVirtualServices lists every visible VirtualService that applies to
// sidecars, in the order in which they win, each once.
func (v *View) MeshVirtualServices() []*mesh.Object { return v.visible(v.x.onMeshAll) }

// VirtualServicesFor lists the visible VirtualServices that claim host for
// sidecars: those of the most specific host (an exact name before wildcards),
// the oldest first. The first owns the host; the others are overruled. Matches
// on the port are for the routes to decide: port 0 and any other give the same.
func (v *View) VirtualServicesFor(host string, _ uint32) []*mesh.Object {
	for _, group := range v.x.onMesh.match(host) {
		if visible := v.visible(group); len(visible) > 0 {
			return visible
		}
	}
	return nil
}

// VirtualServicesForGateway lists the visible VirtualServices that name a
// gateway, the oldest first.
func (v *View) VirtualServicesForGateway(gateway mesh.Ref) []*mesh.Object {
	return v.visible(v.x.onGateway[gateway])
}

func (v *View) visible(group []virtualService) []*mesh.Object {
	var objects []*mesh.Object
	for _, vs := range group {
		if vs.export.to(v.asker.Namespace) {
			objects = append(objects, vs.object)
		}
	}
	return objects
}

// Gateways lists the Gateway objects that select the asker, the oldest first.
// It is empty for sidecars, and an object without selector selects nobody.
func (v *View) Gateways() []*mesh.Object {
	if !v.asker.Gateway {
		return nil
	}
	var selected []*mesh.Object
	for _, o := range v.x.gateways {
		spec, ok := o.Spec.(*networking.Gateway)
		if ok && len(spec.Selector) > 0 && Selects(spec.Selector, v.asker.Labels) {
			selected = append(selected, o)
		}
	}
	return selected
}

// DestinationRule is the rule for calls to host, nil when there is none: of
// the rules that the asker may see, those in its own namespace, then in the
// service's, then in the root namespace; in one namespace a rule that selects
// the workload before one for all, the exact host before wildcards.
//
// Several rules of one namespace for the same host act as one: subsets are
// joined, the oldest traffic policy stands. The object is then named after the
// oldest, and its Hash covers all.
func (v *View) DestinationRule(host string) *mesh.Object {
	groups := v.x.rules.match(host)
	if len(groups) == 0 {
		return nil
	}
	namespaces := []string{v.asker.Namespace}
	if s, ok := v.x.snap.Services.Get(host); ok {
		namespaces = append(namespaces, s.Namespace)
	}
	namespaces = append(namespaces, v.x.snap.Settings.RootNamespace)
	for _, ns := range namespaces {
		for _, group := range groups {
			if rule := v.ruleIn(ns, group); rule != nil {
				return rule
			}
		}
	}
	return nil
}

func (v *View) ruleIn(namespace string, group []destinationRule) *mesh.Object {
	var selecting, general []destinationRule
	for _, r := range group {
		switch {
		case r.object.Namespace != namespace || !r.export.to(v.asker.Namespace):
		case len(r.selector) == 0:
			general = append(general, r)
		case namespace == v.asker.Namespace && Selects(r.selector, v.asker.Labels):
			selecting = append(selecting, r)
		}
	}
	if len(selecting) > 0 {
		return selecting[0].object
	}
	return joinRules(general)
}

func joinRules(rules []destinationRule) *mesh.Object {
	switch len(rules) {
	case 0:
		return nil
	case 1:
		return rules[0].object
	}
	joined := *rules[0].object
	spec := proto.Clone(rules[0].spec).(*networking.DestinationRule)
	hashes := []string{joined.Hash.String()}
	for _, r := range rules[1:] {
		hashes = append(hashes, r.object.Hash.String())
		if spec.TrafficPolicy == nil {
			spec.TrafficPolicy = r.spec.TrafficPolicy
		}
		for _, subset := range r.spec.Subsets {
			if !slices.ContainsFunc(spec.Subsets, func(s *networking.Subset) bool { return s.Name == subset.Name }) {
				spec.Subsets = append(spec.Subsets, subset)
			}
		}
	}
	joined.Spec = spec
	joined.Hash = mesh.HashOf(hashes...)
	return &joined
}

// Selects reports whether labels carry everything that selector asks for.
func Selects(selector, labels map[string]string) bool {
	for k, want := range selector {
		if have, ok := labels[k]; !ok || have != want {
			return false
		}
	}
	return true
}
