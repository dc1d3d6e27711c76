package config

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// virtualService checks a VirtualService: with hosts it is a root, without them
// one that others delegate to.
func (c *checker) virtualService(p spot, vs *networking.VirtualService) {
	if vs == nil {
		return
	}
	delegate := len(vs.Hosts) == 0
	if delegate {
		c.delegated(p, vs)
	}
	for i, g := range vs.Gateways {
		c.gatewayRef(p.key("gateways").item(i), g)
	}
	onMesh := len(vs.Gateways) == 0 || slices.Contains(vs.Gateways, "mesh")
	c.virtualHosts(p.key("hosts"), vs, onMesh)
	if len(vs.Http)+len(vs.Tcp)+len(vs.Tls) == 0 {
		c.bad(p, "there is no route; give http, tcp or tls")
	}
	for i, r := range vs.Http {
		at := p.key("http").item(i)
		if r == nil {
			c.bad(at, "the route is empty; remove it")
			continue
		}
		c.httpRouteRule(at, r, delegate)
		if onMesh {
			c.noClaims(at, r)
		}
	}
	if len(vs.Tls) > 0 {
		hosts := newHostSet(vs.Hosts)
		for i, r := range vs.Tls {
			c.tlsRoute(p.key("tls").item(i), hosts, r, onMesh)
		}
	}
	for i, r := range vs.Tcp {
		c.tcpRoute(p.key("tcp").item(i), r)
	}
	c.exportTo(p.key("exportTo"), vs.ExportTo, false)
}

// delegated: what a root decides cannot be said again.
func (c *checker) delegated(p spot, vs *networking.VirtualService) {
	if len(vs.Gateways) > 0 {
		c.bad(p.key("gateways"), "a VirtualService without hosts is one that others delegate to, and gets its gateways from them; give hosts, or remove gateways")
	}
	if len(vs.Tls) > 0 {
		c.bad(p.key("tls"), "a VirtualService without hosts is one that others delegate to, which is for http only; give hosts, or remove tls")
	}
	if len(vs.Tcp) > 0 {
		c.bad(p.key("tcp"), "a VirtualService without hosts is one that others delegate to, which is for http only; give hosts, or remove tcp")
	}
}

func (c *checker) gatewayRef(at spot, s string) {
	msg := badGatewayOrMesh(s)
	c.note(at, msg)
	if name, ns, dots := strings.Cut(s, "."); msg == "" && dots && !strings.Contains(s, "/") {
		ns, _, _ = strings.Cut(ns, ".")
		c.warn(at, "%q names a gateway in a way that is going away; write \"%s/%s\"", clip(s), ns, name)
	}
}

func (c *checker) virtualHosts(at spot, vs *networking.VirtualService, onMesh bool) {
	before := len(c.issues)
	withSNI := !onMesh && slices.ContainsFunc(vs.Tls, func(r *networking.TLSRoute) bool {
		return slices.ContainsFunc(r.GetMatch(), func(m *networking.TLSMatchAttributes) bool { return len(m.GetSniHosts()) > 0 })
	})
	for i, h := range vs.Hosts {
		switch {
		case isIP(h) || withSNI && isInternalSNI(h):
		case h == "*" && onMesh:
			c.bad(at.item(i), "the host * cannot be used inside the mesh; name the hosts, or bind the VirtualService to gateways only")
		default:
			c.note(at.item(i), badWildcard(h))
		}
	}
	if len(c.issues) > before {
		return // whether hosts overlap shows only once they are right
	}
	if len(vs.Hosts) < 2 {
		return
	}
	var names earlier[string]
	all := newHostSet(vs.Hosts)
	for i, h := range vs.Hosts {
		if names.has(h) {
			c.bad(at.item(i), "%q is there twice; remove one of them", h)
		} else if wide, ok := all.cover(h); ok {
			c.bad(at.item(i), "%q and %q overlap; remove one of them", h, wide)
		}
	}
}

// noClaims: inside the mesh, routes are chosen before tokens are read.
func (c *checker) noClaims(p spot, r *networking.HTTPRoute) {
	for i, m := range r.Match {
		for _, part := range headerParts(m) {
			for _, name := range sortedKeys(part.headers) {
				if isClaim(name) {
					c.bad(p.key("match").item(i).key(part.name).key(name),
						"routing by claims of a token works at gateways only; bind the VirtualService to gateways, without mesh")
				}
			}
		}
	}
}

// isClaim reports whether a header match stands for a claim of a token:
// "@request.auth.claims.NAME" or "@request.auth.claims[NAME]".
func isClaim(s string) bool {
	const prefix = "@request.auth.claims"
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return false
	}
	rest := s[len(prefix):]
	return len(rest) > 1 && rest[0] == '.' || len(rest) > 2 && rest[0] == '[' && rest[len(rest)-1] == ']'
}

