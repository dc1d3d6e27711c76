package redirect

import "net/netip"

// Pod is what the rules of one pod with a sidecar depend on.
type Pod struct {
	Proxy Proxy
	// Direct are destinations that are never taken to the proxy: in local mode
	// the node, which answers DNS over TCP.
	Direct []netip.Prefix
	// Traffic is what the pod's annotations ask for.
	Traffic Traffic
}

// Sidecar is the table of a pod whose TCP goes through its proxy.
//
// Addresses of the loopback need care. The proxy calls its own application
// from 127.0.0.6, which must pass. When the proxy calls its own pod through a
// service, the packet leaves by lo as well and must enter by the front door.
// An application that calls itself stays direct.
func Sidecar(p Pod) Table {
	proxy := &p.Proxy
	out := []Rule{
		{Out: "lo", Source: inboundSource},
		{Out: "lo", NotDestination: loopback, Proxy: proxy, Do: Action{Redirect: InboundPort}},
		{Out: "lo"},
		{Proxy: proxy},
		{Destination: loopback},
	}
	for _, d := range p.Direct {
		out = append(out, Rule{Destination: d})
	}
	t := p.Traffic
	for _, port := range t.ExcludeOutboundPorts {
		out = append(out, Rule{Port: port})
	}
	for _, r := range t.ExcludeOutboundRanges {
		out = append(out, Rule{Destination: r})
	}
	for _, port := range t.IncludeOutboundPorts {
		out = append(out, Rule{Port: port, Do: Action{Redirect: OutboundPort}})
	}
	if t.IncludeOutboundRanges == nil {
		out = append(out, Rule{Do: Action{Redirect: OutboundPort}})
	}
	for _, r := range t.IncludeOutboundRanges {
		out = append(out, Rule{Destination: r, Do: Action{Redirect: OutboundPort}})
	}

	var in []Rule
	for _, port := range proxyPorts {
		in = append(in, Rule{Port: port})
	}
	for _, port := range t.ExcludeInboundPorts {
		in = append(in, Rule{Port: port})
	}
	if t.IncludeInboundPorts == nil {
		in = append(in, Rule{Do: Action{Redirect: InboundPort}})
	}
	for _, port := range t.IncludeInboundPorts {
		in = append(in, Rule{Port: port, Do: Action{Redirect: InboundPort}})
	}
	return Table{Name: "heddle", Chains: []Chain{{Output, out}, {Prerouting, in}}}
}

// Backend is one port of a service address and the pods behind it.
type Backend struct {
	Service netip.AddrPort   `json:"service"`
	Pods    []netip.AddrPort `json:"pods"`
}

// Services is the table that leads service addresses to pods, for programs
// without a proxy: each connection goes to one of the pods by chance.
// Addresses of serviceRange that nobody serves are refused at once.
func Services(serviceRange netip.Prefix, backends []Backend) Table {
	var out []Rule
	for _, b := range backends {
		for i, pod := range b.Pods {
			out = append(out, Rule{
				Destination: netip.PrefixFrom(b.Service.Addr(), b.Service.Addr().BitLen()),
				Port:        b.Service.Port(),
				OneIn:       uint32(len(b.Pods) - i), // of those that the rules before left over
				Do:          Action{To: pod},
			})
		}
	}
	return Table{Name: "services", Late: true, Chains: []Chain{
		{Output, out},
		{OutputFilter, []Rule{{Destination: serviceRange, Do: Action{Reject: true}}}},
	}}
}

// Node is the table of the machine that the pods are plugged into: what leaves
// the pod network arrives at egressPort, and service addresses that reach the
// machine are refused at once instead of timing out.
func Node(podRange, serviceRange netip.Prefix, egressPort uint16) Table {
	return Table{Name: "heddle", Chains: []Chain{
		{Prerouting, []Rule{
			{Destination: podRange},
			{Destination: serviceRange},
			{Do: Action{Redirect: egressPort}},
		}},
		{ForwardFilter, []Rule{{Destination: serviceRange, Do: Action{Reject: true}}}},
	}}
}
