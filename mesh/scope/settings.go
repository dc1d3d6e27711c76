package scope

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// Setting is one thing that is in force for calls to a service, as one class of
// callers has it, with the objects that decided it: none where it is the mesh's
// own default.
type Setting struct {
	// Rule is the http rule that it belongs to: "http[0]", with what the rule
	// matches in Match; both empty for what holds for every call.
	Rule  string
	Match string
	// Name of the setting: "split", "timeout", "loadBalancer", "subset v1".
	Name  string
	Value string
	From  []mesh.Ref
	// Path is the field in the first object of From.
	Path string
}

// Words for what nobody set.
const (
	NoTimeout      = "none"
	DefaultRetries = "default"
	DefaultLB      = "LEAST_REQUEST"
	AutomaticTLS   = "mutual"
	PlainText      = "none"
)

// Settings lists what is in force for the asker's calls to a service, rules in
// their order first.
func (v *View) Settings(svc *mesh.Service) []Setting {
	var all []Setting
	rules := v.rulesOf(svc)
	for _, r := range rules {
		all = append(all, r.settings()...)
	}
	if len(rules) == 0 {
		all = append(all,
			Setting{Name: "split", Value: svc.Name + " 100"},
			Setting{Name: "timeout", Value: NoTimeout},
			Setting{Name: "retries", Value: DefaultRetries})
	}
	return append(all, v.destinationSettings(svc)...)
}

// rule is one http rule that the asker's calls can meet.
type rule struct {
	vs    *mesh.Object
	index int
	http  *networking.HTTPRoute
	match string
}

