package file

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// InvalidError reports text that is not the object that it was to be.
type InvalidError struct {
	Ref      mesh.Ref
	Findings []mesh.Finding
}

// Error is the first finding; the others are counted.
func (e *InvalidError) Error() string {
	if len(e.Findings) == 0 {
		return fmt.Sprintf("the text is not the one object %s", e.Ref)
	}
	more := ""
	if n := len(e.Findings) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return fmt.Sprintf("%s is not valid: line %d: %s%s", e.Ref, e.Findings[0].Line, e.Findings[0].Message, more)
}

// plan says what the files shall hold after the changes: new contents by path,
// nil for files to be removed. It is pure.
func plan(dir string, docs map[string]*document, changes []source.Change) (map[string][]byte, error) {
	p := &planner{dir: dir, docs: docs, edits: map[string]*edited{}}
	seen := map[mesh.Ref]bool{}
	for _, c := range changes {
		if seen[c.Ref] {
			return nil, fmt.Errorf("%s is changed twice at once", c.Ref)
		}
		seen[c.Ref] = true
		if err := p.change(c); err != nil {
			return nil, err
		}
	}
	out := map[string][]byte{}
	for _, path := range slices.Sorted(maps.Keys(p.edits)) {
		if err := p.edits[path].dropItems(); err != nil {
			return nil, fmt.Errorf("change %s: %w; edit it by hand", filepath.Join(dir, path), err)
		}
		out[path] = p.edits[path].bytes()
	}
	// What was planned is read back, since text has its traps: a document that
	// begins behind its separator, a directive that applies to the next one.
	for _, c := range changes {
		if c.Text != nil {
			if err := reads(dir, out, c); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

type planner struct {
	dir   string
	docs  map[string]*document
	edits map[string]*edited
}

// place is where an object stands.
type place struct {
	path   string
	object *mesh.Object // nil where only a document stands that cannot be read
	line   int
	kept   bool
}

func (p *planner) change(c source.Change) error {
	places := p.find(c.Ref)
	var now *mesh.Object
	for _, at := range places {
		if now == nil {
			now = at.object
		}
	}
	if err := expected(c, now, len(places) > 0); err != nil {
		return err
	}
	if c.Text == nil {
		for _, at := range places {
			if err := p.splice(at, c, nil); err != nil {
				return err
			}
		}
		return nil
	}
	if err := valid(c); err != nil {
		return err
	}
	if len(places) > 0 {
		return p.splice(places[0], c, c.Text)
	}
	path, err := canonicalPath(c.Ref)
	if err != nil {
		return err
	}
	p.edit(path).add(c.Text)
	return nil
}

// expected checks what the change was made from. now is the object as it is,
// nil where there is none; mentioned says that a document about it stands there
// all the same, which cannot be read.
func expected(c source.Change, now *mesh.Object, mentioned bool) error {
	switch {
	case now != nil && c.Expect == "":
		return fmt.Errorf("%s exists already: %w", c.Ref, source.ErrStale)
	case now != nil && c.Expect != source.Any && c.Expect != now.Version:
		return fmt.Errorf("%s: %w", c.Ref, source.ErrStale)
	case now == nil && c.Expect != "" && c.Expect != source.Any,
		now == nil && c.Text == nil && !mentioned:
		return fmt.Errorf("%s: %w", c.Ref, source.ErrNotFound)
	}
	return nil
}

// valid checks that the text is the object and nothing else.
func valid(c source.Change) error {
	result := config.Decode("", c.Text)
	invalid := &InvalidError{Ref: c.Ref}
	for _, f := range result.Problems {
		if f.Severity == mesh.Error {
			invalid.Findings = append(invalid.Findings, f)
		}
	}
	if len(invalid.Findings) > 0 || len(result.Objects) != 1 || result.Objects[0].Ref != c.Ref {
		return invalid
	}
	return nil
}

// find lists where an object stands, the one that counts first; documents about
// it that cannot be read stand after those that can.
func (p *planner) find(ref mesh.Ref) []place {
	var good, bad []place
	for _, path := range slices.Sorted(maps.Keys(p.docs)) {
		doc := p.docs[path]
		for _, o := range doc.objects {
			if o.Ref == ref {
				good = append(good, place{path, o, o.Origin.Line, false})
			}
		}
		broken := slices.IndexFunc(doc.bad, func(b config.BadDocument) bool { return b.Ref == ref && b.Text != nil })
		kept := slices.IndexFunc(doc.kept, func(o *mesh.Object) bool { return o.Ref == ref })
		at := place{path: path}
		if kept >= 0 {
			at.object, at.kept = doc.kept[kept], true
		}
		switch {
		case broken >= 0:
			at.line = doc.bad[broken].Line
		case kept >= 0 && len(doc.objects) == 0 && len(doc.bad) <= 1:
			at.line = 1 // the whole file
			if len(doc.bad) == 1 {
				at.line = doc.bad[0].Line
			}
		case kept >= 0:
			at.line = -1 // nobody can tell which of the documents it is
		default:
			continue
		}
		bad = append(bad, at)
	}
	return append(good, bad...)
}

// splice replaces the document at a place, or removes it. One that somebody is
// still mending is left alone, unless the change takes whatever is there.
func (p *planner) splice(at place, c source.Change, text []byte) error {
	ref := c.Ref
	full := filepath.Join(p.dir, at.path)
	if at.line < 0 {
		return fmt.Errorf("%s stands in %s, where a document cannot be read; mend the file first", ref, full)
	}
	e := p.edit(at.path)
	i := slices.IndexFunc(e.parts, func(d part) bool {
		return d.line == at.line && (at.object == nil || at.kept || bytes.Equal(d.was, at.object.Text))
	})
	if i < 0 && len(e.parts) == 1 && at.kept {
		i = 0 // an empty file
	}
	if i < 0 {
		return p.spliceItem(e, at, ref, text)
	}
	if at.kept && c.Expect != source.Any && len(bytes.TrimSpace(e.parts[i].was)) > 0 {
		return fmt.Errorf("%s in %s, line %d: %w; mend it there first", ref, full, at.line, source.ErrUnreadable)
	}
	e.parts[i].text, e.parts[i].gone = text, text == nil
	return nil
}

// reads checks that a new content gives the object that was asked for.
func reads(dir string, contents map[string][]byte, c source.Change) error {
	want := bytes.TrimSpace(c.Text)
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		for _, o := range config.Decode(filepath.Join(dir, path), contents[path]).Objects {
			if o.Ref == c.Ref && bytes.Equal(bytes.TrimSpace(o.Text), want) {
				return nil
			}
		}
	}
	return errors.New("the file cannot take " + c.Ref.String() + " as a document; edit it by hand")
}

// canonicalPath is where the store writes an object that stands nowhere yet.
func canonicalPath(ref mesh.Ref) (string, error) {
	namespace := ref.Namespace
	if namespace == "" {
		namespace = "_cluster"
	}
	kind := strings.ToLower(ref.Kind.Name)
	if ref.Kind == mesh.KindK8sGateway {
		kind += "." + ref.Group // Istio's Gateway has the short name
	}
	for _, s := range []string{namespace, kind, ref.Name} {
		if s == "" || s[0] == '.' || s[0] == '#' || strings.ContainsAny(s, "/\\\x00") || len(s) > 200 {
			return "", fmt.Errorf("%s cannot be stored: %q does not make a file name", ref, s)
		}
	}
	return filepath.Join(namespace, kind, ref.Name+".yaml"), nil
}
