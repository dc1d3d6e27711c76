package config

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// Op is what an Edit does.
type Op = mesh.Op

// What an Edit can do; see mesh.Op.
const (
	Set    = mesh.OpSet
	Delete = mesh.OpDelete
	Insert = mesh.OpInsert
)

// Edit is one change inside a document.
type Edit = mesh.Edit

// Splice makes edits, one after the other, in the text of one document. Only the
// bytes of the values that change are touched: comments, order, quotes and
// spacing of everything else stay as they are. Where the layout of a document
// leaves no such way (an alias to what changes, exotic indentation), the document
// is written anew from its values, with its comments.
func Splice(ctx context.Context, text []byte, edits ...Edit) ([]byte, error) {
	for i, e := range edits {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next, err := splice(text, e)
		if err != nil {
			return nil, fmt.Errorf("edit %d, %s %s: %w", i+1, e.Op, clip(e.Path), err)
		}
		text = next
	}
	return text, nil
}

func splice(text []byte, e Edit) ([]byte, error) {
	if e.Op != Set && e.Op != Delete && e.Op != Insert {
		return nil, fmt.Errorf("there is no operation %q; use set, delete or insert", e.Op)
	}
	if len(text) > MaxBytes || len(e.Value) > MaxBytes {
		return nil, fmt.Errorf("the text is larger than %d MB", MaxBytes>>20)
	}
	path, err := ParsePath(e.Path)
	if err != nil {
		return nil, err
	}
	if len(path) == 0 {
		return nil, errors.New("the path is empty; name a field")
	}
	s, err := parseSheet(text)
	if err != nil {
		return nil, err
	}
	var value *yaml.Node
	if e.Op != Delete {
		if value, err = parseValue(e.Value); err != nil {
			return nil, err
		}
	}
	want, err := edited(s.root, e.Op, path, value)
	if err != nil {
		return nil, err
	}
	if sameTree(want, s.root) {
		return text, nil
	}
	if next, ok := s.edit(e.Op, path, value); ok {
		if again, err := parseSheet(next); err == nil && sameTree(want, again.root) {
			return next, nil
		}
	}
	return render(want, s.blockOf())
}

func parseValue(text string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("the value %q is not YAML: %w", clip(text), err)
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("the value is missing")
	}
	if err := plainTree(doc.Content[0], 0); err != nil {
		return nil, err
	}
	return normal(doc.Content[0]), nil
}

// normal is a value in the style of a manifest written by hand, however it was
// given: block style, quotes only where they are needed.
func normal(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = normal(c)
	}
	out.Style &= yaml.TaggedStyle
	switch {
	case n.Kind != yaml.ScalarNode && len(n.Content) == 0:
		out.Style |= yaml.FlowStyle
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		out.Tag, out.Style = "!!str", textNode(n.Value).Style
		if strings.Contains(n.Value, "\n") {
			out.Style = yaml.LiteralStyle
		}
	}
	return &out
}

// plainTree refuses what cannot be moved into another document.
func plainTree(n *yaml.Node, depth int) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return errors.New("the value has an anchor or alias; write it out")
	}
	if depth > maxDepth {
		return fmt.Errorf("the value is nested more than %d deep", maxDepth)
	}
	for _, c := range n.Content {
		if err := plainTree(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// edited is the tree that an edit should lead to. It shares what it does not
// change with the tree that it was made from.
func edited(n *yaml.Node, op Op, path Path, value *yaml.Node) (*yaml.Node, error) {
	if n == nil || isNull(n) {
		if op == Delete {
			return n, nil
		}
		n = &yaml.Node{Kind: yaml.MappingNode}
		if path[0].List {
			n.Kind = yaml.SequenceNode
		}
	}
	if n.Kind == yaml.AliasNode {
		return nil, errors.New("the path leads through an alias; write out what it stands for first")
	}
	out := *n
	step, last := path[0], len(path) == 1
	if step.List {
		return &out, editedList(n, &out, op, path, value)
	}
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s has no field %q", describeNode(n), step.Key)
	}
	if last && op == Insert {
		return nil, errors.New("an item can be inserted into a list only")
	}
	out.Content = append([]*yaml.Node(nil), n.Content...)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != step.Key {
			continue
		}
		switch {
		case last && op == Delete:
			out.Content = append(out.Content[:i:i], n.Content[i+2:]...)
		case last:
			out.Content[i+1] = value
		default:
			next, err := edited(n.Content[i+1], op, path[1:], value)
			if err != nil {
				return nil, err
			}
			out.Content[i+1] = next
		}
		return &out, nil
	}
	if op == Delete {
		return n, nil
	}
	made := value
	if !last {
		var err error
		if made, err = edited(nil, op, path[1:], value); err != nil {
			return nil, err
		}
	}
	out.Content = append(out.Content, textNode(step.Key), made)
	return &out, nil
}

