package translate

import (
	"time"

	xdscorev3 "github.com/cncf/xds/go/xds/core/v3"
	xdsmatcherv3 "github.com/cncf/xds/go/xds/type/matcher/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	dataaccesslogv3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	alsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/grpc/v3"
	statsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stats/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	transformv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/matching/actions/transform_stat/v3"
	inputv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/matching/common_inputs/stats/v3"
	ipv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/matching/input_matchers/ip/v3"
	tracingv3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
)

// Bounds of the metrics of one proxy, all listeners together. Series beyond
// them are not counted; unused ones are evicted.
const (
	maxCounters   = 20000
	maxHistograms = 10000
	// maxCallers bounds the series about callers without a sidecar.
	maxCallers = 5000
)

// TCPLog is the name of the access log stream from which the agent adds up the
// bytes of TCP connections. Its entries carry the labels of the metric as
// custom tags; a label that is not there is "unknown".
const TCPLog = "heddle-tcp"

// tcpFlush is how often the bytes of a living connection are reported.
const tcpFlush = 2 * time.Second

// httpLoggers count the requests of one connection manager.
func httpLoggers(v vantage, facts mesh.WorkloadFacts) []*accesslogv3.AccessLog {
	tags := statTags(resolve(v, facts, false))
	return []*accesslogv3.AccessLog{statsLogger(nil, &statsv3.Config{
		StatsScope: metricsScope(),
		Counters: []*statsv3.Config_Counter{
			{Stat: &statsv3.Config_Stat{Name: "requests_total", Tags: tags}, ValueFixed: wrapperspb.UInt64(1)},
		},
		Histograms: []*statsv3.Config_Histogram{
			{Stat: &statsv3.Config_Stat{Name: "request_duration_milliseconds", Tags: tags}, Unit: statsv3.Config_Histogram_Milliseconds, ValueFormat: "%DURATION%"},
			// Sizes are those of the bodies.
			{Stat: &statsv3.Config_Stat{Name: "request_bytes", Tags: tags}, Unit: statsv3.Config_Histogram_Bytes, ValueFormat: "%BYTES_RECEIVED%"},
			{Stat: &statsv3.Config_Stat{Name: "response_bytes", Tags: tags}, Unit: statsv3.Config_Histogram_Bytes, ValueFormat: "%BYTES_SENT%"},
		},
	})}
}

// tcpLoggers count connections, and report their bytes to the agent: the stats
// logger could only add the running totals of a connection up once more at each
// report.
func tcpLoggers(v vantage, facts mesh.WorkloadFacts) []*accesslogv3.AccessLog {
	labels := resolve(v, facts, true)
	tags := statTags(labels)
	count := func(when *accesslogv3.AccessLogFilter, name string) *accesslogv3.AccessLog {
		return statsLogger(when, &statsv3.Config{
			StatsScope: metricsScope(),
			Counters:   []*statsv3.Config_Counter{{Stat: &statsv3.Config_Stat{Name: name, Tags: tags}, ValueFixed: wrapperspb.UInt64(1)}},
		})
	}
	return []*accesslogv3.AccessLog{
		count(tcpOpened(), "tcp_connections_opened_total"),
		count(logTypes(dataaccesslogv3.AccessLogType_TcpConnectionEnd), "tcp_connections_closed_total"),
		{
			Name: "envoy.access_loggers.tcp_grpc",
			Filter: logTypes(dataaccesslogv3.AccessLogType_TcpUpstreamConnected, dataaccesslogv3.AccessLogType_TcpPeriodic,
				dataaccesslogv3.AccessLogType_TcpConnectionEnd),
			ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: packed(&alsv3.TcpGrpcAccessLogConfig{
				CommonConfig: &alsv3.CommonGrpcAccessLogConfig{
					LogName: TCPLog, TransportApiVersion: corev3.ApiVersion_V3, GrpcService: agentService(), CustomTags: logTags(labels),
				},
			})},
		},
	}
}

