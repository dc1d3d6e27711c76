package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	yaml "go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
)

// JSON is the whole object as the API shows it: apiVersion, kind, metadata, its
// content, and the status where the source has one. Keys are sorted.
func JSON(o *mesh.Object) ([]byte, error) {
	tree, status, err := treeOf(o)
	if err != nil {
		return nil, err
	}
	if status != nil {
		tree["status"] = status
	}
	return json.Marshal(tree)
}

// SpecJSON is the content of an object in JSON: spec for kinds that have one,
// else every field but apiVersion, kind, metadata and status.
func SpecJSON(o *mesh.Object) ([]byte, error) {
	tree, _, err := treeOf(o)
	if err != nil {
		return nil, err
	}
	if spec, ok := tree["spec"]; ok {
		return json.Marshal(spec)
	}
	for _, k := range []string{"apiVersion", "kind", "metadata"} {
		delete(tree, k)
	}
	return json.Marshal(tree)
}

// Encode writes an object as a YAML document. An object that came from text is
// better shown as that text, which has its comments.
func Encode(o *mesh.Object) ([]byte, error) {
	tree, _, err := treeOf(o)
	if err != nil {
		return nil, err
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	appendKeys(root, tree, []string{"apiVersion", "kind", "metadata"})
	if meta, ok := tree["metadata"].(map[string]any); ok {
		ordered := &yaml.Node{Kind: yaml.MappingNode}
		appendKeys(ordered, meta, []string{"name", "namespace", "labels", "annotations"})
		root.Content[5] = ordered
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write %s as YAML: %w", o.Ref, err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write %s as YAML: %w", o.Ref, err)
	}
	return out.Bytes(), nil
}

// appendKeys adds the entries of a tree to a mapping: first some keys in their
// order, then the others sorted.
func appendKeys(to *yaml.Node, tree map[string]any, first []string) {
	keys := slices.Clone(first)
	for _, k := range slices.Sorted(maps.Keys(tree)) {
		if !slices.Contains(first, k) {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		if v, ok := tree[k]; ok {
			to.Content = append(to.Content, textNode(k), nodeOf(v))
		}
	}
}

// nodeOf turns decoded JSON into YAML.
func nodeOf(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		appendKeys(n, v, nil)
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(item))
		}
		return n
	case string:
		return textNode(v)
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: v.String()}
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: v.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
}

// textNode is text, in quotes where a reader of YAML 1.1 or 1.2 would take it
// for something else; the library knows the latter.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if yaml11Bool(&yaml.Node{Kind: yaml.ScalarNode, Value: s}) {
		n.Style = yaml.DoubleQuotedStyle // YAML 1.2 alone would take it for text
	}
	return n
}

// treeOf is the object as decoded JSON, without what only the server of an API
// knows, and apart from it the status; nil when there is none.
func treeOf(o *mesh.Object) (tree, status map[string]any, err error) {
	var raw []byte
	m, isProto := o.Spec.(proto.Message)
	if isProto {
		raw, err = protojson.Marshal(m)
	} else {
		raw, err = json.Marshal(o.Spec)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("write %s as JSON: %w", o.Ref, err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, nil, fmt.Errorf("write %s as JSON: %w", o.Ref, err)
	}
	if isProto {
		tree = map[string]any{"spec": tree}
	} else {
		dropNulls(tree)
	}
	meta := map[string]any{"name": o.Name}
	if o.Namespace != "" {
		meta["namespace"] = o.Namespace
	}
	for name, labels := range map[string]map[string]string{"labels": o.Labels, "annotations": o.Annotations} {
		if len(labels) > 0 {
			out := make(map[string]any, len(labels))
			for k, v := range labels {
				out[k] = v
			}
			meta[name] = out
		}
	}
	if old, ok := tree["metadata"].(map[string]any); ok {
		for _, k := range []string{"ownerReferences", "finalizers"} {
			if v, has := old[k]; has {
				meta[k] = v
			}
		}
	}
	tree["metadata"] = meta
	tree["apiVersion"] = o.APIVersion
	tree["kind"] = o.Kind.Name
	if s, ok := tree["status"].(map[string]any); ok && len(s) > 0 {
		status = s
	}
	delete(tree, "status")
	if len(o.Status) > 0 {
		if err := json.Unmarshal(o.Status, &status); err != nil {
			return nil, nil, fmt.Errorf("write the status of %s as JSON: %w", o.Ref, err)
		}
	}
	return tree, status, nil
}

// dropNulls removes the fields that Go writes although nothing is in them.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item == nil {
				delete(v, k)
				continue
			}
			dropNulls(item)
		}
	case []any:
		for _, item := range v {
			dropNulls(item)
		}
	}
}
