package validate

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// eachSource visits the sources of a policy with their paths.
func eachSource(o *mesh.Object, visit func(at config.Path, s *security.Source)) {
	for i, r := range spec[*security.AuthorizationPolicy](o).GetRules() {
		for j, from := range r.GetFrom() {
			if s := from.GetSource(); s != nil {
				visit(config.Path{}.Key("spec").Key("rules").Item(i).Key("from").Item(j).Key("source"), s)
			}
		}
	}
}

// eachOperation visits the operations of a policy with their paths.
func eachOperation(o *mesh.Object, visit func(at config.Path, op *security.Operation)) {
	for i, r := range spec[*security.AuthorizationPolicy](o).GetRules() {
		for j, to := range r.GetTo() {
			if op := to.GetOperation(); op != nil {
				visit(config.Path{}.Key("spec").Key("rules").Item(i).Key("to").Item(j).Key("operation"), op)
			}
		}
	}
}

// field is a list of texts in a policy.
type field struct {
	name   string
	values []string
}

// matches reports whether a value is what a pattern with a star at one end says.
func matches(pattern, value string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(value, rest)
	}
	if rest, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(value, rest)
	}
	return value == pattern
}

// httpMethods are those of HTTP, and of the extensions of it that are in use.
var httpMethods = []string{
	"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
	"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "QUERY", "PURGE",
}

// oddMethods finds methods that no request has.
func oddMethods(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	eachOperation(o, func(at config.Path, op *security.Operation) {
		for _, f := range []field{{"methods", op.GetMethods()}, {"notMethods", op.GetNotMethods()}} {
			for i, m := range f.values {
				if slices.ContainsFunc(httpMethods, func(known string) bool { return matches(m, known) }) {
					continue
				}
				at := at.Key(f.name).Item(i).String()
				odd := found(o, at, "method", m)
				if upper := strings.ToUpper(m); slices.Contains(httpMethods, upper) {
					odd.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: at, Value: upper}}
				}
				out = append(out, odd)
			}
		}
	})
	return out
}

// namespaceLike reports whether a namespace exists that a pattern is for.
func namespaceLike(x *Index, pattern string) bool {
	if !strings.Contains(pattern, "*") {
		return namespaceKnown(x, strings.ToLower(pattern))
	}
	if pattern == "*" {
		return true
	}
	if slices.ContainsFunc(x.All(mesh.KindNamespace), func(ns *mesh.Object) bool { return matches(pattern, ns.Name) }) {
		return true
	}
	return slices.ContainsFunc(x.All(mesh.KindService), func(s *mesh.Object) bool { return matches(pattern, s.Namespace) })
}

// sourceNamespaces finds namespaces of callers that do not exist.
func sourceNamespaces(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	eachSource(o, func(at config.Path, s *security.Source) {
		for _, f := range []field{{"namespaces", s.GetNamespaces()}, {"notNamespaces", s.GetNotNamespaces()}} {
			for i, ns := range f.values {
				if !namespaceLike(x, ns) {
					out = append(out, found(o, at.Key(f.name).Item(i).String(), "namespace", ns))
				}
			}
		}
	})
	return out
}

// entranceKinds are the kinds that say which hosts come in from outside.
var entranceKinds = []mesh.Kind{
	mesh.KindVirtualService, mesh.KindGateway, mesh.KindK8sGateway,
	mesh.KindHTTPRoute, mesh.KindGRPCRoute, mesh.KindTLSRoute,
}

var securityLookups = []*Lookup{entrances, accounts}

// entrances finds what takes requests for a host from outside by that host, and
// by each domain that the host lies in, with a leading dot.
var entrances = &Lookup{Name: "entrances by host", Kinds: entranceKinds, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	var out []string
	for _, host := range entranceHosts(o) {
		host = strings.ToLower(host)
		out = append(append(out, host), domainsOf(host)...)
	}
	return out
}}

func entranceHosts(o *mesh.Object) []string {
	switch s := o.Spec.(type) {
	case *networking.VirtualService:
		return s.GetHosts()
	case *networking.Gateway:
		var out []string
		for _, server := range s.GetServers() {
			for _, h := range server.GetHosts() {
				if _, host, ok := strings.Cut(h, "/"); ok {
					h = host
				}
				// A gateway that takes every host names none.
				if h != "*" {
					out = append(out, h)
				}
			}
		}
		return out
	}
	if r, ok := routeOf(o); ok {
		if len(r.hosts) == 0 && slices.ContainsFunc(r.parents, ofGateway) {
			return []string{"*"} // or what the listeners of its parents take
		}
		return r.hosts
	}
	return listenerHosts(o)
}

