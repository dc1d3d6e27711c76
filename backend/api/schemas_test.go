package api

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/config/schema"
)

// Every kind of the mesh that has a schema is described to editors, with what
// every kind has.
func TestSchemasDescribeKinds(t *testing.T) {
	b := newBench(t)
	viewer := as(b.cookie("the-viewer"))
	for _, kind := range config.Kinds {
		described, err := schema.For(kind.Kind, kind.Versions[0], kind.Versions[0])
		if err != nil {
			t.Fatal(err)
		}
		w := b.do(request(http.MethodGet, "/api/v1/schemas/"+kind.Plural+"."+kind.Group, "", viewer))
		if described == nil {
			if w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", kind.Name, w.Code)
			}
			continue
		}
		var s struct {
			Properties map[string]struct {
				Enum       []string
				Properties map[string]any
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %v", kind.Name, w.Code, err)
		}
		if got := s.Properties["apiVersion"].Enum; len(got) != len(kind.Versions) || got[0] != kind.APIVersion() {
			t.Errorf("%s is written in %v", kind.Name, got)
		}
		if _, ok := s.Properties["metadata"].Properties["namespace"]; ok != kind.Namespaced {
			t.Errorf("%s: namespace described: %v", kind.Name, ok)
		}
		if len(s.Properties["spec"].Properties) == 0 {
			t.Errorf("%s: spec is not described", kind.Name)
		}
	}
	if w := b.do(request(http.MethodGet, "/api/v1/schemas/nonsense", "", viewer)); w.Code != http.StatusNotFound {
		t.Errorf("a kind that does not exist: %d", w.Code)
	}
}
