package graph_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// Labels of metrics are what programs in pods made them: none reaches a terminal
// as it is, and none makes a line.
func TestHostileNames(t *testing.T) {
	const evil = "a\x1b]52;c;ZXZpbA==\x07\nb\t\u009b2J\u202e\""
	g := &graph.Graph{
		Nodes: []graph.Node{
			{ID: "1" + evil, Kind: graph.KindWorkload, Namespace: evil, Name: evil},
			{ID: "2" + evil, Kind: graph.KindVersionedApp, Namespace: evil, App: evil, Name: evil, Version: evil, External: true},
			{ID: "3" + evil, Kind: graph.KindWorkload, Name: evil, Idle: true},
		},
		Edges: []graph.Edge{{ID: evil, Source: "1" + evil, Target: "2" + evil, Rates: graph.Rates{Protocol: graph.Protocol(evil), ErrorShare: 1}, Health: graph.Health{State: evil}}},
	}
	for form, lines := range map[string]int{"tree": 4, "table": 4, "dot": 8} {
		got := render(t, form, g)
		if plain.Lines(got) != got || strings.ContainsRune(got, '\t') || strings.Count(got, "\n") != lines {
			t.Errorf("%s: %q", form, got)
		}
	}
}

// On a terminal, no line of a tree is longer than it, as long as the words in it
// allow that.
func TestNarrowTrees(t *testing.T) {
	long := strings.Repeat("long-", 6) + "name"
	g := &graph.Graph{
		Nodes: []graph.Node{
			{ID: "a", Name: "istio-ingressgateway", Namespace: "istio-system", Gateway: true, Pods: graph.Pods{Ready: 1, Total: 2}},
			{ID: "b", Name: long, Namespace: "default", Pods: graph.Pods{Total: 10}},
			{ID: "c", Name: "c", External: true},
			{ID: "d", Name: "d-idle", Idle: true},
			{ID: "e", Name: "e-idle", Idle: true},
			{ID: "f", Name: strings.Repeat("idle-", 14), Idle: true},
		},
		Edges: []graph.Edge{
			{Source: "a", Target: "b", Rates: graph.Rates{Protocol: graph.HTTP}},
			{Source: "b", Target: "c", Rates: graph.Rates{Protocol: graph.HTTP}},
			{Source: "c", Target: "b", Rates: graph.Rates{Protocol: graph.HTTP}},
			{Source: "a", Target: "c", Rates: graph.Rates{Protocol: graph.TCP}},
		},
	}
	words := func(columns int) (string, []string) {
		var b strings.Builder
		if err := graph.Tree(&b, g, columns); err != nil {
			t.Fatal(err)
		}
		return b.String(), strings.FieldsFunc(b.String(), func(r rune) bool { return strings.ContainsRune(" \n│", r) })
	}
	_, all := words(0)
	for columns := 80; columns <= 200; columns++ {
		text, some := words(columns)
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%d columns in a line of %d: %q", n, columns, line)
			}
		}
		if strings.Join(some, " ") != strings.Join(all, " ") {
			t.Errorf("in %d columns it does not say the same:\n%s", columns, text)
		}
	}
}
