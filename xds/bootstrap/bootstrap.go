// Package bootstrap makes what Envoy is started with: the one neighbour that it
// knows (the agent), how it tells its own packets apart, and which statistics
// it keeps. Everything else comes by xDS.
package bootstrap

import (
	"errors"
	"fmt"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/config/metrics/v3"
	overloadv3 "github.com/envoyproxy/go-control-plane/envoy/config/overload/v3"
	connectionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/xds"
)

const (
	// AgentCluster is the only static cluster: the agent's socket, for xDS,
	// SDS, access logs and spans.
	AgentCluster = "agent"
	// RuntimeLayer is the name of the Runtime resource that Envoy asks for.
	RuntimeLayer = "heddle"

	// Linux: SOL_SOCKET and SO_MARK.
	solSocket = 1
	soMark    = 36
)

// Config is what differs between proxies.
type Config struct {
	Role      xds.Role
	Pod       string
	Namespace string
	IP        string // of the pod; may be empty
	Domain    string // cluster domain; empty is cluster.local

	AgentSocket string // unix socket that the agent serves
	AdminSocket string // unix socket that Envoy's admin interface is to be served on

	// Mark is put on every packet of Envoy itself, so that redirection leaves
	// it alone. 0 sets none: in Kubernetes the user id tells.
	Mark int
}

// NodeID is how the proxy names itself. The control plane does not believe it;
// it is there for people who read dumps.
func (c Config) NodeID() string {
	domain := c.Domain
	if domain == "" {
		domain = "cluster.local"
	}
	return fmt.Sprintf("%s~%s~%s.%s~%s.svc.%s", c.Role, c.IP, c.Pod, c.Namespace, c.Namespace, domain)
}

// JSON is the bootstrap as text, checked against Envoy's own rules.
func JSON(c Config) ([]byte, error) {
	m, err := Message(c)
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, Indent: "  "}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the bootstrap of %s.%s: %w", c.Pod, c.Namespace, err)
	}
	return text, nil
}

// Message is the bootstrap as a message.
func Message(c Config) (*bootstrapv3.Bootstrap, error) {
	if c.AgentSocket == "" || c.AdminSocket == "" {
		return nil, errors.New("bootstrap: the sockets of the agent and of the admin interface must be named")
	}
	agent, err := agentCluster(c.AgentSocket)
	if err != nil {
		return nil, err
	}
	m := &bootstrapv3.Bootstrap{
		Node: &corev3.Node{
			Id:      c.NodeID(),
			Cluster: c.Pod + "." + c.Namespace,
		},
		Admin:            &bootstrapv3.Admin{Address: pipe(c.AdminSocket, 0o600)},
		StaticResources:  &bootstrapv3.Bootstrap_StaticResources{Clusters: []*clusterv3.Cluster{agent}},
		DynamicResources: dynamicResources(),
		LayeredRuntime:   runtimeLayers(),
		StatsConfig:      statsConfig(),
		// Histograms show values only after a flush; scrapes come every 2 s.
		StatsFlushInterval: durationpb.New(time.Second),
		// A series that nobody used for two sweeps goes.
		StatsEviction: &bootstrapv3.Bootstrap_StatsEvictionInterval{StatsEvictionInterval: durationpb.New(10 * time.Minute)},
	}
	if m.OverloadManager, err = overload(); err != nil {
		return nil, err
	}
	if c.Mark != 0 {
		m.ClusterManager = &bootstrapv3.ClusterManager{
			UpstreamBindConfig: &corev3.BindConfig{
				SocketOptions: []*corev3.SocketOption{{
					Description: "mark of the mesh's own packets",
					Level:       solSocket, Name: soMark,
					Value: &corev3.SocketOption_IntValue{IntValue: int64(c.Mark)},
					State: corev3.SocketOption_STATE_PREBIND,
				}},
			},
		}
	}
	if err := m.ValidateAll(); err != nil {
		return nil, fmt.Errorf("bootstrap of %s.%s: %w", c.Pod, c.Namespace, err)
	}
	return m, nil
}

// overload states a limit that is beyond what file descriptors allow: without
// one Envoy warns at each start.
func overload() (*overloadv3.OverloadManager, error) {
	limit := &connectionsv3.DownstreamConnectionsConfig{MaxActiveDownstreamConnections: 1_000_000}
	if err := limit.ValidateAll(); err != nil {
		return nil, fmt.Errorf("bootstrap: limit of connections: %w", err)
	}
	packed, err := anypb.New(limit)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: pack the limit of connections: %w", err)
	}
	return &overloadv3.OverloadManager{ResourceMonitors: []*overloadv3.ResourceMonitor{{
		Name:       "envoy.resource_monitors.global_downstream_max_connections",
		ConfigType: &overloadv3.ResourceMonitor_TypedConfig{TypedConfig: packed},
	}}}, nil
}

