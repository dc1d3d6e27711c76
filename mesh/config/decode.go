package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// Limits of what is read.
const (
	// MaxBytes is the size of the largest file that is read.
	MaxBytes = 4 << 20
	// maxDepth is how deep values may be nested.
	maxDepth = 64
	// maxNodes is how many values a document may hold once aliases are followed.
	maxNodes = 500_000
)

// DefaultNamespace is where objects live that name no namespace.
const DefaultNamespace = "default"

// Result is what a file holds.
type Result struct {
	// Objects are the documents that are right, in the order of the file.
	Objects []*mesh.Object
	// Problems are all findings, by line. Those with severity Error made their
	// document bad; warnings did not.
	Problems []mesh.Finding
	// Bad are the documents that gave no object, in the order of the file.
	Bad []BadDocument
}

// BadDocument is a document that could not be turned into an object.
type BadDocument struct {
	// Ref is the object that the document seems to be about; what could not be
	// read of it is empty.
	Ref  mesh.Ref
	Line int // first line of the document in the file, from 1
	Text []byte
}

// Decode reads every document of a file, YAML or JSON, strictly: an unknown
// field, a wrong type, a duplicate key or a value that the API refuses is a
// finding with its line, column and field path. All problems of the file are
// found at once; a bad document does not keep the others from being read.
// Objects of a v1 List are read one by one. file is only the name that findings
// and origins carry. Blank documents are passed over.
func Decode(file string, data []byte) Result {
	d := &decoder{file: file, expressions: maxExpressions}
	switch {
	case len(data) > MaxBytes:
		d.whole(data, mesh.CodeSyntax, fmt.Sprintf(
			"the file is larger than %d MB; split it into several files", MaxBytes>>20))
	case !utf8.Valid(data):
		line := 1
		for text := range bytes.Lines(data) {
			if !utf8.Valid(text) {
				break
			}
			line++
		}
		d.bad = append(d.bad, BadDocument{Ref: guessRef(data), Line: 1, Text: data})
		d.problems = append(d.problems, mesh.Finding{
			Code: mesh.CodeSyntax, Severity: mesh.Error, Phase: mesh.PhaseDecode, Ref: guessRef(data),
			Message: "the text is not UTF-8; save the file in that encoding", File: file, Line: line,
		})
	default:
		for _, doc := range Split(data) {
			if !doc.Blank() {
				d.document(doc)
			}
		}
	}
	slices.SortStableFunc(d.problems, func(a, b mesh.Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return Result{Objects: d.objects, Problems: d.problems, Bad: d.bad}
}

type decoder struct {
	file     string
	objects  []*mesh.Object
	problems []mesh.Finding
	bad      []BadDocument
	// expressions is how many bytes of expressions may still be read.
	expressions int
}

// whole refuses a file without reading it.
func (d *decoder) whole(data []byte, code, message string) {
	d.bad = append(d.bad, BadDocument{Line: 1, Text: data})
	d.problems = append(d.problems, mesh.Finding{
		Code: code, Severity: mesh.Error, Phase: mesh.PhaseDecode, Message: message, File: d.file, Line: 1,
	})
}

func (d *decoder) document(doc Document) {
	var root yaml.Node
	if err := yaml.Unmarshal(doc.Text, &root); err != nil {
		p := syntaxProblem(err, bytes.Count(bytes.TrimRight(doc.Text, "\n"), []byte("\n")))
		ref := guessRef(doc.Text)
		d.report(doc, ref, mesh.Error, p)
		d.bad = append(d.bad, BadDocument{Ref: ref, Line: doc.Line, Text: doc.Text})
		return
	}
	if len(root.Content) == 0 || isNull(root.Content[0]) {
		return
	}
	top := root.Content[0]
	if items, ok := listItems(top); ok {
		for _, item := range items {
			part := doc
			part.item = true
			d.object(part, item)
		}
		return
	}
	d.object(doc, top)
}

// listItems gives the items of a v1 List, as "kubectl get -o yaml" writes it.
func listItems(top *yaml.Node) ([]*yaml.Node, bool) {
	if scalarAt(top, "apiVersion") != "v1" || scalarAt(top, "kind") != "List" {
		return nil, false
	}
	items := child(top, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return nil, true
	}
	return items.Content, true
}

// Items names what stands in a document that is a v1 List, item by item; ok is
// false when it is none, or cannot be read. What an item does not say of its name
// is empty.
func Items(document []byte) (items []mesh.Ref, ok bool) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil || len(root.Content) == 0 {
		return nil, false
	}
	nodes, ok := listItems(root.Content[0])
	for _, n := range nodes {
		_, ref, _ := identify(n)
		items = append(items, ref)
	}
	return items, ok
}

// object reads one object.
func (d *decoder) object(doc Document, top *yaml.Node) {
	line, text := doc.Line, doc.Text
	if doc.item {
		line, text = doc.fileLine(top.Line), nil
	}
	refuse := func(ref mesh.Ref, problems ...problem) {
		for _, p := range problems {
			d.report(doc, ref, mesh.Error, p)
		}
		d.bad = append(d.bad, BadDocument{Ref: ref, Line: line, Text: text})
	}
	if top.Kind != yaml.MappingNode {
		refuse(mesh.Ref{}, problem{
			code: mesh.CodeSchema, line: top.Line, column: top.Column,
			message: "an object is a mapping with apiVersion, kind and metadata, but " + describeNode(top) + " stands here",
		})
		return
	}
	info, ref, p := identify(top)
	if p != nil {
		severity := mesh.Error
		if p.code == mesh.CodeUnsupported {
			severity = mesh.Warning
		}
		d.report(doc, ref, severity, *p)
		d.bad = append(d.bad, BadDocument{Ref: ref, Line: line, Text: text})
		return
	}
	w := &walker{sections: map[string][2]int{}, base: doc.Line - 1, support: supportOf(info.Kind)}
	w.read(top, info)
	problems := naming(top, info, ref)
	if len(w.problems) > 0 {
		refuse(ref, append(problems, w.problems...)...)
		return
	}
	o, err := info.assemble(w)
	if err != nil {
		refuse(ref, problem{code: mesh.CodeSchema, line: top.Line, column: top.Column, message: err.Error()})
		return
	}
	o.Origin = mesh.Origin{File: d.file, Line: line}
	o.Text = text
	if o.Text == nil {
		if o.Text, err = Encode(o); err != nil {
			refuse(ref, problem{code: mesh.CodeSchema, line: top.Line, column: top.Column, message: err.Error()})
			return
		}
	}
	o.Version = TextVersion(o.Text)
	for _, issue := range checkWithin(o, &d.expressions) {
		at := locate(top, issue.Path)
		found := problem{code: mesh.CodeStructure, path: issue.Path, line: at.Line, column: at.Column, message: issue.Message}
		if issue.Severity == mesh.Warning {
			found.code = mesh.CodeStructureWarning
			w.warnings = append(w.warnings, found)
			continue
		}
		problems = append(problems, found)
	}
	for _, p := range w.warnings {
		d.report(doc, o.Ref, mesh.Warning, p)
	}
	if len(problems) > 0 {
		refuse(o.Ref, problems...)
		return
	}
	d.objects = append(d.objects, o)
}

// report turns a problem in a document into a finding in the file.
func (d *decoder) report(doc Document, ref mesh.Ref, severity mesh.Severity, p problem) {
	f := mesh.Finding{
		Code: p.code, Severity: severity, Phase: mesh.PhaseDecode, Ref: ref,
		Path: p.path.String(), Message: p.message, File: d.file, Line: doc.Line, Column: p.column,
	}
	if p.line > 0 {
		f.Line = doc.fileLine(p.line)
	}
	if p.line == 1 && p.column > 0 {
		f.Column += doc.indent
	}
	d.problems = append(d.problems, f)
}

// identify finds the kind and name of an object, whatever else is wrong with it.
// A problem says that the object cannot be read at all.
func identify(top *yaml.Node) (KindInfo, mesh.Ref, *problem) {
	group, version := splitAPIVersion(scalarAt(top, "apiVersion"))
	ref := mesh.Ref{
		Kind:      mesh.Kind{Group: group, Name: scalarAt(top, "kind")},
		Namespace: scalarAt(top, "metadata", "namespace"),
		Name:      scalarAt(top, "metadata", "name"),
	}
	if version == "" || ref.Kind.Name == "" {
		missing := "kind"
		if version == "" {
			missing = "apiVersion"
		}
		return KindInfo{}, ref, problemAt(top, nil, mesh.CodeSchema,
			"%s is missing; every object begins with apiVersion and kind", missing)
	}
	info, ok := Lookup(ref.Kind)
	if !ok {
		return KindInfo{}, ref, unknownKind(top, ref)
	}
	if info.Namespaced && ref.Namespace == "" {
		ref.Namespace = DefaultNamespace
	}
	if !slices.Contains(info.Versions, version) {
		return KindInfo{}, ref, problemAt(child(top, "apiVersion"), Path{}.Key("apiVersion"), mesh.CodeSchema,
			"%s has no version %q; use %s", ref.Kind.Name, version, info.APIVersion())
	}
	return info, ref, nil
}

func problemAt(n *yaml.Node, path Path, code, format string, args ...any) *problem {
	return &problem{code: code, path: path, line: n.Line, column: n.Column, message: fmt.Sprintf(format, args...)}
}

// naming finds what is wrong with the name and namespace of an object.
func naming(top *yaml.Node, info KindInfo, ref mesh.Ref) []problem {
	var out []problem
	meta := Path{}.Key("metadata")
	report := func(path Path, format string, args ...any) {
		out = append(out, *problemAt(locate(top, path), path, mesh.CodeStructure, format, args...))
	}
	if !info.Namespaced && ref.Namespace != "" {
		report(meta.Key("namespace"), "a %s lives in no namespace; remove the field", ref.Kind.Name)
	} else if msg := checkNamespace(ref.Namespace); info.Namespaced && msg != "" {
		report(meta.Key("namespace"), "%s", msg)
	}
	if ref.Name == "" {
		report(meta.Key("name"), "metadata.name is missing; give the object a name")
	} else if msg := checkName(ref); msg != "" {
		report(meta.Key("name"), "%s", msg)
	}
	return out
}

func unknownKind(top *yaml.Node, ref mesh.Ref) *problem {
	var names []string
	for _, info := range Kinds {
		if info.Group == ref.Group {
			names = append(names, info.Kind.Name)
		}
	}
	if near := nearest(ref.Kind.Name, names); near != "" {
		return problemAt(child(top, "kind"), Path{}.Key("kind"), mesh.CodeSchema,
			"there is no kind %q in %s; did you mean %s?", ref.Kind.Name, scalarAt(top, "apiVersion"), near)
	}
	for _, info := range Kinds {
		if info.Kind.Name == ref.Kind.Name {
			return problemAt(child(top, "apiVersion"), Path{}.Key("apiVersion"), mesh.CodeSchema,
				"%s is not in %s; use %s", ref.Kind.Name, scalarAt(top, "apiVersion"), info.APIVersion())
		}
	}
	return problemAt(child(top, "kind"), Path{}.Key("kind"), mesh.CodeUnsupported,
		"objects of kind %s are not supported yet and have no effect", ref.Kind)
}

// child follows keys through mappings and aliases; nil when they lead nowhere.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n = resolve(n); n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
				break
			}
		}
		n = next
	}
	return resolve(n)
}

