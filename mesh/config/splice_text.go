package config

import (
	"bytes"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// place is a value on the way to what an edit names.
type place struct {
	node   *yaml.Node
	parent *yaml.Node // nil at the root
	index  int        // of node in parent.Content
	flow   bool       // a flow collection is around it
}

// edit makes one edit in the text. ok is false where no way was found; the
// caller compares what the result says with what it should say in any case.
func (s *sheet) edit(op Op, path Path, value *yaml.Node) (out []byte, ok bool) {
	at, rest := s.walk(path)
	switch op {
	case Delete:
		if len(rest) > 0 {
			return nil, false
		}
		return s.remove(at)
	case Insert:
		if len(rest) == 0 {
			return s.insertItem(at, value)
		}
	case Set:
		if len(rest) == 0 {
			return s.overwrite(at, value)
		}
	}
	if len(rest) > 1 {
		value = wrap(rest[1:], value)
	}
	return s.add(at, rest[0], value)
}

// wrap makes the mappings and lists that lead to a value.
func wrap(path Path, value *yaml.Node) *yaml.Node {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i].List {
			value = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
		} else {
			value = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(path[i].Key), value}}
		}
	}
	return value
}

// walk follows a path as far as it exists.
func (s *sheet) walk(path Path) (place, Path) {
	at := place{node: s.root}
	for i, step := range path {
		n := at.node
		index := -1
		switch {
		case n.Kind == yaml.SequenceNode && step.List && step.Index < len(n.Content):
			index = step.Index
		case n.Kind == yaml.MappingNode && !step.List:
			for j := 0; j+1 < len(n.Content); j += 2 {
				if n.Content[j].Value == step.Key {
					index = j + 1
					break
				}
			}
		}
		if index < 0 {
			return at, path[i:]
		}
		at = place{
			node: n.Content[index], parent: n, index: index,
			flow: at.flow || n.Style&yaml.FlowStyle != 0,
		}
	}
	return at, nil
}

// flowOf is the style of flow collections in this document.
func (s *sheet) flowOf() style {
	if s.root.Style&yaml.FlowStyle != 0 && len(s.root.Content) > 0 && s.root.Content[0].Style&yaml.DoubleQuotedStyle != 0 {
		return jsonStyle
	}
	return flowStyle
}

func (s *sheet) inline(n *yaml.Node) ([]byte, bool) {
	text, err := render(n, s.flowOf())
	text = bytes.TrimRight(text, "\n")
	return text, err == nil && !bytes.ContainsRune(text, '\n')
}

// parentColumn is the column of the collection around a value.
func (s *sheet) parentColumn(at place) int {
	if at.parent == nil {
		return -1
	}
	return s.column(s.start(at.parent))
}

// overwrite replaces a value that is there.
func (s *sheet) overwrite(at place, value *yaml.Node) ([]byte, bool) {
	from := s.start(at.node)
	to, ok := s.end(at.node, s.parentColumn(at))
	if !ok {
		return nil, false
	}
	if at.parent == nil { // the last field of the document goes
		text, ok := s.inline(value)
		return s.replace(from, to, text), ok
	}
	collection := len(value.Content) > 0
	oldBlock := at.node.Kind != yaml.ScalarNode && at.node.Style&yaml.FlowStyle == 0
	oldFlow := at.node.Kind != yaml.ScalarNode && !oldBlock
	multiline := strings.Contains(value.Value, "\n")
	if at.flow || oldFlow && collection || !collection && !multiline {
		text, ok := s.inline(value)
		if !ok {
			return nil, false
		}
		if s.text[from-1] == ':' || s.text[from-1] == '-' {
			text = append([]byte(" "), text...)
		}
		if head, ok := s.head(at); ok && oldBlock && s.lineStart(from) > head {
			// What stood on lines of its own moves up beside its key; comments
			// between stay.
			return s.replace(head, to, []byte(" "), text, bytes.TrimRight(s.text[head:s.lineStart(from)], "\n")), true
		}
		return s.replace(from, to, text), true
	}
	if head, ok := s.head(at); ok && oldBlock && value.Kind != at.node.Kind && s.lineStart(from) > head {
		// A list may stand where a mapping may not; comments between stay.
		text, ok := s.entryValue(value, s.parentColumn(at))
		first := bytes.IndexByte(text, '\n')
		if first > 0 { // a text of several lines, among which no comment can stand
			return s.replace(head, s.lineEnd(to), text[:first], s.text[head:s.lineEnd(head)], text[first:]), ok
		}
		return s.replace(head, to, bytes.TrimRight(s.text[head:s.lineStart(from)], "\n"), text), ok && first == 0
	}
	if oldBlock && collection {
		text, err := render(value, s.blockOf())
		return s.replace(from, to, indented(text, s.column(from))), err == nil
	}
	head := from
	var text []byte
	if at.parent.Kind == yaml.SequenceNode {
		made, err := render(value, s.blockOf())
		if err != nil {
			return nil, false
		}
		text = indented(made, s.column(from))
	} else {
		if head, ok = s.head(at); !ok {
			return nil, false
		}
		if text, ok = s.entryValue(value, s.parentColumn(at)); !ok {
			return nil, false
		}
	}
	// A comment behind the old value stays on the first line of the new one.
	comment := bytes.TrimRight(s.text[to:s.lineEnd(to)], " ")
	first := bytes.IndexByte(text, '\n')
	if first < 0 {
		first = len(text)
	}
	return s.replace(head, to+len(comment), text[:first], comment, text[first:]), true
}

