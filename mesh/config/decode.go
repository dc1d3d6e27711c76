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
	// maxDocuments is how many objects of one file are read.
	maxDocuments = 10_000
	// maxItems is how many items a list of a custom resource may have. Rules that
	// compare each item with each other one take seconds from there on.
	maxItems = 8_192
	// maxFindings is how many findings of one file are told one by one.
	maxFindings = 1_000
)

// nodesFor is how many values a file may hold once aliases are followed. Text
// written by people or programs has fewer by far.
func nodesFor(bytes int) int { return 50_000 + bytes/4 }

// DefaultNamespace is where objects live that name no namespace.
const DefaultNamespace = "default"

// Result is what a file holds.
type Result struct {
	File string // its name
	// Objects are the documents that are right, in the order of the file.
	Objects []*mesh.Object
	// Problems are all findings, by line. Those with severity Error made their
	// document bad; warnings did not.
	Problems []mesh.Finding
	// Bad are the documents that gave no object, in the order of the file.
	Bad []BadDocument

	passedOver map[string]bool // what is said of kinds that were passed over
}

// BadDocument is a document that could not be turned into an object.
type BadDocument struct {
	// Ref is the object that the document seems to be about; what could not be
	// read of it is empty.
	Ref  mesh.Ref
	Line int // first line of the document in the file, from 1
	Text []byte
	// Unplaced reports that the document names no namespace and could name one.
	Unplaced bool
	// Object is what could be read of the document, for checks only: the mesh
	// must never see it. Options.Checks asks for it; nil when there is nothing.
	Object *mesh.Object
}

// Options say for what files are read.
type Options struct {
	// Checks reads files to find mistakes in them, not to apply them: kinds that
	// only checks look at are read too, BadDocument.Object is filled in, and
	// documents of kinds that nobody here knows, such as anything that a Helm
	// chart holds, are passed over with one note for each kind.
	Checks bool
	// Namespace is where objects live that name none; empty is DefaultNamespace.
	Namespace string
	// Stop, once closed, ends the work early: nobody waits for what is read.
	Stop <-chan struct{}
}

func (opt Options) stopped() bool {
	select {
	case <-opt.Stop:
		return true
	default:
		return false
	}
}

// Decode reads every document of a file, YAML or JSON, strictly: an unknown
// field, a wrong type, a duplicate key or a value that the API refuses is a
// finding with its line, column and field path. All problems of the file are
// found at once; a bad document does not keep the others from being read.
// Objects of a v1 List are read one by one. file is only the name that findings
// and origins carry. Blank documents are passed over.
//
// Whatever the text is, the time and memory that reading takes are bounded by its
// size: of very many objects, findings or aliases only the first are followed,
// and the last finding says so.
func Decode(file string, data []byte) Result { return Options{}.Decode(file, data) }

// Decode is the function Decode with options.
func (opt Options) Decode(file string, data []byte) Result {
	d := &decoder{file: file, checks: opt.Checks, namespace: opt.Namespace, nodes: nodesFor(len(data)), expressions: maxExpressions}
	switch {
	case len(data) > MaxBytes:
		d.whole(data, 1, fmt.Sprintf("the file is larger than %d MB; split it into several files", MaxBytes>>20))
	case !utf8.Valid(data):
		line := 1
		for text := range bytes.Lines(data) {
			if !utf8.Valid(text) {
				break
			}
			line++
		}
		d.whole(data, line, "the text is not UTF-8; save the file in that encoding")
	default:
		for _, doc := range Split(data) {
			if opt.stopped() {
				break
			}
			if !doc.Blank() {
				d.document(doc)
			}
		}
	}
	return d.result()
}

type decoder struct {
	file   string
	checks bool
	// namespace is where objects live that name none; empty is DefaultNamespace.
	namespace string
	nodes     int // values that may still be read
	// expressions is how many bytes of expressions may still be read.
	expressions int
	taken       int // objects seen

	objects  []*mesh.Object
	problems []mesh.Finding
	told     map[mesh.Severity]int // how many of problems are so severe
	left     mesh.Finding          // code and severity of the worst that were left out
	more     int                   // how many were left out
	bad      []BadDocument
	strange  map[string]bool // kinds that were passed over, and said to be
}

