package config

import (
	"bytes"
	"errors"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// sheet is the text of a document with its values and where they stand.
type sheet struct {
	text  []byte
	lines []int // offsets at which lines begin
	root  *yaml.Node
}

func parseSheet(text []byte) (*sheet, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, errors.New(syntaxProblem(err, 0).message)
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("the document is empty")
	}
	s := &sheet{text: text, lines: []int{0}, root: doc.Content[0]}
	for i, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s, nil
}

// start is the offset at which a value begins, its tag and anchor included.
func (s *sheet) start(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(s.lines) {
		return len(s.text)
	}
	at := s.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return min(at, len(s.text))
}

// column is the distance of an offset from the begin of its line, in bytes.
func (s *sheet) column(at int) int { return at - s.lineStart(at) }

func (s *sheet) lineStart(at int) int {
	return bytes.LastIndexByte(s.text[:at], '\n') + 1
}

// lineEnd is the offset of the line break behind at, or the end of the text.
func (s *sheet) lineEnd(at int) int {
	if i := bytes.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(s.text)
}

// firstOnLine reports whether only spaces stand before an offset on its line.
func (s *sheet) firstOnLine(at int) bool {
	return len(bytes.TrimLeft(s.text[s.lineStart(at):at], " ")) == 0
}

// end is the offset behind a value. parent is the column of the collection
// around it, which bounds a literal block. ok is false where it cannot be told.
func (s *sheet) end(n *yaml.Node, parent int) (at int, ok bool) {
	at = s.start(n)
	if n.Kind == yaml.AliasNode {
		return s.wordEnd(at), true
	}
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return 0, false
	}
	switch {
	case n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode:
		if n.Style&yaml.FlowStyle != 0 {
			return s.flowEnd(at)
		}
		if len(n.Content) == 0 {
			return 0, false
		}
		return s.end(n.Content[len(n.Content)-1], s.column(at))
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.quoteEnd(at)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.quoteEnd(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockEnd(at, parent), true
	default:
		return s.plainEnd(at, n.Value)
	}
}

func (s *sheet) wordEnd(at int) int {
	for at < len(s.text) && !bytes.ContainsRune([]byte(" \t\r\n,]}"), rune(s.text[at])) {
		at++
	}
	return at
}

// quoteEnd finds the end of a quoted text that begins at an offset.
func (s *sheet) quoteEnd(at int) (int, bool) {
	if at >= len(s.text) || s.text[at] != '"' && s.text[at] != '\'' {
		return 0, false
	}
	quote := s.text[at]
	for i := at + 1; i < len(s.text); i++ {
		switch {
		case quote == '"' && s.text[i] == '\\':
			i++
		case s.text[i] == quote && quote == '\'' && i+1 < len(s.text) && s.text[i+1] == quote:
			i++
		case s.text[i] == quote:
			return i + 1, true
		}
	}
	return 0, false
}

// flowEnd finds the end of a flow collection that begins at an offset.
func (s *sheet) flowEnd(at int) (int, bool) {
	if at >= len(s.text) || s.text[at] != '[' && s.text[at] != '{' {
		return 0, false
	}
	depth := 0
	for i := at; i < len(s.text); i++ {
		switch s.text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"', '\'':
			if !bytes.ContainsRune([]byte(" \t\r\n,:[{"), rune(s.text[i-1])) {
				continue // inside plain text
			}
			end, ok := s.quoteEnd(i)
			if !ok {
				return 0, false
			}
			i = end - 1
		case '#':
			if bytes.ContainsRune([]byte(" \t\n"), rune(s.text[i-1])) {
				i = s.lineEnd(i) - 1
			}
		}
	}
	return 0, false
}

// blockEnd is the end of the last line of a literal or folded text.
func (s *sheet) blockEnd(at, parent int) int {
	end := s.lineEnd(at)
	for next := end + 1; next < len(s.text); {
		stop := s.lineEnd(next)
		line := s.text[next:stop]
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		blank := len(bytes.TrimSpace(line)) == 0
		if !blank && spaces <= parent {
			break
		}
		if !blank {
			end = stop
		}
		next = stop + 1
	}
	return end
}

// plainEnd follows the letters of a plain text, whose spaces and line breaks
// were folded.
func (s *sheet) plainEnd(at int, value string) (int, bool) {
	for _, r := range value {
		if r == ' ' || r == '\n' || r == '\t' {
			continue
		}
		for at < len(s.text) && bytes.ContainsRune([]byte(" \t\r\n"), rune(s.text[at])) {
			at++
		}
		got, size := utf8.DecodeRune(s.text[at:])
		if got != r {
			return 0, false
		}
		at += size
	}
	return at, true
}

// replace puts new text in place of a range.
func (s *sheet) replace(from, to int, with ...[]byte) []byte {
	out := make([]byte, 0, len(s.text)+64)
	out = append(out, s.text[:from]...)
	for _, w := range with {
		out = append(out, w...)
	}
	return append(out, s.text[to:]...)
}
