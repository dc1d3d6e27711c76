package schema

import (
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

// at walks down a schema: names of fields, "[]" into the items of a list.
func at(t *testing.T, s map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, step := range path {
		key, from := step, s["properties"]
		if step == "[]" {
			key, from = "items", s
		}
		fields, _ := from.(map[string]any)
		next, ok := fields[key].(map[string]any)
		if !ok {
			t.Fatalf("nothing at %q of %v", step, path)
		}
		s = next
	}
	return s
}

func TestFieldsHaveWords(t *testing.T) {
	s, err := Fields(mesh.KindVirtualService)
	if err != nil {
		t.Fatal(err)
	}
	timeout := at(t, s, "spec", "http", "[]", "timeout")
	if words, _ := timeout["description"].(string); timeout["type"] != "string" || words == "" {
		t.Errorf("timeout is described as %v", timeout)
	}
	for _, name := range []string{"metadata", "status", "kind"} {
		if _, ok := s["properties"].(map[string]any)[name]; ok {
			t.Errorf("%s is described", name)
		}
	}
}

// A kind that is judged by a schema has fields that are described.
func TestEveryKindWithASchemaHasFields(t *testing.T) {
	for name := range files() {
		if _, err := crds.ReadFile("crds/" + name + fieldsSuffix + ".json"); err != nil {
			t.Error(err)
		}
	}
	if s, err := Fields(mesh.KindService); s != nil || err != nil {
		t.Errorf("a kind of Kubernetes itself is described: %v, %v", s, err)
	}
}
