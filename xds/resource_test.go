package xds_test

import (
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func listenerWith(t *testing.T, name string, filters ...proto.Message) *listenerv3.Listener {
	t.Helper()
	chain := &listenerv3.FilterChain{}
	for _, f := range filters {
		chain.Filters = append(chain.Filters, &listenerv3.Filter{Name: "f", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: pack(t, f)}})
	}
	return &listenerv3.Listener{Name: name, FilterChains: []*listenerv3.FilterChain{chain}}
}

func TestValidateLooksInsideAny(t *testing.T) {
	for _, c := range []struct {
		what    string
		message proto.Message
		problem string // "" when it is valid
	}{
		{"a good cluster", &clusterv3.Cluster{Name: "a"}, ""},
		{"a time-out below zero", &clusterv3.Cluster{Name: "a", ConnectTimeout: durationpb.New(-1)}, "ConnectTimeout"},
		{"a bad filter", listenerWith(t, "l", &hcmv3.HttpConnectionManager{}), "StatPrefix"},
		{
			"a bad filter, two deep",
			listenerWith(t, "l", &hcmv3.HttpConnectionManager{
				StatPrefix:     "x",
				RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: "r"}},
				HttpFilters: []*hcmv3.HttpFilter{{Name: "h", ConfigType: &hcmv3.HttpFilter_TypedConfig{
					TypedConfig: pack(t, &tcpv3.TcpProxy{}),
				}}},
			}),
			"StatPrefix",
		},
		{
			"a type that nobody knows",
			&clusterv3.Cluster{Name: "a", TypedExtensionProtocolOptions: map[string]*anypb.Any{"x": {TypeUrl: "type.googleapis.com/no.such.Type"}}},
			"no.such.Type",
		},
	} {
		err := xds.Validate(c.message)
		switch {
		case c.problem == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%s: error %v does not name %s", c.what, err, c.problem)
		}
	}
}

func TestWhatCannotBeBuiltBlamesItsObjects(t *testing.T) {
	from := []mesh.Ref{{Kind: mesh.KindVirtualService, Namespace: "default", Name: "a"}, {Kind: mesh.KindService, Namespace: "default", Name: "b"}}
	part := func(m proto.Message) xds.Part {
		return xds.Part{Type: xds.ClusterType, Name: "a", From: from, Make: func() (proto.Message, []mesh.Finding) { return m, nil }}
	}
	for what, m := range map[string]proto.Message{
		"invalid":    &clusterv3.Cluster{Name: "a", ConnectTimeout: durationpb.New(-1)},
		"other name": &clusterv3.Cluster{Name: "b"},
		"other type": &endpointv3.ClusterLoadAssignment{ClusterName: "a"},
	} {
		r, findings := xds.Build(part(m))
		if r != nil {
			t.Errorf("%s: a resource was made", what)
		}
		var blamed []mesh.Ref
		for _, f := range findings {
			blamed = append(blamed, f.Ref)
		}
		if diff := cmp.Diff(from, blamed); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	if r, findings := xds.Build(part(nil)); r != nil || findings != nil {
		t.Errorf("nothing became %v, %v", r, findings)
	}
}

func resource(t *testing.T, typ, name string, m proto.Message) *xds.Resource {
	t.Helper()
	r, err := xds.NewResource(typ, name, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func eds(name string) *clusterv3.Cluster {
	return &clusterv3.Cluster{Name: name, ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS}}
}

func routeTo(cluster string) *routev3.Route {
	return &routev3.Route{
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: cluster}}},
	}
}

func TestSetsAreOrderedAndKnowWhatIsMissing(t *testing.T) {
	mirrored := routeTo("a")
	mirrored.GetRoute().RequestMirrorPolicies = []*routev3.RouteAction_RequestMirrorPolicy{{Cluster: "mirror"}}
	listener := listenerWith(t, "l",
		&hcmv3.HttpConnectionManager{StatPrefix: "x", RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{RouteConfigName: "routes"}}},
		&tcpv3.TcpProxy{StatPrefix: "x", ClusterSpecifier: &tcpv3.TcpProxy_Cluster{Cluster: "agent"}},
	)
	set := xds.NewResourceSet([]*xds.Resource{
		resource(t, xds.ListenerType, "l", listener),
		resource(t, xds.VirtualHostType, "routes/h", &routev3.VirtualHost{Name: "routes/h", Domains: []string{"h"}, Routes: []*routev3.Route{mirrored}}),
		resource(t, xds.ClusterType, "b", eds("b")),
		resource(t, xds.ClusterType, "a", &clusterv3.Cluster{Name: "a"}),
		resource(t, xds.ClusterType, "a", eds("a")),
		resource(t, xds.EndpointType, "a", &endpointv3.ClusterLoadAssignment{ClusterName: "a"}),
	})
	var order []string
	for _, r := range set.All() {
		order = append(order, r.Type[strings.LastIndexByte(r.Type, '.')+1:]+" "+r.Name)
	}
	want := []string{"Cluster a", "Cluster b", "ClusterLoadAssignment a", "VirtualHost routes/h", "Listener l"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Error(diff)
	}
	if got := len(set.OfType(xds.ClusterType)); got != 2 {
		t.Errorf("%d clusters", got)
	}
	if got := set.OfType(xds.SecretType); len(got) != 0 {
		t.Errorf("%d secrets", len(got))
	}
	if r, ok := set.Get(xds.ClusterType, "a"); !ok || r.Message.(*clusterv3.Cluster).GetType() != clusterv3.Cluster_EDS {
		t.Error("the later of two clusters did not stay")
	}
	var missing []string
	for _, d := range set.Dangling("agent") {
		missing = append(missing, d.From.Name+" → "+d.To.Name)
	}
	if diff := cmp.Diff([]string{"b → b", "routes/h → mirror", "l → routes"}, missing); diff != "" {
		t.Error(diff)
	}
}

func TestVersionsNameContent(t *testing.T) {
	a, b, c := resource(t, xds.ClusterType, "a", eds("a")), resource(t, xds.ClusterType, "a", eds("a")), resource(t, xds.ClusterType, "a", &clusterv3.Cluster{Name: "a"})
	if a.Version != b.Version || a.Version == c.Version {
		t.Errorf("versions %s, %s, %s", a.Version, b.Version, c.Version)
	}
}
