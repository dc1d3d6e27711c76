package validate

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// comparison compares matches, and keeps the expressions that it compiled.
type comparison map[string]*regexp.Regexp

// compiled is an expression as it is compiled, nil when it cannot be.
func (c comparison) compiled(text string) *regexp.Regexp {
	re, ok := c[text]
	if !ok {
		re, _ = regexp.Compile(text)
		c[text] = re
	}
	return re
}

// covers reports whether every request that b takes is one that a takes. It
// says false when it cannot tell.
func (c comparison) covers(a, b *networking.HTTPMatchRequest) bool {
	if a.GetPort() != 0 && a.GetPort() != b.GetPort() {
		return false
	}
	if a.GetSourceNamespace() != "" && a.GetSourceNamespace() != b.GetSourceNamespace() {
		return false
	}
	if !carries(b.GetSourceLabels(), a.GetSourceLabels()) {
		return false
	}
	if len(a.GetGateways()) > 0 {
		if len(b.GetGateways()) == 0 {
			return false
		}
		for _, g := range b.GetGateways() {
			if !slices.Contains(a.GetGateways(), g) {
				return false
			}
		}
	}
	return c.uriCovers(a, b) &&
		c.conditionCovers(a.GetScheme(), b.GetScheme()) &&
		c.conditionCovers(a.GetMethod(), b.GetMethod()) &&
		c.conditionCovers(a.GetAuthority(), b.GetAuthority()) &&
		c.eachCovers(a.GetHeaders(), b.GetHeaders()) &&
		c.eachCovers(a.GetQueryParams(), b.GetQueryParams()) &&
		c.withoutCovers(a.GetWithoutHeaders(), b.GetWithoutHeaders())
}

// uriCovers compares the conditions on the path, which every request has and
// which begins with a slash.
func (c comparison) uriCovers(a, b *networking.HTTPMatchRequest) bool {
	wide, narrow := a.GetUri(), b.GetUri()
	if wide.GetMatchType() == nil || wide.GetPrefix() == "/" || takesAll(wide.GetRegex()) {
		return true
	}
	if narrow.GetMatchType() == nil {
		return false
	}
	if !a.GetIgnoreUriCase() {
		return !b.GetIgnoreUriCase() && c.stringCovers(wide, narrow)
	}
	return c.stringCovers(lowered(wide), lowered(narrow))
}

// lowered is a match by exact text or prefix in lower case. Regular expressions
// keep their case: they do not follow the choice to ignore it.
func lowered(m *networking.StringMatch) *networking.StringMatch {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return &networking.StringMatch{MatchType: &networking.StringMatch_Exact{Exact: strings.ToLower(t.Exact)}}
	case *networking.StringMatch_Prefix:
		return &networking.StringMatch{MatchType: &networking.StringMatch_Prefix{Prefix: strings.ToLower(t.Prefix)}}
	}
	return m
}

// conditionCovers compares conditions on what every request has; none takes all.
func (c comparison) conditionCovers(a, b *networking.StringMatch) bool {
	switch {
	case a.GetMatchType() == nil || takesAll(a.GetRegex()):
		return true
	case b.GetMatchType() == nil:
		return false
	}
	return c.stringCovers(a, b)
}

// eachCovers compares conditions on headers or parameters, all of which must
// hold. One that says nothing of the value asks only for the header to be there.
func (c comparison) eachCovers(a, b map[string]*networking.StringMatch) bool {
	for name, wide := range a {
		narrow, ok := b[name]
		if !ok {
			return false
		}
		if wide.GetMatchType() == nil || takesAll(wide.GetRegex()) {
			continue
		}
		if narrow.GetMatchType() == nil || !c.stringCovers(wide, narrow) {
			return false
		}
	}
	return true
}

// withoutCovers compares conditions that must not hold: what b shuts out must
// hold all that a shuts out.
func (c comparison) withoutCovers(a, b map[string]*networking.StringMatch) bool {
	for name, shut := range a {
		wide, ok := b[name]
		if !ok {
			return false
		}
		if wide.GetMatchType() != nil && (shut.GetMatchType() == nil || !c.stringCovers(wide, shut)) {
			return false
		}
	}
	return true
}

// stringCovers compares two conditions that both say something.
func (c comparison) stringCovers(a, b *networking.StringMatch) bool {
	switch wide := a.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		narrow, ok := b.GetMatchType().(*networking.StringMatch_Exact)
		return ok && narrow.Exact == wide.Exact
	case *networking.StringMatch_Prefix:
		return strings.HasPrefix(c.certainPrefix(b), wide.Prefix)
	case *networking.StringMatch_Regex:
		switch narrow := b.GetMatchType().(type) {
		case *networking.StringMatch_Regex:
			return narrow.Regex == wide.Regex || takesAll(wide.Regex)
		case *networking.StringMatch_Exact:
			return c.matchesWhole(wide.Regex, narrow.Exact)
		case *networking.StringMatch_Prefix:
			begin, ok := anythingAfter(wide.Regex)
			return ok && strings.HasPrefix(narrow.Prefix, begin)
		}
	}
	return false
}

// certainPrefix is how every text that a condition takes begins.
func (c comparison) certainPrefix(m *networking.StringMatch) string {
	switch t := m.GetMatchType().(type) {
	case *networking.StringMatch_Exact:
		return t.Exact
	case *networking.StringMatch_Prefix:
		return t.Prefix
	case *networking.StringMatch_Regex:
		if re := c.compiled(t.Regex); re != nil {
			begin, _ := re.LiteralPrefix()
			return begin
		}
	}
	return ""
}

// takesAll reports whether an expression takes every text without line breaks.
func takesAll(text string) bool {
	begin, ok := anythingAfter(text)
	return ok && begin == ""
}

// anythingAfter reads an expression that is a literal text followed by ".*".
func anythingAfter(text string) (begin string, ok bool) {
	text = strings.TrimPrefix(text, "^")
	text = strings.TrimSuffix(text, "$")
	text, ok = strings.CutSuffix(text, ".*")
	if !ok {
		return "", false
	}
	if text == "" {
		return "", true
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil || tree.Op != syntax.OpLiteral || tree.Flags&syntax.FoldCase != 0 {
		return "", false
	}
	return string(tree.Rune), true
}

// matchesWhole reports whether an expression takes a text from end to end, as
// the proxy means it.
func (c comparison) matchesWhole(expression, text string) bool {
	re := c.compiled("^(?:" + expression + ")$")
	return re != nil && re.MatchString(text)
}
