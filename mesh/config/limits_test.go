package config_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

func TestLimits(t *testing.T) {
	deep := "apiVersion: networking.istio.io/v1\nkind: EnvoyFilter\nmetadata: {name: x}\nspec: {configPatches: [{patch: {value: {a: " +
		strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}}}]}\n"
	bomb := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nl0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		ref := fmt.Sprintf("*l%d", i)
		bomb += fmt.Sprintf("l%d: &l%d [%s]\n", i+1, i+1, strings.Join(slices.Repeat([]string{ref}, 10), ", "))
	}
	bomb = strings.Replace(bomb, "kind: ConfigMap", "kind: EnvoyFilter", 1)
	bomb = strings.Replace(bomb, "apiVersion: v1", "apiVersion: networking.istio.io/v1alpha3", 1)
	bomb += "spec: {configPatches: [{patch: {value: {a: *l9}}}]}\n"
	merges := ""
	for i := range 9 {
		merges += fmt.Sprintf("l%d: &l%d [%s]\n", i+1, i+1, strings.Join(slices.Repeat([]string{fmt.Sprintf("*l%d", i)}, 10), ", "))
	}
	loop := "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: x}\nspec: {configPatches: [{patch: {value: &v {a: *v}}}]}\n"
	for name, text := range map[string]string{
		"deep": deep, "bomb": bomb, "loop": loop,
		"large":     "a: " + strings.Repeat("x", config.MaxBytes),
		"not UTF-8": "a: \xff\n",
		"merges": "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: x}\nl0: &l0 {}\n" + merges +
			"spec: {configPatches: [{patch: {value: {<<: *l9}}}]}\n",
		"dense": "a: [" + strings.Repeat("1,", 100_000) + "]\n",
	} {
		r := config.Decode("x.yaml", []byte(text))
		if len(r.Objects) != 0 || len(r.Problems) == 0 || len(r.Bad) != 1 {
			t.Errorf("%s: %d objects, problems %v", name, len(r.Objects), r.Problems)
		}
	}
}

// TestManyObjectsAndFindings shows that of very many only the first are told,
// and that the last finding counts the others.
func TestManyObjectsAndFindings(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		problems int
		bad      int
		last     string
	}{
		"documents": {strings.Repeat("a: 1\n---\n", 12_000), 1002, 10_000, "the file holds more than 10000 objects"},
		"items":     {"apiVersion: v1\nkind: List\nitems:\n" + strings.Repeat("- {}\n", 12_000), 1002, 10_000, "the file holds more than 10000 objects"},
		"findings": {
			"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspec:\n  hosts: [a]\n" + strings.Repeat("  f: 1\n", 1500),
			1001, 1, "and 500 more problems",
		},
		"expressions": {
			"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspec:\n  hosts: [a]\n  http:\n" +
				strings.Repeat("  - route: [{destination: {host: a}}]\n    match:\n"+strings.Repeat("    - uri: {regex: '['}\n", 1000), 4),
			1001, 1, "more problems",
		},
		"aliases": {
			"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspec:\n  a: &a {f: 1}\n  http: [" + strings.Repeat("*a,", 2000) + "]\n",
			1001, 1, "more problems",
		},
	} {
		r := config.Decode("x.yaml", []byte(c.text))
		if len(r.Problems) != c.problems || len(r.Bad) != c.bad {
			t.Errorf("%s: %d problems, %d bad", name, len(r.Problems), len(r.Bad))
			continue
		}
		if last := r.Problems[len(r.Problems)-1]; !strings.Contains(last.Message, c.last) || last.Severity != mesh.Error {
			t.Errorf("%s: the last finding is %+v", name, last)
		}
	}
}

