package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// Paces of judging.
const (
	judgeAtMostEvery = 15 * time.Second // also where scrapes take longer
	// scrapesPerJudgement: the window holds seven or more scrapes, so that one more
	// changes little, and reading them all costs the most of what the mesh costs at rest.
	scrapesPerJudgement = 2
	// judgementRest: nobody may be looking, so that judging takes a hundredth of a
	// core at most, and comes later in a large mesh.
	judgementRest = 150
	// replayed is how far back the metrics are read when it begins, and
	// replayStep in which steps: what was so before it began is known as well.
	replayed   = time.Hour
	replayStep = 30 * time.Second
	// latest is the end of that time that is read in smaller steps: what began a moment
	// ago is as sure of itself as if it had been watched.
	latest   = 3 * time.Minute
	lateStep = 5 * time.Second
	// forgottenAfter is how long something that is nowhere to be seen any more is
	// remembered: series come and go with a scrape that fails.
	forgottenAfter = 5 * time.Minute
	// maxIncidents bounds those that are kept.
	maxIncidents = 500
)

// health judges the mesh again and again, whoever looks, and remembers what has
// to be remembered for that. All windows and pages show its one verdict.
type health struct {
	window, every time.Duration
	head          *mesh.Head
	// read and readOver ask the metrics.
	read     func(ctx context.Context, window time.Duration, at time.Time) (graph.Traffic, error)
	readOver func(ctx context.Context, window time.Duration, r metrics.Range) ([]graph.Traffic, error)
	// changes lists what was changed since a time; nil where nobody keeps that.
	changes func(since time.Time) []graph.Change
	log     *slog.Logger

	mu        sync.Mutex
	byType    map[graph.Type]*judged
	noted     time.Time // end of what the histories hold
	failed    error     // why the last evaluation was none; nil when it was one
	traffic   graph.Traffic
	snap      *mesh.Snapshot // what the last evaluation was of, with traffic
	incidents []graph.Transition
	listeners []func(graph.Transition)
	rules     *graph.Rules
	rulesOf   mesh.Hash // revision that rules are of
}

// judged is one type of graph with what is known of it.
type judged struct {
	graph    *graph.Graph // of the last evaluation; nil before
	memories map[string]graph.Memory
	seen     map[string]time.Time // when each memory was last renewed
	history  *graph.History
	usual    map[string]graph.Usual
}

func newHealth(scrape time.Duration, head *mesh.Head, log *slog.Logger) *health {
	h := &health{
		window: graph.HealthWindow(scrape), every: min(scrapesPerJudgement*scrape, judgeAtMostEvery), head: head, log: log,
		byType: map[graph.Type]*judged{},
	}
	for _, t := range graph.Types() {
		h.byType[t] = &judged{memories: map[string]graph.Memory{}, seen: map[string]time.Time{}, history: graph.NewHistory()}
	}
	return h
}

// run judges until ctx ends.
func (h *health) run(ctx context.Context) error {
	for range h.head.Watch(ctx) {
		break // there is a mesh to judge
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.remember(ctx, time.Now())
	return keep(ctx, pace{atLeast: h.every, rest: judgementRest, longest: judgeAtMostEvery}, nil, func(ctx context.Context) {
		traffic, err := h.read(ctx, h.window, time.Now())
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			h.mu.Lock()
			h.failed = err
			h.mu.Unlock()
			return
		}
		for _, t := range h.judge(traffic) {
			for _, tell := range h.listeners {
				tell(t)
			}
		}
	})
}

// remember reads and judges what the metrics know of the time before now.
func (h *health) remember(ctx context.Context, now time.Time) {
	step := max(replayStep, h.window)
	for _, part := range []struct {
		window, from, to, step time.Duration
	}{
		{step, replayed, latest, step},
		{h.window, latest - lateStep, 0, lateStep},
	} {
		list, err := h.readOver(ctx, part.window, metrics.Range{Start: now.Add(-part.from), End: now.Add(-part.to), Step: part.step})
		if err != nil && ctx.Err() == nil {
			h.log.Warn("what was before is not known: states begin now", "error", err)
		}
		h.replay(list)
	}
}

