package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	security "istio.io/api/security/v1beta1"
	typev1beta1 "istio.io/api/type/v1beta1"
)

// targeted checks what an object of the policy kinds applies to.
func (c *checker) targeted(p spot, selector *typev1beta1.WorkloadSelector, ref *typev1beta1.PolicyTargetReference, refs []*typev1beta1.PolicyTargetReference) {
	n := 0
	for _, set := range [...]bool{selector != nil, ref != nil, len(refs) > 0} {
		if set {
			n++
		}
	}
	if n > 1 {
		c.bad(p, "only one of selector, targetRef and targetRefs may be set")
	}
	c.policySelector(p.key("selector"), selector)
	if ref != nil {
		c.targetRef(p.key("targetRef"), ref)
	}
	for i, r := range refs {
		if r != nil {
			c.targetRef(p.key("targetRefs").item(i), r)
		}
	}
}

func (c *checker) policySelector(p spot, s *typev1beta1.WorkloadSelector) {
	if s != nil {
		c.selector(p, "matchLabels", s.MatchLabels)
	}
}

// targetKinds are what a policy can be attached to.
var targetKinds = []string{"core/Service", "networking.istio.io/ServiceEntry", "gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/GatewayClass"}

func (c *checker) targetRef(p spot, r *typev1beta1.PolicyTargetReference) {
	c.needs(p.key("name"), r.Name != "", "name")
	if r.Namespace != "" {
		c.bad(p.key("namespace"), "a target is always in the namespace of the object that names it; remove the field")
	}
	group := r.Group
	if group == "" {
		group = "core"
	}
	if !slices.Contains(targetKinds, group+"/"+r.Kind) {
		c.bad(p.key("kind"), "%q of group %q cannot be a target; use Service, ServiceEntry, Gateway or GatewayClass with their group", clip(r.Kind), clip(r.Group))
	}
}

func (c *checker) authorization(p spot, a *security.AuthorizationPolicy) {
	if a == nil {
		return
	}
	c.targeted(p, a.Selector, a.TargetRef, a.TargetRefs)
	custom := a.Action == security.AuthorizationPolicy_CUSTOM
	switch {
	case custom && len(a.Rules) > 0 && a.GetProvider().GetName() == "":
		c.bad(p.key("provider").key("name"), "action CUSTOM needs the name of a provider")
	case !custom && a.GetProvider() != nil:
		c.bad(p.key("provider"), "a provider belongs to action CUSTOM, not %s", a.Action)
	}
	if (custom || a.Action == security.AuthorizationPolicy_DENY) && len(a.Rules) == 0 {
		c.bad(p.key("rules"), "action %s without rules never applies; give rules, of which {} is one for all requests", a.Action)
	}
	for i, r := range a.Rules {
		c.rule(p.key("rules").item(i), a.Action, r)
	}
}

func (c *checker) rule(p spot, action security.AuthorizationPolicy_Action, r *security.Rule) {
	if r == nil {
		c.bad(p, "the rule is empty; write {} for one that matches all requests")
		return
	}
	custom := action == security.AuthorizationPolicy_CUSTOM
	// What Envoy knows of a connection that is not HTTP, too.
	sources, operations, tcpSource, tcpOperation := false, false, false, false
	for i, f := range r.From {
		at := p.key("from").item(i).key("source")
		s := f.GetSource()
		if !c.needs(at, s != nil, "source") {
			continue
		}
		sources = true
		tcpSource = tcpSource || sourceOfTCP(s)
		c.source(at, s, custom)
	}
	for i, t := range r.To {
		at := p.key("to").item(i).key("operation")
		o := t.GetOperation()
		if !c.needs(at, o != nil, "operation") {
			continue
		}
		operations = true
		tcpOperation = tcpOperation || len(o.Ports)+len(o.NotPorts) > 0
		c.operation(at, o)
	}
	for i, w := range r.When {
		c.condition(p.key("when").item(i), w, custom)
	}
	onlyHTTP := sources && !operations && !tcpSource || operations && !tcpOperation
	if action == security.AuthorizationPolicy_DENY && onlyHTTP {
		c.warn(p, "the rule asks for HTTP only, so that a connection of any other kind is denied; name the ports that it is about")
	}
}

func sourceOfTCP(s *security.Source) bool {
	return len(s.Principals)+len(s.NotPrincipals)+len(s.Namespaces)+len(s.NotNamespaces)+len(s.ServiceAccounts)+
		len(s.NotServiceAccounts)+len(s.TrustDomains)+len(s.NotTrustDomains)+len(s.IpBlocks)+len(s.NotIpBlocks)+
		len(s.RemoteIpBlocks)+len(s.NotRemoteIpBlocks) > 0
}