func editedList(n, out *yaml.Node, op Op, path Path, value *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s has no item %d", describeNode(n), path[0].Index)
	}
	i, last := path[0].Index, len(path) == 1
	if i > len(n.Content) || i == len(n.Content) && !last && op == Delete {
		if op == Delete {
			return nil
		}
		return fmt.Errorf("the list has %d items, so that there is no item %d", len(n.Content), i)
	}
	items := append([]*yaml.Node(nil), n.Content...)
	switch {
	case last && op == Delete:
		if i < len(items) {
			items = append(items[:i:i], n.Content[i+1:]...)
		}
	case last && op == Insert:
		items = append(append(items[:i:i], value), n.Content[i:]...)
	case last && i < len(items):
		items[i] = value
	case last:
		items = append(items, value)
	default:
		var inner *yaml.Node
		if i < len(items) {
			inner = items[i]
		}
		next, err := edited(inner, op, path[1:], value)
		if err != nil {
			return err
		}
		if i < len(items) {
			items[i] = next
		} else {
			items = append(items, next)
		}
	}
	out.Content = items
	return nil
}

// sameTree compares what two trees say, not how they look.
func sameTree(a, b *yaml.Node) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Kind != b.Kind || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.ScalarNode || a.Kind == yaml.AliasNode {
		if a.Value != b.Value || a.Kind == yaml.ScalarNode && a.ShortTag() != b.ShortTag() {
			return false
		}
	}
	if a.Kind == yaml.MappingNode || a.Kind == yaml.SequenceNode {
		if a.ShortTag() != b.ShortTag() {
			return false
		}
	}
	for i := range a.Content {
		if !sameTree(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

type style int

const (
	blockStyle style = iota // lists at the column of their key
	looseStyle              // lists further in than their key
	flowStyle               // on one line
	jsonStyle               // on one line, as JSON
)

// render writes a value.
func render(n *yaml.Node, as style) ([]byte, error) {
	if as == jsonStyle {
		w := &walker{}
		w.anything(nil, n, 0)
		if len(w.problems) > 0 {
			return nil, errors.New(w.problems[0].message)
		}
		return w.buf, nil
	}
	if as == flowStyle {
		n = flat(n)
	} else {
		n = cloned(n) // the library changes the tags of what it writes
	}
	out, err := yaml.Dump(n, yaml.WithIndent(2), yaml.WithCompactSeqIndent(as != looseStyle), yaml.WithLineWidth(-1), yaml.WithUnicode(true),
		yaml.WithQuotePreference(yaml.QuoteDouble))
	if err != nil {
		return nil, fmt.Errorf("write the value as YAML: %w", err)
	}
	return out, nil
}

func cloned(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = cloned(c)
	}
	return &out
}

// flat is a copy in flow style, without comments.
func flat(n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value}
	if n.Kind == yaml.ScalarNode {
		out.Style = n.Style & (yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.TaggedStyle)
		if strings.ContainsAny(n.Value, "\n\r") || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			out.Style = yaml.DoubleQuotedStyle
		}
		return out
	}
	out.Style = yaml.FlowStyle
	for _, c := range n.Content {
		out.Content = append(out.Content, flat(c))
	}
	return out
}

// indented puts spaces before every line but the first.
func indented(text []byte, n int) []byte {
	text = bytes.TrimRight(text, "\n")
	lines := bytes.SplitAfter(text, []byte("\n"))
	var out bytes.Buffer
	for i, line := range lines {
		if i > 0 && len(bytes.TrimSpace(line)) > 0 {
			out.WriteString(strings.Repeat(" ", n))
		}
		out.Write(line)
	}
	return out.Bytes()
}

// quotedKey writes a key of a mapping.
func quotedKey(key string, as style) []byte {
	if as == jsonStyle {
		out, err := json.Marshal(key)
		if err == nil {
			return out
		}
	}
	out, err := render(flat(textNode(key)), flowStyle)
	if err != nil {
		return []byte(key)
	}
	return bytes.TrimSpace(out)
}
