package config

import (
	"slices"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config/schema"
)

// judge asks the structural schema of a kind and its CEL rules about the tree
// that a walker made of a document.
func judge(top *yaml.Node, info KindInfo, tree map[string]any) []problem {
	if _, custom := customGroups[info.Group]; !custom {
		return nil
	}
	if err := schema.Built(); err != nil {
		return []problem{*problemAt(top, nil, mesh.CodeSchema, "%s", err)}
	}
	_, version := splitAPIVersion(scalarAt(top, "apiVersion"))
	s, err := schema.For(info.Kind, version, info.Versions[0])
	if err != nil {
		return []problem{*problemAt(top, nil, mesh.CodeSchema, "the schema of %s cannot be read: %v", info.Kind, err)}
	}
	if s == nil {
		return nil
	}
	for _, name := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(tree, name)
	}
	violations, err := s.Check(tree)
	if err != nil {
		return []problem{*problemAt(top, nil, mesh.CodeSchema, "the schema of %s cannot be read: %v", info.Kind, err)}
	}
	out := make([]problem, len(violations))
	for i, v := range violations {
		path := make(Path, len(v.Path))
		for j, step := range v.Path {
			path[j] = Step(step)
		}
		out[i] = *problemAt(locate(top, path), path, mesh.CodeKubernetes, "%s", v.Message)
	}
	return out
}

// customGroups are the groups whose kinds are defined by CRDs.
var customGroups = map[string]struct{}{
	mesh.GroupNetworking: {}, mesh.GroupSecurity: {}, mesh.GroupTelemetry: {}, mesh.GroupExtensions: {}, mesh.GroupGatewayAPI: {},
}

// apart leaves out the problems that say again what others say about the same
// place, about something in it, or about what it is in: one cause, one finding.
func apart(problems, others []problem) []problem {
	return slices.DeleteFunc(problems, func(p problem) bool {
		return slices.ContainsFunc(others, func(o problem) bool { return overlap(p.path, o.path) })
	})
}

// overlap reports whether one path leads into what the other one leads to.
func overlap(a, b Path) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}
