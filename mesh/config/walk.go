package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config/schema"
)

// problem is something wrong at one place of a document.
type problem struct {
	code    string
	path    Path
	line    int // in the document, from 1
	column  int
	message string
	params  map[string]string
}

// Params of a finding about a word that is nearly a known one: what stands there,
// and what was probably meant.
const (
	ParamFound = "found"
	ParamNear  = "near"
)

// meant are the parameters of a problem with a word; nil when no known one is near.
func meant(found, near string) map[string]string {
	if near == "" {
		return nil
	}
	return map[string]string{ParamFound: found, ParamNear: near}
}

// walker compares a document with a shape, writes its JSON form and gives it as
// the tree that schemas judge. It goes on after a problem, to find all of them in
// one go.
type walker struct {
	buf      []byte
	problems []problem
	more     int // further problems, when there are very many
	// moreWarnings are further warnings.
	moreWarnings int
	visited      int               // values read, aliases followed
	most         int               // bounds visited, unless it is 0
	strict       bool              // lists are bounded too
	full         bool              // there were more
	base         int               // lines of the file before the document
	sections     map[string][2]int // ranges in buf of the values at the top

	support  *support // of the kind; nil when the kind has no effect
	hidden   bool     // values are secret: what is wrong is told without them
	warnings []problem
}

// shown describes what stands where something else should.
func (w *walker) shown(n *yaml.Node) string {
	if w.hidden && n.Kind == yaml.ScalarNode {
		return "something else"
	}
	return describeNode(n)
}

// read checks a whole document and gives its tree.
func (w *walker) read(top *yaml.Node, info KindInfo) map[string]any {
	if w.support == nil {
		at := top
		if n := child(top, "kind"); n != nil {
			at = n
		}
		w.warnings = append(w.warnings, *problemAt(at, Path{}.Key("kind"), mesh.CodeUnsupported,
			"objects of kind %s are not supported yet and have no effect", info.Kind))
		w.support = allSupported
	}
	tree, _ := w.value(nil, top, info.shape(), w.support, 0).(map[string]any)
	return tree
}

// fail reports a problem where a value is to be written.
func (w *walker) fail(t *trail, n *yaml.Node, format string, args ...any) any {
	w.buf = append(w.buf, "null"...)
	if len(w.problems) >= maxFindings {
		w.more++
		return schema.Broken{}
	}
	w.problems = append(w.problems, problem{
		code: mesh.CodeSchema, path: t.path(), line: n.Line, column: n.Column,
		message: fmt.Sprintf(format, args...),
	})
	return schema.Broken{}
}

// value checks one value and writes it. What it gives is its place in the tree.
func (w *walker) value(t *trail, n *yaml.Node, s shape, has *support, depth int) any {
	if w.visited++; w.spent() {
		return w.tooMany(t, n)
	}
	if depth > maxDepth {
		return w.fail(t, n, "values are nested more than %d deep", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return w.value(t, n.Alias, s, has, depth+1)
	}
	if isNull(n) {
		w.buf = append(w.buf, "null"...)
		return nil
	}
	switch s.kind {
	case object:
		return w.object(t, n, s, has, depth)
	case dict:
		return w.dict(t, n, s, has, depth)
	case listKind:
		return w.list(t, n, s, has, depth)
	case anything:
		return w.anything(t, n, depth)
	default:
		if s.kind == text && flowAddress(n) {
			return w.text(n.Content[0].Value + ":")
		}
		if n.Kind != yaml.ScalarNode {
			return w.fail(t, n, "must be %s, but %s stands here", s.describe(), w.shown(n))
		}
		if slices.Contains(has.words, n.Value) {
			w.warn(t, n, "%s: %s is not supported yet", t.name(), n.Value)
		}
		return w.scalar(t, n, s)
	}
}

// flowAddress recognizes text that ends with a colon in a list such as
// [10.0.0.1, 2001:db8::]. YAML 1.2 takes it for a key without a value; Kubernetes
// reads YAML as it was before, and takes it for text.
func flowAddress(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle == 0 || len(n.Content) != 2 {
		return false
	}
	k, v := n.Content[0], n.Content[1]
	return k.Kind == yaml.ScalarNode && k.Style == 0 && strings.HasSuffix(k.Value, ":") && isNull(v) && v.Value == "" &&
		k.Line == n.Line && k.Column == n.Column
}

// spent reports whether everything was read that may be read.
func (w *walker) spent() bool { return w.most > 0 && w.visited > w.most }

// tooMany ends the reading of a file whose aliases multiply, and says so once.
func (w *walker) tooMany(t *trail, n *yaml.Node) any {
	if !w.full {
		w.full = true
		return w.fail(t, n, "the file holds too many values, those behind aliases counted each time; split it, or write out less with aliases")
	}
	w.buf = append(w.buf, "null"...)
	return schema.Broken{}
}

// warn reports something that has no effect.
func (w *walker) warn(t *trail, n *yaml.Node, format string, args ...any) {
	if len(w.warnings) >= maxFindings {
		w.moreWarnings++
		return
	}
	w.warnings = append(w.warnings, *problemAt(n, t.path(), mesh.CodeUnsupported, format, args...))
}

// into follows one step of the tree of supported fields. What has no effect is
// reported at n, once, and not again for what is in it.
func (w *walker) into(t *trail, n *yaml.Node, has *support, part string) *support {
	if next := has.into(part); next != nil {
		return next
	}
	w.warn(t, n, "%s is not supported yet and has no effect", t.name())
	return allSupported
}

// allSupported is for what nobody asks about.
var allSupported = &support{all: true}

// pair is a key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// pairs lists a mapping with merge keys resolved; duplicate keys are reported
// and left out, and bad keys noted in the tree of the mapping.
func (w *walker) pairs(t *trail, n *yaml.Node, depth int, tree map[string]any) []pair {
	out := make([]pair, 0, len(n.Content)/2)
	find := finder(&out)
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			w.complain(t, k, "keys must be plain text, but %s stands here", w.shown(k))
			tree[""] = schema.Broken{}
			continue
		}
		if isMerge(k) {
			merges = true
			continue
		}
		if first := find(k.Value); first != nil {
			w.complain(t.key(k.Value), k, "the key %q is written twice, first on line %d; remove one of them",
				k.Value, w.base+first.Line)
			continue
		}
		out = append(out, pair{k, v})
	}
	for i := 0; merges && i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, m := range w.merged(t, n.Content[i+1], depth+1, tree) {
			if find(m.key.Value) == nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// isMerge reports whether a key is "<<", which brings in another mapping.
func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" && k.ShortTag() == "!!merge"
}

