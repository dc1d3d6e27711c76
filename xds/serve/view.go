package serve

import (
	"iter"
	"maps"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// view is what one proxy should have: its plan, with the last good content in
// the place of what cannot be made or was rejected.
type view struct {
	set     *set
	variant string
	goods   *goods
	bad     *quarantine
	// secret gives the secrets that the control plane itself makes for the pod.
	secret func(name string) *content

	// refused is content that this proxy alone rejected, while others of its
	// workload took it, or for which the quarantine had no room.
	refused map[resourceKey]*verdict
	// extra is what last good content leads to and the plan has no more.
	extra map[resourceKey]*content
	// hostless are the placeholders made so far, by route configuration.
	hostless map[string]*content
}

func (v *view) want(typ, name string) (*content, bool) {
	e := v.set.get(typ, name)
	if e != nil {
		if e.content != nil && !v.rejected(e.content) {
			return e.content, true
		}
		if c := v.substitute(typ, name); c != nil {
			return c, true
		}
		return e.fallback, true
	}
	switch {
	case typ == xds.SecretType && v.secret != nil:
		return v.secret(name), false
	case typ == xds.VirtualHostType && placeholderName(routesOf(name)) == name:
		return v.placeholder(routesOf(name)), false
	}
	return v.extra[resourceKey{typ, name}], false
}

func (v *view) rejected(c *content) bool {
	if r := v.refused[resourceKey{c.typ, c.name}]; r != nil && r.Version == c.version {
		return true
	}
	return v.bad.holds(v.variant, c)
}

// maxTold bounds for how many rejections of its own a proxy gets a finding. The
// others have an effect all the same.
const maxTold = 100

// refuse keeps content back from this proxy alone.
func (v *view) refuse(r *verdict) {
	key := resourceKey{r.Type, r.Name}
	if _, known := v.refused[key]; !known && len(v.refused) >= maxTold {
		r = &verdict{Type: r.Type, Name: r.Name, Version: r.Version}
	}
	v.refused[key] = r
}

// follow makes a set the one that the proxy should have.
func (v *view) follow(next *set) {
	v.set = next
	maps.DeleteFunc(v.refused, func(key resourceKey, _ *verdict) bool { return next.get(key.typ, key.name) == nil })
}

func (v *view) substitute(typ, name string) *content {
	c := v.goods.get(v.variant, typ, name)
	if c == nil || v.rejected(c) {
		return nil
	}
	return c
}

// placeholder is wanted where a route configuration takes its hosts one by one
// and has none.
func (v *view) placeholder(routes string) *content {
	config, _ := v.want(xds.RouteType, routes)
	if config == nil || !config.facts.vhds {
		return nil
	}
	for e := range v.set.hosts(routes) {
		if c, _ := v.want(e.typ, e.name); c != nil {
			return nil
		}
	}
	c := v.hostless[routes]
	if c == nil {
		made, err := placeholder(routes)
		if err != nil {
			return nil
		}
		c = made
		v.hostless[routes] = c
	}
	return c
}

func (v *view) all(typ string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for e := range v.set.of(typ) {
			if !yield(e.name) {
				return
			}
		}
		for key := range v.extra {
			if key.typ == typ && !yield(key.name) {
				return
			}
		}
	}
}

func (v *view) hosts(routes string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield(placeholderName(routes)) {
			return
		}
		for e := range v.set.hosts(routes) {
			if !yield(e.name) {
				return
			}
		}
	}
}

// substituted lists the entries whose content is not what the plan says.
func (v *view) substituted() []*entry {
	list := v.set.broken()
	for _, r := range v.bad.binding(v.variant) {
		if e := v.set.get(r.Type, r.Name); e != nil && e.content != nil && e.content.version == r.Version {
			list = append(list, e)
		}
	}
	for key, r := range v.refused {
		if e := v.set.get(key.typ, key.name); e != nil && e.content != nil && e.content.version == r.Version {
			list = append(list, e)
		}
	}
	return list
}

// lean finds the clusters that last good content leads to and that the plan has
// no more, with their endpoints. It reports the names whose place in extra
// changed. It also keeps the blame for quarantined content up to date.
func (v *view) lean(snap *mesh.Snapshot) []resourceKey {
	before := v.extra
	v.extra = map[resourceKey]*content{}
	for _, e := range v.substituted() {
		if e.content != nil {
			if r := v.bad.verdict(e.content); r != nil {
				v.bad.touch(r, e.from, snap)
			}
		}
		c := v.substitute(e.typ, e.name)
		if c == nil {
			continue
		}
		for _, name := range c.facts.clusters {
			v.leanOn(name)
		}
	}
	var changed []resourceKey
	for key, c := range v.extra {
		if before[key] != c {
			changed = append(changed, key)
		}
	}
	for key := range maps.Keys(before) {
		if v.extra[key] == nil {
			changed = append(changed, key)
		}
	}
	return changed
}

func (v *view) leanOn(cluster string) {
	if v.set.get(xds.ClusterType, cluster) != nil {
		return
	}
	c := v.substitute(xds.ClusterType, cluster)
	if c == nil {
		return
	}
	v.extra[resourceKey{c.typ, c.name}] = c
	if e := c.facts.endpoints; e != "" && v.set.get(xds.EndpointType, e) == nil {
		if c := v.substitute(xds.EndpointType, e); c != nil {
			v.extra[resourceKey{c.typ, c.name}] = c
		}
	}
}
