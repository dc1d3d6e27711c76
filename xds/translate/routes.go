package translate

import (
	"errors"
	"fmt"
	"math"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// Metadata of a route that says what decided it. It is part of every change of
// routes to every proxy, so it leaves out the object where that is the first one
// that the host came from.
const (
	originMetadata = "heddle"
	originObject   = "object" // mesh.Ref.ID
	originPath     = "path"   // field path in it: "spec.http[0].match[1]"
)

// defaultRoute is the name of a route that no VirtualService declares.
const defaultRoute = "default"

// A rule is one http rule of a VirtualService as it concerns one proxy. All
// that the routes made of it depend on is in here.
type rule struct {
	vs    *mesh.Object
	index int
	http  *networking.HTTPRoute
	// matches are the indexes of the match blocks that concern the proxy; nil
	// when the rule has no match block and takes everything.
	matches []int
	routes  []target // of http.route
	mirrors []target // of mirrorsOf(http)
}

// rulesFor reads the http rules of a VirtualService as one proxy has them.
func rulesFor(vs *mesh.Object, a asking, find *targets) []rule {
	spec, _ := vs.Spec.(*networking.VirtualService)
	var rules []rule
	for i, http := range spec.GetHttp() {
		r := rule{vs: vs, index: i, http: http}
		for j, m := range http.GetMatch() {
			if a.takesRule(vs, m) {
				r.matches = append(r.matches, j)
			}
		}
		if r.matches == nil && (len(http.GetMatch()) > 0 || !a.takesRule(vs, nil)) {
			continue
		}
		for _, d := range http.GetRoute() {
			r.routes = append(r.routes, find.find(d.GetDestination(), vs.Namespace, a.port))
		}
		for _, m := range mirrorsOf(http) {
			r.mirrors = append(r.mirrors, find.find(m.destination, vs.Namespace, a.port))
		}
		rules = append(rules, r)
	}
	return rules
}

// digest names everything that the routes of a rule are made of.
func (r rule) digest() []string {
	parts := []string{r.vs.Hash.String(), fmt.Sprint(r.index, r.matches)}
	for _, t := range r.routes {
		parts = append(parts, t.digest())
	}
	parts = append(parts, "mirrors")
	for _, t := range r.mirrors {
		parts = append(parts, t.digest())
	}
	return parts
}

// A routeMaker makes routes and gathers what is wrong with the objects.
type routeMaker struct {
	operation string     // of traces, without the path: "reviews.default.svc.cluster.local:9080"
	port      uint32     // that requests come to
	host      []mesh.Ref // that the host came from
	findings  []mesh.Finding
	broken    bool // something could not be made as declared
}

// rule makes the routes of one rule, one per match block. It reports whether
// the last of them takes everything.
func (k *routeMaker) rule(r rule) (routes []*routev3.Route, last bool) {
	at := fmt.Sprintf("spec.http[%d]", r.index)
	if r.http.GetDelegate() != nil {
		k.fail(r.vs, at+".delegate", fmt.Errorf("delegates %w; write the delegate's rules here", errNotYet))
		return nil, false
	}
	if r.matches == nil {
		return append(routes, k.route(r, at, nil)), true
	}
	for _, j := range r.matches {
		m := r.http.GetMatch()[j]
		route := k.route(r, fmt.Sprintf("%s.match[%d]", at, j), m)
		routes = append(routes, route)
		if takesEverything(route.GetMatch()) {
			return routes, true
		}
	}
	return routes, false
}

func (k *routeMaker) route(r rule, matchPath string, m *networking.HTTPMatchRequest) *routev3.Route {
	at := fmt.Sprintf("spec.http[%d]", r.index)
	match, err := matchRequest(m)
	if err != nil {
		k.fail(r.vs, matchPath, err)
		return nil
	}
	out := &routev3.Route{
		Name:       routeName(r.http, m),
		Match:      match,
		Metadata:   k.origin(r.vs.Ref, matchPath),
		Decorator:  k.decorator(match),
		StatPrefix: m.GetStatPrefix(),
	}
	k.headers(r, at, r.http.GetHeaders(), routeHeaders(out))
	switch {
	case r.http.GetRedirect() != nil:
		action, err := redirect(r.http.GetRedirect(), k.port)
		k.check(r.vs, at+".redirect", err)
		out.Action = &routev3.Route_Redirect{Redirect: action}
	case r.http.GetDirectResponse() != nil:
		action, err := directResponse(r.http.GetDirectResponse())
		k.check(r.vs, at+".directResponse", err)
		out.Action = &routev3.Route_DirectResponse{DirectResponse: action}
	case len(r.http.GetRoute()) > 0:
		out.Action = &routev3.Route_Route{Route: k.forward(r, at, out)}
	default:
		k.fail(r.vs, at, errors.New("a rule needs one of route, redirect and directResponse"))
	}
	if f := r.http.GetFault(); f != nil {
		perFilter, err := fault(f)
		k.check(r.vs, at+".fault", err)
		out.TypedPerFilterConfig = perFilter
	}
	return out
}

// routeName is what people called the rule and the match, if they did.
func routeName(http *networking.HTTPRoute, m *networking.HTTPMatchRequest) string {
	if http.GetName() != "" && m.GetName() != "" {
		return http.GetName() + "." + m.GetName()
	}
	return http.GetName() + m.GetName()
}

// forward makes the action of a rule with destinations. Headers of a single
// destination go to out, the route itself.
func (k *routeMaker) forward(r rule, at string, out *routev3.Route) *routev3.RouteAction {
	action := forwardTo("")
	k.check(r.vs, at+".timeout", setTimeout(action, r.http.GetTimeout()))
	retry, err := retryPolicy(r.http.GetRetries())
	k.check(r.vs, at+".retries", err)
	action.RetryPolicy = retry
	k.check(r.vs, at+".rewrite", rewrite(action, r.http.GetRewrite()))
	if host, ok := hostHeader(r.http.GetHeaders()); ok && action.HostRewriteSpecifier == nil {
		action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: host}
	}
	k.mirror(r, at, action)

	if len(r.http.GetRoute()) == 1 {
		path := at + ".route[0]"
		d := r.http.GetRoute()[0]
		k.found(r.vs, path+".destination", r.routes[0], mesh.Error)
		action.ClusterSpecifier = &routev3.RouteAction_Cluster{Cluster: r.routes[0].cluster}
		k.headers(r, path, d.GetHeaders(), routeHeaders(out))
		if host, ok := hostHeader(d.GetHeaders()); ok {
			action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: host}
		}
		return action
	}
	weighted := &routev3.WeightedCluster{}
	var total uint64
	for i, d := range r.http.GetRoute() {
		path := fmt.Sprintf("%s.route[%d]", at, i)
		if d.GetWeight() < 0 {
			k.fail(r.vs, path+".weight", errors.New("a weight cannot be negative"))
			continue
		}
		if d.GetWeight() == 0 {
			// Nobody is sent there, so an unknown destination harms nobody.
			k.found(r.vs, path+".destination", r.routes[i], mesh.Warning)
			continue
		}
		k.found(r.vs, path+".destination", r.routes[i], mesh.Error)
		c := &routev3.WeightedCluster_ClusterWeight{
			Name:   r.routes[i].cluster,
			Weight: wrapperspb.UInt32(uint32(d.GetWeight())),
		}
		k.headers(r, path, d.GetHeaders(), clusterHeaders(c))
		if host, ok := hostHeader(d.GetHeaders()); ok {
			c.HostRewriteSpecifier = &routev3.WeightedCluster_ClusterWeight_HostRewriteLiteral{HostRewriteLiteral: host}
		}
		weighted.Clusters = append(weighted.Clusters, c)
		total += uint64(d.GetWeight())
	}
	switch {
	case total == 0:
		k.fail(r.vs, at+".route", errors.New("the weights add up to 0: give one destination a weight"))
	case total > math.MaxUint32:
		k.fail(r.vs, at+".route", errors.New("the weights add up to more than 4294967295"))
	}
	action.ClusterSpecifier = &routev3.RouteAction_WeightedClusters{WeightedClusters: weighted}
	return action
}

