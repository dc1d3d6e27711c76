package graph

import (
	"reflect"
	"slices"
	"strings"
)

// Patch turns one graph into another, element by element.
type Patch struct {
	Nodes        []Node   `json:"nodes,omitempty"` // new or changed, by ID
	Edges        []Edge   `json:"edges,omitempty"`
	RemovedNodes []string `json:"removedNodes,omitempty"`
	RemovedEdges []string `json:"removedEdges,omitempty"`
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool {
	return len(p.Nodes)+len(p.Edges)+len(p.RemovedNodes)+len(p.RemovedEdges) == 0
}

// Diff is the patch that makes old into new. A nil graph is an empty one.
func Diff(old, new *Graph) Patch {
	if old == nil {
		old = &Graph{}
	}
	if new == nil {
		new = &Graph{}
	}
	var p Patch
	p.Nodes, p.RemovedNodes = elements(old.Nodes, new.Nodes, func(n Node) string { return n.ID })
	p.Edges, p.RemovedEdges = elements(old.Edges, new.Edges, func(e Edge) string { return e.ID })
	return p
}

// Apply makes the patched graph; g is left as it is. Parts and Workloads are not
// part of patches, and the patched graph has none.
func (p Patch) Apply(g *Graph) *Graph {
	out := *g
	out.Parts, out.Workloads = nil, nil
	out.Nodes = patched(g.Nodes, p.Nodes, p.RemovedNodes, func(n Node) string { return n.ID })
	out.Edges = patched(g.Edges, p.Edges, p.RemovedEdges, func(e Edge) string { return e.ID })
	return &out
}

// elements compares two lists that are ordered by id.
func elements[T any](old, new []T, id func(T) string) (changed []T, removed []string) {
	i := 0
	for _, n := range new {
		for i < len(old) && id(old[i]) < id(n) {
			removed = append(removed, id(old[i]))
			i++
		}
		if i < len(old) && id(old[i]) == id(n) {
			if !reflect.DeepEqual(old[i], n) {
				changed = append(changed, n)
			}
			i++
			continue
		}
		changed = append(changed, n)
	}
	for ; i < len(old); i++ {
		removed = append(removed, id(old[i]))
	}
	return changed, removed
}

func patched[T any](list, changed []T, removed []string, id func(T) string) []T {
	replaced := map[string]bool{}
	for _, r := range removed {
		replaced[r] = true
	}
	for _, c := range changed {
		replaced[id(c)] = true
	}
	out := make([]T, 0, len(list)+len(changed))
	for _, e := range list {
		if !replaced[id(e)] {
			out = append(out, e)
		}
	}
	out = append(out, changed...)
	slices.SortFunc(out, func(a, b T) int { return strings.Compare(id(a), id(b)) })
	return out
}
