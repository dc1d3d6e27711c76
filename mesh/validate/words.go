package validate

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	yaml "go.yaml.in/yaml/v4"
)

// Words is what a person reads about a code, in one language.
type Words struct {
	// Message is one sentence. {name} stands for a parameter, here as in Why and
	// Fix; a part in [square brackets] is left out where a parameter in it is empty.
	Message string `yaml:"message"`
	Why     string `yaml:"why"`     // what will happen
	Fix     string `yaml:"fix"`     // what to do
	Example string `yaml:"example"` // YAML that shows it; the same in all languages, given in English only
}

// Languages that there are words in; the first is the one that servers send.
var Languages = []string{"en", "zh"}

//go:embed text/*.yaml
var textFiles embed.FS

var words = sync.OnceValues(func() (map[string]map[string]Words, error) {
	all := map[string]map[string]Words{}
	for _, lang := range Languages {
		data, err := textFiles.ReadFile("text/" + lang + ".yaml")
		if err != nil {
			return nil, err
		}
		var one map[string]Words
		if err := yaml.Unmarshal(data, &one); err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", lang, err)
		}
		all[lang] = one
	}
	return all, nil
})

// WordsOf are the words of a code in a language; false when there are none.
func WordsOf(lang, code string) (Words, bool) {
	all, err := words()
	if err != nil {
		return Words{}, false
	}
	w, ok := all[lang][code]
	return w, ok
}

// Message is the sentence of a code with its placeholders filled.
func Message(lang, code string, params map[string]string) string {
	w, _ := WordsOf(lang, code)
	return fill(w.Message, params)
}

// Explained are the words of a code about one case, with the placeholders filled
// in all of them.
func Explained(lang, code string, params map[string]string) (Words, bool) {
	w, ok := WordsOf(lang, code)
	w.Message, w.Why, w.Fix = fill(w.Message, params), fill(w.Why, params), fill(w.Fix, params)
	return w, ok
}

// fill puts parameters in their places.
func fill(text string, params map[string]string) string {
	text = optional.ReplaceAllStringFunc(text, func(part string) string {
		for _, name := range parameter.FindAllString(part, -1) {
			if params[name[1:len(name)-1]] == "" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	if len(params) == 0 {
		return text
	}
	pairs := make([]string, 0, 2*len(params))
	for k, v := range params {
		pairs = append(pairs, "{"+k+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// What messages hold besides words.
var (
	parameter = regexp.MustCompile(`\{[a-zA-Z]+\}`)
	optional  = regexp.MustCompile(`\[[^\[\]]*\]`)
)
