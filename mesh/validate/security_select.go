package validate

import (
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	networkingv1beta1 "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	typev1beta1 "istio.io/api/type/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// selection is which workloads an object is for.
type selection struct {
	labels  map[string]string
	path    string // of the labels
	targets []*typev1beta1.PolicyTargetReference
	single  bool // targets is the one of targetRef
}

// selectionOf reads the selector and the targets of any kind that has them.
func selectionOf(o *mesh.Object) selection {
	s := selection{path: "spec.selector.matchLabels"}
	switch v := o.Spec.(type) {
	case *networking.EnvoyFilter:
		s.labels, s.path = v.GetWorkloadSelector().GetLabels(), "spec.workloadSelector.labels"
	case *networkingv1beta1.ProxyConfig:
		s.labels = v.GetSelector().GetMatchLabels()
	case interface {
		GetSelector() *typev1beta1.WorkloadSelector
	}:
		s.labels = v.GetSelector().GetMatchLabels()
	}
	if v, ok := o.Spec.(interface {
		GetTargetRefs() []*typev1beta1.PolicyTargetReference
	}); ok {
		s.targets = v.GetTargetRefs()
	}
	if v, ok := o.Spec.(interface {
		GetTargetRef() *typev1beta1.PolicyTargetReference
	}); ok && len(s.targets) == 0 && v.GetTargetRef() != nil {
		s.targets, s.single = []*typev1beta1.PolicyTargetReference{v.GetTargetRef()}, true
	}
	return s
}

// selectorText is a selector as people write one.
func selectorText(labels map[string]string) string {
	out := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

// reached are the objects of some kinds that a selector in a namespace reaches:
// one in the root namespace reaches everywhere. near finds them in one namespace.
func reached(x *Index, kinds []mesh.Kind, near func(*Index, string, map[string]string) []*mesh.Object, namespace string, labels map[string]string) []*mesh.Object {
	if namespace != x.Settings().RootNamespace {
		return near(x, namespace, labels)
	}
	var out []*mesh.Object
	for _, kind := range kinds {
		for _, o := range x.All(kind) {
			if carries(podLabels(o), labels) {
				out = append(out, o)
			}
		}
	}
	return out
}

func reachedPods(x *Index, namespace string, labels map[string]string) []*mesh.Object {
	return reached(x, []mesh.Kind{mesh.KindPod}, podsSelected, namespace, labels)
}

func reachedTemplates(x *Index, namespace string, labels map[string]string) []*mesh.Object {
	return reached(x, templateKinds, templatesSelected, namespace, labels)
}

func reachedMachines(x *Index, namespace string, labels map[string]string) []*mesh.Object {
	return reached(x, machinesByLabel.Kinds, machinesSelected, namespace, labels)
}

// reachesProxy reports whether a selector reaches a pod with a proxy, something
// whose pods may have one, or a machine, which has one.
func reachesProxy(x *Index, namespace string, labels map[string]string) bool {
	return slices.ContainsFunc(reachedPods(x, namespace, labels), func(o *mesh.Object) bool { return hasProxy(x, o) }) ||
		slices.ContainsFunc(reachedTemplates(x, namespace, labels), func(o *mesh.Object) bool {
			t := templateOf(o)
			return injectionWish(t.Labels, t.Annotations) != "false"
		}) ||
		len(reachedMachines(x, namespace, labels)) > 0
}

// hasProxy reports whether a pod has a proxy, or will have one when it starts.
func hasProxy(x *Index, o *mesh.Object) bool {
	pod := spec[*corev1.Pod](o)
	if pod == nil {
		return false
	}
	if o.Annotations[mesh.AnnotationStatus] != "" || o.Annotations["ambient.istio.io/redirection"] == "enabled" {
		return true
	}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		if slices.ContainsFunc(list, func(c corev1.Container) bool { return c.Name == "istio-proxy" }) {
			return true
		}
	}
	if wish := injectionWish(o.Labels, o.Annotations); wish != "" {
		return wish != "false"
	}
	if injectsAll(x) {
		return true
	}
	ns, ok := x.Get(mesh.Ref{Kind: mesh.KindNamespace, Name: o.Namespace})
	return ok && (ns.Labels["istio-injection"] == "enabled" || ns.Labels["istio-injection"] == "" && ns.Labels["istio.io/rev"] != "")
}

// injectionWish is what a pod says of having a proxy itself: "true", "false", or
// nothing.
func injectionWish(labels, annotations map[string]string) string {
	const inject = "sidecar.istio.io/inject"
	if v := labels[inject]; v != "" {
		return v
	}
	return annotations[inject]
}

// policyWithoutWorkload finds AuthorizationPolicies that no proxy gets.
func policyWithoutWorkload(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := selectionOf(o)
	everywhere := len(s.labels) == 0 && o.Namespace == x.Settings().RootNamespace
	if len(s.targets) > 0 || everywhere || reachesProxy(x, o.Namespace, s.labels) {
		return nil
	}
	if len(s.labels) == 0 {
		return []Found{found(o, "", "selector", "*", "namespace", o.Namespace)}
	}
	return []Found{found(o, s.path, "selector", selectorText(s.labels), "namespace", reachText(x, o))}
}

// reachText is the namespace that a selector reaches, or a star for all.
func reachText(x *Index, o *mesh.Object) string {
	if o.Namespace == x.Settings().RootNamespace {
		return "*"
	}
	return o.Namespace
}

// selectorWithoutWorkload finds other objects whose selector matches nothing.
func selectorWithoutWorkload(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := selectionOf(o)
	if len(s.labels) == 0 || len(s.targets) > 0 ||
		len(reachedPods(x, o.Namespace, s.labels)) > 0 ||
		len(reachedTemplates(x, o.Namespace, s.labels)) > 0 ||
		len(reachedMachines(x, o.Namespace, s.labels)) > 0 {
		return nil
	}
	return []Found{found(o, s.path, "selector", selectorText(s.labels), "namespace", reachText(x, o))}
}

// labelOfGateway names the Gateway that a pod was made for.
const labelOfGateway = "gateway.networking.k8s.io/gateway-name"

// selectorsOfGateways finds selectors that match the pods of a Gateway of the
// Gateway API, which takes no notice of them.
func selectorsOfGateways(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := selectionOf(o)
	if len(s.labels) == 0 || len(s.targets) > 0 {
		return nil
	}
	var out []Found
	var seen []string
	for _, pod := range reachedPods(x, o.Namespace, s.labels) {
		gateway := pod.Labels[labelOfGateway]
		if gateway == "" || slices.Contains(seen, gateway) {
			continue
		}
		seen = append(seen, gateway)
		f := found(o, s.path, "gateway", gateway)
		f.Related = []mesh.Ref{{Kind: mesh.KindK8sGateway, Namespace: pod.Namespace, Name: gateway}}
		if pod.Namespace == o.Namespace && s.labels[labelOfGateway] == gateway && len(s.labels) == 1 && o.Kind != mesh.KindEnvoyFilter {
			f.Fix = []mesh.Edit{
				{Op: mesh.OpDelete, Path: "spec.selector"},
				{Op: mesh.OpSet, Path: "spec.targetRefs", Value: "[{group: gateway.networking.k8s.io, kind: Gateway, name: " + gateway + "}]"},
			}
		}
		out = append(out, f)
	}
	return out
}

// missingTargets finds targets that do not exist. What is not there is only
// told where anything of its kind is in sight.
func missingTargets(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := selectionOf(o)
	var out []Found
	for i, t := range s.targets {
		kind := mesh.Kind{Group: t.GetGroup(), Name: t.GetKind()}
		if kind.Group == "core" {
			kind.Group = ""
		}
		namespace := t.GetNamespace()
		if namespace == "" {
			namespace = o.Namespace
		}
		switch kind {
		case mesh.KindGatewayClass:
			namespace = ""
		case mesh.KindK8sGateway, mesh.KindService, mesh.KindServiceEntry:
		default:
			continue
		}
		if _, ok := x.Get(mesh.Ref{Kind: kind, Namespace: namespace, Name: t.GetName()}); ok {
			continue
		}
		at := config.Path{}.Key("spec").Key("targetRefs").Item(i)
		if s.single {
			at = config.Path{}.Key("spec").Key("targetRef")
		}
		out = append(out, found(o, at.Key("name").String(), "kind", kind.Name, "name", t.GetName(), "namespace", namespace))
	}
	return out
}

// severalForNamespace finds PeerAuthentications that are for a whole namespace
// side by side: one of them wins, and which is not for people to see.
func severalForNamespace(x *Index, k Key, _ Evidence) []Found {
	var all []*mesh.Object
	for _, o := range x.In(mesh.KindPeerAuthentication, k.Name) {
		if len(selectionOf(o).labels) == 0 {
			all = append(all, o)
		}
	}
	return conflict(all, "namespace", k.Name)
}

// conflict reports each of several objects that should be one.
func conflict(all []*mesh.Object, params ...string) []Found {
	if len(all) < 2 {
		return nil
	}
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.Name
	}
	var out []Found
	for _, o := range all {
		f := found(o, "", append([]string{"names", strings.Join(names, ", ")}, params...)...)
		for _, other := range all {
			if other != o {
				f.Related = append(f.Related, other.Ref)
			}
		}
		out = append(out, f)
	}
	return out
}

