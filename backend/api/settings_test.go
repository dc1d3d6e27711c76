package api

import (
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

const reviewsRules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v1}
    # on purpose
    timeout: 2s
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec:
  host: reviews
  trafficPolicy:
    loadBalancer: {simple: RANDOM}
  subsets:
  - name: v1
    labels: {version: v1}
`

// Each setting that an object decides names the field and the line of that
// object's text which do.
func TestSettingsNameTheirLines(t *testing.T) {
	m := weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo(), reviewsRules)}
	var settings []Setting
	if code := m.ask(t, auth.Viewer, http.MethodGet, "/api/v1/services/default/reviews/settings", nil, &settings); code != http.StatusOK {
		t.Fatalf("%d", code)
	}
	got := map[string]string{}
	for _, s := range settings {
		if len(s.From) > 0 {
			got[s.Setting] = fmt.Sprintf("%s %s:%d", s.From[0].Kind.Name, s.Path, s.Line)
		} else if s.Line != 0 {
			t.Errorf("%s is a default, and stands on line %d", s.Setting, s.Line)
		}
	}
	want := map[string]string{
		"split":        "VirtualService spec.http[0].route:7",
		"timeout":      "VirtualService spec.http[0].timeout:10",
		"loadBalancer": "DestinationRule spec.trafficPolicy.loadBalancer:7",
		"subset v1":    "DestinationRule spec.subsets[0]:9",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
