package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	yaml "go.yaml.in/yaml/v4"
)

// The parser of the library keeps everything on one line in memory, several
// times over, for it could turn out to be a key. So lines with very many values
// are broken up before they are parsed, or refused.
const (
	longLine = 64 << 10 // bytes
	// manyValues is how many commas and brackets a long line may hold.
	manyValues = 60_000
)

var errDense = errors.New("the text holds too many values on one line; break the line, or split the file")

// parse reads a document into nodes.
func parse(text []byte) (*yaml.Node, error) {
	root := &yaml.Node{}
	if !hasLongLine(text) {
		return root, yaml.Unmarshal(text, root)
	}
	if !json.Valid(text) {
		if dense(text) {
			return nil, errDense
		}
		return root, yaml.Unmarshal(text, root)
	}
	if bytes.Count(text, []byte(",")) > nodesFor(len(text)) {
		return nil, errDense
	}
	broken, places := breakLines(text)
	if err := yaml.Unmarshal(broken, root); err != nil {
		return nil, err // JSON that YAML refuses: no place to put right
	}
	places.restore(root)
	return root, nil
}

func hasLongLine(text []byte) bool {
	for len(text) > longLine {
		end := bytes.LastIndexByte(text[:longLine], '\n')
		if end < 0 {
			return true
		}
		text = text[end+1:]
	}
	return false
}

// dense reports whether some line holds more values than can be parsed with
// little memory. Text in quotes and in blocks is one value, however long.
func dense(text []byte) bool {
	var before [][]byte // lines that the next ones may belong to, by indent
	for line := range bytes.Lines(text) {
		body := bytes.TrimLeft(line, " ")
		indent := len(line) - len(body)
		for len(before) > 0 && len(before[len(before)-1])-len(bytes.TrimLeft(before[len(before)-1], " ")) >= indent {
			before = before[:len(before)-1]
		}
		inBlock := len(before) > 0 && blockStart.Match(before[len(before)-1])
		if len(line) > longLine && !inBlock && !quotedValue.Match(line) {
			values := 0
			for _, c := range []string{",", "[", "{"} {
				values += bytes.Count(line, []byte(c))
			}
			if values > manyValues {
				return true
			}
		}
		if len(bytes.TrimSpace(body)) > 0 && !inBlock && len(line) <= longLine {
			before = append(before, line)
		}
	}
	return false
}

var (
	blockStart  = regexp.MustCompile(`(^|[\s:])[|>][-+0-9]{0,2}[ \t]*(#.*)?\r?\n?$`)
	quotedValue = regexp.MustCompile(`^[ -]*([^\s"'\[{,]+: +)?["']`)
)

// breaks are the places where lines were broken.
type breaks []lineBreak

type lineBreak struct {
	from   int // the line in the original text that the next line belongs to
	column int // characters of that line before the break
}

// breakLines ends a line of JSON behind each comma. It gives the origin of every
// line of the result.
func breakLines(text []byte) ([]byte, breaks) {
	out := make([]byte, 0, len(text)+len(text)/4)
	line, column, quoted := 1, 0, false
	places := breaks{{line, column}}
	for i := 0; i < len(text); i++ {
		c := text[i]
		out = append(out, c)
		if c&0xC0 != 0x80 { // not inside a character
			column++
		}
		switch {
		case c == '\n':
			line, column = line+1, 0
			places = append(places, lineBreak{line, column})
		case quoted && c == '\\':
			i++ // the next character is no quote; JSON escapes are ASCII
			out = append(out, text[i])
			column++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			out = append(out, '\n')
			places = append(places, lineBreak{line, column})
		}
	}
	return out, places
}

// restore puts the places of nodes right.
func (b breaks) restore(n *yaml.Node) {
	if n.Line >= 1 && n.Line <= len(b) {
		at := b[n.Line-1]
		n.Line, n.Column = at.from, n.Column+at.column
	}
	for _, c := range n.Content {
		b.restore(c)
	}
}
