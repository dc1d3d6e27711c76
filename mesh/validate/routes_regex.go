package validate

import (
	"fmt"
	"regexp/syntax"
	"strconv"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// maxInstructions is how long the program of an expression may be before each
// request pays for it noticeably.
const maxInstructions = 1000

// expression is a regular expression in a VirtualService.
type expression struct{ path, text string }

// expressionsOf are all regular expressions of the HTTP routes.
func expressionsOf(vs *networking.VirtualService) []expression {
	var out []expression
	add := func(m *networking.StringMatch, path string) {
		if r := m.GetRegex(); r != "" {
			out = append(out, expression{path + ".regex", r})
		}
	}
	for i, r := range vs.GetHttp() {
		at := fmt.Sprintf("spec.http[%d]", i)
		for j, m := range r.GetMatch() {
			at := fmt.Sprintf("%s.match[%d]", at, j)
			add(m.GetUri(), at+".uri")
			add(m.GetScheme(), at+".scheme")
			add(m.GetMethod(), at+".method")
			add(m.GetAuthority(), at+".authority")
			for _, part := range []struct {
				name   string
				values map[string]*networking.StringMatch
			}{{"headers", m.GetHeaders()}, {"queryParams", m.GetQueryParams()}, {"withoutHeaders", m.GetWithoutHeaders()}} {
				for _, name := range sortedKeys(part.values) {
					add(part.values[name], fmt.Sprintf("%s.%s[%q]", at, part.name, name))
				}
			}
		}
		for j, origin := range r.GetCorsPolicy().GetAllowOrigins() {
			add(origin, fmt.Sprintf("%s.corsPolicy.allowOrigins[%d]", at, j))
		}
		if text := r.GetRewrite().GetUriRegexRewrite().GetMatch(); text != "" {
			out = append(out, expression{at + ".rewrite.uriRegexRewrite.match", text})
		}
	}
	return out
}

// costlyExpressions finds regular expressions with a large program.
func costlyExpressions(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, e := range expressionsOf(spec[*networking.VirtualService](o)) {
		if size := programSize(e.text); size > maxInstructions {
			out = append(out, found(o, e.path, "size", strconv.Itoa(size)))
		}
	}
	return out
}

// programSize is about how many instructions an expression comes to.
func programSize(text string) int {
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0
	}
	return instructions(tree)
}

// instructions counts what a part of an expression comes to. A counted
// repetition is written out as often as it can be made.
func instructions(e *syntax.Regexp) int {
	n := 1
	if e.Op == syntax.OpLiteral {
		n = len(e.Rune)
	}
	for _, part := range e.Sub {
		n += instructions(part)
	}
	if e.Op == syntax.OpRepeat {
		return n * max(e.Min, e.Max, 1)
	}
	return n
}
