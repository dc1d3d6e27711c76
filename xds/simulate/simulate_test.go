package simulate

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

var (
	reviewsRef = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	serviceRef = mesh.Ref{Kind: mesh.KindService, Namespace: "default", Name: "reviews"}
)

// resource reads JSON with @type left to the message.
func resource[M proto.Message](t *testing.T, typeURL, name string, m M, json string, from ...mesh.Ref) *xds.Resource {
	t.Helper()
	if err := protojson.Unmarshal([]byte(json), m); err != nil {
		t.Fatal(err)
	}
	return &xds.Resource{Type: typeURL, Name: name, Message: m, From: from}
}

const (
	httpTo = `{"name":"hcm","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager","statPrefix":"x","rds":{"routeConfigName":"ROUTES"}}}`
	tcpTo  = `{"name":"tcp","typedConfig":{"@type":"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy","statPrefix":"x","cluster":"CLUSTER"}}`
)

func chainTo(filter, word, name string) string {
	return `"filters":[` + strings.Replace(filter, word, name, 1) + `]`
}

func sidecar(t *testing.T) *xds.ResourceSet {
	t.Helper()
	return xds.NewResourceSet([]*xds.Resource{
		resource(t, xds.ListenerType, "virtualOutbound", &listenerv3.Listener{}, `{"name":"virtualOutbound","address":{"socketAddress":{"address":"127.0.0.1","portValue":15001}},
			"defaultFilterChain":{`+chainTo(tcpTo, "CLUSTER", "PassthroughCluster")+`}}`),
		resource(t, xds.ListenerType, "0.0.0.0_9080", &listenerv3.Listener{}, `{"name":"0.0.0.0_9080","address":{"socketAddress":{"address":"0.0.0.0","portValue":9080}},
			"listenerFilters":[{"name":"envoy.filters.listener.http_inspector"}],
			"filterChains":[{"filterChainMatch":{"applicationProtocols":["http/1.1","h2c"]},`+chainTo(httpTo, "ROUTES", "9080")+`}],
			"defaultFilterChain":{`+chainTo(tcpTo, "CLUSTER", "PassthroughCluster")+`}}`),
		resource(t, xds.ListenerType, "10.96.0.5_9080", &listenerv3.Listener{}, `{"name":"10.96.0.5_9080","address":{"socketAddress":{"address":"10.96.0.5","portValue":9080}},
			"filterChains":[{`+chainTo(tcpTo, "CLUSTER", "outbound|9080||db.default.svc.cluster.local")+`}]}`),
		resource(t, xds.ListenerType, "virtualInbound", &listenerv3.Listener{}, `{"name":"virtualInbound","address":{"socketAddress":{"address":"0.0.0.0","portValue":15006}},
			"filterChains":[
			 {"name":"tls","filterChainMatch":{"destinationPort":9080,"transportProtocol":"tls","applicationProtocols":["heddle-http"]},`+chainTo(httpTo, "ROUTES", "inbound|9080||")+`},
			 {"name":"own tls","filterChainMatch":{"destinationPort":9080,"transportProtocol":"tls"},`+chainTo(tcpTo, "CLUSTER", "inbound|9080||")+`},
			 {"name":"plain","filterChainMatch":{"destinationPort":9080},`+chainTo(httpTo, "ROUTES", "inbound|9080||")+`}]}`),
		resource(t, xds.RouteType, "inbound|9080||", &routev3.RouteConfiguration{}, `{"name":"inbound|9080||","virtualHosts":[{"name":"inbound","domains":["*"],"routes":[{"match":{"prefix":"/"},"route":{"cluster":"inbound|9080||","timeout":"0s"}}]}]}`),
		resource(t, xds.RouteType, "9080", &routev3.RouteConfiguration{}, `{"name":"9080","ignorePortInHostMatching":true,"vhds":{"configSource":{"ads":{}}},
			"virtualHosts":[{"name":"allow_any","domains":["*"],"routes":[{"match":{"prefix":"/"},"route":{"cluster":"PassthroughCluster","timeout":"0s"}}]}]}`),
		resource(t, xds.VirtualHostType, "9080/reviews", &routev3.VirtualHost{}, `{"name":"9080/reviews","domains":["reviews","*.reviews.example.org"],"routes":[
			{"name":"jason","match":{"prefix":"/","headers":[{"name":"end-user","stringMatch":{"exact":"jason"}}]},"route":{"cluster":"outbound|9080|v2|reviews","timeout":"2s"},
			 "metadata":{"filterMetadata":{"heddle":{"object":"VirtualService.networking.istio.io/default/reviews","path":"spec.http[0].match[0]"}}}},
			{"match":{"prefix":"/","dynamicMetadata":[{"filter":"f","path":[{"key":"k"}],"value":{"presentMatch":true}}]},"route":{"cluster":"outbound|9080|v2|reviews"}}]}`, reviewsRef, serviceRef),
		resource(t, xds.ClusterType, "PassthroughCluster", &clusterv3.Cluster{}, `{"name":"PassthroughCluster"}`),
		resource(t, xds.ClusterType, "outbound|9080|v2|reviews", &clusterv3.Cluster{}, `{"name":"outbound|9080|v2|reviews"}`),
		resource(t, xds.ClusterType, "inbound|9080||", &clusterv3.Cluster{}, `{"name":"inbound|9080||"}`),
	})
}

