package translate

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds/names"
)

// A hostPart is a virtual host that is not made yet, for any route
// configuration that serves it.
type hostPart struct {
	// Suffix tells the host from the others of its route configuration. It
	// holds no slash: Envoy cuts the name of a virtual host at the last one.
	Suffix string
	// Domains are what the host answers to; no other host of the same list
	// holds one of them. They come without ports: the route configuration sets
	// ignore_port_in_host_matching.
	Domains []string
	// Key digests everything that Make reads, the name of the route
	// configuration excepted.
	Key mesh.Hash
	// From lists the objects that decide, the service last.
	From []mesh.Ref
	// Make builds the host, named <routeConfig>/<Suffix>. A nil host together
	// with findings means that the host cannot be made as declared: what a
	// proxy has under this name stays.
	Make func(routeConfig string) (*routev3.VirtualHost, []mesh.Finding)
}

// A hostPlan is everything that one virtual host is made of.
type hostPlan struct {
	host    string
	port    uint32
	service *mesh.Service // nil when no service has the host
	rules   []rule
	// declared lists the VirtualServices that the rules come from; the first
	// owns the host.
	declared []*mesh.Object
	// overruled lists VirtualServices that claim the host in vain, since owner
	// does.
	overruled []*mesh.Object
	// untold says of those of overruled that claim more hosts in vain than is told
	// how many more.
	untold    map[*mesh.Object]int
	owner     *mesh.Object
	catchLast bool // rules that take everything go behind the others
	domains   []string
	lost      []lostDomain
}

// A lostDomain is a name of the host that another host has.
type lostDomain struct{ domain, to string }

// outboundVirtualHosts lists the virtual hosts of all that a sidecar can call
// on an HTTP port: services with that port, and hosts that only a
// VirtualService knows.
func outboundVirtualHosts(v *scope.View, snap *mesh.Snapshot, port uint32) []hostPart {
	find := newTargets(v, snap)
	who := asking{namespace: v.Asker().Namespace, labels: v.Asker().Labels, port: port}
	var plans []*hostPlan
	known := map[string]bool{}
	for _, svc := range v.Services() {
		p, ok := svc.Port(port)
		if !ok || !(p.Protocol.IsHTTP() || p.Protocol == mesh.Unnamed) || svc.Host == "" {
			continue
		}
		known[svc.Host] = true
		plan := &hostPlan{host: svc.Host, port: port, service: svc}
		plan.rule(v.VirtualServicesFor(svc.Host, port), who, find)
		plans = append(plans, plan)
	}
	for _, host := range declaredHosts(v, snap.Settings.ClusterDomain) {
		if known[host] {
			continue
		}
		// A service without this port keeps its calls: there is no listener
		// that would bring them here for good.
		if _, ok := v.Service(host); ok {
			continue
		}
		plan := &hostPlan{host: host, port: port}
		plan.rule(v.VirtualServicesFor(host, port), who, find)
		if len(plan.rules) > 0 && !plan.elsewhere() {
			plans = append(plans, plan)
		}
	}
	slices.SortFunc(plans, func(a, b *hostPlan) int { return strings.Compare(a.host, b.host) })
	shareDomains(plans, who.namespace, snap.Settings.ClusterDomain)
	return parts(plans)
}

