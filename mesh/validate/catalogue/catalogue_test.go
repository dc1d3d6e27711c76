package catalogue

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh/validate"
)

// TestGeneratedFiles holds the committed files against the words they come from.
func TestGeneratedFiles(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join("../../..", path))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date; run go generate ./mesh/validate/catalogue", path)
		}
	}
}

func TestTextsAreOfAllCodes(t *testing.T) {
	var codes []string
	for _, c := range validate.Codes() {
		codes = append(codes, c.Code)
	}
	for _, lang := range validate.Languages {
		data, err := Texts(lang)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]Text
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(codes, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("%s (-codes +texts):\n%s", lang, diff)
		}
		for code, text := range got {
			if text.Message == "" || text.Why == "" || text.Fix == "" || text.Example == "" || text.Severity == "" {
				t.Errorf("%s: %s lacks something: %+v", lang, code, text)
			}
		}
	}
	if _, err := Texts("tlh"); err == nil {
		t.Error("a language without words gives texts")
	}
}

// TestPageHasEachCode holds that the page explains each code once, and that no
// code of another tool is both checked and left out.
func TestPageHasEachCode(t *testing.T) {
	page := string(Page())
	for _, c := range validate.Codes() {
		if n := strings.Count(page, "\n### "+c.Code+"\n"); n != 1 {
			t.Errorf("%s is explained %d times", c.Code, n)
		}
		for _, l := range leftOut {
			for _, same := range c.SameAs {
				if strings.Contains(l.codes, same) {
					t.Errorf("%s is checked as %s, and listed as left out", same, c.Code)
				}
			}
		}
	}
}
