package agent

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/heddle-mesh/heddle/xds"
)

// cacheLife is how old the control plane's last word may be for Envoy to be
// started with it.
const cacheLife = 24 * time.Hour

// maxTainted bounds what is remembered of refused content.
const maxTainted = 1024

// content names bytes of a resource.
type content [sha256.Size]byte

func contentOf(typeURL string, r *discoveryv3.Resource) content {
	h := sha256.New()
	h.Write([]byte(typeURL))
	h.Write([]byte{0})
	h.Write([]byte(r.GetName()))
	h.Write([]byte{0})
	h.Write(r.GetResource().GetValue())
	return content(h.Sum(nil))
}

// kept is one resource that Envoy acknowledged.
type kept struct {
	resource *discoveryv3.Resource
	// seen is the stream on which Envoy last showed that it holds this.
	seen uint64
}

// cache is the configuration that Envoy acknowledged, without secrets.
type cache struct {
	news notice // told when there is something to write to disk

	mu      sync.Mutex
	types   map[string]map[string]*kept
	tainted []content // oldest first
	heard   time.Time // when the control plane was last connected
}

func newCache() *cache { return &cache{types: map[string]map[string]*kept{}} }

// usable reports whether Envoy can be started from the cache, and why not.
func (c *cache) usable(now time.Time) (bool, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.types[xds.ListenerType]) == 0:
		return false, "nothing was kept of an earlier run"
	case now.Sub(c.heard) > cacheLife:
		return false, "what was kept is older than " + cacheLife.String()
	}
	return true, ""
}

// heardAt is when the control plane was last connected.
func (c *cache) heardAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard
}

// hear notes that the control plane is connected.
func (c *cache) hear(now time.Time) {
	c.mu.Lock()
	c.heard = now
	c.mu.Unlock()
	c.news.tell()
}

// get finds one resource.
func (c *cache) get(typeURL, name string) (*discoveryv3.Resource, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.types[typeURL][name]
	if !ok {
		return nil, false
	}
	return k.resource, true
}

// all lists the resources of a type by name.
func (c *cache) all(typeURL string) []*discoveryv3.Resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*discoveryv3.Resource, 0, len(c.types[typeURL]))
	for _, k := range c.types[typeURL] {
		out = append(out, k.resource)
	}
	slices.SortFunc(out, func(a, b *discoveryv3.Resource) int { return strings.Compare(a.GetName(), b.GetName()) })
	return out
}

// commit takes in a response that Envoy acknowledged on a stream. Content that
// was ever refused stays out: Envoy acknowledges the same bad bytes the second
// time.
func (c *cache) commit(stream uint64, m *discoveryv3.DeltaDiscoveryResponse) {
	if m.GetTypeUrl() == xds.SecretType {
		return
	}
	c.mu.Lock()
	table := c.types[m.GetTypeUrl()]
	if table == nil {
		table = map[string]*kept{}
		c.types[m.GetTypeUrl()] = table
	}
	for _, r := range m.GetResources() {
		if r.GetResource() == nil {
			delete(table, r.GetName())
			continue
		}
		if !slices.Contains(c.tainted, contentOf(m.GetTypeUrl(), r)) {
			table[r.GetName()] = &kept{resource: r, seen: stream}
		}
	}
	for _, name := range m.GetRemovedResources() {
		delete(table, name)
	}
	c.mu.Unlock()
	c.news.tell()
}

// taint takes in a response that Envoy refused, with its words. When they name
// some of its resources, only these are held to be bad.
func (c *cache) taint(m *discoveryv3.DeltaDiscoveryResponse, words string) {
	bad := slices.DeleteFunc(slices.Clone(m.GetResources()), func(r *discoveryv3.Resource) bool {
		return !mentions(words, r.GetName())
	})
	if len(bad) == 0 {
		bad = m.GetResources()
	}
	c.mu.Lock()
	for _, r := range bad {
		if id := contentOf(m.GetTypeUrl(), r); !slices.Contains(c.tainted, id) {
			c.tainted = append(c.tainted, id)
		}
	}
	if over := len(c.tainted) - maxTainted; over > 0 {
		c.tainted = slices.Clone(c.tainted[over:])
	}
	c.mu.Unlock()
	c.news.tell()
}

// mentions reports whether a text holds a name, not just as a part of a longer
// word.
func mentions(text, name string) bool {
	if name == "" {
		return false
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(name)
		if (begin == 0 || !inName(text[begin-1])) && (end == len(text) || !inName(text[end])) {
			return true
		}
		at = begin + 1
	}
}

// inName is about letters and digits alone: messages end names with a dot or a
// colon, which may stand inside of names as well.
func inName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// holds notes that Envoy said on a stream that it holds a resource.
func (c *cache) holds(stream uint64, typeURL, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.types[typeURL][name]; k != nil {
		k.seen = stream
	}
}

// forget drops what Envoy does not want any more.
func (c *cache) forget(typeURL string, names []string) {
	if len(names) == 0 {
		return
	}
	c.mu.Lock()
	for _, n := range names {
		delete(c.types[typeURL], n)
		if typeURL == xds.RouteType {
			c.dropHosts(n, func(*kept) bool { return true })
		}
	}
	c.mu.Unlock()
	c.news.tell()
}

// prune drops the resources of a type that a stream did not show, now that the
// control plane has said everything about the type on it: they were removed
// while nobody listened. Endpoints go with their clusters.
func (c *cache) prune(stream uint64, typeURL string) {
	c.mu.Lock()
	for name, k := range c.types[typeURL] {
		if k.seen != stream {
			delete(c.types[typeURL], name)
		}
	}
	if typeURL == xds.ClusterType {
		asked := map[string]bool{}
		for _, k := range c.types[typeURL] {
			asked[endpointsOf(k.resource)] = true
		}
		for name := range c.types[xds.EndpointType] {
			if !asked[name] {
				delete(c.types[xds.EndpointType], name)
			}
		}
	}
	c.mu.Unlock()
	c.news.tell()
}

// pruneHosts is prune for the virtual hosts of one route configuration.
func (c *cache) pruneHosts(stream uint64, route string) {
	c.mu.Lock()
	c.dropHosts(route, func(k *kept) bool { return k.seen != stream })
	c.mu.Unlock()
	c.news.tell()
}

// dropHosts needs the lock.
func (c *cache) dropHosts(route string, which func(*kept) bool) {
	for name, k := range c.types[xds.VirtualHostType] {
		if routeOf(name) == route && which(k) {
			delete(c.types[xds.VirtualHostType], name)
		}
	}
}

// routeOf is the route configuration that a virtual host belongs to: the part
// of its name before the last slash.
func routeOf(host string) string {
	i := strings.LastIndexByte(host, '/')
	if i < 0 {
		return ""
	}
	return host[:i]
}
