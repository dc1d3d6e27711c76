package translate

import (
	"math"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	rawv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/raw_buffer/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

const (
	connectTimeout = 10 * time.Second // Istio's default
	// endpointWait bounds how long a cluster waits for its endpoints, which
	// are sent right behind it; Envoy's own 15 s would hold up all clusters.
	endpointWait = 2 * time.Second

	// metadataKey is the namespace of our facts in the metadata of clusters
	// and endpoints: telemetry reads them.
	metadataKey = "heddle"
	// matchKey and the label under it choose an endpoint's transport socket;
	// names and values are Istio's.
	matchKey  = "envoy.transport_socket_match"
	tlsMode   = "tlsMode"
	tlsIstio  = "istio"
	httpProto = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
)

// serviceClusters are the clusters of every service port and subset that the
// view holds, and their endpoints.
func serviceClusters(v *scope.View, snap *mesh.Snapshot) []xds.Part {
	return newClusterMemo(snap).of(v)
}

// clusterMemo remembers the parts of each service of a snapshot: most classes
// of proxies see it by the same rule, and then share them.
type clusterMemo struct {
	snap  *mesh.Snapshot
	parts map[clusterView][]xds.Part
}

// clusterView is what the clusters of a service depend on.
type clusterView struct {
	host string
	rule mesh.Hash
}

func newClusterMemo(snap *mesh.Snapshot) clusterMemo {
	return clusterMemo{snap: snap, parts: map[clusterView][]xds.Part{}}
}

func (m clusterMemo) of(v *scope.View) []xds.Part {
	var all []xds.Part
	for _, svc := range v.Services() {
		rule := v.DestinationRule(svc.Host)
		key := clusterView{host: svc.Host}
		if rule != nil {
			key.rule = rule.Hash
		}
		parts, ok := m.parts[key]
		if !ok {
			parts = clustersOf(m.snap, svc, rule)
			m.parts[key] = parts
		}
		all = append(all, parts...)
	}
	return all
}

func clustersOf(snap *mesh.Snapshot, svc *mesh.Service, rule *mesh.Object) []xds.Part {
	var parts []xds.Part
	for _, port := range svc.Ports {
		if port.Protocol == mesh.UDP {
			continue
		}
		list, _ := snap.Endpoints.Get(mesh.EndpointKey{Host: svc.Host, Port: port.Number})
		for _, sub := range append([]subset{{}}, subsetsOf(rule)...) {
			c := serviceCluster{svc: svc, port: port, subset: sub, rule: rule, kind: discovery(svc.Resolution), list: list}
			parts = append(parts, c.part())
			if c.kind == clusterv3.Cluster_EDS {
				parts = append(parts, endpointPart(c.name(), sub, list))
			}
		}
	}
	return parts
}

// serviceCluster is what the cluster of a service port reads.
type serviceCluster struct {
	svc    *mesh.Service
	port   mesh.ServicePort
	subset subset
	rule   *mesh.Object
	kind   clusterv3.Cluster_DiscoveryType
	list   *mesh.EndpointList // read only where endpoints are names; nil when there are none
}

func (c serviceCluster) name() string {
	return names.OutboundCluster(c.port.Number, c.subset.Name, c.svc.Host)
}

func (c serviceCluster) part() xds.Part {
	var endpoints string
	if c.byName() && c.list != nil {
		endpoints = c.list.Hash.String()
	}
	return xds.Part{
		Type: xds.ClusterType,
		Name: c.name(),
		Key: digest("cluster", c.svc.Hash.String(), strings.Join(c.svc.Accounts, "\x00"), number(c.port.Number), c.subset.Name,
			hashOf(c.rule), endpoints),
		From: append(refsOf(c.rule), c.svc.From...),
		Make: c.make,
	}
}

func (c serviceCluster) make() (proto.Message, []mesh.Finding) {
	m := newCluster(c.name(), c.kind)
	m.Metadata = serviceMetadata(c.svc)
	m.TypedExtensionProtocolOptions = httpOptions(c.port.Protocol)
	findings := applyTrafficPolicy(m, c.rule, c.subset.Name, c.port.Number)
	switch m.GetType() {
	case clusterv3.Cluster_EDS:
		m.EdsClusterConfig = &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads(endpointWait)}
	case clusterv3.Cluster_ORIGINAL_DST:
		m.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
	default:
		var endpoints []mesh.Endpoint
		if c.list != nil {
			endpoints = c.list.Endpoints
		}
		resolveNames(m, c.subset.Labels, endpoints)
	}
	if c.svc.Headless && !c.port.Protocol.IsHTTP() && m.GetType() == clusterv3.Cluster_EDS {
		m.LbSubsetConfig = oneAddress()
	}
	if !c.svc.External && len(c.svc.Accounts) > 0 {
		m.TransportSocketMatches = meshSockets(c.alpn(), c.svc.Accounts)
	}
	return m, findings
}

func (c serviceCluster) byName() bool {
	return c.kind == clusterv3.Cluster_STRICT_DNS || c.kind == clusterv3.Cluster_LOGICAL_DNS
}

func (c serviceCluster) alpn() string {
	if c.port.Protocol.IsHTTP() || c.port.Protocol == mesh.Unnamed {
		return alpnHTTP
	}
	return alpnTCP
}

