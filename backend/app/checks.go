package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// observeEvery is how often the checks are told anew what was observed.
const observeEvery = 30 * time.Second

// checks holds what the checks say about the latest snapshot.
type checks struct {
	engine  *validate.Engine
	options validate.Options
	changes changes
	tell    func() // called when the findings may be others

	mu       sync.Mutex
	evidence validate.Evidence
}

func newChecks(log *slog.Logger) *checks {
	opt := validate.Options{OnFault: func(f validate.Fault) {
		log.Error("a check broke off", slog.String("check", f.Check), slog.String("object", f.Key.Ref.String()),
			slog.Any("fault", f.Value), slog.String("stack", string(f.Stack)))
	}}
	return &checks{engine: validate.NewEngine(opt), options: opt, tell: func() {}}
}

// run checks every snapshot of head, and observes from time to time. Each has its
// own loop: what is asked of the outside may take long to answer, and findings
// must not wait for that.
func (c *checks) run(ctx context.Context, head *mesh.Head, observe func(context.Context) validate.Evidence) error {
	first := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.follow(ctx, head, first) })
	group.Go(func() error { return c.watch(ctx, first, observe) })
	return group.Wait()
}

// follow checks snapshots, and closes first when it has done the first one.
func (c *checks) follow(ctx context.Context, head *mesh.Head, first chan<- struct{}) error {
	for s := range head.Watch(ctx) {
		c.changes.follow(s, time.Now())
		c.engine.Update(s)
		c.tell()
		if first != nil {
			close(first)
			first = nil
		}
	}
	return ctx.Err()
}

// watch observes as soon as there is something to observe, and again and again.
func (c *checks) watch(ctx context.Context, first <-chan struct{}, observe func(context.Context) validate.Evidence) error {
	select {
	case <-first:
	case <-ctx.Done():
		return ctx.Err()
	}
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	for {
		c.observe(observe(ctx))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *checks) observe(e validate.Evidence) {
	c.mu.Lock()
	c.evidence = e
	c.mu.Unlock()
	c.engine.Observe(e)
	c.tell()
}

// observed is what was observed last.
func (c *checks) observed() validate.Evidence {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.evidence
}

// findings are those of the latest snapshot.
func (c *checks) findings() []mesh.Finding { return c.engine.Report().Findings }

// of are those of another snapshot, that may never be; when ctx ends, they are
// worth nothing.
func (c *checks) of(ctx context.Context, s *mesh.Snapshot) []mesh.Finding {
	opt := c.options
	opt.Stop = ctx.Done()
	return validate.Run(s, c.observed(), opt).Findings
}

// Evidence implements api.Mesh.
func (p *plane) Evidence() validate.Evidence { return p.checks.observed() }

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
	was, is := p.checks.of(ctx, before), p.checks.of(ctx, after)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return validate.Added(was, is), nil
}
