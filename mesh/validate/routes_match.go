package validate

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// rule is a route of any protocol, for what they have in common.
type rule struct {
	path     string
	matches  []proto.Message
	delegate bool // sends to another VirtualService, which may take only part of what comes
}

// rulesOf are the rules of a VirtualService by protocol, in order.
func rulesOf(vs *networking.VirtualService) [][]rule {
	var http, tls, tcp []rule
	for i, r := range vs.GetHttp() {
		http = append(http, rule{fmt.Sprintf("spec.http[%d]", i), messages(r.GetMatch()), r.GetDelegate() != nil})
	}
	for i, r := range vs.GetTls() {
		tls = append(tls, rule{fmt.Sprintf("spec.tls[%d]", i), messages(r.GetMatch()), false})
	}
	for i, r := range vs.GetTcp() {
		tcp = append(tcp, rule{fmt.Sprintf("spec.tcp[%d]", i), messages(r.GetMatch()), false})
	}
	return [][]rule{http, tls, tcp}
}

func messages[T proto.Message](list []T) []proto.Message {
	out := make([]proto.Message, len(list))
	for i, m := range list {
		out[i] = m
	}
	return out
}

// repetition is a match that another one before it takes everything from.
type repetition struct {
	rule, match int
	earlier     int
}

// maxAlike is how many matches with one prefix later ones are compared with.
const maxAlike = 50

// maxCompared is how many matches are compared with each other. What has more
// of them was hardly written by hand, and comparing takes the square of it.
const maxCompared = 500

// place is a match of a rule.
type place struct{ rule, match int }

// short is a path without its beginning, as messages name a rule: "http[2]".
func short(path string) string { return strings.TrimPrefix(path, "spec.") }

// repeated finds matches that stand in the list twice, by rule, and prefixes
// behind a prefix of theirs. equal says of the ones that stand there twice.
func repeated(rules []rule) (equal, narrower []repetition) {
	seen := map[string]int{}
	prefixes := map[string][]place{}
	c := comparison{}
	for i, r := range rules {
		for j, m := range r.matches {
			text := matchText(m)
			if earlier, ok := seen[text]; ok {
				if !rules[earlier].delegate {
					equal = append(equal, repetition{i, j, earlier})
				}
				continue
			}
			seen[text] = i
			http, ok := m.(*networking.HTTPMatchRequest)
			if !ok || http.GetUri().GetPrefix() == "" {
				continue
			}
			prefix := http.GetUri().GetPrefix()
			var earlier []int
			for n := range len(prefix) {
				for _, p := range prefixes[prefix[:n+1]] {
					wide := rules[p.rule].matches[p.match].(*networking.HTTPMatchRequest)
					if !slices.Contains(earlier, p.rule) && prefixCovers(c, wide, http) {
						earlier = append(earlier, p.rule)
					}
				}
			}
			slices.Sort(earlier)
			for _, e := range earlier {
				narrower = append(narrower, repetition{i, j, e})
			}
			if same := prefixes[prefix]; !r.delegate && len(same) < maxAlike {
				prefixes[prefix] = append(same, place{i, j})
			}
		}
	}
	return equal, narrower
}

// matchText is what a match says, apart from its name.
func matchText(m proto.Message) string {
	if http, ok := m.(*networking.HTTPMatchRequest); ok && http.GetName() != "" {
		bare := proto.Clone(http).(*networking.HTTPMatchRequest)
		bare.Name = ""
		m = bare
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return fmt.Sprintf("%p", m)
	}
	return string(text)
}

// prefixCovers reports whether a match by prefix takes all of a later one, each
// further condition of the first being one of the second, word for word.
func prefixCovers(c comparison, a, b *networking.HTTPMatchRequest) bool {
	return strings.HasPrefix(b.GetUri().GetPrefix(), a.GetUri().GetPrefix()) && a.GetPort() == b.GetPort() &&
		sameOrAny(a.GetMethod(), b.GetMethod()) && sameOrAny(a.GetAuthority(), b.GetAuthority()) &&
		sameOrMore(a.GetHeaders(), b.GetHeaders()) && sameOrMore(a.GetQueryParams(), b.GetQueryParams()) &&
		sameOrMore(a.GetWithoutHeaders(), b.GetWithoutHeaders()) && c.covers(a, b)
}

func sameOrAny(a, b *networking.StringMatch) bool { return a == nil || proto.Equal(a, b) }

func sameOrMore(a, b map[string]*networking.StringMatch) bool {
	for name, m := range a {
		other, ok := b[name]
		if !ok || !proto.Equal(m, other) {
			return false
		}
	}
	return true
}

