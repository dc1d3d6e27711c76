package validate

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

var update = flag.Bool("update", false, "write what the checks find into the case files")

// testCase is a file of testdata: objects, what was observed, and what the
// checks named in its first line say about it.
type testCase struct {
	name     string
	about    []string
	snapshot *mesh.Snapshot
	evidence Evidence
	want     string
}

func caseFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txtar") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readCase(t *testing.T, file string) testCase {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := testCase{name: file}
	first, _, _ := strings.Cut(string(archive.Comment), "\n")
	about, ok := strings.CutPrefix(first, "about:")
	if !ok {
		t.Fatalf("%s: the first line must be about: CODE…", file)
	}
	c.about = strings.Fields(about)
	in := mesh.Inputs{Settings: mesh.DefaultSettings()}
	for _, f := range archive.Files {
		switch f.Name {
		case "mesh.yaml", "unplaced.yaml":
			got := config.Options{Checks: true}.Decode(file, f.Data)
			for _, p := range got.Problems {
				if p.Severity == mesh.Error {
					t.Fatalf("%s: %s %s: %s", file, p.Ref, p.Path, p.Message)
				}
			}
			for _, o := range got.Objects {
				placed := *o // as where a namespace is given to what has none
				placed.Unplaced = o.Unplaced && f.Name == "unplaced.yaml"
				in.Objects = append(in.Objects, &placed)
			}
		case "meshconfig.yaml":
			m, problems := config.DecodeMeshConfig(file, f.Data)
			for _, p := range problems {
				t.Fatalf("%s: %s: %s", file, p.Path, p.Message)
			}
			in.Settings = config.Settings(in.Settings, m)
		case "evidence.yaml":
			c.evidence = readEvidence(t, file, f.Data)
		case "want":
			c.want = string(f.Data)
		default:
			t.Fatalf("%s: no such section: %s", file, f.Name)
		}
	}
	c.snapshot = mesh.Build(nil, in)
	return c
}

// said is what the checks that a case is about have to say.
func said(c testCase, findings []mesh.Finding) string {
	var lines []string
	for _, f := range findings {
		if slices.Contains(c.about, f.Code) {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Code, f.Severity, f.Ref, f.Path)))
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestCases(t *testing.T) {
	positive, negative := map[string]bool{}, map[string]bool{}
	for _, file := range caseFiles(t) {
		c := readCase(t, file)
		report := Run(c.snapshot, c.evidence, Options{})
		got := said(c, report.Findings)
		if *update {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		for _, code := range c.about {
			if strings.Contains(got, code+" ") {
				positive[code] = true
			} else {
				negative[code] = true
			}
		}
		for _, f := range report.Findings {
			if f.Code == mesh.CodeFault {
				t.Errorf("%s: %s", file, f.Message)
			}
			for _, lang := range Languages {
				w, _ := Explained(lang, f.Code, f.Params)
				said := strings.Join([]string{w.Message, w.Why, w.Fix}, " ")
				if left := placeholder.FindString(said); left != "" && slices.Contains(c.about, f.Code) {
					t.Errorf("%s: %s: %s has no value in %q", file, f.Code, left, said)
				}
			}
		}
	}
	for _, c := range List {
		if !positive[c.Code] || !negative[c.Code] {
			t.Errorf("%s: there must be a case where it speaks (have: %v) and one where it does not (have: %v)", c.Code, positive[c.Code], negative[c.Code])
		}
	}
}

// TestReads reduces the mesh to the kinds that a check says it reads: it must
// find the same.
func TestReads(t *testing.T) {
	for _, file := range caseFiles(t) {
		c := readCase(t, file)
		for i := range List {
			check := &List[i]
			in := mesh.Inputs{Settings: c.snapshot.Settings}
			for o := range c.snapshot.Objects.Values() {
				if slices.Contains(check.Reads, o.Kind) {
					in.Objects = append(in.Objects, o)
				}
			}
			whole := alone(check, c.snapshot, c.evidence)
			reduced := alone(check, mesh.Build(nil, in), c.evidence)
			if diff := cmp.Diff(whole, reduced); diff != "" {
				t.Errorf("%s: %s reads more kinds than it says (-whole +reduced):\n%s", file, check.Code, diff)
			}
		}
	}
}

func alone(c *Check, s *mesh.Snapshot, e Evidence) []mesh.Finding {
	var out []mesh.Finding
	for _, k := range keysOf(s, c) {
		u := unit{check: c, key: k}
		u.run(newIndex(s), e, false)
		out = append(out, u.found...)
	}
	slices.SortStableFunc(out, mesh.CompareFindings)
	return out
}

var placeholder = regexp.MustCompile(`\{[a-zA-Z]+\}`)

func TestWords(t *testing.T) {
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Codes() {
		english := all[Languages[0]][c.Code]
		for _, lang := range Languages {
			w, ok := all[lang][c.Code]
			if !ok || w.Message == "" || w.Why == "" || w.Fix == "" {
				t.Errorf("%s: message, why and fix are needed in %s", c.Code, lang)
				continue
			}
			if diff := cmp.Diff(placeholders(english.Message), placeholders(w.Message)); diff != "" {
				t.Errorf("%s: placeholders differ in %s (-en +%s):\n%s", c.Code, lang, lang, diff)
			}
		}
		if english.Example == "" {
			t.Errorf("%s: there is no example", c.Code)
		}
	}
}

func placeholders(s string) []string {
	all := placeholder.FindAllString(s, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// TestOptionalParts holds that a part of a message goes with what it would say.
func TestOptionalParts(t *testing.T) {
	for _, lang := range Languages {
		with := Message(lang, "HDL2108", map[string]string{"gateway": "edge", "hosts": "a", "open": "b.example.com"})
		without := Message(lang, "HDL2108", map[string]string{"gateway": "edge", "hosts": "a", "open": ""})
		if !strings.Contains(with, "b.example.com") || strings.ContainsAny(with+without, "[]{}") || len(without) >= len(with)-len("b.example.com") {
			t.Errorf("%s: %q and %q", lang, with, without)
		}
	}
}

func TestCodesAreUnique(t *testing.T) {
	seen, theirs := map[string]bool{}, map[string]string{}
	for _, c := range List {
		if seen[c.Code] {
			t.Errorf("%s stands twice in the list", c.Code)
		}
		seen[c.Code] = true
		n := 0
		for _, code := range c.SameAs {
			if strings.HasPrefix(code, "IST") {
				n++
				theirs[code] = c.Code
			}
		}
		if n > 1 {
			t.Errorf("%s is the same as %d codes of Istio; it can be one at most", c.Code, n)
		}
	}
}
