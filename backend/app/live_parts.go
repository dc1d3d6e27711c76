package app

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// Names of the parts of Heddle itself.
const (
	partControlPlane = "controlPlane"
	partCluster      = "cluster"
	partConfig       = "config"
	partPrometheus   = "prometheus"
	partTraces       = "traces"
	partDatabase     = "database"
)

// States of parts.
const (
	partOK    = "ok"
	partStale = "stale" // what it said last stands
	partAway  = "away"  // it does not answer
)

// probeTimeout bounds how long a part may take to answer.
const probeTimeout = 4 * time.Second

// oldSamples is when metrics count as stale that still can be read.
const oldSamples = time.Minute

// parts remembers how the parts of Heddle are, and since when.
type parts struct {
	changed signal

	mu   sync.Mutex
	list map[string]api.LivePart
}

func newParts() *parts { return &parts{list: map[string]api.LivePart{}} }

// set takes how a part is now. Since stays as long as the state and its reason.
func (p *parts) set(id string, now api.LivePart, at time.Time) {
	p.mu.Lock()
	before, known := p.list[id]
	now.Since = at.UTC()
	if known && before.State == now.State && before.Code == now.Code {
		now.Since = before.Since
	}
	same := known && before.Since.Equal(now.Since) && before.Detail == now.Detail && maps.Equal(before.Params, now.Params)
	p.list[id] = now
	p.mu.Unlock()
	if !same {
		p.changed.fire()
	}
}

// unreachable is the code of a part that did not answer.
const unreachable = "unreachable"

// asked takes what asking a part came to.
func (p *parts) asked(id string, err error, at time.Time) {
	if err != nil {
		p.set(id, api.LivePart{State: partAway, Code: unreachable, Detail: err.Error()}, at)
		return
	}
	p.set(id, api.LivePart{State: partOK}, at)
}

// used takes what using a part for something else came to: that it answers is
// not all that can be wrong with it.
func (p *parts) used(id string, err error, at time.Time) {
	p.mu.Lock()
	before := p.list[id]
	p.mu.Unlock()
	// What asking it said stands: each use would say it in other words.
	if (err != nil) != (before.Code == unreachable) {
		p.asked(id, err, at)
	}
}

// all is a copy of what is known.
func (p *parts) all() map[string]api.LivePart {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.list)
}

// noteParts follows the parts that say by themselves how they are.
func (p *plane) noteParts(ctx context.Context) error {
	return keep(ctx, pace{gap: shortGap}, p.live.changed.watch(ctx), func(context.Context) {
		now, why, taken := time.Now(), p.Ready(), p.cluster.Taken()
		if taken != nil {
			why = "" // it is said of the cluster
		}
		for id, part := range sourceParts(why, p.head.Get(), map[string]string{p.store.Name(): partConfig, p.cluster.Name(): partCluster}) {
			if taken != nil && id == partCluster {
				part = takenPart(taken, part.State)
			}
			p.live.parts.set(id, part, now)
		}
	})
}

// takenPart says of the cluster that another control plane has it.
func takenPart(t *local.Taken, state string) api.LivePart {
	if state == partOK { // what it said last is about to be marked as old
		state = partStale
	}
	return api.LivePart{
		State: state, Code: "clusterTaken", Detail: t.Error(),
		Params: map[string]string{"process": strconv.Itoa(t.PID)},
	}
}

// sourceParts says how the control plane and its sources are; names are those of
// the sources' parts.
func sourceParts(notReady string, snap *mesh.Snapshot, names map[string]string) map[string]api.LivePart {
	out := map[string]api.LivePart{partControlPlane: {State: partOK}}
	for _, id := range names {
		out[id] = api.LivePart{State: partOK}
	}
	if snap == nil {
		for id := range out {
			out[id] = api.LivePart{State: partAway, Code: "starting", Detail: notReady}
		}
		return out
	}
	for _, f := range snap.Findings {
		if id := names[f.Params["source"]]; f.Code == mesh.CodeSourceAway && id != "" {
			out[id] = api.LivePart{State: partStale, Code: "sourceAway", Params: f.Params, Detail: f.Message}
		}
	}
	return out
}

// tellParts computes how the parts are. While somebody listens, those that do
// not say so by themselves are asked.
func (p *plane) tellParts(ctx context.Context, _ live.Params, publish func(live.Whole)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return keep(ctx, pace{atLeast: lookEvery, gap: shortGap}, nil, p.probe)
	})
	group.Go(func() error {
		return keep(ctx, pace{gap: shortGap}, p.live.parts.changed.watch(ctx), func(context.Context) {
			whole := live.Whole{}
			for id, part := range p.live.parts.all() {
				whole[id] = part
			}
			publish(whole)
		})
	})
	return group.Wait()
}

// probe asks the stores how they are.
func (p *plane) probe(ctx context.Context) {
	database := api.LivePart{State: partOK}
	if err := p.people.database.Writable(); err != nil {
		database = api.LivePart{State: partStale, Code: "notWritable", Detail: err.Error()}
	}
	p.live.parts.set(partDatabase, database, time.Now())
	asking, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var group errgroup.Group
	group.Go(func() error {
		now := time.Now()
		age, known, err := p.telemetry.metrics.Age(asking, now)
		switch {
		case ctx.Err() != nil:
		case err == nil && known && age > oldSamples:
			p.live.parts.set(partPrometheus, api.LivePart{
				State: partStale, Code: "noSamples", Params: map[string]string{"newest": now.Add(-age).UTC().Format(time.RFC3339)},
				Detail: "nothing was scraped for " + age.Round(time.Second).String(),
			}, now)
		default:
			p.live.parts.asked(partPrometheus, err, now)
		}
		return nil
	})
	group.Go(func() error {
		_, err := p.telemetry.traces.Services(asking)
		now := time.Now()
		taken := p.ports.findings()
		i := slices.IndexFunc(taken, func(f mesh.Finding) bool { return strings.HasPrefix(f.Params["service"], "OTLP") })
		switch {
		case ctx.Err() != nil:
		case err == nil && i >= 0:
			p.live.parts.set(partTraces, api.LivePart{State: partStale, Code: "portTaken", Params: taken[i].Params, Detail: taken[i].Message}, now)
		default:
			p.live.parts.asked(partTraces, err, now)
		}
		return nil
	})
	_ = group.Wait() // each notes its own
}