// finder finds the key of a pair by its name. Most mappings are so small that
// looking through them is quicker than an index.
func finder(pairs *[]pair) func(name string) *yaml.Node {
	var index map[string]*yaml.Node
	indexed := 0
	return func(name string) *yaml.Node {
		if len(*pairs) <= 16 {
			for _, p := range *pairs {
				if p.key.Value == name {
					return p.key
				}
			}
			return nil
		}
		if index == nil {
			index = map[string]*yaml.Node{}
		}
		for ; indexed < len(*pairs); indexed++ {
			p := (*pairs)[indexed]
			index[p.key.Value] = p.key
		}
		return index[name]
	}
}

// merged lists what a merge key brings in.
func (w *walker) merged(t *trail, n *yaml.Node, depth int, tree map[string]any) []pair {
	if w.visited++; depth > maxDepth || w.spent() {
		if !w.full {
			w.complain(t, n, "merge keys bring in too much; write it out instead")
		}
		w.full = w.full || w.spent()
		return nil
	}
	switch {
	case n.Kind == yaml.AliasNode:
		return w.merged(t, n.Alias, depth+1, tree)
	case n.Kind == yaml.MappingNode:
		w.visited += len(n.Content)
		return w.pairs(t, n, depth+1, tree)
	case n.Kind == yaml.SequenceNode:
		var out []pair
		for _, item := range n.Content {
			out = append(out, w.merged(t, item, depth+1, tree)...)
		}
		return out
	default:
		w.complain(t, n, "a merge key takes a mapping, but %s stands here", w.shown(n))
		return nil
	}
}

// complain reports a problem where no value is to be written.
func (w *walker) complain(t *trail, n *yaml.Node, format string, args ...any) {
	mark := len(w.buf)
	w.fail(t, n, format, args...)
	w.buf = w.buf[:mark]
}

func (w *walker) object(t *trail, n *yaml.Node, s shape, has *support, depth int) any {
	if n.Kind != yaml.MappingNode {
		return w.fail(t, n, "must be %s, but %s stands here", s.describe(), w.shown(n))
	}
	tree := make(map[string]any, len(n.Content)/2)
	w.buf = append(w.buf, '{')
	var groups map[string]string
	for _, p := range w.pairs(t, n, depth, tree) {
		name := p.key.Value
		at := t.key(name)
		f, ok := s.field(name)
		if !ok {
			hint, near := "", nearest(name, s.names())
			if near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			told := len(w.problems)
			w.complain(at, p.key, "unknown field %q%s", name, hint)
			if len(w.problems) > told {
				w.problems[told].code, w.problems[told].params = mesh.CodeUnknownField, meant(name, near)
			}
			tree[name] = schema.Broken{}
			continue
		}
		if _, twice := tree[f.name]; twice {
			w.complain(at, p.key, "the field %s is here in two spellings; remove %q", f.name, name)
			continue
		}
		if f.oneof != "" && !isNull(p.value) {
			if other, taken := groups[f.oneof]; taken {
				w.complain(at, p.key, "only one of %q and %q may be set", other, name)
				tree[f.name] = schema.Broken{}
				continue
			}
			if groups == nil {
				groups = map[string]string{}
			}
			groups[f.oneof] = name
		}
		w.comma('{')
		w.quote(f.name)
		w.buf = append(w.buf, ':')
		from := len(w.buf)
		in := has
		if !isNull(p.value) {
			in = w.into(at, p.key, has, f.name)
		}
		// A field without a value is a field that is not there.
		if v := w.value(at, p.value, f.shape, in, depth+1); v != nil {
			tree[f.name] = v
		}
		if t == nil && w.sections != nil {
			w.sections[name] = [2]int{from, len(w.buf)}
		}
	}
	w.buf = append(w.buf, '}')
	return tree
}

