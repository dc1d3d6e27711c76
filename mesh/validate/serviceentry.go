package validate

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

var onEntries = []mesh.Kind{mesh.KindServiceEntry}

var serviceEntryChecks = []Check{
	{
		Code: "HDL1211", Severity: mesh.Warning, SameAs: []string{"IST0134"},
		On: onEntries, Keys: eachObject, Reads: onEntries, Run: forObject(unaddressedPorts),
	},
	{
		Code: "HDL2221", Severity: mesh.Warning, SameAs: []string{"IST0177", "KIA1212"},
		On: onEntries, Keys: eachObject, Reads: onEntries, Run: forObject(contradictingPorts),
	},
	{
		Code: "HDL2222", Severity: mesh.Warning, SameAs: []string{"KIA1211"},
		On: onEntries, Keys: eachObject, Reads: onEntries, Run: forObject(repeatedPorts),
	},
	{
		Code: "HDL2223", Severity: mesh.Warning, Absence: true,
		On: onEntries, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindServiceEntry, mesh.KindPod, mesh.KindDeployment, mesh.KindWorkloadEntry, mesh.KindWorkloadGroup},
		Run:   forObject(entryWithoutWorkloads),
	},
}

// unaddressedPorts finds ports whose connections name no host, so that only an
// address tells them apart, in an entry without any.
func unaddressedPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	entry := spec[*networking.ServiceEntry](o)
	if x.Settings().AllocateAddresses || len(entry.GetAddresses()) > 0 {
		return nil
	}
	var out []Found
	for i, p := range entry.GetPorts() {
		if p.GetProtocol() == "" || strings.EqualFold(p.GetProtocol(), "TCP") {
			out = append(out, found(o, fmt.Sprintf("spec.ports[%d]", i), "port", fmt.Sprint(p.GetNumber())))
		}
	}
	return out
}

// contradictingPorts finds the first port that another entry defines for the
// same host with another protocol.
func contradictingPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	i, host, others := sharedPort(x, o, func(mine, theirs string) bool { return mine != theirs })
	if len(others) == 0 {
		return nil
	}
	port := spec[*networking.ServiceEntry](o).GetPorts()[i]
	f := found(o, fmt.Sprintf("spec.ports[%d].protocol", i), "host", host, "port", fmt.Sprint(port.GetNumber()),
		"protocol", protocolName(port), "others", namesOf(others))
	f.Related = refsOf(others)
	return []Found{f}
}

// repeatedPorts finds the first port that another entry defines for the same
// host in the same way.
func repeatedPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	i, host, others := sharedPort(x, o, func(mine, theirs string) bool { return mine == theirs })
	if len(others) == 0 {
		return nil
	}
	port := spec[*networking.ServiceEntry](o).GetPorts()[i]
	f := found(o, fmt.Sprintf("spec.ports[%d]", i), "host", host, "port", fmt.Sprint(port.GetNumber()), "others", namesOf(others))
	f.Related = refsOf(others)
	return []Found{f}
}

// sharedPort finds the first port of an entry that other entries, which somebody
// sees beside it, define too for one of its hosts.
func sharedPort(x *Index, o *mesh.Object, want func(mine, theirs string) bool) (index int, host string, others []*mesh.Object) {
	entry := spec[*networking.ServiceEntry](o)
	seen := audienceOf(o, entry.GetExportTo())
	for _, host := range distinct(definedHosts(x.Settings(), o)) {
		rivals := slices.DeleteFunc(slices.Clone(x.By(servicesByHost, host)), func(r *mesh.Object) bool {
			return r.Ref == o.Ref || r.Kind != mesh.KindServiceEntry ||
				!seen.meets(audienceOf(r, spec[*networking.ServiceEntry](r).GetExportTo()))
		})
		for i, p := range entry.GetPorts() {
			defines := func(q *networking.ServicePort) bool {
				return q.GetNumber() == p.GetNumber() && want(protocolName(p), protocolName(q))
			}
			for _, r := range rivals {
				if slices.ContainsFunc(spec[*networking.ServiceEntry](r).GetPorts(), defines) {
					others = append(others, r)
				}
			}
			if len(others) > 0 {
				return i, host, others
			}
		}
	}
	return 0, "", nil
}

func protocolName(p *networking.ServicePort) string { return strings.ToUpper(p.GetProtocol()) }

// namesOf lists objects by namespace and name.
func namesOf(list []*mesh.Object) string {
	names := make([]string, len(list))
	for i, o := range list {
		names[i] = o.Namespace + "/" + o.Name
	}
	return strings.Join(names, ", ")
}

func refsOf(list []*mesh.Object) []mesh.Ref {
	refs := make([]mesh.Ref, len(list))
	for i, o := range list {
		refs[i] = o.Ref
	}
	return refs
}

// entryWithoutWorkloads finds entries whose selector nothing matches.
func entryWithoutWorkloads(x *Index, o *mesh.Object, _ Evidence) []Found {
	labels := spec[*networking.ServiceEntry](o).GetWorkloadSelector().GetLabels()
	if len(labels) == 0 || firstCarrying(x, o.Namespace, labels) != nil {
		return nil
	}
	return []Found{found(o, "spec.workloadSelector.labels", "labels", labelText(labels), "namespace", o.Namespace)}
}
