package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/heddle-mesh/heddle/mesh"
)

// problem is something wrong at one place of a document.
type problem struct {
	code    string
	path    Path
	line    int // in the document, from 1
	column  int
	message string
}

// walker compares a document with a shape and writes its JSON form. It goes on
// after a problem, to find all of them in one go.
type walker struct {
	buf      []byte
	problems []problem
	visited  int
	base     int               // lines of the file before the document
	sections map[string][2]int // ranges in buf of the values at the top

	support  *support // of the kind; nil when the kind has no effect
	warnings []problem
}

// read checks a whole document.
func (w *walker) read(top *yaml.Node, info KindInfo) {
	if w.support == nil {
		at := top
		if n := child(top, "kind"); n != nil {
			at = n
		}
		w.warnings = append(w.warnings, *problemAt(at, Path{}.Key("kind"), mesh.CodeUnsupported,
			"objects of kind %s are not supported yet and have no effect", info.Kind))
		w.support = &support{all: true}
	}
	w.value(nil, top, info.shape(), w.support, 0)
}

func (w *walker) fail(t *trail, n *yaml.Node, format string, args ...any) {
	w.problems = append(w.problems, problem{
		code: mesh.CodeSchema, path: t.path(), line: n.Line, column: n.Column,
		message: fmt.Sprintf(format, args...),
	})
	w.buf = append(w.buf, "null"...)
}

// value checks one value and writes it.
func (w *walker) value(t *trail, n *yaml.Node, s shape, has *support, depth int) {
	if w.visited++; w.visited > maxNodes {
		if w.visited == maxNodes+1 {
			w.fail(t, n, "the document holds more than %d values, aliases counted each time", maxNodes)
		} else {
			w.buf = append(w.buf, "null"...)
		}
		return
	}
	if depth > maxDepth {
		w.fail(t, n, "values are nested more than %d deep", maxDepth)
		return
	}
	if n.Kind == yaml.AliasNode {
		w.value(t, n.Alias, s, has, depth+1)
		return
	}
	if isNull(n) {
		w.buf = append(w.buf, "null"...)
		return
	}
	switch s.kind {
	case object:
		w.object(t, n, s, has, depth)
	case dict:
		w.dict(t, n, s, has, depth)
	case listKind:
		w.list(t, n, s, has, depth)
	case anything:
		w.anything(t, n, depth)
	default:
		if n.Kind != yaml.ScalarNode {
			w.fail(t, n, "must be %s, but %s stands here", s.describe(), describeNode(n))
			return
		}
		if slices.Contains(has.words, n.Value) {
			w.warn(t, n, "%s: %s is not supported yet", t.name(), n.Value)
		}
		w.scalar(t, n, s)
	}
}

// warn reports something that has no effect.
func (w *walker) warn(t *trail, n *yaml.Node, format string, args ...any) {
	w.warnings = append(w.warnings, *problemAt(n, t.path(), mesh.CodeUnsupported, format, args...))
}

// into follows one step of the tree of supported fields. What has no effect is
// reported at n, once, and not again for what is in it.
func (w *walker) into(t *trail, n *yaml.Node, has *support, part string) *support {
	if next := has.into(part); next != nil {
		return next
	}
	w.warn(t, n, "%s is not supported yet and has no effect", t.name())
	return &support{all: true}
}

// pair is a key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// pairs lists a mapping with merge keys resolved; duplicate keys are reported
// and left out.
func (w *walker) pairs(t *trail, n *yaml.Node, depth int) []pair {
	var out []pair
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			w.complain(t, k, "keys must be plain text, but %s stands here", describeNode(k))
			continue
		}
		if k.ShortTag() == "!!merge" {
			continue
		}
		if first, dup := seen[k.Value]; dup {
			w.complain(t.key(k.Value), k, "the key %q is written twice, first on line %d; remove one of them",
				k.Value, w.base+first.Line)
			continue
		}
		seen[k.Value] = k
		out = append(out, pair{k, v})
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		for _, m := range w.merged(t, n.Content[i+1], depth+1) {
			if _, have := seen[m.key.Value]; !have {
				seen[m.key.Value] = m.key
				out = append(out, m)
			}
		}
	}
	return out
}

// merged lists what a merge key brings in.
func (w *walker) merged(t *trail, n *yaml.Node, depth int) []pair {
	if w.visited++; depth > maxDepth || w.visited > maxNodes {
		w.complain(t, n, "merge keys are nested too deep")
		return nil
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return w.merged(t, n.Alias, depth+1)
	case n.Kind == yaml.MappingNode:
		return w.pairs(t, n, depth+1)
	case n.Kind == yaml.SequenceNode:
		var out []pair
		for _, item := range n.Content {
			out = append(out, w.merged(t, item, depth+1)...)
		}
		return out
	default:
		w.complain(t, n, "a merge key takes a mapping, but %s stands here", describeNode(n))
		return nil
	}
}

