package graph

import (
	"maps"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
	typev1beta1 "istio.io/api/type/v1beta1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// ruleKinds are the kinds of objects that change what happens to traffic.
func ruleKinds() []mesh.Kind {
	return []mesh.Kind{
		mesh.KindVirtualService, mesh.KindDestinationRule, mesh.KindServiceEntry, mesh.KindGateway, mesh.KindSidecar,
		mesh.KindEnvoyFilter, mesh.KindPeerAuthentication, mesh.KindRequestAuthentication, mesh.KindAuthorizationPolicy,
		mesh.KindTelemetry, mesh.KindHTTPRoute, mesh.KindGRPCRoute,
	}
}

// Targets are what an object acts on.
type Targets struct {
	Hosts     []string // of services, sorted
	Workloads []string // "namespace/name", sorted
}

// ActsOn says which services and workloads of a snapshot an object of it acts
// on: those that a route names, that a policy selects, that a manifest runs. It
// is nothing for objects that are not there, but for the workload of a manifest,
// whose name says enough.
func ActsOn(snap *mesh.Snapshot, ref mesh.Ref) Targets {
	t := targets{snap: snap, hosts: map[string]bool{}, workloads: map[string]bool{}}
	t.add(ref)
	return t.list()
}

// Rules are the rules of a snapshot by what they act on.
type Rules struct {
	byHost     map[string][]Rule
	byWorkload map[string][]Rule
}

// RulesOf reads the rules of a snapshot.
func RulesOf(snap *mesh.Snapshot) *Rules {
	r := &Rules{byHost: map[string][]Rule{}, byWorkload: map[string][]Rule{}}
	for _, kind := range ruleKinds() {
		for _, o := range snap.Kind(kind) {
			t := ActsOn(snap, o.Ref)
			for _, h := range t.Hosts {
				r.byHost[h] = append(r.byHost[h], ruleOf(snap, o, h))
			}
			if len(t.Workloads) == 0 {
				continue
			}
			one := ruleOf(snap, o, "")
			for _, w := range t.Workloads {
				r.byWorkload[w] = append(r.byWorkload[w], one)
			}
		}
	}
	return r
}

// On lists the rules that act on a node which stands for these workloads, sorted.
func (r *Rules) On(n *Node, workloads []string) []Rule {
	if r == nil {
		return nil
	}
	var all []Rule
	for _, h := range n.Services {
		all = append(all, r.byHost[h]...)
	}
	for _, w := range workloads {
		all = append(all, r.byWorkload[w]...)
	}
	slices.SortStableFunc(all, func(a, b Rule) int { return mesh.CompareRefs(a.Ref(), b.Ref()) })
	var each []Rule
	for _, one := range all {
		if last := len(each) - 1; last >= 0 && each[last].Ref() == one.Ref() {
			each[last].Does = joined(each[last].Does, one.Does)
			continue
		}
		each = append(each, one)
	}
	return each
}

type targets struct {
	snap             *mesh.Snapshot
	hosts, workloads map[string]bool
}

func (t *targets) list() Targets {
	return Targets{Hosts: slices.Sorted(maps.Keys(t.hosts)), Workloads: slices.Sorted(maps.Keys(t.workloads))}
}

func (t *targets) add(ref mesh.Ref) {
	switch ref.Kind {
	case mesh.KindDeployment, mesh.KindStatefulSet, mesh.KindDaemonSet, mesh.KindReplicaSet, mesh.KindRollout:
		t.workloads[ref.Namespace+"/"+ref.Name] = true
		return
	case mesh.KindPod:
		t.pods(func(w *mesh.Workload) bool { return w.Namespace == ref.Namespace && w.Pod == ref.Name })
		return
	}
	o, ok := t.snap.Get(ref)
	if !ok {
		return
	}
	switch spec := o.Spec.(type) {
	case *networking.VirtualService:
		t.virtualService(spec, ref.Namespace)
	case *networking.DestinationRule:
		t.host(spec.GetHost(), ref.Namespace)
	case *networking.Gateway:
		t.pods(func(w *mesh.Workload) bool { return w.Gateway && scope.Selects(spec.GetSelector(), w.Labels) })
	case *networking.Sidecar:
		t.selected(ref.Namespace, spec.GetWorkloadSelector().GetLabels())
	case *networking.EnvoyFilter:
		t.selected(ref.Namespace, spec.GetWorkloadSelector().GetLabels())
	case *security.PeerAuthentication:
		t.selected(ref.Namespace, spec.GetSelector().GetMatchLabels())
	case *security.RequestAuthentication:
		t.policy(ref.Namespace, spec.GetSelector().GetMatchLabels(), spec.GetTargetRefs())
	case *security.AuthorizationPolicy:
		t.policy(ref.Namespace, spec.GetSelector().GetMatchLabels(), spec.GetTargetRefs())
	case *telemetry.Telemetry:
		t.policy(ref.Namespace, spec.GetSelector().GetMatchLabels(), spec.GetTargetRefs())
	case *gatewayv1.HTTPRoute:
		t.parents(spec.Spec.ParentRefs, ref.Namespace)
		for _, rule := range spec.Spec.Rules {
			for _, b := range rule.BackendRefs {
				t.backend(&b.BackendObjectReference, ref.Namespace)
			}
		}
	case *gatewayv1.GRPCRoute:
		t.parents(spec.Spec.ParentRefs, ref.Namespace)
		for _, rule := range spec.Spec.Rules {
			for _, b := range rule.BackendRefs {
				t.backend(&b.BackendObjectReference, ref.Namespace)
			}
		}
	default: // Services and ServiceEntries
		for s := range t.snap.Services.Values() {
			if slices.Contains(s.From, ref) {
				t.hosts[s.Host] = true
			}
		}
	}
}

// virtualService adds the hosts that it rules and all that it sends to.
func (t *targets) virtualService(vs *networking.VirtualService, namespace string) {
	for _, h := range vs.GetHosts() {
		t.host(h, namespace)
	}
	to := func(d *networking.Destination) {
		if d != nil {
			t.host(d.GetHost(), namespace)
		}
	}
	for _, r := range vs.GetHttp() {
		for _, d := range r.GetRoute() {
			to(d.GetDestination())
		}
		to(r.GetMirror())
		for _, m := range r.GetMirrors() {
			to(m.GetDestination())
		}
	}
	for _, r := range vs.GetTls() {
		for _, d := range r.GetRoute() {
			to(d.GetDestination())
		}
	}
	for _, r := range vs.GetTcp() {
		for _, d := range r.GetRoute() {
			to(d.GetDestination())
		}
	}
}

// host adds the services under a host as a rule of a namespace writes it. "*"
// alone is every host outside as well, and says nothing of a service.
func (t *targets) host(host, namespace string) {
	full := scope.ResolveHost(host, namespace, t.snap.Settings.ClusterDomain)
	switch {
	case full == "" || full == "*":
	case !strings.HasPrefix(full, "*"):
		if _, ok := t.snap.Services.Get(full); ok {
			t.hosts[full] = true
		}
	default:
		for s := range t.snap.Services.Values() {
			if scope.HostCovers(full, s.Host) {
				t.hosts[s.Host] = true
			}
		}
	}
}

func (t *targets) parents(list []gatewayv1.ParentReference, namespace string) {
	for _, p := range list {
		if p.Kind == nil || *p.Kind != gatewayv1.Kind(mesh.KindService.Name) {
			continue
		}
		if p.Namespace != nil {
			namespace = string(*p.Namespace)
		}
		t.host(string(p.Name), namespace)
	}
}

func (t *targets) backend(b *gatewayv1.BackendObjectReference, namespace string) {
	if b.Kind != nil && *b.Kind != gatewayv1.Kind(mesh.KindService.Name) {
		return
	}
	if b.Namespace != nil {
		namespace = string(*b.Namespace)
	}
	t.host(string(b.Name), namespace)
}

// policy adds what a policy with a selector, or with targets by name, acts on.
func (t *targets) policy(namespace string, selector map[string]string, refs []*typev1beta1.PolicyTargetReference) {
	if len(refs) == 0 {
		t.selected(namespace, selector)
		return
	}
	for _, r := range refs {
		if r.GetKind() == mesh.KindService.Name {
			t.host(r.GetName(), namespace)
		}
	}
}

// selected adds the workloads that a selector of a namespace means; those of the
// root namespace mean all namespaces.
func (t *targets) selected(namespace string, selector map[string]string) {
	t.pods(func(w *mesh.Workload) bool {
		return (w.Namespace == namespace || namespace == t.snap.Settings.RootNamespace) && (w.Meshed || w.Gateway) && scope.Selects(selector, w.Labels)
	})
}

func (t *targets) pods(want func(*mesh.Workload) bool) {
	for w := range t.snap.Workloads.Values() {
		if w.WorkloadFacts.Workload != "" && want(w) {
			t.workloads[w.Namespace+"/"+w.WorkloadFacts.Workload] = true
		}
	}
}