// unusedRule is a rule that no request reaches, with the ones that take them all.
type unusedRule struct {
	rule    int
	earlier []int
}

// unused finds rules without a match behind another such, and rules all of whose
// matches stand in earlier rules.
func unused(rules []rule) []unusedRule {
	equal, _ := repeated(rules)
	again := map[int][]int{} // for each repeated match of a rule the one before it
	for _, d := range equal {
		again[d.rule] = append(again[d.rule], d.earlier)
	}
	var out []unusedRule
	all := -1
	for i, r := range rules {
		if len(r.matches) == 0 {
			if all >= 0 {
				out = append(out, unusedRule{i, []int{all}})
			}
			if !r.delegate {
				all = i
			}
			continue
		}
		if earlier := distinct(again[i]); len(again[i]) == len(r.matches) && !slices.Contains(earlier, i) {
			out = append(out, unusedRule{i, earlier})
		}
	}
	return out
}

// unusedRules finds rules that no request can reach, by the plain comparison of
// matches.
func unusedRules(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, rules := range rulesOf(spec[*networking.VirtualService](o)) {
		for _, u := range unused(rules) {
			names := make([]string, len(u.earlier))
			for i, e := range u.earlier {
				names[i] = short(rules[e].path)
			}
			f := found(o, rules[u.rule].path, "rule", short(rules[u.rule].path), "earlier", strings.Join(names, ", "))
			f.Fix = []mesh.Edit{{Op: mesh.OpDelete, Path: f.Path}}
			out = append(out, f)
		}
	}
	return out
}

// repeatedMatches finds single matches that an earlier one makes needless.
func repeatedMatches(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, rules := range rulesOf(spec[*networking.VirtualService](o)) {
		equal, narrower := repeated(rules)
		for _, d := range slices.Concat(equal, narrower) {
			r := rules[d.rule]
			f := found(o, fmt.Sprintf("%s.match[%d]", r.path, d.match),
				"match", fmt.Sprintf("%s.match[%d]", short(r.path), d.match), "earlier", short(rules[d.earlier].path))
			if len(r.matches) > 1 {
				f.Fix = []mesh.Edit{{Op: mesh.OpDelete, Path: f.Path}}
			}
			out = append(out, f)
		}
	}
	return out
}

// coveredRules finds HTTP rules and matches that an earlier rule takes every
// request from, beyond what the plain comparison sees.
func coveredRules(_ *Index, o *mesh.Object, _ Evidence) []Found {
	vs := spec[*networking.VirtualService](o)
	rules := rulesOf(vs)[0]
	count := 0
	for _, r := range rules {
		count += max(len(r.matches), 1)
	}
	if count < 2 || count > maxCompared {
		return nil
	}
	c := comparison{}
	told := map[string]bool{} // what the other codes say
	for _, u := range unused(rules) {
		told[rules[u.rule].path] = true
	}
	equal, narrower := repeated(rules)
	for _, d := range slices.Concat(equal, narrower) {
		told[fmt.Sprintf("%s.match[%d]", rules[d.rule].path, d.match)] = true
	}
	var out []Found
	report := func(path string, earlier int) {
		out = append(out, found(o, path, "rule", short(path), "earlier", short(rules[earlier].path)))
	}
	for i, r := range rules {
		if told[r.path] {
			continue
		}
		if len(r.matches) == 0 {
			if e := takenBy(c, vs, i, &networking.HTTPMatchRequest{}, 0); e >= 0 {
				report(r.path, e)
			}
			continue
		}
		by := make([]int, len(r.matches))
		whole := true
		for j := range r.matches {
			by[j] = takenBy(c, vs, i, vs.GetHttp()[i].GetMatch()[j], j)
			whole = whole && by[j] >= 0 && by[j] < i
		}
		if whole {
			report(r.path, slices.Max(by))
			continue
		}
		for j, e := range by {
			if at := fmt.Sprintf("%s.match[%d]", r.path, j); e >= 0 && !told[at] {
				report(at, e)
			}
		}
	}
	return out
}

// takenBy is the first rule that takes every request that a match of rule i
// would take, -1 when it is none or cannot be told. Matches of the same rule
// count as far as before.
func takenBy(c comparison, vs *networking.VirtualService, i int, m *networking.HTTPMatchRequest, before int) int {
	for e, r := range vs.GetHttp()[:i+1] {
		if r.GetDelegate() != nil {
			continue
		}
		matches := r.GetMatch()
		if e == i {
			matches = matches[:min(before, len(matches))]
		} else if len(matches) == 0 {
			return e
		}
		if slices.ContainsFunc(matches, func(a *networking.HTTPMatchRequest) bool { return c.covers(a, m) }) {
			return e
		}
	}
	return -1
}
