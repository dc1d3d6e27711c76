package serve

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

const (
	// maxVerdicts bounds how many rejected contents are remembered, and
	// maxOwnVerdicts how many of them bind one workload by its own word.
	maxVerdicts, maxOwnVerdicts = 1000, 100
	// maxAccusers bounds how many workloads a verdict names.
	maxAccusers = 64
)

// badContent names content, whatever resource it is under.
type badContent struct{ typ, version string }

// quarantine holds the contents that proxies rejected. The proxies of a
// workload that rejected one are not sent it again, and once a second workload
// rejected it and none accepted it, nobody is.
type quarantine struct {
	mu      sync.Mutex
	bad     atomic.Pointer[map[badContent]*verdict] // replaced, never changed
	version atomic.Uint64                           // counts what changed for some proxy
	changed bool
	save    func() // is to be called after every change
}

func newQuarantine(save func()) *quarantine {
	q := &quarantine{save: save}
	q.bad.Store(&map[badContent]*verdict{})
	return q
}

// verdict on content, nil when nobody rejected it.
func (q *quarantine) verdict(c *content) *verdict {
	bad := *q.bad.Load()
	if len(bad) == 0 {
		return nil
	}
	return bad[badContent{c.typ, c.version}]
}

// holds reports whether a workload's proxies are not sent the content.
func (q *quarantine) holds(variant string, c *content) bool {
	v := q.verdict(c)
	return v != nil && v.binds(variant)
}

// binding lists, in no order, the verdicts that bind a workload's proxies.
func (q *quarantine) binding(variant string) []*verdict {
	var all []*verdict
	for _, v := range *q.bad.Load() {
		if v.binds(variant) {
			all = append(all, v)
		}
	}
	return all
}

// all lists the verdicts by type and name.
func (q *quarantine) all() []*verdict {
	return slices.SortedFunc(maps.Values(*q.bad.Load()), func(a, b *verdict) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// refuse takes in that a workload rejected content: v is the verdict if it is
// the first to do so. It is false when there is no room: a proxy that refuses
// very much is not worth the memory, and must not push out the words of others.
func (q *quarantine) refuse(variant string, v *verdict, snap *mesh.Snapshot) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	bad := maps.Clone(*q.bad.Load())
	key := badContent{v.Type, v.Version}
	old := bad[key]
	if old == nil {
		first := *v
		first.By = []string{variant}
		if !makeRoom(bad, variant, snap, v.At) {
			return false
		}
		bad[key] = &first
		q.replace(bad)
		return true
	}
	if slices.Contains(old.By, variant) {
		return true
	}
	if len(old.By) >= maxAccusers {
		return old.everywhere()
	}
	again := *old
	again.By = append(slices.Clone(old.By), variant)
	again.Lives = old.Lives || v.Lives
	if !again.everywhere() && boundBy(bad, variant) >= maxOwnVerdicts {
		return false
	}
	bad[key] = &again
	q.replace(bad)
	return true
}

// accept takes in that a workload accepted content. Where others rejected it,
// that is for them alone from now on; true says that it was for all.
func (q *quarantine) accept(variant string, c *content) bool {
	if v := q.verdict(c); v == nil || v.Lives || slices.Contains(v.By, variant) {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	v := q.verdict(c)
	if v == nil {
		return false
	}
	again := *v
	again.Lives = true
	bad := maps.Clone(*q.bad.Load())
	bad[badContent{c.typ, c.version}] = &again
	q.replace(bad)
	return v.everywhere()
}

// touch refreshes who is to blame for content that is still wanted: the objects
// may have changed in a way that does not reach the resource.
func (q *quarantine) touch(v *verdict, from []mesh.Ref, snap *mesh.Snapshot) {
	if len(v.Blamed) > 0 {
		from = stillFirst(from, v.Blamed[0].Ref)
	}
	blamed := blame(from, snap)
	if slices.Equal(blamed, v.Blamed) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	bad := maps.Clone(*q.bad.Load())
	key := badContent{v.Type, v.Version}
	if bad[key] == nil {
		return
	}
	again := *bad[key]
	again.Blamed = blamed
	bad[key] = &again
	q.bad.Store(&bad) // no proxy gets anything else by it
	q.changed = true
	q.save()
}

// replace makes bad what is in force.
func (q *quarantine) replace(bad map[badContent]*verdict) {
	q.bad.Store(&bad)
	q.version.Add(1)
	q.changed = true
	q.save()
}

// makeRoom drops verdicts that are spent, so that a workload may add one. It is
// false when too few are.
func makeRoom(bad map[badContent]*verdict, variant string, snap *mesh.Snapshot, now time.Time) bool {
	drop := func(mine bool) bool {
		var oldest *verdict
		for _, v := range bad {
			if mine && (len(v.By) != 1 || v.By[0] != variant) || !v.spent(snap, now) {
				continue
			}
			if oldest == nil || v.At.Before(oldest.At) {
				oldest = v
			}
		}
		if oldest != nil {
			delete(bad, badContent{oldest.Type, oldest.Version})
		}
		return oldest != nil
	}
	return (boundBy(bad, variant) < maxOwnVerdicts || drop(true)) && (len(bad) < maxVerdicts || drop(false))
}

// boundBy counts the verdicts that bind a workload by its own word.
func boundBy(bad map[badContent]*verdict, variant string) int {
	n := 0
	for _, v := range bad {
		if !v.everywhere() && slices.Contains(v.By, variant) {
			n++
		}
	}
	return n
}

// findings tells the verdicts whose objects are all as they were.
func (q *quarantine) findings(snap *mesh.Snapshot) []mesh.Finding {
	var all []mesh.Finding
	for _, v := range q.all() {
		if v.current(snap) {
			all = append(all, v.finding())
		}
	}
	return all
}

// restore takes back what was written.
func (q *quarantine) restore(all []*verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bad := map[badContent]*verdict{}
	for _, v := range all {
		bad[badContent{v.Type, v.Version}] = v
	}
	q.bad.Store(&bad)
	q.version.Add(1)
}

// take gives the verdicts to be written, and nothing when nothing changed.
func (q *quarantine) take() ([]*verdict, bool) {
	q.mu.Lock()
	changed := q.changed
	q.changed = false
	q.mu.Unlock()
	return q.all(), changed
}
