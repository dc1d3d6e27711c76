package serve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// maxVerdicts bounds how many rejected contents are remembered.
const maxVerdicts = 1000

// verdict is one content that a proxy rejected. It is immutable.
type verdict struct {
	Type, Name, Version string
	Words               string // the proxy's
	Proxy               string
	At                  time.Time
	// Blamed are the objects that the resource came from, with their content
	// when it was last wanted.
	Blamed []blamedObject
}

type blamedObject struct {
	Ref  mesh.Ref
	Hash mesh.Hash
}

// badContent names content, whatever resource it is under.
type badContent struct{ typ, version string }

// quarantine holds the contents that no proxy is sent any more.
type quarantine struct {
	mu      sync.Mutex
	bad     atomic.Pointer[map[badContent]*verdict] // replaced, never changed
	version atomic.Uint64                           // counts the verdicts that came
	changed bool
}

func newQuarantine() *quarantine {
	q := &quarantine{}
	q.bad.Store(&map[badContent]*verdict{})
	return q
}

// holds reports whether content is quarantined.
func (q *quarantine) holds(c *content) bool {
	bad := *q.bad.Load()
	if len(bad) == 0 {
		return false
	}
	_, ok := bad[badContent{c.typ, c.version}]
	return ok
}

// all lists the verdicts by type and name.
func (q *quarantine) all() []*verdict {
	return slices.SortedFunc(maps.Values(*q.bad.Load()), func(a, b *verdict) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// put adds a verdict, or replaces the one on the same content. The oldest go
// when there are too many.
func (q *quarantine) put(v *verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bad := maps.Clone(*q.bad.Load())
	key := badContent{v.Type, v.Version}
	_, known := bad[key]
	bad[key] = v
	for len(bad) > maxVerdicts {
		oldest := slices.MinFunc(slices.Collect(maps.Values(bad)), func(a, b *verdict) int { return a.At.Compare(b.At) })
		delete(bad, badContent{oldest.Type, oldest.Version})
	}
	q.bad.Store(&bad)
	if !known {
		q.version.Add(1)
	}
	q.changed = true
}

// touch refreshes who is to blame for content that is still wanted: the objects
// may have changed in a way that does not reach the resource.
func (q *quarantine) touch(v *verdict, from []mesh.Ref, snap *mesh.Snapshot) {
	blamed := blame(from, snap)
	if slices.Equal(blamed, v.Blamed) {
		return
	}
	again := *v
	again.Blamed = blamed
	q.put(&again)
}

// findings tells the verdicts whose objects are all as they were.
func (q *quarantine) findings(snap *mesh.Snapshot) []mesh.Finding {
	var all []mesh.Finding
	for _, v := range q.all() {
		if v.current(snap) {
			all = append(all, v.findings()...)
		}
	}
	return all
}

func (v *verdict) current(snap *mesh.Snapshot) bool {
	return !slices.ContainsFunc(v.Blamed, func(b blamedObject) bool { return objectHash(snap, b.Ref) != b.Hash })
}

func (v *verdict) findings() []mesh.Finding {
	refs := make([]mesh.Ref, 0, len(v.Blamed))
	for _, b := range v.Blamed {
		refs = append(refs, b.Ref)
	}
	if len(refs) == 0 {
		refs = append(refs, mesh.Ref{})
	}
	all := make([]mesh.Finding, 0, len(refs))
	for i, ref := range refs {
		all = append(all, mesh.Finding{
			Code: mesh.CodeRejected, Severity: mesh.Error, Phase: mesh.PhaseDelivery, Ref: ref,
			Message: fmt.Sprintf("Proxy %s rejected %s %s, which comes of this object: %s. Proxies go on with what they accepted last; correct the object.",
				v.Proxy, short(v.Type), v.Name, v.Words),
			Params: map[string]string{
				"proxy": v.Proxy, "type": short(v.Type), "resource": v.Name, "error": v.Words,
			},
			Related: slices.Delete(slices.Clone(refs), i, i+1),
		})
	}
	return all
}

// take gives the verdicts to be written, and nothing when nothing changed.
func (q *quarantine) take() ([]*verdict, bool) {
	q.mu.Lock()
	changed := q.changed
	q.changed = false
	q.mu.Unlock()
	return q.all(), changed
}

func blame(from []mesh.Ref, snap *mesh.Snapshot) []blamedObject {
	blamed := make([]blamedObject, 0, len(from))
	for _, ref := range from {
		blamed = append(blamed, blamedObject{ref, objectHash(snap, ref)})
	}
	return blamed
}

func objectHash(snap *mesh.Snapshot, ref mesh.Ref) mesh.Hash {
	if snap == nil {
		return mesh.Hash{}
	}
	o, ok := snap.Get(ref)
	if !ok {
		return mesh.Hash{}
	}
	return o.Hash
}

// accused finds the resources of a rejected response that the proxy's words
// name. Names that could stand in any sentence ("9080") accuse nobody.
func accused(changes []change, words string) []change {
	sent := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.c == nil })
	if len(sent) <= 1 {
		return sent
	}
	// The longest first: a name may be part of another one.
	slices.SortStableFunc(sent, func(a, b change) int { return cmp.Compare(len(b.name), len(a.name)) })
	var found []change
	for _, c := range sent {
		if !telling(c.name) {
			continue
		}
		rest, hit := strike(words, c.name)
		if hit {
			found = append(found, c)
			words = rest
		}
	}
	slices.SortFunc(found, func(a, b change) int { return compareChange(a, b.name) })
	return found
}

func telling(name string) bool {
	return len(name) >= 6 && strings.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// strike blanks each place where name stands as a whole word.
func strike(words, name string) (string, bool) {
	hit := false
	for at := 0; ; {
		i := strings.Index(words[at:], name)
		if i < 0 {
			return words, hit
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !partOfName(words[from-1])) && (to == len(words) || !partOfName(words[to])) {
			hit = true
			words = words[:from] + strings.Repeat(" ", len(name)) + words[to:]
		}
		at = to
	}
}

func partOfName(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '|' || b == '/' || b == '-' || b == '_'
}
