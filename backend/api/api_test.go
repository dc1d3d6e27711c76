package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestRoutesAreUnique(t *testing.T) {
	ids, paths := map[string]bool{}, map[string]bool{}
	for _, r := range routes {
		if ids[r.id] || paths[r.method+r.path] {
			t.Errorf("%s %s (%s) stands twice", r.method, r.path, r.id)
		}
		if r.summary == "" || r.needs == "" {
			t.Errorf("%s has no summary or no capability", r.id)
		}
		ids[r.id], paths[r.method+r.path] = true, true
	}
}

func TestOpenAPIDescribesTheOwnersRoutes(t *testing.T) {
	h := New(Options{Version: "test"}).Owner()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	var doc struct {
		OpenAPI string                     `json:"openapi"`
		Paths   map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%v: %.200s", err, w.Body)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %q", doc.OpenAPI)
	}
	for _, r := range routes {
		if strings.HasPrefix(r.path, "/api/v1/") && doc.Paths[r.path] == nil {
			t.Errorf("%s is not described", r.path)
		}
	}
}

func TestReferencesAreDescribedAsTheyAreWritten(t *testing.T) {
	h := New(Options{Version: "test"}).Owner()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "a", Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	var written map[string]string
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	described := doc.Components.Schemas["Ref"].Properties
	if diff := cmp.Diff(slices.Sorted(maps.Keys(written)), slices.Sorted(maps.Keys(described))); diff != "" {
		t.Errorf("-written +described:\n%s", diff)
	}
}
