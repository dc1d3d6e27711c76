package validate

import (
	"cmp"
	"maps"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

var workloadGroupChecks = []Check{
	{
		Code: "HDL2241", Severity: mesh.Warning, SameAs: []string{"KIA1701"}, Absence: true,
		On: []mesh.Kind{mesh.KindWorkloadGroup}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindWorkloadGroup, mesh.KindServiceAccount},
		Run:   forObject(groupAccount),
	},
	{
		Code: "HDL2242", Severity: mesh.Warning, SameAs: []string{"KIA1702"},
		On: []mesh.Kind{mesh.KindWorkloadGroup}, Keys: eachNamespace,
		Reads: []mesh.Kind{mesh.KindWorkloadGroup}, Run: groupsAlike,
	},
	{
		Code: "HDL2243", Severity: mesh.Info, Absence: true,
		On: machinesByLabel.Kinds, Keys: eachObject,
		Reads: slices.Concat(machinesByLabel.Kinds, serviceKinds), Run: forObject(machineOfNoService),
	},
}

// groupAccount finds a service account that does not exist. Every namespace has
// one called default.
func groupAccount(x *Index, o *mesh.Object, _ Evidence) []Found {
	name := spec[*networking.WorkloadGroup](o).GetTemplate().GetServiceAccount()
	if name == "" || name == "default" {
		return nil
	}
	if _, ok := x.Get(mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: o.Namespace, Name: name}); ok {
		return nil
	}
	f := found(o, "spec.template.serviceAccount", "account", name, "namespace", o.Namespace)
	spell := spellingOf(x)
	spell.correct(&f, name, spell.namesOf(mesh.KindServiceAccount, o.Namespace), anyWord, nil)
	return []Found{f}
}

// groupsAlike finds groups of a namespace whose workloads carry the same labels,
// so that nothing can select one and not the other.
func groupsAlike(x *Index, k Key, _ Evidence) []Found {
	alike := map[string][]*mesh.Object{}
	for _, o := range x.In(mesh.KindWorkloadGroup, k.Name) {
		if labels := spec[*networking.WorkloadGroup](o).GetMetadata().GetLabels(); len(labels) > 0 {
			text := labelText(labels)
			alike[text] = append(alike[text], o)
		}
	}
	var out []Found
	for _, text := range slices.Sorted(maps.Keys(alike)) {
		out = append(out, rivals(alike[text], "spec.metadata.labels", "labels", text)...)
	}
	return out
}

// machineOfNoService finds machines that no service sends anything to.
func machineOfNoService(x *Index, o *mesh.Object, _ Evidence) []Found {
	labels := podLabels(o)
	for _, value := range labelValues(x.Settings(), o) {
		for _, s := range x.By(servicesBySelector, value) {
			if carries(labels, serviceSelector(s)) {
				return nil
			}
		}
	}
	return []Found{found(o, "", "labels", cmp.Or(labelText(labels), "{}"))}
}
