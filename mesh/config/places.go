package config

import (
	"bytes"
	"slices"
	"sort"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// Places finds where in a file the values of its objects stand. It reads a
// document when it is asked about one, and keeps the last: ask about one object
// after the other. It is not safe for concurrent use.
type Places struct {
	docs []Document
	doc  int          // the one that was read, -1 for none
	tops []*yaml.Node // its objects: itself, or the items of the list that it is
	list bool         // it is a list
}

// PlacesOf makes Places of a file.
func PlacesOf(data []byte) *Places { return &Places{docs: Split(data), doc: -1} }

// Document is the first line of the document that a line belongs to.
func (p *Places) Document(line int) int {
	if i := p.find(line); i >= 0 {
		return p.docs[i].Line
	}
	return line
}

// renderedFrom begins the comment in which Helm names a document's template.
const renderedFrom = "# Source: "

// Template is what the document that a line belongs to was rendered from, as Helm
// says it in a comment at the top; empty when it does not.
func (p *Places) Template(line int) string {
	i := p.find(line)
	if i < 0 {
		return ""
	}
	for text := range bytes.Lines(p.docs[i].Text) {
		text = bytes.TrimSpace(text)
		if name, ok := bytes.CutPrefix(text, []byte(renderedFrom)); ok {
			return string(name)
		}
		if len(text) > 0 && text[0] != '#' {
			break
		}
	}
	return ""
}

// find is the document that a line belongs to, -1 when there is none.
func (p *Places) find(line int) int {
	return sort.Search(len(p.docs), func(i int) bool { return p.docs[i].Line > line }) - 1
}

// At is the line and column of the value at a path in an object that was decoded
// from the file, counted from 1. A path that leads out of the text gives the
// last value on the way; column 0 says that only the document is known.
func (p *Places) At(o *mesh.Object, path string) (line, column int) {
	steps, err := ParsePath(path)
	i := p.find(o.Origin.Line)
	if err != nil || i < 0 {
		return o.Origin.Line, 0
	}
	p.read(i)
	doc := &p.docs[i]
	top := p.of(o)
	if top < 0 {
		return o.Origin.Line, 0
	}
	at := locate(p.tops[top], steps)
	line, column = doc.fileLine(at.Line), at.Column
	if at.Line == 1 {
		column += doc.indent
	}
	return line, column
}

// of is which one of the objects of the document an object is; -1 when it is none.
func (p *Places) of(o *mesh.Object) int {
	if len(p.tops) == 1 {
		return 0
	}
	return slices.IndexFunc(p.tops, func(top *yaml.Node) bool { return p.docs[p.doc].fileLine(top.Line) == o.Origin.Line })
}

// read keeps the objects of a document.
func (p *Places) read(i int) {
	if p.doc == i {
		return
	}
	p.doc, p.tops, p.list = i, nil, false
	doc := &p.docs[i]
	doc.lines = doc.fileLines()
	root, err := parse(doc.Text)
	if err != nil || len(root.Content) == 0 {
		return
	}
	p.tops = root.Content[:1]
	if items, ok := listItems(root.Content[0]); ok {
		p.tops, p.list = items, true
	}
}
