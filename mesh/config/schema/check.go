package schema

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	openapierrors "k8s.io/kube-openapi/pkg/validation/errors"
)

// Step is one step into an object: into a mapping by Key, or into a list by
// Index when List is true.
type Step struct {
	Key   string
	Index int
	List  bool
}

// Violation is one thing that a schema forbids.
type Violation struct {
	Path    []Step
	Message string
	// Missing says that the path leads to a field that has to be there and is
	// not.
	Missing bool
}

// Broken stands in a tree for a value that is wrong already. Nothing is said
// about it, nor about what holds it as a whole.
type Broken struct{}

// Check finds all violations of an object, which is given as a tree of
// map[string]any, []any, string, bool, int64, float64 and nil, without metadata
// and status. Defaults of the schema are filled in.
//
// A rule about a value is asked only when everything in the value is right: it
// may rely on that, and would often only repeat what was said.
func (s *Schema) Check(tree map[string]any) ([]Violation, error) {
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	if root.defaults != nil {
		root.defaults(tree)
	}
	c := checker{budget: celconfig.RuntimeCELCostBudget}
	c.value(nil, root, tree)
	return c.found, nil
}

type checker struct {
	found  []Violation
	budget int64
	key    []byte // memory that keys of values are written to
}

// trail is a path from the value upwards, which costs nothing until somebody
// asks for it.
type trail struct {
	up   *trail
	step Step
}

func (t *trail) path() []Step {
	if t == nil {
		return nil
	}
	return append(t.up.path(), t.step)
}

// maxFound bounds the violations of one object.
const maxFound = 1000

func (c *checker) add(t *trail, rest []Step, missing bool, message string) {
	if len(c.found) >= maxFound {
		return
	}
	c.found = append(c.found, Violation{Path: append(t.path(), rest...), Message: message, Missing: missing})
}

// value reports whether a value is right with all that is in it.
func (c *checker) value(t *trail, n *node, v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Broken:
		return false
	case map[string]any:
		whole := c.inside(t, n, v)
		return c.itself(t, n, v, whole)
	case []any:
		whole := true
		if n.plain != nil && n.plain.most > 0 && int64(len(v)) > n.plain.most {
			// Kubernetes does not look at the items either.
			return c.itself(t, n, v, false)
		}
		if n.items != nil {
			for i, item := range v {
				whole = c.value(&trail{t, Step{Index: i, List: true}}, n.items, item) && whole
			}
		} else {
			whole = !slices.Contains(v, any(Broken{}))
		}
		return c.itself(t, n, v, whole)
	default:
		return c.itself(t, n, v, true)
	}
}

// inside checks the entries of a mapping.
func (c *checker) inside(t *trail, n *node, m map[string]any) bool {
	whole := true
	for _, f := range n.fields {
		if v, has := m[f.name]; has {
			whole = c.value(&trail{t, Step{Key: f.name}}, f.node, v) && whole
		}
	}
	if n.values != nil {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if _, named := slices.BinarySearchFunc(n.fields, k, func(f child, k string) int { return strings.Compare(f.name, k) }); !named {
				whole = c.value(&trail{t, Step{Key: k}}, n.values, m[k]) && whole
			}
		}
	}
	for _, v := range m {
		if _, broken := v.(Broken); broken {
			return false
		}
	}
	return whole
}

// itself asks what is demanded of a value as a whole.
func (c *checker) itself(t *trail, n *node, v any, whole bool) bool {
	before := len(c.found)
	if n.plain != nil && !n.plain.sure(v) {
		for _, err := range n.plain.validator().Validate(v).Errors {
			c.refused(t, err, whole)
		}
	}
	if !whole {
		return false
	}
	for i := range n.junctions {
		c.junction(t, &n.junctions[i], v)
	}
	if list, ok := v.([]any); ok && n.list != nil && len(list) > 1 {
		for _, err := range listtype.ValidateListSetsAndMaps(nil, n.list, map[string]any{listName: list}) {
			c.add(t, stepsOf(err.Field)[1:], false, "this is here twice: "+describe(err.BadValue)+"; give each its own")
		}
	}
	if len(c.found) > before {
		return false
	}
	return c.rules(t, n, v)
}

// junction says in one sentence that none, or too many, of some alternatives
// hold.
func (c *checker) junction(t *trail, j *constraint, v any) {
	if j.sure != nil && j.sure(v) {
		return
	}
	result := j.validator().Validate(v)
	switch {
	case result.IsValid():
	case len(j.choices) > 0 && countSet(v, j.choices) > 1:
		c.add(t, nil, false, "only one of "+join(j.choices, "and")+" may be set")
	case len(j.choices) > 0:
		c.add(t, nil, false, "one of "+join(j.choices, "and")+" must be set")
	default:
		c.add(t, nil, false, "the value fits none of the forms that are allowed here, or more than one: "+
			plainWords(result.Errors[len(result.Errors)-1].Error()))
	}
}