// sourceField is a list of a source, and how its values are checked.
type sourceField struct {
	name   string
	list   []string
	bad    func(string) string
	custom bool // also where an external authorizer decides
}

func (c *checker) source(p spot, s *security.Source, custom bool) {
	if !sourceOfTCP(s) && len(s.RequestPrincipals)+len(s.NotRequestPrincipals) == 0 {
		c.bad(p, "the source says nothing; give at least one field, or remove \"from\" to match every source")
	}
	accounts := len(s.ServiceAccounts) + len(s.NotServiceAccounts)
	if accounts > 0 && len(s.Principals)+len(s.NotPrincipals)+len(s.Namespaces)+len(s.NotNamespaces) > 0 {
		c.bad(p.key("serviceAccounts"), "serviceAccounts cannot be combined with principals or namespaces")
	}
	for _, f := range [...]sourceField{
		{"principals", s.Principals, badEmpty, false},
		{"notPrincipals", s.NotPrincipals, badEmpty, false},
		{"requestPrincipals", s.RequestPrincipals, badEmpty, false},
		{"notRequestPrincipals", s.NotRequestPrincipals, badEmpty, false},
		{"namespaces", s.Namespaces, badEmpty, false},
		{"notNamespaces", s.NotNamespaces, badEmpty, false},
		{"serviceAccounts", s.ServiceAccounts, badAccount, false},
		{"notServiceAccounts", s.NotServiceAccounts, badAccount, false},
		{"trustDomains", s.TrustDomains, badEmpty, false},
		{"notTrustDomains", s.NotTrustDomains, badEmpty, false},
		{"ipBlocks", s.IpBlocks, badIPOrCIDR, true},
		{"notIpBlocks", s.NotIpBlocks, badIPOrCIDR, true},
		{"remoteIpBlocks", s.RemoteIpBlocks, badIPOrCIDR, true},
		{"notRemoteIpBlocks", s.NotRemoteIpBlocks, badIPOrCIDR, true},
	} {
		if custom && !f.custom && len(f.list) > 0 {
			c.bad(p.key(f.name), "%s cannot be asked for with action CUSTOM", f.name)
		}
		c.each(p.key(f.name), f.list, f.bad)
	}
	for _, f := range [...]part{{"serviceAccounts", len(s.ServiceAccounts) > maxAccounts}, {"notServiceAccounts", len(s.NotServiceAccounts) > maxAccounts}} {
		if f.set {
			c.bad(p.key(f.name), "there are more than %d; use namespaces or principals", maxAccounts)
		}
	}
}

// maxAccounts is how many service accounts a source may name.
const maxAccounts = 16

func (c *checker) each(p spot, list []string, bad func(string) string) {
	for i, s := range list {
		c.note(p.item(i), bad(s))
	}
}

func badEmpty(s string) string {
	if s == "" {
		return "an empty text matches nothing; remove it"
	}
	return ""
}

// badAccount checks "name" or "namespace/name".
func badAccount(s string) string {
	ns, name, two := strings.Cut(s, "/")
	switch {
	case s == "":
		return badEmpty(s)
	case strings.Contains(s, "*"):
		return fmt.Sprintf("%q: * is not supported here; use principals", clip(s))
	case len(s) > 320:
		return "a service account has at most 320 characters, its namespace included"
	case strings.Contains(name, "/") || two && (ns == "" || name == ""):
		return fmt.Sprintf("%q is not name or namespace/name", clip(s))
	}
	return ""
}

func (c *checker) operation(p spot, o *security.Operation) {
	if len(o.Hosts)+len(o.NotHosts)+len(o.Ports)+len(o.NotPorts)+len(o.Methods)+len(o.NotMethods)+len(o.Paths)+len(o.NotPaths) == 0 {
		c.bad(p, "the operation says nothing; give at least one field, or remove \"to\" to match every operation")
	}
	for _, f := range [...]sourceField{
		{"hosts", o.Hosts, badEmpty, true},
		{"notHosts", o.NotHosts, badEmpty, true},
		{"ports", o.Ports, badPortText, true},
		{"notPorts", o.NotPorts, badPortText, true},
		{"methods", o.Methods, badEmpty, true},
		{"notMethods", o.NotMethods, badEmpty, true},
		{"paths", o.Paths, badPathTemplate, true},
		{"notPaths", o.NotPaths, badPathTemplate, true},
	} {
		c.each(p.key(f.name), f.list, f.bad)
	}
}

// badPathTemplate checks a path; with {*} for one part of it, or {**} for any
// number, no other way to leave something open can be used.
func badPathTemplate(s string) string {
	if s == "" {
		return badEmpty(s)
	}
	if !strings.Contains(s, "{*}") && !strings.Contains(s, "{**}") {
		return ""
	}
	rest := strings.NewReplacer("{*}", "", "{**}", "").Replace(s)
	if strings.ContainsAny(rest, "*{}") {
		return fmt.Sprintf("%q: beside {*} and {**}, a path cannot hold other * and {}", clip(s))
	}
	return ""
}

