package validate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

var onEntries = []mesh.Kind{mesh.KindServiceEntry}

var serviceEntryChecks = []Check{
	{
		Code: "HDL1211", Severity: mesh.Warning, SameAs: []string{"IST0134"},
		On: onEntries, Keys: eachObject, Reads: onEntries, Status: true, Run: forObject(unaddressedPorts),
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
		On: onEntries, Keys: eachObject, Reads: slices.Concat(onEntries, carrierKinds), Run: forObject(entryWithoutWorkloads),
	},
}

// unaddressedPorts finds ports whose connections name no host, so that only an
// address tells them apart, in an entry without any.
func unaddressedPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	entry := spec[*networking.ServiceEntry](o)
	if x.Settings().AllocateAddresses || len(entry.GetAddresses()) > 0 || allocated(o) {
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

// allocated reports whether the status of an entry names addresses that it got
// from the mesh.
func allocated(o *mesh.Object) bool {
	if len(o.Status) == 0 {
		return false
	}
	var status struct{ Addresses []json.RawMessage }
	return json.Unmarshal(o.Status, &status) == nil && len(status.Addresses) > 0
}

// contradictingPorts finds the first port that another entry defines for the
// same host with another protocol.
func contradictingPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	for p := range sharedPorts(x, o) {
		if len(p.different) > 0 {
			f := found(o, fmt.Sprintf("spec.ports[%d].protocol", p.index), "host", p.host, "port", fmt.Sprint(p.port.GetNumber()),
				"protocol", protocolText(p.port), "others", namesOf(p.different))
			f.Related = refsOf(p.different)
			return []Found{f}
		}
	}
	return nil
}

// repeatedPorts finds the first port that other entries define for the same
// host, all in the same way.
func repeatedPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	for p := range sharedPorts(x, o) {
		if len(p.same) > 0 && len(p.different) == 0 {
			f := found(o, fmt.Sprintf("spec.ports[%d]", p.index), "host", p.host, "port", fmt.Sprint(p.port.GetNumber()), "others", namesOf(p.same))
			f.Related = refsOf(p.same)
			return []Found{f}
		}
	}
	return nil
}

// sharedPort is a port of a host with the other entries that define it too,
// and that somebody sees beside this one.
type sharedPort struct {
	host            string
	index           int
	port            *networking.ServicePort
	same, different []*mesh.Object // by protocol
}

// sharedPorts goes over all ports of all hosts of an entry.
func sharedPorts(x *Index, o *mesh.Object) iter.Seq[sharedPort] {
	entry := spec[*networking.ServiceEntry](o)
	seen := audienceOf(o, entry.GetExportTo())
	return func(yield func(sharedPort) bool) {
		for _, host := range distinct(definedHosts(x.Settings(), o)) {
			others := slices.DeleteFunc(slices.Clone(x.By(servicesByHost, host)), func(r *mesh.Object) bool {
				return r.Ref == o.Ref || r.Kind != mesh.KindServiceEntry ||
					!seen.meets(audienceOf(r, spec[*networking.ServiceEntry](r).GetExportTo()))
			})
			for i, p := range entry.GetPorts() {
				shared := sharedPort{host: host, index: i, port: p}
				for _, r := range others {
					theirs := spec[*networking.ServiceEntry](r).GetPorts()
					at := slices.IndexFunc(theirs, func(q *networking.ServicePort) bool { return q.GetNumber() == p.GetNumber() })
					switch {
					case at < 0:
					case strings.EqualFold(theirs[at].GetProtocol(), p.GetProtocol()):
						shared.same = append(shared.same, r)
					default:
						shared.different = append(shared.different, r)
					}
				}
				if !yield(shared) {
					return
				}
			}
		}
	}
}

// protocolText is a protocol as a message shows it.
func protocolText(p *networking.ServicePort) string {
	return cmp.Or(strings.ToUpper(p.GetProtocol()), "unset")
}

// maxNamed is how many objects one finding names. Of thousands that exclude each
// other each would name all others, which nobody reads.
const maxNamed = 20

// namesOf lists objects by namespace and name.
func namesOf(list []*mesh.Object) string { return firstNames(list, len(list)) }

// firstNames names the first of so many objects.
func firstNames(list []*mesh.Object, all int) string {
	names := make([]string, 0, maxNamed)
	for _, o := range list[:min(len(list), maxNamed)] {
		names = append(names, o.Namespace+"/"+o.Name)
	}
	text := strings.Join(names, ", ")
	if more := all - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// refsOf are references to the first maxNamed of several objects.
func refsOf(list []*mesh.Object) []mesh.Ref {
	refs := make([]mesh.Ref, min(len(list), maxNamed))
	for i := range refs {
		refs[i] = list[i].Ref
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
