package config

import (
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

const (
	maxDirectBody  = 1 << 20
	slowDirectBody = 100 << 10
)

// httpRouteRule checks one rule of a VirtualService; delegate: others delegate
// to it.
func (c *checker) httpRouteRule(p spot, r *networking.HTTPRoute, delegate bool) {
	c.actions(p, r, delegate)
	for i, m := range r.Match {
		if m != nil {
			c.httpMatch(p.key("match").item(i), m)
		}
	}
	c.headerOps(p.key("headers"), r.Headers)
	if r.CorsPolicy != nil {
		c.cors(p.key("corsPolicy"), r.CorsPolicy)
	}
	if r.Fault != nil {
		c.fault(p.key("fault"), r.Fault)
	}
	c.mirror(p, r)
	if r.Redirect != nil {
		c.redirect(p.key("redirect"), r.Redirect)
	}
	if r.DirectResponse != nil {
		c.directResponse(p.key("directResponse"), r.DirectResponse)
	}
	if r.Retries != nil {
		c.retries(p.key("retries"), r.Retries)
	}
	if r.Rewrite != nil {
		c.rewrite(p.key("rewrite"), r.Rewrite)
	}
	c.oneAuthority(p, r)
	total := int64(0)
	for i, d := range r.Route {
		at := p.key("route").item(i)
		c.requiredDestination(at.key("destination"), d.GetDestination())
		c.notNegative(at.key("weight"), d.GetWeight())
		c.headerOps(at.key("headers"), d.GetHeaders())
		total += int64(d.GetWeight())
	}
	c.weights(p.key("route"), len(r.Route), total)
	c.note(p.key("timeout"), badDuration(r.Timeout))
}

// actions checks that a rule does one thing.
func (c *checker) actions(p spot, r *networking.HTTPRoute, delegate bool) {
	if r.Delegate != nil && !delegate {
		c.besides(p, "delegate", part{"route", len(r.Route) > 0}, part{"redirect", r.Redirect != nil}, part{"directResponse", r.DirectResponse != nil})
		return
	}
	if r.Delegate != nil {
		c.bad(p.key("delegate"), "a VirtualService that others delegate to cannot delegate further")
	}
	switch {
	case r.Redirect != nil:
		c.besides(p, "redirect", part{"route", len(r.Route) > 0}, part{"directResponse", r.DirectResponse != nil}, part{"fault", r.Fault != nil}, part{"rewrite", r.Rewrite != nil})
	case r.DirectResponse != nil:
		c.besides(p, "directResponse", part{"route", len(r.Route) > 0}, part{"fault", r.Fault != nil}, part{"rewrite", r.Rewrite != nil})
	case len(r.Route) == 0:
		c.bad(p, "the rule does nothing; give route, redirect, directResponse or delegate")
	}
	if r.Mirror != nil && len(r.Mirrors) > 0 {
		c.bad(p.key("mirrors"), "only one of mirror and mirrors may be set")
	}
}

// part is a field that may be set.
type part struct {
	name string
	set  bool
}

// besides reports fields that cannot stand beside another one.
func (c *checker) besides(p spot, main string, others ...part) {
	for _, o := range others {
		if o.set {
			c.bad(p.key(o.name), "%s cannot be combined with %s; remove one of them", o.name, main)
		}
	}
}

// headerPart is one of the two lists of headers in a match.
type headerPart struct {
	name    string
	headers map[string]*networking.StringMatch
}

func headerParts(m *networking.HTTPMatchRequest) [2]headerPart {
	return [2]headerPart{{"headers", m.GetHeaders()}, {"withoutHeaders", m.GetWithoutHeaders()}}
}

// pseudoHeaders can be matched like headers.
var pseudoHeaders = []string{":method", ":scheme", ":authority", ":path", ":status"}

func (c *checker) httpMatch(p spot, m *networking.HTTPMatchRequest) {
	for _, part := range headerParts(m) {
		for _, name := range sortedKeys(part.headers) {
			at := p.key(part.name).key(name)
			value := part.headers[name]
			switch {
			case value == nil && part.name == "headers":
				c.bad(at, "there is nothing to compare with; give exact, prefix or regex")
			case isClaim(name) || slices.Contains(pseudoHeaders, name):
			default:
				c.note(at, badHeader(name))
			}
			// "*" asks only that the header is not there.
			if part.name == "headers" || value.GetRegex() != "*" {
				c.stringMatch(at, value, false)
			}
		}
	}
	c.stringMatch(p.key("uri"), m.Uri, true)
	c.stringMatch(p.key("scheme"), m.Scheme, false)
	c.stringMatch(p.key("method"), m.Method, false)
	c.stringMatch(p.key("authority"), m.Authority, false)
	for _, name := range sortedKeys(m.QueryParams) {
		c.stringMatch(p.key("queryParams").key(name), m.QueryParams[name], false)
	}
	c.matchBase(p, m.Port, m.SourceLabels, m.Gateways)
	if m.SourceNamespace != "" && badLabel(m.SourceNamespace) {
		c.bad(p.key("sourceNamespace"), "%q cannot be a namespace", clip(m.SourceNamespace))
	}
}

// stringMatch: an empty text as exact is a match for the empty value; as prefix
// or regex it says nothing, other than for a path, which begins with it.
func (c *checker) stringMatch(p spot, m *networking.StringMatch, path bool) {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Prefix:
		if t.Prefix == "" && !path {
			c.bad(p.key("prefix"), "an empty prefix matches everything; remove the match instead")
		}
	case *networking.StringMatch_Regex:
		c.note(p.key("regex"), badRegex(t.Regex))
	}
}

