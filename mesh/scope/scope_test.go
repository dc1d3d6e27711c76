package scope_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	networking "istio.io/api/networking/v1alpha3"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

const rules = `
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: private, namespace: shop, annotations: {networking.istio.io/exportTo: "."}}
spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: b-young, namespace: shop, creationTimestamp: "2026-02-02T00:00:00Z"}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: z-old, namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {hosts: [reviews.shop.svc.cluster.local], http: [{match: [{sourceLabels: {team: a}}], route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wide, namespace: shop, creationTimestamp: "2025-01-01T00:00:00Z"}
spec: {hosts: ["*.shop.svc.cluster.local"], http: [{route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: secret, namespace: shop, creationTimestamp: "2024-01-01T00:00:00Z"}
spec: {hosts: [reviews], exportTo: ["."], http: [{route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: shop}
spec: {hosts: [shop.example.com], gateways: [infra/edge], http: [{route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: own, namespace: shop}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: own-more, namespace: shop}
spec: {host: reviews, trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets: [{name: v1, labels: {version: other}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: callers, namespace: client}
spec: {host: reviews.shop.svc.cluster.local}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: callers-team-a, namespace: client}
spec: {host: reviews.shop.svc.cluster.local, workloadSelector: {matchLabels: {team: a}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: everywhere, namespace: istio-system}
spec: {host: "*.svc.cluster.local"}
`

const host = "reviews.shop.svc.cluster.local"

func namesOf(objects []*mesh.Object) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.Name)
	}
	return names
}

func TestServicesAreSeenWhereTheyAreExported(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, rules))
	for namespace, want := range map[string]bool{"shop": true, "client": false} {
		v := scope.For(snap, scope.Asker{Namespace: namespace})
		if _, ok := v.Service("private.shop.svc.cluster.local"); ok != want {
			t.Errorf("from %s: %v", namespace, ok)
		}
		listed := slices.ContainsFunc(v.Services(), func(s *mesh.Service) bool { return s.Name == "private" })
		if listed != want {
			t.Errorf("listed from %s: %v", namespace, listed)
		}
	}
}

func TestVirtualServicesForAHost(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, rules))
	for _, c := range []struct {
		from, host string
		want       []string
	}{
		{"client", host, []string{"z-old", "b-young"}},
		{"shop", host, []string{"secret", "z-old", "b-young"}},
		{"client", "other.shop.svc.cluster.local", []string{"wide"}},
		{"client", "shop.example.com", nil},
		{"client", "reviews.default.svc.cluster.local", nil},
	} {
		v := scope.For(snap, scope.Asker{Namespace: c.from})
		if diff := cmp.Diff(c.want, namesOf(v.VirtualServicesFor(c.host, 80))); diff != "" {
			t.Errorf("%s from %s: %s", c.host, c.from, diff)
		}
	}
	v := scope.For(snap, scope.Asker{Namespace: "client"})
	if diff := cmp.Diff([]string{"wide", "z-old", "b-young"}, namesOf(v.MeshVirtualServices())); diff != "" {
		t.Error(diff)
	}
}

func TestGateways(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, rules))
	ask := scope.Asker{Namespace: "infra", Gateway: true, Labels: map[string]string{"istio": "ingressgateway", "app": "x"}}
	v := scope.For(snap, ask)
	if diff := cmp.Diff([]string{"edge"}, namesOf(v.Gateways())); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"edge"}, namesOf(v.VirtualServicesForGateway(v.Gateways()[0].Ref))); diff != "" {
		t.Error(diff)
	}
	ask.Gateway = false
	if got := scope.For(snap, ask).Gateways(); got != nil {
		t.Errorf("a sidecar got gateways %v", namesOf(got))
	}
}

