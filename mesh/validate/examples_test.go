package validate

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// unshown are codes whose example would have to hold a private key.
var unshown = []string{"HDL2303", "HDL2309", "HDL2311"}

// TestExamples holds the example of each check against it: it shows what the check
// finds, and nothing else that is wrong. Examples leave out what they are not
// about, so that what is found missing besides does not count; neither does what
// HDL1002 says of whatever is dangerous or going away.
func TestExamples(t *testing.T) {
	for _, c := range List {
		w, _ := WordsOf(Languages[0], c.Code)
		set := mesh.DefaultSettings()
		set.AutoMTLS = !strings.Contains(w.Example, "enableAutoMtls: false")
		opt := FileOptions{Settings: set, Evidence: Evidence{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
		files := []config.File{{Name: c.Code + ".yaml", Data: []byte(w.Example)}}

		shows := func(l Located) bool { return l.Code == c.Code }
		if whole := Files(files, Together, opt); len(c.Needs) == 0 && slices.ContainsFunc(whole.Findings, shows) == slices.Contains(unshown, c.Code) {
			t.Errorf("%s: its example does not show it, or it need not be an exception any more", c.Code)
		}
		opt.Partial = true
		for _, l := range Files(files, Together, opt).Findings {
			if !shows(l) && l.Severity != mesh.Info && l.Code != mesh.CodeStructureWarning {
				t.Errorf("%s: its example shows something else besides: %s %s %s: %s", c.Code, l.Code, l.Object, l.Path, l.Message)
			}
		}
	}
}

// sentenceEnds is where sentences end, by language.
var sentenceEnds = map[string]*regexp.Regexp{
	"en": regexp.MustCompile(`[.?!]["')]?(\s|$)`),
	"zh": regexp.MustCompile(`[。？！]`),
}

// TestWordsAreShort holds how much is said of a code, and that it is said in
// whole sentences.
func TestWordsAreShort(t *testing.T) {
	for _, c := range Codes() {
		for _, lang := range Languages {
			w, _ := WordsOf(lang, c.Code)
			for part, text := range map[string]string{"message": w.Message, "why": w.Why, "fix": w.Fix} {
				most := 3
				if part == "message" {
					most = 1
				}
				ends := sentenceEnds[lang].FindAllStringIndex(text, -1)
				if len(ends) > most {
					t.Errorf("%s: %s of %s has %d sentences: %s", lang, part, c.Code, len(ends), text)
				}
				quoted := strings.HasSuffix(text, "}") // somebody else's words end it
				if !quoted && (len(ends) == 0 || ends[len(ends)-1][1] != len(text)) {
					t.Errorf("%s: %s of %s does not end as a sentence does: %s", lang, part, c.Code, text)
				}
			}
		}
	}
}
