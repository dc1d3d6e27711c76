package config

import (
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

const maxDirectBody = 1 << 20

func (c *checker) virtualService(p Path, vs *networking.VirtualService) {
	onMesh := len(vs.Gateways) == 0 || slices.Contains(vs.Gateways, "mesh")
	delegate := len(vs.Hosts) == 0
	if delegate {
		if len(vs.Gateways) > 0 {
			c.bad(p.Key("gateways"), "hosts is missing; only a VirtualService that another one delegates to has no hosts, and it has no gateways either")
		}
		if len(vs.Tcp) > 0 || len(vs.Tls) > 0 {
			c.bad(p.Key("hosts"), "hosts is missing")
		}
	}
	for i, h := range vs.Hosts {
		at := p.Key("hosts").Item(i)
		if !isInternalSNI(h) {
			c.note(at, badWildcardOrIP(h))
		}
		if h == "*" && onMesh {
			c.bad(at, "the host * cannot be used inside the mesh; name the hosts, or bind the VirtualService to gateways only")
		}
		for _, before := range vs.Hosts[:i] {
			if hostsOverlap(before, h) {
				c.bad(at, "%q is covered by %q already; remove one of them", h, before)
				break
			}
		}
	}
	if len(vs.Http)+len(vs.Tcp)+len(vs.Tls) == 0 {
		c.bad(p, "there is no route; give http, tcp or tls")
	}
	for i, r := range vs.Http {
		c.httpRouteRule(p.Key("http").Item(i), r, delegate, onMesh && !slices.ContainsFunc(vs.Gateways, func(g string) bool { return g != "mesh" }))
	}
	for i, r := range vs.Tcp {
		c.weights(p.Key("tcp").Item(i).Key("route"), l4Weights(r.Route))
	}
	for i, r := range vs.Tls {
		c.weights(p.Key("tls").Item(i).Key("route"), l4Weights(r.Route))
		c.sniHosts(p.Key("tls").Item(i), vs, r)
	}
}

func l4Weights(list []*networking.RouteDestination) []int32 {
	out := make([]int32, len(list))
	for i, d := range list {
		out[i] = d.GetWeight()
	}
	return out
}

// weights: with several destinations, one must get something.
func (c *checker) weights(p Path, list []int32) {
	total := int64(0)
	for _, w := range list {
		total += int64(w)
	}
	switch {
	case len(list) > 1 && total == 0:
		c.bad(p, "the weights add up to 0, so that nobody would get anything; give at least one destination a weight")
	case total > 4294967295:
		c.bad(p, "the weights add up to more than 4294967295")
	}
}

func (c *checker) sniHosts(p Path, vs *networking.VirtualService, r *networking.TLSRoute) {
	for i, m := range r.Match {
		for j, sni := range m.SniHosts {
			ok := slices.ContainsFunc(vs.Hosts, func(h string) bool {
				return h == sni || h == "*" || strings.HasPrefix(h, "*.") && strings.HasSuffix(sni, h[1:])
			})
			if !ok && len(vs.Hosts) > 0 && !isIP(sni) {
				c.bad(p.Key("match").Item(i).Key("sniHosts").Item(j), "%q is not among the hosts of the VirtualService", sni)
			}
		}
	}
}

func (c *checker) httpRouteRule(p Path, r *networking.HTTPRoute, leaf, meshOnly bool) {
	actions := 0
	for _, set := range []bool{len(r.Route) > 0, r.Redirect != nil, r.DirectResponse != nil, r.Delegate != nil} {
		if set {
			actions++
		}
	}
	switch {
	case actions == 0:
		c.bad(p, "the rule does nothing; give route, redirect, directResponse or delegate")
	case actions > 1:
		c.bad(p, "only one of route, redirect, directResponse and delegate may be set")
	}
	if r.Delegate != nil && leaf {
		c.bad(p.Key("delegate"), "a VirtualService that is delegated to cannot delegate further")
	}
	weights := make([]int32, len(r.Route))
	for i, d := range r.Route {
		weights[i] = d.GetWeight()
	}
	c.weights(p.Key("route"), weights)
	if r.Redirect != nil && r.Fault != nil {
		c.bad(p.Key("fault"), "a fault cannot be combined with a redirect")
	}
	if r.Redirect != nil && r.Rewrite != nil {
		c.bad(p.Key("rewrite"), "a rewrite cannot be combined with a redirect")
	}
	if r.Mirror != nil && len(r.Mirrors) > 0 {
		c.bad(p.Key("mirrors"), "only one of mirror and mirrors may be set")
	}
	for i, m := range r.Match {
		c.httpMatch(p.Key("match").Item(i), m, meshOnly)
	}
	if f := r.Fault; f != nil {
		c.fault(p.Key("fault"), f)
	}
	if d := r.Redirect; d != nil {
		c.redirect(p.Key("redirect"), d)
	}
	if w := r.Rewrite; w != nil {
		c.rewrite(p.Key("rewrite"), w, r)
	}
	if d := r.DirectResponse; d != nil {
		body := d.Body
		if len(body.GetString_()) > maxDirectBody || len(body.GetBytes()) > maxDirectBody {
			c.bad(p.Key("directResponse").Key("body"), "the body is larger than 1 MB")
		}
	}
	if retry := r.Retries; retry != nil {
		c.retries(p.Key("retries"), retry)
	}
	if r.CorsPolicy != nil && r.CorsPolicy.MaxAge != nil && r.CorsPolicy.MaxAge.Nanos != 0 {
		c.bad(p.Key("corsPolicy").Key("maxAge"), "maxAge is counted in whole seconds")
	}
	c.headerOps(p.Key("headers"), r.Headers)
	for i, d := range r.Route {
		c.headerOps(p.Key("route").Item(i).Key("headers"), d.Headers)
	}
}

func (c *checker) headerOps(p Path, h *networking.Headers) {
	for _, side := range []struct {
		name string
		ops  *networking.Headers_HeaderOperations
	}{{"request", h.GetRequest()}, {"response", h.GetResponse()}} {
		for _, verb := range []struct {
			name string
			set  map[string]string
		}{{"set", side.ops.GetSet()}, {"add", side.ops.GetAdd()}} {
			for _, k := range sortedKeys(verb.set) {
				at := p.Key(side.name).Key(verb.name).Key(k)
				c.note(at, badHeaderToSet(k))
				if strings.ContainsAny(verb.set[k], "\r\n\x00") {
					c.bad(at, "a header value cannot hold a line break")
				}
			}
		}
	}
}

func (c *checker) httpMatch(p Path, m *networking.HTTPMatchRequest, meshOnly bool) {
	if m.Port > 65535 {
		c.note(p.Key("port"), badPort(m.Port))
	}
	c.labels(p.Key("sourceLabels"), m.SourceLabels)
	if m.SourceNamespace != "" && badLabel(m.SourceNamespace) {
		c.bad(p.Key("sourceNamespace"), "%q cannot be a namespace", clip(m.SourceNamespace))
	}
	for _, part := range []struct {
		name    string
		headers map[string]*networking.StringMatch
	}{{"headers", m.Headers}, {"withoutHeaders", m.WithoutHeaders}} {
		for _, name := range sortedKeys(part.headers) {
			at := p.Key(part.name).Key(name)
			if strings.HasPrefix(name, "@request.auth.claims") {
				if meshOnly {
					c.bad(at, "routing by claims of a token works at gateways only; bind the VirtualService to one")
				}
				continue
			}
			c.note(at, badHeader(strings.TrimPrefix(name, ":")))
		}
	}
	for _, name := range sortedKeys(m.QueryParams) {
		if name == "" {
			c.bad(p.Key("queryParams").Key(name), "the name of a query parameter is missing")
		}
	}
	if _, regex := m.Uri.GetMatchType().(*networking.StringMatch_Regex); regex && m.IgnoreUriCase {
		c.bad(p.Key("ignoreUriCase"), "ignoreUriCase has no effect on a regular expression; begin it with (?i) instead")
	}
}

// stringMatch: an empty text as exact is a match for the empty value; as prefix
// or regex it says nothing.
func (c *checker) stringMatch(p Path, m *networking.StringMatch) {
	switch t := m.MatchType.(type) {
	case *networking.StringMatch_Prefix:
		if t.Prefix == "" {
			c.bad(p.Key("prefix"), "an empty prefix matches everything; remove the match instead")
		}
	case *networking.StringMatch_Regex:
		if t.Regex != "*" { // "*" asks only that the value is there
			c.note(p.Key("regex"), badRegex(t.Regex))
		}
	}
}

func (c *checker) fault(p Path, f *networking.HTTPFaultInjection) {
	if f.Delay == nil && f.Abort == nil {
		c.bad(p, "the fault does nothing; give delay or abort")
	}
	if d := f.Delay; d != nil {
		switch d.HttpDelayType.(type) {
		case *networking.HTTPFaultInjection_Delay_FixedDelay:
		case *networking.HTTPFaultInjection_Delay_ExponentialDelay:
			c.bad(p.Key("delay").Key("exponentialDelay"), "exponentialDelay is not part of the API any more; use fixedDelay")
		default:
			c.bad(p.Key("delay"), "fixedDelay is missing")
		}
		//lint:ignore SA1019 people still write percent
		c.note(p.Key("delay").Key("percent"), badPercent(float64(d.GetPercent())))
	}
	if a := f.Abort; a != nil {
		at := p.Key("abort")
		switch e := a.ErrorType.(type) {
		case *networking.HTTPFaultInjection_Abort_HttpStatus:
			if e.HttpStatus < 200 || e.HttpStatus > 599 {
				c.bad(at.Key("httpStatus"), "%d is not from 200 to 599", e.HttpStatus)
			}
		case *networking.HTTPFaultInjection_Abort_GrpcStatus:
			if !slices.Contains(grpcCodes, e.GrpcStatus) {
				c.bad(at.Key("grpcStatus"), "%q is not a gRPC status such as UNAVAILABLE", clip(e.GrpcStatus))
			}
		case *networking.HTTPFaultInjection_Abort_Http2Error:
			c.bad(at.Key("http2Error"), "http2Error is not part of the API any more; use httpStatus or grpcStatus")
		default:
			c.bad(at, "httpStatus or grpcStatus is missing")
		}
	}
}

var grpcCodes = []string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

func (c *checker) redirect(p Path, r *networking.HTTPRedirect) {
	if r.Uri == "" && r.Authority == "" && r.Scheme == "" && r.RedirectPort == nil && r.PrefixRewrite == "" {
		c.bad(p, "the redirect changes nothing; give uri, authority, scheme or port")
	}
	if r.Uri != "" && r.PrefixRewrite != "" {
		c.bad(p.Key("prefixRewrite"), "only one of uri and prefixRewrite may be set")
	}
	if r.RedirectCode != 0 && !slices.Contains([]uint32{301, 302, 303, 307, 308}, r.RedirectCode) {
		c.bad(p.Key("redirectCode"), "%d is not one of 301, 302, 303, 307, 308", r.RedirectCode)
	}
	if r.Scheme != "" && r.Scheme != "http" && r.Scheme != "https" {
		c.bad(p.Key("scheme"), "%q is not http or https", clip(r.Scheme))
	}
	if t, ok := r.RedirectPort.(*networking.HTTPRedirect_Port); ok {
		c.note(p.Key("port"), badPort(t.Port))
	}
}

func (c *checker) rewrite(p Path, w *networking.HTTPRewrite, r *networking.HTTPRoute) {
	if w.Uri == "" && w.Authority == "" && w.UriRegexRewrite == nil {
		c.bad(p, "the rewrite changes nothing; give uri, uriRegexRewrite or authority")
	}
	if w.Uri != "" && w.UriRegexRewrite != nil {
		c.bad(p.Key("uriRegexRewrite"), "only one of uri and uriRegexRewrite may be set")
	}
	if x := w.UriRegexRewrite; x != nil {
		c.note(p.Key("uriRegexRewrite").Key("match"), badRegex(x.Match))
		c.needs(p.Key("uriRegexRewrite").Key("rewrite"), x.Rewrite != "", "rewrite")
	}
	for k := range r.Headers.GetRequest().GetSet() {
		if w.Authority != "" && (strings.EqualFold(k, ":authority") || strings.EqualFold(k, "host")) {
			c.bad(p.Key("authority"), "the authority is set by headers too; keep one of them")
		}
	}
}

// retryOn are the words of retryOn; a number is an HTTP status.
var retryOn = []string{
	"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
	"refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
	"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
}

func (c *checker) retries(p Path, r *networking.HTTPRetry) {
	if r.Attempts == 0 && (r.PerTryTimeout != nil || r.RetryOn != "" || r.RetryRemoteLocalities != nil) {
		c.bad(p.Key("attempts"), "attempts is 0, which turns retries off, so that nothing else may be set")
	}
	for _, word := range strings.Split(r.RetryOn, ",") {
		word = strings.TrimSpace(word)
		if word == "" || slices.Contains(retryOn, word) {
			continue
		}
		if n, err := strconv.Atoi(word); err == nil && n >= 100 && n <= 599 {
			continue
		}
		c.bad(p.Key("retryOn"), "%q is neither an HTTP status nor one of %s", clip(word), strings.Join(retryOn, ", "))
	}
}