func (c *checker) headerOps(p spot, h *networking.Headers) {
	if h == nil {
		return
	}
	c.headerSide(p.key("request"), h.Request, badHeaderToSet)
	c.headerSide(p.key("response"), h.Response, badHeaderToChange)
}

func (c *checker) headerSide(p spot, ops *networking.Headers_HeaderOperations, bad func(string) string) {
	if ops == nil {
		return
	}
	for _, k := range sortedKeys(ops.Set) {
		c.note(p.key("set").key(k), bad(k))
		c.note(p.key("set").key(k), badHeaderValue(ops.Set[k]))
	}
	for _, k := range sortedKeys(ops.Add) {
		c.note(p.key("add").key(k), bad(k))
		c.note(p.key("add").key(k), badHeaderValue(ops.Add[k]))
	}
	for i, k := range ops.Remove {
		c.note(p.key("remove").item(i), badHeaderToChange(k))
	}
}

// oneAuthority: the host that a request is sent with is set in one place.
func (c *checker) oneAuthority(p spot, r *networking.HTTPRoute) {
	set := r.Rewrite.GetAuthority() != ""
	ops := r.Headers.GetRequest()
	for _, part := range []struct {
		name   string
		values map[string]string
	}{{"set", ops.GetSet()}, {"add", ops.GetAdd()}} {
		for _, k := range sortedKeys(part.values) {
			if !isAuthority(k) {
				continue
			}
			if set {
				c.bad(p.key("headers").key("request").key(part.name).key(k), "the authority is set twice, by rewrite or another header too; keep one of them")
				return
			}
			set = part.values[k] != ""
		}
	}
}

func (c *checker) cors(p spot, cors *networking.CorsPolicy) {
	for i, o := range cors.AllowOrigins {
		at := p.key("allowOrigins").item(i)
		if o.GetExact() == "" && o.GetPrefix() == "" && o.GetRegex() == "" {
			c.bad(at, "the origin is empty; give exact, prefix or regex")
			continue
		}
		c.stringMatch(at, o, false)
	}
	for i, m := range cors.AllowMethods {
		c.note(p.key("allowMethods").item(i), badMethod(m))
	}
	for i, h := range cors.AllowHeaders {
		c.note(p.key("allowHeaders").item(i), badHeader(h))
	}
	for i, h := range cors.ExposeHeaders {
		c.note(p.key("exposeHeaders").item(i), badHeader(h))
	}
	if msg := badDuration(cors.MaxAge); msg != "" {
		c.bad(p.key("maxAge"), "%s", msg)
	} else if cors.MaxAge.GetNanos() != 0 {
		c.bad(p.key("maxAge"), "maxAge is counted in whole seconds")
	}
}

