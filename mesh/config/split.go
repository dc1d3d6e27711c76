package config

import (
	"bytes"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// Document is one document of a YAML stream: a range of the file's bytes
// between two separators, comments included.
type Document struct {
	Text   []byte // a part of the file, not a copy
	Offset int    // of Text in the file, in bytes
	Line   int    // of the first byte of Text, from 1
	// indent is how many characters stand before Text on its first line, when a
	// document begins behind its separator.
	indent int
	item   bool // the text holds a list, one item of which is meant
	lines  []int
}

// fileLine turns a line as YAML counts it into one as editors count: YAML ends
// lines at lone carriage returns and some signs of Unicode too.
func (d Document) fileLine(line int) int {
	if d.lines == nil || line < 1 {
		return d.Line + line - 1
	}
	return d.lines[min(line, len(d.lines))-1]
}

// fileLines lists, for each line as YAML counts, the one as editors count; nil
// where they are the same but for the lines before the document.
func (d Document) fileLines() []int {
	if !oddBreaks(d.Text) {
		return nil
	}
	at := d.Line
	lines := []int{at}
	for i, r := range string(d.Text) {
		switch r {
		case '\n':
			at++
			lines = append(lines, at)
		case '\r':
			if i+1 == len(d.Text) || d.Text[i+1] != '\n' {
				lines = append(lines, at)
			}
		case '\u0085', '\u2028', '\u2029':
			lines = append(lines, at)
		}
	}
	return lines
}

// oddBreaks reports whether a text has ends of lines that editors do not count.
func oddBreaks(text []byte) bool {
	for rest := text; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 == len(rest) || rest[i+1] != '\n' {
			return true
		}
		rest = rest[i+1:]
	}
	return bytes.Contains(text, []byte("\u0085")) || bytes.Contains(text, []byte("\u2028")) || bytes.Contains(text, []byte("\u2029"))
}

// Blank reports whether a document holds nothing but comments and directives.
func (d Document) Blank() bool {
	for line := range bytes.Lines(d.Text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// Split cuts a YAML stream at its separators. The documents and separators
// together are every byte of data, so that one document can be replaced without
// touching another. Blank documents are included.
func Split(data []byte) []Document {
	start := 0
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		start = 3
	}
	docs := []Document{}
	cur := Document{Offset: start, Line: 1}
	pos, line := start, 0
	for text := range bytes.Lines(data[start:]) {
		line++
		from := pos
		pos += len(text)
		mark := separator(text)
		if mark == "" {
			continue
		}
		cur.Text = data[cur.Offset:from]
		docs = append(docs, cur)
		rest := strings.TrimSpace(string(text[3:]))
		if mark == "---" && rest != "" && rest[0] != '#' {
			cur = Document{Offset: from + 3, Line: line, indent: 3}
			continue
		}
		cur = Document{Offset: pos, Line: line + 1}
	}
	cur.Text = data[cur.Offset:]
	docs = append(docs, cur)
	if len(docs) > 1 && docs[0].Blank() && onlySpace(docs[0].Text) {
		docs = docs[1:] // a leading separator starts the first document
	}
	return docs
}

func onlySpace(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// separator tells "---" and "..." lines from all others.
func separator(line []byte) string {
	if len(line) < 3 {
		return ""
	}
	mark := string(line[:3])
	if mark != "---" && mark != "..." {
		return ""
	}
	if len(line) > 3 && !strings.ContainsRune(" \t\r\n", rune(line[3])) {
		return ""
	}
	return mark
}

// guessRef reads apiVersion, kind, namespace and name from text that cannot be
// parsed, so that a problem can still be tied to the object it is about. It
// believes only lines at the two depths where these fields stand.
func guessRef(text []byte) mesh.Ref {
	var ref mesh.Ref
	section := ""
	for raw := range bytes.Lines(text) {
		line := strings.TrimRight(string(raw), " \t\r\n")
		body := strings.TrimLeft(line, " ")
		key, value, found := strings.Cut(body, ":")
		if !found || body == "" || body[0] == '#' {
			continue
		}
		value, _, _ = strings.Cut(value, " #")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		if len(body) == len(line) {
			section = key
			switch key {
			case "kind":
				ref.Kind.Name = value
			case "apiVersion":
				ref.Group, _ = splitAPIVersion(value)
			}
			continue
		}
		if section == "metadata" && len(line)-len(body) <= 4 {
			switch key {
			case "name":
				if ref.Name == "" {
					ref.Name = value
				}
			case "namespace":
				ref.Namespace = value
			}
		}
	}
	if info, ok := Lookup(ref.Kind); ok && info.Namespaced && ref.Namespace == "" {
		ref.Namespace = DefaultNamespace
	}
	return ref
}

// splitAPIVersion separates "group/version"; core kinds have no group.
func splitAPIVersion(s string) (group, version string) {
	if g, v, ok := strings.Cut(s, "/"); ok {
		return g, v
	}
	return "", s
}
