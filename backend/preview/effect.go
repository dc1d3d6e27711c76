package preview

import (
	"cmp"
	"context"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Scene is what an effect is worked out from.
type Scene struct {
	Before, After *mesh.Snapshot
	// Proxies are those connected.
	Proxies []serve.Connected
	// PlanBefore and PlanAfter say what a proxy gets of the two snapshots.
	// Proxies of one class must be given the same plan, by pointer.
	PlanBefore, PlanAfter func(xds.Proxy) *xds.Plan
	// Make makes a part, or remembers what became of it.
	Make func(xds.Part) serve.Made
}

// Op says what becomes of a resource at a proxy.
type Op string

// What becomes of resources.
const (
	Added   Op = "added"
	Changed Op = "changed"
	Removed Op = "removed"
)

// Resource is one Envoy resource that a change concerns.
type Resource struct {
	Type, Name    string
	Op            Op
	Before, After serve.Made
	From          []mesh.Ref // the objects it comes from
}

// Effect is the same change of the same resources at one or more proxies.
type Effect struct {
	ID        string // names the effect, the same each time it is worked out
	Proxies   []serve.Connected
	Resources []Resource // by type and name
	Unchanged int        // resources that each of these proxies keeps as they are
	Bytes     int        // that each of them is sent
}

// Effects works out what a change does to proxies: those that get the same are
// one effect, those that get nothing new are in none. Only parts whose keys
// differ are made. The findings are those of making them, before and after. The
// only error is that of ctx, when it ends first.
func Effects(ctx context.Context, s Scene) (effects []*Effect, before, after []mesh.Finding, err error) {
	w := &worker{ctx: ctx, scene: s, moves: map[move]*step{}, byID: map[mesh.Hash]*Effect{}, pairs: map[[2]*xds.Plan]*Effect{}}
	for _, p := range s.Proxies {
		w.add(p)
		if err := ctx.Err(); err != nil {
			return nil, nil, nil, err // what was worked out may be half of it
		}
	}
	for _, e := range w.byID {
		effects = append(effects, e)
	}
	slices.SortFunc(effects, func(a, b *Effect) int { return cmp.Compare(a.ID, b.ID) })
	return effects, w.before, w.after, nil
}

// move is from one list of parts to another, each the same slice for all
// proxies that have it in common.
type move struct{ from, to *xds.Plan }

// step is what differs between two lists.
type step struct {
	resources []Resource
	unchanged int
}

type worker struct {
	ctx           context.Context // of one run of Effects
	scene         Scene
	moves         map[move]*step
	pairs         map[[2]*xds.Plan]*Effect
	byID          map[mesh.Hash]*Effect
	before, after []mesh.Finding
}

func (w *worker) add(p serve.Connected) {
	from, to := w.scene.PlanBefore(p.Proxy), w.scene.PlanAfter(p.Proxy)
	if from == nil || to == nil {
		return
	}
	pair := [2]*xds.Plan{from, to}
	e, known := w.pairs[pair]
	if !known {
		e = w.effect(from, to)
		w.pairs[pair] = e
	}
	if e != nil {
		e.Proxies = append(e.Proxies, p)
	}
}

// effect is what a proxy with these plans meets; nil when that is nothing.
func (w *worker) effect(from, to *xds.Plan) *Effect {
	own := w.step(move{from, to}, from.Parts, to.Parts)
	e := &Effect{Resources: own.resources, Unchanged: own.unchanged}
	if from.Base != nil || to.Base != nil {
		base := w.step(move{from.Base, to.Base}, partsOf(from.Base), partsOf(to.Base))
		e.Resources = slices.Concat(own.resources, base.resources)
		e.Unchanged += base.unchanged
	}
	if len(e.Resources) == 0 {
		return nil
	}
	slices.SortFunc(e.Resources, func(a, b Resource) int {
		return xds.Part{Type: a.Type, Name: a.Name}.Compare(xds.Part{Type: b.Type, Name: b.Name})
	})
	var said []string
	for _, r := range e.Resources {
		said = append(said, r.Type, r.Name, string(r.Op), r.Before.Version, r.After.Version)
	}
	id := mesh.HashOf(said...)
	if have, ok := w.byID[id]; ok {
		return have
	}
	e.ID = id.String()
	e.Bytes = w.bytes(e.Resources, to)
	w.byID[id] = e
	return e
}

func partsOf(p *xds.Plan) []xds.Part {
	if p == nil {
		return nil
	}
	return p.Parts
}

// step compares two lists, both by type and name.
func (w *worker) step(m move, from, to []xds.Part) *step {
	if have, ok := w.moves[m]; ok {
		return have
	}
	s := &step{}
	for (len(from) > 0 || len(to) > 0) && w.ctx.Err() == nil {
		order := 0
		switch {
		case len(from) == 0:
			order = 1
		case len(to) == 0:
			order = -1
		default:
			order = from[0].Compare(to[0])
		}
		switch {
		case order < 0:
			w.differs(s, &from[0], nil)
			from = from[1:]
		case order > 0:
			w.differs(s, nil, &to[0])
			to = to[1:]
		default:
			if from[0].Key == to[0].Key {
				s.unchanged++
			} else {
				w.differs(s, &from[0], &to[0])
			}
			from, to = from[1:], to[1:]
		}
	}
	w.moves[m] = s
	return s
}

// differs notes a part that is not the same before and after. Parts can differ
// while the resource is the same; and of what cannot be made proxies keep what
// they have.
func (w *worker) differs(s *step, from, to *xds.Part) {
	r := Resource{Op: Changed}
	if from != nil {
		r.Type, r.Name, r.From = from.Type, from.Name, from.From
		r.Before = w.scene.Make(*from)
		w.before = append(w.before, r.Before.Findings...)
	}
	if to != nil {
		r.Type, r.Name, r.From = to.Type, to.Name, to.From
		r.After = w.scene.Make(*to)
		w.after = append(w.after, r.After.Findings...)
	}
	switch {
	case to == nil:
		r.Op = Removed
	case r.After.Version == "" || r.After.Version == r.Before.Version:
		s.unchanged++
		return
	case r.Before.Version == "":
		r.Op = Added
	}
	s.resources = append(s.resources, r)
}

// bytes is what a proxy is sent: what is new, the names of what goes, and the
// endpoints that follow each cluster.
func (w *worker) bytes(resources []Resource, plan *xds.Plan) int {
	sent := map[string]bool{}
	total := 0
	for _, r := range resources {
		if r.Type == xds.EndpointType && r.Op != Removed {
			sent[r.Name] = true
		}
		if r.Op == Removed {
			total += len(r.Name)
		} else {
			total += r.After.Bytes
		}
	}
	for _, r := range resources {
		name := r.After.Endpoints
		if r.Type != xds.ClusterType || name == "" || sent[name] {
			continue
		}
		sent[name] = true
		if p, ok := find(plan, xds.EndpointType, name); ok {
			total += w.scene.Make(p).Bytes
		}
	}
	return total
}

// find is one part of a plan.
func find(plan *xds.Plan, typ, name string) (xds.Part, bool) {
	for _, list := range [][]xds.Part{plan.Parts, partsOf(plan.Base)} {
		if i, ok := slices.BinarySearchFunc(list, xds.Part{Type: typ, Name: name}, xds.Part.Compare); ok {
			return list[i], true
		}
	}
	return xds.Part{}, false
}
