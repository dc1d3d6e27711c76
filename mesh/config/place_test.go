package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestPlace(t *testing.T) {
	text := []byte("# note\nkind: A\nspec:\n  hosts: [x]\n  http:\n  - route:\n    - destination:\n        host: y\n")
	for _, c := range []struct {
		text         []byte
		path         string
		line, column int
	}{
		{text, "spec.http[0].route[0].destination.host", 8, 15},
		{text, "spec.hosts[0]", 4, 11},
		{text, "spec.http[0].route[0].destination.subset", 8, 9}, // is missing: where it would stand
		{text, "spec.http[7]", 6, 3},
		{text, "", 2, 1},
		{text, "spec[", 1, 1},
		{nil, "spec", 1, 1},
		{[]byte("a: [b"), "a", 1, 1},
	} {
		if line, column := config.Place(c.text, c.path); line != c.line || column != c.column {
			t.Errorf("%s: %d:%d, want %d:%d", c.path, line, column, c.line, c.column)
		}
	}
}

func TestLines(t *testing.T) {
	text := []byte("# note\nkind: A\nspec:\n  hosts: [x]\n  http:\n  - route:\n    - destination:\n        host: y\n  traffic_policy:\n    tls: {mode: DISABLE}\n")
	for path, want := range map[string]int{
		"spec.http":                              5,
		"spec.http[0]":                           6,
		"spec.http[0].route":                     6,
		"spec.http[0].route[0].destination":      7,
		"spec.http[0].route[0].destination.host": 8,
		"spec.http[0].route[0].destination.port": 8, // is missing: what is around it
		"spec.http[7].timeout":                   6,
		"spec.trafficPolicy.tls.mode":            10,
		"spec.trafficPolicy":                     9,
		"":                                       2,
		"spec[":                                  1,
	} {
		if got := config.Lines(text)(path); got != want {
			t.Errorf("%s: line %d, want %d", path, got, want)
		}
	}
	if got := config.Lines(nil)("spec"); got != 1 {
		t.Errorf("no text: line %d", got)
	}
}

func TestTemplate(t *testing.T) {
	p := config.PlacesOf([]byte("---\n# Source: shop/templates/a.yaml\nkind: A\n---\n# by hand\nkind: B\n# Source: no\n---\nkind: C\n---\n\n# more\n# Source: shop/templates/d.yaml\nkind: D\n"))
	for line, want := range map[int]string{3: "shop/templates/a.yaml", 6: "", 9: "", 14: "shop/templates/d.yaml"} {
		if got := p.Template(line); got != want {
			t.Errorf("line %d is of %q, want %q", line, got, want)
		}
	}
}

// TestPlacerReadsOnce shows that many paths in one long text are found in about
// the time of one: who writes a long rule may make a finding of every line.
func TestPlacerReadsOnce(t *testing.T) {
	const rules = 2_000
	text := []byte("spec:\n  http:\n" + strings.Repeat("  - timeout: 1s\n", rules))
	place := config.Placer(text)
	for i := range rules {
		path := fmt.Sprintf("spec.http[%d].timeout", i)
		if line, column := place(path); line != i+3 || column != 14 {
			t.Fatalf("%s is at %d:%d", path, line, column)
		}
	}
	if allocations := testing.AllocsPerRun(100, func() { place("spec.http[1999].timeout") }); allocations > 50 {
		t.Errorf("one more path costs %v allocations", allocations)
	}
}