func (c *checker) tlsRoute(p spot, hosts hostSet, r *networking.TLSRoute, onMesh bool) {
	c.needs(p.key("match"), len(r.GetMatch()) > 0, "match, with the sniHosts that the route is for,")
	for i, m := range r.GetMatch() {
		at := p.key("match").item(i)
		c.needs(at.key("sniHosts"), len(m.GetSniHosts()) > 0, "sniHosts")
		for j, sni := range m.GetSniHosts() {
			c.sniHost(at.key("sniHosts").item(j), hosts, sni, onMesh)
		}
		c.l4Match(at, m.GetDestinationSubnets(), m.GetPort(), m.GetSourceLabels(), m.GetGateways())
	}
	c.needs(p.key("route"), len(r.GetRoute()) > 0, "route")
	c.l4Route(p.key("route"), r.GetRoute())
}

func (c *checker) tcpRoute(p spot, r *networking.TCPRoute) {
	for i, m := range r.GetMatch() {
		c.l4Match(p.key("match").item(i), m.GetDestinationSubnets(), m.GetPort(), m.GetSourceLabels(), m.GetGateways())
	}
	c.needs(p.key("route"), len(r.GetRoute()) > 0, "route")
	c.l4Route(p.key("route"), r.GetRoute())
}

func (c *checker) sniHost(at spot, hosts hostSet, sni string, onMesh bool) {
	if isIP(sni) {
		c.warn(at, "clients send host names as SNI, not IP addresses such as %q; this match hardly ever applies", sni)
		return
	}
	if onMesh || !isInternalSNI(sni) {
		if msg := badWildcard(sni); msg != "" {
			c.bad(at, "%s", msg)
			return
		}
	}
	if !hosts.has(sni) {
		c.bad(at, "%q is none of the hosts of the VirtualService; add it to hosts", clip(sni))
	}
}

func (c *checker) l4Match(p spot, subnets []string, port uint32, labels map[string]string, gateways []string) {
	for i, s := range subnets {
		c.note(p.key("destinationSubnets").item(i), badIPOrCIDR(s))
	}
	c.matchBase(p, port, labels, gateways)
}

// matchBase checks what all matches have.
func (c *checker) matchBase(p spot, port uint32, labels map[string]string, gateways []string) {
	if port != 0 {
		c.note(p.key("port"), badPort(port))
	}
	c.labels(p.key("sourceLabels"), labels)
	for i, g := range gateways {
		c.gatewayRef(p.key("gateways").item(i), g)
	}
}

func (c *checker) l4Route(p spot, list []*networking.RouteDestination) {
	total := int64(0)
	for i, d := range list {
		at := p.item(i)
		c.requiredDestination(at.key("destination"), d.GetDestination())
		c.notNegative(at.key("weight"), d.GetWeight())
		total += int64(d.GetWeight())
	}
	c.weights(p, len(list), total)
}

// maxWeights is what the weights of one route may add up to in Envoy.
const maxWeights = 1<<32 - 1

// weights: with several destinations, one must get something.
func (c *checker) weights(p spot, n int, total int64) {
	switch {
	case n > 1 && total == 0:
		c.bad(p, "the weights add up to 0, so that nobody would get anything; give at least one destination a weight")
	case total > maxWeights:
		c.bad(p, "the weights add up to more than %d", int64(maxWeights))
	}
}

func (c *checker) requiredDestination(p spot, d *networking.Destination) {
	if d == nil {
		c.bad(p, "destination is missing")
		return
	}
	c.destination(p, d)
}

func (c *checker) destination(p spot, d *networking.Destination) {
	switch {
	case c.derivedRoute():
		return
	case d.Host == "":
		c.bad(p.key("host"), "host is missing")
	case d.Host == "*":
		c.bad(p.key("host"), "* is not a destination; name a host")
	case isIP(d.Host):
		c.bad(p.key("host"), "%q is an IP address; give it a host name with a ServiceEntry, and name that", d.Host)
	default:
		c.note(p.key("host"), badWildcard(d.Host))
	}
	if d.Subset != "" {
		c.note(p.key("subset"), badSubset(d.Subset))
	}
	if d.Port != nil {
		c.note(p.key("port").key("number"), badPort(d.Port.Number))
	}
}

// derivedRoute reports routes that a control plane made from another API; their
// destinations are not hosts.
func (c *checker) derivedRoute() bool {
	return c.object.Annotations["internal.istio.io/route-semantics"] == "gateway"
}

// exportTo checks to whom an object is visible.
func (c *checker) exportTo(p spot, list []string, entry bool) {
	var before earlier[string]
	for i, s := range list {
		ns := s
		if s == "." && c.object.Namespace != "" {
			ns = c.object.Namespace
		}
		switch repeated := before.has(ns); {
		case repeated && ns != s:
			c.bad(p.item(i), "\".\" is the namespace %s, which is there already; remove one of them", ns)
		case repeated:
			c.bad(p.item(i), "%q is there twice; remove one of them", clip(s))
		case s == "*" || s == ".":
		case s == "~" && !entry:
			c.bad(p.item(i), "\"~\", nobody, is possible for a ServiceEntry only; use \".\" for the own namespace")
		case s != "~" && badLabel(s):
			c.bad(p.item(i), "%q is not a namespace, nor one of \".\" and \"*\"", clip(s))
		}
	}
	if len(list) < 2 {
		return
	}
	if slices.Contains(list, "*") {
		c.bad(p, "\"*\" is everybody; remove the others")
	}
	if entry && slices.Contains(list, "~") {
		c.bad(p, "\"~\" is nobody; remove it, or the others")
	}
}