// tcpOpened selects one entry of each connection: that of its way onwards being
// there, or, where there was none to be had, that of its end. Otherwise more
// connections would be closed than were opened.
func tcpOpened() *accesslogv3.AccessLogFilter {
	failed := &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_ResponseFlagFilter{
		ResponseFlagFilter: &accesslogv3.ResponseFlagFilter{Flags: []string{"UF", "UH", "NC", "UO"}},
	}}
	ended := &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_AndFilter{
		AndFilter: &accesslogv3.AndFilter{Filters: []*accesslogv3.AccessLogFilter{logTypes(dataaccesslogv3.AccessLogType_TcpConnectionEnd), failed}},
	}}
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_OrFilter{
		OrFilter: &accesslogv3.OrFilter{Filters: []*accesslogv3.AccessLogFilter{logTypes(dataaccesslogv3.AccessLogType_TcpUpstreamConnected), ended}},
	}}
}

func tcpLogOptions() *tcpv3.TcpProxy_TcpAccessLogOptions {
	return &tcpv3.TcpProxy_TcpAccessLogOptions{FlushAccessLogOnConnected: true, AccessLogFlushInterval: durationpb.New(tcpFlush)}
}

// plaintextLogger counts requests by the address of the caller, for callers
// that can be no one but a pod without sidecar: plaintext, straight from an
// address of the pod range. The graph turns addresses into names.
func plaintextLogger(v vantage, facts mesh.WorkloadFacts, own *mesh.Service, podRange *corev3.CidrRange) *accesslogv3.AccessLog {
	tags := []*statsv3.Config_Tag{{
		Name: "source_address", ValueFormat: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", Rules: onlyFrom(podRange),
	}}
	for _, l := range resolve(calledPlaintext, facts, false) {
		switch {
		case l.name == "destination_principal" || l.name == "reporter" || l.name == "connection_security_policy" || isSource(l.name):
			continue
		case v == calling && own != nil && isService(l.name):
			// What comes into a gateway is meant for the gateway, wherever
			// its routes lead.
			l.constant = map[string]string{
				"destination_service": own.Host, "destination_service_name": own.Name, "destination_service_namespace": own.Namespace,
			}[l.name]
		case v == calling && isService(l.name):
			l.constant = unknown
		}
		tags = append(tags, statTag(l))
	}
	return statsLogger(nil, &statsv3.Config{
		StatsScope: &typev3.Scope{
			Prefix: "heddle", SharingName: "heddle", EnableEviction: true,
			MaxCounters: wrapperspb.UInt32(maxCallers),
		},
		Counters: []*statsv3.Config_Counter{{Stat: &statsv3.Config_Stat{Name: "plaintext_requests_total", Tags: tags}, ValueFixed: wrapperspb.UInt64(1)}},
	})
}

func isSource(label string) bool { return len(label) > 7 && label[:7] == "source_" }

func isService(label string) bool {
	return label == "destination_service" || label == "destination_service_name" || label == "destination_service_namespace"
}

// metricsScope is shared by all loggers of a proxy: without the common name
// counters would start anew whenever a listener changes.
func metricsScope() *typev3.Scope {
	return &typev3.Scope{
		Prefix: "istio", SharingName: "istio", EnableEviction: true,
		MaxCounters: wrapperspb.UInt32(maxCounters), MaxHistograms: wrapperspb.UInt32(maxHistograms),
	}
}

func statsLogger(filter *accesslogv3.AccessLogFilter, config *statsv3.Config) *accesslogv3.AccessLog {
	return &accesslogv3.AccessLog{
		Name: "envoy.access_loggers.stats", Filter: filter,
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: packed(config)},
	}
}

func logTypes(types ...dataaccesslogv3.AccessLogType) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_LogTypeFilter{
		LogTypeFilter: &accesslogv3.LogTypeFilter{Types: types},
	}}
}

func statTags(labels []resolved) []*statsv3.Config_Tag {
	tags := make([]*statsv3.Config_Tag, 0, len(labels))
	for _, l := range labels {
		tags = append(tags, statTag(l))
	}
	return tags
}

func statTag(l resolved) *statsv3.Config_Tag {
	if l.constant != "" {
		return &statsv3.Config_Tag{Name: l.name, ValueFormat: literal(l.constant)}
	}
	return &statsv3.Config_Tag{Name: l.name, ValueFormat: l.value.format, Rules: tagRules(l.value)}
}

