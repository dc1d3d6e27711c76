// Package memory is a source and writer that keeps its objects in memory, for
// tests and for programs that have no other store.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Store holds objects. All methods may be called from any goroutine.
type Store struct {
	name string

	mu       sync.Mutex
	objects  map[mesh.Ref]*mesh.Object
	findings []mesh.Finding
	token    uint64
	changed  chan struct{} // closed and replaced with each change
}

var (
	_ source.Source = (*Store)(nil)
	_ source.Writer = (*Store)(nil)
)

// New makes an empty store that reports under a name.
func New(name string) *Store {
	return &Store{name: name, objects: map[mesh.Ref]*mesh.Object{}, token: 1, changed: make(chan struct{})}
}

// Name is the name of the source.
func (s *Store) Name() string { return s.name }

// Say replaces everything. Objects may be such that no text would give, which
// lets a test report what no other source would.
func (s *Store) Say(objects []*mesh.Object, findings ...mesh.Finding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = map[mesh.Ref]*mesh.Object{}
	for _, o := range objects {
		s.objects[o.Ref] = o
	}
	s.findings = findings
	s.bump()
}

// Apply implements source.Writer.
func (s *Store) Apply(ctx context.Context, changes []source.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.objects)
	done := map[mesh.Ref]bool{}
	for _, c := range changes {
		if done[c.Ref] {
			return fmt.Errorf("%s is changed twice at once", c.Ref)
		}
		done[c.Ref] = true
		if err := s.apply(next, c); err != nil {
			return err
		}
	}
	s.objects = next
	s.bump()
	return nil
}

func (s *Store) apply(objects map[mesh.Ref]*mesh.Object, c source.Change) error {
	now, ok := objects[c.Ref]
	switch {
	case ok && c.Expect != source.Any && c.Expect != now.Version:
		return fmt.Errorf("%s: %w", c.Ref, source.ErrStale)
	case !ok && (c.Text == nil || c.Expect != "" && c.Expect != source.Any):
		return fmt.Errorf("%s: %w", c.Ref, source.ErrNotFound)
	case c.Text == nil:
		delete(objects, c.Ref)
		return nil
	}
	result := config.Decode("", c.Text)
	for _, f := range result.Problems {
		if f.Severity == mesh.Error {
			return fmt.Errorf("%s is not valid: line %d: %s", c.Ref, f.Line, f.Message)
		}
	}
	if len(result.Objects) != 1 || result.Objects[0].Ref != c.Ref {
		return fmt.Errorf("the text is not the one object %s", c.Ref)
	}
	o := result.Objects[0]
	o.Origin.Source, o.Origin.From = s.name, c.From
	objects[c.Ref] = o
	return nil
}

// bump tells that something changed. The caller holds mu.
func (s *Store) bump() {
	s.token++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Run implements source.Source. Several may run at once.
func (s *Store) Run(ctx context.Context, out chan<- source.Update) error {
	var said uint64
	for {
		u, changed := s.update()
		offer := out
		if u.Token == said {
			offer = nil
		}
		select {
		case offer <- u:
			said = u.Token
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Store) update() (source.Update, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := source.Update{Source: s.name, Findings: slices.Clone(s.findings), Token: s.token}
	for _, ref := range slices.SortedFunc(maps.Keys(s.objects), mesh.CompareRefs) {
		u.Objects = append(u.Objects, s.objects[ref])
	}
	return u, s.changed
}