func TestDestinationRulePrecedence(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, rules))
	for _, c := range []struct {
		asker scope.Asker
		host  string
		want  string
	}{
		{scope.Asker{Namespace: "client"}, host, "callers"},
		{scope.Asker{Namespace: "client", Labels: map[string]string{"team": "a"}}, host, "callers-team-a"},
		{scope.Asker{Namespace: "elsewhere"}, host, "own"},
		{scope.Asker{Namespace: "elsewhere", Labels: map[string]string{"team": "a"}}, host, "own"},
		{scope.Asker{Namespace: "elsewhere"}, "private.shop.svc.cluster.local", "everywhere"},
	} {
		got := scope.For(snap, c.asker).DestinationRule(c.host)
		if got == nil || got.Name != c.want {
			t.Errorf("%+v: rule %v, want %s", c.asker, got, c.want)
		}
	}
	if got := scope.For(snap, scope.Asker{Namespace: "x"}).DestinationRule("example.com"); got != nil {
		t.Errorf("a rule for a host of nobody: %v", got.Ref)
	}
}

func TestRulesOfOneNamespaceAreJoined(t *testing.T) {
	snap := meshtest.Seal(t, meshtest.Snapshot(t, rules))
	got := scope.For(snap, scope.Asker{Namespace: "shop"}).DestinationRule(host)
	spec := got.Spec.(*networking.DestinationRule)
	var subsets []string
	for _, s := range spec.Subsets {
		subsets = append(subsets, s.Name+"="+s.Labels["version"])
	}
	if diff := cmp.Diff([]string{"v1=v1", "v2=v2"}, subsets); diff != "" {
		t.Error(diff)
	}
	if spec.TrafficPolicy.GetLoadBalancer().GetSimple() != networking.LoadBalancerSettings_RANDOM {
		t.Error("the one traffic policy was lost")
	}
	first, _ := snap.Get(got.Ref)
	if first.Hash == got.Hash {
		t.Error("the hash does not cover the second rule")
	}
}

// Workloads that differ in a label of which a selector names another value are
// one class: one rule for some callers must not make every workload a class.
func TestOnlyNamedValuesMakeAClass(t *testing.T) {
	index := scope.NewIndex(meshtest.Snapshot(t, rules))
	class := func(team string) mesh.Hash {
		return index.For(scope.Asker{Namespace: "client", Labels: map[string]string{"team": team}}).Class()
	}
	if class("b") != class("c") {
		t.Error("two teams that nobody selects are two classes")
	}
	if class("a") == class("b") {
		t.Error("the team that is selected is no class of its own")
	}
}

// Proxies of one class get the same answers, whatever else their labels say.
func TestOnlyNamedLabelsMakeAClass(t *testing.T) {
	snap := meshtest.Snapshot(t, rules)
	index := scope.NewIndex(snap)
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{"team", "istio", "app", "version"})
		labels := rapid.MapOf(key, rapid.SampledFrom([]string{"a", "b", "ingressgateway"}))
		ask := func(name string) *scope.View {
			return index.For(scope.Asker{
				Namespace: rapid.SampledFrom([]string{"client", "shop"}).Draw(t, name+" namespace"),
				Labels:    labels.Draw(t, name), Gateway: rapid.Bool().Draw(t, name+" gateway"),
			})
		}
		a, b := ask("a"), ask("b")
		if a.Class() != b.Class() {
			return
		}
		if diff := cmp.Diff(a.Asker(), b.Asker()); diff != "" {
			t.Error(diff)
		}
		if a.DestinationRule(host) != b.DestinationRule(host) && a.DestinationRule(host).Hash != b.DestinationRule(host).Hash {
			t.Error("one class, two rules")
		}
	})
}

func TestResolveHost(t *testing.T) {
	for in, want := range map[string]string{
		"reviews": host, "Reviews": host, "reviews.other": "reviews.other", "*": "*", "*.example.com": "*.example.com", "": "",
	} {
		if got := scope.ResolveHost(in, "shop", "cluster.local"); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestHostCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"*", "a", true},
		{"*.example.com", "a.example.com", true},
		{"*.example.com", "a.b.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", ".example.com", false},
		{"a.example.com", "a.example.com", true},
		{"a.example.com", "b.example.com", false},
		{"*.com", "*.example.com", true},
	} {
		if got := scope.HostCovers(c.pattern, c.host); got != c.want {
			t.Errorf("%s covers %s: %v", c.pattern, c.host, got)
		}
	}
}
