package translate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	previoushostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	previousprioritiesv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/priority/previous_priorities/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
)

// setTimeout limits the whole exchange, retries included. Nobody's word means
// no limit, as forwardTo sets it, where Envoy alone would end it after 15 s.
func setTimeout(action *routev3.RouteAction, timeout *durationpb.Duration) error {
	if err := checkDuration(timeout, true); err != nil || timeout.AsDuration() == 0 {
		return err
	}
	action.Timeout = timeout
	// Envoy pays no heed to the time-out of a route that has this as well.
	action.MaxStreamDuration = nil
	return nil
}

// checkDuration refuses what Envoy would refuse, and what it would round to
// "no limit".
func checkDuration(d *durationpb.Duration, zero bool) error {
	if d == nil && zero {
		return nil
	}
	if err := d.CheckValid(); err != nil {
		return fmt.Errorf("is no duration: %w", err)
	}
	switch v := d.AsDuration(); {
	case v == 0 && zero:
		return nil
	case v < time.Millisecond:
		return fmt.Errorf("%v is too short: at least 1ms", v)
	case d.GetSeconds() > int64((100 * 365 * 24 * time.Hour).Seconds()):
		return errors.New("is longer than a hundred years")
	}
	return nil
}

// Retry conditions when nobody says otherwise: only what is known not to have
// reached the application, or what a gRPC server says may be tried again.
const (
	defaultRetryOn  = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
	defaultAttempts = 2
	retryOnStatus   = "retriable-status-codes"
)

func defaultRetryPolicy() *routev3.RetryPolicy {
	return &routev3.RetryPolicy{
		RetryOn:                       defaultRetryOn,
		NumRetries:                    wrapperspb.UInt32(defaultAttempts),
		RetryHostPredicate:            []*routev3.RetryPolicy_RetryHostPredicate{otherHosts()},
		HostSelectionRetryMaxAttempts: 5,
	}
}

// otherHosts makes a retry pass over endpoints that were tried already.
func otherHosts() *routev3.RetryPolicy_RetryHostPredicate {
	return &routev3.RetryPolicy_RetryHostPredicate{
		Name:       "envoy.retry_host_predicates.previous_hosts",
		ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{TypedConfig: packed(&previoushostsv3.PreviousHostsPredicate{})},
	}
}

// retryPolicy starts from the default and takes what is declared. No attempts
// mean no retries at all, a nil policy.
func retryPolicy(in *networking.HTTPRetry) (*routev3.RetryPolicy, error) {
	if in == nil {
		return defaultRetryPolicy(), nil
	}
	if in.GetAttempts() < 0 {
		return nil, mistake("attempts", "cannot be negative")
	}
	if in.GetAttempts() == 0 {
		return nil, nil
	}
	out := defaultRetryPolicy()
	out.NumRetries = wrapperspb.UInt32(uint32(in.GetAttempts()))
	if in.GetRetryOn() != "" {
		out.RetryOn, out.RetriableStatusCodes = retryConditions(in.GetRetryOn())
	}
	if in.GetPerTryTimeout() != nil {
		if err := checkDuration(in.GetPerTryTimeout(), true); err != nil {
			return nil, &fieldError{path: "perTryTimeout", err: err}
		}
		out.PerTryTimeout = in.GetPerTryTimeout()
	}
	if ignore := in.GetRetryIgnorePreviousHosts(); ignore != nil && !ignore.GetValue() {
		out.RetryHostPredicate = nil
		out.HostSelectionRetryMaxAttempts = 0
	}
	if in.GetRetryRemoteLocalities().GetValue() {
		out.RetryPriority = &routev3.RetryPolicy_RetryPriority{
			Name: "envoy.retry_priorities.previous_priorities",
			ConfigType: &routev3.RetryPolicy_RetryPriority_TypedConfig{
				TypedConfig: packed(&previousprioritiesv3.PreviousPrioritiesConfig{UpdateFrequency: 2}),
			},
		}
	}
	if in.GetBackoff() != nil {
		if err := checkDuration(in.GetBackoff(), false); err != nil {
			return nil, &fieldError{path: "backoff", err: err}
		}
		out.RetryBackOff = &routev3.RetryPolicy_RetryBackOff{BaseInterval: in.GetBackoff()}
	}
	return out, nil
}

// retryConditions splits Envoy's conditions from status codes, which people
// may mix: "5xx,409".
func retryConditions(retryOn string) (string, []uint32) {
	var conditions []string
	var codes []uint32
	asked := false
	for c := range strings.SplitSeq(retryOn, ",") {
		c = strings.TrimSpace(c)
		if n, err := strconv.ParseUint(c, 10, 32); err == nil && n >= 100 && n <= 599 {
			codes = append(codes, uint32(n))
			continue
		}
		asked = asked || c == retryOnStatus
		if c != "" {
			conditions = append(conditions, c)
		}
	}
	if len(codes) > 0 && !asked {
		conditions = append(conditions, retryOnStatus)
	}
	return strings.Join(conditions, ","), codes
}

