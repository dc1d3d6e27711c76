package translate

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	httpinspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/http_inspector/v3"
	tlsinspectorv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/tls_inspector/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// sniffTime is how long a connection may stay silent before it counts as one
// whose server speaks first.
const sniffTime = time.Second

// routedPorts are the ports on which sidecars route HTTP, in order; sniffed
// tells those where it is only found out by looking.
func routedPorts(v *scope.View) (declared, sniffed []uint32) {
	d, s := map[uint32]bool{}, map[uint32]bool{}
	for _, svc := range v.Services() {
		for _, p := range svc.Ports {
			switch {
			case p.Protocol.IsHTTP():
				d[p.Number] = true
			case p.Protocol == mesh.Unnamed:
				s[p.Number] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(d)), slices.Sorted(maps.Keys(s))
}

// outboundRoutes are the route configurations of a sidecar and their hosts.
func outboundRoutes(v *scope.View, snap *mesh.Snapshot) []xds.Part {
	declared, sniffed := routedPorts(v)
	ports := append(declared, sniffed...)
	slices.Sort(ports)
	var parts []xds.Part
	for _, port := range slices.Compact(ports) {
		parts = append(parts, routeParts(names.OutboundRoutes(port), outboundVirtualHosts(v, snap, port), outboundUnknown(snap.Settings))...)
	}
	return parts
}

// addressPort is one address on which a TCP or undeclared port of a service is
// called: the service's own, or that of one endpoint of a headless service.
type addressPort struct {
	address netip.Addr
	port    mesh.ServicePort
	svc     *mesh.Service
	// endpoint is true where the connection must reach just this address.
	endpoint bool
}

func (a addressPort) name() string { return names.AddressListener(a.address, a.port.Number) }

// addressPorts lists them in order, each address and port once; of two
// services that claim the same, the first by host gets it.
func addressPorts(v *scope.View, snap *mesh.Snapshot) []addressPort {
	var all []addressPort
	taken := map[netip.AddrPort]bool{}
	add := func(a addressPort) {
		key := netip.AddrPortFrom(a.address, uint16(a.port.Number))
		if !a.address.IsValid() || taken[key] {
			return
		}
		taken[key] = true
		all = append(all, a)
	}
	for _, svc := range v.Services() {
		for _, p := range svc.Ports {
			if p.Protocol.IsHTTP() || p.Protocol == mesh.UDP {
				continue
			}
			for _, addr := range svc.Addresses {
				add(addressPort{address: addr, port: p, svc: svc})
			}
			if !svc.Headless || svc.Resolution != mesh.ResolveEndpoints {
				continue
			}
			list, _ := snap.Endpoints.Get(mesh.EndpointKey{Host: svc.Host, Port: p.Number})
			if list == nil {
				continue
			}
			for _, e := range list.Endpoints {
				if e.Health == mesh.Ready {
					add(addressPort{address: e.Address, port: p, svc: svc, endpoint: true})
				}
			}
		}
	}
	return all
}

// outboundListeners are what a sidecar hears from its application.
func (p proxyParts) outboundListeners() []xds.Part {
	parts := []xds.Part{p.virtualOutbound()}
	for _, port := range p.routed {
		parts = append(parts, p.portListener(port))
	}
	for _, a := range p.addresses {
		parts = append(parts, p.addressListener(a))
	}
	return parts
}

// virtualOutbound takes every redirected connection and hands it to the
// listener of the address that the application dialled; what no listener
// knows goes there as it is, or nowhere.
func (p proxyParts) virtualOutbound() xds.Part {
	rest := names.BlackHole
	if p.snap.Settings.OutboundAllowAny {
		rest = names.Passthrough
	}
	facts := p.facts
	return p.listener(names.VirtualOutbound, nil, []string{rest}, func() *listenerv3.Listener {
		return &listenerv3.Listener{
			Name:             names.VirtualOutbound,
			Address:          socketAddress("127.0.0.1", names.OutboundPort),
			TrafficDirection: corev3.TrafficDirection_OUTBOUND,
			UseOriginalDst:   wrapperspb.Bool(true),
			FilterChains: []*listenerv3.FilterChain{
				{
					// Someone called the port itself: that would go round in circles.
					Name:             "blackhole",
					FilterChainMatch: &listenerv3.FilterChainMatch{DestinationPort: wrapperspb.UInt32(names.OutboundPort)},
					Filters:          []*listenerv3.Filter{tcpFilter(tcpProxy(names.BlackHole, names.BlackHole, calling, facts))},
				},
				{Name: "catchall", Filters: []*listenerv3.Filter{tcpFilter(tcpProxy(rest, rest, calling, facts))}},
			},
		}
	})
}

// portListener routes the HTTP of all services on a port by host name. It does
// not look whether it is HTTP: connections that are opened ahead and stay
// silent would be taken for something else. TLS, which no declared HTTP port
// of the mesh speaks, goes where it was sent.
func (p proxyParts) portListener(port uint32) xds.Part {
	rest := names.BlackHole
	if p.snap.Settings.OutboundAllowAny {
		rest = names.Passthrough
	}
	manager := connectionManager{
		stat: "outbound_" + names.PortListener(port), routes: names.OutboundRoutes(port),
		from: calling, facts: p.facts, sampling: p.snap.Settings.TraceSampling,
	}
	facts := p.facts
	return p.listener(names.PortListener(port), nil, []string{rest}, func() *listenerv3.Listener {
		return unbound(names.PortListener(port), "0.0.0.0", port,
			[]*listenerv3.ListenerFilter{tlsInspector()},
			&listenerv3.FilterChain{
				Name:             "tls",
				FilterChainMatch: &listenerv3.FilterChainMatch{TransportProtocol: "tls"},
				Filters:          []*listenerv3.Filter{tcpFilter(tcpProxy(rest, rest, calling, facts))},
			},
			&listenerv3.FilterChain{Name: "http", Filters: []*listenerv3.Filter{manager.filter()}},
		)
	})
}

// addressListener leads what was sent to one address to its service: as TCP
// where that is declared, else as what it looks like.
func (p proxyParts) addressListener(a addressPort) xds.Part {
	cluster := names.OutboundCluster(a.port.Number, "", a.svc.Host)
	sniff := a.port.Protocol == mesh.Unnamed
	manager := connectionManager{
		stat: "outbound_" + a.name(), routes: names.OutboundRoutes(a.port.Number),
		from: calling, facts: p.facts, sampling: p.snap.Settings.TraceSampling,
	}
	reads := []string{cluster, string(a.port.Protocol)}
	if a.endpoint {
		reads = append(reads, "endpoint")
	}
	facts := p.facts
	return p.listener(a.name(), a.svc.From, reads, func() *listenerv3.Listener {
		proxy := tcpProxy(cluster, cluster, calling, facts)
		if a.endpoint {
			proxy.MetadataMatch = addressMetadata(a.address)
		}
		if !sniff {
			return unbound(a.name(), a.address.String(), a.port.Number, nil,
				&listenerv3.FilterChain{Name: "tcp", Filters: []*listenerv3.Filter{tcpFilter(proxy)}})
		}
		l := unbound(a.name(), a.address.String(), a.port.Number,
			[]*listenerv3.ListenerFilter{tlsInspector(), httpInspector(nil)},
			&listenerv3.FilterChain{
				Name:             "http",
				FilterChainMatch: &listenerv3.FilterChainMatch{TransportProtocol: "raw_buffer", ApplicationProtocols: plainHTTP()},
				Filters:          []*listenerv3.Filter{manager.filter()},
			},
		)
		// As the default: once Envoy has followed the transport protocol to
		// the chain above it does not come back for one without conditions.
		l.DefaultFilterChain = &listenerv3.FilterChain{Name: "tcp", Filters: []*listenerv3.Filter{tcpALPNFilter(), tcpFilter(proxy)}}
		return l
	})
}

// unbound is an outbound listener: it opens no port, connections are handed to
// it by virtualOutbound.
func unbound(name, address string, port uint32, inspectors []*listenerv3.ListenerFilter, chains ...*listenerv3.FilterChain) *listenerv3.Listener {
	l := &listenerv3.Listener{
		Name:             name,
		Address:          socketAddress(address, port),
		TrafficDirection: corev3.TrafficDirection_OUTBOUND,
		BindToPort:       wrapperspb.Bool(false),
		ListenerFilters:  inspectors,
		FilterChains:     chains,
	}
	if len(inspectors) > 0 {
		l.ListenerFiltersTimeout = durationpb.New(sniffTime)
		l.ContinueOnListenerFiltersTimeout = true
	}
	return l
}

// plainHTTP is what the HTTP inspector says of a connection that is HTTP.
func plainHTTP() []string { return []string{"http/1.0", "http/1.1", "h2c"} }

func tlsInspector() *listenerv3.ListenerFilter {
	return listenerFilter("envoy.filters.listener.tls_inspector", &tlsinspectorv3.TlsInspector{})
}

// httpInspector looks at connections, but for those that off matches.
func httpInspector(off *listenerv3.ListenerFilterChainMatchPredicate) *listenerv3.ListenerFilter {
	f := listenerFilter("envoy.filters.listener.http_inspector", &httpinspectorv3.HttpInspector{})
	f.FilterDisabled = off
	return f
}

func listenerFilter(name string, config proto.Message) *listenerv3.ListenerFilter {
	return &listenerv3.ListenerFilter{Name: name, ConfigType: &listenerv3.ListenerFilter_TypedConfig{TypedConfig: packed(config)}}
}