// head is the offset behind the colon or dash that a value in block style
// follows.
func (s *sheet) head(at place) (int, bool) {
	if at.parent.Kind == yaml.SequenceNode {
		dash, ok := s.dash(at)
		return dash + 1, ok
	}
	end, ok := s.end(at.parent.Content[at.index-1], s.parentColumn(at))
	if !ok {
		return 0, false
	}
	for end < len(s.text) && s.text[end] == ' ' {
		end++
	}
	return end + 1, end < len(s.text) && s.text[end] == ':'
}

// entryValue writes a value as it follows the colon behind its key, which
// stands at a column of a block mapping.
func (s *sheet) entryValue(value *yaml.Node, column int) ([]byte, bool) {
	if len(value.Content) == 0 && !strings.Contains(value.Value, "\n") {
		text, ok := s.inline(value)
		return append([]byte(" "), text...), ok
	}
	text, err := render(value, s.blockOf())
	if err != nil {
		return nil, false
	}
	inner := column + 2
	switch {
	case value.Kind == yaml.ScalarNode:
		return append([]byte(" "), indented(text, column)...), true
	case value.Style&yaml.FlowStyle != 0:
		return append([]byte(" "), indented(text, inner)...), true
	case value.Kind == yaml.SequenceNode && s.compactLists():
		inner = column
	}
	return append([]byte("\n"+strings.Repeat(" ", inner)), indented(text, inner)...), true
}

// blockOf is the style of block collections in this document.
func (s *sheet) blockOf() style {
	if s.compactLists() {
		return blockStyle
	}
	return looseStyle
}

// compactLists reports whether lists stand at the column of their key, as most
// manifests have them; the first list of the document decides.
func (s *sheet) compactLists() bool {
	compact, found := true, false
	var look func(n *yaml.Node, depth int)
	look = func(n *yaml.Node, depth int) {
		if found || depth > maxDepth || n.Kind == yaml.AliasNode {
			return
		}
		for i, c := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == yaml.SequenceNode && c.Style&yaml.FlowStyle == 0 && !found {
				compact, found = c.Column <= n.Content[i-1].Column, true
			}
			look(c, depth+1)
		}
	}
	look(s.root, 0)
	return compact
}

