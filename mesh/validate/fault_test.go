package validate

import (
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// withCheck adds a check to the list as long as a test runs.
func withCheck(t *testing.T, c Check) {
	t.Helper()
	before := List
	List = append(slices.Clone(List), c)
	t.Cleanup(func() { List = before })
}

// stumbling is a check that panics at objects of a name.
func stumbling(name string) Check {
	return Check{
		Code: "HDL2999", Severity: mesh.Error, On: onlyServices, Keys: eachObject, Reads: onlyServices,
		Run: forObject(func(_ *Index, o *mesh.Object, _ Evidence) []Found {
			if o.Name == name {
				panic("no such luck")
			}
			return nil
		}),
	}
}

func faultsIn(list []mesh.Finding) (out []mesh.Finding) {
	for _, f := range list {
		if f.Code == mesh.CodeFault {
			out = append(out, f)
		}
	}
	return out
}

// TestFaultOfACheck holds that a panic in a check is a finding that names the
// check and the object, that all else is found as before, and that it clears with
// the object.
func TestFaultOfACheck(t *testing.T) {
	world := func(name string) *mesh.Snapshot {
		return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, service("one")+"---\n"+service(name))})
	}
	without := Run(world("odd"), Evidence{}, Options{}).Findings
	withCheck(t, stumbling("odd"))
	var told []Fault
	opt := Options{OnFault: func(f Fault) { told = append(told, f) }}
	engine := NewEngine(opt)
	for name, got := range map[string]Report{"once": Run(world("odd"), Evidence{}, opt), "live": engine.Update(world("odd"))} {
		faults := faultsIn(got.Findings)
		if len(faults) != 1 || faults[0].Ref.Name != "odd" || faults[0].Severity != mesh.Warning ||
			!strings.Contains(faults[0].Message, "HDL2999") || !strings.Contains(faults[0].Message, "no such luck") {
			t.Errorf("%s: %v", name, faults)
		}
		if len(got.Findings) != len(without)+1 {
			t.Errorf("%s: %d findings, %d without the fault", name, len(got.Findings), len(without))
		}
	}
	if len(told) != 2 || told[0].Check != "HDL2999" || !strings.Contains(string(told[0].Stack), "stumbling") {
		t.Errorf("told of: %v", told)
	}
	if left := faultsIn(engine.Update(world("even")).Findings); len(left) != 0 {
		t.Errorf("the object is gone, its fault not: %v", left)
	}
}

// TestFaultInAFile holds that a fault is told of the file too, also one that
// concerns no single object.
func TestFaultInAFile(t *testing.T) {
	c := stumbling("odd")
	c.Keys = eachNamespace
	c.Run = func(*Index, Key, Evidence) []Found { panic("no such luck") }
	withCheck(t, c)
	a := Files([]config.File{{Name: "a.yaml", Data: []byte(service("odd"))}}, Together, FileOptions{Settings: mesh.DefaultSettings()})
	if !slices.ContainsFunc(a.Findings, func(l Located) bool { return l.Code == mesh.CodeFault }) {
		t.Errorf("nothing is said of it: %v", a.Findings)
	}
}

// TestFaultOutsideOfChecks holds that also a panic while work is prepared leaves
// the engine alive, and able to go on.
func TestFaultOutsideOfChecks(t *testing.T) {
	broken := true
	c := stumbling("")
	c.Keys = func(set mesh.Settings, o *mesh.Object) []Key {
		if broken && o.Name == "odd" {
			panic("no such luck")
		}
		return eachObject(set, o)
	}
	withCheck(t, c)
	engine := NewEngine(Options{})
	world := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, service("one")+"---\n"+service("odd"))})
	for range 2 {
		if n := len(faultsIn(engine.Update(world).Findings)); n != 1 {
			t.Fatalf("%d faults are told", n)
		}
	}
	broken = false
	got := engine.Update(world)
	if want := Run(world, Evidence{}, Options{}); len(got.Findings) != len(want.Findings) || len(faultsIn(got.Findings)) != 0 {
		t.Errorf("afterwards %d findings, from scratch %d", len(got.Findings), len(want.Findings))
	}
}
