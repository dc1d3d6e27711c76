package validate

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// ruleHosts makes a unit of work of all rules of a namespace for one host.
func ruleHosts(set mesh.Settings, o *mesh.Object) []Key {
	return []Key{{Name: o.Namespace + "/" + ruleHostOf(set, o)}}
}

// clashingRules finds rules of one namespace that say the same thing about the
// same host differently. Rules that add to each other are joined and do not clash.
func clashingRules(x *Index, k Key, _ Evidence) []Found {
	namespace, host, _ := strings.Cut(k.Name, "/")
	var rules []*mesh.Object
	for _, o := range x.By(rulesByHost, host) {
		if o.Namespace == namespace {
			rules = append(rules, o)
		}
	}
	var out []Found
	for _, o := range rules {
		for _, other := range rules {
			if o == other {
				continue
			}
			if what, path, clash := clashOf(o, other); clash {
				f := found(o, path, "host", spec[*networking.DestinationRule](o).GetHost(), "other", other.Name, "what", what)
				f.Related = []mesh.Ref{other.Ref}
				out = append(out, f)
				break
			}
		}
	}
	return out
}

// clashOf finds the first thing in a that b says too, for the same workloads.
func clashOf(a, b *mesh.Object) (what, path string, clash bool) {
	mine, theirs := spec[*networking.DestinationRule](a), spec[*networking.DestinationRule](b)
	if !audienceOf(a, mine.GetExportTo()).meets(audienceOf(b, theirs.GetExportTo())) {
		return "", "", false
	}
	selector, others := mine.GetWorkloadSelector().GetMatchLabels(), theirs.GetWorkloadSelector().GetMatchLabels()
	switch {
	case len(selector) != len(others) || !carries(selector, others):
		// The rule that selects the workload goes before the one for all.
		return "", "", false
	case len(selector) > 0:
		return "workloadSelector", "spec.workloadSelector", true
	}
	for i, s := range mine.GetSubsets() {
		same := func(t *networking.Subset) bool { return t.GetName() == s.GetName() }
		if slices.ContainsFunc(theirs.GetSubsets(), same) {
			return "subset " + s.GetName(), fmt.Sprintf("spec.subsets[%d]", i), true
		}
	}
	if mine.GetTrafficPolicy() != nil && theirs.GetTrafficPolicy() != nil {
		return "trafficPolicy", "spec.trafficPolicy", true
	}
	return "", "", false
}

// droppedTLS finds rules that take the place of a wider one with mutual TLS,
// and say nothing of TLS themselves.
func droppedTLS(x *Index, o *mesh.Object, _ Evidence) []Found {
	rule := spec[*networking.DestinationRule](o)
	if rule.GetTrafficPolicy().GetTls() != nil {
		return nil
	}
	for _, p := range rule.GetTrafficPolicy().GetPortLevelSettings() {
		if p.GetTls() != nil {
			return nil
		}
	}
	for _, host := range widerHosts(ruleHostOf(x.Settings(), o)) {
		for _, wide := range x.By(rulesByHost, host) {
			tls := spec[*networking.DestinationRule](wide).GetTrafficPolicy().GetTls()
			near := wide.Namespace == o.Namespace || wide.Namespace == x.Settings().RootNamespace
			if near && tls.GetMode() == networking.ClientTLSSettings_ISTIO_MUTUAL && visible(wide, o.Namespace) {
				f := found(o, "spec.trafficPolicy", "host", rule.GetHost(), "other", wide.Ref.String())
				f.Related = []mesh.Ref{wide.Ref}
				f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: "spec.trafficPolicy.tls.mode", Value: "ISTIO_MUTUAL"}}
				return []Found{f}
			}
		}
	}
	return nil
}

// widerHosts are the wildcards that cover a host, the longest first.
func widerHosts(host string) []string {
	if host == "*" {
		return nil
	}
	var out []string
	for rest := strings.TrimPrefix(host, "*."); ; {
		_, after, more := strings.Cut(rest, ".")
		if !more {
			return append(out, "*")
		}
		out = append(out, "*."+after)
		rest = after
	}
}

// idleRule finds rules that only name subsets which no route sends to, and rules
// that say nothing at all.
func idleRule(x *Index, o *mesh.Object, _ Evidence) []Found {
	rule := spec[*networking.DestinationRule](o)
	if rule.GetTrafficPolicy() != nil || strings.HasPrefix(rule.GetHost(), "*") {
		return nil
	}
	host := ruleHostOf(x.Settings(), o)
	for _, s := range rule.GetSubsets() {
		if len(x.By(routesByDestination, subsetValue(host, s.GetName()))) > 0 {
			return nil
		}
	}
	return []Found{found(o, "", "host", rule.GetHost())}
}
