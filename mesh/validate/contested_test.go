package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// rivalsText are VirtualServices of the same hosts.
func rivalsText(objects, hosts, from int, extra string) string {
	var b strings.Builder
	for i := range objects {
		fmt.Fprintf(&b, "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v%03d}\nspec:\n  %shttp: [{route: [{destination: {host: a}}]}]\n  hosts:\n", i, extra)
		for h := range hosts {
			fmt.Fprintf(&b, "  - h%03d.example.com\n", from+h)
		}
	}
	return b.String()
}

// conflictsIn are what is found for hosts in conflict, by object.
func conflictsIn(t *testing.T, text string) (all []mesh.Finding, of map[string][]mesh.Finding) {
	t.Helper()
	result := config.Decode("a.yaml", []byte(text))
	r := Run(mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: result.Objects}), Evidence{}, Options{Bounded: true})
	for _, u := range r.Unknown {
		if u.Effort {
			t.Errorf("%s was broken off", u.Code)
		}
	}
	of = map[string][]mesh.Finding{}
	for _, f := range r.Findings {
		if f.Code == "HDL2109" {
			all = append(all, f)
			of[f.Ref.Namespace+"/"+f.Ref.Name] = append(of[f.Ref.Namespace+"/"+f.Ref.Name], f)
		}
	}
	return all, of
}

func TestHostsInConflictAreBounded(t *testing.T) {
	for _, extra := range []string{"", "exportTo: [\".\"]\n  "} {
		_, of := conflictsIn(t, rivalsText(120, 300, 0, extra))
		if len(of) != 120 {
			t.Errorf("%q: %d of 120 objects have a finding", extra, len(of))
		}
		for name, list := range of {
			if len(list) != maxConflicts {
				t.Fatalf("%q: %s has %d findings", extra, name, len(list))
			}
			more := slices.DeleteFunc(list, func(f mesh.Finding) bool { return f.Params[moreParam] == "" })
			if len(more) != 1 || more[0].Params[moreParam] != "280" || !strings.Contains(more[0].Message, "280 more") {
				t.Fatalf("%q: of %s the last is told as %+v", extra, name, more)
			}
		}
	}
}

// An object that everybody sees stands against those of many namespaces.
func TestObjectsKeepAConflict(t *testing.T) {
	text := rivalsText(1, 300, 0, "") +
		strings.ReplaceAll(rivalsText(2, 300, 0, "exportTo: [\".\"]\n  "), "{name: ", "{namespace: n, name: p") +
		// Of many hosts the last is ruled by another too, and by those of the namespace.
		strings.ReplaceAll(rivalsText(1, 300, 299, ""), "{name: ", "{name: w")
	_, of := conflictsIn(t, text)
	for name, n := range map[string]int{"default/v000": maxConflicts + 1, "n/pv000": maxConflicts, "n/pv001": maxConflicts, "default/wv000": 2} {
		if len(of[name]) != n {
			t.Errorf("%s has %d findings, want %d", name, len(of[name]), n)
		}
	}
	if few, _ := conflictsIn(t, rivalsText(2, maxConflicts, 0, "")); len(few) != 2*maxConflicts ||
		slices.ContainsFunc(few, func(f mesh.Finding) bool { return f.Params[moreParam] != "" }) {
		t.Errorf("of as many as are told there are %d", len(few))
	}
}

// What comes to light because something else was mended is not new.
func TestAddedKnowsOfUntoldConflicts(t *testing.T) {
	before, _ := conflictsIn(t, rivalsText(2, 30, 1, ""))
	fewer, _ := conflictsIn(t, rivalsText(2, 29, 2, ""))
	other, _ := conflictsIn(t, rivalsText(2, 31, 0, ""))
	if added := Added(before, fewer); len(added) != 0 {
		t.Errorf("with one host less %d findings are new: %+v", len(added), added[0])
	}
	if added := Added(before, other); len(added) != 2 || added[0].Params["host"] != "h000.example.com" {
		t.Errorf("with one host more these are new: %+v", added)
	}
	if gone := Added(other, before); len(gone) != 0 {
		t.Errorf("without it these are new: %+v", gone)
	}
}
