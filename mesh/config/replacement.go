package config

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/mesh"
)

// Replacement puts other text in the place of the bytes From to To.
type Replacement struct {
	From, To int
	Insert   string
}

// Replacements are what Splice does to a text, as replacements that all apply to
// the text as it is: in order, none touches another, and each is as small as it
// can be without cutting a character.
func Replacements(text []byte, edits ...Edit) ([]Replacement, error) {
	pieces := []piece{{to: len(text)}}
	now := text
	for _, e := range edits {
		next, err := splice(now, e)
		if err != nil {
			return nil, err
		}
		if r := difference(now, next); r.From < r.To || r.Insert != "" {
			pieces = cut(pieces, r)
		}
		now = next
	}
	return gaps(pieces, len(text)), nil
}

// difference is the one replacement that makes b of a.
func difference(a, b []byte) Replacement {
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	for from > 0 && !(boundary(a, from) && boundary(b, from)) {
		from--
	}
	end := 0
	for end < len(a)-from && end < len(b)-from && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for end > 0 && !(boundary(a, len(a)-end) && boundary(b, len(b)-end)) {
		end--
	}
	return Replacement{From: from, To: len(a) - end, Insert: string(b[from : len(b)-end])}
}

// boundary reports whether no character stands on both sides of an offset.
func boundary(text []byte, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

// piece is a part of a text that edits have led to: a range of the text that they
// began with, or new text.
type piece struct {
	from, to int
	new      string
}

func (p piece) len() int { return p.to - p.from + len(p.new) }

// part is what stands from one offset in a piece to another.
func (p piece) part(from, to int) piece {
	if p.new != "" {
		return piece{new: p.new[from:to]}
	}
	return piece{from: p.from + from, to: p.from + to}
}

// cut makes a replacement in a text that consists of pieces.
func cut(pieces []piece, r Replacement) []piece {
	var out []piece
	keep := func(p piece) {
		if p.len() > 0 {
			out = append(out, p)
		}
	}
	at, done := 0, false
	insert := func() {
		if !done {
			keep(piece{new: r.Insert})
			done = true
		}
	}
	for _, p := range pieces {
		n := p.len()
		if at < r.From {
			keep(p.part(0, min(n, r.From-at)))
		}
		if at+n >= r.From {
			insert()
		}
		if at+n > r.To {
			keep(p.part(max(0, r.To-at), n))
		}
		at += n
	}
	insert()
	return out
}

// gaps are what stands between the ranges of a text of so many bytes.
func gaps(pieces []piece, size int) []Replacement {
	var out []Replacement
	at, insert := 0, ""
	flush := func(to int) {
		if at < to || insert != "" {
			out = append(out, Replacement{From: at, To: to, Insert: insert})
		}
		insert = ""
	}
	for _, p := range pieces {
		if p.new != "" {
			insert += p.new
			continue
		}
		flush(p.from)
		at = p.to
	}
	flush(size)
	return out
}

// inItem are edits of an item of a List as edits of the List.
func inItem(edits []Edit, item int) []Edit {
	out := slices.Clone(edits)
	for i := range out {
		dot := "."
		if strings.HasPrefix(out[i].Path, "[") {
			dot = ""
		}
		out[i].Path = Path{}.Key("items").Item(item).String() + dot + out[i].Path
	}
	return out
}

// Splices are edits of an object as replacements in the file that it was decoded
// from. Effort is how many bytes of documents may still be read for that; it is
// lessened, and where it does not suffice there is an error.
func (p *Places) Splices(o *mesh.Object, edits []Edit, effort *int) ([]Replacement, error) {
	i := p.find(o.Origin.Line)
	if i < 0 {
		return nil, errors.New("the file does not hold the object")
	}
	doc := p.docs[i]
	if *effort -= len(doc.Text) * len(edits); *effort < 0 {
		return nil, errors.New("there is too much text to be read")
	}
	p.read(i)
	at := p.of(o)
	if at < 0 {
		return nil, errors.New("the document cannot be read")
	}
	if p.list {
		edits = inItem(edits, at)
	}
	out, err := Replacements(doc.Text, edits...)
	for k := range out {
		out[k].From += doc.Offset
		out[k].To += doc.Offset
	}
	return out, err
}
