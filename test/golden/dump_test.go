package golden

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	adminv3 "github.com/envoyproxy/go-control-plane/envoy/admin/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// inForce checks that Envoy works with exactly what it is to have. Envoy
// acknowledges before that: a listener waits for its routes, a cluster for its
// endpoints, and what waits in vain is never said anywhere.
func (x *proxy) inForce(t *testing.T, want *xds.ResourceSet) {
	t.Helper()
	eventually(t, func() error {
		d, err := x.dump()
		if err != nil {
			return err
		}
		return d.compare(want)
	})
}

// dump is what Envoy says it works with, by name.
type dump struct {
	listeners map[string]proto.Message
	clusters  map[string]proto.Message
	routes    map[string]*routev3.RouteConfiguration
	endpoints map[string]*endpointv3.ClusterLoadAssignment
	secrets   map[string]bool
	// pending is what was taken but is not, or not yet, in force.
	pending []string
}

func (x *proxy) dump() (*dump, error) {
	text, err := x.ask("/debug/config_dump?include_eds")
	if err != nil {
		return nil, err
	}
	var all adminv3.ConfigDump
	if err := protojson.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read Envoy's configuration: %w", err)
	}
	d := &dump{
		listeners: map[string]proto.Message{}, clusters: map[string]proto.Message{},
		routes: map[string]*routev3.RouteConfiguration{}, endpoints: map[string]*endpointv3.ClusterLoadAssignment{},
		secrets: map[string]bool{},
	}
	for _, section := range all.GetConfigs() {
		m, err := section.UnmarshalNew()
		if err != nil {
			return nil, err
		}
		if err := d.read(m); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *dump) read(section proto.Message) error {
	switch s := section.(type) {
	case *adminv3.ListenersConfigDump:
		for _, l := range s.GetDynamicListeners() {
			if e := l.GetErrorState(); e != nil {
				d.pending = append(d.pending, "listener "+l.GetName()+" is refused: "+e.GetDetails())
			}
			if l.GetWarmingState() != nil {
				d.pending = append(d.pending, "listener "+l.GetName()+" is warming")
			}
			if err := keep(d.listeners, l.GetName(), l.GetActiveState().GetListener()); err != nil {
				return err
			}
		}
	case *adminv3.ClustersConfigDump:
		for _, c := range s.GetDynamicWarmingClusters() {
			d.pending = append(d.pending, "a cluster is warming: "+c.GetVersionInfo())
		}
		for _, c := range s.GetDynamicActiveClusters() {
			if e := c.GetErrorState(); e != nil {
				d.pending = append(d.pending, "a cluster is refused: "+e.GetDetails())
			}
			var m clusterv3.Cluster
			if err := c.GetCluster().UnmarshalTo(&m); err != nil {
				return err
			}
			d.clusters[m.GetName()] = &m
		}
	case *adminv3.RoutesConfigDump:
		for _, r := range s.GetDynamicRouteConfigs() {
			if e := r.GetErrorState(); e != nil {
				d.pending = append(d.pending, "routes are refused: "+e.GetDetails())
			}
			var m routev3.RouteConfiguration
			if err := r.GetRouteConfig().UnmarshalTo(&m); err != nil {
				return err
			}
			d.routes[m.GetName()] = &m
		}
	case *adminv3.EndpointsConfigDump:
		for _, e := range s.GetDynamicEndpointConfigs() {
			var m endpointv3.ClusterLoadAssignment
			if err := e.GetEndpointConfig().UnmarshalTo(&m); err != nil {
				return err
			}
			d.endpoints[m.GetClusterName()] = &m
		}
	case *adminv3.SecretsConfigDump:
		for _, x := range s.GetDynamicWarmingSecrets() {
			d.pending = append(d.pending, "secret "+x.GetName()+" is warming")
		}
		for _, x := range s.GetDynamicActiveSecrets() {
			d.secrets[x.GetName()] = true
		}
	}
	return nil
}

func keep(in map[string]proto.Message, name string, packed *anypb.Any) error {
	if packed == nil {
		return nil // not in force, which pending says
	}
	m, err := packed.UnmarshalNew()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	in[name] = m
	return nil
}

// compare says where Envoy differs from what it is to have.
func (d *dump) compare(want *xds.ResourceSet) error {
	if len(d.pending) > 0 {
		return fmt.Errorf("not in force: %s", strings.Join(d.pending, "; "))
	}
	var secrets []string
	if len(d.endpoints) > 0 {
		secrets = []string{names.TrustBundle, names.OwnCertificate}
	}
	for _, s := range secrets {
		if !d.secrets[s] {
			return fmt.Errorf("secret %s is not in force", s)
		}
	}
	d.setAside(want)
	return errors.Join(
		differ("listeners", messages(want, xds.ListenerType), d.listeners),
		differ("clusters", messages(want, xds.ClusterType), d.clusters),
		differ("routes", routesOf(want), inOrder(d.routes)),
		differ("endpoints", endpointsOf(want), addresses(d.discovered())),
	)
}

