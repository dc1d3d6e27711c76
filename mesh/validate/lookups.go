package validate

import "slices"

// lookups is every Lookup that checks use.
var lookups = slices.Concat(
	securityLookups,
	gatewayAPILookups,
	hostLookups,
	podLookups,
	destinationRuleLookups,
	namespaceLookups,
	virtualServiceLookups,
	gatewayLookups,
	injectionLookups,
	liveLookups,
)
