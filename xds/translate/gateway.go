package translate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	proxyprotocolv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/listener/proxy_protocol/v3"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// gatewayPorts lists the plaintext HTTP ports that the gateway's objects open,
// with the objects that ask for them, and says what they ask for that is not
// there yet.
func gatewayPorts(v *scope.View) (map[uint32][]mesh.Ref, []mesh.Finding) {
	ports := map[uint32][]mesh.Ref{}
	var findings []mesh.Finding
	for _, o := range v.Gateways() {
		spec, ok := o.Spec.(*networking.Gateway)
		if !ok {
			continue
		}
		for i, s := range spec.Servers {
			port := s.GetPort()
			if !plaintextHTTP(s) {
				findings = append(findings, mesh.Finding{
					Code: mesh.CodeUnsupported, Severity: mesh.Warning, Phase: mesh.PhaseTranslate, Ref: o.Ref,
					Path: fmt.Sprintf("spec.servers[%d].port.protocol", i),
					Message: fmt.Sprintf("A server for %s is not supported yet: port %d stays closed. Servers with protocol HTTP work.",
						strings.ToUpper(port.GetProtocol()), port.GetNumber()),
					Params: map[string]string{"protocol": port.GetProtocol()},
				})
				continue
			}
			ports[port.GetNumber()] = append(ports[port.GetNumber()], o.Ref)
		}
	}
	return ports, findings
}

// gatewayRoutes are the route configurations of a gateway and their hosts.
func gatewayRoutes(v *scope.View, snap *mesh.Snapshot) []xds.Part {
	ports, _ := gatewayPorts(v)
	var parts []xds.Part
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		parts = append(parts, routeParts(names.GatewayRoutes(port), gatewayVirtualHosts(v, snap, port), unknownNotFound)...)
	}
	return parts
}

// gatewayListeners are the ports of a gateway: its objects name the ports of
// the gateway's own service, its pods listen on what the service leads to.
func (p proxyParts) gatewayListeners() ([]xds.Part, []mesh.Finding) {
	ports, findings := gatewayPorts(p.view)
	var parts []xds.Part
	taken := map[uint32]bool{}
	for _, port := range slices.Sorted(maps.Keys(ports)) {
		target, own := p.gatewayTarget(port)
		if taken[target] {
			for _, ref := range dedupe(ports[port]) {
				findings = append(findings, mesh.Finding{
					Code: mesh.CodePort, Severity: mesh.Error, Phase: mesh.PhaseTranslate, Ref: ref, Path: "spec.servers",
					Message: fmt.Sprintf("Port %d leads to port %d of the gateway's pods, which another server has taken. Give the gateway's Service another targetPort for it.", port, target),
				})
			}
			continue
		}
		taken[target] = true
		parts = append(parts, p.gatewayListener(port, target, own, dedupe(ports[port])))
	}
	return parts, findings
}

// gatewayTarget is the port that the gateway's pods listen on, and the service
// that leads there; without a service it is the port itself.
func (p proxyParts) gatewayTarget(port uint32) (uint32, *mesh.Service) {
	for _, svc := range p.view.Services() {
		if svc.Namespace != p.workload.Namespace || len(svc.Selector) == 0 || !scope.Selects(svc.Selector, p.workload.Labels) {
			continue
		}
		if sp, ok := svc.Port(port); ok {
			if target := targetPort(sp, p.workload); target != 0 {
				return target, svc
			}
		}
	}
	return port, nil
}

func (p proxyParts) gatewayListener(port, target uint32, own *mesh.Service, from []mesh.Ref) xds.Part {
	settings := p.snap.Settings
	facts := p.facts
	name := names.PortListener(port)
	reads := []string{number(target), settings.PodRange, fmt.Sprint(settings.LocalGateway)}
	if own != nil {
		reads = append(reads, own.Host, own.Name, own.Namespace)
	}
	return p.listener(name, from, reads, func() *listenerv3.Listener {
		manager := connectionManager{
			stat: "outbound_" + name, routes: names.GatewayRoutes(port),
			from: calling, facts: facts, sampling: settings.TraceSampling, edge: true,
		}
		if r := cidr(settings.PodRange); r != nil {
			manager.loggers = append(manager.loggers, plaintextLogger(calling, facts, own, r))
		}
		l := &listenerv3.Listener{
			Name:             name,
			Address:          socketAddress("0.0.0.0", target),
			TrafficDirection: corev3.TrafficDirection_OUTBOUND,
			FilterChains:     []*listenerv3.FilterChain{{Name: "http", Filters: []*listenerv3.Filter{manager.filter()}}},
		}
		if settings.LocalGateway {
			// The relay of the host's port says who calls; pods call directly.
			l.ListenerFilters = append(l.ListenerFilters, listenerFilter("envoy.filters.listener.proxy_protocol",
				&proxyprotocolv3.ProxyProtocol{AllowRequestsWithoutProxyProtocol: true}))
		}
		return l
	})
}
