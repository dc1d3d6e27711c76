package translate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// A fieldError is a mistake in one field of an object.
type fieldError struct {
	path string // relative to where translation of the part began
	err  error
}

func (e *fieldError) Error() string { return e.path + ": " + e.err.Error() }
func (e *fieldError) Unwrap() error { return e.err }

// errNotYet marks what the API knows and translation does not.
var errNotYet = errors.New("is not supported yet")

func mistake(path, format string, args ...any) error {
	return &fieldError{path: path, err: fmt.Errorf(format, args...)}
}

// matchRequest translates what a request must look like. What concerns the
// proxy instead (gateways, port, source) was decided by matchesProxy. A nil
// match takes every request.
func matchRequest(m *networking.HTTPMatchRequest) (*routev3.RouteMatch, error) {
	out := &routev3.RouteMatch{
		PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"},
		CaseSensitive: wrapperspb.Bool(!m.GetIgnoreUriCase()),
	}
	if err := matchPath(out, m.GetUri()); err != nil {
		return nil, err
	}
	for _, pseudo := range []struct {
		field, header string
		value         *networking.StringMatch
	}{
		{"method", ":method", m.GetMethod()},
		{"authority", ":authority", m.GetAuthority()},
		{"scheme", ":scheme", m.GetScheme()},
	} {
		if pseudo.value == nil {
			continue
		}
		h, err := matchHeader(pseudo.field, pseudo.header, pseudo.value)
		if err != nil {
			return nil, err
		}
		out.Headers = append(out.Headers, h)
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		h, err := matchHeader(keyed("headers", name), name, m.GetHeaders()[name])
		if err != nil {
			return nil, err
		}
		out.Headers = append(out.Headers, h)
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetWithoutHeaders())) {
		h, err := matchHeader(keyed("withoutHeaders", name), name, m.GetWithoutHeaders()[name])
		if err != nil {
			return nil, err
		}
		h.InvertMatch = true
		// Without this a request that lacks the header would match neither the
		// value nor its inversion.
		h.TreatMissingHeaderAsEmpty = h.GetStringMatch() != nil
		out.Headers = append(out.Headers, h)
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetQueryParams())) {
		q, err := matchQuery(name, m.GetQueryParams()[name])
		if err != nil {
			return nil, err
		}
		out.QueryParameters = append(out.QueryParameters, q)
	}
	return out, nil
}

func keyed(field, key string) string { return field + "[" + key + "]" }

func matchPath(out *routev3.RouteMatch, uri *networking.StringMatch) error {
	switch u := uri.GetMatchType().(type) {
	case nil:
	case *networking.StringMatch_Exact:
		out.PathSpecifier = &routev3.RouteMatch_Path{Path: u.Exact}
	case *networking.StringMatch_Prefix:
		out.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: u.Prefix}
	case *networking.StringMatch_Regex:
		r, err := regex("uri.regex", u.Regex)
		if err != nil {
			return err
		}
		out.PathSpecifier = &routev3.RouteMatch_SafeRegex{SafeRegex: r}
	default:
		return mistake("uri", "%w", errNotYet)
	}
	return nil
}

// matchHeader translates one header. An empty match, or the regex "*", asks
// for no more than that the header is there.
func matchHeader(path, name string, m *networking.StringMatch) (*routev3.HeaderMatcher, error) {
	if strings.HasPrefix(name, "@") {
		return nil, mistake(path, "matching on claims of a token %w; take the match away, or requests would match that must not", errNotYet)
	}
	if isPresence(m) {
		return &routev3.HeaderMatcher{
			Name:                 name,
			HeaderMatchSpecifier: &routev3.HeaderMatcher_PresentMatch{PresentMatch: true},
		}, nil
	}
	s, err := matchString(path, m)
	if err != nil {
		return nil, err
	}
	return &routev3.HeaderMatcher{
		Name:                 name,
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: s},
	}, nil
}

func matchQuery(name string, m *networking.StringMatch) (*routev3.QueryParameterMatcher, error) {
	if isPresence(m) {
		return &routev3.QueryParameterMatcher{
			Name:                         name,
			QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_PresentMatch{PresentMatch: true},
		}, nil
	}
	s, err := matchString(keyed("queryParams", name), m)
	if err != nil {
		return nil, err
	}
	return &routev3.QueryParameterMatcher{
		Name:                         name,
		QueryParameterMatchSpecifier: &routev3.QueryParameterMatcher_StringMatch{StringMatch: s},
	}, nil
}

func isPresence(m *networking.StringMatch) bool {
	return m.GetMatchType() == nil || m.GetRegex() == "*"
}

func matchString(path string, m *networking.StringMatch) (*matcherv3.StringMatcher, error) {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: t.Exact}}, nil
	case *networking.StringMatch_Prefix:
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: t.Prefix}}, nil
	case *networking.StringMatch_Regex:
		r, err := regex(path+".regex", t.Regex)
		if err != nil {
			return nil, err
		}
		return &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: r}}, nil
	default:
		return nil, mistake(path, "%w", errNotYet)
	}
}

// regex checks an expression before Envoy does: Go's syntax and Envoy's are
// both RE2's.
func regex(path, expr string) (*matcherv3.RegexMatcher, error) {
	if expr == "" {
		return nil, mistake(path, "is empty and would match nothing but an empty text; write .* for anything")
	}
	if _, err := regexp.Compile(expr); err != nil {
		return nil, mistake(path, "%q is no RE2 expression (%w)", expr, err)
	}
	return &matcherv3.RegexMatcher{Regex: expr}, nil
}

// takesEverything reports whether no request passes by a match, so that what
// is declared after it is never reached.
func takesEverything(m *routev3.RouteMatch) bool {
	if len(m.GetHeaders()) > 0 || len(m.GetQueryParameters()) > 0 {
		return false
	}
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		return p.Prefix == "/" || p.Prefix == ""
	case *routev3.RouteMatch_SafeRegex:
		return p.SafeRegex.GetRegex() == ".*" || p.SafeRegex.GetRegex() == "/.*"
	default:
		return false
	}
}

// An asking is what rules may ask about the proxy, and about the listener that
// the request came to.
type asking struct {
	namespace string
	labels    map[string]string
	// gateway that the rules are read for; the zero Ref for sidecars.
	gateway mesh.Ref
	port    uint32
}

// takesRule reports whether a rule's match concerns the proxy at all. The
// match's gateways stand in place of the VirtualService's.
func (a asking) takesRule(vs *mesh.Object, m *networking.HTTPMatchRequest) bool {
	gateways := m.GetGateways()
	if len(gateways) == 0 {
		gateways = vs.Spec.(*networking.VirtualService).GetGateways()
	}
	if !a.throughOneOf(gateways, vs.Namespace) {
		return false
	}
	if m.GetPort() != 0 && m.GetPort() != a.port {
		return false
	}
	if !scope.Selects(m.GetSourceLabels(), a.labels) {
		return false
	}
	return m.GetSourceNamespace() == "" || m.GetSourceNamespace() == a.namespace
}

func (a asking) throughOneOf(gateways []string, namespace string) bool {
	onMesh := a.gateway == mesh.Ref{}
	if len(gateways) == 0 {
		return onMesh
	}
	return slices.ContainsFunc(gateways, func(name string) bool {
		if name == scope.MeshGateway {
			return onMesh
		}
		return !onMesh && scope.ResolveGateway(name, namespace) == a.gateway
	})
}
