package mesh_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// variants are objects by slot; an input takes one of each slot's texts, or none.
func variants() [][]string {
	var slots [][]string
	for i, app := range []string{"a", "b", "c"} {
		address := fmt.Sprintf("10.96.0.%d", i+1)
		slots = append(slots, []string{
			meshtest.ServiceYAML(app, "default", address, "http:80"),
			meshtest.ServiceYAML(app, "default", address, "http:80", "tcp-db:3306"),
			meshtest.ServiceYAML(app, "default", "None", "grpc:80"),
		})
		pod := meshtest.Pod{
			App: app, Version: "v1", Namespace: "default", Account: app,
			Address: fmt.Sprintf("10.66.0.%d", i+1), Port: 80, Meshed: true,
		}
		naked, other := pod, pod
		naked.Meshed = false
		other.Account = "other"
		slots = append(slots, []string{meshtest.PodYAML(pod), meshtest.PodYAML(naked), meshtest.PodYAML(other)})
		slots = append(slots, []string{
			meshtest.SliceYAML(app, "default", "http:80", app+"-v1-0="+pod.Address),
			meshtest.SliceYAML(app, "default", "http:80", app+"-v1-0="+pod.Address, "gone=10.66.0.99"),
		})
	}
	const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: %s, namespace: default}
spec:
  hosts: [%s]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: %s
  location: MESH_INTERNAL
  %s
