package validate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// pool are the objects of all case files; several can share a reference, and
// are then versions of one object.
func pool(t *testing.T) ([]*mesh.Object, []Evidence) {
	var objects []*mesh.Object
	evidence := []Evidence{{}}
	for _, file := range caseFiles(t) {
		c := readCase(t, file)
		objects = slices.AppendSeq(objects, c.snapshot.Objects.Values())
		evidence = append(evidence, c.evidence)
	}
	return objects, evidence
}

// TestEngineFollows makes 1,000 random edits and more, and holds what the engine
// says after each against a run from scratch.
func TestEngineFollows(t *testing.T) {
	objects, evidence := pool(t)
	byRef := map[mesh.Ref][]*mesh.Object{}
	for _, o := range objects {
		byRef[o.Ref] = append(byRef[o.Ref], o)
	}
	rapid.Check(t, func(rt *rapid.T) {
		engine := NewEngine(Options{})
		standing := map[mesh.Ref]*mesh.Object{}
		var last *mesh.Snapshot
		now := Evidence{}
		for range 15 {
			if rapid.IntRange(0, 5).Draw(rt, "observe") == 0 {
				now = rapid.SampledFrom(evidence).Draw(rt, "evidence")
				engine.Observe(now)
			}
			for range rapid.IntRange(1, 8).Draw(rt, "edits") {
				o := rapid.SampledFrom(objects).Draw(rt, "object")
				switch {
				case rapid.IntRange(0, 3).Draw(rt, "what") > 0:
					standing[o.Ref] = rapid.SampledFrom(byRef[o.Ref]).Draw(rt, "version")
				default:
					delete(standing, o.Ref)
				}
			}
			in := mesh.Inputs{Settings: mesh.DefaultSettings()}
			for _, o := range standing {
				in.Objects = append(in.Objects, o)
			}
			last = mesh.Build(last, in)
			if rapid.IntRange(0, 3).Draw(rt, "stop") == 0 { // what is put off is made up for
				gone := make(chan struct{})
				close(gone)
				if _, whole := engine.UpdateUntil(gone, last); whole && engine.Ran() > 0 {
					rt.Fatal("an update that was stopped before it began got to the end")
				}
				if rapid.Bool().Draw(rt, "again") {
					engine.Observe(now)
				} else {
					continue
				}
			}
			got := engine.Update(last)
			want := Run(mesh.Build(nil, in), now, Options{})
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("from scratch and followed differ (-scratch +followed):\n%s", diff)
			}
		}
	})
}

// TestEngineForgets removes everything again: nothing may stay behind.
func TestEngineForgets(t *testing.T) {
	objects, _ := pool(t)
	engine := NewEngine(Options{})
	full := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
	engine.Update(full)
	engine.Update(mesh.Build(full, mesh.Inputs{Settings: mesh.DefaultSettings()}))
	if n := len(engine.readers); n > 0 {
		t.Errorf("%d look-ups are still known", n)
	}
	for c, units := range engine.units {
		if len(units) > 0 {
			t.Errorf("%s: %d units are still known", c.Code, len(units))
		}
	}
	for l, values := range engine.index.values {
		if len(values) > 0 {
			t.Errorf("%s: %d values are still known", l.Name, len(values))
		}
	}
}

func TestPartialAndSuppressed(t *testing.T) {
	c := readCase(t, "testdata/virtualservice/destination-host.txtar")
	code := func(f mesh.Finding) bool { return f.Code == "HDL2101" }
	closed := Run(c.snapshot, Evidence{}, Options{})
	if !slices.ContainsFunc(closed.Findings, code) {
		t.Fatalf("closed world: %v", closed.Findings)
	}
	partial := Run(c.snapshot, Evidence{}, Options{Partial: true})
	if slices.ContainsFunc(partial.Findings, code) || !slices.ContainsFunc(partial.Unknown, func(u Unknown) bool { return u.Code == "HDL2101" }) {
		t.Errorf("partial world: %v, unknown %v", partial.Findings, partial.Unknown)
	}
	for _, p := range []Suppression{{Code: "HDL2101"}, {Code: "IST0101", Kind: "virtualservice", Name: "forecast/*"}} {
		quiet := Run(c.snapshot, Evidence{}, Options{Suppress: []Suppression{p}})
		if slices.ContainsFunc(quiet.Findings, code) || !slices.ContainsFunc(quiet.Suppressed, code) {
			t.Errorf("%+v: findings %v", p, quiet.Findings)
		}
	}
	if other := Run(c.snapshot, Evidence{}, Options{Suppress: []Suppression{{Code: "HDL2101", Name: "elsewhere/split"}}}); !slices.ContainsFunc(other.Findings, code) {
		t.Error("a suppression for another object silenced this one")
	}
	for annotation, want := range map[string]map[string]bool{
		AnnotationSuppress: {"HDL2101=next week, we hope": true, "HDL2101": false, "HDL1000=x,HDL2101=y": true, "HDL2102=no": false},
		annotationIstio:    {"IST0101": true, "*": true, "IST0102, IST0101": true, "IST0102": false},
		annotationKiali:    {"": true, "KIA1101": true, "KIA1102": false},
	} {
		for text, quiet := range want {
			o := *c.snapshot.Kind(mesh.KindVirtualService)[0]
			o.Annotations = map[string]string{annotation: text}
			o.Hash = mesh.HashOf(annotation, text)
			got := Run(c.snapshot.With(&o), Evidence{}, Options{})
			if slices.ContainsFunc(got.Findings, code) == quiet {
				t.Errorf("%s: %q: quiet is %v", annotation, text, !quiet)
			}
		}
	}
}

func TestAdded(t *testing.T) {
	a := mesh.Finding{Code: "HDL2101", Path: "spec.http[0]", Message: "a"}
	moved := a
	moved.Path = "spec.http[1]"
	other := mesh.Finding{Code: "HDL2101", Path: "spec.http[0]", Message: "b"}
	if got := Added([]mesh.Finding{a}, []mesh.Finding{moved, other, moved}); len(got) != 2 || got[0].Message != "b" {
		t.Errorf("added: %v", got)
	}
}

func TestEvidence(t *testing.T) {
	if e := (Evidence{}); e.suffices([]Aspect{AspectNow}) || !e.suffices(nil) {
		t.Error("no evidence suffices for nothing but nothing")
	}
	if e := (Evidence{Now: time.Unix(1, 0)}); !e.suffices([]Aspect{AspectNow}) || len(e.lacks([]Aspect{AspectNow, AspectCalls})) != 1 {
		t.Error("the time is known, calls are not")
	}
}

func TestStoppedWorkEnds(t *testing.T) {
	objects, _ := pool(t)
	snap := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: slices.CompactFunc(objects, func(a, b *mesh.Object) bool { return a.Ref == b.Ref })})
	gone := make(chan struct{})
	close(gone)
	for _, bounded := range []bool{false, true} {
		if r := Run(snap, Evidence{}, Options{Bounded: bounded, Stop: gone}); len(r.Findings)+len(r.Unknown) != 0 {
			t.Errorf("bounded %v: %d findings of work that nobody waits for", bounded, len(r.Findings))
		}
	}
	wrong := []config.File{{Name: "a.yaml", Data: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: A_B}\nspec: {}\n")}}
	if len(Files(wrong, Together, FileOptions{}).Findings) == 0 {
		t.Fatal("the file has no findings")
	}
	if a := Files(wrong, Together, FileOptions{Options: Options{Stop: gone}}); len(a.Findings) != 0 {
		t.Errorf("files: %+v", a.Findings)
	}
}