// severalForWorkload finds PeerAuthentications that select one workload side by
// side.
func severalForWorkload(x *Index, k Key, _ Evidence) []Found {
	with := map[*mesh.Object][]*mesh.Object{} // by workload
	var workloads []*mesh.Object
	for _, o := range x.In(mesh.KindPeerAuthentication, k.Name) {
		labels := selectionOf(o).labels
		if len(labels) == 0 {
			continue
		}
		for _, w := range slices.Concat(podsSelected(x, k.Name, labels), templatesSelected(x, k.Name, labels)) {
			if with[w] == nil {
				workloads = append(workloads, w)
			}
			with[w] = append(with[w], o)
		}
	}
	var out []Found
	told := map[*mesh.Object]bool{}
	for _, w := range workloads {
		for _, f := range conflict(with[w], "workload", w.Name, "namespace", k.Name) {
			if !told[f.Object] {
				told[f.Object] = true
				f.Path = "spec.selector"
				out = append(out, f)
			}
		}
	}
	return out
}

// controlPlanes makes work of the Deployments that run Istio's control plane.
func controlPlanes(_ mesh.Settings, o *mesh.Object) []Key {
	if o.Labels["app"] != "istiod" && podLabels(o)["app"] != "istiod" {
		return nil
	}
	return []Key{{Ref: o.Ref}}
}

// unrestrictedKeyFetching finds control planes that fetch keys of tokens from
// wherever a RequestAuthentication says, addresses inside the cluster included.
func unrestrictedKeyFetching(x *Index, o *mesh.Object, _ Evidence) []Found {
	d := spec[*appsv1.Deployment](o)
	if d == nil {
		return nil
	}
	const variable = "BLOCKED_CIDRS_IN_JWKS_URIS"
	for _, c := range d.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if e.Name == variable && (e.Value != "" || e.ValueFrom != nil) {
				return nil
			}
		}
	}
	var names []string
	var related []mesh.Ref
	for _, ra := range x.All(mesh.KindRequestAuthentication) {
		for _, r := range spec[*security.RequestAuthentication](ra).GetJwtRules() {
			if r.GetJwksUri() != "" || r.GetJwks() == "" {
				names, related = append(names, ra.Namespace+"/"+ra.Name), append(related, ra.Ref)
				break
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	f := found(o, "spec.template.spec.containers", "variable", variable, "names", strings.Join(names, ", "))
	f.Related = related
	return []Found{f}
}
