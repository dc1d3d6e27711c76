package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// edited is a file under work: its documents and what stands between them.
type edited struct {
	prefix []byte
	parts  []part
	fresh  bool // nothing stood there before
}

type part struct {
	before []byte // separator, empty for the first
	was    []byte
	text   []byte
	line   int
	gone   bool
	drop   []int // items of the List in it that go
}

// spliceItem takes an object out of a List. What it becomes is a document of its
// own, so that its text stays as it was written: in the same file, unless that is
// JSON, which holds one document.
func (p *planner) spliceItem(e *edited, at place, ref mesh.Ref, text []byte) error {
	for i, d := range slices.Backward(e.parts) {
		if d.line == 0 || d.line > at.line {
			continue // added just now, or behind it
		}
		items, _ := config.Items(d.was)
		for k, item := range items {
			if item != ref || slices.Contains(d.drop, k) {
				continue
			}
			e.parts[i].drop = append(d.drop, k)
			if text == nil {
				return nil
			}
			if filepath.Ext(at.path) != ".json" {
				e.add(text)
				return nil
			}
			path, err := canonicalPath(ref)
			if err != nil {
				return err
			}
			p.edit(path).add(text)
			return nil
		}
		break
	}
	return fmt.Errorf("%s cannot be told from what stands around it in %s; edit the file by hand", ref, filepath.Join(p.dir, at.path))
}

// dropItems writes the Lists anew that lose items. One that loses all goes.
func (e *edited) dropItems() error {
	for i := range e.parts {
		d := &e.parts[i]
		if len(d.drop) == 0 {
			continue
		}
		before, _ := config.Items(d.was)
		slices.SortFunc(d.drop, func(a, b int) int { return b - a }) // so that the others keep their places
		want, edits := slices.Clone(before), []config.Edit{}
		for _, k := range d.drop {
			want = slices.Delete(want, k, k+1)
			edits = append(edits, config.Edit{Op: config.Delete, Path: config.Path{}.Key("items").Item(k).String()})
		}
		if len(want) == 0 {
			d.gone = true
			continue
		}
		text, err := config.Splice(context.Background(), d.was, edits...)
		if err != nil {
			return err
		}
		if after, ok := config.Items(text); !ok || !slices.Equal(after, want) {
			return errors.New("the List cannot lose the item alone")
		}
		d.text = text
	}
	return nil
}

// edit begins to work on a file, or goes on.
func (p *planner) edit(path string) *edited {
	if e, ok := p.edits[path]; ok {
		return e
	}
	e := &edited{fresh: true}
	if doc, ok := p.docs[path]; ok {
		e.fresh = false
		end := 0
		for i, d := range config.Split(doc.data) {
			one := part{before: doc.data[end:d.Offset], was: d.Text, text: d.Text, line: d.Line}
			if i == 0 {
				e.prefix, one.before = one.before, nil
			}
			e.parts = append(e.parts, one)
			end = d.Offset + len(d.Text)
		}
	}
	p.edits[path] = e
	return e
}

// add puts one more document at the end.
func (e *edited) add(text []byte) {
	if len(e.parts) == 1 && len(bytes.TrimSpace(e.parts[0].text)) == 0 {
		e.parts = nil
	}
	next := part{text: text}
	if len(e.parts) > 0 {
		next.before = []byte("---\n")
	}
	e.parts = append(e.parts, next)
}

// bytes is the new content; nil when no object is left.
func (e *edited) bytes() []byte {
	left := slices.DeleteFunc(slices.Clone(e.parts), func(d part) bool { return d.gone })
	if !slices.ContainsFunc(left, func(d part) bool { return !config.Document{Text: d.text}.Blank() }) {
		return nil
	}
	out := bytes.Clone(e.prefix)
	for i, d := range left {
		if i > 0 {
			out = endLine(out)
			if before := d.before; len(before) > 0 {
				out = append(out, before...)
			} else {
				out = append(out, "---\n"...) // it was the first before
			}
		}
		if len(out) > 0 && out[len(out)-1] != '\n' && !bytes.Equal(d.text, d.was) && !bytes.HasSuffix(out, []byte("\ufeff")) {
			out = append(out, '\n') // a document that began behind its separator
		}
		out = append(out, d.text...)
	}
	return out
}

func endLine(b []byte) []byte {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	return b
}
