package serve

import (
	"iter"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// set is a plan with all its parts made. It is immutable; proxies whose plan is
// the same share it.
type set struct {
	entries  []*entry // as in the plan: by type, then name
	spans    []span
	broken   []*entry       // those without content
	noted    []*entry       // those with findings
	findings []mesh.Finding // of planning
}

type span struct {
	typ      string
	from, to int
}

// resolve makes the parts of a plan. What prev holds with the same key is taken
// from there.
func resolve(m *memo, plan *xds.Plan, prev *set) *set {
	if s, ordered := resolveOrdered(m, plan.Parts, prev); ordered {
		return s
	}
	parts := slices.Clone(plan.Parts)
	slices.SortStableFunc(parts, xds.Part.Compare)
	s, _ := resolveOrdered(m, parts, prev)
	return s
}

// resolveOrdered walks parts and prev side by side, so that the many parts that
// did not change cost one comparison each. It gives up, and says so, when a
// name comes before its predecessor.
func resolveOrdered(m *memo, parts []xds.Part, prev *set) (*set, bool) {
	s := &set{entries: make([]*entry, len(parts))}
	var old []*entry // of the type at hand, from its name on
	for i := range parts {
		p := &parts[i]
		if n := len(s.spans); n == 0 || s.spans[n-1].typ != p.Type {
			if s.of(p.Type) != nil {
				return nil, false
			}
			s.spans = append(s.spans, span{p.Type, i, i})
			old = prev.of(p.Type)
		}
		current := &s.spans[len(s.spans)-1]
		current.to = i + 1
		var e *entry
		if len(old) > 0 && old[0].name == p.Name {
			if old[0].key == p.Key {
				e = old[0]
			}
			old = old[1:]
		} else {
			if i > current.from && parts[i-1].Name > p.Name {
				return nil, false
			}
			for len(old) > 0 && old[0].name < p.Name {
				old = old[1:]
			}
			if len(old) > 0 && old[0].name == p.Name {
				if old[0].key == p.Key {
					e = old[0]
				}
				old = old[1:]
			}
		}
		if e == nil {
			e = m.get(*p)
		}
		if e.content == nil {
			s.broken = append(s.broken, e)
		}
		if len(e.findings) > 0 {
			s.noted = append(s.noted, e)
		}
		s.entries[i] = e
	}
	return s, true
}

// of lists the entries of a type by name.
func (s *set) of(typ string) []*entry {
	if s == nil {
		return nil
	}
	for _, sp := range s.spans {
		if sp.typ == typ {
			return s.entries[sp.from:sp.to]
		}
	}
	return nil
}

// get finds an entry, nil when there is none.
func (s *set) get(typ, name string) *entry {
	all := s.of(typ)
	i, ok := slices.BinarySearchFunc(all, name, compareEntry)
	if !ok {
		return nil
	}
	return all[i]
}

// hosts lists the virtual hosts of a route configuration.
func (s *set) hosts(routes string) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		all := s.of(xds.VirtualHostType)
		prefix := routes + "/"
		i, _ := slices.BinarySearchFunc(all, prefix, compareEntry)
		for ; i < len(all) && strings.HasPrefix(all[i].name, prefix); i++ {
			if routesOf(all[i].name) == routes && !yield(all[i]) {
				return
			}
		}
	}
}

func compareEntry(e *entry, name string) int { return strings.Compare(e.name, name) }

// differences lists what is not the same in two sets, either of which may be
// nil.
func differences(a, b *set) iter.Seq2[string, string] {
	return func(yield func(typ, name string) bool) {
		var types []string
		for _, s := range []*set{a, b} {
			if s == nil {
				continue
			}
			for _, sp := range s.spans {
				if !slices.Contains(types, sp.typ) {
					types = append(types, sp.typ)
				}
			}
		}
		for _, typ := range types {
			x, y := a.of(typ), b.of(typ)
			for len(x) > 0 || len(y) > 0 {
				switch {
				case len(x) > 0 && len(y) > 0 && x[0] == y[0]:
					x, y = x[1:], y[1:]
					continue
				case len(y) == 0 || (len(x) > 0 && x[0].name < y[0].name):
					if !yield(typ, x[0].name) {
						return
					}
					x = x[1:]
				case len(x) == 0 || y[0].name < x[0].name:
					if !yield(typ, y[0].name) {
						return
					}
					y = y[1:]
				default:
					if !yield(typ, x[0].name) {
						return
					}
					x, y = x[1:], y[1:]
				}
			}
		}
	}
}
