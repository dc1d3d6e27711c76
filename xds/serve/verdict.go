package serve

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// witnesses is how many different workloads must refuse content before nobody
// is sent it any more. The word of one is not enough: a proxy that refuses
// everything, out of malice or because it is broken, would take configuration
// from the whole mesh.
const witnesses = 2

// verdict is one content that a proxy rejected. It is immutable.
type verdict struct {
	Type, Name, Version string
	Words               string // those of the proxy that was first
	Proxy               string
	At                  time.Time
	// By are the workloads that rejected it. It is empty where one proxy alone
	// did so, and others of its workload accept it.
	By []string
	// Lives is true when another workload accepted it.
	Lives bool
	// Blamed are the objects that the resource came from, with their content
	// when it was last wanted, the guilty one first.
	Blamed []blamedObject
}

type blamedObject struct {
	Ref  mesh.Ref
	Hash mesh.Hash
}

// everywhere reports whether no proxy at all is sent the content.
func (v *verdict) everywhere() bool { return len(v.By) >= witnesses && !v.Lives }

// binds reports whether the proxies of a workload are not sent the content.
func (v *verdict) binds(variant string) bool { return v.everywhere() || slices.Contains(v.By, variant) }

// current reports whether the objects are all as they were.
func (v *verdict) current(snap *mesh.Snapshot) bool {
	return !slices.ContainsFunc(v.Blamed, func(b blamedObject) bool { return objectHash(snap, b.Ref) != b.Hash })
}

// keptFor is how long a verdict on content that is still wanted is safe from
// others that need its place.
const keptFor = 24 * time.Hour

// spent reports whether the verdict may make room.
func (v *verdict) spent(snap *mesh.Snapshot, now time.Time) bool {
	return !v.current(snap) || now.Sub(v.At) > keptFor
}

// finding tells the verdict at the guilty object.
func (v *verdict) finding() mesh.Finding {
	refs := v.refs()
	if len(refs) == 0 {
		refs = append(refs, mesh.Ref{})
	}
	return mesh.Finding{
		Code: mesh.CodeRejected, Severity: mesh.Error, Phase: mesh.PhaseDelivery, Ref: refs[0], Related: refs[1:],
		Message: fmt.Sprintf("Proxy %s rejected %s %s, which comes of this object: %s. It goes on with what it accepted last; correct the object.",
			v.Proxy, short(v.Type), v.Name, strings.TrimRight(v.Words, ". \t\r\n")),
		Params: map[string]string{
			"proxy": v.Proxy, "type": short(v.Type), "resource": v.Name, "error": v.Words,
		},
	}
}

func (v *verdict) refs() []mesh.Ref {
	refs := make([]mesh.Ref, 0, len(v.Blamed))
	for _, b := range v.Blamed {
		refs = append(refs, b.Ref)
	}
	return refs
}

func blame(from []mesh.Ref, snap *mesh.Snapshot) []blamedObject {
	blamed := make([]blamedObject, 0, len(from))
	for _, ref := range from {
		blamed = append(blamed, blamedObject{ref, objectHash(snap, ref)})
	}
	return blamed
}

func objectHash(snap *mesh.Snapshot, ref mesh.Ref) mesh.Hash {
	if snap == nil {
		return mesh.Hash{}
	}
	o, ok := snap.Get(ref)
	if !ok {
		return mesh.Hash{}
	}
	return o.Hash
}

// lastChanges knows with which snapshot an object changed last, of those that
// changed while this process ran.
type lastChanges map[mesh.Ref]uint64

// note takes in the step from one snapshot to the next. The first one says
// nothing about what is new.
func (c lastChanges) note(prev, next *mesh.Snapshot, seq uint64) {
	if prev == nil {
		return
	}
	d := mesh.Diff(prev, next)
	for _, ref := range d.Removed {
		delete(c, ref)
	}
	for _, ref := range append(d.Added, d.Changed...) {
		if objectHash(prev, ref) != objectHash(next, ref) {
			c[ref] = seq
		}
	}
}

// guiltiest sorts what a resource came from: the object first whose change
// brought it about, and of those that changed together the most specific, as
// which parts name it first.
func (c lastChanges) guiltiest(from []mesh.Ref) []mesh.Ref {
	sorted := slices.Clone(from)
	slices.SortStableFunc(sorted, func(a, b mesh.Ref) int {
		switch {
		case c[a] > c[b]:
			return -1
		case c[a] < c[b]:
			return 1
		}
		return 0
	})
	return sorted
}

// stillFirst moves a ref to the front, where it is in the list.
func stillFirst(refs []mesh.Ref, first mesh.Ref) []mesh.Ref {
	i := slices.Index(refs, first)
	if i <= 0 {
		return refs
	}
	return slices.Insert(slices.Delete(slices.Clone(refs), i, i+1), 0, first)
}