func (c *checker) fault(p spot, f *networking.HTTPFaultInjection) {
	if f.Delay == nil && f.Abort == nil {
		c.bad(p, "the fault does nothing; give delay or abort")
	}
	if d := f.Delay; d != nil {
		at := p.key("delay")
		c.share(at.key("percentage").key("value"), d.Percentage)
		switch t := d.HttpDelayType.(type) {
		case *networking.HTTPFaultInjection_Delay_FixedDelay:
			c.note(at.key("fixedDelay"), badDuration(t.FixedDelay))
		case *networking.HTTPFaultInjection_Delay_ExponentialDelay:
			c.bad(at.key("exponentialDelay"), "exponentialDelay is not part of the API any more; use fixedDelay")
		}
	}
	if a := f.Abort; a != nil {
		at := p.key("abort")
		c.share(at.key("percentage").key("value"), a.Percentage)
		switch e := a.ErrorType.(type) {
		case *networking.HTTPFaultInjection_Abort_HttpStatus:
			c.httpStatus(at.key("httpStatus"), int64(e.HttpStatus))
		case *networking.HTTPFaultInjection_Abort_GrpcStatus:
			if !slices.Contains(grpcCodes, e.GrpcStatus) {
				c.bad(at.key("grpcStatus"), "%q is not a gRPC status such as UNAVAILABLE", clip(e.GrpcStatus))
			}
		case *networking.HTTPFaultInjection_Abort_Http2Error:
			c.bad(at.key("http2Error"), "http2Error is not part of the API any more; use httpStatus or grpcStatus")
		default:
			c.warn(at, "the abort does nothing; give httpStatus or grpcStatus")
		}
	}
}

func (c *checker) httpStatus(p spot, n int64) {
	if n < 200 || n > 599 {
		c.bad(p, "%d is not from 200 to 599", n)
	}
}

// minShare is the smallest share of requests that Envoy can count.
const minShare = 0.0001

func (c *checker) share(p spot, percent *networking.Percent) {
	switch v := percent.GetValue(); {
	case !(v >= 0 && v <= 100):
		c.bad(p, "%v is not from 0 to 100", v)
	case v > 0 && v < minShare:
		c.bad(p, "%v is too small; the smallest share is %v", v, minShare)
	}
}

var grpcCodes = []string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

func (c *checker) mirror(p spot, r *networking.HTTPRoute) {
	//lint:ignore SA1019 people still write mirrorPercent
	if old := r.MirrorPercent; old != nil {
		at := p.key("mirrorPercent")
		if old.Value > 100 {
			c.bad(at, "%d is not from 0 to 100", old.Value)
		}
		c.warn(at, "mirrorPercent is going away; use mirrorPercentage.value")
	}
	c.percent(p.key("mirrorPercentage").key("value"), r.MirrorPercentage)
	if r.Mirror != nil {
		c.destination(p.key("mirror"), r.Mirror)
	}
	for i, m := range r.Mirrors {
		at := p.key("mirrors").item(i)
		c.requiredDestination(at.key("destination"), m.GetDestination())
		c.percent(at.key("percentage").key("value"), m.GetPercentage())
	}
}

func (c *checker) percent(p spot, percent *networking.Percent) {
	c.note(p, badPercent(percent.GetValue()))
}

func (c *checker) redirect(p spot, r *networking.HTTPRedirect) {
	if r.Uri == "" && r.Authority == "" && r.Scheme == "" && r.RedirectPort == nil && r.PrefixRewrite == "" {
		c.bad(p, "the redirect changes nothing; give uri, authority, scheme or port")
	}
	if r.Uri != "" && r.PrefixRewrite != "" {
		c.bad(p.key("prefixRewrite"), "only one of uri and prefixRewrite may be set")
	}
	if r.RedirectCode != 0 && !slices.Contains([]uint32{301, 302, 303, 307, 308}, r.RedirectCode) {
		c.bad(p.key("redirectCode"), "%d is not one of 301, 302, 303, 307, 308", r.RedirectCode)
	}
	if r.Scheme != "" && r.Scheme != "http" && r.Scheme != "https" {
		c.bad(p.key("scheme"), "%q is not http or https", clip(r.Scheme))
	}
	if t, ok := r.RedirectPort.(*networking.HTTPRedirect_Port); ok && t.Port > 0 {
		c.note(p.key("port"), badPort(t.Port))
	}
}

