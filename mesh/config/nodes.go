package config

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// child follows keys through mappings and aliases; nil when they lead nowhere.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n = resolve(n); n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
				break
			}
		}
		n = next
	}
	return resolve(n)
}

// resolve follows aliases; an alias never leads to another one.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func scalarAt(n *yaml.Node, keys ...string) string {
	if n = child(n, keys...); n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}

// locate finds the node at a path; where the path leads out of the document,
// the last node on the way.
func locate(n *yaml.Node, path Path) *yaml.Node {
	at := n
	for _, step := range path {
		n = resolve(n)
		var next *yaml.Node
		switch {
		case n.Kind == yaml.SequenceNode && step.List && step.Index < len(n.Content):
			next = n.Content[step.Index]
		case n.Kind == yaml.MappingNode && !step.List:
			for _, key := range []string{step.Key, protoName(step.Key)} {
				if next == nil {
					next = child(n, key)
				}
				if next == nil {
					next = child(n, "<<", key)
				}
			}
		}
		if next == nil {
			return at
		}
		n, at = next, next
	}
	return at
}

// protoName is the name of a field in proto files, which documents may use
// instead: "trafficPolicy" is "traffic_policy".
func protoName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
