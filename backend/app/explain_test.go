package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

func TestServiceCalled(t *testing.T) {
	reviews := &mesh.Service{Host: "reviews.shop.svc.cluster.local"}
	snap := &mesh.Snapshot{Settings: mesh.DefaultSettings(), Services: mesh.NewTable(strings.Compare, func(yield func(string, *mesh.Service) bool) {
		yield(reviews.Host, reviews)
	})}
	for host, want := range map[string]*mesh.Service{
		"reviews": reviews, "reviews:9080": reviews, "reviews.shop": reviews, "reviews.shop.svc": reviews,
		"reviews.shop.svc.cluster.local:80": reviews, "reviews.other": nil, "example.com": nil,
	} {
		if got := serviceCalled(snap, &mesh.Workload{WorkloadFacts: mesh.WorkloadFacts{Namespace: "shop"}}, host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestPassedOnSaysWhy(t *testing.T) {
	service := &mesh.Service{Host: "reviews.shop.svc.cluster.local", Ports: []mesh.ServicePort{{Number: 80}, {Number: 9080}}}
	for _, c := range []struct {
		service *mesh.Service
		call    simulate.Call
		want    string
	}{
		{nil, simulate.Call{Host: "example.com:81", Port: 81}, "no service of the mesh is called example.com: the call leaves the mesh as it is (outboundTrafficPolicy ALLOW_ANY allows it)"},
		{service, simulate.Call{Host: "reviews:81", Port: 81}, "service reviews.shop.svc.cluster.local has no port 81, it has 80, 9080: the call goes to the address that was dialled, where nothing of the mesh listens"},
		{service, simulate.Call{Host: "reviews", Port: 80}, "no route of the mesh takes calls to reviews on port 80: the call goes to the address that was dialled, as it is"},
	} {
		if got := passedOn(c.service, c.call); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestDecisionsOfStandInsAreMarked(t *testing.T) {
	a := &simulate.Answer{Decisions: []simulate.Decision{{What: "listener", Name: "80/a"}, {What: "virtual host", Name: "80/a"}, {What: "destination", Name: "c"}}}
	note(a, []serve.StandIn{{Type: xds.VirtualHostType, Name: "80/a", Why: "no subset."}, {Type: xds.ClusterType, Name: "d", Why: "other."}})
	var notes []string
	for _, d := range a.Decisions {
		notes = append(notes, d.Note)
	}
	if diff := cmp.Diff([]string{"", "not in effect as written: no subset.", ""}, notes); diff != "" {
		t.Error(diff)
	}
}

func TestHolds(t *testing.T) {
	object := func(kind mesh.Kind, text string) *mesh.Object {
		return &mesh.Object{Ref: mesh.Ref{Kind: kind, Namespace: "default", Name: "a"}, Text: []byte(text)}
	}
	have := object(mesh.KindVirtualService, "a: 1\n")
	snap := &mesh.Snapshot{Objects: mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) { yield(have.Ref, have) })}
	for _, c := range []struct {
		written *mesh.Object
		want    bool
	}{
		{object(mesh.KindVirtualService, "a: 1"), true},
		{object(mesh.KindVirtualService, "a: 2"), false},
		{object(mesh.KindGateway, "a: 1"), false},
		{object(mesh.KindService, "a: 1"), true}, // the cluster's affair
	} {
		if got := holds(snap, []*mesh.Object{c.written}); got != c.want {
			t.Errorf("%v %s: %t", c.written.Ref, c.written.Text, got)
		}
	}
}
