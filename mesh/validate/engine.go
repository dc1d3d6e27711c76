package validate

import (
	"maps"
	"slices"
	"sync"

	"github.com/heddle-mesh/heddle/mesh"
)

// Engine holds the findings of the running mesh. After a change it runs only
// what the change concerns. It is safe for concurrent use.
type Engine struct {
	options Options

	mu       sync.Mutex
	snapshot *mesh.Snapshot
	evidence Evidence
	index    *Index
	units    map[*Check]map[Key]*unit
	readers  map[token]map[*unit]bool
	speaking map[*unit]bool // units that have something for the report
	left     []*unit        // that were not done because nobody waited for them any more
	last     Report
	ran      int
}

// NewEngine makes an engine that has seen nothing yet.
func NewEngine(opt Options) *Engine { return &Engine{options: opt} }

// Report is what the checks say about the last snapshot.
func (e *Engine) Report() Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// Ran is how many units of work the last Update or Observe did.
func (e *Engine) Ran() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ran
}

// Update takes a new snapshot.
func (e *Engine) Update(s *mesh.Snapshot) Report {
	r, _ := e.UpdateUntil(nil, s)
	return r
}

// UpdateUntil takes a new snapshot, and reports whether it got to the end: once
// stop is closed, what is left is put off until the next snapshot, and the report
// is worth nothing.
func (e *Engine) UpdateUntil(stop <-chan struct{}, s *mesh.Snapshot) (r Report, whole bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	whole = true
	defer guard(e.options, func(f Fault) { r = e.giveUp(f) })
	if e.snapshot == nil || e.snapshot.Settings != s.Settings {
		e.start(s, stop)
	} else {
		e.follow(s, stop)
	}
	return e.last, len(e.left) == 0
}

// Observe takes new evidence, and does the checks that need any again.
func (e *Engine) Observe(evidence Evidence) (r Report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer guard(e.options, func(f Fault) { r = e.giveUp(f) })
	e.evidence = evidence
	if e.snapshot == nil {
		return e.last
	}
	work := e.left
	for i := range List {
		if len(List[i].Needs) == 0 {
			continue
		}
		for _, u := range e.units[&List[i]] {
			if !u.pending { // else it is left already
				work = append(work, u)
			}
		}
	}
	e.work(work, nil)
	return e.last
}

// giveUp forgets what may be half done: the next snapshot is read anew. What was
// found before stands until then.
func (e *Engine) giveUp(f Fault) Report {
	e.snapshot = nil
	e.last.Findings = append(slices.DeleteFunc(slices.Clone(e.last.Findings), func(old mesh.Finding) bool {
		return old.Code == mesh.CodeFault
	}), f.finding())
	slices.SortFunc(e.last.Findings, mesh.CompareFindings)
	return e.last
}

// start runs everything.
func (e *Engine) start(s *mesh.Snapshot, stop <-chan struct{}) {
	e.snapshot, e.index = s, newIndex(s)
	e.units, e.readers = make(map[*Check]map[Key]*unit, len(List)), map[token]map[*unit]bool{}
	e.speaking, e.left = map[*unit]bool{}, nil
	var work []*unit
	for i := range List {
		c := &List[i]
		e.units[c] = map[Key]*unit{}
		for _, kind := range c.On {
			for _, o := range s.Kind(kind) {
				for _, k := range c.Keys(s.Settings, o) {
					if u := e.own(c, k); !u.pending {
						u.pending = true
						work = append(work, u)
					}
				}
			}
		}
	}
	e.work(work, stop)
}

// own counts one object more that makes a key.
func (e *Engine) own(c *Check, k Key) *unit {
	u := e.units[c][k]
	if u == nil {
		u = &unit{check: c, key: k}
		e.units[c][k] = u
	}
	u.owners++
	return u
}

// follow runs what differs between the last snapshot and s.
func (e *Engine) follow(s *mesh.Snapshot, stop <-chan struct{}) {
	before := e.snapshot
	delta := mesh.Diff(before, s)
	e.snapshot, e.index.snapshot = s, s
	e.index.texts = &sync.Map{} // of objects that may be gone
	work := e.left              // pending already
	again := func(u *unit) {
		if !u.pending {
			u.pending = true
			work = append(work, u)
		}
	}
	for _, refs := range [][]mesh.Ref{delta.Added, delta.Changed, delta.Removed} {
		for _, ref := range refs {
			was, _ := before.Get(ref)
			is, _ := s.Get(ref)
			e.change(was, is, again)
		}
	}
	for _, u := range work {
		if u.owners == 0 {
			e.forget(u)
			delete(e.units[u.check], u.key)
			delete(e.speaking, u)
		}
	}
	e.work(slices.DeleteFunc(work, func(u *unit) bool { return u.owners == 0 }), stop)
}

// change tells which units a change of one object concerns; was or is may be nil.
func (e *Engine) change(was, is *mesh.Object, again func(*unit)) {
	set := e.snapshot.Settings
	content := was == nil || is == nil || was.Hash != is.Hash
	e.index.replace(was, is)
	for _, o := range []*mesh.Object{was, is} {
		if o == nil {
			continue
		}
		for _, t := range tokens(set, o) {
			for u := range e.readers[t] {
				if content || u.check.Status {
					again(u)
				}
			}
		}
		for i := range List {
			c := &List[i]
			if !slices.Contains(c.On, o.Kind) {
				continue
			}
			for _, k := range c.Keys(set, o) {
				var u *unit
				if o == is {
					u = e.own(c, k)
				} else {
					u = e.units[c][k]
					u.owners--
				}
				if content || c.Status {
					again(u)
				}
			}
		}
	}
}

// work runs units and notes what they looked at, and which it did not get to.
func (e *Engine) work(units []*unit, stop <-chan struct{}) {
	for _, u := range units {
		e.forget(u)
	}
	runAll(e.index, e.evidence, units, true, stop)
	e.left = nil
	for _, u := range units {
		if u.pending {
			e.left = append(e.left, u)
		}
	}
	tell(e.options, units)
	for _, u := range units {
		for _, t := range u.looked {
			if e.readers[t] == nil {
				e.readers[t] = map[*unit]bool{}
			}
			e.readers[t][u] = true
		}
	}
	e.ran = len(units)
	for _, u := range units {
		if len(u.found) > 0 || len(u.check.Needs) > 0 {
			e.speaking[u] = true
		} else {
			delete(e.speaking, u)
		}
	}
	e.last = report(e.snapshot, e.evidence, e.options, slices.Collect(maps.Keys(e.speaking)))
}

// forget drops what a unit looked at.
func (e *Engine) forget(u *unit) {
	for _, t := range u.looked {
		delete(e.readers[t], u)
		if len(e.readers[t]) == 0 {
			delete(e.readers, t)
		}
	}
	u.looked = nil
}