// toService makes the route of a service port that no rule decides about.
func (k *routeMaker) toService(svc *mesh.Service, cluster string) *routev3.Route {
	match := everything()
	action := forwardTo(cluster)
	action.RetryPolicy = defaultRetryPolicy()
	route := &routev3.Route{
		Name:      defaultRoute,
		Match:     match,
		Decorator: k.decorator(match),
		Action:    &routev3.Route_Route{Route: action},
	}
	if len(svc.From) > 0 {
		route.Metadata = k.origin(svc.From[0], "")
	}
	return route
}

// found complains about a destination that does not exist. With severity Error
// the host cannot be made.
func (k *routeMaker) found(vs *mesh.Object, path string, t target, severity mesh.Severity) {
	if t.problem == "" {
		return
	}
	k.broken = k.broken || severity == mesh.Error
	k.findings = append(k.findings, mesh.Finding{
		Code: mesh.CodeUnknownHost, Severity: severity, Phase: mesh.PhaseTranslate, Ref: vs.Ref,
		Path: path + "." + t.path, Message: t.problem + ".",
	})
}

func (k *routeMaker) check(o *mesh.Object, path string, err error) {
	if err != nil {
		k.fail(o, path, err)
	}
}

// fail records a mistake that keeps the host from being made as declared.
func (k *routeMaker) fail(o *mesh.Object, path string, err error) {
	k.broken = true
	k.complain(o, path, err, mesh.Error)
}

func (k *routeMaker) complain(o *mesh.Object, path string, err error, severity mesh.Severity) {
	code := mesh.CodeTranslate
	if errors.Is(err, errNotYet) {
		code = mesh.CodeUnsupported
	}
	for {
		field, ok := err.(*fieldError)
		if !ok {
			break
		}
		path, err = path+"."+field.path, field.err
	}
	f := mesh.Finding{Code: code, Severity: severity, Phase: mesh.PhaseTranslate, Ref: o.Ref, Path: path, Message: path + ": " + err.Error() + "."}
	for _, have := range k.findings {
		// A mistake in a rule shows once, however many matches the rule has.
		if have.Path == f.Path && have.Ref == f.Ref && have.Message == f.Message {
			return
		}
	}
	k.findings = append(k.findings, f)
}

// decorator names the operation in traces as Istio does. It is not passed on,
// so that no application sees a header that the mesh made.
func (k *routeMaker) decorator(m *routev3.RouteMatch) *routev3.Decorator {
	path := "/*"
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Path:
		path = p.Path
	case *routev3.RouteMatch_Prefix:
		path = p.Prefix + "*"
	case *routev3.RouteMatch_SafeRegex:
		path = p.SafeRegex.GetRegex()
	}
	return &routev3.Decorator{Operation: k.operation + path, Propagate: wrapperspb.Bool(false)}
}

// origin is the metadata by which a route names the object that decided it.
func (k *routeMaker) origin(ref mesh.Ref, path string) *corev3.Metadata {
	fields := map[string]string{}
	if len(k.host) == 0 || k.host[0] != ref {
		fields[originObject] = ref.ID()
	}
	if path != "" {
		fields[originPath] = path
	}
	if len(fields) == 0 {
		return nil
	}
	return &corev3.Metadata{FilterMetadata: metadata(originMetadata, fields)}
}