// complain reports a problem where no value is to be written.
func (w *walker) complain(t *trail, n *yaml.Node, format string, args ...any) {
	mark := len(w.buf)
	w.fail(t, n, format, args...)
	w.buf = w.buf[:mark]
}

func (w *walker) object(t *trail, n *yaml.Node, s shape, has *support, depth int) {
	if n.Kind != yaml.MappingNode {
		w.fail(t, n, "must be %s, but %s stands here", s.describe(), describeNode(n))
		return
	}
	w.buf = append(w.buf, '{')
	groups := map[string]string{}
	for _, p := range w.pairs(t, n, depth) {
		name := p.key.Value
		at := t.key(name)
		f, ok := s.field(name)
		if !ok {
			hint := ""
			if near := nearest(name, s.names()); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			w.complain(at, p.key, "unknown field %q%s", name, hint)
			continue
		}
		if f.oneof != "" && !isNull(p.value) {
			if other, taken := groups[f.oneof]; taken {
				w.complain(at, p.key, "only one of %q and %q may be set", other, name)
				continue
			}
			groups[f.oneof] = name
		}
		w.comma('{')
		w.quote(name)
		w.buf = append(w.buf, ':')
		from := len(w.buf)
		in := has
		if !isNull(p.value) {
			in = w.into(at, p.key, has, f.name)
		}
		w.value(at, p.value, f.shape, in, depth+1)
		if t == nil && w.sections != nil {
			w.sections[name] = [2]int{from, len(w.buf)}
		}
	}
	w.buf = append(w.buf, '}')
}

func (w *walker) dict(t *trail, n *yaml.Node, s shape, has *support, depth int) {
	if n.Kind != yaml.MappingNode {
		w.fail(t, n, "must be %s, but %s stands here", s.describe(), describeNode(n))
		return
	}
	w.buf = append(w.buf, '{')
	elem := s.elem()
	for _, p := range w.pairs(t, n, depth) {
		name := p.key.Value
		if s.key == integer {
			if _, err := strconv.ParseUint(name, 10, 32); err != nil {
				w.complain(t.key(name), p.key, "the key %q must be a whole number", name)
				continue
			}
		}
		if isNull(p.value) && elem.kind != anything {
			w.complain(t.key(name), p.value, "must be %s, but nothing stands here", elem.describe())
			continue
		}
		w.comma('{')
		w.quote(name)
		w.buf = append(w.buf, ':')
		w.value(t.key(name), p.value, elem, w.into(t.key(name), p.key, has, "{}"), depth+1)
	}
	w.buf = append(w.buf, '}')
}

func (w *walker) list(t *trail, n *yaml.Node, s shape, has *support, depth int) {
	if n.Kind != yaml.SequenceNode {
		w.fail(t, n, "must be %s, but %s stands here", s.describe(), describeNode(n))
		return
	}
	w.buf = append(w.buf, '[')
	elem := s.elem()
	for i, item := range n.Content {
		w.comma('[')
		if isNull(item) && elem.kind != anything {
			w.fail(t.item(i), item, "must be %s, but nothing stands here", elem.describe())
			continue
		}
		w.value(t.item(i), item, elem, w.into(t.item(i), item, has, "[]"), depth+1)
	}
	w.buf = append(w.buf, ']')
}

// anything writes a value as it stands.
func (w *walker) anything(t *trail, n *yaml.Node, depth int) {
	switch n.Kind {
	case yaml.MappingNode:
		w.dict(t, n, shape{kind: dict, elem: func() shape { return scalar(anything) }}, &support{all: true}, depth)
	case yaml.SequenceNode:
		w.list(t, n, shape{kind: listKind, elem: func() shape { return scalar(anything) }}, &support{all: true}, depth)
	default:
		switch n.ShortTag() {
		case "!!bool":
			w.scalar(t, n, scalar(boolean))
		case "!!int":
			if _, err := intOf(n.Value, 64, false); err != nil {
				w.scalar(t, n, scalar(number))
				return
			}
			w.scalar(t, n, shape{kind: integer, bits: 64})
		case "!!float":
			w.scalar(t, n, scalar(number))
		default:
			w.quote(n.Value)
		}
	}
}

