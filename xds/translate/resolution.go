package translate

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	caresv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/network/dns_resolver/cares/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
)

// discovery is how Envoy finds the endpoints of a service. Names that only a
// request carries are left to the caller, who has looked them up already.
func discovery(r mesh.Resolution) clusterv3.Cluster_DiscoveryType {
	switch r {
	case mesh.ResolveDNS:
		return clusterv3.Cluster_STRICT_DNS
	case mesh.ResolveDNSRoundRobin:
		return clusterv3.Cluster_LOGICAL_DNS
	case mesh.ResolveNone, mesh.ResolveDynamicDNS:
		return clusterv3.Cluster_ORIGINAL_DST
	default:
		return clusterv3.Cluster_EDS
	}
}

// resolveNames completes a cluster whose endpoints are host names. What names
// such a cluster waits until it has resolved them, so resolving gives up soon.
// Envoy asks again every five seconds.
func resolveNames(c *clusterv3.Cluster, selector map[string]string, endpoints []mesh.Endpoint) {
	c.TypedDnsResolverConfig = &corev3.TypedExtensionConfig{
		Name: "envoy.network.dns_resolver.cares",
		TypedConfig: packed(&caresv3.CaresDnsResolverConfig{
			QueryTimeoutSeconds: wrapperspb.UInt64(1),
			QueryTries:          wrapperspb.UInt32(1),
		}),
	}
	c.LoadAssignment = loadAssignment(c.Name, selector, endpoints)
	if c.GetType() == clusterv3.Cluster_LOGICAL_DNS {
		// Envoy takes exactly one name for this kind.
		if groups := c.LoadAssignment.Endpoints; len(groups) > 0 {
			c.LoadAssignment.Endpoints = groups[:1]
			groups[0].LbEndpoints = groups[0].LbEndpoints[:1]
		} else {
			c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STRICT_DNS}
		}
	}
}