// rewrite changes path and host of forwarded requests. With a prefix match the
// matched prefix is replaced, with any other the whole path.
func rewrite(action *routev3.RouteAction, in *networking.HTTPRewrite) error {
	switch re := in.GetUriRegexRewrite(); {
	case re != nil && in.GetUri() != "":
		return mistake("uriRegexRewrite", "uri says how to rewrite the path already: keep one of the two")
	case re != nil:
		if err := checkSubstitution(re.GetMatch(), re.GetRewrite()); err != nil {
			return &fieldError{path: "uriRegexRewrite", err: err}
		}
		action.RegexRewrite = &matcherv3.RegexMatchAndSubstitute{
			Pattern:      &matcherv3.RegexMatcher{Regex: re.GetMatch()},
			Substitution: re.GetRewrite(),
		}
	case in.GetUri() != "":
		action.PrefixRewrite = in.GetUri()
	}
	if in.GetAuthority() != "" {
		action.HostRewriteSpecifier = &routev3.RouteAction_HostRewriteLiteral{HostRewriteLiteral: in.GetAuthority()}
	}
	return nil
}

// checkSubstitution refuses references to groups that the expression does not
// have, as Envoy does.
func checkSubstitution(match, substitution string) error {
	if match == "" {
		return mistake("match", "is empty")
	}
	re, err := regexp.Compile(match)
	if err != nil {
		return mistake("match", "%q is no RE2 expression (%w)", match, err)
	}
	for i := 0; i < len(substitution); i++ {
		if substitution[i] != '\\' {
			continue
		}
		i++
		switch {
		case i == len(substitution):
			return mistake("rewrite", `ends in a backslash; write \\ for the sign itself`)
		case substitution[i] == '\\':
		case substitution[i] < '0' || substitution[i] > '9':
			return mistake("rewrite", `\%c is no reference to a group: write \0 to \9`, substitution[i])
		case int(substitution[i]-'0') > re.NumSubexp():
			return mistake("rewrite", `refers to group \%c, but the expression has %d`, substitution[i], re.NumSubexp())
		}
	}
	return nil
}

func redirectCode(code uint32) (routev3.RedirectAction_RedirectResponseCode, bool) {
	switch code {
	case 0, 301:
		return routev3.RedirectAction_MOVED_PERMANENTLY, true
	case 302:
		return routev3.RedirectAction_FOUND, true
	case 303:
		return routev3.RedirectAction_SEE_OTHER, true
	case 307:
		return routev3.RedirectAction_TEMPORARY_REDIRECT, true
	case 308:
		return routev3.RedirectAction_PERMANENT_REDIRECT, true
	default:
		return 0, false
	}
}

// redirect answers with another place to go. A port that goes without saying
// in the scheme is left out of it.
func redirect(in *networking.HTTPRedirect, listenPort uint32) (*routev3.RedirectAction, error) {
	code, ok := redirectCode(in.GetRedirectCode())
	if !ok {
		return nil, mistake("redirectCode", "%d is no redirect that Envoy answers: use 301, 302, 303, 307 or 308", in.GetRedirectCode())
	}
	out := &routev3.RedirectAction{HostRedirect: in.GetAuthority(), ResponseCode: code}
	switch {
	case in.GetUri() != "" && in.GetPrefixRewrite() != "":
		return nil, mistake("prefixRewrite", "uri replaces the path already: keep one of the two")
	case in.GetUri() != "":
		out.PathRewriteSpecifier = &routev3.RedirectAction_PathRedirect{PathRedirect: in.GetUri()}
	case in.GetPrefixRewrite() != "":
		out.PathRewriteSpecifier = &routev3.RedirectAction_PrefixRewrite{PrefixRewrite: in.GetPrefixRewrite()}
	}
	if in.GetScheme() != "" {
		out.SchemeRewriteSpecifier = &routev3.RedirectAction_SchemeRedirect{SchemeRedirect: in.GetScheme()}
	}
	switch p := in.GetRedirectPort().(type) {
	case *networking.HTTPRedirect_Port:
		out.PortRedirect = p.Port
	case *networking.HTTPRedirect_DerivePort:
		if p.DerivePort == networking.HTTPRedirect_FROM_REQUEST_PORT {
			out.PortRedirect = listenPort
		}
	}
	if scheme := in.GetScheme(); out.PortRedirect == 80 && (scheme == "" || scheme == "http") || out.PortRedirect == 443 && scheme == "https" {
		out.PortRedirect = 0
	}
	return out, nil
}

// directResponse answers without asking anybody.
func directResponse(in *networking.HTTPDirectResponse) (*routev3.DirectResponseAction, error) {
	if in.GetStatus() < 200 || in.GetStatus() > 599 {
		return nil, mistake("status", "%d is no final answer: use 200 to 599", in.GetStatus())
	}
	out := &routev3.DirectResponseAction{Status: in.GetStatus()}
	switch b := in.GetBody().GetSpecifier().(type) {
	case *networking.HTTPBody_String_:
		out.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: b.String_}}
	case *networking.HTTPBody_Bytes:
		out.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: b.Bytes}}
	}
	if n := len(in.GetBody().GetString_()) + len(in.GetBody().GetBytes()); n > maxDirectResponse {
		return nil, mistake("body", "is %d bytes long; at most %d", n, maxDirectResponse)
	}
	return out, nil
}