// rulesOf lists the http rules that decide about the asker's calls to a
// service: those of the VirtualService that owns its host, and at a gateway
// those that lead there.
func (v *View) rulesOf(svc *mesh.Service) []rule {
	if !v.asker.Gateway {
		claims := v.VirtualServicesFor(svc.Host, 0)
		if len(claims) == 0 {
			return nil
		}
		return v.rulesIn(claims[0], mesh.Ref{})
	}
	var all []rule
	for _, g := range v.Gateways() {
		for _, vs := range v.VirtualServicesForGateway(g.Ref) {
			for _, r := range v.rulesIn(vs, g.Ref) {
				leads := slices.ContainsFunc(r.http.GetRoute(), func(d *networking.HTTPRouteDestination) bool {
					return ResolveHost(d.GetDestination().GetHost(), vs.Namespace, v.x.snap.Settings.ClusterDomain) == svc.Host
				})
				known := slices.ContainsFunc(all, func(o rule) bool { return o.vs == r.vs && o.index == r.index })
				if leads && !known {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

func (v *View) rulesIn(vs *mesh.Object, gateway mesh.Ref) []rule {
	spec, _ := vs.Spec.(*networking.VirtualService)
	var rules []rule
	for i, http := range spec.GetHttp() {
		var texts []string
		for _, m := range http.GetMatch() {
			if v.meets(vs, m, gateway) {
				texts = append(texts, DescribeMatch(m))
			}
		}
		if len(texts) == 0 && (len(http.GetMatch()) > 0 || !v.meets(vs, nil, gateway)) {
			continue
		}
		texts = slices.DeleteFunc(texts, func(t string) bool { return t == "" })
		rules = append(rules, rule{vs: vs, index: i, http: http, match: strings.Join(texts, " or ")})
	}
	return rules
}

// meets reports whether calls of the asker can meet a match, nil for a rule
// that has none, whatever the request itself is like.
func (v *View) meets(vs *mesh.Object, m *networking.HTTPMatchRequest, gateway mesh.Ref) bool {
	spec, _ := vs.Spec.(*networking.VirtualService)
	gateways := m.GetGateways()
	if len(gateways) == 0 {
		gateways = spec.GetGateways()
	}
	onMesh := gateway == mesh.Ref{}
	through := len(gateways) == 0 && onMesh || slices.ContainsFunc(gateways, func(name string) bool {
		if name == MeshGateway {
			return onMesh
		}
		return !onMesh && ResolveGateway(name, vs.Namespace) == gateway
	})
	return through && Selects(m.GetSourceLabels(), v.asker.Labels) &&
		(m.GetSourceNamespace() == "" || m.GetSourceNamespace() == v.asker.Namespace)
}

func (r rule) settings() []Setting {
	at := fmt.Sprintf("http[%d]", r.index)
	var all []Setting
	add := func(name, value, field string) {
		s := Setting{Rule: at, Match: r.match, Name: name, Value: value}
		if field != "" {
			s.From, s.Path = []mesh.Ref{r.vs.Ref}, "spec."+at+"."+field
		}
		all = append(all, s)
	}
	h := r.http
	switch {
	case h.GetRedirect() != nil:
		add("redirect", strings.TrimSpace(h.GetRedirect().GetAuthority()+h.GetRedirect().GetUri()), "redirect")
		return all
	case h.GetDirectResponse() != nil:
		add("directResponse", strconv.FormatUint(uint64(h.GetDirectResponse().GetStatus()), 10), "directResponse")
		return all
	case h.GetDelegate() != nil:
		add("delegate", h.GetDelegate().GetNamespace()+"/"+h.GetDelegate().GetName(), "delegate")
		return all
	}
	add("split", splitText(h.GetRoute()), "route")
	if t := h.GetTimeout(); t != nil && t.AsDuration() > 0 {
		add("timeout", durationText(t), "timeout")
	} else {
		add("timeout", NoTimeout, "")
	}
	if h.GetRetries() != nil {
		add("retries", retriesText(h.GetRetries()), "retries")
	} else {
		add("retries", DefaultRetries, "")
	}
	if f := h.GetFault(); f != nil {
		add("fault", faultText(f), "fault")
	}
	if h.GetMirror() != nil {
		add("mirror", mirrorText(h.GetMirror(), h.GetMirrorPercentage()), "mirror")
	}
	for i, m := range h.GetMirrors() {
		add("mirror", mirrorText(m.GetDestination(), m.GetPercentage()), fmt.Sprintf("mirrors[%d]", i))
	}
	if w := h.GetRewrite(); w != nil {
		add("rewrite", strings.TrimSpace(strings.Join([]string{w.GetAuthority(), w.GetUri(), w.GetUriRegexRewrite().GetRewrite()}, " ")), "rewrite")
	}
	if text := headersText(h.GetHeaders()); text != "" {
		add("headers", text, "headers")
	}
	return all
}

// destinationSettings are those that hold whatever rule a call met.
func (v *View) destinationSettings(svc *mesh.Service) []Setting {
	tls := Setting{Name: "tls", Value: PlainText}
	if v.x.snap.Settings.AutoMTLS && !svc.External {
		tls.Value = AutomaticTLS
	}
	lb := Setting{Name: "loadBalancer", Value: DefaultLB}
	all := []Setting{lb, tls}
	o := v.DestinationRule(svc.Host)
	if o == nil {
		return all
	}
	spec, _ := o.Spec.(*networking.DestinationRule)
	from := []mesh.Ref{o.Ref}
	if b := spec.GetTrafficPolicy().GetLoadBalancer(); b != nil {
		all[0] = Setting{Name: "loadBalancer", Value: balancerText(b), From: from, Path: "spec.trafficPolicy.loadBalancer"}
	}
	for i, p := range spec.GetTrafficPolicy().GetPortLevelSettings() {
		all = append(all, Setting{
			Name: fmt.Sprintf("loadBalancer of port %d", p.GetPort().GetNumber()), Value: balancerText(p.GetLoadBalancer()),
			From: from, Path: fmt.Sprintf("spec.trafficPolicy.portLevelSettings[%d]", i),
		})
	}
	for i, s := range spec.GetSubsets() {
		at := fmt.Sprintf("spec.subsets[%d]", i)
		all = append(all, Setting{Name: "subset " + s.GetName(), Value: labelsText(s.GetLabels()), From: from, Path: at})
		if b := s.GetTrafficPolicy().GetLoadBalancer(); b != nil {
			all = append(all, Setting{Name: "loadBalancer of subset " + s.GetName(), Value: balancerText(b), From: from, Path: at + ".trafficPolicy.loadBalancer"})
		}
	}
	return all
}

// DescribeMatch says in a short text what a request must look like: "header
// end-user = jason, path /api*". It is empty for a match that takes everything.
func DescribeMatch(m *networking.HTTPMatchRequest) string {
	var parts []string
	add := func(what string, s *networking.StringMatch) {
		if s == nil {
			return
		}
		parts = append(parts, strings.TrimSpace(what+" "+matchText(s)))
	}
	add("method", m.GetMethod())
	add("path", m.GetUri())
	add("scheme", m.GetScheme())
	add("authority", m.GetAuthority())
	for _, name := range slices.Sorted(maps.Keys(m.GetHeaders())) {
		add("header "+name, m.GetHeaders()[name])
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetWithoutHeaders())) {
		add("no header "+name, m.GetWithoutHeaders()[name])
	}
	for _, name := range slices.Sorted(maps.Keys(m.GetQueryParams())) {
		add("query "+name, m.GetQueryParams()[name])
	}
	if m.GetPort() != 0 {
		parts = append(parts, fmt.Sprintf("port %d", m.GetPort()))
	}
	if len(m.GetSourceLabels()) > 0 {
		parts = append(parts, "from "+labelsText(m.GetSourceLabels()))
	}
	if ns := m.GetSourceNamespace(); ns != "" {
		parts = append(parts, "from namespace "+ns)
	}
	return strings.Join(parts, ", ")
}

func matchText(s *networking.StringMatch) string {
	switch t := s.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return "= " + t.Exact
	case *networking.StringMatch_Prefix:
		return t.Prefix + "*"
	case *networking.StringMatch_Regex:
		return "~ " + t.Regex
	}
	return ""
}

func splitText(routes []*networking.HTTPRouteDestination) string {
	var parts []string
	for _, d := range routes {
		name := d.GetDestination().GetHost()
		if s := d.GetDestination().GetSubset(); s != "" {
			name = s
		}
		weight := d.GetWeight()
		if len(routes) == 1 {
			weight = 100
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, weight))
	}
	return strings.Join(parts, ", ")
}

func durationText(d *durationpb.Duration) string { return d.AsDuration().String() }

func retriesText(r *networking.HTTPRetry) string {
	text := strconv.Itoa(int(r.GetAttempts()))
	if d := r.GetPerTryTimeout(); d != nil {
		text += " × " + durationText(d)
	}
	if on := r.GetRetryOn(); on != "" {
		text += " on " + on
	}
	return text
}

func faultText(f *networking.HTTPFaultInjection) string {
	var parts []string
	if d := f.GetDelay(); d != nil {
		//lint:ignore SA1019 people still write it
		share := percentText(d.GetPercentage(), float64(d.GetPercent()))
		parts = append(parts, fmt.Sprintf("delay %s for %s", durationText(d.GetFixedDelay()), share))
	}
	if a := f.GetAbort(); a != nil {
		what := strconv.Itoa(int(a.GetHttpStatus()))
		if g := a.GetGrpcStatus(); g != "" {
			what = "gRPC " + g
		}
		parts = append(parts, fmt.Sprintf("abort %s for %s", what, percentText(a.GetPercentage(), 100)))
	}
	return strings.Join(parts, ", ")
}

func percentText(p *networking.Percent, otherwise float64) string {
	value := otherwise
	if p != nil {
		value = p.GetValue()
	}
	return strconv.FormatFloat(value, 'f', -1, 64) + " %"
}

func mirrorText(to *networking.Destination, share *networking.Percent) string {
	name := to.GetHost()
	if s := to.GetSubset(); s != "" {
		name += " " + s
	}
	return name + " " + percentText(share, 100)
}

func headersText(h *networking.Headers) string {
	var parts []string
	for _, side := range []struct {
		name string
		ops  *networking.Headers_HeaderOperations
	}{{"request", h.GetRequest()}, {"response", h.GetResponse()}} {
		for _, name := range slices.Sorted(maps.Keys(side.ops.GetSet())) {
			parts = append(parts, side.name+" "+name+" = "+side.ops.GetSet()[name])
		}
		for _, name := range slices.Sorted(maps.Keys(side.ops.GetAdd())) {
			parts = append(parts, side.name+" "+name+" + "+side.ops.GetAdd()[name])
		}
		for _, name := range side.ops.GetRemove() {
			parts = append(parts, side.name+" − "+name)
		}
	}
	return strings.Join(parts, ", ")
}

func balancerText(b *networking.LoadBalancerSettings) string {
	switch simple := b.GetSimple(); simple {
	case networking.LoadBalancerSettings_ROUND_ROBIN, networking.LoadBalancerSettings_RANDOM, networking.LoadBalancerSettings_PASSTHROUGH:
		return simple.String()
	}
	return DefaultLB
}

func labelsText(labels map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+labels[k])
	}
	return strings.Join(parts, ", ")
}
