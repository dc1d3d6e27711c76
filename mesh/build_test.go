package mesh_test

import (
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

func TestBookinfo(t *testing.T) {
	s := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()))
	if got := s.Services.Len(); got != 5 {
		t.Errorf("%d services, want 5", got)
	}
	list, _ := s.Endpoints.Get(mesh.EndpointKey{Host: "reviews.default.svc.cluster.local", Port: 9080})
	if list == nil || len(list.Endpoints) != 3 {
		t.Fatalf("endpoints of reviews: %+v", list)
	}
}