// agentCluster reaches the agent. The keepalive finds an agent that hangs.
func agentCluster(socket string) (*clusterv3.Cluster, error) {
	options := &httpv3.HttpProtocolOptions{
		UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
			ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
				ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
					Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
						ConnectionKeepalive: &corev3.KeepaliveSettings{
							Interval: durationpb.New(3 * time.Second),
							Timeout:  durationpb.New(2 * time.Second),
						},
					},
				},
			},
		},
	}
	// ValidateAll of the bootstrap does not look inside Any.
	if err := options.ValidateAll(); err != nil {
		return nil, fmt.Errorf("bootstrap: options of the cluster %q: %w", AgentCluster, err)
	}
	packed, err := anypb.New(options)
	if err != nil {
		return nil, fmt.Errorf("bootstrap: pack the options of the cluster %q: %w", AgentCluster, err)
	}
	return &clusterv3.Cluster{
		Name:                 AgentCluster,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
		ConnectTimeout:       durationpb.New(time.Second),
		TypedExtensionProtocolOptions: map[string]*anypb.Any{
			"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": packed,
		},
		// Spans and access logs of a busy proxy share this connection with xDS:
		// the default limits would refuse requests under load.
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxConnections:     wrapperspb.UInt32(100),
			MaxPendingRequests: wrapperspb.UInt32(10_000),
			MaxRequests:        wrapperspb.UInt32(10_000),
		}}},
		LoadAssignment: &endpointv3.ClusterLoadAssignment{
			ClusterName: AgentCluster,
			Endpoints: []*endpointv3.LocalityLbEndpoints{{
				LbEndpoints: []*endpointv3.LbEndpoint{{
					HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: pipe(socket, 0)}},
				}},
			}},
		},
	}, nil
}

func dynamicResources() *bootstrapv3.Bootstrap_DynamicResources {
	// The agent answers at once, from the control plane or from what it kept,
	// so a first answer that stays out means that it never comes.
	fetch := func() *corev3.ConfigSource { return adsSource(5 * time.Second) }
	return &bootstrapv3.Bootstrap_DynamicResources{
		LdsConfig: fetch(),
		CdsConfig: fetch(),
		AdsConfig: &corev3.ApiConfigSource{
			ApiType:             corev3.ApiConfigSource_DELTA_GRPC,
			TransportApiVersion: corev3.ApiVersion_V3,
			GrpcServices: []*corev3.GrpcService{{
				TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{
					ClusterName: AgentCluster,
					// The agent is next to it, so asking often costs nothing; and it
					// is asked at least twice when the control plane goes and comes.
					RetryPolicy: &corev3.RetryPolicy{RetryBackOff: &corev3.BackoffStrategy{
						BaseInterval: durationpb.New(100 * time.Millisecond),
						MaxInterval:  durationpb.New(time.Second),
					}},
				}},
			}},
		},
	}
}

func adsSource(fetch time.Duration) *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		InitialFetchTimeout:   durationpb.New(fetch),
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
}

// maxRegexProgram is how large a compiled regular expression may be. Envoy's own
// limit of 100 refuses expressions as small as [a-z]{1,64}; this is the one that
// meshes are used to.
const maxRegexProgram = 32768

func runtimeLayers() *bootstrapv3.LayeredRuntime {
	return &bootstrapv3.LayeredRuntime{Layers: []*bootstrapv3.RuntimeLayer{
		{
			Name: "limits",
			LayerSpecifier: &bootstrapv3.RuntimeLayer_StaticLayer{StaticLayer: &structpb.Struct{Fields: map[string]*structpb.Value{
				"re2.max_program_size.error_level": structpb.NewNumberValue(maxRegexProgram),
			}}},
		},
		{
			Name: RuntimeLayer,
			LayerSpecifier: &bootstrapv3.RuntimeLayer_RtdsLayer_{RtdsLayer: &bootstrapv3.RuntimeLayer_RtdsLayer{
				Name: RuntimeLayer,
				// Clusters are not asked for before this one is answered.
				RtdsConfig: adsSource(time.Second),
			}},
		},
		{
			Name:           "admin",
			LayerSpecifier: &bootstrapv3.RuntimeLayer_AdminLayer_{AdminLayer: &bootstrapv3.RuntimeLayer_AdminLayer{}},
		},
	}}
}

// Buckets are the bounds of the mesh's histograms in milliseconds and bytes:
// the ones that dashboards for Istio's metrics expect.
func Buckets() []float64 {
	return []float64{
		0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000,
		30000, 60000, 300000, 600000, 1800000, 3600000,
	}
}

// statsConfig keeps the mesh's metrics and those of Envoy's own that readiness,
// draining and dashboards read. All others would cost half of Envoy's memory.
func statsConfig() *metricsv3.StatsConfig {
	var keep []*matcherv3.StringMatcher
	for _, prefix := range []string{
		"istio", "heddle", "server.", "listener_manager.", "cluster_manager.", "control_plane.",
		"listener.", "http.", "cluster." + AgentCluster + ".", "runtime.", "workers.",
	} {
		keep = append(keep, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: prefix}})
	}
	for _, suffix := range []string{
		"ejections_active", "upstream_cx_active", "upstream_cx_connect_fail", "upstream_rq_pending_overflow", "upstream_rq_retry",
	} {
		keep = append(keep, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Suffix{Suffix: suffix}})
	}
	settings := make([]*metricsv3.HistogramBucketSettings, 0, 2)
	for _, prefix := range []string{"istio", "heddle"} {
		settings = append(settings, &metricsv3.HistogramBucketSettings{
			Match:   &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: prefix}},
			Buckets: Buckets(),
		})
	}
	return &metricsv3.StatsConfig{
		HistogramBucketSettings: settings,
		StatsMatcher: &metricsv3.StatsMatcher{StatsMatcher: &metricsv3.StatsMatcher_InclusionList{
			InclusionList: &matcherv3.ListStringMatcher{Patterns: keep},
		}},
	}
}

func pipe(path string, mode uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: path, Mode: mode}}}
}
