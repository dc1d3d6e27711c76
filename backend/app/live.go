package app

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh/graph"
)

// telling is what is told live: the hub of the sockets, and what its topics are
// made of.
type telling struct {
	hub    *live.Hub
	events *live.Ring
	// changed fires when findings, proxies, objects or parts may be others.
	changed signal
	// revised fires when there is a new snapshot.
	revised signal
	parts   *parts
	refused *refusals
}

// openLive makes what is told live. Nothing is computed before somebody listens,
// but for the events.
func (p *plane) openLive() {
	p.live = &telling{events: live.NewRing(), parts: newParts()}
	p.live.refused = &refusals{telling: p.live, log: p.log, byProxy: map[string]refusedOf{}}
	p.xds.Listen(p.live.refused)
	p.checks.tell = p.live.changed.fire
	p.cluster.OnTaken(p.live.changed.fire)
	p.live.hub = live.New(live.Options{Topics: p.topics(), Log: p.log})
}

// topics are all that can be subscribed to. What each needs stands in the table
// of the API.
func (p *plane) topics() []live.Topic {
	var modes []string
	for _, t := range graph.Types() {
		modes = append(modes, string(t))
	}
	return []live.Topic{
		{Name: "graph", Run: p.tellGraph, Params: []live.Param{
			{Name: "mode", Default: string(graph.ByVersionedApp), OneOf: modes},
			{Name: "window", Default: "live", OneOf: []string{"live", "1m", "5m", "15m", "1h"}},
		}},
		{Name: "findings", Run: p.tellFindings},
		{Name: "proxies", Run: p.tellProxies},
		{Name: "objects", Run: p.tellObjects},
		{Name: "parts", Run: p.tellParts},
		{Name: "delivery", Run: p.tellDelivery, Params: []live.Param{{Name: "change", Required: true}}},
		{Name: "split", Run: p.tellSplit, Params: []live.Param{{Name: "service", Required: true}, {Name: "candidate"}}},
		{Name: "events", Events: p.live.events, Params: []live.Param{{Name: "after"}, {Name: "epoch"}}},
	}
}

// runLive notes events and the health of parts until ctx ends; then it closes
// every socket.
func (p *plane) runLive(ctx context.Context) error {
	defer p.live.hub.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.noteParts(ctx) })
	group.Go(func() error { return p.noteFindings(ctx) })
	return group.Wait()
}

// event adds to the events.
func (p *plane) event(typ string, params any) { p.live.event(p.log, typ, params) }

// Paces of topics. What follows from a change is told at once.
const (
	shortGap  = 250 * time.Millisecond
	lookEvery = 5 * time.Second // for what changes with time alone
)

// tellGraph computes the graph of one mode and window.
func (p *plane) tellGraph(ctx context.Context, params live.Params, publish func(live.Whole)) error {
	window, err := liveWindow(params["window"])
	if err != nil {
		return err
	}
	mode := graph.Type(params["mode"])
	var shown lastGraph
	var read graph.Traffic
	every := min(max(p.settings.Metrics.ScrapeInterval, time.Second), 2*time.Second)
	if p.telemetry.scraper == nil {
		every = lookEvery // the user's own server has others to answer
	}
	return keep(ctx, pace{atLeast: every, gap: shortGap}, p.live.revised.watch(ctx), func(ctx context.Context) {
		g, err := p.liveGraph(ctx, mode, window, &read)
		if ctx.Err() != nil {
			return
		}
		p.live.parts.used(partPrometheus, err, time.Now())
		shown.take(g, p.Snapshot().Revision.String(), err, time.Now())
		publish(shown.whole())
	})
}

// liveWindow reads the parameter window; 0 is that of the health.
func liveWindow(text string) (time.Duration, error) {
	if text == "live" {
		return 0, nil
	}
	return time.ParseDuration(text)
}