// setAside forgets what only connections that are draining still use: the
// routes of a listener that is gone, and where those lead.
func (d *dump) setAside(want *xds.ResourceSet) {
	for name, rc := range d.routes {
		if _, wanted := want.Get(xds.RouteType, name); wanted {
			continue
		}
		delete(d.routes, name)
		for _, to := range xds.References(rc) {
			if _, wanted := want.Get(to.Type, to.Name); !wanted {
				delete(d.clusters, to.Name)
				delete(d.endpoints, to.Name)
			}
		}
	}
}

// difference is written down only when somebody reads it: comparing is quick,
// saying how things differ is not.
type difference struct {
	what      string
	want, got any
}

func (d difference) Error() string {
	return fmt.Sprintf("%s in force differ (-want +got):\n%s", d.what, cmp.Diff(d.want, d.got, protocmp.Transform()))
}

func differ[M proto.Message](what string, want, got map[string]M) error {
	if maps.EqualFunc(want, got, func(a, b M) bool { return proto.Equal(a, b) }) {
		return nil
	}
	return difference{what, want, got}
}

// discovered are the endpoints that were sent; Envoy lists those of all clusters.
func (d *dump) discovered() map[string]*endpointv3.ClusterLoadAssignment {
	out := maps.Clone(d.endpoints)
	maps.DeleteFunc(out, func(name string, _ *endpointv3.ClusterLoadAssignment) bool {
		c, ok := d.clusters[name].(*clusterv3.Cluster)
		return ok && c.GetType() != clusterv3.Cluster_EDS
	})
	return out
}

func messages(set *xds.ResourceSet, typeURL string) map[string]proto.Message {
	out := map[string]proto.Message{}
	for _, r := range set.OfType(typeURL) {
		out[r.Name] = r.Message
	}
	return out
}

// routesOf are the route configurations with the virtual hosts that are sent
// apart from them.
func routesOf(set *xds.ResourceSet) map[string]*routev3.RouteConfiguration {
	out := map[string]*routev3.RouteConfiguration{}
	for _, r := range set.OfType(xds.RouteType) {
		out[r.Name] = proto.CloneOf(r.Message.(*routev3.RouteConfiguration))
	}
	for _, r := range set.OfType(xds.VirtualHostType) {
		routes, _, _ := names.ParseVirtualHost(r.Name)
		if rc := out[routes]; rc != nil {
			rc.VirtualHosts = append(rc.VirtualHosts, r.Message.(*routev3.VirtualHost))
		}
	}
	return inOrder(out)
}

// inOrder sorts virtual hosts by name; Envoy keeps those that it fetched in no
// order.
func inOrder(routes map[string]*routev3.RouteConfiguration) map[string]*routev3.RouteConfiguration {
	for _, rc := range routes {
		slices.SortFunc(rc.VirtualHosts, func(a, b *routev3.VirtualHost) int { return strings.Compare(a.GetName(), b.GetName()) })
	}
	return routes
}

func endpointsOf(set *xds.ResourceSet) map[string]proto.Message {
	out := map[string]*endpointv3.ClusterLoadAssignment{}
	for _, r := range set.OfType(xds.EndpointType) {
		out[r.Name] = r.Message.(*endpointv3.ClusterLoadAssignment)
	}
	return addresses(out)
}

// addresses are the endpoints of each cluster without what Envoy adds to them:
// addresses, weights and localities, in order.
func addresses(all map[string]*endpointv3.ClusterLoadAssignment) map[string]proto.Message {
	out := map[string]proto.Message{}
	for name, assignment := range all {
		bare := &endpointv3.ClusterLoadAssignment{ClusterName: name}
		for _, locality := range assignment.GetEndpoints() {
			if len(locality.GetLbEndpoints()) == 0 {
				continue
			}
			group := &endpointv3.LocalityLbEndpoints{Locality: locality.GetLocality()}
			for _, e := range locality.GetLbEndpoints() {
				group.LbEndpoints = append(group.LbEndpoints, &endpointv3.LbEndpoint{
					HostIdentifier:      &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: e.GetEndpoint().GetAddress()}},
					LoadBalancingWeight: e.GetLoadBalancingWeight(),
				})
			}
			slices.SortFunc(group.LbEndpoints, func(a, b *endpointv3.LbEndpoint) int { return strings.Compare(addressOf(a), addressOf(b)) })
			bare.Endpoints = append(bare.Endpoints, group)
		}
		slices.SortFunc(bare.Endpoints, func(a, b *endpointv3.LocalityLbEndpoints) int {
			return strings.Compare(localityOf(a), localityOf(b))
		})
		out[name] = bare
	}
	return out
}

func addressOf(e *endpointv3.LbEndpoint) string {
	a := e.GetEndpoint().GetAddress().GetSocketAddress()
	return fmt.Sprintf("%s:%d", a.GetAddress(), a.GetPortValue())
}

func localityOf(l *endpointv3.LocalityLbEndpoints) string {
	at := l.GetLocality()
	return strings.Join([]string{at.GetRegion(), at.GetZone(), at.GetSubZone()}, "/")
}
