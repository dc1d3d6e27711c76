package serve

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/xds"
)

// change is one resource of a response; without content it is removed.
type change struct {
	name string
	c    *content
}

// response is what may be sent now.
type response struct {
	typ     string
	nonce   string
	changes []change // by name
}

func compareChange(c change, name string) int { return cmp.Compare(c.name, name) }

// outstanding is a response that was sent and not answered.
type outstanding struct {
	response
	sent time.Time
	// fresh holds the names that the proxy had no resource under before.
	fresh map[string]struct{}
	// restores is true when it puts back what was accepted before.
	restores bool
}

func (o *outstanding) holds(name string) bool {
	if o == nil {
		return false
	}
	_, ok := slices.BinarySearchFunc(o.changes, name, compareChange)
	return ok
}

// subscription is one resource type on one stream.
type subscription struct {
	typ      string
	started  bool // the proxy asked for the type
	claimed  bool // it said that it has some from before this stream
	wildcard bool
	names    map[string]struct{} // asked for by name

	// has is what the proxy holds, or will hold once it has answered.
	has map[string]*content
	// dirty names the resources to look at: they may differ from has.
	dirty map[string]struct{}
	// asked are names that must be answered, if only by "there is none".
	asked map[string]struct{}
	// answer is true while a first request for everything has got no answer.
	answer bool
	// restore is sent before anything else of the type: content that was
	// accepted once, put back after a rejection that blamed nobody.
	restore map[string]*content
	// single are names that go one per response, to find the guilty one.
	single map[string]struct{}

	out *outstanding
}

func newSubscription(typ string) *subscription {
	return &subscription{
		typ: typ, names: map[string]struct{}{}, has: map[string]*content{},
		dirty: map[string]struct{}{}, asked: map[string]struct{}{},
		restore: map[string]*content{}, single: map[string]struct{}{},
	}
}

func (t *subscription) free() bool { return t.out == nil }

func (t *subscription) covers(name string) bool {
	if t.wildcard {
		return true
	}
	_, ok := t.names[name]
	return ok
}

// quiet reports that the proxy has answered everything and lacks nothing.
func (t *subscription) quiet() bool {
	return !t.started || (t.out == nil && len(t.dirty) == 0 && !t.answer)
}

func (t *subscription) mark(name string) {
	if t.started {
		t.dirty[name] = struct{}{}
	}
}

// forget drops all that is remembered of a name.
func (t *subscription) forget(name string) {
	delete(t.has, name)
	delete(t.dirty, name)
	delete(t.asked, name)
	delete(t.restore, name)
	delete(t.single, name)
}

// batch is a list of names that may share a response.
type batch struct {
	names []string // sorted
	alone bool     // one name per response
}

// batches lists what to look at. What is to be restored goes before all else,
// and names that go alone before what goes together.
func (t *subscription) batches() []batch {
	if len(t.restore) > 0 {
		return []batch{{names: slices.Sorted(maps.Keys(t.restore))}}
	}
	var all []batch
	if len(t.single) > 0 {
		all = append(all, batch{names: slices.Sorted(maps.Keys(t.single)), alone: true})
	}
	rest := make([]string, 0, len(t.dirty))
	for name := range t.dirty {
		if _, alone := t.single[name]; !alone {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(all, batch{names: rest})
}

// endsByUnsubscribing reports types that end with what names them: the proxy
// unsubscribes then. Envoy ignores a removal of most of them, and says so in its
// log; a filter that is removed by name would refuse the requests of chains that
// are still draining.
func endsByUnsubscribing(typ string) bool {
	switch typ {
	case xds.EndpointType, xds.RouteType, xds.SecretType, xds.ExtensionType:
		return true
	}
	return false
}

// wholeByDefault reports types of which a first request without names asks for
// everything.
func wholeByDefault(typ string) bool {
	return typ == xds.ClusterType || typ == xds.ListenerType || typ == xds.VirtualHostType
}
