package translate

import (
	"fmt"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// A subset is a named part of a service's endpoints.
type subset struct {
	Name   string
	Labels map[string]string
}

// subsetsOf lists the subsets of a destination rule as declared; the first of
// two with one name counts. A nil rule has none.
func subsetsOf(dr *mesh.Object) []subset {
	rule := destinationRule(dr)
	seen := make(map[string]bool, len(rule.GetSubsets()))
	var out []subset
	for _, s := range rule.GetSubsets() {
		if s.GetName() == "" || seen[s.GetName()] {
			continue
		}
		seen[s.GetName()] = true
		out = append(out, subset{Name: s.GetName(), Labels: s.GetLabels()})
	}
	return out
}

func destinationRule(dr *mesh.Object) *networking.DestinationRule {
	if dr == nil {
		return nil
	}
	rule, _ := dr.Spec.(*networking.DestinationRule)
	return rule
}

// applyTrafficPolicy sets what a destination rule says about one cluster: of
// the rule's policies the one for the port in the subset, else the subset's,
// else the one for the port, else the rule's own decides.
func applyTrafficPolicy(c *clusterv3.Cluster, dr *mesh.Object, subsetName string, port uint32) []mesh.Finding {
	lb, path := loadBalancerOf(destinationRule(dr), subsetName, port)
	switch simple := lb.GetSimple(); simple {
	case networking.LoadBalancerSettings_ROUND_ROBIN:
		c.LbPolicy = clusterv3.Cluster_ROUND_ROBIN
	case networking.LoadBalancerSettings_RANDOM:
		c.LbPolicy = clusterv3.Cluster_RANDOM
	case networking.LoadBalancerSettings_PASSTHROUGH:
		// Envoy sends to the address that the caller dialled, so the cluster
		// has no endpoints of its own.
		c.LbPolicy = clusterv3.Cluster_CLUSTER_PROVIDED
		c.ClusterDiscoveryType = &clusterv3.Cluster_Type{Type: clusterv3.Cluster_ORIGINAL_DST}
		c.EdsClusterConfig = nil
		c.LoadAssignment = nil
	default:
		// LEAST_REQUEST, its old name LEAST_CONN (value 1), and nothing said.
		c.LbPolicy = clusterv3.Cluster_LEAST_REQUEST
		if _, known := networking.LoadBalancerSettings_SimpleLB_name[int32(simple)]; !known {
			return []mesh.Finding{{
				Code: mesh.CodeTranslate, Severity: mesh.Error, Phase: mesh.PhaseTranslate, Ref: dr.Ref, Path: path + ".simple",
				Message: fmt.Sprintf("load balancer %d is unknown; LEAST_REQUEST is used. Set ROUND_ROBIN, LEAST_REQUEST, RANDOM or PASSTHROUGH.", simple),
			}}
		}
	}
	return nil
}

// loadBalancerOf finds the load balancer settings of one subset and port, and
// the field path where they stand. A policy for a port replaces the policy
// around it, as in Istio: what it leaves out takes its default.
func loadBalancerOf(rule *networking.DestinationRule, subsetName string, port uint32) (*networking.LoadBalancerSettings, string) {
	for i, s := range rule.GetSubsets() {
		if subsetName == "" || s.GetName() != subsetName {
			continue
		}
		at := fmt.Sprintf("spec.subsets[%d].trafficPolicy", i)
		if lb, path, ok := portLoadBalancer(s.GetTrafficPolicy(), at, port); ok {
			return lb, path
		}
		if lb := s.GetTrafficPolicy().GetLoadBalancer(); lb != nil {
			return lb, at + ".loadBalancer"
		}
		break
	}
	const at = "spec.trafficPolicy"
	if lb, path, ok := portLoadBalancer(rule.GetTrafficPolicy(), at, port); ok {
		return lb, path
	}
	return rule.GetTrafficPolicy().GetLoadBalancer(), at + ".loadBalancer"
}

func portLoadBalancer(policy *networking.TrafficPolicy, at string, port uint32) (*networking.LoadBalancerSettings, string, bool) {
	for i, p := range policy.GetPortLevelSettings() {
		if p.GetPort().GetNumber() == port {
			return p.GetLoadBalancer(), fmt.Sprintf("%s.portLevelSettings[%d].loadBalancer", at, i), true
		}
	}
	return nil, "", false
}
