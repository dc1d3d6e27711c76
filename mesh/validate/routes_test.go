package validate

import (
	"fmt"
	"testing"
	"time"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// TestManyRoutes holds that a VirtualService of a size that nobody writes by
// hand is done with quickly.
func TestManyRoutes(t *testing.T) {
	vs := &networking.VirtualService{Hosts: []string{"tea.example.com"}}
	for i := range 5000 {
		vs.Http = append(vs.Http, &networking.HTTPRoute{Match: []*networking.HTTPMatchRequest{
			{Uri: &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: fmt.Sprintf("/%d", i)}}},
			{Uri: &networking.StringMatch{MatchType: &networking.StringMatch_Regex{Regex: fmt.Sprintf("/[a-z]{%d}", i%1000+1)}}},
		}})
	}
	o := &mesh.Object{Ref: mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "tea", Name: "many"}, Spec: vs}
	s := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: []*mesh.Object{o}})
	start := time.Now()
	Run(s, Evidence{}, Options{})
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%s for 5,000 rules", took)
	} else {
		t.Log(took)
	}
}