func (w *walker) scalar(t *trail, n *yaml.Node, s shape) {
	tag := n.ShortTag()
	if tag == "!!timestamp" {
		tag = "!!str" // a date without quotes
	}
	wrong := func() { w.fail(t, n, "must be %s, but %s stands here", s.describe(), describeNode(n)) }
	switch s.kind {
	case text:
		switch {
		case len(s.enum) > 0:
			w.enum(t, n, s, tag)
		case tag != "!!str" || yaml11Bool(n):
			w.fail(t, n, "must be text, but %s stands here; write it in quotes: %q", describeNode(n), n.Value)
		default:
			w.quote(n.Value)
		}
	case boolean:
		switch {
		case tag == "!!bool":
			w.buf = strconv.AppendBool(w.buf, strings.EqualFold(n.Value, "true"))
		case yaml11Bool(n):
			w.buf = strconv.AppendBool(w.buf, strings.EqualFold(n.Value, "yes") || strings.EqualFold(n.Value, "on"))
		default:
			wrong()
		}
	case integer:
		// 64-bit numbers are text in the JSON form of protobuf.
		if tag != "!!int" && !(tag == "!!str" && s.bits == 64) {
			wrong()
			return
		}
		digits, err := intOf(n.Value, s.bits, s.unsigned)
		if err != nil {
			w.fail(t, n, "%s is out of range: %s", n.Value, rangeOf(s))
			return
		}
		w.buf = append(w.buf, digits...)
	case number:
		if tag != "!!float" && tag != "!!int" {
			wrong()
			return
		}
		f, err := floatOf(n.Value)
		if err != nil {
			w.fail(t, n, "%s is not a number that can be used here", n.Value)
			return
		}
		w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, 64)
	case bytes64:
		if tag == "!!binary" {
			tag = "!!str"
		}
		flat := strings.Join(strings.Fields(n.Value), "")
		if _, err := base64.StdEncoding.DecodeString(flat); tag != "!!str" || err != nil {
			wrong()
			return
		}
		w.quote(flat)
	case duration, goDuration:
		d, err := time.ParseDuration(n.Value)
		if tag != "!!str" || err != nil {
			wrong()
			return
		}
		if s.kind == duration {
			w.quote(secondsOf(d))
			return
		}
		w.quote(n.Value)
	case timestamp:
		if _, err := time.Parse(time.RFC3339Nano, n.Value); tag != "!!str" || err != nil {
			wrong()
			return
		}
		w.quote(n.Value)
	case quantity:
		if tag != "!!str" && tag != "!!int" && tag != "!!float" {
			wrong()
			return
		}
		if _, err := resource.ParseQuantity(n.Value); err != nil {
			wrong()
			return
		}
		w.quote(n.Value)
	case intOrText:
		switch tag {
		case "!!int":
			w.scalar(t, n, shape{kind: integer, bits: 32})
		case "!!str":
			w.quote(n.Value)
		default:
			wrong()
		}
	}
}

func (w *walker) enum(t *trail, n *yaml.Node, s shape, tag string) {
	if tag == "!!str" && slices.Contains(s.enum, n.Value) {
		w.quote(n.Value)
		return
	}
	hint := ""
	if near := nearest(n.Value, s.enum); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	w.fail(t, n, "%q is not one of %s%s", n.Value, strings.Join(s.enum, ", "), hint)
}

// comma separates items, unless the one to come is the first behind open.
func (w *walker) comma(open byte) {
	if last := w.buf[len(w.buf)-1]; last != open {
		w.buf = append(w.buf, ',')
	}
}

func (w *walker) quote(s string) {
	b, err := json.Marshal(s)
	if err != nil { // text cannot fail; keep the JSON whole all the same
		b = []byte(`""`)
	}
	w.buf = append(w.buf, b...)
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// yaml11Bool reports the words without quotes that Kubernetes, which reads YAML
// 1.1, takes for booleans.
func yaml11Bool(n *yaml.Node) bool {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return false
	}
	switch n.Value {
	case "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF":
		return true
	}
	return false
}

func describeNode(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the boolean " + n.Value
	case "!!int", "!!float":
		return "the number " + n.Value
	}
	if yaml11Bool(n) {
		return "the boolean " + n.Value
	}
	return "the text " + strconv.Quote(clip(n.Value))
}

// clip shortens long text for a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
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

// nearest finds the word that is most like name, when one is close enough to
// be meant.
func nearest(name string, words []string) string {
	best, bestAt := "", 1+len(name)/3
	for _, w := range words {
		if strings.EqualFold(w, name) {
			return w
		}
		if d := distance(strings.ToLower(name), strings.ToLower(w)); d < bestAt {
			best, bestAt = w, d
		}
	}
	return best
}

// distance counts the letters to change, add or drop between two words.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
