package validate

import (
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

var (
	k8sGatewayKinds = []mesh.Kind{mesh.KindK8sGateway}
	// routeKinds are the routes of the Gateway API.
	routeKinds = []mesh.Kind{mesh.KindHTTPRoute, mesh.KindGRPCRoute, mesh.KindTCPRoute, mesh.KindTLSRoute, mesh.KindUDPRoute}
	// parentKinds are what routes are put on.
	parentKinds = []mesh.Kind{mesh.KindK8sGateway, mesh.KindListenerSet, mesh.KindService, mesh.KindServiceEntry}
	// referringKinds refer to objects of other namespaces.
	referringKinds = slices.Concat(routeKinds, []mesh.Kind{mesh.KindK8sGateway, mesh.KindListenerSet})
)

var gatewayAPIChecks = []Check{
	{
		Code: "HDL2701", Severity: mesh.Error, SameAs: []string{"KIA1401"}, Absence: true,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, parentKinds),
		Run: forObject(missingParents),
	},
	{
		Code: "HDL2702", Severity: mesh.Error, SameAs: []string{"KIA1402"}, Absence: true,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, serviceKinds),
		Run: forObject(missingBackends),
	},
	{
		Code: "HDL2703", Severity: mesh.Warning, SameAs: []string{"KIA1501"},
		On: k8sGatewayKinds, Keys: listenerKeys, Reads: k8sGatewayKinds,
		Run: sharedListeners,
	},
	{
		Code: "HDL2704", Severity: mesh.Warning, SameAs: []string{"KIA1502"},
		On: k8sGatewayKinds, Keys: addressKeys, Reads: k8sGatewayKinds,
		Run: sharedAddresses,
	},
	{
		Code: "HDL2705", Severity: mesh.Error, SameAs: []string{"KIA1503"},
		On: k8sGatewayKinds, Keys: eachObject, Reads: k8sGatewayKinds,
		Run: forObject(clashingListeners),
	},
	{
		Code: "HDL2706", Severity: mesh.Error, SameAs: []string{"KIA1504"}, Absence: true,
		On: k8sGatewayKinds, Keys: eachObject, Reads: []mesh.Kind{mesh.KindK8sGateway, mesh.KindGatewayClass},
		Run: forObject(unknownClass),
	},
	{
		Code: "HDL2707", Severity: mesh.Error, SameAs: []string{"KIA1601"}, Absence: true,
		On: []mesh.Kind{mesh.KindReferenceGrant}, Keys: eachObject,
		Reads: slices.Concat([]mesh.Kind{mesh.KindReferenceGrant}, settled),
		Run:   forObject(grantsToNobody),
	},
	{
		Code: "HDL2708", Severity: mesh.Warning, Absence: true,
		On: referringKinds, Keys: eachObject,
		Reads: slices.Concat(referringKinds, []mesh.Kind{mesh.KindReferenceGrant}),
		Run:   forObject(ungranted),
	},
	{
		Code: "HDL2709", Severity: mesh.Warning, Absence: true,
		On: []mesh.Kind{mesh.KindK8sGateway, mesh.KindListenerSet}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindK8sGateway, mesh.KindListenerSet, mesh.KindSecret},
		Run:   forObject(missingCertificates),
	},
	{
		Code: "HDL2710", Severity: mesh.Info, Absence: true,
		On: referringKinds, Keys: eachObject,
		Reads: slices.Concat(referringKinds, parentKinds, []mesh.Kind{mesh.KindGatewayClass, mesh.KindSecret}),
		Run:   forObject(outOfSight),
	},
	{
		Code: "HDL2711", Severity: mesh.Warning,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, parentKinds),
		Run: forObject(missingListeners),
	},
	{
		Code: "HDL2712", Severity: mesh.Warning,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, parentKinds, []mesh.Kind{mesh.KindNamespace}),
		Run: forObject(unwelcomeRoutes),
	},
	{
		Code: "HDL2713", Severity: mesh.Warning,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, parentKinds),
		Run: forObject(unmatchedHostnames),
	},
	{
		Code: "HDL2714", Severity: mesh.Warning,
		On: routeKinds, Keys: eachObject, Reads: slices.Concat(routeKinds, []mesh.Kind{mesh.KindService}),
		Run: forObject(missingBackendPorts),
	},
}
