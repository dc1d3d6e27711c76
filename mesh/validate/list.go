package validate

import (
	"cmp"
	"slices"
)

// List is every check, by code.
var List = slices.SortedFunc(slices.Values(slices.Concat(
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
