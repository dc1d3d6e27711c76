package xds

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/heddle-mesh/heddle/mesh"
)

// Resource is one Envoy resource, checked and marshalled. It is read-only.
type Resource struct {
	Type    string
	Name    string
	Message proto.Message
	// Body is Message as it travels.
	Body *anypb.Any
	// Version names the content: equal bytes, equal version, in every process.
	Version string
	From    []mesh.Ref
}

// Compare orders resources by type (as in Types) and name.
func (r *Resource) Compare(o *Resource) int {
	return cmp.Or(cmp.Compare(typeRank(r.Type), typeRank(o.Type)), cmp.Compare(r.Name, o.Name))
}

// Build makes the resource of a part. Where Make gives nothing, or something
// that Envoy would refuse, the resource is nil and a finding says why, once for
// each object that it came from.
func Build(p Part) (*Resource, []mesh.Finding) {
	m, findings := p.Make()
	if m == nil {
		return nil, findings
	}
	r, err := NewResource(p.Type, p.Name, m, p.From)
	if err != nil {
		return nil, append(findings, refused(p, err)...)
	}
	return r, findings
}

func refused(p Part, err error) []mesh.Finding {
	from := p.From
	if len(from) == 0 {
		from = []mesh.Ref{{}}
	}
	findings := make([]mesh.Finding, 0, len(from))
	for _, ref := range from {
		findings = append(findings, mesh.Finding{
			Code: mesh.CodeTranslate, Severity: mesh.Error, Phase: mesh.PhaseTranslate, Ref: ref,
			Message: fmt.Sprintf("Nothing was sent to proxies for %s: %v. Proxies keep what they had; correct the value.", p.Name, err),
			Params:  map[string]string{"resource": p.Name, "error": err.Error()},
		})
	}
	return findings
}

// NewResource checks m, also inside every Any, and marshals it.
func NewResource(typeURL, name string, m proto.Message, from []mesh.Ref) (*Resource, error) {
	if got := "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()); got != typeURL {
		return nil, fmt.Errorf("a resource of type %s was made where %s belongs", got, typeURL)
	}
	if got := NameOf(m); got != name {
		return nil, fmt.Errorf("a resource named %q was made where %q belongs", got, name)
	}
	if err := Validate(m); err != nil {
		return nil, err
	}
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("marshal %s: %w", name, err)
	}
	return &Resource{
		Type: typeURL, Name: name, Message: m, From: from,
		Body:    &anypb.Any{TypeUrl: typeURL, Value: value},
		Version: mesh.HashOf(value).String(),
	}, nil
}

// NameOf is the name by which Envoy knows a resource; "" for other messages.
func NameOf(m proto.Message) string {
	switch m := m.(type) {
	case interface{ GetClusterName() string }:
		return m.GetClusterName()
	case interface{ GetName() string }:
		return m.GetName()
	}
	return ""
}

// ResourceSet is a set of resources ordered by type and name, each once.
type ResourceSet struct {
	resources []*Resource
}

// NewResourceSet orders resources; of two with one type and name the later
// one stays.
func NewResourceSet(resources []*Resource) *ResourceSet {
	sorted := slices.Clone(resources)
	slices.SortStableFunc(sorted, (*Resource).Compare)
	kept := sorted[:0]
	for _, r := range sorted {
		if n := len(kept); n > 0 && kept[n-1].Compare(r) == 0 {
			kept[n-1] = r
			continue
		}
		kept = append(kept, r)
	}
	return &ResourceSet{resources: kept}
}

// BuildAll makes every part of a plan. Parts that cannot be made are left out.
func BuildAll(plan *Plan) (*ResourceSet, []mesh.Finding) {
	var findings []mesh.Finding
	parts := plan.All()
	resources := make([]*Resource, 0, len(parts))
	for _, p := range parts {
		r, found := Build(p)
		findings = append(findings, found...)
		if r != nil {
			resources = append(resources, r)
		}
	}
	return NewResourceSet(resources), findings
}

// All lists the resources in order.
func (s *ResourceSet) All() []*Resource { return s.resources }

// OfType lists the resources of one type by name.
func (s *ResourceSet) OfType(typeURL string) []*Resource {
	rank := typeRank(typeURL)
	from, _ := slices.BinarySearchFunc(s.resources, rank, func(r *Resource, rank int) int { return cmp.Compare(typeRank(r.Type), rank) })
	to, _ := slices.BinarySearchFunc(s.resources, rank+1, func(r *Resource, rank int) int { return cmp.Compare(typeRank(r.Type), rank) })
	return s.resources[from:to]
}

// Get finds a resource.
func (s *ResourceSet) Get(typeURL, name string) (*Resource, bool) {
	i, ok := slices.BinarySearchFunc(s.resources, &Resource{Type: typeURL, Name: name}, (*Resource).Compare)
	if !ok {
		return nil, false
	}
	return s.resources[i], true
}

// Dangling is a reference to a resource that is not there.
type Dangling struct {
	From *Resource
	To   Reference
}

// Dangling lists the references of all resources that the set does not hold,
// in order. Names in static are clusters of the bootstrap.
func (s *ResourceSet) Dangling(static ...string) []Dangling {
	var missing []Dangling
	for _, r := range s.resources {
		for _, ref := range References(r.Message) {
			if ref.Type == ClusterType && slices.Contains(static, ref.Name) {
				continue
			}
			if _, ok := s.Get(ref.Type, ref.Name); !ok {
				missing = append(missing, Dangling{From: r, To: ref})
			}
		}
	}
	return missing
}