func (c *checker) directResponse(p spot, d *networking.HTTPDirectResponse) {
	switch size := max(len(d.Body.GetString_()), len(d.Body.GetBytes())); {
	case size > maxDirectBody:
		c.bad(p.key("body"), "the body is larger than 1 MB; serve it from a workload")
	case size > slowDirectBody:
		c.warn(p.key("body"), "the body is larger than 100 kB, and each proxy gets a copy; serve it from a workload")
	}
	c.httpStatus(p.key("status"), int64(d.Status))
}

func (c *checker) rewrite(p spot, w *networking.HTTPRewrite) {
	switch {
	case w.Uri != "" && w.UriRegexRewrite != nil:
		c.bad(p.key("uriRegexRewrite"), "only one of uri and uriRegexRewrite may be set")
	case w.Uri == "" && w.Authority == "" && w.UriRegexRewrite == nil:
		c.bad(p, "the rewrite changes nothing; give uri, uriRegexRewrite or authority")
	case w.UriRegexRewrite != nil && (w.UriRegexRewrite.Match == "" || w.UriRegexRewrite.Rewrite == ""):
		c.bad(p.key("uriRegexRewrite"), "match and rewrite are both needed")
	case w.UriRegexRewrite != nil:
		c.note(p.key("uriRegexRewrite").key("match"), badRegex(w.UriRegexRewrite.Match))
	}
}

// retryOn are the words of retryOn; a number is an HTTP status.
var retryOn = []string{
	"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
	"refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure",
	"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
}

func (c *checker) retries(p spot, r *networking.HTTPRetry) {
	c.notNegative(p.key("attempts"), r.Attempts)
	if r.Attempts == 0 && (r.PerTryTimeout != nil || r.RetryOn != "" || r.RetryRemoteLocalities != nil) {
		c.bad(p.key("attempts"), "attempts is 0, which turns retries off, so that nothing else may be set")
	}
	c.note(p.key("perTryTimeout"), badDuration(r.PerTryTimeout))
	c.note(p.key("backoff"), badDuration(r.Backoff))
	for word := range strings.SplitSeq(r.RetryOn, ",") {
		word = strings.TrimSpace(word)
		if word == "" || slices.Contains(retryOn, word) {
			continue
		}
		if n, err := strconv.Atoi(word); err == nil && isStatus(n) {
			continue
		}
		c.bad(p.key("retryOn"), "%q is neither an HTTP status nor one of %s", clip(word), strings.Join(retryOn, ", "))
	}
}

// isStatus reports the HTTP statuses that have a meaning.
func isStatus(n int) bool {
	for _, r := range [...][2]int{
		{100, 103},
		{200, 208},
		{226, 226},
		{300, 305},
		{307, 308},
		{400, 418},
		{421, 426},
		{428, 429},
		{431, 431},
		{451, 451},
		{500, 508},
		{510, 511},
	} {
		if r[0] <= n && n <= r[1] {
			return true
		}
	}
	return false
}

// badHeaderValue checks a value that Envoy fills: %NAME% and %NAME(argument)%
// stand for something, and %% for one percent sign.
func badHeaderValue(s string) string {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 127 {
			return "a header value cannot hold line breaks and other control characters"
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		n := commandLength(s[i+1:])
		if n < 0 {
			return "a % in a header value begins something like %PROTOCOL%, which does not end here; write %% for the character"
		}
		i += n
	}
	return ""
}

// commandLength measures what stands behind a percent sign, with the closing
// one; it is below 0 when it does not end. Arguments may hold percent signs.
func commandLength(s string) int {
	end := strings.IndexAny(s, "%(")
	if end < 0 || s[end] == '%' {
		if end < 0 {
			return -1
		}
		return end + 1
	}
	for i := end + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ')':
			rest := strings.TrimLeft(s[i+1:], " ")
			if length, ok := strings.CutPrefix(rest, ":"); ok { // %REQ(x):5% is the begin of a header
				rest = strings.TrimLeft(length, "0123456789")
			}
			if !strings.HasPrefix(rest, "%") {
				return -1
			}
			return len(s) - len(rest) + 1
		}
	}
	return -1
}
