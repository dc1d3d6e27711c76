package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

var destinationRuleLookups = []*Lookup{rulesByHost, routesByDestination, servicesBySelector}

// rulesByHost finds DestinationRules by the full host, or wildcard, they are for.
var rulesByHost = &Lookup{Name: "rules by host", Kinds: []mesh.Kind{mesh.KindDestinationRule}, Values: func(set mesh.Settings, o *mesh.Object) []string {
	return []string{ruleHostOf(set, o)}
}}

// routesByDestination finds VirtualServices by each subset that they send to:
// "reviews.default.svc.cluster.local/v2".
var routesByDestination = &Lookup{Name: "routes by destination", Kinds: []mesh.Kind{mesh.KindVirtualService}, Values: func(set mesh.Settings, o *mesh.Object) []string {
	var out []string
	add := func(d *networking.Destination) {
		if d.GetSubset() != "" {
			out = append(out, subsetValue(fullHost(set, o.Namespace, d.GetHost()), d.GetSubset()))
		}
	}
	vs := spec[*networking.VirtualService](o)
	for _, r := range vs.GetHttp() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
		add(r.GetMirror())
		for _, m := range r.GetMirrors() {
			add(m.GetDestination())
		}
	}
	for _, r := range vs.GetTcp() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
	}
	for _, r := range vs.GetTls() {
		for _, d := range r.GetRoute() {
			add(d.GetDestination())
		}
	}
	return out
}}

func subsetValue(host, subset string) string { return host + "/" + subset }

// ruleHostOf is the full host, or wildcard, that a DestinationRule is for.
func ruleHostOf(set mesh.Settings, o *mesh.Object) string {
	return fullHost(set, o.Namespace, spec[*networking.DestinationRule](o).GetHost())
}

// ruleServices are the services that a DestinationRule is for: those of its host
// that its own namespace, or one that it names in exportTo, can see.
func ruleServices(x *Index, o *mesh.Object) []*mesh.Object {
	var out []*mesh.Object
	for _, s := range servicesOf(x, ruleHostOf(x.Settings(), o)) {
		seen := visible(s, o.Namespace)
		for _, ns := range spec[*networking.DestinationRule](o).GetExportTo() {
			seen = seen || visible(s, ns)
		}
		if seen {
			out = append(out, s)
		}
	}
	return out
}

// ruleHost finds rules for a host that nobody defines.
func ruleHost(x *Index, o *mesh.Object, _ Evidence) []Found {
	host := spec[*networking.DestinationRule](o).GetHost()
	if host == "" || host == "*" || len(ruleServices(x, o)) > 0 {
		return nil
	}
	f := found(o, "spec.host", "host", host)
	if full, ok := shortened(x, host); ok {
		f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: "spec.host", Value: full}}
	}
	spellingOf(x).ruleHost(&f, o, host)
	return []Found{f}
}

// ruleHost says which Service is meant by a host that a rule has wrong: one that no
// other rule is for, with workloads for each of its subsets.
func (s *spelling) ruleHost(f *Found, o *mesh.Object, written string) {
	if strings.ContainsAny(written, "*") {
		return
	}
	namespace, name := o.Namespace, written
	write := func(word string) string { return word }
	if dot := strings.IndexByte(written, '.'); dot >= 0 {
		var rest string
		name, rest = written[:dot], written[dot:]
		namespace, _, _ = strings.Cut(rest[1:], ".")
		if mesh.KubeHost("", namespace, s.x.Settings().ClusterDomain) != rest {
			return
		}
		write = func(word string) string { return word + rest }
	}
	s.correct(f, name, s.namesOf(mesh.KindService, namespace), func(word string) bool {
		service, there := s.x.Get(mesh.Ref{Kind: mesh.KindService, Namespace: namespace, Name: word})
		if !there || !visible(service, o.Namespace) || len(s.x.By(rulesByHost, mesh.KubeHost(word, namespace, s.x.Settings().ClusterDomain))) > 0 {
			return false
		}
		return !slices.ContainsFunc(spec[*networking.DestinationRule](o).GetSubsets(), func(sub *networking.Subset) bool {
			return !hasEndpoints(s.x, service, sub.GetLabels())
		})
	}, write)
}

// shortened reads "reviews.default" and "reviews.default.svc", which name
// nothing, as the Service that is meant, when there is one.
func shortened(x *Index, host string) (full string, ok bool) {
	name, rest, _ := strings.Cut(strings.ToLower(host), ".")
	namespace, suffix, _ := strings.Cut(rest, ".")
	if namespace == "" || suffix != "" && suffix != "svc" {
		return "", false
	}
	full = mesh.KubeHost(name, namespace, x.Settings().ClusterDomain)
	_, ok = x.Get(mesh.Ref{Kind: mesh.KindService, Namespace: namespace, Name: name})
	return full, ok
}

// emptySubsets finds subsets that no workload belongs to.
func emptySubsets(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	forEmptySubsets(x, o, func(i int, s *networking.Subset, stranger *mesh.Object) {
		if stranger == nil {
			out = append(out, found(o, fmt.Sprintf("spec.subsets[%d]", i), "subset", s.GetName(), "host", spec[*networking.DestinationRule](o).GetHost()))
		}
	})
	return out
}