// logTags are the same labels on an access log entry.
func logTags(labels []resolved) []*tracingv3.CustomTag {
	tags := make([]*tracingv3.CustomTag, 0, len(labels))
	for _, l := range labels {
		tag := &tracingv3.CustomTag{Tag: l.name}
		if l.constant != "" {
			tag.Type = &tracingv3.CustomTag_Literal_{Literal: &tracingv3.CustomTag_Literal{Value: l.constant}}
		} else {
			tag.Type = &tracingv3.CustomTag_Value{Value: l.value.format}
		}
		tags = append(tags, tag)
	}
	return tags
}

// tagRules says what a tag becomes: what its choices say by prefix, and what
// stands for a missing value.
func tagRules(v value) *xdsmatcherv3.Matcher {
	var rules []*xdsmatcherv3.Matcher_MatcherList_FieldMatcher
	on := func(p *xdsmatcherv3.StringMatcher, action *transformv3.TransformStat) {
		rules = append(rules, &xdsmatcherv3.Matcher_MatcherList_FieldMatcher{
			Predicate: &xdsmatcherv3.Matcher_MatcherList_Predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_{
				SinglePredicate: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate{
					Input:   tagInput(),
					Matcher: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_ValueMatch{ValueMatch: p},
				},
			}},
			OnMatch: transform(action),
		})
	}
	for _, c := range v.choose {
		on(&xdsmatcherv3.StringMatcher{MatchPattern: &xdsmatcherv3.StringMatcher_Prefix{Prefix: c.prefix}}, become(c.value))
	}
	m := &xdsmatcherv3.Matcher{}
	empty := &xdsmatcherv3.StringMatcher{MatchPattern: &xdsmatcherv3.StringMatcher_Exact{Exact: ""}}
	switch {
	case len(v.choose) > 0:
		m.OnNoMatch = transform(become(v.missing))
	case v.missing == "":
		on(empty, &transformv3.TransformStat{DropTag: &transformv3.TransformStat_DropTag{}})
	default:
		on(empty, become(v.missing))
	}
	m.MatcherType = &xdsmatcherv3.Matcher_MatcherList_{MatcherList: &xdsmatcherv3.Matcher_MatcherList{Matchers: rules}}
	return m
}

// onlyFrom drops the sample when the tag, an address, lies outside a range.
func onlyFrom(r *corev3.CidrRange) *xdsmatcherv3.Matcher {
	inside := &xdsmatcherv3.Matcher_MatcherList_Predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_{
		SinglePredicate: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate{
			Input: tagInput(),
			Matcher: &xdsmatcherv3.Matcher_MatcherList_Predicate_SinglePredicate_CustomMatch{CustomMatch: &xdscorev3.TypedExtensionConfig{
				Name:        "envoy.matching.matchers.ip",
				TypedConfig: packed(&ipv3.Ip{CidrRanges: []*corev3.CidrRange{r}, StatPrefix: "plaintext"}),
			}},
		},
	}}
	return &xdsmatcherv3.Matcher{MatcherType: &xdsmatcherv3.Matcher_MatcherList_{MatcherList: &xdsmatcherv3.Matcher_MatcherList{
		Matchers: []*xdsmatcherv3.Matcher_MatcherList_FieldMatcher{{
			Predicate: &xdsmatcherv3.Matcher_MatcherList_Predicate{MatchType: &xdsmatcherv3.Matcher_MatcherList_Predicate_NotMatcher{NotMatcher: inside}},
			OnMatch:   transform(&transformv3.TransformStat{DropStat: &transformv3.TransformStat_DropStat{}}),
		}},
	}}}
}

func tagInput() *xdscorev3.TypedExtensionConfig {
	return &xdscorev3.TypedExtensionConfig{Name: "value", TypedConfig: packed(&inputv3.StatTagValueInput{})}
}

func become(s string) *transformv3.TransformStat {
	return &transformv3.TransformStat{UpdateTag: &transformv3.TransformStat_UpdateTag{NewTagValue: s}}
}

func transform(action proto.Message) *xdsmatcherv3.Matcher_OnMatch {
	return &xdsmatcherv3.Matcher_OnMatch{OnMatch: &xdsmatcherv3.Matcher_OnMatch_Action{
		Action: &xdscorev3.TypedExtensionConfig{Name: "transform", TypedConfig: packed(action)},
	}}
}
