package translate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// proxyOf is the proxy beside a pod.
func proxyOf(t *testing.T, snap *mesh.Snapshot, uid string) xds.Proxy {
	t.Helper()
	w, ok := snap.Workloads.Get(uid)
	if !ok {
		t.Fatalf("no workload %s", uid)
	}
	role := xds.Sidecar
	if w.Gateway {
		role = xds.Gateway
	}
	return xds.Proxy{UID: uid, ID: w.Pod + "." + w.Namespace, Role: role, Workload: w, Namespace: w.Namespace}
}

func build(t *testing.T, plan *xds.Plan) *xds.ResourceSet {
	t.Helper()
	set, findings := xds.BuildAll(plan)
	for _, f := range findings {
		t.Errorf("%s %s: %s", f.Ref, f.Path, f.Message)
	}
	for _, d := range set.Dangling(names.Agent) {
		t.Errorf("%s names %s, which is not there", d.From.Name, d.To.Name)
	}
	return set
}

func TestBookinfoIsWhole(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()))
	planner := &translate.Planner{}
	for w := range snap.Workloads.Values() {
		if !w.Meshed {
			continue
		}
		t.Run(w.Pod, func(t *testing.T) {
			plan, findings := planner.Plan(snap, proxyOf(t, snap, w.UID))
			if len(findings) > 0 {
				t.Errorf("findings: %v", findings)
			}
			set := build(t, plan)
			for _, typ := range []string{xds.ClusterType, xds.EndpointType} {
				if len(set.OfType(typ)) == 0 {
					t.Errorf("no %s", typ)
				}
			}
			if !w.Gateway && (len(set.OfType(xds.ListenerType)) == 0 || len(set.OfType(xds.VirtualHostType)) == 0) {
				t.Error("no listeners or virtual hosts")
			}
		})
	}
}

func TestPlansAreSharedByClass(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	planner := &translate.Planner{}
	first, _ := planner.Plan(snap, proxyOf(t, snap, "reviews-v1-0"))
	again, _ := planner.Plan(snap, proxyOf(t, snap, "reviews-v1-0"))
	if first != again {
		t.Error("the same proxy got another plan")
	}
	other, _ := planner.Plan(snap, proxyOf(t, snap, "ratings-v1-0"))
	keys := func(p *xds.Plan, typ string) map[string]mesh.Hash {
		m := map[string]mesh.Hash{}
		for _, part := range p.All() {
			if part.Type == typ {
				m[part.Name] = part.Key
			}
		}
		return m
	}
	if first.Base == nil || first.Base != other.Base {
		t.Error("two proxies of one namespace have no base in common")
	}
	for _, typ := range []string{xds.EndpointType, xds.VirtualHostType} {
		if diff := cmp.Diff(keys(first, typ), keys(other, typ)); diff != "" {
			t.Errorf("two proxies of one namespace do not share %s:\n%s", typ, diff)
		}
	}
}

func TestEqualKeysGiveEqualBytes(t *testing.T) {
	made := map[mesh.Hash]string{}
	for _, settings := range []func(*mesh.Settings){
		func(*mesh.Settings) {},
		func(s *mesh.Settings) { s.OutboundAllowAny = false },
		func(s *mesh.Settings) { s.TrustDomain = "other.example" },
		func(s *mesh.Settings) { s.PodRange = "10.66.0.0/16" },
		func(s *mesh.Settings) { s.TraceSampling = 1 },
		func(s *mesh.Settings) { s.LocalGateway = true },
	} {
		in := mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: meshtest.Objects(t, meshtest.Bookinfo())}
		settings(&in.Settings)
		snap := mesh.Build(nil, in)
		for _, uid := range []string{"ratings-v1-0", "reviews-v2-0", "istio-ingressgateway-0"} {
			plan, _ := new(translate.Planner).Plan(snap, proxyOf(t, snap, uid))
			for _, p := range plan.All() {
				r, _ := xds.Build(p)
				if r == nil {
					t.Fatalf("%s was not made", p.Name)
				}
				if have, ok := made[p.Key]; ok && have != r.Version {
					t.Errorf("%s %s: one key, two contents", p.Type, p.Name)
				}
				made[p.Key] = r.Version
			}
		}
	}
}
