package serve

import (
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// resourceKey names a resource.
type resourceKey struct{ typ, name string }

// goods remembers, for each name, the last content that a proxy accepted. Names
// such as virtualInbound mean something else for each workload, so content is
// kept per variant: the workload that the proxy stands beside.
type goods struct {
	mu       sync.RWMutex
	variants map[string]int // to its bit
	held     map[resourceKey][]held
	changed  bool
}

// held is one content of a name and who accepted it last.
type held struct {
	content *content
	by      bits
	since   time.Time // when the first of them was sent it; zero is unknown
}

func newGoods() *goods {
	return &goods{variants: map[string]int{}, held: map[resourceKey][]held{}}
}

// accept notes that a proxy of a variant took a response: content that it
// accepted, names that it dropped. Content for which skip is true is left out.
func (g *goods) accept(variant string, out *outstanding, skip func(*content) bool) {
	if out.typ == xds.SecretType {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	bit := g.bit(variant)
	for _, c := range out.changes {
		switch {
		case c.c == nil:
			g.put(bit, resourceKey{out.typ, c.name}, nil, out.sent)
		case !c.c.standIn && !skip(c.c):
			g.put(bit, resourceKey{out.typ, c.name}, c.c, out.sent)
		}
	}
}

// put makes c, which was sent at a time, the content of a name for one variant;
// nil is none.
func (g *goods) put(bit int, key resourceKey, c *content, sent time.Time) {
	list := g.held[key]
	found := c == nil
	for i := range list {
		same := c != nil && list[i].content.version == c.version
		if same == list[i].by.has(bit) {
			found = found || same
			continue
		}
		g.changed = true
		if same {
			list[i].by, found = list[i].by.with(bit), true
		} else {
			list[i].by = list[i].by.without(bit)
		}
	}
	if !found {
		list = append(list, held{content: c, by: bits(nil).with(bit), since: sent})
		g.changed = true
	}
	list = slices.DeleteFunc(list, func(h held) bool { return h.by.none() })
	if len(list) == 0 {
		delete(g.held, key)
		return
	}
	g.held[key] = list
}

// get is the last good content of a name for a variant: its own, or else the
// one that everybody has.
func (g *goods) get(variant, typ, name string) *content {
	return g.find(variant, typ, name).content
}

// find is get, with what is known about the content; the zero held is none.
func (g *goods) find(variant, typ, name string) held {
	g.mu.RLock()
	defer g.mu.RUnlock()
	list := g.held[resourceKey{typ, name}]
	if bit, ok := g.variants[variant]; ok {
		for _, h := range list {
			if h.by.has(bit) {
				return held{content: h.content, since: h.since}
			}
		}
	}
	if len(list) == 1 {
		return held{content: list[0].content, since: list[0].since}
	}
	return held{}
}

// accepted reports whether some content is the last good one under its name for
// proxies of a variant, and whether it is for those of another.
func (g *goods) accepted(variant string, c *content) (own, others bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	list := g.held[resourceKey{c.typ, c.name}]
	i := slices.IndexFunc(list, func(h held) bool { return h.content.version == c.version })
	if i < 0 {
		return false, false
	}
	by := list[i].by
	if bit, ok := g.variants[variant]; ok && by.has(bit) {
		return true, !slices.Clone(by).without(bit).none()
	}
	return false, true
}

func (g *goods) bit(variant string) int {
	bit, ok := g.variants[variant]
	if !ok {
		bit = len(g.variants)
		g.variants[variant] = bit
	}
	return bit
}

// spareVariants is how many variants without a workload are remembered.
const spareVariants = 256

// compact forgets variants that have no workload any more, once there are many,
// and what only they accepted.
func (g *goods) compact(alive map[string]struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.variants) <= len(alive)+spareVariants {
		return
	}
	moved := map[int]int{} // bits that stay, old to new
	variants := map[string]int{}
	for name, bit := range g.variants {
		if _, ok := alive[name]; ok {
			moved[bit] = len(variants)
			variants[name] = moved[bit]
		}
	}
	for key, list := range g.held {
		for i := range list {
			var by bits
			for from, to := range moved {
				if list[i].by.has(from) {
					by = by.with(to)
				}
			}
			list[i].by = by
		}
		list = slices.DeleteFunc(list, func(h held) bool { return h.by.none() })
		if len(list) == 0 {
			delete(g.held, key)
			continue
		}
		g.held[key] = list
	}
	g.variants, g.changed = variants, true
}

// kept is one content as it is written to disk.
type kept struct {
	Type, Name, Version string
	Body                []byte
	Variants            []string
	Since               time.Time
	From                []mesh.Ref
}

// lasting reports types whose content is worth keeping over a restart.
// Endpoints of yesterday are wrong, and secrets are never written.
func lasting(typ string) bool { return typ != xds.EndpointType && typ != xds.SecretType }

// take gives what is to be written, and nothing when nothing changed since the
// last call.
func (g *goods) take() ([]kept, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.changed {
		return nil, false
	}
	g.changed = false
	names := make([]string, len(g.variants))
	for name, bit := range g.variants {
		names[bit] = name
	}
	var all []kept
	for _, key := range slices.SortedFunc(maps.Keys(g.held), compareKey) {
		if !lasting(key.typ) {
			continue
		}
		for _, h := range g.held[key] {
			k := kept{Type: key.typ, Name: key.name, Version: h.content.version, Body: h.content.body.GetValue(), Since: h.since, From: h.content.from}
			for bit := range names {
				if h.by.has(bit) {
					k.Variants = append(k.Variants, names[bit])
				}
			}
			all = append(all, k)
		}
	}
	return all, true
}

// restore takes back what was written. Content that cannot be read any more is
// left out.
func (g *goods) restore(all []kept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range all {
		body := &anypb.Any{TypeUrl: k.Type, Value: k.Body}
		m, err := body.UnmarshalNew()
		if err != nil {
			continue
		}
		h := held{content: &content{typ: k.Type, name: k.Name, version: k.Version, body: body, facts: factsOf(m), from: k.From}, since: k.Since}
		for _, v := range k.Variants {
			h.by = h.by.with(g.bit(v))
		}
		key := resourceKey{k.Type, k.Name}
		g.held[key] = append(g.held[key], h)
	}
}

func compareKey(a, b resourceKey) int {
	return xds.Part{Type: a.typ, Name: a.name}.Compare(xds.Part{Type: b.typ, Name: b.name})
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) has(n int) bool { return n/64 < len(b) && b[n/64]&(1<<(n%64)) != 0 }

func (b bits) with(n int) bits {
	for len(b) <= n/64 {
		b = append(b, 0)
	}
	b[n/64] |= 1 << (n % 64)
	return b
}

func (b bits) without(n int) bits {
	if b.has(n) {
		b[n/64] &^= 1 << (n % 64)
	}
	return b
}

func (b bits) none() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}
