package validate

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// near is the word that somebody probably meant by another one; empty when none
// is like it, or two are alike. Of a long name two letters may be wrong.
func near(name string, words []string) string {
	most := 2
	if len(name) < 5 {
		most = 1
	}
	best, bestAt, several := "", most+1, false
	for _, w := range words {
		switch d := config.Distance(strings.ToLower(name), strings.ToLower(w)); {
		case d < bestAt:
			best, bestAt, several = w, d, false
		case d == bestAt && w != best:
			several = true
		}
	}
	if several || bestAt > most || bestAt >= len(best) {
		return ""
	}
	return best
}

// nearHost is the host that a destination without a service probably means, as
// it would be written there: one that has what the destination asks for besides.
func nearHost(x *Index, o *mesh.Object, d destination) string {
	return near(d.GetHost(), slices.DeleteFunc(hostsLike(x, o.Namespace, d.GetHost()), func(host string) bool {
		services := servicesFor(x, o.Namespace, host)
		ports := portsOf(services)
		switch {
		case len(services) == 0 || besides(x, o, d, host, d.GetSubset()):
			return true
		case d.GetPort() != nil && !slices.Contains(ports, d.GetPort().GetNumber()):
			return true
		case d.GetPort() == nil && len(ports) != 1:
			return true
		}
		return d.GetSubset() != "" && !hasSubset(x, o.Namespace, host, d.GetSubset())
	}))
}

// hostsLike are the hosts that could be meant: the services of the namespace for
// a name without dots, all full names otherwise.
func hostsLike(x *Index, namespace, host string) []string {
	var out []string
	if !strings.ContainsAny(host, ".*") {
		for _, s := range x.In(mesh.KindService, namespace) {
			out = append(out, s.Name)
		}
		return out
	}
	for _, kind := range serviceKinds {
		for _, s := range x.All(kind) {
			out = append(out, definedHosts(x.Settings(), s)...)
		}
	}
	return out
}

// besides reports whether the route of a destination has another one to a host and
// subset: none is meant twice.
func besides(x *Index, o *mesh.Object, d destination, host, subset string) bool {
	route := d.path[:strings.LastIndexByte(d.path, '[')+1] // "spec.http[0].route[", or that of the mirrors
	for _, other := range destinationsOf(spec[*networking.VirtualService](o)) {
		if other.path != d.path && strings.HasPrefix(other.path, route) && other.GetSubset() == subset &&
			fullHost(x.Settings(), o.Namespace, other.GetHost()) == fullHost(x.Settings(), o.Namespace, host) {
			return true
		}
	}
	return false
}

// nearSubset is the subset of a host that a destination probably means.
func nearSubset(x *Index, o *mesh.Object, d destination) string {
	var names []string
	for rule := range rulesFor(x, o.Namespace, d.GetHost()) {
		for _, s := range spec[*networking.DestinationRule](rule).GetSubsets() {
			if !besides(x, o, d, d.GetHost(), s.GetName()) {
				names = append(names, s.GetName())
			}
		}
	}
	return near(d.GetSubset(), names)
}
