package config

import (
	"fmt"
	"slices"

	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
	typev1beta1 "istio.io/api/type/v1beta1"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// message checks a message of Istio and everything in it: each field by the
// literal rules below, then what several fields together must satisfy.
func (c *checker) message(p Path, m protoreflect.Message) {
	md := m.Descriptor()
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		at := p.Key(fd.JSONName())
		v := m.Get(fd)
		if rule, ok := fieldRules[fd.FullName()]; ok {
			c.field(at, fd, m.Has(fd), v, rule)
		}
		if !m.Has(fd) || fd.Message() == nil && !fd.IsMap() {
			continue
		}
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() == nil {
				continue
			}
			items := map[string]protoreflect.Message{}
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				items[k.String()] = v.Message()
				return true
			})
			for _, k := range sortedKeys(items) {
				c.message(at.Key(k), items[k])
			}
		case fd.IsList():
			for j := range v.List().Len() {
				c.message(at.Item(j), v.List().Get(j).Message())
			}
		default:
			if d, ok := v.Message().Interface().(*durationpb.Duration); ok {
				if !slices.Contains(zeroAllowed, fd.FullName()) {
					c.note(at, badDuration(d))
				}
				continue
			}
			c.message(at, v.Message())
		}
	}
	c.together(p, m)
}

// rule is what one field must satisfy.
type rule struct {
	required bool
	// word checks each text of the field; the text of a required field is
	// checked only when it is there.
	word func(string) string
	// from and to bound a number, when to is above from.
	from, to float64
	positive bool // a number, not below 0
	port     bool
	unique   bool // no item of the list twice
}

// zeroAllowed are the durations for which 0 has a meaning of its own.
var zeroAllowed = []protoreflect.FullName{
	"istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB.HTTPCookie.ttl",
	"istio.networking.v1alpha3.ConnectionPoolSettings.TCPSettings.idle_timeout",
	"istio.networking.v1alpha3.TrafficPolicy.RetryBudget.budget_interval",
}

