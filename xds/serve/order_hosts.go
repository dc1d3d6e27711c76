package serve

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/xds"
)

// virtualHosts sends the hosts of one route configuration that the proxy has.
// A proxy asks once per stream, with no names; what it subscribes to is the
// route configuration.
func (o *order) virtualHosts(now time.Time) *response {
	vhds := o.sub(xds.VirtualHostType)
	if !vhds.started || !vhds.free() {
		return nil
	}
	for _, b := range vhds.batches() {
		byRoutes := map[string][]string{}
		for _, name := range b.names {
			routes := routesOf(name)
			byRoutes[routes] = append(byRoutes[routes], name)
		}
		for _, routes := range slices.Sorted(maps.Keys(byRoutes)) {
			changes := o.hostChanges(routes, byRoutes[routes], b.alone, now)
			if len(changes) > 0 {
				return o.send(vhds, changes, now)
			}
		}
	}
	return nil
}

func (o *order) hostChanges(routes string, dirty []string, alone bool, now time.Time) []change {
	vhds := o.sub(xds.VirtualHostType)
	var changes, held []change
	for _, name := range dirty {
		c, due := o.due(vhds, name)
		switch {
		case !due:
		case !o.holdsRoutes(routes) && c.c != nil:
			// The proxy drops hosts of a configuration that it does not have;
			// they are marked again when the configuration goes.
			vhds.forget(name)
		case !o.ready(c, now):
			held = append(held, c)
		default:
			changes = append(changes, c)
		}
	}
	changes = o.withoutMovesInto(held, changes)
	size := 0
	// Removals go first: a domain that moves must be free in the same response.
	slices.SortStableFunc(changes, func(a, b change) int {
		return cmp.Compare(boolRank(a.c != nil), boolRank(b.c != nil))
	})
	for i, c := range changes {
		size += o.weight(c)
		if i > 0 && (size > maxResponse || alone) {
			changes = changes[:i]
			break
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return compareChange(a, b.name) })
	return changes
}

// holdsRoutes reports whether the proxy has the route configuration, in content
// that takes hosts one by one.
func (o *order) holdsRoutes(routes string) bool {
	rds := o.sub(xds.RouteType)
	has := rds.has[routes]
	if has == nil || !rds.covers(routes) {
		return false
	}
	if has.body != nil {
		return has.facts.vhds
	}
	c, keep := o.want.want(xds.RouteType, routes)
	return keep || (c != nil && c.facts.vhds)
}

// withoutMovesInto leaves out changes that take a domain away which a held host
// is to get: they wait with it, or the domain would be nobody's meanwhile.
func (o *order) withoutMovesInto(held, changes []change) []change {
	if len(held) == 0 {
		return changes
	}
	vhds := o.sub(xds.VirtualHostType)
	awaited := map[string]struct{}{}
	for _, c := range held {
		for _, d := range c.c.facts.domains {
			awaited[d] = struct{}{}
		}
	}
	return slices.DeleteFunc(changes, func(c change) bool {
		has := vhds.has[c.name]
		return has != nil && slices.ContainsFunc(has.facts.domains, func(d string) bool {
			_, ok := awaited[d]
			return ok
		})
	})
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
