package config

import (
	"slices"
	"strings"
	"sync"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// Feature says whether a kind, or a field of it with all that is in it, has an
// effect. Path is empty for a whole kind; "[]" stands for every item of a list
// and "{}" for every value of a mapping with free keys.
type Feature struct {
	Kind      mesh.Kind `json:"kind"`
	Path      string    `json:"path"`
	Supported bool      `json:"supported"`
}

// supported lists, for each kind that has an effect, the fields that do, each
// with everything in it. What is not listed gives a finding "not supported yet"
// on the field. A kind that is not here has no effect at all.
var supported = []struct {
	kind  mesh.Kind
	paths []string
}{
	{mesh.KindNamespace, []string{""}},
	{mesh.KindService, []string{""}},
	{mesh.KindServiceAccount, []string{""}},
	{mesh.KindConfigMap, []string{""}},
	{mesh.KindSecret, []string{""}},
	{mesh.KindPod, []string{""}},
	{mesh.KindDeployment, []string{""}},
	{mesh.KindEndpointSlice, []string{""}},

	{mesh.KindVirtualService, []string{
		"spec.hosts",
		"spec.gateways",
		"spec.exportTo",
		"spec.http[].name",
		"spec.http[].match",
		"spec.http[].route",
		"spec.http[].redirect",
		"spec.http[].directResponse",
		"spec.http[].rewrite",
		"spec.http[].timeout",
		"spec.http[].retries",
		"spec.http[].fault.delay.fixedDelay",
		"spec.http[].fault.delay.percent",
		"spec.http[].fault.delay.percentage",
		"spec.http[].fault.abort.httpStatus",
		"spec.http[].fault.abort.grpcStatus",
		"spec.http[].fault.abort.percentage",
		"spec.http[].mirror",
		"spec.http[].mirrors",
		"spec.http[].mirrorPercent",
		"spec.http[].mirrorPercentage",
		"spec.http[].headers",
	}},
	{mesh.KindDestinationRule, []string{
		"spec.host",
		"spec.exportTo",
		"spec.workloadSelector",
		"spec.subsets[].name",
		"spec.subsets[].labels",
		"spec.subsets[].trafficPolicy.loadBalancer.simple",
		"spec.subsets[].trafficPolicy.portLevelSettings[].port",
		"spec.subsets[].trafficPolicy.portLevelSettings[].loadBalancer.simple",
		"spec.trafficPolicy.loadBalancer.simple",
		"spec.trafficPolicy.portLevelSettings[].port",
		"spec.trafficPolicy.portLevelSettings[].loadBalancer.simple",
	}},
	{mesh.KindGateway, []string{
		"spec.selector",
		"spec.servers[].name",
		"spec.servers[].port",
		"spec.servers[].hosts",
	}},
	{mesh.KindServiceEntry, []string{
		"spec.hosts",
		"spec.addresses",
		"spec.ports",
		"spec.location",
		"spec.resolution",
		"spec.endpoints[].address",
		"spec.endpoints[].ports",
		"spec.endpoints[].labels",
		"spec.endpoints[].locality",
		"spec.endpoints[].weight",
		"spec.endpoints[].serviceAccount",
		"spec.workloadSelector",
		"spec.exportTo",
		"spec.subjectAltNames",
	}},
	{mesh.KindWorkloadEntry, []string{
		"spec.address",
		"spec.ports",
		"spec.labels",
		"spec.locality",
		"spec.weight",
		"spec.serviceAccount",
	}},
}

// always are fields of every object that say nothing to the mesh but are right
// to have.
var always = []string{"apiVersion", "kind", "metadata", "status"}

// unsupportedValues are words of supported fields that have no effect yet.
var unsupportedValues = []struct {
	kind mesh.Kind
	path string
	word string
}{
	{mesh.KindServiceEntry, "spec.resolution", "DYNAMIC_DNS"},
}

// support is a tree of the fields that have an effect.
type support struct {
	all      bool // with everything in it
	children map[string]*support
	words    []string // values without an effect
}

// supportOf gives the tree of a kind, which nobody may change; nil when the kind
// has no effect.
func supportOf(kind mesh.Kind) *support { return supportTrees()[kind] }

// Supports reports whether objects of a kind have an effect, if not every field.
func Supports(kind mesh.Kind) bool { return supportOf(kind) != nil }

var supportTrees = sync.OnceValue(func() map[mesh.Kind]*support {
	out := map[mesh.Kind]*support{}
	for _, entry := range supported {
		out[entry.kind] = growSupport(entry.kind)
	}
	return out
})

// growSupport makes the tree of a kind.
func growSupport(kind mesh.Kind) *support {
	for _, entry := range supported {
		if entry.kind != kind {
			continue
		}
		root := &support{}
		for _, path := range slices.Concat(entry.paths, always) {
			root.at(path).all = true
		}
		for _, v := range unsupportedValues {
			if v.kind == kind {
				s := root.at(v.path)
				s.words = append(s.words, v.word)
			}
		}
		return root
	}
	return nil
}

// at finds or makes the node of a path.
func (s *support) at(path string) *support {
	if path == "" {
		return s
	}
	for _, part := range strings.Split(strings.ReplaceAll(strings.ReplaceAll(path, "[]", ".[]"), "{}", ".{}"), ".") {
		if s.children == nil {
			s.children = map[string]*support{}
		}
		next := s.children[part]
		if next == nil {
			next = &support{}
			s.children[part] = next
		}
		s = next
	}
	return s
}

// into follows one step; nil when what is there has no effect.
func (s *support) into(part string) *support {
	if s == nil || s.all && s.children == nil {
		return s
	}
	if next := s.children[part]; next != nil {
		return next
	}
	if s.all {
		return s
	}
	return nil
}

// Features is the table of what is supported, ordered as Kinds: for a kind with
// an effect its supported fields, then those that are not supported yet, none of
// which is within another one.
func Features() []Feature {
	var out []Feature
	for _, info := range Kinds {
		tree := supportOf(info.Kind)
		if tree == nil || tree.all {
			out = append(out, Feature{Kind: info.Kind, Supported: tree != nil})
			continue
		}
		var yes, no []Feature
		list(info.shape(), tree, "", func(path string, has bool) {
			f := Feature{Kind: info.Kind, Path: path, Supported: has}
			switch {
			case slices.Contains(always, path):
			case has:
				yes = append(yes, f)
			default:
				no = append(no, f)
			}
		})
		for _, v := range unsupportedValues {
			if v.kind == info.Kind {
				no = append(no, Feature{Kind: info.Kind, Path: v.path + "=" + v.word})
			}
		}
		out = append(out, yes...)
		out = append(out, no...)
	}
	return out
}

// list reports the fields of a shape: as a whole where all or none of it has an
// effect, else each of its fields.
func list(s shape, tree *support, path string, report func(path string, has bool)) {
	if tree == nil || tree.all {
		report(path, tree != nil)
		return
	}
	switch s.kind {
	case listKind:
		list(s.elem(), tree.into("[]"), path+"[]", report)
	case dict:
		list(s.elem(), tree.into("{}"), path+"{}", report)
	case object:
		for _, name := range s.names() {
			f, _ := s.field(name)
			at := name
			if path != "" {
				at = path + "." + name
			}
			list(f.shape, tree.into(name), at, report)
		}
	default:
		report(path, false)
	}
}

// Unsupported gives a warning for each field of an object that has no effect
// yet, or one for the whole object when its kind has none. Decode gives the same
// for objects that it reads, with the place in the text.
func Unsupported(o *mesh.Object) ([]mesh.Finding, error) {
	info, ok := Lookup(o.Kind)
	if !ok {
		return nil, nil
	}
	text, err := JSON(o)
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	w := &walker{support: supportOf(o.Kind)}
	w.read(root.Content[0], info)
	out := make([]mesh.Finding, 0, len(w.warnings))
	for _, p := range w.warnings {
		out = append(out, mesh.Finding{
			Code: p.code, Severity: mesh.Warning, Phase: mesh.PhaseDecode, Ref: o.Ref,
			Path: p.path.String(), Message: p.message,
		})
	}
	return out, nil
}
