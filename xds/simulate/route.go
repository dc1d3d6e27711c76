package simulate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

func (w *walk) http(m *hcmv3.HttpConnectionManager) error {
	config := m.GetRouteConfig()
	var from []mesh.Ref
	if name := m.GetRds().GetRouteConfigName(); name != "" {
		r, ok := w.set.Get(xds.RouteType, name)
		if !ok {
			w.fail(404, "NR", "route configuration "+name+" was not delivered")
			return nil
		}
		config, from = r.Message.(*routev3.RouteConfiguration), r.From
	}
	w.answer.RouteConfiguration = config.GetName()

	host := strings.ToLower(w.call.Host)
	if config.GetIgnorePortInHostMatching() || m.GetStripAnyHostPort() {
		host = withoutPort(host)
	}
	if m.GetStripTrailingHostDot() {
		host = strings.TrimSuffix(host, ".")
	}
	hosts, origins := w.hosts(config)
	vh, domain := domainOf(hosts, host)
	if vh == nil {
		w.fail(404, "NR", fmt.Sprintf("no virtual host of route configuration %s answers to %s", config.GetName(), host))
		return nil
	}
	if o, ok := origins[vh.GetName()]; ok {
		from = o
	}
	w.answer.VirtualHost, w.answer.Domain = vh.GetName(), domain
	w.decide("virtual host", vh.GetName(), from, "")
	for i, r := range vh.GetRoutes() {
		ok, err := w.call.matches(r.GetMatch())
		if err != nil {
			return fmt.Errorf("route %d of %s: %w", i, vh.GetName(), err)
		}
		if ok {
			w.answer.Route, w.answer.RouteName = i, r.GetName()
			refs, path := originOf(r, origins[vh.GetName()])
			w.decide("route", r.GetName(), refs, path)
			return w.route(vh, r)
		}
	}
	w.fail(404, "NR", "no route of virtual host "+vh.GetName()+" takes this request")
	return nil
}

// hosts lists the virtual hosts of a route configuration, those delivered one
// by one included, with where the latter come from.
func (w *walk) hosts(config *routev3.RouteConfiguration) ([]*routev3.VirtualHost, map[string][]mesh.Ref) {
	hosts := config.GetVirtualHosts()
	origins := map[string][]mesh.Ref{}
	if config.GetVhds() == nil {
		return hosts, origins
	}
	for _, r := range w.set.OfType(xds.VirtualHostType) {
		vh, ok := r.Message.(*routev3.VirtualHost)
		if !ok {
			continue
		}
		if of, _, ok := names.ParseVirtualHost(r.Name); ok && of == config.GetName() {
			hosts = append(hosts[:len(hosts):len(hosts)], vh)
			origins[vh.GetName()] = r.From
		}
	}
	return hosts, origins
}

// originOf reads the metadata that translation leaves on a route: the object
// that decided it, where that is not the first one that the host came from, and
// the place in it.
func originOf(r *routev3.Route, host []mesh.Ref) ([]mesh.Ref, string) {
	fields := r.GetMetadata().GetFilterMetadata()["heddle"].GetFields()
	path := fields["path"].GetStringValue()
	if ref, err := mesh.ParseID(fields["object"].GetStringValue()); err == nil {
		return []mesh.Ref{ref}, path
	}
	if len(host) == 0 {
		return nil, ""
	}
	return host[:1], path
}

func (w *walk) route(vh *routev3.VirtualHost, r *routev3.Route) error {
	a := w.answer
	a.RequestHeaders = headers(r.GetRequestHeadersToAdd(), r.GetRequestHeadersToRemove())
	a.ResponseHeaders = headers(r.GetResponseHeadersToAdd(), r.GetResponseHeadersToRemove())
	if err := w.fault(r); err != nil {
		return err
	}
	switch action := r.GetAction().(type) {
	case *routev3.Route_Redirect:
		return w.redirect(r.GetMatch(), action.Redirect)
	case *routev3.Route_DirectResponse:
		body := action.DirectResponse.GetBody()
		text := body.GetInlineString()
		if b := body.GetInlineBytes(); len(b) > 0 {
			text = string(b)
		}
		a.Direct = &Direct{Status: int(action.DirectResponse.GetStatus()), Body: text}
		return nil
	case *routev3.Route_Route:
		return w.forward(vh, r.GetMatch(), action.Route)
	default:
		return fmt.Errorf("route action %T: %w", action, errCannotTell)
	}
}