// add puts a new field or item at the end of a collection, or in the place of
// an empty one.
func (s *sheet) add(at place, step Step, value *yaml.Node) ([]byte, bool) {
	n := at.node
	if len(n.Content) == 0 {
		return s.overwrite(at, wrap(Path{step}, value))
	}
	if step.List != (n.Kind == yaml.SequenceNode) {
		return nil, false
	}
	last := n.Content[len(n.Content)-1]
	from := s.start(n)
	end, ok := s.end(last, s.column(from))
	if !ok {
		return nil, false
	}
	if n.Style&yaml.FlowStyle != 0 {
		text, ok := s.inline(value)
		if !step.List {
			text = append(append(quotedKey(step.Key, s.flowOf()), ": "...), text...)
		}
		return s.replace(end, end, []byte(", "), text), ok
	}
	line := s.lineEnd(end)
	prefix := "\n" + strings.Repeat(" ", s.column(from))
	if step.List {
		text, err := render(value, s.blockOf())
		return s.replace(line, line, []byte(prefix+"- "), indented(text, s.column(from)+2)), err == nil
	}
	text, ok := s.entryValue(value, s.column(from))
	return s.replace(line, line, []byte(prefix), quotedKey(step.Key, blockStyle), []byte(":"), text), ok
}

// insertItem puts an item before one that is there.
func (s *sheet) insertItem(at place, value *yaml.Node) ([]byte, bool) {
	if at.parent == nil || at.parent.Kind != yaml.SequenceNode {
		return nil, false
	}
	if at.parent.Style&yaml.FlowStyle != 0 {
		from := s.start(at.node)
		text, ok := s.inline(value)
		return s.replace(from, from, text, []byte(", ")), ok
	}
	dash, ok := s.dash(at)
	if !ok {
		return nil, false
	}
	column := s.column(dash)
	text, err := render(value, s.blockOf())
	return s.replace(dash, dash, []byte("- "), indented(text, column+2), []byte("\n"+strings.Repeat(" ", column))), err == nil
}

// dash finds the dash before an item of a block list.
func (s *sheet) dash(at place) (int, bool) {
	column := s.column(s.start(at.parent))
	for from := s.start(at.node); from > 0; {
		line := s.lineStart(from)
		if p := line + column; p < from && s.text[p] == '-' && (s.firstOnLine(p) || p == s.start(at.parent)) {
			return p, true
		}
		if line == 0 {
			break
		}
		from = line - 1
	}
	return 0, false
}

// remove takes a field or item away.
func (s *sheet) remove(at place) ([]byte, bool) {
	if at.parent == nil {
		return nil, false
	}
	size := 1
	if at.parent.Kind == yaml.MappingNode {
		size = 2
	}
	if len(at.parent.Content) == size {
		return s.empty(at.parent)
	}
	first := at.index - size + 1
	from := s.start(at.parent.Content[first])
	to, ok := s.end(at.node, s.column(s.start(at.parent)))
	if !ok {
		return nil, false
	}
	isLast := at.index == len(at.parent.Content)-1
	if at.parent.Style&yaml.FlowStyle != 0 {
		if !isLast {
			return s.replace(from, s.start(at.parent.Content[at.index+1])), true
		}
		before, ok := s.end(at.parent.Content[first-1], s.column(s.start(at.parent)))
		return s.replace(before, to), ok
	}
	if size == 1 {
		if from, ok = s.dash(at); !ok {
			return nil, false
		}
	}
	line := s.lineEnd(to)
	switch {
	case s.firstOnLine(from) && line < len(s.text):
		return s.replace(s.lineStart(from), line+1), true
	case s.firstOnLine(from):
		return s.replace(max(s.lineStart(from)-1, 0), line), true
	case isLast:
		return nil, false
	}
	// The first entry stands behind a dash: what follows it moves up there,
	// comments included.
	next := line + 1
	for next < len(s.text) && s.text[next] == ' ' {
		next++
	}
	return s.replace(from, next), true
}

// empty leaves a collection without anything in it.
func (s *sheet) empty(n *yaml.Node) ([]byte, bool) {
	var find func(at place) (place, bool)
	find = func(at place) (place, bool) {
		if at.node == n {
			return at, true
		}
		for i, c := range at.node.Content {
			found, ok := find(place{
				node: c, parent: at.node, index: i,
				flow: at.flow || at.node.Style&yaml.FlowStyle != 0,
			})
			if ok {
				return found, true
			}
		}
		return place{}, false
	}
	at, ok := find(place{node: s.root})
	if !ok {
		return nil, false
	}
	return s.overwrite(at, &yaml.Node{Kind: n.Kind, Style: yaml.FlowStyle})
}
