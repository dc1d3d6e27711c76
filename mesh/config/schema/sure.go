package schema

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"unicode/utf8"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// surely gives a quick test that accepts values which keep a validation. What
// it does not accept may still be right. demands is false when there is nothing to
// test.
func surely(v schema.ValueValidation) (sure func(any) bool, demands bool) {
	var tests []func(x any) bool
	add := func(have bool, test func(x any) bool) {
		if have {
			tests = append(tests, test)
		}
	}
	add(v.Maximum != nil || v.Minimum != nil, func(x any) bool {
		f, ok := numberOf(x)
		return ok && (v.Minimum == nil || f > *v.Minimum || f == *v.Minimum && !v.ExclusiveMinimum) &&
			(v.Maximum == nil || f < *v.Maximum || f == *v.Maximum && !v.ExclusiveMaximum)
	})
	add(v.MaxLength != nil || v.MinLength != nil, func(x any) bool {
		s, ok := x.(string)
		if !ok {
			return false
		}
		n := int64(utf8.RuneCountInString(s))
		return (v.MinLength == nil || n >= *v.MinLength) && (v.MaxLength == nil || n <= *v.MaxLength)
	})
	add(v.MaxItems != nil || v.MinItems != nil, func(x any) bool {
		list, ok := x.([]any)
		n := int64(len(list))
		return ok && (v.MinItems == nil || n >= *v.MinItems) && (v.MaxItems == nil || n <= *v.MaxItems)
	})
	add(v.MaxProperties != nil || v.MinProperties != nil, func(x any) bool {
		m, ok := x.(map[string]any)
		n := int64(len(m))
		return ok && (v.MinProperties == nil || n >= *v.MinProperties) && (v.MaxProperties == nil || n <= *v.MaxProperties)
	})
	add(len(v.Required) > 0, func(x any) bool { return countSet(x, v.Required) == len(v.Required) })
	add(len(v.Enum) > 0, func(x any) bool {
		s, ok := x.(string)
		return ok && slices.ContainsFunc(v.Enum, func(e schema.JSON) bool { return e.Object == s })
	})
	pattern := sync.OnceValues(func() (*regexp.Regexp, error) { return regexp.Compile(v.Pattern) })
	add(v.Pattern != "", func(x any) bool {
		s, ok := x.(string)
		re, err := pattern()
		return ok && err == nil && re.MatchString(s)
	})
	add(v.Format != "" || v.UniqueItems || v.MultipleOf != nil, func(any) bool { return false })
	return func(x any) bool {
		for _, test := range tests {
			if !test(x) {
				return false
			}
		}
		return true
	}, len(tests) > 0
}

func numberOf(x any) (float64, bool) {
	switch x := x.(type) {
	case int64:
		return float64(x), -1<<53 < x && x < 1<<53
	case float64:
		return x, true
	default:
		return 0, false
	}
}

// countSet counts which of some fields an object has.
func countSet(x any, fields []string) int {
	m, ok := x.(map[string]any)
	if !ok {
		return -1
	}
	n := 0
	for _, f := range fields {
		if _, has := m[f]; has {
			n++
		}
	}
	return n
}

// compiled are the rules of single values by what they say. Large schemas repeat
// a few of them hundreds of times: "a duration, and not below a millisecond".
var compiled sync.Map // text to func() *cel.Validator

func sharedRules(s *schema.Structural) func() *cel.Validator {
	key := fmt.Sprintf("%s %+v", s.Type, s.XValidations)
	if v := s.ValueValidation; v != nil && v.MaxLength != nil {
		key = fmt.Sprintf("%s %d", key, *v.MaxLength)
	}
	made, _ := compiled.LoadOrStore(key, sync.OnceValue(func() *cel.Validator {
		return cel.NewValidator(s, false, celconfig.PerCallLimit)
	}))
	f, _ := made.(func() *cel.Validator)
	return f
}
