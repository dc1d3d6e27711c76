package translate

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// gatewayVirtualHosts lists the virtual hosts of one plaintext HTTP port of a
// gateway: what the servers of its Gateway objects and the VirtualServices
// bound to them have in common. Several VirtualServices may share a host; the
// older one's rules come first, and those that take everything last.
func gatewayVirtualHosts(v *scope.View, snap *mesh.Snapshot, port uint32) []hostPart {
	find := newTargets(v, snap)
	domain := snap.Settings.ClusterDomain
	byHost := map[string]*hostPlan{}
	for _, gateway := range v.Gateways() {
		who := asking{namespace: v.Asker().Namespace, labels: v.Asker().Labels, gateway: gateway.Ref, port: port}
		servers := serverHosts(gateway, port)
		for _, vs := range v.VirtualServicesForGateway(gateway.Ref) {
			rules := rulesFor(vs, who, find)
			if len(rules) == 0 {
				continue
			}
			for _, host := range commonHosts(vs, servers, domain) {
				plan := byHost[host]
				if plan == nil {
					plan = &hostPlan{host: host, port: port, catchLast: true}
					byHost[host] = plan
				}
				plan.merge(vs, rules)
			}
		}
	}
	var plans []*hostPlan
	for _, p := range byHost {
		plans = append(plans, p)
	}
	slices.SortFunc(plans, func(a, b *hostPlan) int { return strings.Compare(a.host, b.host) })
	for _, p := range plans {
		p.domains = []string{p.host}
	}
	return parts(plans)
}

// merge adds the rules of one more VirtualService. One that is bound to
// several gateways of the same port comes more than once; a rule counts once.
func (p *hostPlan) merge(vs *mesh.Object, rules []rule) {
	if !slices.Contains(p.declared, vs) {
		p.declared = append(p.declared, vs)
	}
	for _, r := range rules {
		have := slices.IndexFunc(p.rules, func(h rule) bool { return h.vs == vs && h.index == r.index })
		if have < 0 {
			p.rules = append(p.rules, r)
			continue
		}
		for _, m := range r.matches {
			if !slices.Contains(p.rules[have].matches, m) {
				p.rules[have].matches = append(slices.Clone(p.rules[have].matches), m)
			}
		}
		slices.Sort(p.rules[have].matches)
	}
	// Oldest VirtualService first, each with its rules in the order written.
	slices.SortStableFunc(p.rules, func(a, b rule) int {
		if a.vs == b.vs {
			return a.index - b.index
		}
		return slices.Index(p.declared, a.vs) - slices.Index(p.declared, b.vs)
	})
}

// A serverHost is one host of a Gateway's server, with the namespace that
// VirtualServices must be in; "*" for any.
type serverHost struct{ namespace, host string }

// serverHosts lists the hosts that a Gateway offers in plaintext on a port.
func serverHosts(gateway *mesh.Object, port uint32) []serverHost {
	spec, _ := gateway.Spec.(*networking.Gateway)
	var hosts []serverHost
	for _, s := range spec.GetServers() {
		if s.GetPort().GetNumber() != port || !plaintextHTTP(s) {
			continue
		}
		for _, h := range s.GetHosts() {
			ns, host, ok := strings.Cut(h, "/")
			switch {
			case !ok:
				ns, host = "*", h
			case ns == ".":
				ns = gateway.Namespace
			}
			hosts = append(hosts, serverHost{namespace: ns, host: strings.ToLower(host)})
		}
	}
	return hosts
}

// plaintextHTTP reports whether a server of a Gateway takes requests without
// TLS.
func plaintextHTTP(s *networking.Server) bool {
	switch strings.ToUpper(s.GetPort().GetProtocol()) {
	case "HTTP", "HTTP2", "GRPC", "GRPC-WEB":
		return true
	default:
		return false
	}
}

// commonHosts is what a VirtualService and a gateway's servers agree on: of
// two hosts that overlap the narrower one.
func commonHosts(vs *mesh.Object, servers []serverHost, clusterDomain string) []string {
	spec, _ := vs.Spec.(*networking.VirtualService)
	var hosts []string
	add := func(host string) {
		if host != "" && !strings.Contains(host, "/") && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, h := range spec.GetHosts() {
		host := scope.ResolveHost(h, vs.Namespace, clusterDomain)
		for _, s := range servers {
			switch {
			case s.namespace != "*" && s.namespace != vs.Namespace:
			case scope.HostCovers(s.host, host):
				add(host)
			case scope.HostCovers(host, s.host):
				add(s.host)
			}
		}
	}
	return hosts
}
