package validate

import (
	"slices"
	"strings"
	"sync"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// How much is done to tell what was meant. Somebody who writes has few names
// wrong; a text that has thousands of them must not keep a core for itself.
const (
	// maxGuesses is for how many different names of an object it is asked at all.
	maxGuesses = 20
	// maxNames is with how many names those are compared letter by letter.
	maxNames = 20_000
	// maxAsked is how many names that are like one are looked at more closely.
	maxAsked = 16
)

// near is the word that somebody probably meant by another one; empty when none
// is like it, or two are alike. Of a long name two letters may be wrong.
func near(name string, words []string) string {
	left := len(words)
	return nearFitting(name, words, &left, func(string) bool { return true })
}

// nearFitting is near among the words that fit, which is asked of those alone that
// are like the name. It compares letters as long as anything is left.
func nearFitting(name string, words []string, left *int, fits func(word string) bool) string {
	like, whole := alikeTo(name, words, left)
	if !whole {
		return ""
	}
	return like.fitting(fits)
}

// alike are words that are like a name, by how many letters differ.
type alike [][]string

// alikeTo compares a name with words, as long as anything is left, and reports
// whether it compared all.
func alikeTo(name string, words []string, left *int) (found alike, whole bool) {
	most := 2
	if len(name) < 5 {
		most = 1
	}
	name = strings.ToLower(name)
	found = make(alike, most+1)
	for _, w := range words {
		folded := strings.ToLower(w)
		if len(folded)-len(name) > most || len(name)-len(folded) > most {
			continue
		}
		if *left == 0 {
			return nil, false
		}
		*left--
		if d := config.Distance(name, folded, most); d <= most && d < len(w) && (d == 0 || !sameButNumbers(name, folded)) {
			found[d] = append(found[d], w)
		}
	}
	return found, true
}

// sameButNumbers reports whether two words differ in their digits alone, as v1 and
// v2 do: the one is then not a slip for the other.
func sameButNumbers(a, b string) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	return letters(a) == letters(b)
}

// fitting is the word that is meant: the nearest that fits, if it is one.
func (a alike) fitting(fits func(word string) bool) string {
	asked := 0
	for _, words := range a {
		best := ""
		for _, w := range words {
			if w == best {
				continue
			}
			if asked++; asked > maxAsked {
				return ""
			}
			if !fits(w) {
				continue
			}
			if best != "" {
				return ""
			}
			best = w
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// guesses tell what destinations of one VirtualService probably mean that lead
// nowhere.
type guesses struct {
	x    *Index
	o    *mesh.Object
	seen *sight
	// more and left are how many names are still to be compared, and with how many.
	more, left int
	like       map[[2]string]alike // what they are like, by where they are looked for
	// What is needed only where something is wrong: where the routes lead, the
	// services of the namespace by name, and all hosts.
	taken       func() map[target]bool
	names, full func() []string
}

// target is where a route leads. None is meant twice.
type target struct{ route, host, subset string }

func guessesFor(x *Index, o *mesh.Object, all []destination) *guesses {
	g := &guesses{x: x, o: o, seen: sightOf(x, o.Namespace), more: maxGuesses, left: maxNames, like: map[[2]string]alike{}}
	g.taken = sync.OnceValue(func() map[target]bool {
		x.effort += len(all)
		taken := make(map[target]bool, len(all))
		for _, d := range all {
			taken[g.target(d, d.GetHost(), d.GetSubset())] = true
		}
		return taken
	})
	g.names = sync.OnceValue(func() []string {
		var out []string
		for _, s := range x.In(mesh.KindService, o.Namespace) {
			out = append(out, s.Name)
		}
		return out
	})
	g.full = sync.OnceValue(func() []string {
		var out []string
		for _, kind := range serviceKinds {
			for _, s := range x.All(kind) {
				out = append(out, definedHosts(x.Settings(), s)...)
			}
		}
		return out
	})
	return g
}

// target is where the route of a destination would lead with another host and subset.
func (g *guesses) target(d destination, host, subset string) target {
	return target{d.route(), fullHost(g.x.Settings(), g.o.Namespace, host), subset}
}

// near is what is meant by a name at a path: the one of the words of a place, which
// come in several lists, that fits. It reports whether it was looked for.
func (g *guesses) near(path, place, name string, words func() [][]string, fits func(word string) bool) (word string, sought bool) {
	if g.x.wanted != "" && path != g.x.wanted {
		return "", false
	}
	like, known := g.like[[2]string{place, name}]
	if !known {
		lists := words()
		if !slices.ContainsFunc(lists, func(list []string) bool { return len(list) > 0 }) {
			return "", true
		}
		if g.more == 0 {
			return "", false
		}
		g.more--
		before := g.left
		var whole bool
		like, whole = alikeTo(name, slices.Concat(lists...), &g.left)
		g.x.effort += before - g.left
		if !whole {
			return "", false
		}
		g.like[[2]string{place, name}] = like
	}
	return like.fitting(fits), true
}

// host is the host that a destination without a service probably means, as it
// would be written there: one that has what the destination asks for besides.
func (g *guesses) host(path string, d destination) (host string, sought bool) {
	words := g.full
	if !strings.ContainsAny(d.GetHost(), ".*") {
		words = g.names
	}
	return g.near(path, "", d.GetHost(), func() [][]string { return [][]string{words()} }, func(host string) bool {
		if g.taken()[g.target(d, host, d.GetSubset())] {
			return false
		}
		offers := g.seen.meant(host)
		ports, _ := somePorts(offers)
		switch {
		case len(offers) == 0:
			return false
		case d.GetPort() != nil && !offersPort(offers, d.GetPort().GetNumber()):
			return false
		case d.GetPort() == nil && len(ports) != 1:
			return false
		}
		return d.GetSubset() == "" || g.seen.hasSubset(host, d.GetSubset())
	})
}

// subset is the subset of its host that a destination probably means.
func (g *guesses) subset(path string, d destination) (subset string, sought bool) {
	defined := func() [][]string { return g.seen.subsetsOf(d.GetHost()) }
	return g.near(path, d.GetHost(), d.GetSubset(), defined, func(subset string) bool {
		return !g.taken()[g.target(d, d.GetHost(), subset)]
	})
}
