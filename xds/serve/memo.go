package serve

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"weak"

	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// entry is what became of one Part. It is immutable once made, and the same
// pointer for all plans that hold the Part.
type entry struct {
	typ, name string
	key       mesh.Hash
	from      []mesh.Ref
	// content is nil when the part could not be made; findings say why.
	content  *content
	fallback *content // stands in where content is nil and nothing good is known
	findings []mesh.Finding
}

type memoKey struct {
	typ, name string
	key       mesh.Hash
}

// slot is an entry that one goroutine makes while others wait for it.
type slot struct {
	once  sync.Once
	entry entry
}

// memo makes each Part once, for all proxies. It holds entries weakly: what no
// plan of a connected proxy uses any more is collected.
type memo struct {
	mu    sync.Mutex
	slots map[memoKey]weak.Pointer[slot]
	made  atomic.Uint64 // calls of Make, for tests and metrics
}

func newMemo() *memo { return &memo{slots: map[memoKey]weak.Pointer[slot]{}} }

// get makes a part, or waits for whoever makes it.
func (m *memo) get(p xds.Part) *entry {
	s := m.slot(memoKey{p.Type, p.Name, p.Key})
	s.once.Do(func() {
		m.made.Add(1)
		e := &s.entry
		e.typ, e.name, e.key, e.from = p.Type, p.Name, p.Key, p.From
		r, findings := build(p)
		e.findings = findings
		if r != nil {
			e.content = newContent(r)
		} else if p.Fallback != nil {
			e.fallback = fallback(p)
		}
	})
	return &s.entry
}

// fallback makes a part's stand-in; nil when that cannot be made either.
func fallback(p xds.Part) *content {
	p.Make = func() (proto.Message, []mesh.Finding) { return p.Fallback(), nil }
	r, _ := build(p)
	if r == nil {
		return nil
	}
	c := newContent(r)
	c.standIn = true
	return c
}

func (m *memo) slot(k memoKey) *slot {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.slots[k].Value(); s != nil {
		return s
	}
	s := &slot{}
	m.slots[k] = weak.Make(s)
	runtime.AddCleanup(s, m.drop, k)
	return s
}

// drop forgets a slot that was collected, unless it was made anew meanwhile.
func (m *memo) drop(k memoKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots[k].Value() == nil {
		delete(m.slots, k)
	}
}

// size is the number of entries that are held.
func (m *memo) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.slots)
}

// build makes a resource. Translation does not panic; should it, that is our
// bug, and it must cost one resource and not every proxy's control plane.
func build(p xds.Part) (r *xds.Resource, findings []mesh.Finding) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		r, findings = nil, nil
		from := p.From
		if len(from) == 0 {
			from = []mesh.Ref{{}}
		}
		for _, ref := range from {
			findings = append(findings, mesh.Finding{
				Code: mesh.CodeTranslate, Severity: mesh.Error, Phase: mesh.PhaseTranslate, Ref: ref,
				Message: fmt.Sprintf("Heddle failed while it translated this object for %s; proxies keep what they had. This is a defect of Heddle: please report it with the object.", p.Name),
				Params:  map[string]string{"resource": p.Name, "fault": fmt.Sprint(fault), "stack": string(debug.Stack())},
			})
		}
	}()
	return xds.Build(p)
}