func TestRetriesOfARouteComeBeforeThoseOfItsHost(t *testing.T) {
	host := resource(t, xds.VirtualHostType, "9080/shop", &routev3.VirtualHost{}, `{"name":"9080/shop","domains":["shop"],
		"retryPolicy":{"retryOn":"5xx","numRetries":3,"perTryTimeout":"1s"},"routes":[
		{"match":{"path":"/own"},"route":{"cluster":"c","retryPolicy":{"retryOn":"reset"}}},
		{"match":{"path":"/none"},"route":{"cluster":"c","retryPolicy":{}}},
		{"match":{"prefix":"/"},"route":{"cluster":"c"}}]}`)
	set := xds.NewResourceSet(append(sidecar(t).All(), host))
	for path, want := range map[string]*Retries{
		"/own": {Attempts: 1, On: "reset"}, "/none": nil, "/": {Attempts: 3, On: "5xx", PerTryTimeout: time.Second},
	} {
		answer, err := Walk(set, Call{Host: "shop", Port: 9080, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, answer.Retries); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
}

func TestWalkFindsListenerChainAndHost(t *testing.T) {
	set := sidecar(t)
	for _, c := range []struct {
		name string
		call Call
		want string
	}{
		{"route", Call{Host: "reviews:9080", Port: 9080, Headers: map[string]string{"End-User": "jason"}}, "outbound|9080|v2|reviews"},
		{"unknown host passes", Call{Host: "elsewhere", Port: 9080}, "PassthroughCluster"},
		{"wildcard host", Call{Host: "a.b.REVIEWS.example.org", Port: 9080, Headers: map[string]string{"end-user": "jason"}}, "outbound|9080|v2|reviews"},
		{"wildcard wants something", Call{Host: ".reviews.example.org", Port: 9080}, "PassthroughCluster"},
		{"own address first", Call{Host: "reviews", Port: 9080, Address: netip.MustParseAddr("10.96.0.5")}, "outbound|9080||db.default.svc.cluster.local"},
		{"unknown port passes", Call{Host: "reviews", Port: 81}, "PassthroughCluster"},
		{"tls is not looked into", Call{Host: "reviews", Port: 9080, TLS: true, ALPN: []string{"h2"}}, "PassthroughCluster"},
		{"inbound plain", Call{Host: "reviews", Port: 9080, Inbound: true}, "inbound|9080||"},
		{"inbound mutual", Call{Host: "reviews", Port: 9080, Inbound: true, TLS: true, ALPN: []string{"heddle-http"}}, "inbound|9080||"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Walk(set, c.call)
			if err != nil {
				t.Fatal(err)
			}
			if a.Failure != nil || len(a.Clusters) != 1 || a.Clusters[0].Cluster != c.want {
				t.Errorf("got %v (%+v), want cluster %s", a, a, c.want)
			}
		})
	}
}

func TestWalkNamesWhoDecided(t *testing.T) {
	a, err := Walk(sidecar(t), Call{Host: "reviews", Port: 9080, Headers: map[string]string{"end-user": "jason"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Decision{
		{What: "listener", Name: "0.0.0.0_9080"},
		{What: "virtual host", Name: "9080/reviews", From: []mesh.Ref{reviewsRef, serviceRef}},
		{What: "route", Name: "jason", From: []mesh.Ref{reviewsRef}, Path: "spec.http[0].match[0]"},
	}
	if diff := cmp.Diff(want, a.Decisions); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]mesh.Ref{reviewsRef, serviceRef}, a.From()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWalkFailsWhereEnvoyDoes(t *testing.T) {
	set := sidecar(t)
	a, err := Walk(set, Call{Host: "reviews", Port: 9080, Inbound: true, TLS: true, ALPN: []string{"other"}})
	if err != nil || a.Clusters == nil {
		t.Errorf("the application's own TLS: %v, %v", a, err)
	}
	a, err = Walk(set, Call{Host: "reviews", Port: 1, Inbound: true})
	if err != nil || a.Failure == nil {
		t.Errorf("a port without chain: %v, %v", a, err)
	}
	a, err = Walk(xds.NewResourceSet(nil), Call{Host: "reviews", Port: 1})
	if err != nil || a.Failure == nil {
		t.Errorf("no listener: %v, %v", a, err)
	}
}

func TestWalkSaysWhenItCannotTell(t *testing.T) {
	if a, err := Walk(sidecar(t), Call{Host: "reviews", Port: 9080}); err == nil {
		t.Errorf("a match on dynamic metadata was decided: %v", a)
	}
}

func TestWalkSaysWhenNobodyTakesRequests(t *testing.T) {
	for status, want := range map[string]string{
		"HEALTHY": "db.default.svc.cluster.local:9080", "DRAINING": "db.default.svc.cluster.local:9080 (no endpoint takes requests: 503 UH)",
	} {
		rule := mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "db"}
		name := "outbound|9080||db.default.svc.cluster.local"
		set := xds.NewResourceSet(append(sidecar(t).All(),
			resource(t, xds.ClusterType, name, &clusterv3.Cluster{}, `{"name":"`+name+`","type":"EDS"}`, rule),
			resource(t, xds.EndpointType, name, &endpointv3.ClusterLoadAssignment{}, `{"clusterName":"`+name+`","endpoints":[{"lbEndpoints":[{"healthStatus":"`+status+`"}]}]}`)))
		a, err := Walk(set, Call{Host: "db", Port: 9080, Address: netip.MustParseAddr("10.96.0.5")})
		if err != nil {
			t.Fatal(err)
		}
		if a.String() != want {
			t.Errorf("%s: %s, want %s", status, a, want)
		}
		last := a.Decisions[len(a.Decisions)-1]
		if diff := cmp.Diff(Decision{What: "destination", Name: name, From: []mesh.Ref{rule}}, last); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPercentages(t *testing.T) {
	for p, want := range map[float64]string{100: "100%", 0: "0%", 100.0 / 3: "33.3%", 12.5: "12.5%", 0.01: "<0.1%", 99.99: "100%"} {
		if got := percentText(p); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
	}
}

func TestDomainOrder(t *testing.T) {
	host := func(name string, domains ...string) *routev3.VirtualHost {
		return &routev3.VirtualHost{Name: name, Domains: domains}
	}
	hosts := []*routev3.VirtualHost{
		host("any", "*"), host("prefix", "a.*"), host("long prefix", "a.b.*"),
		host("suffix", "*.org"), host("long suffix", "*.b.org"), host("exact", "a.b.org"),
	}
	for _, c := range []struct{ host, want string }{
		{"a.b.org", "exact"},
		{"c.b.org", "long suffix"},
		{"a.c.org", "suffix"},
		{"a.b.net", "long prefix"},
		{"a.net", "prefix"},
		{"net", "any"},
		{".org", "any"},
	} {
		if vh, _ := domainOf(hosts, c.host); vh.GetName() != c.want {
			t.Errorf("%s: got %s, want %s", c.host, vh.GetName(), c.want)
		}
	}
}

func TestParseCall(t *testing.T) {
	got, err := ParseCall(`post https://reviews.default/x%20y?a=1&b user-agent="Mozilla 5" Empty=`)
	if err != nil {
		t.Fatal(err)
	}
	want := Call{
		Method: "POST", Scheme: "https", Host: "reviews.default", Path: "/x%20y?a=1&b", Port: 443,
		Headers: map[string]string{"user-agent": "Mozilla 5", "empty": ""},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, bad := range []string{"", "GET", "GET /", `GET a "`, "GET a novalue", "GET a:99999/", "GET http://%zz/"} {
		if c, err := ParseCall(bad); err == nil {
			t.Errorf("%q was read as %+v", bad, c)
		}
	}
}
