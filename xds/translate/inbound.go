package translate

import (
	"maps"
	"slices"
	"strings"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	originaldstv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/original_dst/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// inboundPort is a port of the application that some service declares.
type inboundPort struct {
	number   uint32 // that the application listens on
	protocol mesh.Protocol
	service  uint32 // port of the service
	host     string
	name     string
	nspace   string
	from     []mesh.Ref
}

func (p inboundPort) digest() string {
	return strings.Join([]string{number(p.number), string(p.protocol), number(p.service), p.host, p.name, p.nspace}, "\x00")
}

// inboundPorts lists the ports by number, of the services that select a
// workload, which come by host. Where several lead to one port, the first that
// declares a protocol decides.
func inboundPorts(services []*mesh.Service, w *mesh.Workload) []inboundPort {
	byNumber := map[uint32]inboundPort{}
	for _, svc := range services {
		for _, p := range svc.Ports {
			n := targetPort(p, w)
			if n == 0 || p.Protocol == mesh.UDP {
				continue
			}
			if have, taken := byNumber[n]; taken && (have.protocol != mesh.Unnamed || p.Protocol == mesh.Unnamed) {
				continue
			}
			byNumber[n] = inboundPort{
				number: n, protocol: p.Protocol, service: p.Number,
				host: svc.Host, name: svc.Name, nspace: svc.Namespace, from: svc.From,
			}
		}
	}
	ports := make([]inboundPort, 0, len(byNumber))
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		ports = append(ports, byNumber[n])
	}
	return ports
}

// targetPort is the port of a workload behind a service port; 0 when it has none.
func targetPort(p mesh.ServicePort, w *mesh.Workload) uint32 {
	if p.TargetName == "" {
		if p.TargetPort != 0 {
			return p.TargetPort
		}
		return p.Number
	}
	for _, c := range w.Ports {
		if c.Name == p.TargetName {
			return c.Number
		}
	}
	return 0
}

// inbound is what leads to the application: a cluster and, for HTTP, routes of
// each port, and the one listener.
func (p proxyParts) inbound() []xds.Part {
	ports := inboundPorts(p.services.of(p.workload), p.workload)
	var parts []xds.Part
	for _, port := range ports {
		parts = append(parts, inboundCluster(port))
		if port.protocol.IsHTTP() || port.protocol == mesh.Unnamed {
			parts = append(parts, inboundRoutes(port))
		}
	}
	return append(parts, p.virtualInbound(ports))
}

func inboundCluster(p inboundPort) xds.Part {
	name := names.InboundCluster(p.number)
	return xds.Part{
		Type: xds.ClusterType, Name: name, From: p.from,
		Key: digest("inbound cluster", p.digest()),
		Make: func() (proto.Message, []mesh.Finding) {
			c := newCluster(name, clusterv3.Cluster_ORIGINAL_DST)
			c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
			c.UpstreamBindConfig = inboundSource()
			c.TypedExtensionProtocolOptions = httpOptions(p.protocol)
			c.Metadata = destinationMetadata(p.host, p.name, p.nspace)
			return c, nil
		},
	}
}

// virtualInbound takes every connection to the pod: one filter chain for each
// port and way to speak to it, so that a port that comes or goes closes nothing
// on the others.
func (p proxyParts) virtualInbound(ports []inboundPort) xds.Part {
	var reads []string
	var from []mesh.Ref
	for _, port := range ports {
		reads = append(reads, number(port.number), string(port.protocol))
		from = append(from, port.from...)
	}
	in := inboundChains{
		facts: p.facts, trustDomain: p.snap.Settings.TrustDomain, sampling: p.snap.Settings.TraceSampling,
		podRange: cidr(p.snap.Settings.PodRange),
	}
	reads = append(reads, in.trustDomain, p.snap.Settings.PodRange)
	return p.listener(names.VirtualInbound, dedupe(from), reads, func() *listenerv3.Listener {
		l := &listenerv3.Listener{
			Name:             names.VirtualInbound,
			Address:          socketAddress("0.0.0.0", names.InboundPort),
			TrafficDirection: corev3.TrafficDirection_INBOUND,
			ListenerFilters: []*listenerv3.ListenerFilter{
				listenerFilter("envoy.filters.listener.original_dst", &originaldstv3.OriginalDst{}),
				tlsInspector(),
			},
			ListenerFiltersTimeout:           durationpb.New(sniffTime),
			ContinueOnListenerFiltersTimeout: true,
			FilterChains:                     in.fixed(),
			DefaultFilterChain:               &listenerv3.FilterChain{Name: "undeclared", Filters: []*listenerv3.Filter{in.plainTCP(names.InboundPassthrough)}},
		}
		var sniffed []uint32
		for _, port := range ports {
			if port.protocol == mesh.Unnamed {
				sniffed = append(sniffed, port.number)
			}
			l.FilterChains = append(l.FilterChains, in.of(port)...)
		}
		if len(sniffed) > 0 {
			l.ListenerFilters = append(l.ListenerFilters, httpInspector(allBut(sniffed)))
		}
		return l
	})
}

// inboundChains makes the filter chains of virtualInbound.
type inboundChains struct {
	facts       mesh.WorkloadFacts
	trustDomain string
	sampling    float64
	podRange    *corev3.CidrRange
}

// A way to speak to a port.
type chainMatch struct {
	name      string
	transport string
	alpn      []string
}

func (m chainMatch) chain(port uint32, filters ...*listenerv3.Filter) *listenerv3.FilterChain {
	c := &listenerv3.FilterChain{
		Name:             m.name,
		FilterChainMatch: &listenerv3.FilterChainMatch{TransportProtocol: m.transport, ApplicationProtocols: m.alpn},
		Filters:          filters,
	}
	if port != 0 {
		c.Name = number(port) + "-" + m.name
		c.FilterChainMatch.DestinationPort = wrapperspb.UInt32(port)
	}
	return c
}

