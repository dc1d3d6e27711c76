package xds

import (
	"cmp"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"google.golang.org/protobuf/proto"
)

// Reference is a resource that another one names.
type Reference struct {
	Type string
	Name string
}

// References lists what a resource names, each once, ordered by type and name:
// the endpoints of a cluster, the clusters of routes and of TCP chains, the
// route configurations and discovered filters of listeners.
func References(m proto.Message) []Reference {
	seen := map[Reference]bool{}
	add := func(typeURL, name string) {
		if name != "" {
			seen[Reference{typeURL, name}] = true
		}
	}
	switch m := m.(type) {
	case *clusterv3.Cluster:
		if m.GetType() == clusterv3.Cluster_EDS {
			add(EndpointType, cmp.Or(m.GetEdsClusterConfig().GetServiceName(), m.GetName()))
		}
	case *routev3.RouteConfiguration:
		for _, vh := range m.VirtualHosts {
			hostReferences(vh, add)
		}
	case *routev3.VirtualHost:
		hostReferences(m, add)
	case *listenerv3.Listener:
		for _, chain := range m.FilterChains {
			chainReferences(chain, add)
		}
		chainReferences(m.DefaultFilterChain, add)
	}
	refs := make([]Reference, 0, len(seen))
	for r := range seen {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, func(a, b Reference) int {
		return cmp.Or(cmp.Compare(typeRank(a.Type), typeRank(b.Type)), cmp.Compare(a.Name, b.Name))
	})
	return refs
}

func hostReferences(vh *routev3.VirtualHost, add func(typeURL, name string)) {
	mirrors := func(policies []*routev3.RouteAction_RequestMirrorPolicy) {
		for _, p := range policies {
			add(ClusterType, p.GetCluster())
		}
	}
	mirrors(vh.GetRequestMirrorPolicies())
	for _, r := range vh.GetRoutes() {
		action := r.GetRoute()
		add(ClusterType, action.GetCluster())
		for _, w := range action.GetWeightedClusters().GetClusters() {
			add(ClusterType, w.GetName())
		}
		mirrors(action.GetRequestMirrorPolicies())
	}
}

func chainReferences(chain *listenerv3.FilterChain, add func(typeURL, name string)) {
	for _, f := range chain.GetFilters() {
		if f.GetConfigDiscovery() != nil {
			add(ExtensionType, f.GetName())
		}
		if f.GetTypedConfig() == nil {
			continue
		}
		config, err := f.GetTypedConfig().UnmarshalNew()
		if err != nil {
			continue // Validate reports it
		}
		switch config := config.(type) {
		case *hcmv3.HttpConnectionManager:
			add(RouteType, config.GetRds().GetRouteConfigName())
			for _, vh := range config.GetRouteConfig().GetVirtualHosts() {
				hostReferences(vh, add)
			}
			for _, h := range config.GetHttpFilters() {
				if h.GetConfigDiscovery() != nil {
					add(ExtensionType, h.GetName())
				}
			}
		case *tcpv3.TcpProxy:
			add(ClusterType, config.GetCluster())
			for _, w := range config.GetWeightedClusters().GetClusters() {
				add(ClusterType, w.GetName())
			}
		}
	}
}
