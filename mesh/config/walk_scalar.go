package config

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/api/resource"
)

// anything writes a value as it stands.
func (w *walker) anything(t *trail, n *yaml.Node, depth int) any {
	switch n.Kind {
	case yaml.MappingNode:
		return w.dict(t, n, shape{kind: dict, elem: func() shape { return scalar(anything) }}, allSupported, depth)
	case yaml.SequenceNode:
		return w.list(t, n, shape{kind: listKind, elem: func() shape { return scalar(anything) }}, allSupported, depth)
	default:
		switch n.ShortTag() {
		case "!!bool":
			return w.scalar(t, n, scalar(boolean))
		case "!!int":
			if _, err := intOf(n.Value, 64, false); err != nil {
				return w.scalar(t, n, scalar(number))
			}
			return w.scalar(t, n, shape{kind: integer, bits: 64})
		case "!!float":
			return w.scalar(t, n, scalar(number))
		default:
			return w.text(n.Value)
		}
	}
}

// text writes a value that is text.
func (w *walker) text(s string) any {
	w.quote(s)
	return s
}

func (w *walker) scalar(t *trail, n *yaml.Node, s shape) any {
	tag := n.ShortTag()
	if tag == "!!timestamp" {
		tag = "!!str" // a date without quotes
	}
	wrong := func() any {
		return w.failNear(t, n, nearScalar(n, s), "must be %s, but %s stands here", s.describe(), w.shown(n))
	}
	switch s.kind {
	case text:
		switch {
		case len(s.enum) > 0:
			return w.enum(t, n, s, tag)
		case tag != "!!str" || yaml11Bool(n):
			if w.hidden {
				return w.fail(t, n, "must be text, but %s stands here; write it in quotes", w.shown(n))
			}
			quoted := strconv.Quote(n.Value)
			return w.failNear(t, n, quoted, "must be text, but %s stands here; write it in quotes: %s", describeNode(n), quoted)
		}
		return w.text(n.Value)
	case boolean:
		var b bool
		switch {
		case tag == "!!bool":
			b = strings.EqualFold(n.Value, "true")
		case yaml11Bool(n):
			b = strings.EqualFold(n.Value, "yes") || strings.EqualFold(n.Value, "on")
		default:
			return wrong()
		}
		w.buf = strconv.AppendBool(w.buf, b)
		return b
	case integer:
		// 64-bit numbers are text in the JSON form of protobuf.
		if tag != "!!int" && !(tag == "!!str" && s.bits == 64) {
			return wrong()
		}
		digits, err := intOf(n.Value, s.bits, s.unsigned)
		if err != nil {
			return w.fail(t, n, "%s is out of range: %s", clip(n.Value), rangeOf(s))
		}
		w.buf = append(w.buf, digits...)
		if i, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return i
		}
		return float64(math.MaxUint64) // beyond every bound that a schema sets
	case number:
		if tag != "!!float" && tag != "!!int" {
			return wrong()
		}
		f, err := floatOf(n.Value)
		if err != nil {
			return w.fail(t, n, "%s is not a number that can be used here", clip(n.Value))
		}
		w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, 64)
		return f
	case bytes64:
		if tag == "!!binary" {
			tag = "!!str"
		}
		flat := strings.Join(strings.Fields(n.Value), "")
		if _, err := base64.StdEncoding.DecodeString(flat); tag != "!!str" || err != nil {
			return wrong()
		}
		return w.text(flat)
	case duration, goDuration:
		d, err := time.ParseDuration(n.Value)
		if tag != "!!str" || err != nil {
			return wrong()
		}
		if s.kind == duration {
			return w.text(secondsOf(d))
		}
		return w.text(n.Value)
	case timestamp:
		if _, err := time.Parse(time.RFC3339Nano, n.Value); tag != "!!str" || err != nil {
			return wrong()
		}
		return w.text(n.Value)
	case quantity:
		if tag != "!!str" && tag != "!!int" && tag != "!!float" {
			return wrong()
		}
		if _, err := resource.ParseQuantity(n.Value); err != nil {
			return wrong()
		}
		return w.text(n.Value)
	case intOrText:
		switch tag {
		case "!!int":
			return w.scalar(t, n, shape{kind: integer, bits: 32})
		case "!!str":
			return w.text(n.Value)
		}
	}
	return wrong()
}

func (w *walker) enum(t *trail, n *yaml.Node, s shape, tag string) any {
	if tag == "!!str" && slices.Contains(s.enum, n.Value) {
		return w.text(n.Value)
	}
	hint, near := "", nearest(n.Value, s.enum)
	if near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	mark := len(w.buf)
	broken := w.failNear(t, n, near, "%q is not one of %s%s", clip(n.Value), strings.Join(s.enum, ", "), hint)
	// Checks still want to know what stands here.
	if s.open && tag == "!!str" {
		w.buf = w.buf[:mark]
		w.quote(n.Value)
	}
	return broken
}

// intOf reads a YAML whole number and writes it in decimal.
func intOf(s string, bits int, unsigned bool) (string, error) {
	if unsigned {
		u, err := strconv.ParseUint(plainInt(s), 0, bits)
		return strconv.FormatUint(u, 10), err
	}
	i, err := strconv.ParseInt(plainInt(s), 0, bits)
	return strconv.FormatInt(i, 10), err
}

func plainInt(s string) string { return strings.TrimPrefix(s, "+") }

func floatOf(s string) (float64, error) {
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0o") || strings.HasPrefix(s, "0b") {
		i, err := strconv.ParseInt(s, 0, 64)
		return float64(i), err
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = strconv.ErrRange
	}
	return f, err
}

func rangeOf(s shape) string {
	if s.unsigned {
		return fmt.Sprintf("it must be from 0 to %d", uint64(math.MaxUint64)>>(64-s.bits))
	}
	limit := int64(math.MaxInt64) >> (64 - s.bits)
	return fmt.Sprintf("it must be from %d to %d", -limit-1, limit)
}

// secondsOf writes a duration as protobuf's JSON form wants it.
func secondsOf(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign = "-"
	}
	// In unsigned numbers the smallest duration has an absolute value too.
	n := uint64(d)
	if d < 0 {
		n = -n
	}
	sec, frac := n/1e9, n%1e9
	if frac == 0 {
		return fmt.Sprintf("%s%ds", sign, sec)
	}
	return fmt.Sprintf("%s%d.%ss", sign, sec, strings.TrimRight(fmt.Sprintf("%09d", frac), "0"))
}