func (w *walker) dict(t *trail, n *yaml.Node, s shape, has *support, depth int) any {
	if n.Kind != yaml.MappingNode {
		return w.fail(t, n, "must be %s, but %s stands here", s.describe(), w.shown(n))
	}
	tree := make(map[string]any, len(n.Content)/2)
	w.buf = append(w.buf, '{')
	elem := s.elem()
	for _, p := range w.pairs(t, n, depth, tree) {
		name := p.key.Value
		if s.key == integer {
			if _, err := strconv.ParseUint(name, 10, 32); err != nil {
				w.complain(t.key(name), p.key, "the key %q must be a whole number", name)
				tree[name] = schema.Broken{}
				continue
			}
		}
		if isNull(p.value) && elem.kind != anything {
			w.complain(t.key(name), p.value, "must be %s, but nothing stands here", elem.describe())
			tree[name] = schema.Broken{}
			continue
		}
		w.comma('{')
		w.quote(name)
		w.buf = append(w.buf, ':')
		at := t.key(name)
		tree[name] = w.value(at, p.value, elem, w.into(at, p.key, has, "{}"), depth+1)
	}
	w.buf = append(w.buf, '}')
	return tree
}

func (w *walker) list(t *trail, n *yaml.Node, s shape, has *support, depth int) any {
	if n.Kind != yaml.SequenceNode {
		return w.failNear(t, n, nearList(n, s), "must be %s, but %s stands here", s.describe(), w.shown(n))
	}
	tree := make([]any, 0, len(n.Content))
	if len(n.Content) > maxItems && w.strict {
		return w.fail(t, n, "a list of %d items is too long; split the object, so that it has at most %d", len(n.Content), maxItems)
	}
	w.buf = append(w.buf, '[')
	elem := s.elem()
	for i, item := range n.Content {
		w.comma('[')
		at := t.item(i)
		if isNull(item) && elem.kind != anything {
			tree = append(tree, w.fail(at, item, "must be %s, but nothing stands here", elem.describe()))
			continue
		}
		tree = append(tree, w.value(at, item, elem, w.into(at, item, has, "[]"), depth+1))
	}
	w.buf = append(w.buf, ']')
	return tree
}

// comma separates items, unless the one to come is the first behind open.
func (w *walker) comma(open byte) {
	if last := w.buf[len(w.buf)-1]; last != open {
		w.buf = append(w.buf, ',')
	}
}

func (w *walker) quote(s string) {
	if plainJSON(s) {
		w.buf = append(append(append(w.buf, '"'), s...), '"')
		return
	}
	b, err := json.Marshal(s)
	if err != nil { // text cannot fail; keep the JSON whole all the same
		b = []byte(`""`)
	}
	w.buf = append(w.buf, b...)
}

// plainJSON reports whether text stands in JSON as it is.
func plainJSON(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
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

// nearest finds the word that is most like name, when one is close enough to
// be meant.
func nearest(name string, words []string) string {
	best, bestAt := "", 1+len(name)/3
	for _, w := range words {
		if strings.EqualFold(w, name) {
			return w
		}
		if d := Distance(strings.ToLower(name), strings.ToLower(w), bestAt-1); d < bestAt {
			best, bestAt = w, d
		}
	}
	return best
}

// longWord is how long a word may be to be compared with others.
const longWord = 64

// Distance counts the letters to change, add or drop between two words. What is
// more than most, or has a long word in it, is most+1.
func Distance(a, b string, most int) int {
	if max(len(a), len(b)) > longWord || len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	var row [longWord + 1]int
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		// As many letters as the places differ by are added or dropped at least: what
		// is farther from the diagonal does not matter.
		from, to := max(0, i-most), min(len(b), i+most+1)
		diagonal, least := row[from], i+1
		row[from] = i + 1
		for j := from; j < to; j++ {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
			least = min(least, row[j+1])
		}
		if least > most {
			return most + 1
		}
	}
	return min(row[len(b)], most+1)
}
