package config

import (
	"fmt"
	"slices"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// identify finds the kind and name of an object, whatever else is wrong with it.
// A problem says that the object cannot be read at all. For checks, more kinds are
// read, and what is none of ours is never a mistake.
func identify(top *yaml.Node, checks bool) (KindInfo, mesh.Ref, *problem) {
	group, version := splitAPIVersion(scalarAt(top, "apiVersion"))
	ref := mesh.Ref{
		Kind:      mesh.Kind{Group: group, Name: scalarAt(top, "kind")},
		Namespace: scalarAt(top, "metadata", "namespace"),
		Name:      scalarAt(top, "metadata", "name"),
	}
	if checks && version == "" && ref.Kind.Name == "" {
		return KindInfo{}, ref, problemAt(top, nil, mesh.CodeUnsupported,
			"passed over: documents without apiVersion and kind are no objects")
	}
	if version == "" || ref.Kind.Name == "" {
		missing := "kind"
		if version == "" {
			missing = "apiVersion"
		}
		return KindInfo{}, ref, problemAt(top, nil, mesh.CodeSchema,
			"%s is missing; every object begins with apiVersion and kind", missing)
	}
	info, ok := Lookup(ref.Kind)
	if !ok && checks {
		info, ok = LookupOther(ref.Kind)
	}
	if !ok {
		return KindInfo{}, ref, unknownKind(top, ref, checks)
	}
	if info.Namespaced && ref.Namespace == "" {
		ref.Namespace = DefaultNamespace
	}
	if info.other() && !slices.Contains(info.Versions, version) {
		return KindInfo{}, ref, passedOver(top, ref)
	}
	if !slices.Contains(info.Versions, version) {
		return KindInfo{}, ref, problemAt(child(top, "apiVersion"), Path{}.Key("apiVersion"), mesh.CodeSchema,
			"%s has no version %q; use %s", ref.Kind.Name, version, info.APIVersion())
	}
	return info, ref, nil
}

func problemAt(n *yaml.Node, path Path, code, format string, args ...any) *problem {
	return &problem{code: code, path: path, line: n.Line, column: n.Column, message: fmt.Sprintf(format, args...)}
}

// naming finds what is wrong with the name and namespace of an object.
func naming(top *yaml.Node, info KindInfo, ref mesh.Ref) []problem {
	var out []problem
	meta := Path{}.Key("metadata")
	report := func(path Path, format string, args ...any) {
		out = append(out, *problemAt(locate(top, path), path, mesh.CodeKubernetes, format, args...))
	}
	if !info.Namespaced && ref.Namespace != "" {
		report(meta.Key("namespace"), "a %s lives in no namespace; remove the field", ref.Kind.Name)
	} else if msg := checkNamespace(ref.Namespace); info.Namespaced && msg != "" {
		report(meta.Key("namespace"), "%s", msg)
	}
	if ref.Name == "" {
		report(meta.Key("name"), "metadata.name is missing; give the object a name")
	} else if msg := checkName(ref); msg != "" {
		report(meta.Key("name"), "%s", msg)
	}
	return out
}

// unknownKind says what is meant by a kind that is not there, or that it has no
// effect.
func unknownKind(top *yaml.Node, ref mesh.Ref, checks bool) *problem {
	var names, groups []string
	group := ""
	for _, info := range Kinds {
		if info.Group == ref.Group {
			names = append(names, info.Kind.Name)
		}
		if info.Kind.Name == ref.Kind.Name {
			group = info.Group
		}
		groups = append(groups, info.Group)
	}
	_, ours := customGroups[ref.Group]
	if near := nearest(ref.Kind.Name, names); near != "" && (ours || !checks) {
		p := problemAt(child(top, "kind"), Path{}.Key("kind"), mesh.CodeSchema,
			"there is no kind %q in %s; did you mean %s?", ref.Kind.Name, scalarAt(top, "apiVersion"), near)
		p.params = meant(ref.Kind.Name, near)
		return p
	}
	for _, info := range Kinds {
		if info.Kind.Name != ref.Kind.Name {
			continue
		}
		if near := nearest(ref.Group, groups); checks && !ours && (near == "" || near != group) {
			continue
		}
		return problemAt(child(top, "apiVersion"), Path{}.Key("apiVersion"), mesh.CodeSchema,
			"%s is not in %s; use %s", ref.Kind.Name, scalarAt(top, "apiVersion"), info.APIVersion())
	}
	if checks {
		return passedOver(top, ref)
	}
	return problemAt(child(top, "kind"), Path{}.Key("kind"), mesh.CodeUnsupported,
		"objects of kind %s are not supported yet and have no effect", ref.Kind)
}

// passedOver says that checks do not look at a kind.
func passedOver(top *yaml.Node, ref mesh.Ref) *problem {
	return problemAt(child(top, "kind"), Path{}.Key("kind"), mesh.CodeUnsupported,
		"passed over: no check looks at objects of kind %s", ref.Kind)
}