// resolve follows aliases; an alias never leads to another one.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func scalarAt(n *yaml.Node, keys ...string) string {
	if n = child(n, keys...); n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}

// locate finds the node at a path; where the path leads out of the document,
// the last node on the way.
func locate(n *yaml.Node, path Path) *yaml.Node {
	at := n
	for _, step := range path {
		n = resolve(n)
		var next *yaml.Node
		switch {
		case n.Kind == yaml.SequenceNode && step.List && step.Index < len(n.Content):
			next = n.Content[step.Index]
		case n.Kind == yaml.MappingNode && !step.List:
			for _, key := range []string{step.Key, protoName(step.Key)} {
				if next == nil {
					next = child(n, key)
				}
				if next == nil {
					next = child(n, "<<", key)
				}
			}
		}
		if next == nil {
			return at
		}
		n, at = next, next
	}
	return at
}

// protoName is the name of a field in proto files, which documents may use
// instead: "trafficPolicy" is "traffic_policy".
func protoName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// syntaxProblem reads the place out of an error of the YAML parser. What is
// found missing only at the end of the document, after its last line, is told
// where it began.
func syntaxProblem(err error, lines int) problem {
	p := problem{code: mesh.CodeSyntax, message: "the text is not valid YAML: " + err.Error()}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return p
	}
	p.message = "the text is not valid YAML: " + load.Message
	if load.ContextMsg != "" {
		p.message += " " + load.ContextMsg
	}
	if strings.Contains(load.Message, "cannot start any token") {
		p.message += "; indent with spaces, and put text that begins with a tab, @, ` or % in quotes"
	}
	p.line, p.column = load.Mark.Line, load.Mark.Column
	if load.Mark.Line > lines+1 && load.ContextMark.Line > 0 {
		p.line, p.column = load.ContextMark.Line, load.ContextMark.Column
	}
	if p.line > lines+1 {
		p.line, p.column = lines+1, 0
	}
	return p
}
