package validate

import (
	"cmp"
	"slices"
	"sync"

	"github.com/heddle-mesh/heddle/mesh"
)

// Lookup finds objects by something that they say: services by host name, pods
// by label. Lookups are package variables, listed in lookups.
type Lookup struct {
	Name  string
	Kinds []mesh.Kind
	// Values are what an object is found by.
	Values func(set mesh.Settings, o *mesh.Object) []string
}

// token is one thing that a check can have looked at. A change of an object
// touches the tokens of its old and its new content.
type token struct {
	lookup *Lookup // nil for the three ways below
	kind   mesh.Kind
	// scope and name: both for one object, scope alone for a namespace,
	// neither for all of a kind. For a Lookup name is the value.
	scope, name string
	whole       bool // all objects of a namespace, or of the kind when scope is empty too
}

// Index is what a check sees of the mesh. What it gives must not be changed.
type Index struct {
	snapshot *mesh.Snapshot
	values   map[*Lookup]map[string][]*mesh.Object
	texts    *sync.Map   // what texts that objects hold came to; see readOnce
	note     func(token) // nil where nobody asks what was looked at
	effort   int         // objects that were given, and names that were compared
	wanted   string      // the path of the one finding that is asked about; empty is all
}

// newIndex reads a whole snapshot.
func newIndex(s *mesh.Snapshot) *Index {
	x := &Index{snapshot: s, values: make(map[*Lookup]map[string][]*mesh.Object, len(lookups)), texts: &sync.Map{}}
	for _, l := range lookups {
		by := map[string][]*mesh.Object{}
		for _, kind := range l.Kinds {
			for _, o := range s.Kind(kind) {
				for _, v := range distinct(l.Values(s.Settings, o)) {
					by[v] = append(by[v], o)
				}
			}
		}
		x.values[l] = by
	}
	return x
}

// few is how long a list may be to be searched one by one.
const few = 16

// distinct is the list without repetitions, in its order.
func distinct[T comparable](list []T) []T {
	if len(list) < 2 {
		return list
	}
	out := list[:0:0]
	if len(list) <= few {
		for _, v := range list {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
		return out
	}
	seen := make(map[T]bool, len(list))
	for _, v := range list {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

func (x *Index) read(t token) {
	if x.note != nil {
		x.note(t)
	}
}

// readOnce is what a text that an object holds comes to. Reading it is dear, and
// many units of work ask for the same; each object is read in one way only.
func readOnce[T any](x *Index, o *mesh.Object, read func() T) T {
	v, _ := x.texts.LoadOrStore(o, sync.OnceValue(func() any { return read() }))
	return v.(func() any)().(T)
}

// Settings are those of the mesh.
func (x *Index) Settings() mesh.Settings { return x.snapshot.Settings }

// Get finds one object.
func (x *Index) Get(r mesh.Ref) (*mesh.Object, bool) {
	x.read(token{kind: r.Kind, scope: r.Namespace, name: r.Name})
	x.effort++
	return x.snapshot.Get(r)
}

// All are the objects of a kind, by namespace and name. A check that uses it
// runs again whenever any of them changes: prefer By and In.
func (x *Index) All(kind mesh.Kind) []*mesh.Object {
	x.read(token{kind: kind, whole: true})
	all := x.snapshot.Kind(kind)
	x.effort += len(all)
	return all
}

// In are the objects of a kind in one namespace, by name.
func (x *Index) In(kind mesh.Kind, namespace string) []*mesh.Object {
	x.read(token{kind: kind, scope: namespace, whole: true})
	all := x.snapshot.Kind(kind)
	from, _ := slices.BinarySearchFunc(all, namespace, func(o *mesh.Object, ns string) int {
		if o.Namespace < ns {
			return -1
		}
		return 1
	})
	to := from
	for to < len(all) && all[to].Namespace == namespace {
		to++
	}
	x.effort += to - from
	return all[from:to:to]
}

// By are the objects that a lookup finds for a value, by kind, namespace and name.
func (x *Index) By(l *Lookup, value string) []*mesh.Object {
	x.read(token{lookup: l, name: value})
	found := x.values[l][value]
	x.effort += len(found)
	return found
}

// has reports whether a lookup finds any object for a value.
func (x *Index) has(l *Lookup, value string) bool {
	x.read(token{lookup: l, name: value})
	x.effort++
	return len(x.values[l][value]) > 0
}

// count is how many objects a lookup finds for a value. It gives none, so it is no
// effort.
func (x *Index) count(l *Lookup, value string) int {
	x.read(token{lookup: l, name: value})
	return len(x.values[l][value])
}

// tokens are all that a change of o touches.
func tokens(set mesh.Settings, o *mesh.Object) []token {
	out := []token{
		{kind: o.Kind, scope: o.Namespace, name: o.Name},
		{kind: o.Kind, scope: o.Namespace, whole: true},
		{kind: o.Kind, whole: true},
	}
	for _, l := range lookups {
		if !slices.Contains(l.Kinds, o.Kind) {
			continue
		}
		for _, v := range distinct(l.Values(set, o)) {
			out = append(out, token{lookup: l, name: v})
		}
	}
	return out
}

// replace puts is in the place of was; either may be nil.
func (x *Index) replace(was, is *mesh.Object) {
	set := x.Settings()
	for _, l := range lookups {
		by := x.values[l]
		if was != nil && slices.Contains(l.Kinds, was.Kind) {
			for _, v := range distinct(l.Values(set, was)) {
				// By reference: a snapshot that was not built from the one before
				// holds other values for what did not change.
				rest := slices.DeleteFunc(slices.Clone(by[v]), func(o *mesh.Object) bool { return o.Ref == was.Ref })
				if len(rest) == 0 {
					delete(by, v)
				} else {
					by[v] = rest
				}
			}
		}
		if is != nil && slices.Contains(l.Kinds, is.Kind) {
			for _, v := range distinct(l.Values(set, is)) {
				at, _ := slices.BinarySearchFunc(by[v], is, l.compare)
				by[v] = slices.Insert(slices.Clone(by[v]), at, is)
			}
		}
	}
}

// compare is the order in which a lookup gives objects.
func (l *Lookup) compare(a, b *mesh.Object) int {
	return cmp.Or(
		cmp.Compare(slices.Index(l.Kinds, a.Kind), slices.Index(l.Kinds, b.Kind)),
		a.Ref.Compare(b.Ref),
	)
}