// declaredHosts lists the hosts of VirtualServices for sidecars, sorted. A
// wildcard that covers a service is not one of them: the service's own host
// takes its rules.
func declaredHosts(v *scope.View, clusterDomain string) []string {
	var hosts []string
	for _, vs := range v.MeshVirtualServices() {
		spec, _ := vs.Spec.(*networking.VirtualService)
		for _, h := range spec.GetHosts() {
			host := scope.ResolveHost(h, vs.Namespace, clusterDomain)
			if host == "" || host == "*" || strings.Contains(host, "/") {
				continue
			}
			if strings.HasPrefix(host, "*") && coversService(v, host) {
				continue
			}
			hosts = append(hosts, host)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func coversService(v *scope.View, wildcard string) bool {
	return slices.ContainsFunc(v.Services(), func(s *mesh.Service) bool { return scope.HostCovers(wildcard, s.Host) })
}

// rule lets the first of the VirtualServices decide about the host, unless all
// its rules are for others.
func (p *hostPlan) rule(claims []*mesh.Object, who asking, find *targets) {
	if len(claims) == 0 {
		return
	}
	p.overruled = claims[1:]
	p.owner = claims[0]
	if p.rules = rulesFor(claims[0], who, find); len(p.rules) > 0 {
		p.declared = claims[:1]
	}
}

// elsewhere reports whether the rules are not for calls to this port: they
// name no port, and their services have it not.
func (p *hostPlan) elsewhere() bool {
	return slices.ContainsFunc(p.rules, func(r rule) bool {
		return slices.ContainsFunc(r.routes, target.needsPort) || slices.ContainsFunc(r.mirrors, target.needsPort)
	})
}

// shareDomains gives every host its names. A host's own name comes before the
// short names and addresses of others; between equals the first host in order
// wins.
func shareDomains(plans []*hostPlan, namespace, clusterDomain string) {
	owner := map[string]string{}
	take := func(p *hostPlan, domain string) {
		domain = strings.ToLower(domain)
		switch to, taken := owner[domain]; {
		case !taken:
			owner[domain] = p.host
			p.domains = append(p.domains, domain)
		case to != p.host:
			p.lost = append(p.lost, lostDomain{domain: domain, to: to})
		}
	}
	for _, p := range plans {
		take(p, p.host)
	}
	for _, p := range plans {
		for _, d := range otherNames(p, namespace, clusterDomain) {
			take(p, d)
		}
	}
}

// otherNames lists what else a host is called in a namespace: what the
// resolver's search list lets people write, and the addresses of the service.
func otherNames(p *hostPlan, namespace, clusterDomain string) []string {
	var all []string
	if name, ns, ok := clusterHost(p.host, clusterDomain); ok {
		all = append(all, p.host+".", name+"."+ns+".svc", name+"."+ns)
		if ns == namespace {
			all = append(all, name)
		}
	}
	if p.service != nil {
		for _, a := range p.service.Addresses {
			if a.Is6() && !a.Is4In6() {
				all = append(all, "["+a.String()+"]")
				continue
			}
			all = append(all, a.Unmap().String())
		}
	}
	return all
}

// clusterHost cuts the host of a Kubernetes service.
func clusterHost(host, clusterDomain string) (name, namespace string, ok bool) {
	short, ok := strings.CutSuffix(host, ".svc."+clusterDomain)
	if !ok || strings.HasPrefix(host, "*") {
		return "", "", false
	}
	name, namespace, ok = strings.Cut(short, ".")
	return name, namespace, ok && name != "" && namespace != "" && !strings.Contains(namespace, ".")
}

// parts turns plans into parts, hosts without any name left out.
func parts(plans []*hostPlan) []hostPart {
	boundOverruled(plans)
	var out []hostPart
	for _, p := range plans {
		if len(p.domains) == 0 {
			continue
		}
		out = append(out, hostPart{
			Suffix:  p.host,
			Domains: p.domains,
			Key:     p.key(),
			From:    p.from(),
			Make:    p.make,
		})
	}
	return out
}

func (p *hostPlan) key() mesh.Hash {
	fields := []string{p.host, fmt.Sprint(p.port, p.catchLast), strings.Join(p.domains, " ")}
	if p.service != nil {
		fields = append(fields, "service")
		for _, ref := range p.service.From {
			fields = append(fields, ref.ID())
		}
	}
	for _, r := range p.rules {
		fields = append(fields, "rule")
		fields = append(fields, r.digest()...)
	}
	for _, vs := range p.declared {
		fields = append(fields, "by", vs.ID())
	}
	for _, vs := range p.overruled {
		fields = append(fields, "overruled", vs.ID(), p.owner.ID(), strconv.Itoa(p.untold[vs]))
	}
	for _, l := range p.lost {
		fields = append(fields, "lost", l.domain, l.to)
	}
	return mesh.HashOf(fields...)
}

func (p *hostPlan) from() []mesh.Ref {
	var refs []mesh.Ref
	for _, vs := range p.declared {
		refs = append(refs, vs.Ref)
	}
	if p.service != nil {
		refs = append(refs, p.service.From...)
	}
	return refs
}

// make builds the virtual host as declared, or not at all: half of a person's
// rules would send requests where nobody meant them to go.
func (p *hostPlan) make(routeConfig string) (*routev3.VirtualHost, []mesh.Finding) {
	k := &routeMaker{operation: fmt.Sprintf("%s:%d", p.host, p.port), port: p.port, host: p.from()}
	vh := &routev3.VirtualHost{
		Name:                       names.VirtualHost(routeConfig, p.host),
		Domains:                    p.domains,
		IncludeRequestAttemptCount: true,
	}
	vh.Routes = p.routes(k)
	shareRetries(vh)
	k.findings = append(k.findings, p.claims()...)
	if k.broken {
		return nil, k.findings
	}
	if err := vh.ValidateAll(); err != nil {
		for _, o := range p.declared {
			k.fail(o, "spec.http", fmt.Errorf("what comes of it would be refused by Envoy: %w", err))
		}
		return nil, k.findings
	}
	return vh, k.findings
}

// closedHost answers every request itself. It stands in for a host that could
// not be made and never was: without it the requests would go where unknown
// hosts go, past mutual TLS and all rules.
func closedHost(name string, domains []string) *routev3.VirtualHost {
	return &routev3.VirtualHost{
		Name: name, Domains: domains,
		Routes: []*routev3.Route{{
			Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
			Action: &routev3.Route_DirectResponse{DirectResponse: &routev3.DirectResponseAction{
				Status: http.StatusServiceUnavailable,
				Body: &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{
					InlineString: "the routes of this host cannot be used as they are declared; see the mesh's findings\n",
				}},
			}},
		}},
	}
}

func (p *hostPlan) routes(k *routeMaker) []*routev3.Route {
	if len(p.rules) == 0 && p.service != nil {
		return []*routev3.Route{k.toService(p.service, names.OutboundCluster(p.port, "", p.service.Host))}
	}
	var routes, behind []*routev3.Route
	for _, r := range p.rules {
		made, last := k.rule(r)
		switch {
		case !last:
			routes = append(routes, made...)
		case p.catchLast:
			// Another VirtualService may still have something for this host.
			routes = append(routes, made[:len(made)-1]...)
			behind = append(behind, made[len(made)-1])
		default:
			return append(routes, made...)
		}
	}
	return append(routes, behind...)
}

// maxOverruled is of how many hosts of one VirtualService it is told that another
// decides about them.
const maxOverruled = 20

// boundOverruled leaves out of the plans what goes beyond maxOverruled, and notes
// with the last that is told how many more there are.
func boundOverruled(plans []*hostPlan) {
	all, told := map[*mesh.Object]int{}, map[*mesh.Object]int{}
	for _, p := range plans {
		for _, vs := range p.overruled {
			all[vs]++
		}
	}
	for _, p := range plans {
		var kept []*mesh.Object
		for _, vs := range p.overruled {
			if told[vs]++; told[vs] > maxOverruled {
				continue
			}
			kept = append(kept, vs)
			if more := all[vs] - maxOverruled; more > 0 && told[vs] == maxOverruled {
				if p.untold == nil {
					p.untold = map[*mesh.Object]int{}
				}
				p.untold[vs] = more
			}
		}
		p.overruled = kept
	}
}

// claims tells whose claim on the host, or on one of its names, was in vain.
func (p *hostPlan) claims() []mesh.Finding {
	var findings []mesh.Finding
	for _, vs := range p.overruled {
		f := mesh.Finding{
			Code: mesh.CodeHostConflict, Severity: mesh.Warning, Phase: mesh.PhaseTranslate, Ref: vs.Ref, Path: "spec.hosts",
			Message: fmt.Sprintf("%s decides about host %s already and is older; sidecars do not use these rules. Join both objects.", p.owner.Ref, p.host),
			Params:  map[string]string{"host": p.host}, Related: []mesh.Ref{p.owner.Ref},
		}
		if more := p.untold[vs]; more > 0 {
			f.Message += fmt.Sprintf(" So it is with %d more of its hosts.", more)
			f.Params["more"] = strconv.Itoa(more)
		}
		findings = append(findings, f)
	}
	from := p.from()
	for _, l := range p.lost {
		if len(from) == 0 {
			continue
		}
		findings = append(findings, mesh.Finding{
			Code: mesh.CodeHostConflict, Severity: mesh.Warning, Phase: mesh.PhaseTranslate, Ref: from[len(from)-1],
			Message: fmt.Sprintf("calls to %s on port %d go to host %s, which has that name too; call %s by its full name, or change one of them.", l.domain, p.port, l.to, p.host),
			Params:  map[string]string{"host": p.host, "domain": l.domain, "owner": l.to},
		})
	}
	return findings
}