func headers(add []*corev3.HeaderValueOption, remove []string) Headers {
	h := Headers{Remove: remove}
	for _, o := range add {
		entry := Header{Name: o.GetHeader().GetKey(), Value: o.GetHeader().GetValue()}
		if o.GetAppendAction() == corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD {
			h.Set = append(h.Set, entry)
			continue
		}
		h.Add = append(h.Add, entry)
	}
	return h
}

func (w *walk) forward(vh *routev3.VirtualHost, match *routev3.RouteMatch, action *routev3.RouteAction) error {
	a := w.answer
	a.Host = action.GetHostRewriteLiteral()
	path, err := w.rewrite(match, action.GetPrefixRewrite(), action.GetRegexRewrite().GetPattern().GetRegex(), action.GetRegexRewrite().GetSubstitution())
	if err != nil {
		return err
	}
	if path != w.call.Path {
		a.Path = path
	}
	a.Timeout = duration(action.GetTimeout(), 15*time.Second)
	a.Retries = retries(action, vh)
	for _, m := range action.GetRequestMirrorPolicies() {
		share := w.share(m.GetCluster(), 100)
		if f := m.GetRuntimeFraction(); f != nil {
			share.Percent = percent(f.GetDefaultValue())
		}
		a.Mirrors = append(a.Mirrors, share)
	}
	switch to := action.GetClusterSpecifier().(type) {
	case *routev3.RouteAction_Cluster:
		a.Clusters = []Share{w.share(to.Cluster, 100)}
	case *routev3.RouteAction_WeightedClusters:
		var total float64
		for _, c := range to.WeightedClusters.GetClusters() {
			total += float64(c.GetWeight().GetValue())
		}
		for _, c := range to.WeightedClusters.GetClusters() {
			share := w.share(c.GetName(), 100*float64(c.GetWeight().GetValue())/total)
			share.RequestHeaders = headers(c.GetRequestHeadersToAdd(), c.GetRequestHeadersToRemove())
			share.ResponseHeaders = headers(c.GetResponseHeadersToAdd(), c.GetResponseHeadersToRemove())
			share.Host = c.GetHostRewriteLiteral()
			a.Clusters = append(a.Clusters, share)
		}
	default:
		return fmt.Errorf("destination %T: %w", to, errCannotTell)
	}
	return nil
}

// retries of a route: by its own policy alone, when it has one, else by its
// host's. A policy without conditions retries nothing.
func retries(action *routev3.RouteAction, vh *routev3.VirtualHost) *Retries {
	p := action.GetRetryPolicy()
	if p == nil {
		p = vh.GetRetryPolicy()
	}
	if p.GetRetryOn() == "" {
		return nil
	}
	r := &Retries{Attempts: 1, On: p.GetRetryOn(), Codes: p.GetRetriableStatusCodes(), PerTryTimeout: duration(p.GetPerTryTimeout(), 0)}
	if p.GetNumRetries() != nil {
		r.Attempts = p.GetNumRetries().GetValue()
	}
	return r
}

func duration(d *durationpb.Duration, unset time.Duration) time.Duration {
	if d == nil {
		return unset
	}
	return d.AsDuration()
}

