package validate

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// sight is what objects in a namespace see of services and rules. It serves one
// unit of work, and looks at what stands under a name once, however many hosts of
// that unit lie there: else the work would be the product of both.
type sight struct {
	x         *Index
	namespace string
	offers    map[site]*offer
	subsets   map[string]*members[string]
}

// site is where services are looked up.
type site struct {
	lookup *Lookup
	name   string
}

// offer is what the visible services of one site come to.
type offer struct {
	services   bool // there are any
	namespaces members[string]
	ports      members[uint32]
}

func sightOf(x *Index, namespace string) *sight {
	return &sight{x: x, namespace: namespace, offers: map[site]*offer{}, subsets: map[string]*members[string]{}}
}

// at is what there is at one site.
func (s *sight) at(p site) *offer {
	known, ok := s.offers[p]
	if ok {
		return known
	}
	out := &offer{}
	s.offers[p] = out
	for _, o := range s.x.By(p.lookup, p.name) {
		if !visible(o, s.namespace) {
			continue
		}
		out.services = true
		out.namespaces.add(o.Namespace)
		ports := portsIn(o)
		s.x.effort += len(ports)
		for _, port := range ports {
			out.ports.add(port)
		}
	}
	return out
}

// of is what the services offer that a host, a full name or a wildcard, means:
// those that define it, directly or by a wildcard of their own, and those that lie
// under it; the exact ones first.
func (s *sight) of(full string) []*offer {
	var out []*offer
	for _, p := range sitesOf(full) {
		if o := s.at(p); o.services {
			out = append(out, o)
		}
	}
	return out
}

// meant is of for a destination: where a service names the host, that one is
// meant, and none whose wildcard takes it in.
func (s *sight) meant(host string) []*offer {
	full := fullHost(s.x.Settings(), s.namespace, host)
	if exact := s.at(site{servicesByHost, full}); exact.services {
		return []*offer{exact}
	}
	return s.of(full)
}

// hasSubset reports whether a visible DestinationRule defines a subset of a host.
func (s *sight) hasSubset(host, subset string) bool {
	full := fullHost(s.x.Settings(), s.namespace, host)
	if s.subsetsAt(full).has(subset) {
		return true
	}
	return slices.ContainsFunc(wildcardsOver(full), func(name string) bool { return s.subsetsAt(name).has(subset) })
}

// subsetsOf are the subsets of a host that visible DestinationRules define, by what
// the rules are for.
func (s *sight) subsetsOf(host string) [][]string {
	full := fullHost(s.x.Settings(), s.namespace, host)
	out := [][]string{s.subsetsAt(full).list}
	for _, name := range wildcardsOver(full) {
		out = append(out, s.subsetsAt(name).list)
	}
	return out
}

// subsetsAt are the subsets of the visible rules for one host or wildcard.
func (s *sight) subsetsAt(name string) *members[string] {
	known, ok := s.subsets[name]
	if ok {
		return known
	}
	out := &members[string]{}
	s.subsets[name] = out
	for _, rule := range s.x.By(rulesByHost, name) {
		if !visible(rule, s.namespace) {
			continue
		}
		subsets := spec[*networking.DestinationRule](rule).GetSubsets()
		s.x.effort += len(subsets)
		for _, subset := range subsets {
			out.add(subset.GetName())
		}
	}
	return out
}

// offersPort reports whether any of them has a port.
func offersPort(offers []*offer, port uint32) bool {
	return slices.ContainsFunc(offers, func(o *offer) bool { return o.ports.has(port) })
}

// somePorts are the first of the ports that services offer, each once, in their
// order, and whether these are all.
func somePorts(offers []*offer) (ports []uint32, all bool) {
	for _, o := range offers {
		for _, port := range o.ports.list {
			if slices.Contains(ports, port) {
				continue
			}
			if len(ports) == maxNamed {
				return ports, false
			}
			ports = append(ports, port)
		}
	}
	return ports, true
}

// portsIn are the ports of a service, as it names them.
func portsIn(o *mesh.Object) []uint32 {
	var out []uint32
	switch s := o.Spec.(type) {
	case *corev1.Service:
		for _, p := range s.Spec.Ports {
			out = append(out, uint32(p.Port))
		}
	case *networking.ServiceEntry:
		for _, p := range s.GetPorts() {
			out = append(out, p.GetNumber())
		}
	}
	return out
}

// sitesOf are where the services stand that define a host, a full name or a
// wildcard, the exact site first.
func sitesOf(host string) []site {
	out := []site{{servicesByHost, host}}
	domain, wild := strings.CutPrefix(host, "*")
	if wild && domain != "" {
		out = append(out, site{servicesUnder, domain})
	}
	for _, d := range domainsOf(strings.TrimPrefix(host, "*.")) {
		out = append(out, site{servicesByHost, "*" + d})
	}
	return out
}

// members is a list without repetitions that is asked often what is in it.
type members[T comparable] struct {
	list []T
	set  map[T]bool // nil while there are few
}

func (m *members[T]) add(v T) {
	if m.has(v) {
		return
	}
	m.list = append(m.list, v)
	switch {
	case m.set != nil:
		m.set[v] = true
	case len(m.list) > few:
		m.set = make(map[T]bool, 2*len(m.list))
		for _, v := range m.list {
			m.set[v] = true
		}
	}
}

func (m *members[T]) has(v T) bool {
	if m.set != nil {
		return m.set[v]
	}
	return slices.Contains(m.list, v)
}