`
	slots = append(
		slots,
		[]string{
			fmt.Sprintf(entry, "one", "outside.example.com", "DNS", ""),
			fmt.Sprintf(entry, "one", "outside.example.com", "STATIC", "endpoints: [{address: 192.0.2.1, weight: 3}, {address: 192.0.2.2, ports: {http: 8080}}]"),
		},
		[]string{
			fmt.Sprintf(entry, "two", "outside.example.com", "STATIC", "endpoints: [{address: 192.0.2.3}]"),
			fmt.Sprintf(entry, "two", "a.default.svc.cluster.local", "STATIC", "workloadSelector: {labels: {app: b}}"),
			fmt.Sprintf(entry, "two", "any.example.com", "NONE", ""),
		},
		[]string{
			"apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: vm, labels: {app: b}}\nspec: {address: 192.0.2.9, serviceAccount: vm}",
			"apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: vm}\nspec: {address: 192.0.2.9, labels: {app: a}}",
		},
		[]string{
			"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a], http: [{route: [{destination: {host: a}}]}]}",
			"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {hosts: [a], http: [{route: [{destination: {host: b}}]}]}",
		},
	)
	return slots
}

// generator draws inputs. What one text decodes to is shared between draws.
func generator(t *testing.T) *rapid.Generator[mesh.Inputs] {
	decoded := make([][][]*mesh.Object, 0)
	for i, slot := range variants() {
		var texts [][]*mesh.Object
		for _, text := range slot {
			list := meshtest.Objects(t, text)
			for _, o := range list {
				o.Origin = mesh.Origin{Source: "test", File: fmt.Sprintf("slot-%d.yaml", i)}
			}
			texts = append(texts, list)
		}
		decoded = append(decoded, texts)
	}
	return rapid.Custom(func(r *rapid.T) mesh.Inputs {
		in := mesh.Inputs{Settings: mesh.DefaultSettings()}
		for i, texts := range decoded {
			pick := rapid.IntRange(-1, len(texts)-1).Draw(r, fmt.Sprintf("slot %d", i))
			if pick < 0 {
				continue
			}
			for _, o := range texts[pick] {
				if rapid.Bool().Draw(r, "fresh copy") {
					clone := *o
					o = &clone
				}
				in.Objects = append(in.Objects, o)
				if rapid.IntRange(0, 9).Draw(r, "twice") == 0 {
					again := *o
					again.Origin.File = "z.yaml"
					in.Objects = append(in.Objects, &again)
				}
			}
		}
		if rapid.Bool().Draw(r, "finding") {
			in.Findings = []mesh.Finding{{Code: mesh.CodeSourceAway, Message: "away", Phase: mesh.PhaseSource}}
		}
		if rapid.IntRange(0, 9).Draw(r, "other domain") == 0 {
			in.Settings.TrustDomain = "example.org"
		}
		return in
	})
}

func TestBuildDoesNotDependOnHistory(t *testing.T) {
	inputs := generator(t)
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.SliceOfN(inputs, 1, 4).Draw(r, "steps")
		var prev *mesh.Snapshot
		for _, in := range steps {
			before := ""
			if prev != nil {
				before = meshtest.Digest(t, prev)
			}
			next, alone := mesh.Build(prev, in), mesh.Build(nil, in)
			if next.Revision != alone.Revision || meshtest.Digest(t, next) != meshtest.Digest(t, alone) {
				r.Fatal("a snapshot built on another one differs from one built alone")
			}
			if d := mesh.Diff(next, alone); !d.Empty() {
				r.Fatalf("equal snapshots differ: %+v", d)
			}
			if prev != nil {
				if meshtest.Digest(t, prev) != before {
					r.Fatal("building changed the snapshot before")
				}
				sharing(r, prev, next)
				d := mesh.Diff(prev, next)
				if d.Empty() != (prev.Revision == next.Revision) {
					r.Fatalf("revisions %s and %s, but the difference is %+v", prev.Revision, next.Revision, d)
				}
			}
			prev = next
		}
	})
}

// sharing checks that what is equal in both snapshots is one value.
func sharing(r *rapid.T, a, b *mesh.Snapshot) {
	d := mesh.Diff(a, b)
	if len(d.Services) == 0 && !a.Services.SameAs(b.Services) {
		r.Fatal("the table of services did not change, but is not shared")
	}
	if len(d.Endpoints) == 0 && !a.Endpoints.SameAs(b.Endpoints) {
		r.Fatal("the table of endpoints did not change, but is not shared")
	}
	for k, v := range b.Services.All() {
		if old, ok := a.Services.Get(k); ok && !slices.Contains(d.Services, k) && old != v {
			r.Fatalf("service %s did not change, but is not shared", k)
		}
	}
	for k, v := range b.Objects.All() {
		if old, ok := a.Objects.Get(k); ok && !slices.Contains(d.Changed, k) && old != v {
			r.Fatalf("%s did not change, but is not shared", k)
		}
	}
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	inputs := generator(t)
	rapid.Check(t, func(r *rapid.T) {
		in := inputs.Draw(r, "input")
		shuffled := in
		shuffled.Objects = rapid.Permutation(in.Objects).Draw(r, "order")
		a, b := mesh.Build(nil, in), mesh.Build(nil, shuffled)
		if a.Revision != b.Revision || meshtest.Digest(t, a) != meshtest.Digest(t, b) {
			r.Fatal("the order of input reached the snapshot")
		}
	})
}

func TestWithAndWithout(t *testing.T) {
	inputs := generator(t)
	rapid.Check(t, func(r *rapid.T) {
		s := mesh.Build(nil, inputs.Draw(r, "input"))
		if s.Objects.Len() == 0 {
			return
		}
		all := slices.Collect(s.Objects.Values())
		o := rapid.SampledFrom(all).Draw(r, "object")
		gone := s.Without(o.Ref)
		if _, still := gone.Get(o.Ref); still {
			r.Fatalf("%s is still there", o.Ref)
		}
		if d := mesh.Diff(s, gone); !cmp.Equal(d.Removed, []mesh.Ref{o.Ref}) {
			r.Fatalf("removed %v", d.Removed)
		}
		back := gone.With(o)
		if got, _ := back.Get(o.Ref); got != o {
			r.Fatalf("%s did not come back", o.Ref)
		}
		if got, want := back.With(o).Revision, back.Revision; got != want {
			r.Fatal("putting back what is there changed the revision")
		}
	})
}

func TestDuplicates(t *testing.T) {
	const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {from: %s}\n"
	objects := config.Decode("b.yaml", []byte(fmt.Sprintf(text, "x", "b"))).Objects
	objects = append(objects, config.Decode("a.yaml", []byte(fmt.Sprintf(text+"---\n"+text, "y", "c", "x", "a"))).Objects...)
	s := mesh.Build(nil, mesh.Inputs{Objects: objects})
	if s.Objects.Len() != 2 {
		t.Errorf("%d objects, want 2", s.Objects.Len())
	}
	want := []mesh.Finding{{
		Code: mesh.CodeDuplicate, Severity: mesh.Error, Phase: mesh.PhaseSource,
		Ref:     mesh.Ref{Kind: mesh.KindConfigMap, Namespace: "default", Name: "x"},
		Message: "ConfigMap default/x is declared twice; the one in a.yaml:6 is used. Remove one of them.",
		Params:  map[string]string{"first": "a.yaml:6", "second": "b.yaml:1"},
		File:    "b.yaml", Line: 1,
	}}
	if diff := cmp.Diff(want, s.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestBookinfo(t *testing.T) {
	s := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()))
	if got := s.Services.Len(); got != 5 {
		t.Errorf("%d services, want 5", got)
	}
	list, ok := s.Endpoints.Get(mesh.EndpointKey{Host: "reviews.default.svc.cluster.local", Port: 9080})
	if !ok || len(list.Endpoints) != 3 {
		t.Fatalf("endpoints of reviews: %+v", list)
	}
	got := list.Endpoints[1]
	want := mesh.Endpoint{
		Address: netip.MustParseAddr("10.66.0.13"), Port: 9080, Cluster: "local", Meshed: true,
		Labels: map[string]string{
			"app": "reviews", "version": "v2", "pod-template-hash": "abc12", "security.istio.io/tlsMode": "istio",
		},
		Workload: mesh.WorkloadFacts{
			Workload: "reviews-v2", Namespace: "default", Cluster: "local", App: "reviews", Version: "v2",
			Canonical: "reviews", Revision: "v2", ServiceAccount: "bookinfo-reviews",
		},
		UID: "reviews-v2-0",
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("endpoint (-want +got):\n%s", diff)
	}
	w, ok := s.Workloads.Get("istio-ingressgateway-0")
	if !ok || !w.Gateway || !w.Meshed || w.Workload != "istio-ingressgateway" {
		t.Errorf("gateway: %+v", w)
	}
}

func TestAccountsOfTemplatesWithoutPods(t *testing.T) {
	pod := meshtest.PodYAML(meshtest.Pod{
		App: "a", Version: "v2", Namespace: "default", Account: "second", Address: "10.66.0.2", Port: 80,
	})
	template, _, _ := strings.Cut(pod, "---\napiVersion: v1\nkind: Pod")
	s := meshtest.Snapshot(t, meshtest.ServiceYAML("a", "default", "10.96.0.1", "http:80"),
		meshtest.PodYAML(meshtest.Pod{
			App: "a", Version: "v1", Namespace: "default", Account: "first", Address: "10.66.0.1", Port: 80,
		}), template)
	svc, _ := s.Services.Get("a.default.svc.cluster.local")
	want := []string{"spiffe://cluster.local/ns/default/sa/first", "spiffe://cluster.local/ns/default/sa/second"}
	if diff := cmp.Diff(want, svc.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestPortProtocol(t *testing.T) {
	for _, c := range []struct {
		transport, app, name string
		number               uint32
		want                 mesh.Protocol
	}{
		{"", "", "http", 80, mesh.HTTP},
		{"TCP", "", "http-web", 80, mesh.HTTP},
		{"", "", "HTTP2-x", 80, mesh.HTTP2},
		{"", "", "grpc", 80, mesh.GRPC},
		{"", "", "grpc-web-x", 80, mesh.HTTP},
		{"", "", "https", 443, mesh.TLS},
		{"", "", "mysql", 9, mesh.TCP},
		{"", "", "web", 80, mesh.Unnamed},
		{"", "", "web", 3306, mesh.TCP},
		{"", "", "", 25, mesh.TCP},
		{"", "", "httpx", 80, mesh.Unnamed},
		{"", "kubernetes.io/h2c", "http", 80, mesh.HTTP2},
		{"", "kubernetes.io/ws", "tcp", 80, mesh.HTTP},
		{"", "grpc", "http", 80, mesh.GRPC},
		{"", "example.com/own", "http", 80, mesh.Unnamed},
		{"UDP", "", "http", 80, mesh.UDP},
	} {
		if got := mesh.PortProtocol(c.transport, c.app, c.name, c.number); got != c.want {
			t.Errorf("PortProtocol(%q, %q, %q, %d) = %q, want %q", c.transport, c.app, c.name, c.number, got, c.want)
		}
	}
}
