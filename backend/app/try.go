package app

import (
	"context"
	"fmt"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// Try implements api.Mesh: it walks a call through what the proxy has, and, with
// a change, through what it would have.
func (p *plane) Try(ctx context.Context, from *mesh.Workload, call simulate.Call, change *preview.Proposal) (before, after *simulate.Answer, err error) {
	held, err := p.held(from)
	if err != nil {
		return nil, nil, err
	}
	set := xds.NewResourceSet(held)
	if before, err = p.walk(p.Snapshot(), set, from, call); err != nil {
		return nil, nil, err
	}
	note(before, p.xds.StandIns(from.UID))
	if change == nil {
		return before, nil, nil
	}
	scene, err := p.scene(ctx, change)
	if err != nil {
		return nil, nil, err
	}
	next, err := p.changed(ctx, scene, from, held)
	if err != nil {
		return nil, nil, err
	}
	after, err = p.walk(scene.After, next, from, call)
	return before, after, err
}

// held is what a workload's proxy has.
func (p *plane) held(from *mesh.Workload) ([]*xds.Resource, error) {
	var all []*xds.Resource
	sent := p.xds.Resources(from.UID)
	for _, t := range xds.Types {
		for _, r := range sent[t] {
			all = append(all, &r)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s/%s has no proxy that is connected, so nothing decides about its calls", from.Namespace, from.Pod)
	}
	return all, nil
}

// changed is what a proxy would have after a change. What cannot be made stays
// as it is.
func (p *plane) changed(ctx context.Context, scene preview.Scene, from *mesh.Workload, held []*xds.Resource) (*xds.ResourceSet, error) {
	for _, c := range scene.Proxies {
		if c.UID == from.UID {
			scene.Proxies = scene.Proxies[:0:0]
			scene.Proxies = append(scene.Proxies, c)
			break
		}
	}
	effects, _, _, err := preview.Effects(ctx, scene)
	if err != nil {
		return nil, err
	}
	type key struct{ typ, name string }
	gone := map[key]bool{}
	var next []*xds.Resource
	for _, e := range effects {
		for _, r := range e.Resources {
			gone[key{r.Type, r.Name}] = true
			if r.Op == preview.Removed {
				continue
			}
			m, err := r.After.Message()
			if err != nil {
				return nil, err
			}
			next = append(next, &xds.Resource{Type: r.Type, Name: r.Name, Message: m, Version: r.After.Version, From: r.From})
		}
	}
	for _, r := range held {
		if !gone[key{r.Type, r.Name}] {
			next = append(next, r)
		}
	}
	return xds.NewResourceSet(next), nil
}
