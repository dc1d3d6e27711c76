package simulate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
)

// errCannotTell marks matches that need more than the request to decide.
var errCannotTell = errors.New("cannot be told from the request alone")

// domainOf finds the virtual host of a host name as Envoy does: an exact
// domain, the longest *.suffix, the longest prefix.*, and * at last.
func domainOf(hosts []*routev3.VirtualHost, host string) (*routev3.VirtualHost, string) {
	var best *routev3.VirtualHost
	var domain string
	bestRank := 0
	for _, vh := range hosts {
		for _, d := range vh.GetDomains() {
			if rank := domainRank(strings.ToLower(d), host); rank > bestRank {
				best, domain, bestRank = vh, d, rank
			}
		}
	}
	return best, domain
}

// domainRank orders domains that cover a host; 0 does not cover it.
func domainRank(domain, host string) int {
	const byLength = 1 << 20 // more than any name is long
	switch {
	case domain == host:
		return 3 * byLength
	case domain == "*":
		return 1
	case strings.HasPrefix(domain, "*"):
		if suffix := domain[1:]; strings.HasSuffix(host, suffix) && len(host) > len(suffix) {
			return 2*byLength + len(suffix)
		}
	case strings.HasSuffix(domain, "*"):
		if prefix := strings.TrimSuffix(domain, "*"); strings.HasPrefix(host, prefix) && len(host) > len(prefix) {
			return byLength + len(prefix)
		}
	}
	return 0
}

// withoutPort cuts the port of a host.
func withoutPort(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host
	}
	if _, err := strconv.ParseUint(host[i+1:], 10, 16); err != nil {
		return host
	}
	return host[:i]
}

// matches reports whether a route takes the call.
func (c Call) matches(m *routev3.RouteMatch) (bool, error) {
	ok, err := c.pathMatches(m)
	if !ok || err != nil {
		return false, err
	}
	for _, h := range m.GetHeaders() {
		if ok, err := c.headerMatches(h); !ok || err != nil {
			return false, err
		}
	}
	for _, q := range m.GetQueryParameters() {
		if ok, err := c.queryMatches(q); !ok || err != nil {
			return false, err
		}
	}
	if m.GetGrpc() != nil && !strings.HasPrefix(c.Headers["content-type"], "application/grpc") {
		return false, nil
	}
	if len(m.GetDynamicMetadata()) > 0 || len(m.GetFilterState()) > 0 || m.GetTlsContext() != nil {
		return false, errCannotTell
	}
	return true, nil
}

func (c Call) pathMatches(m *routev3.RouteMatch) (bool, error) {
	path := pathOnly(c.Path)
	fold := m.GetCaseSensitive() != nil && !m.GetCaseSensitive().GetValue()
	equal := func(a, b string) bool { return a == b || fold && strings.EqualFold(a, b) }
	hasPrefix := func(prefix string) bool { return len(path) >= len(prefix) && equal(path[:len(prefix)], prefix) }
	switch p := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		return hasPrefix(p.Prefix), nil
	case *routev3.RouteMatch_Path:
		return equal(path, p.Path), nil
	case *routev3.RouteMatch_PathSeparatedPrefix:
		return hasPrefix(p.PathSeparatedPrefix) && (len(path) == len(p.PathSeparatedPrefix) || path[len(p.PathSeparatedPrefix)] == '/'), nil
	case *routev3.RouteMatch_SafeRegex:
		return fullMatch(p.SafeRegex.GetRegex(), path)
	case *routev3.RouteMatch_ConnectMatcher_:
		return c.Method == "CONNECT", nil
	default:
		return false, fmt.Errorf("path specifier %T: %w", p, errCannotTell)
	}
}

// pathOnly is a path without query and fragment.
func pathOnly(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		return path[:i]
	}
	return path
}

func fullMatch(expr, s string) (bool, error) {
	re, err := regexp.Compile(`^(?:` + expr + `)$`)
	if err != nil {
		return false, fmt.Errorf("regex %q: %w", expr, err)
	}
	return re.MatchString(s), nil
}

func (c Call) headerMatches(h *routev3.HeaderMatcher) (bool, error) {
	value, present := c.header(h.GetName())
	if p, ok := h.GetHeaderMatchSpecifier().(*routev3.HeaderMatcher_PresentMatch); ok {
		return (present == p.PresentMatch) != h.GetInvertMatch(), nil
	}
	if h.GetHeaderMatchSpecifier() == nil {
		return present != h.GetInvertMatch(), nil
	}
	if !present && !h.GetTreatMissingHeaderAsEmpty() {
		// Envoy takes an absent header for no match, inverted or not.
		return false, nil
	}
	switch s := h.GetHeaderMatchSpecifier().(type) {
	case *routev3.HeaderMatcher_StringMatch:
		ok, err := stringMatches(s.StringMatch, value)
		return ok != h.GetInvertMatch(), err
	case *routev3.HeaderMatcher_RangeMatch:
		n, err := strconv.ParseInt(value, 10, 64)
		in := err == nil && n >= s.RangeMatch.GetStart() && n < s.RangeMatch.GetEnd()
		return in != h.GetInvertMatch(), nil
	default:
		return false, fmt.Errorf("header match %T: %w", s, errCannotTell)
	}
}

func (c Call) queryMatches(q *routev3.QueryParameterMatcher) (bool, error) {
	value, present := c.query(q.GetName())
	switch s := q.GetQueryParameterMatchSpecifier().(type) {
	case *routev3.QueryParameterMatcher_StringMatch:
		if !present {
			return false, nil
		}
		return stringMatches(s.StringMatch, value)
	case *routev3.QueryParameterMatcher_PresentMatch:
		return present == s.PresentMatch, nil
	default:
		return present, nil
	}
}

// query is the first value of a parameter as written: Envoy decodes none.
func (c Call) query(name string) (string, bool) {
	_, query, ok := strings.Cut(c.Path, "?")
	if !ok {
		return "", false
	}
	query, _, _ = strings.Cut(query, "#")
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value, true
		}
	}
	return "", false
}

func stringMatches(m *matcherv3.StringMatcher, s string) (bool, error) {
	fold := func(a string) string {
		if m.GetIgnoreCase() {
			return strings.ToLower(a)
		}
		return a
	}
	switch p := m.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		return fold(s) == fold(p.Exact), nil
	case *matcherv3.StringMatcher_Prefix:
		return strings.HasPrefix(fold(s), fold(p.Prefix)), nil
	case *matcherv3.StringMatcher_Suffix:
		return strings.HasSuffix(fold(s), fold(p.Suffix)), nil
	case *matcherv3.StringMatcher_Contains:
		return strings.Contains(fold(s), fold(p.Contains)), nil
	case *matcherv3.StringMatcher_SafeRegex:
		return fullMatch(p.SafeRegex.GetRegex(), s)
	default:
		return false, fmt.Errorf("string match %T: %w", p, errCannotTell)
	}
}
