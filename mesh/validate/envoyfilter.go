package validate

import (
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

var envoyFilterKinds = []mesh.Kind{mesh.KindEnvoyFilter}

var envoyFilterChecks = []Check{
	{
		Code: "HDL1301", Severity: mesh.Warning, SameAs: []string{"IST0151"},
		On: envoyFilterKinds, Keys: eachObject, Reads: envoyFilterKinds,
		Run: forPatches(func(f *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
			return relative(f, p) && p.GetMatch().GetProxy().GetProxyVersion() == ""
		}),
	},
	{
		Code: "HDL1302", Severity: mesh.Error, SameAs: []string{"IST0152"},
		On: envoyFilterKinds, Keys: eachObject, Reads: envoyFilterKinds,
		Run: forPatches(func(_ *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
			return p.GetPatch().GetOperation() == networking.EnvoyFilter_Patch_REPLACE && !changesFilter(p)
		}),
	},
	{
		Code: "HDL1303", Severity: mesh.Error, SameAs: []string{"IST0153"},
		On: envoyFilterKinds, Keys: eachObject, Reads: envoyFilterKinds,
		Run: forPatches(func(_ *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
			return p.GetPatch().GetOperation() == networking.EnvoyFilter_Patch_ADD && changesRoutes(p)
		}),
	},
	{
		Code: "HDL1304", Severity: mesh.Error, SameAs: []string{"IST0154"},
		On: envoyFilterKinds, Keys: eachObject, Reads: envoyFilterKinds,
		Run: forPatches(func(_ *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
			return p.GetPatch().GetOperation() == networking.EnvoyFilter_Patch_REMOVE && changesRoutes(p)
		}),
	},
	{
		Code: "HDL1305", Severity: mesh.Warning, SameAs: []string{"IST0155"},
		On: envoyFilterKinds, Keys: eachObject, Reads: envoyFilterKinds,
		Run: forPatches(func(f *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
			return relative(f, p) && p.GetMatch().GetProxy().GetProxyVersion() != ""
		}),
	},
}

// forPatches makes a check of a rule for single patches.
func forPatches(wrong func(*networking.EnvoyFilter, *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool) func(*Index, Key, Evidence) []Found {
	return forObject(func(_ *Index, o *mesh.Object, _ Evidence) []Found {
		var out []Found
		f := spec[*networking.EnvoyFilter](o)
		for i, p := range f.GetConfigPatches() {
			if wrong(f, p) {
				at := config.Path{}.Key("spec").Key("configPatches").Item(i).Key("patch").Key("operation")
				out = append(out, found(o, at.String(),
					"operation", p.GetPatch().GetOperation().String(), "target", p.GetApplyTo().String()))
			}
		}
		return out
	})
}

// relative reports whether what a patch does depends on what stands there
// already, and nothing says which filters come first.
func relative(f *networking.EnvoyFilter, p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
	if f.GetPriority() != 0 {
		return false
	}
	switch p.GetPatch().GetOperation() {
	case networking.EnvoyFilter_Patch_INSERT_BEFORE, networking.EnvoyFilter_Patch_INSERT_AFTER:
		return true
	case networking.EnvoyFilter_Patch_REPLACE:
		return changesFilter(p)
	case networking.EnvoyFilter_Patch_REMOVE:
		return !changesRoutes(p)
	}
	return false
}

func changesFilter(p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
	return p.GetApplyTo() == networking.EnvoyFilter_NETWORK_FILTER || p.GetApplyTo() == networking.EnvoyFilter_HTTP_FILTER
}

func changesRoutes(p *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
	return p.GetApplyTo() == networking.EnvoyFilter_ROUTE_CONFIGURATION || p.GetApplyTo() == networking.EnvoyFilter_HTTP_ROUTE
}
