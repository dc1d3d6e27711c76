package translate

import (
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	faultv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/fault/v3"
	limitv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/local_ratelimit/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
)

// A connectionManager is what the HTTP connection managers differ in.
type connectionManager struct {
	stat   string // prefix of Envoy's own statistics
	routes string // route configuration
	from   vantage
	facts  mesh.WorkloadFacts
	// sampling is the share of new traces, in percent.
	sampling float64
	loggers  []*accesslogv3.AccessLog
	// edge is true where requests come from outside the mesh.
	edge bool
}

func (c connectionManager) filter() *listenerv3.Filter {
	m := &hcmv3.HttpConnectionManager{
		CodecType:  hcmv3.HttpConnectionManager_AUTO,
		StatPrefix: c.stat,
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{
			ConfigSource: ads(0), RouteConfigName: c.routes,
		}},
		HttpFilters:      httpFilters(),
		AccessLog:        append(httpLoggers(c.from, c.facts), c.loggers...),
		Tracing:          tracing(c.facts, c.sampling),
		UseRemoteAddress: wrapperspb.Bool(c.edge),
		NormalizePath:    wrapperspb.Bool(true),
		// Streams may be quiet for as long as they like; time-outs are the
		// routes' business.
		StreamIdleTimeout:          durationpb.New(0),
		UpgradeConfigs:             []*hcmv3.HttpConnectionManager_UpgradeConfig{{UpgradeType: "websocket"}},
		HttpProtocolOptions:        &corev3.Http1ProtocolOptions{AcceptHttp_10: true},
		ServerHeaderTransformation: hcmv3.HttpConnectionManager_PASS_THROUGH,
	}
	if c.from == calledMutual {
		m.ForwardClientCertDetails = hcmv3.HttpConnectionManager_APPEND_FORWARD
		m.SetCurrentClientCertDetails = &hcmv3.HttpConnectionManager_SetCurrentClientCertDetails{Subject: wrapperspb.Bool(true), Uri: true}
	}
	return networkFilter("envoy.filters.network.http_connection_manager", m)
}

// httpFilters is the one order of HTTP filters. Those that are disabled are
// slots: a route enables them by its own configuration, so that no listener
// changes, and no connection closes, when a route does.
func httpFilters() []*hcmv3.HttpFilter {
	slot := func(name string, config proto.Message) *hcmv3.HttpFilter {
		f := httpFilter(name, config)
		f.Disabled = true
		return f
	}
	return []*hcmv3.HttpFilter{
		slot("envoy.filters.http.cors", &corsv3.Cors{}),
		slot("envoy.filters.http.local_ratelimit", &limitv3.LocalRateLimit{StatPrefix: "local_ratelimit"}),
		slot("envoy.filters.http.fault", &faultv3.HTTPFault{}),
		httpFilter("envoy.filters.http.router", &routerv3.Router{}),
	}
}

func httpFilter(name string, config proto.Message) *hcmv3.HttpFilter {
	return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: packed(config)}}
}

// tracing reports one span for each request to the agent.
func tracing(facts mesh.WorkloadFacts, sampling float64) *hcmv3.HttpConnectionManager_Tracing {
	return &hcmv3.HttpConnectionManager_Tracing{
		RandomSampling:    &typev3.Percent{Value: sampling},
		SpawnUpstreamSpan: wrapperspb.Bool(false),
		Provider: &tracev3.Tracing_Http{
			Name: "envoy.tracers.opentelemetry",
			ConfigType: &tracev3.Tracing_Http_TypedConfig{TypedConfig: packed(&tracev3.OpenTelemetryConfig{
				GrpcService: agentService(),
				ServiceName: facts.Canonical + "." + facts.Namespace,
			})},
		},
	}
}

// tcpProxy leads connections to a cluster.
func tcpProxy(stat, cluster string, v vantage, facts mesh.WorkloadFacts) *tcpv3.TcpProxy {
	return &tcpv3.TcpProxy{
		StatPrefix:       stat,
		ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: cluster},
		AccessLog:        tcpLoggers(v, facts),
		AccessLogOptions: tcpLogOptions(),
	}
}

func tcpFilter(p *tcpv3.TcpProxy) *listenerv3.Filter {
	return networkFilter("envoy.filters.network.tcp_proxy", p)
}

func networkFilter(name string, config proto.Message) *listenerv3.Filter {
	return &listenerv3.Filter{Name: name, ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: packed(config)}}
}