// attribute is what a condition can ask for.
type attribute struct {
	name   string
	of     bool // its name stands in brackets: request.headers[x]
	bad    func(string) string
	custom bool // also where an external authorizer decides
}

var attributes = []attribute{
	{"request.headers", true, badEmpty, true},
	{"source.ip", false, badIPOrCIDR, true},
	{"remote.ip", false, badIPOrCIDR, true},
	{"source.namespace", false, badEmpty, false},
	{"source.principal", false, badEmpty, false},
	{"source.serviceAccount", false, badAccount, false},
	{"source.trustDomain", false, badEmpty, false},
	{"request.auth.principal", false, badEmpty, false},
	{"request.auth.audiences", false, badEmpty, false},
	{"request.auth.presenter", false, badEmpty, false},
	{"request.auth.claims", true, badEmpty, false},
	{"destination.ip", false, badIPOrCIDR, true},
	{"destination.port", false, badPortText, true},
	{"connection.sni", false, badEmpty, true},
	{"experimental.envoy.filters.", true, badEmpty, true},
}

func (c *checker) condition(p spot, w *security.Condition, custom bool) {
	key := w.GetKey()
	if !c.needs(p.key("key"), key != "", "key") {
		return
	}
	if len(w.Values)+len(w.NotValues) == 0 {
		c.bad(p, "values and notValues are both missing for %s", clip(key))
	}
	i := slices.IndexFunc(attributes, func(a attribute) bool { return key == a.name || a.of && strings.HasPrefix(key, a.name) })
	if i < 0 {
		c.bad(p.key("key"), "%q is not an attribute that a condition can ask for", clip(key))
		return
	}
	a := attributes[i]
	if custom && !a.custom {
		c.bad(p.key("key"), "%s cannot be asked for with action CUSTOM", clip(key))
	}
	if open := strings.IndexByte(key, '['); a.of && (open < 1 || !strings.HasSuffix(key, "]") || open >= len(key)-2) {
		c.bad(p.key("key"), "%q needs a name in brackets, as in %s[name]", clip(key), a.name)
	}
	c.each(p.key("values"), w.Values, a.bad)
	c.each(p.key("notValues"), w.NotValues, a.bad)
}

func (c *checker) peerAuthentication(p spot, a *security.PeerAuthentication) {
	if a == nil {
		return
	}
	if len(a.PortLevelMtls) > 0 && len(a.Selector.GetMatchLabels()) == 0 {
		c.bad(p.key("portLevelMtls"), "modes of single ports need a selector that says whose ports they are")
	}
	for _, port := range slices.Sorted(maps.Keys(a.PortLevelMtls)) {
		c.note(p.key("portLevelMtls").key(strconv.FormatUint(uint64(port), 10)), badPort(port))
	}
	c.policySelector(p.key("selector"), a.Selector)
}

func (c *checker) requestAuthentication(p spot, a *security.RequestAuthentication) {
	if a == nil {
		return
	}
	c.targeted(p, a.Selector, a.TargetRef, a.TargetRefs)
	for i, r := range a.JwtRules {
		if r != nil {
			c.jwtRule(p.key("jwtRules").item(i), r)
		}
	}
}

func (c *checker) jwtRule(p spot, r *security.JWTRule) {
	if r.Issuer == "" && r.JwksUri == "" {
		c.bad(p.key("issuer"), "issuer is missing; it says whose tokens are accepted (jwksUri alone accepts those of any issuer)")
	}
	c.each(p.key("audiences"), r.Audiences, badEmpty)
	if r.JwksUri != "" {
		c.note(p.key("jwksUri"), badURL(r.JwksUri))
	}
	if r.Jwks != "" {
		c.keySet(p.key("jwks"), r.Jwks)
	}
	for i, h := range r.FromHeaders {
		c.needs(p.key("fromHeaders").item(i).key("name"), h.GetName() != "", "name")
	}
	c.each(p.key("fromParams"), r.FromParams, badEmpty)
	c.each(p.key("fromCookies"), r.FromCookies, badEmpty)
	for i, o := range r.OutputClaimToHeaders {
		at := p.key("outputClaimToHeaders").item(i)
		if o.GetClaim() == "" || o.GetHeader() == "" {
			c.bad(at, "header and claim are both needed")
			continue
		}
		c.note(at.key("header"), badPlainHeader(o.Header, "-_"))
	}
	c.note(p.key("timeout"), badDuration(r.Timeout))
}
