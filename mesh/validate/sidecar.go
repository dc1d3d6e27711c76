package validate

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

var onSidecars = []mesh.Kind{mesh.KindSidecar}

var sidecarChecks = []Check{
	{
		Code: "HDL1221", Severity: mesh.Warning, SameAs: []string{"KIA1006"},
		On: onSidecars, Keys: eachObject, Reads: onSidecars, Run: forObject(selectingDefault),
	},
	{
		Code: "HDL1222", Severity: mesh.Info, SameAs: []string{"KIA1007"},
		On: onSidecars, Keys: eachObject, Reads: onSidecars, Status: true, Run: forObject(unsaidMode),
	},
	{
		Code: "HDL2231", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA0004"}, Absence: true,
		On: onSidecars, Keys: eachObject, Reads: slices.Concat(onSidecars, carrierKinds), Run: forObject(sidecarWithoutWorkloads),
	},
	{
		Code: "HDL2232", Severity: mesh.Error, SameAs: []string{"IST0110", "KIA0003"},
		On: onSidecars, Keys: eachNamespace, Reads: append([]mesh.Kind{mesh.KindSidecar, mesh.KindPod}, templateKinds...),
		Run: sidecarsOfOneWorkload,
	},
	{
		Code: "HDL2233", Severity: mesh.Error, SameAs: []string{"IST0111", "KIA0002"},
		On: onSidecars, Keys: eachNamespace, Reads: onSidecars, Run: sidecarsForAll,
	},
	{
		Code: "HDL2234", Severity: mesh.Warning, SameAs: []string{"IST0167"},
		On: onSidecars, Keys: eachObject, Reads: []mesh.Kind{mesh.KindSidecar, mesh.KindPod, mesh.KindNamespace},
		Run: forObject(sidecarInAmbient),
	},
	{
		Code: "HDL2235", Severity: mesh.Warning, SameAs: []string{"KIA1004"}, Absence: true,
		On: onSidecars, Keys: eachObject, Reads: slices.Concat(onSidecars, serviceKinds),
		Run: forObject(egressHosts),
	},
}

// sidecarLabels are the labels that a Sidecar selects by; none is all workloads.
func sidecarLabels(o *mesh.Object) map[string]string {
	return spec[*networking.Sidecar](o).GetWorkloadSelector().GetLabels()
}

// labelText writes labels as people type them: "app=reviews,version=v1".
func labelText(labels map[string]string) string {
	parts := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+labels[k])
	}
	return strings.Join(parts, ",")
}

// selectingDefault finds Sidecars of the root namespace that are for some
// workloads only. What stands there is the default of all namespaces.
func selectingDefault(x *Index, o *mesh.Object, _ Evidence) []Found {
	if o.Namespace != x.Settings().RootNamespace || len(sidecarLabels(o)) == 0 {
		return nil
	}
	return []Found{found(o, "spec.workloadSelector", "namespace", o.Namespace)}
}

// unsaidMode finds an outboundTrafficPolicy without mode. It means REGISTRY_ONLY,
// where people take it for the default of the mesh. In the decoded object both
// are the same, so that the text decides; without text nothing is said.
func unsaidMode(_ *Index, o *mesh.Object, _ Evidence) []Found {
	policy := spec[*networking.Sidecar](o).GetOutboundTrafficPolicy()
	if policy == nil || policy.GetMode() != networking.OutboundTrafficPolicy_REGISTRY_ONLY || len(o.Text) == 0 {
		return nil
	}
	var doc struct {
		Spec struct {
			OutboundTrafficPolicy      struct{ Mode *yaml.Node } `yaml:"outboundTrafficPolicy"`
			OutboundTrafficPolicySnake struct{ Mode *yaml.Node } `yaml:"outbound_traffic_policy"`
		}
	}
	if err := yaml.Load(bytes.TrimSpace(o.Text), &doc); err != nil || doc.Spec.OutboundTrafficPolicy.Mode != nil || doc.Spec.OutboundTrafficPolicySnake.Mode != nil {
		return nil
	}
	f := found(o, "spec.outboundTrafficPolicy")
	f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: "spec.outboundTrafficPolicy.mode", Value: "REGISTRY_ONLY"}}
	return []Found{f}
}

// sidecarWithoutWorkloads finds Sidecars that select nothing.
func sidecarWithoutWorkloads(x *Index, o *mesh.Object, _ Evidence) []Found {
	labels := sidecarLabels(o)
	if len(labels) == 0 || firstCarrying(x, o.Namespace, labels) != nil {
		return nil
	}
	return []Found{found(o, "spec.workloadSelector.labels", "labels", labelText(labels), "namespace", o.Namespace)}
}

