package agent

import (
	"net"
	"strconv"
	"testing"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	alsgrpcv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/grpc/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpproxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	tracingv3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/heddle-mesh/heddle/xds/bootstrap"
)

// ports that a test's Envoy listens on.
type ports struct{ http, tls, tcp uint32 }

// freePorts finds ports that nobody uses.
func freePorts(t *testing.T) ports {
	t.Helper()
	var p [3]uint32
	for i := range p {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p[i] = uint32(l.Addr().(*net.TCPAddr).Port)
	}
	return ports{p[0], p[1], p[2]}
}

func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func address(port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

func ads() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion: corev3.ApiVersion_V3, InitialFetchTimeout: durationpb.New(5 * time.Second),
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

func agentService() *corev3.GrpcService {
	return &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: bootstrap.AgentCluster}}}
}

func sdsConfig(name string, kind corev3.ApiConfigSource_ApiType) *tlsv3.SdsSecretConfig {
	return &tlsv3.SdsSecretConfig{Name: name, SdsConfig: &corev3.ConfigSource{
		ResourceApiVersion: corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_ApiConfigSource{ApiConfigSource: &corev3.ApiConfigSource{
			ApiType: kind, TransportApiVersion: corev3.ApiVersion_V3, GrpcServices: []*corev3.GrpcService{agentService()},
		}},
	}}
}

// serveMesh gives the plane a configuration: HTTP with virtual hosts one by
// one, the same behind TLS with the workload's certificate, and TCP with the
// byte log; all lead to the given ports.
func serveMesh(t *testing.T, p *plane, at ports, httpPort, tcpPort uint32) {
	t.Helper()
	p.set(bootstrap.RuntimeLayer, &runtimev3.Runtime{Name: bootstrap.RuntimeLayer, Layer: &structpb.Struct{}})
	for name, port := range map[string]uint32{"backend": httpPort, "tcp": tcpPort} {
		p.set(name, &clusterv3.Cluster{
			Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
			EdsClusterConfig: &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads()},
		})
		p.set(name, &endpointv3.ClusterLoadAssignment{ClusterName: name, Endpoints: []*endpointv3.LocalityLbEndpoints{{
			LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: address(port)}}}},
		}}})
	}
	p.set("web", &routev3.RouteConfiguration{Name: "web", Vhds: &routev3.Vhds{ConfigSource: ads()}})
	p.set("web/all", &routev3.VirtualHost{Name: "web/all", Domains: []string{"*"}, Routes: []*routev3.Route{{
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "backend"}}},
	}}})

	web := &listenerv3.Filter{Name: "hcm", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: packed(t, &hcmv3.HttpConnectionManager{
		StatPrefix:     "web",
		RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: "web", ConfigSource: ads()}},
		HttpFilters:    []*hcmv3.HttpFilter{{Name: "router", ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: packed(t, &routerv3.Router{})}}},
		Tracing: &hcmv3.HttpConnectionManager_Tracing{
			RandomSampling: &typev3.Percent{Value: 100},
			Provider: &tracev3.Tracing_Http{Name: "otel", ConfigType: &tracev3.Tracing_Http_TypedConfig{TypedConfig: packed(t, &tracev3.OpenTelemetryConfig{
				ServiceName: "reviews.default", GrpcService: agentService(),
			})}},
			CustomTags: []*tracingv3.CustomTag{},
		},
	})}}
	p.set("http", &listenerv3.Listener{Name: "http", Address: address(at.http), FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{web}}}})
	p.set("tls", &listenerv3.Listener{Name: "tls", Address: address(at.tls), FilterChains: []*listenerv3.FilterChain{{
		Filters: []*listenerv3.Filter{web},
		TransportSocket: &corev3.TransportSocket{Name: "tls", ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: packed(t, &tlsv3.DownstreamTlsContext{
			CommonTlsContext: &tlsv3.CommonTlsContext{
				TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{sdsConfig(SecretOwn, corev3.ApiConfigSource_GRPC)},
				ValidationContextType: &tlsv3.CommonTlsContext_ValidationContextSdsSecretConfig{
					ValidationContextSdsSecretConfig: sdsConfig(SecretRoots, corev3.ApiConfigSource_DELTA_GRPC),
				},
			},
		})}},
	}}})
	p.set("tcp", &listenerv3.Listener{Name: "tcp", Address: address(at.tcp), FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
		Name: "tcp", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: packed(t, &tcpproxyv3.TcpProxy{
			StatPrefix: "tcp", ClusterSpecifier: &tcpproxyv3.TcpProxy_Cluster{Cluster: "tcp"},
			AccessLogOptions: &tcpproxyv3.TcpProxy_TcpAccessLogOptions{AccessLogFlushInterval: durationpb.New(time.Second), FlushAccessLogOnConnected: true},
			AccessLog: []*accesslogv3.AccessLog{{Name: "tcp", ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: packed(t, &alsgrpcv3.TcpGrpcAccessLogConfig{
				CommonConfig: &alsgrpcv3.CommonGrpcAccessLogConfig{
					LogName: TCPLog, GrpcService: agentService(), TransportApiVersion: corev3.ApiVersion_V3,
					BufferFlushInterval: durationpb.New(100 * time.Millisecond),
					CustomTags: []*tracingv3.CustomTag{
						{Tag: "reporter", Type: &tracingv3.CustomTag_Literal_{Literal: &tracingv3.CustomTag_Literal{Value: "source"}}},
						{Tag: "source_workload", Type: &tracingv3.CustomTag_Value{Value: "%UPSTREAM_METADATA(heddle:workload)%"}},
						{Tag: "destination_service", Type: &tracingv3.CustomTag_Value{Value: "%UPSTREAM_CLUSTER%"}},
					},
				},
			})}}},
		})},
	}}}}})
}

func portOf(t *testing.T, l net.Listener) uint32 {
	t.Helper()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// extraListener is one more listener, on any port.
func (p *pod) extraListener() *listenerv3.Listener {
	return &listenerv3.Listener{Name: "extra", Address: address(0), FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
		Name: "tcp", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: packed(p.t, &tcpproxyv3.TcpProxy{
			StatPrefix: "extra", ClusterSpecifier: &tcpproxyv3.TcpProxy_Cluster{Cluster: "tcp"},
		})},
	}}}}}
}
