package validate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// subsetsElsewhere defines the subsets that a VirtualService sends to, where the
// versions of the service leave no doubt what they are: in the DestinationRule of
// the host, or in a new one where there is none.
func subsetsElsewhere(x *Index, o *mesh.Object, paths map[string]bool) (remedies map[string]*Remedy, whole bool) {
	var hosts []string
	wanted := map[string]bool{}
	routes := map[string][]destination{} // by the full host
	for _, d := range destinationsOf(spec[*networking.VirtualService](o)) {
		if d.GetSubset() == "" {
			continue
		}
		host := fullHost(x.Settings(), o.Namespace, d.GetHost())
		routes[host] = append(routes[host], d)
		if paths[d.path+".subset"] && !wanted[host] {
			wanted[host] = true
			hosts = append(hosts, host)
		}
	}
	remedies = map[string]*Remedy{}
	for _, host := range hosts {
		if x.effort > maxMending {
			return remedies, false
		}
		defined := defineSubsets(x, o.Namespace, host, routes[host])
		for _, d := range routes[host] {
			if r := defined[d.GetSubset()]; r != nil && paths[d.path+".subset"] {
				remedies[d.path+".subset"] = r
			}
		}
	}
	return remedies, true
}

// maxSubsets is how many subsets are defined at once.
const maxSubsets = 20

// defineSubsets defines the subsets of one host that destinations name and no
// rule has, by their names, as far as it can be told what they are.
func defineSubsets(x *Index, namespace, host string, all []destination) map[string]*Remedy {
	services := servicesFor(x, namespace, host)
	if len(services) != 1 || services[0].Kind != mesh.KindService || len(serviceSelector(services[0])) == 0 {
		return nil
	}
	service := services[0]
	rule, ok := ruleToExtend(x, namespace, host)
	if !ok {
		return nil
	}
	ref := mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: service.Namespace, Name: service.Name}
	if rule != nil {
		ref = rule.Ref
	} else if _, taken := x.Get(ref); taken {
		return nil
	}
	subsets := spec[*networking.DestinationRule](cmp.Or(rule, &mesh.Object{})).GetSubsets()
	has, keys := map[string]bool{}, map[string]bool{}
	for _, s := range subsets {
		has[s.GetName()] = true
		for k := range s.GetLabels() {
			keys[k] = true
		}
	}
	key := versionKeys(x, service, keys)
	var missing [][2]string
	for _, d := range all {
		if name := d.GetSubset(); !has[name] {
			has[name] = true
			if k := key(name); k != "" {
				missing = append(missing, [2]string{name, k})
			}
		}
	}
	out := map[string]*Remedy{}
	for some := range slices.Chunk(missing, maxSubsets) {
		r := defining(ref, rule == nil, len(subsets), some)
		for _, m := range some {
			out[m[0]] = r
		}
	}
	return out
}

// defining adds subsets, each a name and the label that has it as its value, to
// the DestinationRule of that name, behind those that it has, or makes it.
func defining(ref mesh.Ref, isNew bool, have int, subsets [][2]string) *Remedy {
	r := &Remedy{Does: AddSubsets, Ref: ref}
	names := make([]string, len(subsets))
	for i, s := range subsets {
		names[i] = s[0]
		r.Edits = append(r.Edits, mesh.Edit{
			Op: mesh.OpSet, Path: fmt.Sprintf("spec.subsets[%d]", have+i),
			Value: fmt.Sprintf("{name: %[1]s, labels: {%[2]s: %[1]s}}", strconv.Quote(s[0]), strconv.Quote(s[1])),
		})
	}
	r.Params = map[string]string{"subsets": strings.Join(names, ", ")}
	if !isNew {
		return r
	}
	text, err := config.Splice(context.Background(), []byte(newRule(ref)), r.Edits...)
	if err != nil {
		return nil
	}
	r.Does, r.Edits, r.Text = MakeRule, nil, string(text)
	return r
}

// ruleToExtend is the DestinationRule that a subset of a host is to be added to;
// nil when one is to be made. It is not ok where there is a choice: several rules
// for the host, one that not all callers follow or cannot see, or one for more
// hosts, whose other settings a rule of its own would do away with.
func ruleToExtend(x *Index, namespace, host string) (rule *mesh.Object, ok bool) {
	switch rules := x.By(rulesByHost, host); {
	case len(rules) > 1:
		return nil, false
	case len(rules) == 1:
		rule = rules[0]
		selective := len(spec[*networking.DestinationRule](rule).GetWorkloadSelector().GetMatchLabels()) > 0
		return rule, rule.Text != nil && !selective && visible(rule, namespace)
	}
	for range rulesFor(x, namespace, host) {
		return nil, false
	}
	return nil, true
}

// versionKeys tells by which label the workloads of a service carry a value, if
// it is just one; where other subsets go by some keys, it is one of these. What
// people write counts: pods get labels besides when they are made.
func versionKeys(x *Index, service *mesh.Object, keys map[string]bool) func(value string) string {
	selector := serviceSelector(service)
	workloads := templatesSelected(x, service.Namespace, selector)
	if len(workloads) == 0 {
		workloads = podsSelected(x, service.Namespace, selector)
	}
	byValue := map[string]map[string]bool{}
	for _, w := range workloads {
		for k, v := range podLabels(w) {
			if _, all := selector[k]; all || len(keys) > 0 && !keys[k] {
				continue
			}
			if byValue[v] == nil {
				byValue[v] = map[string]bool{}
			}
			byValue[v][k] = true
		}
	}
	return func(value string) string {
		if len(byValue[value]) != 1 {
			return ""
		}
		return sortedKeys(byValue[value])[0]
	}
}

// newRule is a DestinationRule for the Service of its name, without any subsets.
func newRule(ref mesh.Ref) string {
	info, _ := config.Lookup(ref.Kind)
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\nspec:\n  host: %s\n",
		info.APIVersion(), ref.Kind.Name, ref.Name, ref.Namespace, ref.Name)
}