// ofGateway reports whether a parent of a route lets requests in from outside.
func ofGateway(p gatewayv1.ParentReference) bool {
	kind := or(p.Kind, mesh.KindK8sGateway.Name)
	return kind == mesh.KindK8sGateway.Name || kind == mesh.KindListenerSet.Name
}

// operationHosts finds hosts that requests cannot be for.
func operationHosts(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	eachOperation(o, func(at config.Path, op *security.Operation) {
		for _, f := range []field{{"hosts", op.GetHosts()}, {"notHosts", op.GetNotHosts()}} {
			for i, h := range f.values {
				if !hostServed(x, o.Namespace, h) {
					out = append(out, found(o, at.Key(f.name).Item(i).String(), "host", h))
				}
			}
		}
	})
	return out
}

// hostServed reports whether something takes requests for a host as a policy
// writes it: with a port, shortened as the callers may do, or with a star.
func hostServed(x *Index, namespace, written string) bool {
	host := strings.ToLower(written)
	if name, port, ok := strings.Cut(host, ":"); ok && !strings.Contains(port, ":") {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	domain, wild := strings.CutPrefix(host, "*")
	switch {
	case host == "localhost", strings.HasSuffix(host, "*"), wild && !strings.HasPrefix(domain, "."):
		return true // nothing that a list of hosts could answer
	case wild:
		return defined(x, host) || x.has(entrances, host) || x.has(entrances, domain)
	}
	names := []string{fullHost(x.Settings(), namespace, host)}
	if parts := strings.Split(host, "."); len(parts) == 2 || len(parts) == 3 && parts[2] == "svc" {
		names = append(names, mesh.KubeHost(parts[0], parts[1], x.Settings().ClusterDomain))
	}
	for _, name := range names {
		if defined(x, name) {
			return true
		}
	}
	if x.has(entrances, host) || x.has(entrances, "*") {
		return true
	}
	return slices.ContainsFunc(domainsOf(host), func(d string) bool { return x.has(entrances, "*"+d) })
}

// accountKinds are the kinds that show that a service account exists.
var accountKinds = slices.Concat([]mesh.Kind{
	mesh.KindServiceAccount, mesh.KindPod, mesh.KindWorkloadEntry, mesh.KindWorkloadGroup, mesh.KindServiceEntry,
}, templateKinds)

// principal is an identity as policies write it.
type principal struct{ domain, namespace, account string }

func parsePrincipal(s string) (principal, bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 5 || parts[1] != "ns" || parts[3] != "sa" {
		return principal{}, false
	}
	return principal{domain: parts[0], namespace: parts[2], account: parts[4]}, true
}

// identities visits every identity that a policy writes in full.
func identities(o *mesh.Object, visit func(path, written string, p principal)) {
	eachSource(o, func(at config.Path, s *security.Source) {
		for _, f := range []field{{"principals", s.GetPrincipals()}, {"notPrincipals", s.GetNotPrincipals()}} {
			for i, v := range f.values {
				if p, ok := parsePrincipal(v); ok && !strings.Contains(v, "*") {
					visit(at.Key(f.name).Item(i).String(), v, p)
				}
			}
		}
		for _, f := range []field{{"serviceAccounts", s.GetServiceAccounts()}, {"notServiceAccounts", s.GetNotServiceAccounts()}} {
			for i, v := range f.values {
				p := principal{namespace: o.Namespace, account: v}
				if ns, account, ok := strings.Cut(v, "/"); ok {
					p.namespace, p.account = ns, account
				}
				visit(at.Key(f.name).Item(i).String(), v, p)
			}
		}
	})
}

// unknownAccounts finds identities of service accounts that do not exist. Of
// other trust domains nothing is known here.
func unknownAccounts(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	identities(o, func(path, written string, p principal) {
		if p.domain != "" && !slices.Contains(trustDomains(x), p.domain) || accountThere(x, p.namespace, p.account) {
			return
		}
		out = append(out, found(o, path, "principal", written, "account", p.account, "namespace", p.namespace))
	})
	return out
}

func accountThere(x *Index, namespace, account string) bool {
	if account == "default" && namespaceKnown(x, namespace) {
		return true // every namespace has it
	}
	return len(x.By(accounts, namespace+"/"+account)) > 0
}

// accounts finds service accounts, and what runs as one, by namespace and name.
var accounts = &Lookup{Name: "service accounts", Kinds: accountKinds, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	names := accountsOf(o)
	for i, n := range names {
		names[i] = o.Namespace + "/" + n
	}
	return names
}}

