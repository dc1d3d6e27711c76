// Package conformance compares verdicts with those of the reference
// implementation. Its data is not part of the project: HEDDLE_CONFORMANCE names
// the folder that holds it.
package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// data is the folder with the verdicts, "" when there is none.
func data(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("HEDDLE_CONFORMANCE")
	if folder == "" {
		t.Log("not present: HEDDLE_CONFORMANCE names no folder; the own cases of mesh/config still run")
	}
	return folder
}

// newer are places of cases that hold what the pinned version of the API does not
// know. The schema of the reference drops such fields; we name them.
var newer = map[string]string{
	"reqauth-valid.yaml:1": "spec.jwtRules[0].presence came into the API after the pinned release",
}

// TestSchemas decodes single documents: those that say with what words they
// must be refused, and those that a schema accepts, whatever the rules of whole
// objects say of them.
func TestSchemas(t *testing.T) {
	folder := data(t)
	if folder == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(folder, "crd", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no schema cases in %s: %v", folder, err)
	}
	refused, accepted := 0, 0
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range config.Split(text) {
				if doc.Blank() {
					continue
				}
				var head struct {
					Err string `yaml:"_err"`
				}
				if err := yaml.Unmarshal(doc.Text, &head); err != nil {
					t.Fatalf("line %d: %v", doc.Line, err)
				}
				got := config.Decode("case.yaml", bare.ReplaceAll(doc.Text, nil))
				if head.Err == "" {
					accepted++
					place := fmt.Sprintf("%s:%d", filepath.Base(name), doc.Line)
					if why := newer[place]; why != "" {
						t.Log(place, why)
					} else if slices.ContainsFunc(got.Problems, bySchema) {
						t.Errorf("line %d: must be accepted, got %s", doc.Line, describe(got.Problems))
					}
					continue
				}
				refused++
				if len(got.Bad) == 0 {
					t.Errorf("line %d: must be refused: %s", doc.Line, head.Err)
				} else if path := placeOf(head.Err); !names(got.Problems, path) {
					t.Errorf("line %d: must name %s, got %s", doc.Line, path, describe(got.Problems))
				}
			}
		})
	}
	t.Logf("%d files: %d documents refused, %d accepted", len(files), refused, accepted)
}

func bySchema(f mesh.Finding) bool { return f.Code == mesh.CodeSchema || f.Code == mesh.CodeSyntax }

// bare finds the line that tells the verdict.
var bare = regexp.MustCompile(`(?m)^_err:.*\n`)

// place finds the field path with which a verdict begins.
var place = regexp.MustCompile(`^(spec[\w.\[\]]*)`)

func placeOf(verdict string) string { return strings.TrimSuffix(place.FindString(verdict), ".") }

// names reports whether an error is at a path, in it, or at what it is in.
func names(findings []mesh.Finding, path string) bool {
	for _, f := range findings {
		if f.Severity == mesh.Error && (strings.HasPrefix(f.Path, path) || strings.HasPrefix(path, f.Path)) {
			return true
		}
	}
	return false
}

func describe(findings []mesh.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		if f.Severity == mesh.Error {
			b.WriteString("\n\t" + f.Code + " " + f.Path + ": " + f.Message)
		}
	}
	return b.String()
}
