package app

import (
	"bytes"
	"context"

	"github.com/heddle-mesh/heddle/mesh"
)

// Settle implements api.Mesh. It waits for a snapshot that holds what was
// written, and then for the proxies to take what follows from that, or from a
// newer one.
func (p *plane) Settle(ctx context.Context, written []*mesh.Object) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	snapshots := p.head.Watch(ctx)
	taken := make(chan struct{})
	giveUp := func() {}
	defer func() { giveUp() }()
	for {
		select {
		case snap, ok := <-snapshots:
			if !ok {
				return
			}
			giveUp()
			if !holds(snap, written) {
				continue
			}
			waiting, cancel := context.WithCancel(ctx)
			giveUp = cancel
			go func() {
				if p.xds.WaitTaken(waiting, snap) != nil {
					return
				}
				select {
				case taken <- struct{}{}:
				case <-waiting.Done():
				}
			}()
		case <-taken:
			return
		case <-ctx.Done():
			return
		}
	}
}

// holds reports whether a snapshot has objects as they were written. What the
// cluster reports in its own words is not waited for.
func holds(snap *mesh.Snapshot, written []*mesh.Object) bool {
	for _, o := range written {
		if clusterKinds[o.Kind] {
			continue
		}
		have, ok := snap.Get(o.Ref)
		if !ok || !bytes.Equal(bytes.TrimSpace(have.Text), bytes.TrimSpace(o.Text)) {
			return false
		}
	}
	return true
}
