package validate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// routeChecks look at the routes of one VirtualService alone.
var routeChecks = []Check{
	{
		Code: "HDL1101", Severity: mesh.Warning, SameAs: []string{"IST0130"},
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(unusedRules),
	},
	{
		Code: "HDL1102", Severity: mesh.Info, SameAs: []string{"IST0131"},
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(repeatedMatches),
	},
	{
		Code: "HDL1103", Severity: mesh.Warning,
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(coveredRules),
	},
	{
		Code: "HDL1104", Severity: mesh.Warning,
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(uneasyWeights),
	},
	{
		Code: "HDL1105", Severity: mesh.Warning, SameAs: []string{"KIA1104"},
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(lonelyWeights),
	},
	{
		Code: "HDL1106", Severity: mesh.Warning, SameAs: []string{"KIA1105"},
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(repeatedDestinations),
	},
	{
		Code: "HDL1107", Severity: mesh.Warning,
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(retriesCutOff),
	},
	{
		Code: "HDL1108", Severity: mesh.Warning,
		On: virtualServices, Keys: eachObject, Reads: virtualServices,
		Run: forObject(costlyExpressions),
	},
}

// share is one destination of a route with its weight.
type share struct {
	to     *networking.Destination
	weight int32
}

// split is how one route shares what it gets.
type split struct {
	path   string // "spec.http[0].route"
	shares []share
}

// weighted is what the destinations of all protocols have in common.
type weighted interface {
	GetDestination() *networking.Destination
	GetWeight() int32
}

func splitOf[T weighted](path string, route []T) split {
	s := split{path: path, shares: make([]share, len(route))}
	for i, d := range route {
		s.shares[i] = share{d.GetDestination(), d.GetWeight()}
	}
	return s
}

func splitsOf(vs *networking.VirtualService) []split {
	var out []split
	for i, r := range vs.GetHttp() {
		out = append(out, splitOf(fmt.Sprintf("spec.http[%d].route", i), r.GetRoute()))
	}
	for i, r := range vs.GetTls() {
		out = append(out, splitOf(fmt.Sprintf("spec.tls[%d].route", i), r.GetRoute()))
	}
	for i, r := range vs.GetTcp() {
		out = append(out, splitOf(fmt.Sprintf("spec.tcp[%d].route", i), r.GetRoute()))
	}
	return out
}

// uneasyWeights finds routes to several destinations whose weights do not sum
// to 100. They are shares of their sum, not percentages.
func uneasyWeights(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, s := range splitsOf(spec[*networking.VirtualService](o)) {
		sum := int64(0)
		for _, d := range s.shares {
			sum += int64(max(d.weight, 0))
		}
		if len(s.shares) < 2 || sum == 0 || sum == 100 {
			continue
		}
		percent := percentages(s.shares, sum)
		text := make([]string, len(percent))
		f := found(o, s.path)
		for i, p := range percent {
			text[i] = strconv.FormatInt(p, 10)
			if p != int64(s.shares[i].weight) {
				f.Fix = append(f.Fix, mesh.Edit{Op: mesh.OpSet, Path: fmt.Sprintf("%s[%d].weight", s.path, i), Value: text[i]})
			}
		}
		f.Params = map[string]string{"sum": strconv.FormatInt(sum, 10), "percent": strings.Join(text, ", ")}
		out = append(out, f)
	}
	return out
}

// percentages are what weights come to, in whole percent that sum to 100.
func percentages(shares []share, sum int64) []int64 {
	out := make([]int64, len(shares))
	order := make([]int, len(shares))
	left := int64(100)
	for i, s := range shares {
		out[i] = int64(max(s.weight, 0)) * 100 / sum
		left -= out[i]
		order[i] = i
	}
	rest := func(i int) int64 { return int64(max(shares[i].weight, 0)) * 100 % sum }
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rest(a) > rest(b):
			return -1
		case rest(a) < rest(b):
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}

// lonelyWeights finds a weight of the only destination of a route.
func lonelyWeights(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, s := range splitsOf(spec[*networking.VirtualService](o)) {
		if len(s.shares) != 1 || s.shares[0].weight <= 0 || s.shares[0].weight == 100 {
			continue
		}
		f := found(o, s.path+"[0].weight", "weight", strconv.Itoa(int(s.shares[0].weight)))
		f.Fix = []mesh.Edit{{Op: mesh.OpDelete, Path: f.Path}}
		out = append(out, f)
	}
	return out
}

// repeatedDestinations finds the same destination twice in a route.
func repeatedDestinations(x *Index, o *mesh.Object, _ Evidence) []Found {
	type key struct {
		host, subset string
		port         uint32
	}
	var out []Found
	for _, s := range splitsOf(spec[*networking.VirtualService](o)) {
		seen := map[key]bool{}
		for i, d := range s.shares {
			k := key{fullHost(x.Settings(), o.Namespace, d.to.GetHost()), d.to.GetSubset(), d.to.GetPort().GetNumber()}
			if seen[k] {
				name := d.to.GetHost()
				if k.subset != "" {
					name += " (" + k.subset + ")"
				}
				out = append(out, found(o, fmt.Sprintf("%s[%d].destination", s.path, i), "destination", name))
			}
			seen[k] = true
		}
	}
	return out
}

// retriesCutOff finds routes whose time-out ends before all tries have had the
// time that they were given.
func retriesCutOff(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for i, r := range spec[*networking.VirtualService](o).GetHttp() {
		whole, each := r.GetTimeout().AsDuration(), r.GetRetries().GetPerTryTimeout().AsDuration()
		attempts := r.GetRetries().GetAttempts()
		if whole <= 0 || each <= 0 || attempts <= 0 || each > math.MaxInt64/time.Duration(attempts) {
			continue
		}
		if need := each * time.Duration(attempts); need > whole {
			out = append(out, found(o, fmt.Sprintf("spec.http[%d].timeout", i),
				"timeout", whole.String(), "attempts", strconv.Itoa(int(attempts)), "each", each.String(), "need", need.String()))
		}
	}
	return out
}
