package config

import (
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// failNear reports a problem with a value for which something else was probably
// meant; an empty near says nothing of that.
func (w *walker) failNear(t *trail, n *yaml.Node, near, format string, args ...any) any {
	told := len(w.problems)
	broken := w.fail(t, n, format, args...)
	if len(w.problems) > told && !w.hidden {
		w.problems[told].params = meant(written(n), near)
	}
	return broken
}

// written is a scalar as the document has it: with its quotes, where escapes do
// not make it another text.
func written(n *yaml.Node) string {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return `"` + n.Value + `"`
	case n.Style&yaml.SingleQuotedStyle != 0:
		return "'" + n.Value + "'"
	default:
		return n.Value
	}
}

// nearScalar is how a scalar of another type would be written so that it has
// this shape: a number without quotes, a duration with its unit. It is empty
// where nothing can be told.
func nearScalar(n *yaml.Node, s shape) string {
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	tag := n.ShortTag()
	quoted := tag == "!!str" && n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0
	switch s.kind {
	case integer:
		if _, err := intOf(n.Value, s.bits, s.unsigned); quoted && err == nil {
			return n.Value
		}
	case number:
		if _, err := floatOf(n.Value); quoted && err == nil {
			return n.Value
		}
	case boolean:
		if _, err := strconv.ParseBool(n.Value); quoted && err == nil && len(n.Value) > 1 {
			return strings.ToLower(n.Value)
		}
	case duration, goDuration:
		if f, err := floatOf(n.Value); (tag == "!!int" || tag == "!!float") && err == nil && f > 0 {
			return n.Value + "s"
		}
	}
	return ""
}

// nearList is the list with the one item that stands in its place.
func nearList(n *yaml.Node, s shape) string {
	plain := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && !strings.ContainsAny(n.Value, ",[]{}\n")
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || s.elem().kind != text || !plain {
		return ""
	}
	return "[" + written(n) + "]"
}
