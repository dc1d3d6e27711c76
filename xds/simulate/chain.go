package simulate

import (
	"net/netip"
	"slices"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
)

// chain picks a filter chain as Envoy does: criterion by criterion, the most
// specific match of each, never going back.
func (w *walk) chain(l *listenerv3.Listener) *listenerv3.FilterChain {
	offered := w.applicationProtocols(l)
	transport := "raw_buffer"
	if w.call.TLS {
		transport = "tls"
	}
	chains := l.GetFilterChains()
	for _, fits := range []func(*listenerv3.FilterChainMatch) int{
		func(m *listenerv3.FilterChainMatch) int {
			return exactly(m.GetDestinationPort() != nil, m.GetDestinationPort().GetValue() == w.call.Port)
		},
		w.destinationFits,
		w.serverNameFits,
		func(m *listenerv3.FilterChainMatch) int {
			return exactly(m.GetTransportProtocol() != "", m.GetTransportProtocol() == transport)
		},
		func(m *listenerv3.FilterChainMatch) int {
			return exactly(len(m.GetApplicationProtocols()) > 0, slices.ContainsFunc(m.GetApplicationProtocols(), func(p string) bool {
				return slices.Contains(offered, p)
			}))
		},
	} {
		best := 0
		for _, c := range chains {
			best = max(best, fits(c.GetFilterChainMatch()))
		}
		chains = slices.DeleteFunc(slices.Clone(chains), func(c *listenerv3.FilterChain) bool {
			return fits(c.GetFilterChainMatch()) != best
		})
	}
	if len(chains) == 0 {
		return l.GetDefaultFilterChain()
	}
	return chains[0]
}

// exactly rates a criterion: 0 when it is not asked for, 1 when met, -1 when not.
func exactly(asked, met bool) int {
	switch {
	case !asked:
		return 0
	case met:
		return 1
	default:
		return -1
	}
}

func (w *walk) destinationFits(m *listenerv3.FilterChainMatch) int {
	if len(m.GetPrefixRanges()) == 0 {
		return 0
	}
	best := -1
	for _, r := range m.GetPrefixRanges() {
		addr, err := netip.ParseAddr(r.GetAddressPrefix())
		if err != nil || !w.call.Address.IsValid() {
			continue
		}
		bits := int(r.GetPrefixLen().GetValue())
		if p := netip.PrefixFrom(addr, bits); p.Contains(w.call.Address.Unmap()) {
			best = max(best, 1+bits)
		}
	}
	return best
}

func (w *walk) serverNameFits(m *listenerv3.FilterChainMatch) int {
	if len(m.GetServerNames()) == 0 {
		return 0
	}
	best := -1
	for _, name := range m.GetServerNames() {
		suffix, wildcard := strings.CutPrefix(name, "*")
		if name == w.call.SNI || wildcard && strings.HasSuffix(w.call.SNI, suffix) && len(w.call.SNI) > len(suffix) {
			best = max(best, 1+len(name))
		}
	}
	return best
}

// applicationProtocols is what the listener's inspectors find out.
func (w *walk) applicationProtocols(l *listenerv3.Listener) []string {
	if w.call.TLS {
		return w.call.ALPN
	}
	for _, f := range l.GetListenerFilters() {
		if f.GetName() == "envoy.filters.listener.http_inspector" {
			if w.call.HTTP2 {
				return []string{"h2c"}
			}
			return []string{"http/1.1"}
		}
	}
	return nil
}
