package schema

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// node is the part of a schema that constrains values at one place, or below it.
// Places without constraints have no node: the strict decoder has seen to names
// and types before.
type node struct {
	fields []child // sorted by name
	values *node   // of every entry of a mapping
	items  *node   // of every item of a list

	plain     *constraint  // bounds, patterns, required fields
	junctions []constraint // anyOf, oneOf, not
	list      *schema.Structural
	rules     func() *cel.Validator
	uses      []string // the fields that rules speak of, when they are known
	seen      memory   // of small values that all rules accepted

	defaults func(tree any) // only at the root
}

// listName is what a list is called when it is put to the library alone.
const listName = "list"

type child struct {
	name string
	*node
}

// constraint is one demand on a value. sure accepts most values quickly; what
// it does not accept is put to the library.
type constraint struct {
	sure      func(v any) bool
	validator func() *validate.SchemaValidator
	// choices are fields of which at most one may be set, when the constraint
	// says just that.
	choices []string
	exactly bool  // one of choices must be set
	most    int64 // items that a list may have, if it says so
}

// newNode is nil where a schema constrains nothing.
func newNode(s *schema.Structural) *node {
	if s == nil {
		return nil
	}
	n := &node{items: newNode(s.Items)}
	used := n.items != nil
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		field := s.Properties[name]
		if c := newNode(&field); c != nil {
			n.fields = append(n.fields, child{name, c})
			used = true
		}
	}
	if s.AdditionalProperties != nil {
		n.values = newNode(s.AdditionalProperties.Structural)
		used = used || n.values != nil
	}
	if s.XListType != nil && *s.XListType != "atomic" {
		n.list = &schema.Structural{Properties: map[string]schema.Structural{listName: {Extensions: s.Extensions}}}
		used = true
	}
	if s.ValueValidation != nil {
		n.constrain(s)
		used = used || n.plain != nil || len(n.junctions) > 0
	}
	if len(s.XValidations) > 0 || ruleInAllOf(s) {
		own, uses := forRules(s)
		n.uses = uses
		n.rules = sync.OnceValue(func() *cel.Validator {
			return cel.NewValidator(own, s.XEmbeddedResource, celconfig.PerCallLimit)
		})
		if s.Type != "object" && s.Type != "array" && s.Type != "" {
			n.rules = sharedRules(own)
		}
		used = true
	}
	if !used {
		return nil
	}
	return n
}

// constrain turns value validations into constraints.
func (n *node) constrain(s *schema.Structural) {
	v := *s.ValueValidation
	if s.XIntOrString && intOrString(v.AnyOf) {
		v.AnyOf = nil
	}
	junction := func(j schema.ValueValidation) {
		c := newConstraint(s.Type, j)
		c.choices, c.exactly = choices(j)
		if c.choices != nil {
			c.sure = func(v any) bool {
				set := countSet(v, c.choices)
				return set == 1 || set == 0 && !c.exactly
			}
		}
		n.junctions = append(n.junctions, c)
	}
	if len(v.AnyOf) > 0 {
		junction(schema.ValueValidation{AnyOf: v.AnyOf})
	}
	if len(v.OneOf) > 0 {
		junction(schema.ValueValidation{OneOf: v.OneOf})
	}
	if v.Not != nil {
		junction(schema.ValueValidation{Not: v.Not})
	}
	for _, part := range v.AllOf {
		if s.XIntOrString && intOrString(part.AnyOf) {
			part.AnyOf = nil
		}
		if onlyChoice(part) {
			junction(part.ValueValidation)
		} else {
			junction(schema.ValueValidation{AllOf: []schema.NestedValueValidation{part}})
		}
	}
	v.AnyOf, v.OneOf, v.AllOf, v.Not = nil, nil, nil, nil
	if s.Type == "integer" && v.Minimum != nil && *v.Minimum == 0 && v.Maximum != nil && *v.Maximum == 1<<32-1 {
		// The field is a uint32, which the decoder has seen to.
		v.Minimum, v.Maximum = nil, nil
	}
	if known := s.Type == "integer" || s.Type == "number" || v.Format == "byte"; known {
		v.Format = ""
	}
	if sure, demands := surely(v); demands {
		c := newConstraint(s.Type, v)
		c.sure = sure
		if v.MaxItems != nil {
			c.most = *v.MaxItems
		}
		n.plain = &c
	}
}

