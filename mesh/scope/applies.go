package scope

import (
	"slices"

	networking "istio.io/api/networking/v1alpha3"
)

// AppliesToMesh reports whether calls between workloads can meet an http rule of
// a VirtualService.
func AppliesToMesh(spec *networking.VirtualService, http *networking.HTTPRoute) bool {
	return applies(spec, http, func(gateways []string) bool {
		return len(gateways) == 0 || slices.Contains(gateways, MeshGateway)
	})
}

// AppliesToGateways reports whether requests through a gateway can meet it.
func AppliesToGateways(spec *networking.VirtualService, http *networking.HTTPRoute) bool {
	return applies(spec, http, func(gateways []string) bool {
		return slices.ContainsFunc(gateways, func(g string) bool { return g != MeshGateway })
	})
}

// applies asks about the gateways that a rule is for: those of its matches, and
// of the whole object where a match, or a rule without any, names none.
func applies(spec *networking.VirtualService, http *networking.HTTPRoute, to func(gateways []string) bool) bool {
	if len(http.GetMatch()) == 0 {
		return to(spec.GetGateways())
	}
	return slices.ContainsFunc(http.GetMatch(), func(m *networking.HTTPMatchRequest) bool {
		if len(m.GetGateways()) > 0 {
			return to(m.GetGateways())
		}
		return to(spec.GetGateways())
	})
}
