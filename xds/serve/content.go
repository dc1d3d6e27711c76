package serve

import (
	"fmt"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// content is one resource as it goes over the wire. It is immutable and shared
// by all proxies that get it.
type content struct {
	typ, name string
	version   string     // digest of the bytes
	body      *anypb.Any // nil where only the version is known
	facts     facts
	from      []mesh.Ref // what it was made of
	standIn   bool       // a Part's fallback: never remembered as good
}

// facts is what the push order must know of a resource.
type facts struct {
	// endpoints names the ClusterLoadAssignment of a cluster that has one.
	endpoints string
	// dns is true for a cluster that takes traffic only once it has resolved
	// names.
	dns bool
	// vhds is true for a route configuration whose hosts come one by one.
	vhds bool
	// clusters lists, sorted, the clusters that a route or listener leads to.
	clusters []string
	// routes are the route configurations that a listener names.
	routes []string
	// domains of a virtual host.
	domains []string
	// ruled is true for a virtual host whose routes somebody declared; else
	// they are those that every service has.
	ruled bool
}

// size is what the resource weighs on the wire, to a few bytes.
func (c *content) size() int {
	return len(c.body.GetValue()) + len(c.body.GetTypeUrl()) + len(c.name) + len(c.version) + 16
}

// newContent takes over a checked resource.
func newContent(r *xds.Resource) *content {
	return &content{typ: r.Type, name: r.Name, version: r.Version, body: r.Body, facts: factsOf(r.Message), from: r.From}
}

// unknownContent stands for what a proxy holds under a name when all we know is
// the version that it told us, or nothing.
func unknownContent(typ, name, version string) *content {
	return &content{typ: typ, name: name, version: version}
}

// resource is the content as the rest of the program knows it.
func (c *content) resource(from []mesh.Ref) (xds.Resource, error) {
	m, err := c.body.UnmarshalNew()
	if err != nil {
		return xds.Resource{}, fmt.Errorf("decode %s %s: %w", short(c.typ), c.name, err)
	}
	return xds.Resource{Type: c.typ, Name: c.name, Message: m, Body: c.body, Version: c.version, From: from}, nil
}

func factsOf(m proto.Message) facts {
	var f facts
	for _, ref := range xds.References(m) {
		switch ref.Type {
		case xds.ClusterType:
			f.clusters = append(f.clusters, ref.Name)
		case xds.RouteType:
			f.routes = append(f.routes, ref.Name)
		case xds.EndpointType:
			f.endpoints = ref.Name
		}
	}
	switch m := m.(type) {
	case *clusterv3.Cluster:
		f.dns = m.GetType() == clusterv3.Cluster_STRICT_DNS || m.GetType() == clusterv3.Cluster_LOGICAL_DNS
	case *routev3.RouteConfiguration:
		f.vhds = m.GetVhds() != nil
	case *routev3.VirtualHost:
		f.domains = slices.Clone(m.GetDomains())
		f.ruled = slices.ContainsFunc(m.GetRoutes(), func(r *routev3.Route) bool {
			return r.GetMetadata().GetFilterMetadata()["heddle"].GetFields()["path"].GetStringValue() != ""
		})
	}
	return f
}

// placeholder is a virtual host that nobody can call. A route configuration
// without any host would keep its listener from starting.
func placeholder(routes string) (*content, error) {
	name := placeholderName(routes)
	r, err := xds.NewResource(xds.VirtualHostType, name,
		&routev3.VirtualHost{Name: name, Domains: []string{names.PlaceholderHost}}, nil)
	if err != nil {
		return nil, fmt.Errorf("make the placeholder of route configuration %s: %w", routes, err)
	}
	return newContent(r), nil
}

func placeholderName(routes string) string { return names.VirtualHost(routes, names.PlaceholderHost) }

// routesOf is the route configuration that a virtual host's name says.
func routesOf(host string) string {
	routes, _, _ := names.ParseVirtualHost(host)
	return routes
}

// short is the last word of a type URL, for people: "Cluster".
func short(typ string) string {
	for i := len(typ) - 1; i >= 0; i-- {
		if typ[i] == '.' || typ[i] == '/' {
			return typ[i+1:]
		}
	}
	return typ
}