// result puts findings into order and says what was left out.
func (d *decoder) result() Result {
	slices.SortStableFunc(d.problems, func(a, b mesh.Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	at := mesh.Finding{
		Code: mesh.CodeSchema, Severity: mesh.Error, Phase: mesh.PhaseDecode, File: d.file, Line: 1,
	}
	if n := len(d.problems); n > 0 {
		at.Line = d.problems[n-1].Line
	}
	if d.more > 0 {
		last := at
		last.Code, last.Severity = d.left.Code, d.left.Severity
		last.Message = AndMore(d.more, "problem")
		d.problems = append(d.problems, last)
	}
	if d.taken > maxDocuments {
		at.Message = fmt.Sprintf("the file holds more than %d objects, and only those were read; split it into several files", maxDocuments)
		d.problems = append(d.problems, at)
	}
	return Result{File: d.file, Objects: d.objects, Problems: d.problems, Bad: d.bad, passedOver: d.strange}
}

// AndMore says that there is more than what is told of a file.
func AndMore(n int, what string) string {
	if n > 1 {
		what += "s"
	}
	return fmt.Sprintf("and %d more %s in this file; mend the first ones and look again", n, what)
}

// whole refuses a file without reading it.
func (d *decoder) whole(data []byte, line int, message string) {
	ref := mesh.Ref{}
	if len(data) <= MaxBytes {
		ref = guessRef(data)
	}
	d.bad = append(d.bad, BadDocument{Ref: ref, Line: 1, Text: data})
	d.tell(mesh.Finding{
		Code: mesh.CodeSyntax, Severity: mesh.Error, Phase: mesh.PhaseDecode, Ref: ref,
		Message: message, File: d.file, Line: line,
	})
}

// severities from the mildest on.
var severities = []mesh.Severity{mesh.Info, mesh.Warning, mesh.Error}

// tell keeps a finding. When there are very many, it is only counted, or takes
// the place of the last one that is milder: why a document is refused must be
// told, however many notes stand before it.
func (d *decoder) tell(f mesh.Finding) {
	if d.told == nil {
		d.told = map[mesh.Severity]int{}
	}
	d.told[f.Severity]++
	if len(d.problems) < maxFindings {
		d.problems = append(d.problems, f)
		return
	}
	for _, mild := range severities[:slices.Index(severities, f.Severity)] {
		if d.told[mild] == 0 {
			continue
		}
		d.told[mild]--
		for i := len(d.problems) - 1; i >= 0; i-- {
			if d.problems[i].Severity == mild {
				d.leaveOut(1, d.problems[i].Code, mild)
				d.problems = append(slices.Delete(d.problems, i, i+1), f)
				return
			}
		}
	}
	d.told[f.Severity]--
	d.leaveOut(1, f.Code, f.Severity)
}

// leaveOut counts findings that are not told.
func (d *decoder) leaveOut(n int, code string, severity mesh.Severity) {
	if n == 0 {
		return
	}
	if slices.Index(severities, severity) > slices.Index(severities, d.left.Severity) {
		d.left.Code, d.left.Severity = code, severity
	}
	d.more += n
}

// next reports whether one more object is to be read.
func (d *decoder) next() bool {
	d.taken++
	return d.taken <= maxDocuments
}

func (d *decoder) document(doc Document) {
	if d.taken >= maxDocuments {
		d.taken++
		return
	}
	doc.lines = doc.fileLines()
	root, err := parse(doc.Text)
	if err != nil {
		d.taken++
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
			if d.next() {
				d.object(part, item)
			}
		}
		return
	}
	if d.next() {
		d.object(doc, top)
	}
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
		_, ref, _ := identify(n, false)
		items = append(items, ref)
	}
	return items, ok
}

// report turns a problem in a document into a finding in the file.
func (d *decoder) report(doc Document, ref mesh.Ref, severity mesh.Severity, p problem) {
	f := mesh.Finding{
		Code: refusal(ref.Kind, p.code), Severity: severity, Phase: mesh.PhaseDecode, Ref: ref,
		Path: p.path.String(), Message: p.message, Params: p.params, File: d.file, Line: doc.Line, Column: p.column,
	}
	if p.line > 0 {
		f.Line = doc.fileLine(p.line)
	}
	if p.line == 1 && p.column > 0 {
		f.Column += doc.indent
	}
	d.tell(f)
}

// refusal is the code for what is wrong in an object of a kind: of other kinds
// than Istio's, nobody but Kubernetes refuses anything.
func refusal(kind mesh.Kind, code string) string {
	if strings.HasSuffix(kind.Group, ".istio.io") {
		return code
	}
	_, ours := Lookup(kind)
	if _, other := LookupOther(kind); !ours && !other {
		return code
	}
	switch code {
	case mesh.CodeSchema, mesh.CodeUnknownField, mesh.CodeStructure:
		return mesh.CodeKubernetes
	}
	return code
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
	switch {
	case strings.HasPrefix(load.Message, "unknown anchor"):
		// Its name is not told: it may be a secret that begins with *.
		p.message = "the text is not valid YAML: an alias names an anchor that is not there; put text that begins with * in quotes"
	case strings.Contains(load.Message, "cannot start any token"):
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