// fieldRules are the rules of single fields, wherever their message stands.
var fieldRules = map[protoreflect.FullName]rule{
	"istio.networking.v1alpha3.VirtualService.gateways":                {word: badGatewayOrMesh},
	"istio.networking.v1alpha3.VirtualService.export_to":               {word: badExport, unique: true},
	"istio.networking.v1alpha3.Destination.host":                       {required: true, word: badDestination},
	"istio.networking.v1alpha3.Destination.subset":                     {word: badSubset},
	"istio.networking.v1alpha3.PortSelector.number":                    {port: true},
	"istio.networking.v1alpha3.HTTPRouteDestination.destination":       {required: true},
	"istio.networking.v1alpha3.HTTPRouteDestination.weight":            {positive: true},
	"istio.networking.v1alpha3.RouteDestination.destination":           {required: true},
	"istio.networking.v1alpha3.RouteDestination.weight":                {positive: true},
	"istio.networking.v1alpha3.HTTPMatchRequest.gateways":              {word: badGatewayOrMesh},
	"istio.networking.v1alpha3.L4MatchAttributes.gateways":             {word: badGatewayOrMesh},
	"istio.networking.v1alpha3.TLSMatchAttributes.gateways":            {word: badGatewayOrMesh},
	"istio.networking.v1alpha3.L4MatchAttributes.destination_subnets":  {word: badIPOrCIDR},
	"istio.networking.v1alpha3.TLSMatchAttributes.destination_subnets": {word: badIPOrCIDR},
	"istio.networking.v1alpha3.L4MatchAttributes.source_subnet":        {word: badIPOrCIDR},
	"istio.networking.v1alpha3.TLSMatchAttributes.sni_hosts":           {required: true, word: badSNI},
	"istio.networking.v1alpha3.TLSRoute.match":                         {required: true},
	"istio.networking.v1alpha3.TLSRoute.route":                         {required: true},
	"istio.networking.v1alpha3.TCPRoute.route":                         {required: true},
	"istio.networking.v1alpha3.HTTPRetry.attempts":                     {positive: true},
	"istio.networking.v1alpha3.Percent.value":                          {to: 100},
	"istio.networking.v1alpha3.HTTPMirrorPolicy.destination":           {required: true},
	"istio.networking.v1alpha3.HTTPDirectResponse.status":              {required: true, from: 200, to: 599},
	"istio.networking.v1alpha3.HTTPRewrite.authority":                  {word: badAuthority},
	"istio.networking.v1alpha3.CorsPolicy.allow_methods":               {word: badMethod},
	"istio.networking.v1alpha3.CorsPolicy.allow_headers":               {word: badHeader},
	"istio.networking.v1alpha3.CorsPolicy.expose_headers":              {word: badHeader},
	"istio.networking.v1alpha3.Headers.HeaderOperations.remove":        {word: badHeaderToSet},

	"istio.networking.v1alpha3.DestinationRule.host":                                            {required: true, word: badWildcardOrIP},
	"istio.networking.v1alpha3.DestinationRule.export_to":                                       {word: badExport, unique: true},
	"istio.networking.v1alpha3.Subset.name":                                                     {required: true, word: badSubset},
	"istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB.HTTPCookie.name":           {required: true},
	"istio.networking.v1alpha3.LoadBalancerSettings.ConsistentHashLB.HTTPCookie.Attribute.name": {required: true},
	"istio.networking.v1alpha3.WarmupConfiguration.duration":                                    {required: true},
	"istio.networking.v1alpha3.WarmupConfiguration.minimum_percent":                             {to: 100},
	"istio.networking.v1alpha3.WarmupConfiguration.aggression":                                  {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.TCPSettings.max_connections":              {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.HTTPSettings.http1_max_pending_requests":  {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.HTTPSettings.http2_max_requests":          {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.HTTPSettings.max_requests_per_connection": {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.HTTPSettings.max_retries":                 {positive: true},
	"istio.networking.v1alpha3.ConnectionPoolSettings.HTTPSettings.max_concurrent_streams":      {positive: true},
	"istio.networking.v1alpha3.OutlierDetection.max_ejection_percent":                           {to: 100},
	"istio.networking.v1alpha3.OutlierDetection.min_health_percent":                             {to: 100},
	"istio.networking.v1alpha3.OutlierDetection.outlier_detection_http_error_codes":             {from: 100, to: 599},
	"istio.networking.v1alpha3.TrafficPolicy.RetryBudget.percent":                               {to: 100},
	"istio.networking.v1alpha3.TrafficPolicy.TunnelSettings.target_host":                        {required: true, word: badDomainOrIP},
	"istio.networking.v1alpha3.TrafficPolicy.TunnelSettings.target_port":                        {required: true, port: true},
	"istio.networking.v1alpha3.TrafficPolicy.PortTrafficPolicy.port":                            {required: true},
	"istio.networking.v1alpha3.LocalityLoadBalancerSetting.Distribute.from":                     {required: true},

	"istio.networking.v1alpha3.Gateway.servers":               {required: true},
	"istio.networking.v1alpha3.Server.hosts":                  {required: true, word: badServerHost},
	"istio.networking.v1alpha3.Server.port":                   {required: true},
	"istio.networking.v1alpha3.Port.number":                   {required: true, port: true},
	"istio.networking.v1alpha3.Port.protocol":                 {required: true, word: badProtocol},
	"istio.networking.v1alpha3.ServiceEntry.hosts":            {required: true, word: badEntryHost},
	"istio.networking.v1alpha3.ServiceEntry.addresses":        {word: badIPOrCIDR},
	"istio.networking.v1alpha3.ServiceEntry.export_to":        {word: badExport, unique: true},
	"istio.networking.v1alpha3.ServicePort.number":            {required: true, port: true},
	"istio.networking.v1alpha3.ServicePort.target_port":       {port: true},
	"istio.networking.v1alpha3.ServicePort.name":              {required: true, word: badPortName},
	"istio.networking.v1alpha3.ServicePort.protocol":          {word: badProtocol},
	"istio.networking.v1alpha3.WorkloadGroup.template":        {required: true},
	"istio.networking.v1alpha3.HTTPHealthCheckConfig.port":    {required: true, port: true},
	"istio.networking.v1alpha3.TCPHealthCheckConfig.port":     {required: true, port: true},
	"istio.networking.v1alpha3.ExecHealthCheckConfig.command": {required: true},
	"istio.networking.v1alpha3.HTTPHeader.name":               {required: true, word: badTokenHeader},
	"istio.networking.v1alpha3.IstioEgressListener.hosts":     {required: true, word: badSidecarHost},
	"istio.networking.v1alpha3.IstioIngressListener.port":     {required: true},
	"istio.networking.v1alpha3.SidecarPort.number":            {port: true},
	"istio.networking.v1alpha3.SidecarPort.protocol":          {word: badProtocol},
	"istio.networking.v1beta1.ProxyConfig.concurrency":        {positive: true},

	"istio.type.v1beta1.PolicyTargetReference.name":               {required: true},
	"istio.type.v1beta1.PolicyTargetReference.kind":               {required: true},
	"istio.security.v1beta1.Rule.From.source":                     {required: true},
	"istio.security.v1beta1.Rule.To.operation":                    {required: true},
	"istio.security.v1beta1.Condition.key":                        {required: true, word: badConditionKey},
	"istio.security.v1beta1.Source.ip_blocks":                     {word: badIPOrCIDR},
	"istio.security.v1beta1.Source.not_ip_blocks":                 {word: badIPOrCIDR},
	"istio.security.v1beta1.Source.remote_ip_blocks":              {word: badIPOrCIDR},
	"istio.security.v1beta1.Source.not_remote_ip_blocks":          {word: badIPOrCIDR},
	"istio.security.v1beta1.Source.principals":                    {word: badEmpty},
	"istio.security.v1beta1.Source.not_principals":                {word: badEmpty},
	"istio.security.v1beta1.Source.request_principals":            {word: badEmpty},
	"istio.security.v1beta1.Source.not_request_principals":        {word: badEmpty},
	"istio.security.v1beta1.Source.namespaces":                    {word: badEmpty},
	"istio.security.v1beta1.Source.not_namespaces":                {word: badEmpty},
	"istio.security.v1beta1.Source.service_accounts":              {word: badEmpty},
	"istio.security.v1beta1.Source.not_service_accounts":          {word: badEmpty},
	"istio.security.v1beta1.Operation.hosts":                      {word: badEmpty},
	"istio.security.v1beta1.Operation.not_hosts":                  {word: badEmpty},
	"istio.security.v1beta1.Operation.methods":                    {word: badEmpty},
	"istio.security.v1beta1.Operation.not_methods":                {word: badEmpty},
	"istio.security.v1beta1.Operation.paths":                      {word: badEmpty},
	"istio.security.v1beta1.Operation.not_paths":                  {word: badEmpty},
	"istio.security.v1beta1.Operation.ports":                      {word: badPortText},
	"istio.security.v1beta1.Operation.not_ports":                  {word: badPortText},
	"istio.security.v1beta1.JWTRule.audiences":                    {word: badEmpty},
	"istio.security.v1beta1.JWTRule.from_params":                  {word: badEmpty},
	"istio.security.v1beta1.JWTRule.from_cookies":                 {word: badEmpty},
	"istio.security.v1beta1.JWTRule.jwks_uri":                     {word: badURL},
	"istio.security.v1beta1.JWTHeader.name":                       {required: true, word: badHeader},
	"istio.security.v1beta1.ClaimToHeader.header":                 {required: true, word: badTokenHeader},
	"istio.security.v1beta1.ClaimToHeader.claim":                  {required: true},
	"istio.telemetry.v1alpha1.ProviderRef.name":                   {required: true},
	"istio.telemetry.v1alpha1.Tracing.random_sampling_percentage": {to: 100},
	"istio.telemetry.v1alpha1.Tracing.Literal.value":              {required: true},
	"istio.telemetry.v1alpha1.Tracing.Environment.name":           {required: true},
	"istio.telemetry.v1alpha1.Tracing.RequestHeader.name":         {required: true},
	"istio.telemetry.v1alpha1.Tracing.Formatter.value":            {required: true},

	"istio.extensions.v1alpha1.WasmPlugin.url":        {required: true, word: badModuleURL},
	"istio.extensions.v1alpha1.WasmPlugin.sha256":     {word: badSHA256},
	"istio.extensions.v1alpha1.WasmConfig.url":        {required: true, word: badModuleURL},
	"istio.extensions.v1alpha1.WasmConfig.sha256":     {word: badSHA256},
	"istio.extensions.v1alpha1.LuaConfig.inline_code": {required: true},
	"istio.extensions.v1alpha1.EnvVar.name":           {required: true},
}

// field applies a rule to one field.
func (c *checker) field(p Path, fd protoreflect.FieldDescriptor, has bool, v protoreflect.Value, r rule) {
	name := fd.JSONName()
	if fd.IsList() {
		if r.required {
			c.needs(p, v.List().Len() > 0, name)
		}
		seen := map[string]bool{}
		for i := range v.List().Len() {
			item := v.List().Get(i)
			if fd.Kind() == protoreflect.StringKind && r.unique && seen[item.String()] {
				c.bad(p.Item(i), "%q is there twice", item.String())
			}
			seen[item.String()] = true
			c.single(p.Item(i), fd, item, r)
		}
		return
	}
	if !has {
		if r.required {
			c.needs(p, false, name)
		}
		return
	}
	c.single(p, fd, v, r)
}

func (c *checker) single(p Path, fd protoreflect.FieldDescriptor, v protoreflect.Value, r rule) {
	if r.word != nil && fd.Kind() == protoreflect.StringKind {
		c.note(p, r.word(v.String()))
		return
	}
	n, ok := numberOf(fd, v)
	switch {
	case !ok:
	case r.port:
		if n < 1 || n > 65535 {
			c.bad(p, "%v is not a port; ports are from 1 to 65535", n)
		}
	case r.positive && n < 0:
		c.bad(p, "%v is below 0", n)
	case r.to > r.from && !(n >= r.from && n <= r.to):
		c.bad(p, "%v is not from %v to %v", n, r.from, r.to)
	}
}

// numberOf reads a number, or the number in a wrapper.
func numberOf(fd protoreflect.FieldDescriptor, v protoreflect.Value) (float64, bool) {
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return float64(v.Int()), true
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return float64(v.Uint()), true
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return v.Float(), true
	case protoreflect.MessageKind:
		inner := fd.Message().Fields().ByNumber(1)
		if fd.Message().ParentFile().Path() == "google/protobuf/wrappers.proto" {
			return numberOf(inner, v.Message().Get(inner))
		}
	}
	return 0, false
}

// together checks what the fields of one message must satisfy as a whole.
func (c *checker) together(p Path, m protoreflect.Message) {
	switch m := m.Interface().(type) {
	case *networking.VirtualService:
		c.virtualService(p, m)
	case *networking.StringMatch:
		c.stringMatch(p, m)
	case *networking.DestinationRule:
		c.destinationRule(p, m)
	case *networking.LoadBalancerSettings:
		c.loadBalancer(p, m)
	case *networking.LocalityLoadBalancerSetting:
		c.locality(p, m)
	case *networking.ClientTLSSettings:
		c.clientTLS(p, m)
	case *networking.ConnectionPoolSettings:
		c.needs(p, m.Tcp != nil || m.Http != nil, "tcp or http")
	case *networking.Gateway:
		c.gateway(p, m)
	case *networking.ServiceEntry:
		c.serviceEntry(p, m)
	case *networking.WorkloadEntry:
		c.workloadEntry(p, m)
	case *networking.WorkloadSelector:
		c.selector(p.Key("labels"), m.Labels)
	case *typev1beta1.WorkloadSelector:
		c.selector(p.Key("matchLabels"), m.MatchLabels)
	case *networking.EnvoyFilter_EnvoyConfigObjectPatch:
		if m.GetMatch().GetContext() != networking.EnvoyFilter_WAYPOINT {
			c.needs(p.Key("patch"), m.Patch != nil, "patch")
		}
	case *networking.Sidecar:
		c.sidecar(p, m)
	case *typev1beta1.PolicyTargetReference:
		c.targetRef(p, m)
	case *security.AuthorizationPolicy:
		c.targets(p, m.Selector, m.TargetRef, m.TargetRefs)
		c.authorization(p, m)
	case *security.Condition:
		c.condition(p, m)
	case *security.Source:
		c.source(p, m)
	case *security.PeerAuthentication:
		c.peerAuthentication(p, m)
	case *security.RequestAuthentication:
		c.targets(p, m.Selector, m.TargetRef, m.TargetRefs)
	case *security.JWTRule:
		c.needs(p, m.Issuer != "" || m.JwksUri != "", "issuer or jwksUri")
		if m.JwksUri != "" && m.Jwks != "" {
			c.bad(p.Key("jwks"), "only one of jwksUri and jwks may be set")
		}
	case *telemetry.Telemetry:
		c.targets(p, m.Selector, m.TargetRef, m.TargetRefs)
	case *telemetry.MetricsOverrides_TagOverride:
		if m.Operation == telemetry.MetricsOverrides_TagOverride_UPSERT && m.Value == "" {
			c.bad(p.Key("value"), "value is missing; it says what the tag becomes")
		}
		if m.Operation == telemetry.MetricsOverrides_TagOverride_REMOVE && m.Value != "" {
			c.bad(p.Key("value"), "value is not used when the tag is removed; delete it")
		}
	case *telemetry.MetricSelector:
		if s, ok := m.MetricMatch.(*telemetry.MetricSelector_CustomMetric); ok {
			c.needs(p.Key("customMetric"), s.CustomMetric != "", "customMetric")
		}
	case *telemetry.Tracing_CustomTag:
		c.needs(p, m.Type != nil, "one of literal, environment, header, formatter")
	case *extensions.WasmPlugin:
		c.targets(p, m.Selector, m.TargetRef, m.TargetRefs)
		c.pluginName(p, m.PluginName)
	case *extensions.TrafficExtension:
		c.trafficExtension(p, m)
	case *extensions.WasmConfig:
		c.pluginName(p, m.PluginName)
	case *extensions.VmConfig:
		c.vmEnv(p, m)
	case *typev1beta1.PortSelector:
		c.note(p.Key("number"), badPort(m.Number))
	}
}

func (c *checker) selector(p Path, labels map[string]string) {
	for _, k := range sortedKeys(labels) {
		switch {
		case k == "":
			c.bad(p.Key(k), "a label name is missing")
		case containsStar(k) || containsStar(labels[k]):
			c.bad(p.Key(k), "a selector takes whole labels; * is not supported: %s=%s", k, labels[k])
		case len(labels[k]) > 63:
			c.bad(p.Key(k), "a label value has at most 63 characters")
		}
	}
}

func containsStar(s string) bool { return slices.Contains([]byte(s), '*') }

// targets checks that one object does not say twice what it applies to.
func (c *checker) targets(p Path, selector *typev1beta1.WorkloadSelector, ref *typev1beta1.PolicyTargetReference, refs []*typev1beta1.PolicyTargetReference) {
	n := 0
	for _, set := range []bool{selector != nil, ref != nil, len(refs) > 0} {
		if set {
			n++
		}
	}
	if n > 1 {
		c.bad(p, "only one of selector, targetRef and targetRefs may be set")
	}
	if len(refs) > 16 {
		c.bad(p.Key("targetRefs"), "there are more than 16")
	}
}

func (c *checker) targetRef(p Path, r *typev1beta1.PolicyTargetReference) {
	if r.Namespace != "" {
		c.bad(p.Key("namespace"), "a target is always in the namespace of the object that names it; remove the field")
	}
	if r.Kind == "" {
		return
	}
	known := []string{"/Service", "networking.istio.io/ServiceEntry", "gateway.networking.k8s.io/Gateway", "gateway.networking.k8s.io/GatewayClass"}
	group := r.Group
	if group == "core" {
		group = ""
	}
	if !slices.Contains(known, group+"/"+r.Kind) {
		c.bad(p.Key("kind"), "%s cannot be a target; use Service, ServiceEntry, Gateway or GatewayClass with their group", fmt.Sprintf("%s/%s", r.Group, r.Kind))
	}
}
