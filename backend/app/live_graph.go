package app

import (
	"time"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// lastGraph is the last graph that could be computed. It stands while no newer
// one can be.
type lastGraph struct {
	graph *graph.Live
	meta  api.GraphMeta
}

// take takes what computing the graph came to: beside an error there may be old
// figures in the mesh of now.
func (l *lastGraph) take(g *graph.Live, revision string, err error, now time.Time) {
	if g != nil {
		l.graph = g
		l.meta.At, l.meta.Seconds, l.meta.Revision = g.At.UTC(), g.Seconds, revision
	}
	if err == nil {
		l.meta.StaleSince, l.meta.Problem = nil, ""
		return
	}
	l.meta.Problem = err.Error()
	if l.meta.StaleSince == nil {
		since := now.UTC()
		l.meta.StaleSince = &since
	}
}

// whole is the graph as elements.
func (l *lastGraph) whole() live.Whole {
	w := live.Whole{"meta": l.meta}
	if l.graph == nil {
		return w
	}
	for i := range l.graph.Nodes {
		w["n:"+l.graph.Nodes[i].ID] = &l.graph.Nodes[i]
	}
	for i := range l.graph.Edges {
		w["e:"+l.graph.Edges[i].ID] = &l.graph.Edges[i]
	}
	return w
}