// rewrite is the path that results, query included. Prefix is what the route
// matched, or the whole path when it matched otherwise.
func (w *walk) rewrite(match *routev3.RouteMatch, prefix, expr, substitution string) (string, error) {
	path := pathOnly(w.call.Path)
	query := w.call.Path[len(path):]
	switch {
	case prefix != "":
		matched := len(path)
		switch p := match.GetPathSpecifier().(type) {
		case *routev3.RouteMatch_Prefix:
			matched = len(p.Prefix)
		case *routev3.RouteMatch_PathSeparatedPrefix:
			matched = len(p.PathSeparatedPrefix)
		}
		return prefix + path[matched:] + query, nil
	case expr != "":
		re, err := regexp.Compile(expr)
		if err != nil {
			return "", fmt.Errorf("rewrite expression %q: %w", expr, err)
		}
		return re.ReplaceAllString(path, goSubstitution(substitution)) + query, nil
	default:
		return w.call.Path, nil
	}
}

// goSubstitution turns RE2's \1 into Go's ${1}.
func goSubstitution(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '$':
			b.WriteString("$$")
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\\':
			b.WriteByte('\\')
			i++
		case s[i] == '\\' && i+1 < len(s):
			b.WriteString("${" + s[i+1:i+2] + "}")
			i++
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func (w *walk) redirect(match *routev3.RouteMatch, r *routev3.RedirectAction) error {
	scheme := w.call.Scheme
	if s := r.GetSchemeRedirect(); s != "" {
		scheme = s
	} else if r.GetHttpsRedirect() {
		scheme = "https"
	}
	host := w.call.Host
	if h := r.GetHostRedirect(); h != "" {
		host = h
	} else if bare := withoutPort(host); r.GetPortRedirect() != 0 || scheme != w.call.Scheme && host == bare+defaultPort(w.call.Scheme) {
		host = bare
	}
	if p := r.GetPortRedirect(); p != 0 {
		host += ":" + strconv.FormatUint(uint64(p), 10)
	}
	path, err := w.rewrite(match, r.GetPrefixRewrite(), r.GetRegexRewrite().GetPattern().GetRegex(), r.GetRegexRewrite().GetSubstitution())
	if err != nil {
		return err
	}
	if p := r.GetPathRedirect(); p != "" {
		path = p
		if !strings.Contains(p, "?") {
			path += w.call.Path[len(pathOnly(w.call.Path)):]
		}
	}
	if r.GetStripQuery() && !strings.Contains(r.GetPathRedirect(), "?") {
		path, _, _ = strings.Cut(path, "?")
	}
	status := map[routev3.RedirectAction_RedirectResponseCode]int{
		routev3.RedirectAction_MOVED_PERMANENTLY: 301, routev3.RedirectAction_FOUND: 302, routev3.RedirectAction_SEE_OTHER: 303,
		routev3.RedirectAction_TEMPORARY_REDIRECT: 307, routev3.RedirectAction_PERMANENT_REDIRECT: 308,
	}[r.GetResponseCode()]
	w.answer.Redirect = &Redirect{Status: status, Location: scheme + "://" + host + path}
	return nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return ":443"
	}
	return ":80"
}

func (w *walk) fault(r *routev3.Route) error {
	config, ok := r.GetTypedPerFilterConfig()["envoy.filters.http.fault"]
	if !ok {
		return nil
	}
	f := new(faultv3.HTTPFault)
	if err := config.UnmarshalTo(f); err != nil {
		return fmt.Errorf("fault of route %s: %w", r.GetName(), err)
	}
	out := &Fault{
		Delay: f.GetDelay().GetFixedDelay().AsDuration(), DelayPercent: percent(f.GetDelay().GetPercentage()),
		AbortStatus: f.GetAbort().GetHttpStatus(), AbortPercent: percent(f.GetAbort().GetPercentage()),
	}
	if g, ok := f.GetAbort().GetErrorType().(*faultv3.FaultAbort_GrpcStatus); ok {
		out.AbortGRPC = &g.GrpcStatus
	}
	w.answer.Fault = out
	return nil
}

func percent(p *typev3.FractionalPercent) float64 {
	n := float64(p.GetNumerator())
	switch p.GetDenominator() {
	case typev3.FractionalPercent_TEN_THOUSAND:
		return n / 100
	case typev3.FractionalPercent_MILLION:
		return n / 10000
	default:
		return n
	}
}
