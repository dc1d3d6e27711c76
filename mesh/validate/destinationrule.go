package validate

import (
	"fmt"
	"slices"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

var (
	onRules = []mesh.Kind{mesh.KindDestinationRule}
	// ruleTargets are what tells the endpoints of a subset.
	ruleTargets  = slices.Concat(onRules, serviceKinds, carrierKinds, []mesh.Kind{mesh.KindNode})
	ruleAndPeers = []mesh.Kind{mesh.KindDestinationRule, mesh.KindPeerAuthentication}
)

var destinationRuleChecks = []Check{
	{
		Code: "HDL1201", Severity: mesh.Warning, SameAs: []string{"IST0128"},
		On: onRules, Keys: eachObject, Reads: onRules, Run: forObject(unverifiedHost),
	},
	{
		Code: "HDL1202", Severity: mesh.Warning, SameAs: []string{"IST0129"},
		On: onRules, Keys: eachObject, Reads: onRules, Run: forObject(unverifiedPorts),
	},
	{
		Code: "HDL1203", Severity: mesh.Warning,
		On: onRules, Keys: eachObject, Reads: onRules, Run: forObject(unverifiedSubsets),
	},
	{
		Code: "HDL1204", Severity: mesh.Warning, SameAs: []string{"KIA0209"},
		On: onRules, Keys: eachObject, Reads: onRules, Run: forObject(subsetsWithoutLabels),
	},
	{
		Code: "HDL2201", Severity: mesh.Warning, SameAs: []string{"IST0174", "KIA0202"}, Absence: true,
		On: onRules, Keys: eachObject, Reads: ruleTargets, Run: forObject(ruleHost),
	},
	{
		Code: "HDL2202", Severity: mesh.Error, SameAs: []string{"IST0173", "KIA0203"}, Absence: true,
		On: onRules, Keys: eachObject, Reads: ruleTargets, Run: forObject(emptySubsets),
	},
	{
		Code: "HDL2203", Severity: mesh.Warning, SameAs: []string{"KIA0201"},
		On: onRules, Keys: ruleHosts, Reads: onRules, Run: clashingRules,
	},
	{
		Code: "HDL2204", Severity: mesh.Warning, SameAs: []string{"KIA0204"},
		On: onRules, Keys: eachObject, Reads: onRules, Run: forObject(droppedTLS),
	},
	{
		Code: "HDL2205", Severity: mesh.Error, SameAs: []string{"KIA0205"}, Absence: true,
		On: onRules, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(meshRuleWithoutPolicy),
	},
	{
		Code: "HDL2206", Severity: mesh.Error, SameAs: []string{"KIA0206"}, Absence: true,
		On: onRules, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(namespaceRuleWithoutPolicy),
	},
	{
		Code: "HDL2207", Severity: mesh.Error, SameAs: []string{"KIA0207"},
		On: onRules, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(plainRuleStrictNamespace),
	},
	{
		Code: "HDL2208", Severity: mesh.Error, SameAs: []string{"KIA0208"},
		On: onRules, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(plainRuleStrictMesh),
	},
	{
		Code: "HDL2209", Severity: mesh.Error, SameAs: []string{"KIA0203"}, Absence: true,
		On: onRules, Keys: eachObject, Reads: ruleTargets, Run: forObject(foreignSubsets),
	},
	{
		Code: "HDL2210", Severity: mesh.Info, Absence: true,
		On: onRules, Keys: eachObject, Reads: []mesh.Kind{mesh.KindDestinationRule, mesh.KindVirtualService},
		Run: forObject(idleRule),
	},
	{
		Code: "HDL2211", Severity: mesh.Error, SameAs: []string{"KIA0401"}, Absence: true,
		On: onPeers, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(strictMeshWithoutRule),
	},
	{
		Code: "HDL2212", Severity: mesh.Error, SameAs: []string{"KIA0501"}, Absence: true,
		On: onPeers, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(strictNamespaceWithoutRule),
	},
	{
		Code: "HDL2213", Severity: mesh.Error, SameAs: []string{"KIA0505"},
		On: onPeers, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(plainNamespaceTLSRule),
	},
	{
		Code: "HDL2214", Severity: mesh.Error, SameAs: []string{"KIA0506"},
		On: onPeers, Keys: eachObject, Reads: ruleAndPeers, Run: forObject(plainMeshTLSRule),
	},
	{
		Code: "HDL2215", Severity: mesh.Error, SameAs: []string{"KIA0005"}, Absence: true,
		On: exporters, Keys: eachObject, Reads: settled, Run: forObject(exportedNowhere),
	},
}

// unverified reports whether a client with these settings takes the certificate
// of any server. A Secret that credentialName names is read by gateways, and by
// sidecars only of the workloads that the rule selects.
func unverified(t *networking.ClientTLSSettings, selecting bool) bool {
	switch t.GetMode() {
	case networking.ClientTLSSettings_SIMPLE, networking.ClientTLSSettings_MUTUAL:
		return t.GetCaCertificates() == "" && (t.GetCredentialName() == "" || !selecting)
	}
	return false
}

// unverifiedHost looks at the settings for the whole host.
func unverifiedHost(_ *Index, o *mesh.Object, _ Evidence) []Found {
	rule := spec[*networking.DestinationRule](o)
	tls := rule.GetTrafficPolicy().GetTls()
	if !unverified(tls, rule.GetWorkloadSelector() != nil) {
		return nil
	}
	return []Found{found(o, "spec.trafficPolicy.tls", "host", rule.GetHost(), "mode", tls.GetMode().String())}
}

// unverifiedPorts looks at the settings for single ports.
func unverifiedPorts(_ *Index, o *mesh.Object, _ Evidence) []Found {
	rule := spec[*networking.DestinationRule](o)
	var out []Found
	for i, p := range rule.GetTrafficPolicy().GetPortLevelSettings() {
		if unverified(p.GetTls(), rule.GetWorkloadSelector() != nil) {
			out = append(out, found(o, fmt.Sprintf("spec.trafficPolicy.portLevelSettings[%d].tls", i),
				"host", rule.GetHost(), "mode", p.GetTls().GetMode().String(), "port", fmt.Sprint(p.GetPort().GetNumber())))
		}
	}
	return out
}

// unverifiedSubsets looks at the settings for single subsets, and ports of them.
func unverifiedSubsets(_ *Index, o *mesh.Object, _ Evidence) []Found {
	rule := spec[*networking.DestinationRule](o)
	selecting := rule.GetWorkloadSelector() != nil
	var out []Found
	add := func(tls *networking.ClientTLSSettings, subset, path string) {
		if unverified(tls, selecting) {
			out = append(out, found(o, path, "host", rule.GetHost(), "mode", tls.GetMode().String(), "subset", subset))
		}
	}
	for i, s := range rule.GetSubsets() {
		at := fmt.Sprintf("spec.subsets[%d].trafficPolicy", i)
		add(s.GetTrafficPolicy().GetTls(), s.GetName(), at+".tls")
		for j, p := range s.GetTrafficPolicy().GetPortLevelSettings() {
			add(p.GetTls(), s.GetName(), fmt.Sprintf("%s.portLevelSettings[%d].tls", at, j))
		}
	}
	return out
}

// subsetsWithoutLabels finds subsets that are the whole service under another
// name. One with a traffic policy of its own is meant so: it treats the same
// endpoints in another way.
func subsetsWithoutLabels(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for i, s := range spec[*networking.DestinationRule](o).GetSubsets() {
		if len(s.GetLabels()) == 0 && s.GetTrafficPolicy() == nil {
			out = append(out, found(o, fmt.Sprintf("spec.subsets[%d]", i), "subset", s.GetName()))
		}
	}
	return out
}
