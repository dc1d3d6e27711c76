package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

func TestCallsOf(t *testing.T) {
	page := graph.Peer{Namespace: "shop", Workload: "page-v1"}
	cart := graph.ServiceName{Host: "cart.shop.svc.cluster.local"}
	flow := graph.Flow{Reporter: graph.BySource, Source: page, Service: cart, Protocol: graph.HTTP}
	other := flow
	other.Reporter = graph.ByDestination
	nameless := flow
	nameless.Source = graph.Peer{}
	tcp := flow
	tcp.Protocol = graph.TCP
	snap := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: config.Decode("shop.yaml", []byte(`
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {clusterIP: 10.0.0.1, selector: {app: cart}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: both, namespace: shop}
spec: {clusterIP: 10.0.0.2, selector: {app: both}, ports: [{name: http, port: 80}, {name: tcp, port: 81}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: page-v1, namespace: shop}
spec: {selector: {matchLabels: {app: page}}, template: {metadata: {labels: {app: page}}, spec: {containers: [{name: a, image: a}]}}}
`)).Objects})
	double := flow
	double.Service.Host = "both.shop.svc.cluster.local"
	alone := flow
	alone.Source.Workload = "batch"
	got := callsOf(snap, graph.Traffic{
		Requests: []graph.Requests{
			{Flow: flow, Code: "200", Rate: 6},
			{Flow: flow, Code: "503", Rate: 2},
			{Flow: other, Code: "200", Rate: 100},
			{Flow: nameless, Code: "200", Rate: 100},
			{Flow: flow, Code: "404", Rate: 0},
			{Flow: double, Code: "200", Rate: 1},
			{Flow: alone, Code: "200", Rate: 1},
		},
		Connections: []graph.Connections{{Flow: tcp, Opened: 1}},
	})
	source := mesh.Ref{Kind: mesh.KindDeployment, Namespace: "shop", Name: "page-v1"}
	want := []validate.Call{
		{Source: source, Host: double.Service.Host, Protocol: "http", PerSecond: 1},
		{Source: source, Host: cart.Host, Port: 8080, Protocol: "http", PerSecond: 8, ErrorRate: 0.25},
		{Source: source, Host: cart.Host, Port: 8080, Protocol: "tcp", PerSecond: 1},
		{Source: mesh.Ref{Kind: mesh.KindPod, Namespace: "shop", Name: "batch"}, Host: cart.Host, Port: 8080, Protocol: "http", PerSecond: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if callsOf(snap, graph.Traffic{}) == nil {
		t.Error("no traffic is something that was observed; it must not be nil")
	}
}

func TestChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	object := func(body string) *mesh.Object {
		r := config.Decode(file, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "+body+"}\n"))
		if len(r.Objects) != 1 {
			t.Fatal(r.Problems)
		}
		return r.Objects[0]
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	written := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(file, written, written); err != nil {
		t.Fatal(err)
	}
	var c changes
	a := object("one")
	build := func(prev *mesh.Snapshot, objects ...*mesh.Object) *mesh.Snapshot {
		return mesh.Build(prev, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
	}
	first := build(nil, a)
	c.follow(first, written.Add(time.Hour))
	if got := c.times()[a.Ref]; !got.Equal(written) {
		t.Errorf("first seen: %s, want the time of the file", got)
	}
	second := build(first, object("two"))
	c.follow(second, written.Add(2*time.Hour))
	if got := c.times()[a.Ref]; !got.Equal(written.Add(2 * time.Hour)) {
		t.Errorf("changed: %s", got)
	}
	c.follow(build(second), written.Add(3*time.Hour))
	if len(c.times()) != 0 {
		t.Errorf("removed: %v", c.times())
	}
}
