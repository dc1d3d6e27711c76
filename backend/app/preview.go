package app

import (
	"context"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// previews keeps what previews have in common.
type previews struct {
	// planner is the one that the proxies' plans in force are made by.
	planner *translate.Planner

	mu sync.Mutex
	// engine goes from the mesh as it is to what it would be, and back: only what
	// differs is checked. It is nil before the first preview.
	engine   *validate.Engine
	observed time.Time
}

// Preview implements api.Mesh.
func (p *plane) Preview(ctx context.Context, change *preview.Proposal) (*preview.Preview, error) {
	scene, err := p.scene(ctx, change)
	if err != nil {
		return nil, err
	}
	in := preview.Input{Scene: scene, Proposal: change}
	if in.ChecksBefore, in.ChecksAfter, err = p.checked(ctx, scene.Before, scene.After); err != nil {
		return nil, err
	}
	if traffic, err := p.health.last(graph.ByWorkload); err == nil {
		in.Traffic = traffic
	}
	return preview.New(ctx, in)
}

// PreviewEnvoy implements api.Mesh.
func (p *plane) PreviewEnvoy(ctx context.Context, change *preview.Proposal, group string) ([]preview.ResourceDiff, bool, error) {
	scene, err := p.scene(ctx, change)
	if err != nil {
		return nil, false, err
	}
	effects, _, _, err := preview.Effects(ctx, scene)
	if err != nil {
		return nil, false, err
	}
	return preview.Diffs(ctx, effects, group)
}

// scene is the mesh as it is and as it would be, with who is connected.
func (p *plane) scene(ctx context.Context, change *preview.Proposal) (preview.Scene, error) {
	before, err := p.present(ctx)
	if err != nil {
		return preview.Scene{}, err
	}
	return p.between(before, change.Apply(before)), nil
}

// between is the scene of a change from one snapshot to another.
func (p *plane) between(before, after *mesh.Snapshot) preview.Scene {
	// The planner in force remembers few snapshots, and those that may never be
	// must not push out the one that proxies follow.
	own := new(translate.Planner)
	plan := func(snap *mesh.Snapshot, planner *translate.Planner) func(xds.Proxy) *xds.Plan {
		return func(proxy xds.Proxy) *xds.Plan {
			made, _ := planner.Plan(snap, proxy)
			return made
		}
	}
	planner := own
	if before == p.head.Get() {
		planner = p.previews.planner
	}
	return preview.Scene{
		Before: before, After: after, Proxies: p.xds.Connected(), Make: p.xds.Make,
		PlanBefore: plan(before, planner), PlanAfter: plan(after, own),
	}
}

// present is the mesh with everything that was written, also a moment ago: the
// snapshot in force, where that holds it all.
func (p *plane) present(ctx context.Context) (*mesh.Snapshot, error) {
	objects, err := p.Objects(ctx)
	if err != nil {
		return nil, err
	}
	head := p.Snapshot()
	var fresh []*mesh.Object
	var gone []mesh.Ref
	for ref, o := range objects.All() {
		if have, ok := head.Get(ref); !ok || have != o && (have.Version != o.Version || have.Hash != o.Hash) {
			fresh = append(fresh, o)
		}
	}
	for ref := range head.Objects.All() {
		if _, ok := objects.Get(ref); !ok {
			gone = append(gone, ref)
		}
	}
	if len(gone) > 0 {
		head = head.Without(gone...)
	}
	if len(fresh) > 0 {
		head = head.With(fresh...)
	}
	return head, nil
}

// checked are the findings of the checks on two snapshots. The only error is that
// of ctx, when it ends first.
func (p *plane) checked(ctx context.Context, before, after *mesh.Snapshot) (was, is []mesh.Finding, err error) {
	v := &p.previews
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.engine == nil {
		v.engine = validate.NewEngine(p.checks.options)
	}
	stop := ctx.Done()
	if _, whole := v.engine.UpdateUntil(stop, before); !whole || ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if now := time.Now(); now.Sub(v.observed) > observeEvery {
		v.observed = now
		v.engine.Observe(p.checks.observed())
	}
	was = v.engine.Report().Findings
	then, whole := v.engine.UpdateUntil(stop, after)
	if !whole {
		return nil, nil, ctx.Err()
	}
	return was, then.Findings, nil
}