// newConstraint puts one demand, for values of a type, to the library.
func newConstraint(typ string, v schema.ValueValidation) constraint {
	return constraint{validator: sync.OnceValue(func() *validate.SchemaValidator {
		s := (&schema.Structural{Generic: schema.Generic{Type: typ}, ValueValidation: &v}).ToKubeOpenAPI()
		return validate.NewSchemaValidator(s, nil, "", strfmt.Default)
	})}
}

// choices finds the fields of the form that a choice between fields takes in
// CRDs: one of {a is there}, {b is there} and perhaps {neither is there}.
func choices(v schema.ValueValidation) (fields []string, exactly bool) {
	exactly = true
	for _, alternative := range v.OneOf {
		if not := alternative.Not; not != nil && len(not.AnyOf) > 0 && alternative.Required == nil {
			exactly = false
			continue
		}
		if len(alternative.Required) != 1 || len(alternative.Properties) > 0 || alternative.Not != nil {
			return nil, false
		}
		fields = append(fields, alternative.Required[0])
	}
	return fields, exactly
}

// intOrString recognizes the words by which a CRD says again that a value is a
// number or text.
func intOrString(anyOf []schema.NestedValueValidation) bool {
	return len(anyOf) == 2 && anyOf[0].ForbiddenGenerics.Type == "integer" && anyOf[1].ForbiddenGenerics.Type == "string"
}

// onlyChoice reports whether a part of allOf holds nothing but junctions on the
// value itself.
func onlyChoice(v schema.NestedValueValidation) bool {
	return len(v.OneOf) > 0 && len(v.Properties) == 0 && v.Items == nil && v.AdditionalProperties == nil &&
		len(v.Required) == 0 && len(v.AnyOf) == 0 && len(v.AllOf) == 0 && v.Not == nil && len(v.XValidations) == 0
}

func ruleInAllOf(s *schema.Structural) bool {
	if s.ValueValidation == nil {
		return false
	}
	for _, part := range s.ValueValidation.AllOf {
		if len(part.XValidations) > 0 {
			return true
		}
	}
	return false
}

// forRules copies a schema with the rules of the value itself only: what lies
// below is needed for the types of the rules, and has nodes of its own.
//
// A library call of a rule costs time for every field of its object. Fields that
// no rule speaks of are left out where "self" stands in the rules only in front
// of a field, so that nothing can depend on them; uses are the others then.
func forRules(s *schema.Structural) (out *schema.Structural, uses []string) {
	out = s.DeepCopy()
	below(out, func(s *schema.Structural) { s.XValidations = nil })
	var rules strings.Builder
	for _, r := range s.XValidations {
		rules.WriteString(r.Rule + "\n" + r.MessageExpression + "\n" + r.FieldPath + "\n")
	}
	text := rules.String()
	if len(s.XValidations) == 0 || len(s.Properties) == 0 || wholeSelf.MatchString(text) {
		return out, nil
	}
	for name := range out.Properties {
		if plainName.MatchString(name) && !strings.Contains(text, name) {
			delete(out.Properties, name)
		}
	}
	return out, slices.Sorted(maps.Keys(out.Properties))
}

var (
	wholeSelf = regexp.MustCompile(`\b(self|oldSelf)\b([^.]|$)`)
	plainName = regexp.MustCompile(`^[A-Za-z0-9]+$`) // others are escaped in rules
)

// below calls f for every schema inside another one.
func below(s *schema.Structural, f func(*schema.Structural)) {
	inner := func(s *schema.Structural) {
		if s != nil {
			f(s)
			below(s, f)
		}
	}
	inner(s.Items)
	if s.AdditionalProperties != nil {
		inner(s.AdditionalProperties.Structural)
	}
	for name, field := range s.Properties {
		inner(&field)
		s.Properties[name] = field
	}
}
