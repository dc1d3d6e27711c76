package config

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

// applied is a text with replacements that all apply to it.
func applied(t *testing.T, text string, list []Replacement) string {
	t.Helper()
	out, at := "", 0
	for _, r := range list {
		if r.From < at || r.To < r.From || r.To > len(text) {
			t.Fatalf("replacements touch each other, or lead out of the text: %v", list)
		}
		out += text[at:r.From] + r.Insert
		at = r.To
	}
	return out + text[at:]
}

func TestReplacements(t *testing.T) {
	const text = "# zwölf 🦀\nspec:\n  a: zwölf # keep\n  b: [1, 2]\n  c: x\n"
	got, err := Replacements([]byte(text),
		Edit{Op: Set, Path: "spec.a", Value: "zwölfte"}, Edit{Op: Set, Path: "spec.c", Value: "y"},
		Edit{Op: Delete, Path: "spec.b[0]"}, Edit{Op: Set, Path: "spec.c", Value: "z"})
	if err != nil {
		t.Fatal(err)
	}
	want := "# zwölf 🦀\nspec:\n  a: zwölfte # keep\n  b: [2]\n  c: z\n"
	if diff := cmp.Diff(want, applied(t, text, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got) != 3 {
		t.Errorf("%d replacements, want one for each field: %v", len(got), got)
	}
	if got, err := Replacements([]byte(text), Edit{Op: Set, Path: "spec.c", Value: "x"}); err != nil || len(got) != 0 {
		t.Errorf("nothing changes: %v, %v", got, err)
	}
	if _, err := Replacements([]byte(text), Edit{Op: Set, Path: "spec.b[9]", Value: "1"}); err == nil {
		t.Error("an edit that cannot be made is an error")
	}
}

// TestReplacementsAreSplices holds that replacements lead to the same text as
// Splice, for random edits.
func TestReplacementsAreSplices(t *testing.T) {
	edits := []Edit{
		{Op: Set, Path: "spec.http[0].route[0].weight", Value: "50"},
		{Op: Set, Path: "spec.http[0].timeout", Value: "20s"},
		{Op: Delete, Path: "spec.http[0].timeout"},
		{Op: Set, Path: "spec.http[0].retries", Value: "{attempts: 2, retryOn: 5xx}"},
		{Op: Delete, Path: "spec.http[0].retries.attempts"},
		{Op: Insert, Path: "spec.hosts[0]", Value: "fünf"},
		{Op: Set, Path: "spec.hosts[0]", Value: "fünfzehn"},
		{Op: Delete, Path: "spec.hosts[1]"},
		{Op: Set, Path: "metadata.labels.a", Value: "é"},
		{Op: Set, Path: "metadata.labels", Value: "{}"},
		{Op: Insert, Path: "spec.http[0]", Value: "{name: new, route: [{destination: {host: x}}]}"},
		{Op: Delete, Path: "spec.http[0]"},
	}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		some := make([]Edit, 1+random.IntN(6))
		for i := range some {
			some[i] = edits[random.IntN(len(edits))]
		}
		want, err := Splice(t.Context(), []byte(virtualService), some...)
		got, also := Replacements([]byte(virtualService), some...)
		if (err == nil) != (also == nil) {
			t.Fatalf("%v: %v and %v", some, err, also)
		}
		if err != nil {
			continue
		}
		if diff := cmp.Diff(string(want), applied(t, virtualService, got)); diff != "" {
			t.Fatalf("%v (-splice +replacements):\n%s", some, diff)
		}
	}
}

// TestPlacesSplices resolves edits of objects in a file with a byte order mark,
// several documents, and a List.
func TestPlacesSplices(t *testing.T) {
	const text = "\xef\xbb\xbf# é\n--- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: one}}\n---\n" +
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data:\n    x: one # b\n" +
		"- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n  data:\n    x: one # c\n"
	r := Decode("a.yaml", []byte(text))
	if len(r.Objects) != 3 {
		t.Fatalf("%d objects: %v", len(r.Objects), r.Problems)
	}
	wants := []string{"x: two}}", "x: two # b", "x: two # c"}
	olds := []string{"x: one}}", "x: one # b", "x: one # c"}
	effort := 10_000
	for i, o := range r.Objects {
		got, err := PlacesOf([]byte(text)).Splices(o, []mesh.Edit{{Op: Set, Path: "data.x", Value: "two"}}, &effort)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Replace(text, olds[i], wants[i], 1), applied(t, text, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", o.Name, diff)
		}
	}
	if effort >= 10_000 {
		t.Error("nothing was charged")
	}
	effort = 10
	if _, err := PlacesOf([]byte(text)).Splices(r.Objects[0], []mesh.Edit{{Op: Set, Path: "data.x", Value: "two"}}, &effort); err == nil {
		t.Error("the effort does not suffice, and it was done")
	}
}
