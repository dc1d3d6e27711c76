package validate

import (
	"cmp"
	"slices"
)

// List is every check, by code.
var List = slices.SortedFunc(slices.Values(slices.Concat(
	securityChecks,
	telemetryChecks,
	envoyFilterChecks,
	gatewayAPIChecks,
	annotationsChecks,
	virtualServiceChecks,
	destinationRuleChecks,
	serviceEntryChecks,
	sidecarChecks,
	workloadGroupChecks,
	routeChecks,
	gatewayChecks,
	workloadChecks,
	serviceChecks,
	injectionChecks,
	liveChecks,
	installChecks,
)), func(a, b Check) int { return cmp.Compare(a.Code, b.Code) })
