package validate

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// subsetRoutes finds VirtualServices by a full host that is their own and that
// they send to a subset of.
var subsetRoutes = &Lookup{
	Name: "routes to subsets by host", Kinds: virtualServices,
	Values: func(set mesh.Settings, o *mesh.Object) []string {
		vs := spec[*networking.VirtualService](o)
		own := make([]string, len(vs.GetHosts()))
		for i, h := range vs.GetHosts() {
			own[i] = fullHost(set, o.Namespace, h)
		}
		var out []string
		for _, r := range vs.GetHttp() {
			for _, d := range r.GetRoute() {
				host := fullHost(set, o.Namespace, d.GetDestination().GetHost())
				if d.GetDestination().GetSubset() != "" && slices.Contains(own, host) {
					out = append(out, host)
				}
			}
		}
		return out
	},
}

// destination is one place that a VirtualService sends to.
type destination struct {
	*networking.Destination
	path string
}

// route is the list that the destination stands in; a single mirror is one of its own.
func (d destination) route() string {
	item, listed := strings.CutSuffix(d.path, ".destination")
	if !listed {
		return d.path
	}
	return item[:strings.LastIndexByte(item, '[')]
}

// destinationsOf are all places that a VirtualService sends to, mirrors included.
func destinationsOf(vs *networking.VirtualService) []destination {
	var out []destination
	for i, r := range vs.GetHttp() {
		for j, d := range r.GetRoute() {
			out = append(out, destination{d.GetDestination(), fmt.Sprintf("spec.http[%d].route[%d].destination", i, j)})
		}
		if r.GetMirror() != nil {
			out = append(out, destination{r.GetMirror(), fmt.Sprintf("spec.http[%d].mirror", i)})
		}
		for j, m := range r.GetMirrors() {
			out = append(out, destination{m.GetDestination(), fmt.Sprintf("spec.http[%d].mirrors[%d].destination", i, j)})
		}
	}
	for i, r := range vs.GetTls() {
		for j, d := range r.GetRoute() {
			out = append(out, destination{d.GetDestination(), fmt.Sprintf("spec.tls[%d].route[%d].destination", i, j)})
		}
	}
	for i, r := range vs.GetTcp() {
		for j, d := range r.GetRoute() {
			out = append(out, destination{d.GetDestination(), fmt.Sprintf("spec.tcp[%d].route[%d].destination", i, j)})
		}
	}
	return out
}

// servicesFor are the Services and ServiceEntries that a host means to objects
// in a namespace: those that name it, and where none does those whose wildcard
// takes it in.
func servicesFor(x *Index, namespace, host string) []*mesh.Object {
	full := fullHost(x.Settings(), namespace, host)
	hidden := func(s *mesh.Object) bool { return !visible(s, namespace) }
	if exact := slices.DeleteFunc(slices.Clone(x.By(servicesByHost, full)), hidden); len(exact) > 0 {
		return exact
	}
	return slices.DeleteFunc(servicesOf(x, full), hidden)
}

// portsText names ports, and says when there are more.
func portsText(ports []uint32, all bool) string {
	if all {
		return portList(ports)
	}
	return portList(ports) + ", …"
}

// destinationHosts finds destinations that no service defines.
func destinationHosts(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	all := destinationsOf(spec[*networking.VirtualService](o))
	guess := guessesFor(x, o, all)
	for _, d := range all {
		if len(guess.seen.meant(d.GetHost())) == 0 {
			f := found(o, d.path+".host", "host", d.GetHost())
			near, sought := guess.host(f.Path, d)
			f.mean(near)
			f.Unsought = !sought
			out = append(out, f)
		}
	}
	return out
}

func portList(ports []uint32) string {
	text := make([]string, len(ports))
	for i, p := range ports {
		text[i] = strconv.FormatUint(uint64(p), 10)
	}
	return strings.Join(text, ", ")
}

// destinationPorts finds destinations whose service does not offer the port.
func destinationPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	seen := sightOf(x, o.Namespace)
	for _, d := range destinationsOf(spec[*networking.VirtualService](o)) {
		if d.GetPort() == nil {
			continue
		}
		offers, port := seen.meant(d.GetHost()), d.GetPort().GetNumber()
		if len(offers) == 0 || offersPort(offers, port) {
			continue
		}
		ports, all := somePorts(offers)
		f := found(o, d.path+".port.number", "host", d.GetHost(), "port", strconv.FormatUint(uint64(port), 10), "ports", portsText(ports, all))
		if len(ports) == 1 {
			f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: f.Path, Value: portList(ports)}}
		}
		out = append(out, f)
	}
	return out
}

// destinationsWithoutPort finds destinations that leave open which of several
// ports is meant.
func destinationsWithoutPort(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	seen := sightOf(x, o.Namespace)
	for _, d := range destinationsOf(spec[*networking.VirtualService](o)) {
		if d.GetPort() != nil {
			continue
		}
		if ports, all := somePorts(seen.meant(d.GetHost())); len(ports) > 1 {
			out = append(out, found(o, d.path+".host", "host", d.GetHost(), "ports", portsText(ports, all)))
		}
	}
	return out
}

// destinationSubsets finds subsets that no DestinationRule in sight defines.
func destinationSubsets(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	all := destinationsOf(spec[*networking.VirtualService](o))
	guess := guessesFor(x, o, all)
	for _, d := range all {
		if d.GetSubset() == "" || guess.seen.hasSubset(d.GetHost(), d.GetSubset()) {
			continue
		}
		f := found(o, d.path+".subset", "host", d.GetHost(), "subset", d.GetSubset())
		near, sought := guess.subset(f.Path, d)
		f.mean(near)
		f.Unsought = !sought
		out = append(out, f)
	}
	return out
}

// rulesFor are the DestinationRules for a host that objects in a namespace can see.
func rulesFor(x *Index, namespace, host string) iter.Seq[*mesh.Object] {
	full := fullHost(x.Settings(), namespace, host)
	return func(yield func(*mesh.Object) bool) {
		for _, name := range append([]string{full}, wildcardsOver(full)...) {
			for _, rule := range x.By(rulesByHost, name) {
				if visible(rule, namespace) && !yield(rule) {
					return
				}
			}
		}
	}
}

// subsetsPassedBy finds routes of gateways to a whole host for which another
// VirtualService chooses a subset: what comes in through the gateway does not
// pass that choice.
func subsetsPassedBy(x *Index, o *mesh.Object, _ Evidence) []Found {
	vs := spec[*networking.VirtualService](o)
	if !slices.ContainsFunc(vs.GetGateways(), func(g string) bool { return g != meshGateway }) {
		return nil
	}
	var out []Found
	for i, r := range vs.GetHttp() {
		for j, d := range r.GetRoute() {
			if d.GetDestination().GetSubset() != "" {
				continue
			}
			for _, other := range x.By(subsetRoutes, fullHost(x.Settings(), o.Namespace, d.GetDestination().GetHost())) {
				if other.Ref == o.Ref {
					continue
				}
				f := found(o, fmt.Sprintf("spec.http[%d].route[%d].destination.host", i, j),
					"host", d.GetDestination().GetHost(), "other", other.Namespace+"/"+other.Name)
				f.Related = []mesh.Ref{other.Ref}
				out = append(out, f)
			}
		}
	}
	return out
}