// newCluster has what all clusters share: no limits but those that people set.
func newCluster(name string, kind clusterv3.Cluster_DiscoveryType) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 name,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: kind},
		ConnectTimeout:       durationpb.New(connectTimeout),
		DnsLookupFamily:      clusterv3.Cluster_V4_ONLY,
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxConnections:     wrapperspb.UInt32(math.MaxUint32),
			MaxPendingRequests: wrapperspb.UInt32(math.MaxUint32),
			MaxRequests:        wrapperspb.UInt32(math.MaxUint32),
			MaxRetries:         wrapperspb.UInt32(math.MaxUint32),
		}}},
		// No panic: an endpoint that is known to be bad gets no traffic.
		CommonLbConfig: &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{}},
	}
}

// serviceMetadata names the service that a request was sent to. It is constant,
// since every change of a cluster rebuilds its connection pool.
func serviceMetadata(svc *mesh.Service) *corev3.Metadata {
	return destinationMetadata(svc.Host, svc.Name, svc.Namespace)
}

func destinationMetadata(host, name, namespace string) *corev3.Metadata {
	return &corev3.Metadata{FilterMetadata: metadata(metadataKey, map[string]string{
		"destination_service":           host,
		"destination_service_name":      name,
		"destination_service_namespace": namespace,
	})}
}

// meshSockets speaks mutual TLS to endpoints that say so, plaintext to others.
// Endpoints carry the choice, so that the cluster stays as it is when they
// come and go.
func meshSockets(alpn string, accounts []string) []*clusterv3.Cluster_TransportSocketMatch {
	return []*clusterv3.Cluster_TransportSocketMatch{
		{
			Name:            "tlsMode-" + tlsIstio,
			Match:           &structpb.Struct{Fields: map[string]*structpb.Value{tlsMode: structpb.NewStringValue(tlsIstio)}},
			TransportSocket: upstreamTLS(alpn, accounts),
		},
		{
			Name:            "tlsMode-disabled",
			Match:           &structpb.Struct{},
			TransportSocket: transportSocket(rawSocket, &rawv3.RawBuffer{}),
		},
	}
}

func transportSocket(name string, config proto.Message) *corev3.TransportSocket {
	return &corev3.TransportSocket{Name: name, ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: packed(config)}}
}

// httpOptions lets a cluster speak what the caller speaks; ports declared as
// gRPC or HTTP/2 always get HTTP/2.
func httpOptions(p mesh.Protocol) map[string]*anypb.Any {
	switch p {
	case mesh.GRPC, mesh.HTTP2:
		return map[string]*anypb.Any{httpProto: packed(&httpv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
				ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{Http2ProtocolOptions: &corev3.Http2ProtocolOptions{}},
			}},
		})}
	case mesh.HTTP, mesh.Unnamed:
		return map[string]*anypb.Any{httpProto: packed(&httpv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_UseDownstreamProtocolConfig{UseDownstreamProtocolConfig: &httpv3.HttpProtocolOptions_UseDownstreamHttpConfig{
				HttpProtocolOptions:  &corev3.Http1ProtocolOptions{},
				Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
			}},
		})}
	default:
		return nil
	}
}

// oneAddress lets a TCP chain pick the very endpoint that the caller dialled.
func oneAddress() *clusterv3.Cluster_LbSubsetConfig {
	return &clusterv3.Cluster_LbSubsetConfig{
		FallbackPolicy:  clusterv3.Cluster_LbSubsetConfig_ANY_ENDPOINT,
		SubsetSelectors: []*clusterv3.Cluster_LbSubsetConfig_LbSubsetSelector{{Keys: []string{addressKey}}},
	}
}

// fixedClusters are the clusters that stand for no service.
func fixedClusters(role xds.Role) []xds.Part {
	parts := []xds.Part{
		fixedCluster(names.BlackHole, func() *clusterv3.Cluster {
			return newCluster(names.BlackHole, clusterv3.Cluster_STATIC)
		}),
		fixedCluster(names.Passthrough, func() *clusterv3.Cluster {
			return originalDestination(names.Passthrough)
		}),
	}
	if role == xds.Sidecar {
		parts = append(parts, fixedCluster(names.InboundPassthrough, func() *clusterv3.Cluster {
			c := originalDestination(names.InboundPassthrough)
			c.UpstreamBindConfig = inboundSource()
			return c
		}))
	}
	return parts
}

func fixedCluster(name string, build func() *clusterv3.Cluster) xds.Part {
	return xds.Part{
		Type: xds.ClusterType, Name: name, Key: digest("fixed cluster", name),
		Make: func() (proto.Message, []mesh.Finding) {
			c := build()
			c.Metadata = destinationMetadata(unknown, name, unknown)
			return c, nil
		},
	}
}

// originalDestination sends to the address that the caller dialled.
func originalDestination(name string) *clusterv3.Cluster {
	c := newCluster(name, clusterv3.Cluster_ORIGINAL_DST)
	c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
	c.TypedExtensionProtocolOptions = httpOptions(mesh.Unnamed)
	return c
}

// inboundSource is the address that connections to the application come from:
// the redirect lets packets from it pass.
func inboundSource() *corev3.BindConfig {
	return &corev3.BindConfig{SourceAddress: &corev3.SocketAddress{
		Address: "127.0.0.6", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 0},
	}}
}
