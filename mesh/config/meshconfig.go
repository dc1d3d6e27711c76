package config

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
)

// Kinds of the two files about the whole mesh, which are no objects: findings in
// them carry these.
var (
	KindMeshConfig   = mesh.Kind{Name: "MeshConfig"}
	KindMeshNetworks = mesh.Kind{Name: "MeshNetworks"}
)

// DecodeMeshConfig reads the text of a mesh configuration as strictly as Decode
// reads objects, and checks it. What the text leaves out has its default and is
// not asked for. The configuration is nil when a finding is an error.
func DecodeMeshConfig(file string, data []byte) (*meshv1alpha1.MeshConfig, []mesh.Finding) {
	m := &meshv1alpha1.MeshConfig{}
	found, ok := decodeMessage(file, data, KindMeshConfig, m, func() []Issue { return CheckMeshConfig(m) })
	if !ok {
		return nil, found
	}
	return m, found
}

// DecodeMeshNetworks reads the text of the networks of a mesh as strictly as
// Decode reads objects, and checks it. The networks are nil when a finding is an
// error.
func DecodeMeshNetworks(file string, data []byte) (*meshv1alpha1.MeshNetworks, []mesh.Finding) {
	m := &meshv1alpha1.MeshNetworks{}
	found, ok := decodeMessage(file, data, KindMeshNetworks, m, func() []Issue { return CheckMeshNetworks(m) })
	if !ok {
		return nil, found
	}
	return m, found
}

// decodeMessage fills a message from a file that holds nothing else. It is false
// when a finding is an error.
func decodeMessage(file string, data []byte, kind mesh.Kind, into proto.Message, check func() []Issue) ([]mesh.Finding, bool) {
	d := &decoder{file: file}
	ref := mesh.Ref{Kind: kind}
	var docs []Document
	switch {
	case len(data) > MaxBytes:
		d.report(Document{Line: 1}, ref, mesh.Error, problem{
			code: mesh.CodeSyntax, message: fmt.Sprintf("the file is larger than %d MB", MaxBytes>>20),
		})
		return d.problems, false
	case !utf8.Valid(data):
		d.report(Document{Line: 1}, ref, mesh.Error, problem{
			code: mesh.CodeSyntax, message: "the text is not UTF-8; save the file in that encoding",
		})
		return d.problems, false
	}
	for _, doc := range Split(data) {
		if !doc.Blank() {
			docs = append(docs, doc)
		}
	}
	if len(docs) == 0 {
		return nil, true
	}
	if len(docs) > 1 {
		d.report(docs[1], ref, mesh.Error, problem{
			code: mesh.CodeSchema, message: "the file holds several documents; leave one",
		})
		return d.problems, false
	}
	return d.message(docs[0], ref, into, check)
}

func (d *decoder) message(doc Document, ref mesh.Ref, into proto.Message, check func() []Issue) ([]mesh.Finding, bool) {
	root, err := parse(doc.Text)
	if err != nil {
		d.report(doc, ref, mesh.Error, syntaxProblem(err, bytes.Count(bytes.TrimRight(doc.Text, "\n"), []byte("\n"))))
		return d.problems, false
	}
	if len(root.Content) == 0 || isNull(root.Content[0]) {
		return nil, true
	}
	top := root.Content[0]
	w := &walker{base: doc.Line - 1, most: nodesFor(len(doc.Text))}
	w.value(nil, top, messageShape(into.ProtoReflect().Descriptor()), allSupported, 0)
	for _, p := range w.problems {
		d.report(doc, ref, mesh.Error, p)
	}
	if len(w.problems) > 0 {
		return d.problems, false
	}
	if err := protojson.Unmarshal(w.buf, into); err != nil {
		d.report(doc, ref, mesh.Error, problem{code: mesh.CodeSchema, line: top.Line, column: top.Column, message: err.Error()})
		return d.problems, false
	}
	ok := true
	for _, issue := range check() {
		at := locate(top, issue.Path)
		p := problem{code: mesh.CodeStructure, path: issue.Path, line: at.Line, column: at.Column, message: issue.Message}
		if issue.Severity == mesh.Warning {
			p.code = mesh.CodeStructureWarning
		} else {
			ok = false
		}
		d.report(doc, ref, issue.Severity, p)
	}
	return d.problems, ok
}
