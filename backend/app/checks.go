package app

import (
	"context"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// observeEvery is how often the checks are told anew what was observed.
const observeEvery = 30 * time.Second

// checks holds what the checks say about the latest snapshot.
type checks struct {
	engine  *validate.Engine
	changes changes

	mu       sync.Mutex
	evidence validate.Evidence
}

func newChecks() *checks { return &checks{engine: validate.NewEngine(validate.Options{})} }

// run checks every snapshot of head, and observes from time to time.
func (c *checks) run(ctx context.Context, head *mesh.Head, observe func(context.Context) validate.Evidence) error {
	snapshots := head.Watch(ctx)
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	c.observe(observe(ctx))
	for {
		select {
		case s, ok := <-snapshots:
			if !ok {
				return ctx.Err()
			}
			c.changes.follow(s, time.Now())
			c.engine.Update(s)
		case <-ticker.C:
			c.observe(observe(ctx))
		}
	}
}

func (c *checks) observe(e validate.Evidence) {
	c.mu.Lock()
	c.evidence = e
	c.mu.Unlock()
	c.engine.Observe(e)
}

// findings are those of the latest snapshot.
func (c *checks) findings() []mesh.Finding { return c.engine.Report().Findings }

// of are those of another snapshot, that may never be.
func (c *checks) of(s *mesh.Snapshot) []mesh.Finding {
	c.mu.Lock()
	e := c.evidence
	c.mu.Unlock()
	return validate.Run(s, e, validate.Options{}).Findings
}

// Check implements api.Mesh.
func (p *plane) Check(ctx context.Context, written []*mesh.Object, removed []mesh.Ref) ([]mesh.Finding, error) {
	objects, err := p.Objects(ctx)
	if err != nil {
		return nil, err
	}
	in := mesh.Inputs{Settings: p.meshSettings()}
	for o := range objects.Values() {
		in.Objects = append(in.Objects, o)
	}
	before := mesh.Build(p.head.Get(), in)
	after := before.Without(removed...).With(written...)
	return validate.Added(p.checks.of(before), p.checks.of(after)), nil
}