// fixed are the chains for what no service declares, but for plaintext and an
// application's own TLS: these are the listener's default.
func (in inboundChains) fixed() []*listenerv3.FilterChain {
	blackhole := &listenerv3.FilterChain{
		Name:             "blackhole",
		FilterChainMatch: &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(names.InboundPort)},
		Filters:          []*listenerv3.Filter{tcpFilter(tcpProxy(names.BlackHole, names.BlackHole, calledPlaintext, in.facts))},
	}
	// Of a port that was declared a moment ago the callers may know already.
	// Their HTTP is carried as bytes until this proxy knows, too.
	mutual := in.mutual(0, "undeclared-mutual-tls", []string{alpnHTTP, alpnTCP}, peerFilter(), in.mutualTCP(names.InboundPassthrough))
	return []*listenerv3.FilterChain{blackhole, mutual}
}

// of are the chains of a declared port. Where its protocol is known, both
// ALPNs lead to the one right chain: what the caller calls itself must not
// choose between HTTP and TCP, and so between policies.
func (in inboundChains) of(p inboundPort) []*listenerv3.FilterChain {
	cluster := names.InboundCluster(p.number)
	both := []string{alpnHTTP, alpnTCP}
	plaintext := chainMatch{name: "plaintext", transport: "raw_buffer"}
	ownTLS := chainMatch{name: "own-tls", transport: "tls"}
	switch {
	case p.protocol.IsHTTP():
		return []*listenerv3.FilterChain{
			in.mutual(p.number, "mutual-tls", both, peerFilter(), in.http(p.number, calledMutual)),
			plaintext.chain(p.number, in.http(p.number, calledPlaintext)),
		}
	case p.protocol == mesh.Unnamed:
		return []*listenerv3.FilterChain{
			in.mutual(p.number, "mutual-tls-http", []string{alpnHTTP}, peerFilter(), in.http(p.number, calledMutual)),
			in.mutual(p.number, "mutual-tls-tcp", []string{alpnTCP}, peerFilter(), in.mutualTCP(cluster)),
			chainMatch{name: "plaintext-http", transport: "raw_buffer", alpn: plainHTTP()}.chain(p.number, in.http(p.number, calledPlaintext)),
			plaintext.chain(p.number, in.plainTCP(cluster)),
			ownTLS.chain(p.number, in.plainTCP(cluster)),
		}
	default:
		return []*listenerv3.FilterChain{
			in.mutual(p.number, "mutual-tls", both, peerFilter(), in.mutualTCP(cluster)),
			plaintext.chain(p.number, in.plainTCP(cluster)),
			ownTLS.chain(p.number, in.plainTCP(cluster)),
		}
	}
}

func (in inboundChains) mutual(port uint32, name string, alpn []string, filters ...*listenerv3.Filter) *listenerv3.FilterChain {
	c := chainMatch{name: name, transport: "tls", alpn: alpn}.chain(port, filters...)
	c.TransportSocket = downstreamTLS(in.trustDomain)
	return c
}

func (in inboundChains) http(port uint32, v vantage) *listenerv3.Filter {
	m := connectionManager{
		stat: "inbound_" + names.PortListener(port), routes: names.InboundRoutes(port),
		from: v, facts: in.facts, sampling: in.sampling,
	}
	if v == calledPlaintext && in.podRange != nil {
		m.loggers = append(m.loggers, plaintextLogger(v, in.facts, nil, in.podRange))
	}
	return m.filter()
}

func (in inboundChains) plainTCP(cluster string) *listenerv3.Filter {
	return tcpFilter(tcpProxy(cluster, cluster, calledPlaintext, in.facts))
}

// mutualTCP connects onwards only after the handshake: the peer is not known
// before, and telemetry would say so.
func (in inboundChains) mutualTCP(cluster string) *listenerv3.Filter {
	p := tcpProxy(cluster, cluster, calledMutual, in.facts)
	p.UpstreamConnectMode = tcpv3.UpstreamConnectMode_ON_DOWNSTREAM_TLS_HANDSHAKE
	p.MaxEarlyDataBytes = wrapperspb.UInt32(maxEarlyData)
	return tcpFilter(p)
}

// maxEarlyData is what is kept of a connection until the application took it.
const maxEarlyData = 64 << 10

// allBut matches connections to any other port than these.
func allBut(ports []uint32) *listenerv3.ListenerFilterChainMatchPredicate {
	var any []*listenerv3.ListenerFilterChainMatchPredicate
	for _, p := range ports {
		any = append(any, destinationPort(p))
	}
	one := any[0]
	if len(any) > 1 {
		one = &listenerv3.ListenerFilterChainMatchPredicate{Rule: &listenerv3.ListenerFilterChainMatchPredicate_OrMatch{
			OrMatch: &listenerv3.ListenerFilterChainMatchPredicate_MatchSet{Rules: any},
		}}
	}
	return &listenerv3.ListenerFilterChainMatchPredicate{Rule: &listenerv3.ListenerFilterChainMatchPredicate_NotMatch{NotMatch: one}}
}

func destinationPort(port uint32) *listenerv3.ListenerFilterChainMatchPredicate {
	return &listenerv3.ListenerFilterChainMatchPredicate{Rule: &listenerv3.ListenerFilterChainMatchPredicate_DestinationPortRange{
		DestinationPortRange: &typev3.Int32Range{Start: int32(port), End: int32(port) + 1},
	}}
}