// TestNotesDoNotHideErrors shows that what is left out is as severe as the worst
// of it, and that an error is told whatever number of notes stands before it.
func TestNotesDoNotHideErrors(t *testing.T) {
	const head = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x}\nspec:\n  hosts: [a]\n  http:\n"
	noted := func(n int) string { // each route is warned of: nobody supports its field
		return head + strings.Repeat("  - route: [{destination: {host: a}}]\n    corsPolicy: {maxAge: 1s}\n", n)
	}
	var kinds strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&kinds, "apiVersion: example.com/v1\nkind: Unheard%d\nmetadata: {name: a}\n---\n", i)
	}
	const bad = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: y}\nspec: {hosts: 1}\n"
	for name, c := range map[string]struct {
		text           string
		checks         bool
		errors         int
		last           string
		severity       mesh.Severity
		objectsAtLeast int
	}{
		"one note more":              {kinds.String(), true, 0, "and 1 more problem in this file", mesh.Info, 0},
		"an error after the notes":   {kinds.String() + bad, true, 1, "and 2 more problems in this file", mesh.Info, 0},
		"warnings can be applied":    {noted(1100), false, 0, "more problems", mesh.Warning, 1},
		"an error after warnings":    {noted(1100) + "  - route: [{destination: {host: ''}}]\n", false, 1, "more problems", mesh.Warning, 0},
		"errors beyond the warnings": {noted(1100) + strings.Repeat("  - route: [{destination: {host: ''}}]\n", 1100), false, 1000, "more problems", mesh.Error, 0},
	} {
		r := config.Options{Checks: c.checks}.Decode("x.yaml", []byte(c.text))
		last := r.Problems[len(r.Problems)-1]
		errors := 0
		for _, p := range r.Problems[:len(r.Problems)-1] {
			if p.Severity == mesh.Error {
				errors++
			}
		}
		if len(r.Problems) != 1001 || errors != c.errors || !strings.Contains(last.Message, c.last) || last.Severity != c.severity || len(r.Objects) < c.objectsAtLeast {
			t.Errorf("%s: %d problems, %d errors (want %d), %d objects; the last is %s %s %s",
				name, len(r.Problems), errors, c.errors, len(r.Objects), last.Severity, last.Code, last.Message)
		}
	}
}

// TestLongLinesOfJSON shows that places are right in what is broken up to be
// parsed.
func TestLongLinesOfJSON(t *testing.T) {
	items := make([]string, 0, 4000)
	for i := range cap(items) {
		items = append(items, fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m%d"},"data":{"é, [":"a\",b","c":"\\"}}`, i))
	}
	items[3000] = strings.Replace(items[3000], `"data"`, `"dato"`, 1)
	text := `{"apiVersion":"v1","kind":"List","items":[` + strings.Join(items, ",") + "]}"
	r := config.Decode("x.json", []byte(text))
	if len(r.Objects) != len(items)-1 || len(r.Problems) != 1 {
		t.Fatalf("%d objects, %d problems, first %v", len(r.Objects), len(r.Problems), r.Problems[0])
	}
	want := len([]rune(text[:strings.Index(text, `"dato"`)])) + 1
	if p := r.Problems[0]; p.Line != 1 || p.Column != want {
		t.Errorf("the problem is at %d:%d, want 1:%d", p.Line, p.Column, want)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, doc := range config.Split(archive.Files[0].Data) {
			f.Add(doc.Text)
		}
	}
	f.Add([]byte("a: &a [b, b]\nc: &c [*a, *a]\nd: [*c, *c]\n"))
	f.Add([]byte("<<: [{a: 1}, {b: 2}]\n" + strings.Repeat("[", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		r := config.Options{Checks: true}.Decode("x.yaml", data)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		// What one megabyte may take, with room for a slow machine; small inputs
		// have a fixed part. The compiling of rules is in it once.
		size := 1 + len(data)/(64<<10)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(size)*200<<20 || took > time.Duration(size)*5*time.Second {
			t.Errorf("%d bytes took %s and %d MB", len(data), took, used>>20)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, p := range r.Problems {
			if p.Line < 1 || p.Line > lines || p.Message == "" || p.Code == "" {
				t.Errorf("finding without a place or text: %+v", p)
			}
		}
		for _, o := range r.Objects {
			encoded, err := config.Encode(o)
			if err != nil {
				t.Fatalf("%s cannot be written: %v", o.Ref, err)
			}
			again := config.Options{Checks: true}.Decode("y.yaml", encoded)
			if len(again.Objects) != 1 || again.Objects[0].Hash != o.Hash {
				t.Errorf("%s became another object:\n%s\n%v", o.Ref, encoded, again.Problems)
			}
		}
	})
}
