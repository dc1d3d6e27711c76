package validate

import (
	"fmt"
	"iter"
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
	said := map[statement][]*mesh.Object{}
	var rules []*mesh.Object
	for _, o := range x.By(rulesByHost, host) {
		if o.Namespace == namespace {
			rules = append(rules, o)
			for s := range statements(o) {
				said[s] = append(said[s], o)
			}
		}
	}
	var out []Found
	for _, o := range rules {
		if f, ok := clash(o, said); ok {
			out = append(out, f)
		}
	}
	return out
}

// clash is the first statement of a rule that another one makes too, for callers
// that both are for.
func clash(o *mesh.Object, said map[statement][]*mesh.Object) (Found, bool) {
	rule := spec[*networking.DestinationRule](o)
	seen := audienceOf(o, rule.GetExportTo())
	for s, path := range statements(o) {
		for _, other := range said[s] {
			if other != o && seen.meets(audienceOf(other, spec[*networking.DestinationRule](other).GetExportTo())) {
				f := found(o, path, "host", rule.GetHost(), "other", other.Name, "what", s.what)
				f.Related = []mesh.Ref{other.Ref}
				return f, true
			}
		}
	}
	return Found{}, false
}

// statement is something that one rule for a host says.
type statement struct {
	selector string // of the callers that it is for
	what     string // as a message shows it
}

// statements are what a rule says, with the places. Rules for the same callers
// are not joined, the first of them counts alone, so that their selector is all
// they say. One that selects callers goes before one for all.
func statements(o *mesh.Object) iter.Seq2[statement, string] {
	rule := spec[*networking.DestinationRule](o)
	return func(yield func(statement, string) bool) {
		if selector := rule.GetWorkloadSelector().GetMatchLabels(); len(selector) > 0 {
			yield(statement{selector: labelText(selector), what: "workloadSelector"}, "spec.workloadSelector")
			return
		}
		for i, s := range rule.GetSubsets() {
			if !yield(statement{what: "subset " + s.GetName()}, fmt.Sprintf("spec.subsets[%d]", i)) {
				return
			}
		}
		if rule.GetTrafficPolicy() != nil {
			yield(statement{what: "trafficPolicy"}, "spec.trafficPolicy")
		}
	}
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
	return wildcardsOver(host)
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
