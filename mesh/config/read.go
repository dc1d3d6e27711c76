package config

import (
	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// reading is one object on its way from a document.
type reading struct {
	*decoder
	doc  Document
	top  *yaml.Node
	line int    // first line in the file
	text []byte // of a document that is one object; nil for an item of a list
	ref  mesh.Ref
	// unplaced reports that the text names no namespace and could name one.
	unplaced bool

	problems []problem // that make the document bad
	warnings []problem
}

// object reads one object.
func (d *decoder) object(doc Document, top *yaml.Node) {
	r := &reading{decoder: d, doc: doc, top: top, line: doc.Line, text: doc.Text}
	if doc.item {
		r.line, r.text = doc.fileLine(top.Line), nil
	}
	if top.Kind != yaml.MappingNode {
		r.problems = []problem{*problemAt(top, nil, mesh.CodeSchema,
			"an object is a mapping with apiVersion, kind and metadata, but %s stands here", describeNode(top))}
		r.end(nil)
		return
	}
	info, ref, p := identify(top, d.checks)
	r.ref = ref
	if r.unplaced = info.Namespaced && scalarAt(top, "metadata", "namespace") == ""; r.unplaced && d.namespace != "" {
		r.ref.Namespace = d.namespace
	}
	if p == nil {
		r.end(r.read(info))
		return
	}
	if d.checks && p.code == mesh.CodeUnsupported {
		d.passOver(doc, p)
		return
	}
	if p.code == mesh.CodeUnsupported {
		r.warnings = []problem{*p}
	} else {
		r.problems = []problem{*p}
	}
	r.end(nil)
}

// end keeps what came of a document: an object, or what is bad in it. A document
// that is not bad and gave no object has no effect.
func (r *reading) end(o *mesh.Object) {
	for _, p := range r.warnings {
		r.report(r.doc, r.ref, mesh.Warning, p)
	}
	for _, p := range r.problems {
		r.report(r.doc, r.ref, mesh.Error, p)
	}
	if len(r.problems) == 0 && o != nil {
		r.objects = append(r.objects, o)
		return
	}
	bad := BadDocument{Ref: r.ref, Line: r.line, Text: r.text, Unplaced: r.unplaced}
	if r.checks {
		bad.Object = o
	}
	r.bad = append(r.bad, bad)
}

// read turns a document of a known kind into an object, as far as it can, and
// notes everything that is wrong with it.
func (r *reading) read(info KindInfo) *mesh.Object {
	w := &walker{
		buf: make([]byte, 0, min(len(r.doc.Text), 4<<10)), sections: map[string][2]int{}, base: r.doc.Line - 1,
		support: supportOf(info.Kind), most: max(1, r.nodes),
	}
	_, w.strict = customGroups[info.Group]
	w.hidden = info.Kind == mesh.KindSecret // everybody who looks at the mesh is told its findings
	if info.other() {
		w.support = allSupported
	}
	tree := w.read(r.top, info)
	r.nodes -= w.visited
	r.leaveOut(w.more, refusal(info.Kind, mesh.CodeSchema), mesh.Error)
	r.leaveOut(w.moreWarnings, mesh.CodeUnsupported, mesh.Warning)
	r.problems = append(naming(r.top, info, r.ref), w.problems...)
	r.warnings = w.warnings
	violations := judge(r.top, info, tree)
	if len(w.problems) > 0 && !r.checks {
		r.warnings = nil
		r.problems = append(r.problems, violations...)
		return nil
	}
	o, err := r.assemble(info, w)
	if err != nil {
		r.problems = append(r.problems, violations...)
		if len(w.problems) == 0 {
			r.problems = append(r.problems, *problemAt(r.top, nil, mesh.CodeSchema, "%s", err))
		}
		return nil
	}
	issues := apart(r.check(o), w.problems)
	r.problems = append(append(r.problems, issues...), apart(violations, issues)...)
	return o
}

// check gives the errors that an object has as a whole, and keeps the warnings.
func (r *reading) check(o *mesh.Object) []problem {
	var out []problem
	issues, left := checkWithin(o, &r.expressions)
	r.leaveOut(left[mesh.Warning], mesh.CodeStructureWarning, mesh.Warning)
	r.leaveOut(left[mesh.Error], mesh.CodeStructure, mesh.Error)
	for _, issue := range issues {
		at := func(code string) problem {
			return *problemAt(locate(r.top, issue.Path), issue.Path, code, "%s", issue.Message)
		}
		if issue.Severity == mesh.Warning {
			r.warnings = append(r.warnings, at(mesh.CodeStructureWarning))
		} else {
			out = append(out, at(mesh.CodeStructure))
		}
	}
	return out
}

// assemble makes the object of what a walker wrote.
func (r *reading) assemble(info KindInfo, w *walker) (*mesh.Object, error) {
	o, err := info.assemble(w)
	if err == nil && o.Unplaced && r.namespace != "" {
		err = moveTo(o, r.namespace)
	}
	if err != nil {
		return nil, err
	}
	o.Origin = mesh.Origin{File: r.file, Line: r.line}
	if o.Text = r.text; o.Text == nil {
		if o.Text, err = Encode(o); err != nil {
			return nil, err
		}
	}
	o.Version = TextVersion(o.Text)
	return o, nil
}

// passOver notes, once for each kind in a file, what is of no interest here.
func (d *decoder) passOver(doc Document, p *problem) {
	if d.strange[p.message] {
		return
	}
	if d.strange == nil {
		d.strange = map[string]bool{}
	}
	d.strange[p.message] = true
	d.report(doc, mesh.Ref{}, mesh.Info, *p)
}