// accountsOf are the service accounts that o is, or runs as.
func accountsOf(o *mesh.Object) []string {
	if t := templateOf(o); t != nil {
		return []string{t.Spec.ServiceAccountName}
	}
	switch s := o.Spec.(type) {
	case *corev1.ServiceAccount:
		return []string{o.Name}
	case *corev1.Pod:
		return []string{s.Spec.ServiceAccountName}
	case *networking.WorkloadEntry:
		return []string{s.GetServiceAccount()}
	case *networking.WorkloadGroup:
		return []string{s.GetTemplate().GetServiceAccount()}
	case *networking.ServiceEntry:
		var out []string
		for _, e := range s.GetEndpoints() {
			out = append(out, e.GetServiceAccount())
		}
		return out
	}
	return nil
}

// trustDomains are the names that the mesh's own trust domain goes by.
func trustDomains(x *Index) []string {
	out := []string{x.Settings().TrustDomain, "cluster.local"}
	if m := meshConfig(x); m != nil {
		if m.GetTrustDomain() != "" {
			out = append(out, m.GetTrustDomain())
		}
		out = append(out, m.GetTrustDomainAliases()...)
	}
	return out
}

// foreignTrustDomains finds identities of another mesh.
func foreignTrustDomains(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	own := trustDomains(x)
	identities(o, func(path, written string, p principal) {
		if p.domain != "" && !slices.Contains(own, p.domain) {
			out = append(out, found(o, path, "principal", written, "domain", p.domain, "own", own[0]))
		}
	})
	return out
}

// tokensNobodyChecks finds rules about tokens where nothing checks a token:
// requests then have none, whatever they bring.
func tokensNobodyChecks(x *Index, o *mesh.Object, _ Evidence) []Found {
	var paths []string
	eachSource(o, func(at config.Path, s *security.Source) {
		if len(s.GetRequestPrincipals()) > 0 {
			paths = append(paths, at.Key("requestPrincipals").String())
		}
	})
	for i, r := range spec[*security.AuthorizationPolicy](o).GetRules() {
		for j, c := range r.GetWhen() {
			if strings.HasPrefix(c.GetKey(), "request.auth.") && len(c.GetValues()) > 0 {
				paths = append(paths, config.Path{}.Key("spec").Key("rules").Item(i).Key("when").Item(j).Key("key").String())
			}
		}
	}
	if len(paths) == 0 || tokensChecked(x, o) {
		return nil
	}
	var out []Found
	for _, path := range paths {
		out = append(out, found(o, path))
	}
	return out
}

// tokensChecked reports whether a RequestAuthentication may be for the same
// workloads as a policy.
func tokensChecked(x *Index, o *mesh.Object) bool {
	mine := selectionOf(o)
	candidates := x.In(mesh.KindRequestAuthentication, o.Namespace)
	root := x.Settings().RootNamespace
	switch {
	case o.Namespace == root:
		candidates = x.All(mesh.KindRequestAuthentication)
	default:
		candidates = slices.Concat(candidates, x.In(mesh.KindRequestAuthentication, root))
	}
	return slices.ContainsFunc(candidates, func(ra *mesh.Object) bool {
		if len(spec[*security.RequestAuthentication](ra).GetJwtRules()) == 0 {
			return false
		}
		theirs := selectionOf(ra)
		if len(mine.targets) > 0 || len(theirs.targets) > 0 {
			return true // both are for something that is not compared here
		}
		return !contradict(mine.labels, theirs.labels)
	})
}

// contradict reports whether nothing can carry both sets of labels.
func contradict(a, b map[string]string) bool {
	for k := range maps.Keys(a) {
		if v, ok := b[k]; ok && v != a[k] {
			return true
		}
	}
	return false
}
