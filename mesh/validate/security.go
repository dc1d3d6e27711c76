package validate

import (
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

// workKinds are what selectors are matched with.
var workKinds = slices.Concat([]mesh.Kind{mesh.KindPod, mesh.KindNamespace}, templateKinds, machinesByLabel.Kinds)

var (
	authorizationKinds = []mesh.Kind{mesh.KindAuthorizationPolicy}
	// selectorKinds are the kinds whose objects, other than an
	// AuthorizationPolicy or a Telemetry, can be for some workloads only.
	selectorKinds = []mesh.Kind{
		mesh.KindPeerAuthentication, mesh.KindRequestAuthentication, mesh.KindWasmPlugin,
		mesh.KindTrafficExtension, mesh.KindEnvoyFilter, mesh.KindProxyConfig,
	}
	// targetKinds are the kinds whose objects can name what they are for.
	targetKinds = []mesh.Kind{
		mesh.KindAuthorizationPolicy, mesh.KindRequestAuthentication, mesh.KindTelemetry,
		mesh.KindWasmPlugin, mesh.KindTrafficExtension, mesh.KindEnvoyFilter,
	}
	// gatewayBlindKinds are those whose selectors do not reach gateways of the
	// Gateway API.
	gatewayBlindKinds = []mesh.Kind{
		mesh.KindAuthorizationPolicy, mesh.KindRequestAuthentication, mesh.KindTelemetry,
		mesh.KindWasmPlugin, mesh.KindTrafficExtension,
	}
)

var securityChecks = []Check{
	{
		Code: "HDL1331", Severity: mesh.Warning, SameAs: []string{"KIA0102"},
		On: authorizationKinds, Keys: eachObject, Reads: authorizationKinds,
		Run: forObject(oddMethods),
	},
	{
		Code: "HDL2501", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA0101"}, Absence: true,
		On: authorizationKinds, Keys: eachObject, Reads: slices.Concat(authorizationKinds, settled),
		Run: forObject(sourceNamespaces),
	},
	{
		Code: "HDL2502", Severity: mesh.Warning, SameAs: []string{"IST0127", "KIA0004"}, Absence: true,
		On: authorizationKinds, Keys: eachObject, Reads: slices.Concat(authorizationKinds, workKinds),
		Run: forObject(policyWithoutWorkload),
	},
	{
		Code: "HDL2503", Severity: mesh.Warning, SameAs: []string{"KIA0004"}, Absence: true,
		On: selectorKinds, Keys: eachObject, Reads: slices.Concat(selectorKinds, workKinds),
		Run: forObject(selectorWithoutWorkload),
	},
	{
		Code: "HDL2504", Severity: mesh.Error, SameAs: []string{"KIA0104"}, Absence: true,
		On: authorizationKinds, Keys: eachObject,
		Reads: slices.Concat(authorizationKinds, serviceKinds, entranceKinds),
		Run:   forObject(operationHosts),
	},
	{
		Code: "HDL2505", Severity: mesh.Error, SameAs: []string{"KIA0105"},
		On: authorizationKinds, Keys: eachObject,
		Reads: slices.Concat(meshConfigKinds, []mesh.Kind{
			mesh.KindAuthorizationPolicy, mesh.KindPeerAuthentication, mesh.KindDestinationRule, mesh.KindService,
		}),
		Run: forObject(identityWithoutTLS),
	},
	{
		Code: "HDL2506", Severity: mesh.Error, SameAs: []string{"KIA0106"}, Absence: true,
		On: authorizationKinds, Keys: eachObject, Reads: slices.Concat(authorizationKinds, accountKinds, settled, meshConfigKinds),
		Run: forObject(unknownAccounts),
	},
	{
		Code: "HDL2507", Severity: mesh.Warning, SameAs: []string{"KIA0108"},
		On: authorizationKinds, Keys: eachObject, Reads: slices.Concat(authorizationKinds, meshConfigKinds),
		Run: forObject(foreignTrustDomains),
	},
	{
		Code: "HDL2508", Severity: mesh.Error, SameAs: []string{"KIA0002"},
		On: []mesh.Kind{mesh.KindPeerAuthentication}, Keys: eachNamespace,
		Reads: []mesh.Kind{mesh.KindPeerAuthentication},
		Run:   severalForNamespace,
	},
	{
		Code: "HDL2509", Severity: mesh.Error, SameAs: []string{"KIA0003"},
		On: []mesh.Kind{mesh.KindPeerAuthentication}, Keys: eachNamespace,
		Reads: slices.Concat([]mesh.Kind{mesh.KindPeerAuthentication, mesh.KindPod}, templateKinds),
		Run:   severalForWorkload,
	},
	{
		Code: "HDL2510", Severity: mesh.Warning, SameAs: []string{"IST0166"},
		On: gatewayBlindKinds, Keys: eachObject, Reads: slices.Concat(gatewayBlindKinds, []mesh.Kind{mesh.KindPod}),
		Run: forObject(selectorsOfGateways),
	},
	{
		Code: "HDL2511", Severity: mesh.Warning, SameAs: []string{"IST0175"},
		On: []mesh.Kind{mesh.KindDeployment}, Keys: controlPlanes,
		Reads: []mesh.Kind{mesh.KindDeployment, mesh.KindRequestAuthentication},
		Run:   forObject(unrestrictedKeyFetching),
	},
	{
		Code: "HDL2512", Severity: mesh.Warning, Absence: true,
		On: targetKinds, Keys: eachObject, Reads: slices.Concat(targetKinds, []mesh.Kind{
			mesh.KindK8sGateway, mesh.KindGatewayClass, mesh.KindService, mesh.KindServiceEntry,
		}),
		Run: forObject(missingTargets),
	},
	{
		Code: "HDL2513", Severity: mesh.Warning, Absence: true,
		On: authorizationKinds, Keys: eachObject, Reads: []mesh.Kind{mesh.KindAuthorizationPolicy, mesh.KindRequestAuthentication},
		Run: forObject(tokensNobodyChecks),
	},
}