// replay judges what happened in the past, one after the other.
func (h *health) replay(list []graph.Traffic) {
	snap := h.head.Get()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, traffic := range list {
		begins, add := h.due(traffic.At)
		for _, t := range graph.Types() {
			j := h.byType[t]
			g := graph.Build(snap, traffic, graph.Options{Type: t, IncludeIdle: true})
			samples := g.Samples(j.usual)
			for id, s := range samples {
				s.Start = begins
				s.Endpoints = graph.Pods{} // they are those of now
				samples[id] = s
			}
			h.note(j.step(g, samples))
			if add {
				j.add(g)
			}
		}
		if add {
			h.noted = traffic.At
		}
	}
}

// due reports whether an evaluation is the first of all, and whether it belongs
// into the histories: those that overlap with one before do not.
func (h *health) due(at time.Time) (begins, add bool) {
	begins = h.noted.IsZero()
	return begins, begins || !at.Before(h.noted.Add(h.window))
}

// add notes a graph in the history.
func (j *judged) add(g *graph.Graph) {
	j.history.Add(g)
	j.usual = j.history.Usual(g.At)
}

// judge makes one evaluation of what flowed, and lists the services that changed
// their state.
func (h *health) judge(traffic graph.Traffic) []graph.Transition {
	snap := h.head.Get()
	var changes []graph.Change
	if h.changes != nil {
		changes = h.changes(traffic.At.Add(-replayed))
	}
	graphs := map[graph.Type]*graph.Graph{}
	for _, t := range graph.Types() {
		graphs[t] = graph.Build(snap, traffic, graph.Options{Type: t, IncludeIdle: true})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	begins, add := h.due(traffic.At)
	var moved []graph.Transition
	for _, t := range graph.Types() {
		j, g := h.byType[t], graphs[t]
		samples := g.Samples(j.usual)
		for id, s := range samples {
			s.Start = begins
			samples[id] = s
		}
		moved = append(moved, j.step(g, samples)...)
		why := graph.Explain(graph.Evidence{Snap: snap, Graph: g, Samples: samples, Memories: j.memories, History: j.history, Changes: changes})
		for id, m := range j.memories {
			if m.State.Bad() {
				m.Why = why[id]
				j.memories[id] = m
			}
		}
		j.graph = g
		if add {
			j.history.Add(g)
			j.usual = j.history.Usual(g.At)
		}
	}
	if add {
		h.noted = traffic.At
	}
	h.traffic, h.snap = traffic, snap
	h.failed = nil
	return h.note(moved)
}

// step judges all elements of a graph, and lists the nodes of services whose
// state is another one.
func (j *judged) step(g *graph.Graph, samples map[string]graph.Sample) []graph.Transition {
	var moved []graph.Transition
	for id, s := range samples {
		before := j.memories[id]
		after := graph.Judge(before, s)
		j.memories[id], j.seen[id] = after, g.At
		if g.Type != graph.ByService || before.State == "" || before.State == after.State {
			continue
		}
		if n, ok := g.Node(id); ok {
			moved = append(moved, graph.Transition{At: after.Since, Type: g.Type, ID: id, Name: n.Name, Namespace: n.Namespace, From: before.State, To: after.State})
		}
	}
	for id, at := range j.seen {
		if g.At.Sub(at) > forgottenAfter {
			delete(j.seen, id)
			delete(j.memories, id)
		}
	}
	slices.SortFunc(moved, graph.CompareTransitions)
	return moved
}

// note keeps the incidents among transitions, and returns all of them.
func (h *health) note(moved []graph.Transition) []graph.Transition {
	for _, t := range moved {
		if t.To == graph.Failing {
			h.incidents = append(h.incidents, t)
		}
	}
	if extra := len(h.incidents) - maxIncidents; extra > 0 {
		h.incidents = slices.Clone(h.incidents[extra:])
	}
	return moved
}

// facts are what is known for a graph of one type now, with sparks in such steps;
// without them where that is 0.
func (h *health) facts(t graph.Type, g *graph.Graph, spark time.Duration) graph.Facts {
	snap := h.head.Get()
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.byType[t]
	f := graph.Facts{Health: make(map[string]graph.Health, len(j.memories)), Workloads: map[string]graph.State{}, Sparks: map[string]graph.Spark{}}
	for id, m := range j.memories {
		f.Health[id] = m.Health
	}
	for id, m := range h.byType[graph.ByWorkload].memories {
		f.Workloads[id] = m.State
	}
	if spark == 0 {
		return f
	}
	for i := range g.Nodes {
		f.Sparks[g.Nodes[i].ID] = j.history.Spark(g.Nodes[i].ID, h.noted, spark)
	}
	if snap != nil && (h.rules == nil || h.rulesOf != snap.Revision) {
		h.rules, h.rulesOf = graph.RulesOf(snap), snap.Revision
	}
	f.Rules = h.rules
	return f
}

// last is the graph of the last evaluation; nil before the first, an error when
// the last one failed.
func (h *health) last(t graph.Type) (*graph.Graph, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byType[t].graph, h.failed
}

// shown is what flowed at the last evaluation, in the mesh of now. It stands,
// beside the error, when the last one failed; it is nil before the first.
func (h *health) shown(t graph.Type) (*graph.Graph, error) {
	now := h.head.Get()
	h.mu.Lock()
	g, traffic, old, err := h.byType[t].graph, h.traffic, h.snap != now, h.failed
	h.mu.Unlock()
	if g != nil && old {
		g = graph.Build(now, traffic, graph.Options{Type: t, IncludeIdle: true})
	}
	return g, err
}

// flowed is what the last evaluation was of; nothing before the first.
func (h *health) flowed() graph.Traffic {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.traffic
}

// Incidents lists when services began to fail, the oldest first.
func (h *health) Incidents(since time.Time) []graph.Transition {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []graph.Transition{}
	for _, t := range h.incidents {
		if !t.At.Before(since) {
			out = append(out, t)
		}
	}
	return out
}

// sparkStep is the time between the points of small lines beside figures of a
// window: they show more of the past than the window.
func (h *health) sparkStep(window time.Duration) time.Duration {
	switch {
	case window >= time.Hour:
		return 2 * time.Minute
	case window >= 15*time.Minute:
		return max(30*time.Second, h.window)
	default:
		return h.window
	}
}

// OnHealth has f called, one at a time, when a service changes its state. It
// must be said before run, and f must not wait.
func (h *health) OnHealth(f func(graph.Transition)) { h.listeners = append(h.listeners, f) }

// openHealth makes what judges the mesh. Nothing is judged before run.
func (p *plane) openHealth() {
	p.health = newHealth(p.settings.Metrics.ScrapeInterval, p.head, p.log)
	p.health.read, p.health.readOver = p.telemetry.metrics.Traffic, p.telemetry.metrics.TrafficOver
	p.health.OnHealth(func(t graph.Transition) { p.event("health", t) })
}

// Graph implements api.Mesh.
func (p *plane) Graph(ctx context.Context, o graph.Options) (*graph.Graph, error) {
	if o.Type == "" {
		o.Type = graph.ByVersionedApp
	}
	traffic, err := p.telemetry.metrics.Traffic(ctx, o.Window, time.Now())
	if err != nil {
		return nil, err
	}
	g := graph.Build(p.Snapshot(), traffic, o)
	return graph.Judged(g, p.health.facts(o.Type, g, 0)), nil
}

// liveGraph is the graph with all that its cards show. The window 0 is that of
// the health, of which the last evaluation is read again without a question.
// While the metrics cannot be read, the mesh of now comes with the error, and with
// the figures that were read last: those in read, which it keeps for its caller
// from one call to the next, else those of the last evaluation, else none.
func (p *plane) liveGraph(ctx context.Context, mode graph.Type, window time.Duration, read *graph.Traffic) (*graph.Live, error) {
	var g *graph.Graph
	var failed error
	if window == 0 {
		if g, failed = p.health.shown(mode); failed != nil {
			failed = fmt.Errorf("the last evaluation failed: %w", failed)
		}
	}
	if g == nil {
		asked := window
		if asked == 0 {
			asked = p.health.window
		}
		traffic, err := p.telemetry.metrics.Traffic(ctx, asked, time.Now())
		switch {
		case err == nil:
			*read = traffic
		case read.At.IsZero():
			*read = p.health.flowed()
		}
		failed = err
		g = graph.Build(p.Snapshot(), *read, graph.Options{Type: mode, IncludeIdle: true})
	}
	return graph.Decorate(g, p.health.facts(mode, g, p.health.sparkStep(window))), failed
}
