package validate

import (
	"github.com/heddle-mesh/heddle/mesh"
)

var virtualServices = []mesh.Kind{mesh.KindVirtualService}

var virtualServiceChecks = []Check{
	{
		Code: "HDL2101", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA1101"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindService, mesh.KindServiceEntry, mesh.KindDestinationRule},
		Run:   forObject(destinationHosts),
	},
	{
		Code: "HDL2102", Severity: mesh.Error, SameAs: []string{"IST0101"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindService, mesh.KindServiceEntry},
		Run:   forObject(destinationPorts),
	},
	{
		Code: "HDL2103", Severity: mesh.Error, SameAs: []string{"IST0112"},
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindService, mesh.KindServiceEntry},
		Run:   forObject(destinationsWithoutPort),
	},
	{
		Code: "HDL2104", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA1107"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindDestinationRule},
		Run:   forObject(destinationSubsets), Elsewhere: subsetsElsewhere,
	},
	{
		Code: "HDL2105", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA1102"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindGateway, mesh.KindK8sGateway},
		Run:   forObject(gatewaysExist),
	},
	{
		Code: "HDL2106", Severity: mesh.Info, SameAs: []string{"KIA1108"},
		On: virtualServices, Keys: eachObject,
		Reads: virtualServices,
		Run:   forObject(gatewayNames),
	},
	{
		Code: "HDL2107", Severity: mesh.Warning, SameAs: []string{"IST0165"},
		On: virtualServices, Keys: eachObject,
		Reads: virtualServices,
		Run:   forObject(generatedGateways),
	},
	{
		Code: "HDL2108", Severity: mesh.Warning, SameAs: []string{"IST0132"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindGateway, mesh.KindK8sGateway},
		Run:   forObject(gatewayHosts),
	},
	{
		Code: "HDL2109", Severity: mesh.Error, SameAs: []string{"IST0109", "KIA1106"},
		On: virtualServices, Keys: meshHostKeys,
		Reads: virtualServices,
		Run:   conflictingMeshHosts,
	},
	{
		Code: "HDL2110", Severity: mesh.Error, SameAs: []string{"IST0149"}, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{
			mesh.KindVirtualService, mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindRequestAuthentication,
		},
		Run: forObject(claimsWithoutAuthentication),
	},
	{
		Code: "HDL2111", Severity: mesh.Warning, SameAs: []string{"IST0140"},
		On: virtualServices, Keys: eachObject,
		Reads: virtualServices,
		Run:   forObject(subsetsPassedBy),
	},
	{
		Code: "HDL2112", Severity: mesh.Warning, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: virtualServices,
		Run:   forObject(delegatesMissing),
	},
	{
		Code: "HDL2113", Severity: mesh.Info, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: virtualServices,
		Run:   forObject(delegatesUnused),
	},
	{
		Code: "HDL2114", Severity: mesh.Info, Absence: true,
		On: virtualServices, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindService, mesh.KindServiceEntry},
		Run:   forObject(hostsOfNobody),
	},
}

var virtualServiceLookups = []*Lookup{
	meshRoutes, meshRoutesUnder, subsetRoutes, delegations, boundRoutes,
}