// sidecarsOfOneWorkload finds Sidecars that select the same workload. All pods
// of a workload count as one.
func sidecarsOfOneWorkload(x *Index, k Key, _ Evidence) []Found {
	claims := map[string][]*mesh.Object{}
	claim := func(workload string, o *mesh.Object) {
		if !slices.Contains(claims[workload], o) {
			claims[workload] = append(claims[workload], o)
		}
	}
	for _, o := range x.In(mesh.KindSidecar, k.Name) {
		labels := sidecarLabels(o)
		if len(labels) == 0 {
			continue
		}
		for _, p := range podsSelected(x, k.Name, labels) {
			claim(mesh.OwnerOf(spec[*corev1.Pod](p)), o)
		}
		for _, t := range templatesSelected(x, k.Name, labels) {
			claim(t.Name, o)
		}
	}
	var out []Found
	for _, workload := range slices.Sorted(maps.Keys(claims)) {
		out = append(out, rivals(claims[workload], "spec.workloadSelector", "workload", workload)...)
	}
	return out
}

// rivals are findings about each of several objects that exclude each other.
func rivals(list []*mesh.Object, path string, params ...string) []Found {
	if len(list) < 2 {
		return nil
	}
	var out []Found
	for i, o := range list {
		others := make([]*mesh.Object, 0, maxNamed)
		for j := 0; j < len(list) && len(others) < maxNamed; j++ {
			if j != i {
				others = append(others, list[j])
			}
		}
		f := found(o, path, append(slices.Clone(params), "others", firstNames(others, len(list)-1))...)
		f.Related = refsOf(others)
		out = append(out, f)
	}
	return out
}

// sidecarsForAll finds several Sidecars of a namespace that are for all its
// workloads.
func sidecarsForAll(x *Index, k Key, _ Evidence) []Found {
	all := slices.DeleteFunc(slices.Clone(x.In(mesh.KindSidecar, k.Name)), func(o *mesh.Object) bool { return len(sidecarLabels(o)) > 0 })
	return rivals(all, "", "namespace", k.Name)
}

// sidecarInAmbient finds Sidecars for workloads that have no sidecar, since the
// node takes their traffic.
func sidecarInAmbient(x *Index, o *mesh.Object, _ Evidence) []Found {
	labels := sidecarLabels(o)
	if len(labels) == 0 {
		ns, ok := x.Get(mesh.Ref{Kind: mesh.KindNamespace, Name: o.Namespace})
		if !ok || !ambientNamespace(ns) {
			return nil
		}
		return []Found{found(o, "", "what", ns.Ref.String())}
	}
	for _, p := range podsSelected(x, o.Namespace, labels) {
		if p.Annotations["ambient.istio.io/redirection"] == "enabled" {
			f := found(o, "spec.workloadSelector", "what", p.Ref.String())
			f.Related = []mesh.Ref{p.Ref}
			return []Found{f}
		}
	}
	return nil
}

// ambientNamespace reports whether pods of a namespace get no sidecar because
// the node takes their traffic. A label for injection goes before.
func ambientNamespace(ns *mesh.Object) bool {
	return ns.Labels["istio.io/dataplane-mode"] == "ambient" &&
		ns.Labels["istio-injection"] != "enabled" && ns.Labels["istio.io/rev"] == ""
}

// egressHosts finds hosts that a Sidecar lets through, but that nobody defines.
func egressHosts(x *Index, o *mesh.Object, _ Evidence) []Found {
	set, seen := x.Settings(), sightOf(x, o.Namespace)
	var out []Found
	for i, e := range spec[*networking.Sidecar](o).GetEgress() {
		for j, entry := range e.GetHosts() {
			namespace, host, ok := strings.Cut(entry, "/")
			// In the root namespace "." is the namespace of each workload.
			if !ok || host == "" || host == "*" || namespace == "~" || namespace == "." && o.Namespace == set.RootNamespace {
				continue
			}
			if namespace == "." {
				namespace = o.Namespace
			}
			defined := slices.ContainsFunc(seen.of(strings.ToLower(host)), func(there *offer) bool {
				return namespace == "*" || there.namespaces.has(namespace)
			})
			if !defined {
				path := fmt.Sprintf("spec.egress[%d].hosts[%d]", i, j)
				f := found(o, path, "host", host)
				if full, ok := shortened(x, host); ok {
					f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: path, Value: strings.TrimSuffix(entry, host) + full}}
				}
				out = append(out, f)
			}
		}
	}
	return out
}
