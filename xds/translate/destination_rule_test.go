package translate

import (
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

func ruleObject(t *testing.T, specJSON string) *mesh.Object {
	t.Helper()
	spec := &networking.DestinationRule{}
	if err := protojson.Unmarshal([]byte(specJSON), spec); err != nil {
		t.Fatal(err)
	}
	return &mesh.Object{Ref: mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "reviews"}, Spec: spec}
}

func TestLoadBalancerPrecedence(t *testing.T) {
	const rule = `{"host":"reviews",
		"trafficPolicy":{"loadBalancer":{"simple":"RANDOM"},"portLevelSettings":[{"port":{"number":80},"loadBalancer":{"simple":"ROUND_ROBIN"}},{"port":{"number":81}}]},
		"subsets":[{"name":"plain"},{"name":"own","trafficPolicy":{"loadBalancer":{"simple":"LEAST_CONN"},"portLevelSettings":[{"port":{"number":80},"loadBalancer":{"simple":"PASSTHROUGH"}}]}},
			{"name":"other","trafficPolicy":{"connectionPool":{}}}]}`
	for _, c := range []struct {
		subset string
		port   uint32
		want   clusterv3.Cluster_LbPolicy
	}{
		{"", 9080, clusterv3.Cluster_RANDOM},
		{"", 80, clusterv3.Cluster_ROUND_ROBIN},
		{"", 81, clusterv3.Cluster_LEAST_REQUEST}, // a policy for a port replaces, it does not merge
		{"plain", 9080, clusterv3.Cluster_RANDOM},
		{"plain", 80, clusterv3.Cluster_ROUND_ROBIN},
		{"own", 9080, clusterv3.Cluster_LEAST_REQUEST},
		{"own", 80, clusterv3.Cluster_CLUSTER_PROVIDED},
		{"other", 9080, clusterv3.Cluster_RANDOM},
	} {
		cluster := &clusterv3.Cluster{}
		if findings := applyTrafficPolicy(cluster, ruleObject(t, rule), c.subset, c.port); len(findings) > 0 {
			t.Errorf("findings %v", findings)
		}
		if cluster.LbPolicy != c.want {
			t.Errorf("subset %q port %d: %v, want %v", c.subset, c.port, cluster.LbPolicy, c.want)
		}
	}
	cluster := &clusterv3.Cluster{}
	applyTrafficPolicy(cluster, nil, "", 80)
	if cluster.LbPolicy != clusterv3.Cluster_LEAST_REQUEST {
		t.Errorf("without a rule: %v", cluster.LbPolicy)
	}
}

func TestPassthroughHasNoEndpoints(t *testing.T) {
	cluster := &clusterv3.Cluster{
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig:     &clusterv3.Cluster_EdsClusterConfig{},
	}
	applyTrafficPolicy(cluster, ruleObject(t, `{"host":"reviews","trafficPolicy":{"loadBalancer":{"simple":"PASSTHROUGH"}}}`), "", 80)
	if cluster.GetType() != clusterv3.Cluster_ORIGINAL_DST || cluster.EdsClusterConfig != nil {
		t.Errorf("cluster %v", cluster)
	}
}

func TestUnknownLoadBalancerIsFound(t *testing.T) {
	rule := ruleObject(t, `{"host":"reviews"}`)
	rule.Spec.(*networking.DestinationRule).TrafficPolicy = &networking.TrafficPolicy{LoadBalancer: &networking.LoadBalancerSettings{
		LbPolicy: &networking.LoadBalancerSettings_Simple{Simple: 99},
	}}
	cluster := &clusterv3.Cluster{}
	findings := applyTrafficPolicy(cluster, rule, "", 80)
	if len(findings) != 1 || findings[0].Path != "spec.trafficPolicy.loadBalancer.simple" || cluster.LbPolicy != clusterv3.Cluster_LEAST_REQUEST {
		t.Errorf("findings %v, cluster %v", findings, cluster)
	}
}

func TestSubsets(t *testing.T) {
	got := subsetsOf(ruleObject(t, `{"host":"reviews","subsets":[{"name":"v1","labels":{"version":"v1"}},{"name":""},{"name":"v1","labels":{"version":"v9"}},{"name":"all"}]}`))
	want := []subset{{Name: "v1", Labels: map[string]string{"version": "v1"}}, {Name: "all"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := subsetsOf(nil); got != nil {
		t.Errorf("a missing rule has subsets %v", got)
	}
}
