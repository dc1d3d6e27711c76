package api

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// finds is a Mesh whose checks find something in every rule of a written object.
type finds struct {
	Mesh
	found []mesh.Finding
}

func (m finds) Check(context.Context, []*mesh.Object, []mesh.Ref) ([]mesh.Finding, error) {
	return append([]mesh.Finding{}, m.found...), nil
}

// manyFindings is a manifest of two rules, the second of which has n findings.
func manyFindings(tb testing.TB, n int) (*Handlers, weighing) {
	tb.Helper()
	const head = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s, namespace: default}\nspec:\n  hosts: [reviews]\n  http:\n"
	const rule = "  - timeout: 1s\n    route:\n    - destination: {host: reviews}\n"
	text := fmt.Sprintf(head, "a") + rule + "---\n" + fmt.Sprintf(head, "b") + strings.Repeat(rule, n)
	r := config.Decode("rules.yaml", []byte(text))
	if len(r.Objects) != 2 {
		tb.Fatalf("%+v", r.Problems)
	}
	m := finds{}
	for i := range n {
		m.found = append(m.found, mesh.Finding{Code: "HDL2101", Severity: mesh.Warning, Ref: r.Objects[1].Ref, Path: fmt.Sprintf("spec.http[%d].route[0]", i)})
	}
	return New(Options{Mesh: m}), weighing{objects: r.Objects, manifests: []Manifest{{File: "rules.yaml", Text: text}}}
}

func TestFindingsOfAWriteHaveTheirPlaces(t *testing.T) {
	h, w := manyFindings(t, 3)
	for _, c := range []struct {
		name      string
		manifests []Manifest
		line      int // of the first one
	}{{"in the manifest", w.manifests, 19}, {"in the object's own text", nil, 9}} {
		w.manifests = c.manifests
		found, err := h.weigh(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range found {
			if f.Line != c.line+3*i || f.Column != 7 || f.File != "rules.yaml" {
				t.Errorf("%s, finding %d: %s:%d:%d, want line %d", c.name, i, f.File, f.Line, f.Column, c.line+3*i)
			}
		}
	}
}

func BenchmarkPlaceFindings(b *testing.B) {
	h, w := manyFindings(b, 200)
	for b.Loop() {
		if _, err := h.weigh(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
}
