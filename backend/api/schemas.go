package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/config/schema"
)

type schemaInput struct {
	Kind string `path:"kind" maxLength:"128"`
}

type schemaOutput struct {
	Body map[string]any `doc:"A JSON Schema"`
}

// schema describes the fields of a kind, for editors: names, types and words.
// Whether an object is right is for check to say.
func (h *Handlers) schema(_ context.Context, in *schemaInput) (*schemaOutput, error) {
	kind, err := kindOf(in.Kind)
	if err != nil {
		return nil, err
	}
	root, err := schema.Fields(kind.Kind)
	if err != nil {
		return nil, problemOf(err)
	}
	if root == nil {
		return nil, huma.NewError(http.StatusNotFound, kind.Name+" is a kind of Kubernetes itself, whose fields are not described here")
	}
	fields, ok := root["properties"].(map[string]any)
	if !ok {
		fields = map[string]any{}
		root["properties"] = fields
	}
	versions := make([]string, len(kind.Versions))
	for i, v := range kind.Versions {
		versions[i] = kind.Group + "/" + v
	}
	fields["apiVersion"] = map[string]any{"type": "string", "enum": versions, "description": "The group of the kind, and the version in which the object is written."}
	fields["kind"] = map[string]any{"type": "string", "enum": []string{kind.Name}, "description": "What the object is."}
	fields["metadata"] = metadataSchema(kind)
	root["type"], root["required"] = "object", []string{"apiVersion", "kind", "metadata"}
	return &schemaOutput{Body: root}, nil
}

// metadataSchema describes what people write about an object of any kind.
func metadataSchema(kind config.KindInfo) map[string]any {
	texts := func(words string) map[string]any {
		return map[string]any{"type": "object", "description": words, "additionalProperties": map[string]any{"type": "string"}}
	}
	fields := map[string]any{
		"name":        map[string]any{"type": "string", "description": "The name of the object, which no other of its kind and namespace has."},
		"labels":      texts("Names and values by which others select the object."),
		"annotations": texts("Names and values for tools and people."),
	}
	if kind.Namespaced {
		fields["namespace"] = map[string]any{"type": "string", "description": "The namespace that the object belongs to."}
	}
	return map[string]any{"type": "object", "description": "What the object is called, and where it belongs.", "properties": fields, "required": []string{"name"}}
}
