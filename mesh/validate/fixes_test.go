package validate

import (
	"slices"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// revealing are codes whose fix can bring to light what was hidden behind them: a
// rule that was never reached, a name that was not read.
var revealing = map[string]bool{"HDL1101": true, "HDL2510": true}

// TestFixes makes the edits of every finding in the text of its object: the
// object must still be read, there must be fewer such findings, and no others.
func TestFixes(t *testing.T) {
	fixes := 0
	for _, file := range caseFiles(t) {
		c := readCase(t, file)
		for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
			if len(f.Fix) == 0 || !slices.Contains(c.about, f.Code) {
				continue
			}
			fixes++
			o, _ := c.snapshot.Get(f.Ref)
			text, err := config.Splice(t.Context(), o.Text, f.Fix...)
			if err != nil {
				t.Errorf("%s: the fix of %s in %s: %v", file, f.Code, f.Ref, err)
				continue
			}
			got := config.Options{Checks: true}.Decode(file, text)
			for _, p := range got.Problems {
				if p.Severity == mesh.Error {
					t.Errorf("%s: after the fix of %s: %s %s", file, f.Code, p.Path, p.Message)
				}
			}
			in := mesh.Inputs{Settings: c.snapshot.Settings, Objects: got.Objects}
			for other := range c.snapshot.Objects.Values() {
				if other.Ref != f.Ref {
					in.Objects = append(in.Objects, other)
				}
			}
			was, is := Run(c.snapshot, c.evidence, Options{}).Findings, Run(mesh.Build(nil, in), c.evidence, Options{}).Findings
			for _, added := range Added(was, is) {
				if revealing[f.Code] {
					continue
				}
				t.Errorf("%s: the fix of %s in %s adds %s at %s %s", file, f.Code, f.Ref, added.Code, added.Ref, added.Path)
			}
			if before, after := same(c.snapshot, c.evidence, f), same(mesh.Build(nil, in), c.evidence, f); after >= before {
				t.Errorf("%s: the fix of %s at %s %s leaves it: %s", file, f.Code, f.Ref, f.Path, text)
			}
		}
	}
	if fixes == 0 {
		t.Error("no case has a finding with a fix")
	}
}

// same counts the findings that have the code and the object of one.
func same(s *mesh.Snapshot, e Evidence, f mesh.Finding) int {
	n := 0
	for _, g := range Run(s, e, Options{}).Findings {
		if g.Code == f.Code && g.Ref == f.Ref {
			n++
		}
	}
	return n
}