// rules asks the CEL rules of a value.
func (c *checker) rules(t *trail, n *node, v any) bool {
	if n.rules == nil {
		return true
	}
	key, small := appendKey(c.key[:0], v, n.uses)
	c.key = key
	if small && n.seen.has(key) {
		return true
	}
	errs, left := n.rules().Validate(context.Background(), nil, nil, v, nil, c.budget)
	c.budget = left
	for _, err := range errs {
		message := err.Detail
		if message == "" {
			message = err.ErrorBody()
		}
		// A rule that cannot be worked out, because it counts on a field that is
		// not there, does not hold. Its own words say more than why that is.
		if _, rule, ok := strings.Cut(message, " evaluating rule: "); ok {
			message = rule
		}
		c.add(t, stepsOf(err.Field), err.Type == field.ErrorTypeRequired, message)
	}
	if len(errs) == 0 && small {
		n.seen.add(key)
	}
	return len(errs) == 0
}

// refused puts what the library says of a value into words.
func (c *checker) refused(t *trail, err error, whole bool) {
	var v *openapierrors.Validation
	if !errors.As(err, &v) {
		c.add(t, nil, false, plainWords(err.Error()))
		return
	}
	name := strings.TrimPrefix(v.Name, ".")
	switch v.Code() {
	case openapierrors.RequiredFailCode:
		if whole { // else the wrong value beside it may be a misspelled name
			c.add(t, []Step{{Key: name}}, true, name+" is missing")
		}
	case openapierrors.TooLongFailCode:
		c.add(t, nil, false, fmt.Sprintf("must be at most %v characters long", v.Valid))
	case openapierrors.TooShortFailCode:
		if v.Valid == int64(1) {
			c.add(t, nil, false, "must not be empty")
			return
		}
		c.add(t, nil, false, fmt.Sprintf("must be at least %v characters long", v.Valid))
	case openapierrors.PatternFailCode:
		c.add(t, nil, false, fmt.Sprintf("%s does not match %v", describe(v.Value), v.Valid))
	case openapierrors.EnumFailCode:
		words := make([]string, len(v.Values))
		for i, w := range v.Values {
			words[i] = fmt.Sprint(w)
		}
		c.add(t, nil, false, describe(v.Value)+" is not one of "+strings.Join(words, ", "))
	case openapierrors.MaxFailCode:
		c.add(t, nil, false, fmt.Sprintf("must be at most %v, and is %v", v.Valid, v.Value))
	case openapierrors.MinFailCode:
		c.add(t, nil, false, fmt.Sprintf("must be at least %v, and is %v", v.Valid, v.Value))
	case openapierrors.MaxItemsFailCode:
		c.add(t, nil, false, fmt.Sprintf("must have at most %v items, and has %v", v.Valid, v.Value))
	case openapierrors.MinItemsFailCode:
		c.add(t, nil, false, fmt.Sprintf("must have at least %v items, and has %v", v.Valid, v.Value))
	case openapierrors.TooManyPropertiesCode:
		c.add(t, nil, false, fmt.Sprintf("must have at most %v entries", v.Valid))
	case openapierrors.TooFewPropertiesCode:
		c.add(t, nil, false, fmt.Sprintf("must have at least %v entries", v.Valid))
	default:
		c.add(t, nil, false, plainWords(err.Error()))
	}
}

// plainWords drops the library's way of naming the place of a value, which a
// finding names already.
func plainWords(s string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.ReplaceAll(s, " in body", ""), `""`))
}

// describe writes a value for a message.
func describe(v any) string {
	s := fmt.Sprint(v)
	switch v := v.(type) {
	case string:
		s = strconv.Quote(v)
	case map[string]any:
		parts := []string{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+" "+describe(v[k]))
		}
		s = strings.Join(parts, ", ")
	}
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

func join(words []string, last string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " " + last + " " + quoted[n-1]
	}
	return strings.Join(quoted, "")
}

// stepsOf reads a field path of the library, relative to a value: "a.b[0].c",
// and "[key]" for an entry of a mapping.
func stepsOf(s string) []Step {
	var out []Step
	for s != "" && s != "<nil>" {
		switch {
		case s[0] == '.':
			s = s[1:]
		case s[0] == '[':
			inner, rest, ok := strings.Cut(s[1:], "]")
			if !ok {
				return out
			}
			if i, err := strconv.Atoi(inner); err == nil {
				out = append(out, Step{Index: i, List: true})
			} else {
				out = append(out, Step{Key: strings.Trim(inner, `'"`)})
			}
			s = rest
		default:
			end := strings.IndexAny(s, ".[")
			if end < 0 {
				end = len(s)
			}
			out = append(out, Step{Key: s[:end]})
			s = s[end:]
		}
	}
	return out
}
