package validate

import (
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

// Remedy mends a finding in another object than the one at fault.
type Remedy struct {
	// Does says what it does, in a word that programs know, with its parameters.
	Does   Deed
	Params map[string]string
	Ref    mesh.Ref
	Edits  []mesh.Edit // of the object's text
	Text   string      // of the object, where it is to be made
}

// Deed is what a Remedy does.
type Deed string

const (
	// AddSubsets adds subsets to the DestinationRule of a host.
	AddSubsets Deed = "addSubsets"
	// MakeRule makes the DestinationRule of a host, with subsets.
	MakeRule Deed = "makeRule"
)

// Wanted is a finding that somebody asks about.
type Wanted struct {
	Code string
	Ref  mesh.Ref
	Path string
}

func (w Wanted) is(f mesh.Finding) bool {
	return f.Code == w.Code && f.Ref == w.Ref && f.Path == w.Path
}

// maxMending is how many objects are looked at for remedies of one answer. What
// it does not suffice for is found when somebody asks about that finding alone.
const maxMending = 100_000

// Mend is one finding about a snapshot with its fixes, those in other objects
// too. Its fix is looked for however much else is wrong with the object. False
// says that there is no such finding any more.
func Mend(s *mesh.Snapshot, e Evidence, w Wanted) (mesh.Finding, []Remedy, bool) {
	x, list := only(s, e, w)
	if len(list) == 0 {
		return mesh.Finding{}, nil, false
	}
	remedies, _ := elsewhere(x, w, map[string]bool{w.Path: true})
	if r := remedies[w.Path]; r != nil {
		return list[0], []Remedy{*r}, true
	}
	return list[0], nil, true
}

// only does the part of one check that a finding comes from, and gives what it
// says at that place.
func only(s *mesh.Snapshot, e Evidence, w Wanted) (x *Index, out []mesh.Finding) {
	defer guard(Options{}, func(Fault) { out = nil })
	x = newIndex(s)
	c := checkOf(w.Code)
	o, there := x.Get(w.Ref)
	if c == nil || !there {
		return x, nil
	}
	keys := keysOf(s, c)
	if slices.Contains(c.On, o.Kind) {
		keys = c.Keys(s.Settings, o)
	}
	own := *x
	own.wanted = w.Path
	for _, k := range distinct(keys) {
		u := &unit{check: c, key: k}
		u.run(&own, e, false)
		for _, f := range u.found {
			if w.is(f) {
				out = append(out, f)
			}
		}
	}
	return x, out
}

// checkOf is the check of a code; nil when none has it.
func checkOf(code string) *Check {
	for i := range List {
		if List[i].Code == code {
			return &List[i]
		}
	}
	return nil
}

// elsewhere are the fixes in other objects of what a check found in one, by the
// paths of the findings, and whether all were looked for.
func elsewhere(x *Index, w Wanted, paths map[string]bool) (remedies map[string]*Remedy, whole bool) {
	c := checkOf(w.Code)
	o, there := x.Get(w.Ref)
	if c == nil || c.Elsewhere == nil || !there {
		return nil, true
	}
	// A fault here costs the remedies, which nobody was promised.
	defer guard(Options{}, func(Fault) { remedies, whole = nil, true })
	return c.Elsewhere(x, o, paths)
}