// foreignSubsets finds subsets whose labels only workloads of other services carry.
func foreignSubsets(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	forEmptySubsets(x, o, func(i int, s *networking.Subset, stranger *mesh.Object) {
		if stranger != nil {
			f := found(o, fmt.Sprintf("spec.subsets[%d].labels", i), "subset", s.GetName(),
				"host", spec[*networking.DestinationRule](o).GetHost(), "other", stranger.Ref.String())
			f.Related = []mesh.Ref{stranger.Ref}
			out = append(out, f)
		}
	})
	return out
}

// forEmptySubsets calls do for each subset without endpoints, with a workload
// beside the service that carries the labels, if there is one. Hosts that nobody
// defines, and wildcards, have no subsets that could be told.
func forEmptySubsets(x *Index, o *mesh.Object, do func(i int, s *networking.Subset, stranger *mesh.Object)) {
	rule := spec[*networking.DestinationRule](o)
	if len(rule.GetSubsets()) == 0 || strings.HasPrefix(rule.GetHost(), "*") {
		return
	}
	services := ruleServices(x, o)
	if len(services) == 0 {
		return
	}
subsets:
	for i, s := range rule.GetSubsets() {
		labels := s.GetLabels()
		var stranger *mesh.Object
		for _, service := range services {
			if hasEndpoints(x, service, labels) {
				continue subsets
			}
			if len(labels) > 0 && stranger == nil {
				stranger = firstCarrying(x, service.Namespace, labels)
			}
		}
		do(i, s, stranger)
	}
}

// servicesBySelector finds Services and ServiceEntries by namespace and the first
// label of their selector.
var servicesBySelector = &Lookup{Name: "services by selector", Kinds: serviceKinds, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	selector := serviceSelector(o)
	if len(selector) == 0 {
		return nil
	}
	first := slices.Min(slices.Collect(maps.Keys(selector)))
	return []string{labelValue(o.Namespace, first, selector[first])}
}}

// serviceSelector is what a Service or ServiceEntry finds its workloads by.
func serviceSelector(o *mesh.Object) map[string]string {
	switch s := o.Spec.(type) {
	case *corev1.Service:
		return s.Spec.Selector
	case *networking.ServiceEntry:
		return s.GetWorkloadSelector().GetLabels()
	}
	return nil
}

// fromNode are labels that endpoints get from the node that they run on, besides
// corev1.LabelHostname, which is its name.
var fromNode = []string{corev1.LabelTopologyRegion, corev1.LabelTopologyZone, mesh.LabelSubzone}

// inhabited reports whether a workload of a namespace carries labels, or does
// together with those of its node. On which node pods will run that do not exist
// yet is not written anywhere: it can be the right one.
func inhabited(x *Index, namespace string, labels map[string]string) bool {
	if firstCarrying(x, namespace, labels) != nil {
		return true
	}
	own := maps.Clone(labels)
	for _, k := range append([]string{corev1.LabelHostname}, fromNode...) {
		delete(own, k)
	}
	if len(own) == len(labels) {
		return false
	}
	pods := podsSelected(x, namespace, own)
	for _, p := range pods {
		if carries(over(p.Labels, nodeLabels(x, spec[*corev1.Pod](p).Spec.NodeName)), labels) {
			return true
		}
	}
	return len(pods) == 0 && firstCarrying(x, namespace, own) != nil
}

// nodeLabels are the labels that endpoints on a node get from it.
func nodeLabels(x *Index, name string) map[string]string {
	if name == "" {
		return nil
	}
	out := map[string]string{corev1.LabelHostname: name}
	if node, ok := x.Get(mesh.Ref{Kind: mesh.KindNode, Name: name}); ok {
		for _, k := range fromNode {
			if v, has := node.Labels[k]; has {
				out[k] = v
			}
		}
	}
	return out
}

// hasEndpoints reports whether a service has, or will have, endpoints that carry
// labels.
func hasEndpoints(x *Index, service *mesh.Object, labels map[string]string) bool {
	selector := serviceSelector(service)
	if s, ok := service.Spec.(*networking.ServiceEntry); ok && len(selector) == 0 {
		for _, e := range s.GetEndpoints() {
			if carries(e.GetLabels(), labels) {
				return true
			}
		}
		return len(s.GetEndpoints()) == 0 && len(labels) == 0
	}
	both := over(selector, labels)
	return carries(both, selector) && inhabited(x, service.Namespace, both)
}

// carrierKinds are what firstCarrying looks at.
var carrierKinds = slices.Concat(podsByLabel.Kinds, templateKinds, machinesByLabel.Kinds)

// firstCarrying is a workload of a namespace that carries all labels of a
// selector: a pod, what makes pods, or a machine outside of the cluster.
func firstCarrying(x *Index, namespace string, selector map[string]string) *mesh.Object {
	for _, find := range []func(*Index, string, map[string]string) []*mesh.Object{podsSelected, templatesSelected, machinesSelected} {
		if list := find(x, namespace, selector); len(list) > 0 {
			return list[0]
		}
	}
	return nil
}
