package agent

import (
	"strconv"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/heddle-mesh/heddle/xds"
)

// answerer speaks for the control plane on one stream while it is away. It
// never replaces or removes what Envoy holds: that was acknowledged, and is as
// good as what was kept. It only adds what Envoy lacks.
type answerer struct {
	cache *cache
	types map[string]*answered
	count int
}

// answered is one type on the stream.
type answered struct {
	opened   bool // Envoy asked for it
	wildcard bool
	names    map[string]bool // subscribed by name
	holds    map[string]bool // by Envoy's word, or because it was sent
}

func newAnswerer(c *cache) *answerer {
	return &answerer{cache: c, types: map[string]*answered{}}
}

// request gives the responses to one request, in the order to send them.
func (a *answerer) request(m *discoveryv3.DeltaDiscoveryRequest) []*discoveryv3.DeltaDiscoveryResponse {
	t := a.state(m.GetTypeUrl())
	first := !t.opened
	if first {
		t.opened = true
		for name := range m.GetInitialResourceVersions() {
			t.holds[name] = true
		}
	}
	for _, name := range m.GetResourceNamesUnsubscribe() {
		delete(t.names, name)
		delete(t.holds, name)
	}
	wildcard := first && len(m.GetResourceNamesSubscribe()) == 0
	var names []string
	for _, name := range m.GetResourceNamesSubscribe() {
		switch {
		case name == "*":
			wildcard = !t.wildcard
		case !t.names[name]:
			t.names[name] = true
			names = append(names, name)
		}
	}
	t.wildcard = t.wildcard || wildcard

	var out []*discoveryv3.DeltaDiscoveryResponse
	switch {
	case wildcard && m.GetTypeUrl() == xds.VirtualHostType:
		// Hosts go behind their route configuration.
		routes := a.state(xds.RouteType)
		for _, r := range a.cache.all(xds.RouteType) {
			if routes.holds[r.GetName()] {
				out = append(out, a.hosts(r.GetName(), false)...)
			}
		}
		return out
	case wildcard:
		r := a.response(m.GetTypeUrl())
		for _, res := range a.cache.all(m.GetTypeUrl()) {
			a.add(r, t, res)
		}
		// A first answer ends Envoy's waiting even when it is empty.
		if len(r.GetResources()) > 0 || len(t.holds) == 0 {
			out = append(out, r)
			out = append(out, a.behind(r)...)
		}
	}
	if len(names) > 0 {
		r := a.response(m.GetTypeUrl())
		for _, name := range names {
			if res, ok := a.cache.get(m.GetTypeUrl(), name); ok {
				a.add(r, t, res)
			} else if !t.holds[name] {
				r.RemovedResources = append(r.RemovedResources, name)
			}
		}
		if len(r.GetResources())+len(r.GetRemovedResources()) > 0 {
			out = append(out, r)
			out = append(out, a.behind(r)...)
		}
	}
	return out
}

func (a *answerer) state(typeURL string) *answered {
	t := a.types[typeURL]
	if t == nil {
		t = &answered{names: map[string]bool{}, holds: map[string]bool{}}
		a.types[typeURL] = t
	}
	return t
}

// add puts a resource into a response unless Envoy holds one of that name.
func (a *answerer) add(r *discoveryv3.DeltaDiscoveryResponse, t *answered, res *discoveryv3.Resource) {
	if !t.holds[res.GetName()] {
		t.holds[res.GetName()] = true
		r.Resources = append(r.Resources, res)
	}
}

// behind is what must follow a response at once: endpoints behind clusters,
// for Envoy does not ask again for those that it had subscribed to; hosts
// behind route configurations, for it does not ask for them one by one.
func (a *answerer) behind(sent *discoveryv3.DeltaDiscoveryResponse) []*discoveryv3.DeltaDiscoveryResponse {
	switch sent.GetTypeUrl() {
	case xds.ClusterType:
		t := a.state(xds.EndpointType)
		r := a.response(xds.EndpointType)
		for _, res := range sent.GetResources() {
			name := endpointsOf(res)
			if !t.names[name] {
				continue
			}
			if endpoints, ok := a.cache.get(xds.EndpointType, name); ok {
				t.holds[name] = true
				r.Resources = append(r.Resources, endpoints)
			}
		}
		if len(r.GetResources()) == 0 {
			return nil
		}
		return []*discoveryv3.DeltaDiscoveryResponse{r}
	case xds.RouteType:
		var out []*discoveryv3.DeltaDiscoveryResponse
		for _, res := range sent.GetResources() {
			out = append(out, a.hosts(res.GetName(), true)...)
		}
		return out
	}
	return nil
}

// hosts are the virtual hosts of a route configuration. For a configuration
// that Envoy gets anew, what it said to hold does not count: it dropped the
// hosts together with the configuration.
func (a *answerer) hosts(route string, anew bool) []*discoveryv3.DeltaDiscoveryResponse {
	t := a.state(xds.VirtualHostType)
	r := a.response(xds.VirtualHostType)
	for _, res := range a.cache.all(xds.VirtualHostType) {
		if routeOf(res.GetName()) != route {
			continue
		}
		if anew {
			delete(t.holds, res.GetName())
		}
		a.add(r, t, res)
	}
	if len(r.GetResources()) == 0 {
		if !anew {
			return nil
		}
		// A removal ends the listener's waiting for a configuration that has
		// no hosts.
		r.RemovedResources = []string{route + "/none"}
	}
	return []*discoveryv3.DeltaDiscoveryResponse{r}
}

func (a *answerer) response(typeURL string) *discoveryv3.DeltaDiscoveryResponse {
	a.count++
	return &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL, Nonce: "kept-" + strconv.Itoa(a.count)}
}

// endpointsOf is the name under which a cluster asks for its endpoints.
func endpointsOf(r *discoveryv3.Resource) string {
	var c clusterv3.Cluster
	if err := r.GetResource().UnmarshalTo(&c); err == nil {
		if name := c.GetEdsClusterConfig().GetServiceName(); name != "" {
			return name
		}
	}
	return r.GetName()
}
