package serve

import (
	"iter"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// set is a plan with all its parts made. It is immutable; proxies whose plan is
// the same share it, and those whose plans have the same base share that.
type set struct {
	base     *layer // nil where the plan has none
	own      *layer
	findings []mesh.Finding // of planning
}

// layers of a set, none of them nil; what is asked for often comes first.
func (s *set) layers() []*layer {
	switch {
	case s == nil:
		return nil
	case s.base == nil:
		return []*layer{s.own}
	}
	return []*layer{s.own, s.base}
}

// layer is a list of parts, all made: those of a base, or those beyond it.
type layer struct {
	entries []*entry // as in the plan: by type, then name
	spans   []span
	broken  []*entry // those without content
	noted   []*entry // those with findings
}

type span struct {
	typ      string
	from, to int
}

// resolve makes parts. What prev holds with the same key is taken from there.
func resolve(m *memo, parts []xds.Part, prev *layer) *layer {
	if s, ordered := resolveOrdered(m, parts, prev); ordered {
		return s
	}
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, xds.Part.Compare)
	s, _ := resolveOrdered(m, parts, prev)
	return s
}

// resolveOrdered walks parts and prev side by side, so that the many parts that
// did not change cost one comparison each. It gives up, and says so, when a
// name comes before its predecessor.
func resolveOrdered(m *memo, parts []xds.Part, prev *layer) (*layer, bool) {
	s := &layer{entries: make([]*entry, len(parts))}
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
func (l *layer) of(typ string) []*entry {
	if l == nil {
		return nil
	}
	for _, sp := range l.spans {
		if sp.typ == typ {
			return l.entries[sp.from:sp.to]
		}
	}
	return nil
}

// of lists the entries of a type.
func (s *set) of(typ string) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, l := range s.layers() {
			for _, e := range l.of(typ) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// get finds an entry, nil when there is none.
func (s *set) get(typ, name string) *entry {
	for _, l := range s.layers() {
		all := l.of(typ)
		if i, ok := slices.BinarySearchFunc(all, name, compareEntry); ok {
			return all[i]
		}
	}
	return nil
}

// hosts lists the virtual hosts of a route configuration.
func (s *set) hosts(routes string) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		prefix := routes + "/"
		for _, l := range s.layers() {
			all := l.of(xds.VirtualHostType)
			i, _ := slices.BinarySearchFunc(all, prefix, compareEntry)
			for ; i < len(all) && strings.HasPrefix(all[i].name, prefix); i++ {
				if routesOf(all[i].name) == routes && !yield(all[i]) {
					return
				}
			}
		}
	}
}

// broken lists the entries without content.
func (s *set) broken() []*entry {
	var list []*entry
	for _, l := range s.layers() {
		list = append(list, l.broken...)
	}
	return list
}

// noted lists the entries with findings.
func (s *set) noted() []*entry {
	var list []*entry
	for _, l := range s.layers() {
		list = append(list, l.noted...)
	}
	return list
}

func compareEntry(e *entry, name string) int { return strings.Compare(e.name, name) }

// differences lists what is not the same in two layers, either of which may be
// nil.
func differences(a, b *layer) []resourceKey {
	if a == b {
		return nil
	}
	var types []string
	for _, l := range []*layer{a, b} {
		if l == nil {
			continue
		}
		for _, sp := range l.spans {
			if !slices.Contains(types, sp.typ) {
				types = append(types, sp.typ)
			}
		}
	}
	var list []resourceKey
	for _, typ := range types {
		x, y := a.of(typ), b.of(typ)
		for len(x) > 0 || len(y) > 0 {
			switch {
			case len(x) > 0 && len(y) > 0 && x[0] == y[0]:
				x, y = x[1:], y[1:]
			case len(y) == 0 || (len(x) > 0 && x[0].name < y[0].name):
				list = append(list, resourceKey{typ, x[0].name})
				x = x[1:]
			case len(x) == 0 || y[0].name < x[0].name:
				list = append(list, resourceKey{typ, y[0].name})
				y = y[1:]
			default:
				list = append(list, resourceKey{typ, x[0].name})
				x, y = x[1:], y[1:]
			}
		}
	}
	return list
}
