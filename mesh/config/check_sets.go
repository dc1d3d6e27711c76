package config

import "strings"

// Lists in objects are nearly always short, but nothing keeps them so: what is
// compared with everything before it is found in sets, so that the time for an
// object grows with its size and not with its square.

// earlier remembers what was there before. The zero value is empty.
type earlier[K comparable] struct {
	few  [8]K
	n    int
	many map[K]struct{}
}

// knows reports whether k was there before.
func (e *earlier[K]) knows(k K) bool {
	if e.many != nil {
		_, has := e.many[k]
		return has
	}
	for i := range e.n {
		if e.few[i] == k {
			return true
		}
	}
	return false
}

// has reports whether k was there before, and remembers it.
func (e *earlier[K]) has(k K) bool {
	switch {
	case e.knows(k):
		return true
	case e.many != nil:
		e.many[k] = struct{}{}
		return false
	case e.n < len(e.few):
		e.few[e.n] = k
		e.n++
		return false
	}
	e.many = make(map[K]struct{}, 4*len(e.few))
	for _, old := range e.few {
		e.many[old] = struct{}{}
	}
	e.many[k] = struct{}{}
	return false
}

// hostSet answers which of many hosts, some with wildcards, a host belongs to.
type hostSet struct {
	exact map[string]bool
	wide  map[string]bool // what stands behind the * of a wildcard
}

func newHostSet(hosts []string) hostSet {
	s := hostSet{exact: make(map[string]bool, len(hosts)), wide: map[string]bool{}}
	for _, h := range hosts {
		s.exact[h] = true
		if suffix, ok := strings.CutPrefix(h, "*"); ok {
			s.wide[suffix] = true
		}
	}
	return s
}

// cover finds a wildcard of the set, other than h itself, that h belongs to.
func (s hostSet) cover(h string) (string, bool) {
	if len(s.wide) == 0 {
		return "", false
	}
	from := 0
	if strings.HasPrefix(h, "*") {
		from = 2
	}
	for i := from; i <= len(h); i++ {
		if s.wide[h[i:]] {
			return "*" + h[i:], true
		}
	}
	return "", false
}

// has reports whether all names of the host h belong to the set.
func (s hostSet) has(h string) bool {
	_, covered := s.cover(h)
	return covered || s.exact[h]
}
