package api

import (
	"maps"
	"strings"
	"unicode"

	"github.com/heddle-mesh/heddle/mesh"
)

// Bounds, in characters, of what a refusal repeats of a request: of each word, so
// of names too, and of a text in all. Whoever asked knows the rest.
const (
	maxWord = 100
	maxText = 2000
)

// brief cuts a text down to what a refusal may repeat.
func brief(text string) string {
	if len(text) <= maxWord {
		return text
	}
	var out strings.Builder
	word, all := 0, 0
	for _, r := range text {
		if all == maxText {
			out.WriteRune('…')
			break
		}
		if unicode.IsSpace(r) {
			word = 0
		} else if word++; word > maxWord {
			if word == maxWord+1 {
				out.WriteRune('…')
			}
			continue
		}
		out.WriteRune(r)
		all++
	}
	return out.String()
}

// briefly gives findings on what was sent, without the length of it. The findings
// themselves stay as they are: others may hold them too.
func briefly(findings []mesh.Finding) []mesh.Finding {
	out := make([]mesh.Finding, len(findings))
	for i, f := range findings {
		out[i] = briefFinding(f)
	}
	return out
}

func briefFinding(f mesh.Finding) mesh.Finding {
	f.Message, f.Path = brief(f.Message), briefPath(f.Path)
	f.Ref.Name, f.Ref.Namespace = briefName(f.Ref.Name), briefName(f.Ref.Namespace)
	f.Ref.Kind.Name, f.Ref.Kind.Group = briefName(f.Ref.Kind.Name), briefName(f.Ref.Kind.Group)
	if f.Params != nil {
		f.Params = maps.Clone(f.Params)
		for name, value := range f.Params {
			f.Params[name] = brief(value)
		}
	}
	return f
}

// maxName is how long the name of an object can be; programs find objects by it.
const maxName = 253

func briefName(name string) string {
	if len(name) <= maxName {
		return name
	}
	return brief(name)
}

// maxPath is how long the path of a finding can be that its fixes are asked for by:
// it is told whole, though it is one word.
const maxPath = 1000

func briefPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return brief(path)
}

// briefly cuts what a problem repeats of the request.
func (p *Problem) briefly() {
	p.Title, p.Detail = brief(p.Title), brief(p.Detail)
	for _, e := range p.Errors {
		e.Message, e.Location = brief(e.Message), brief(e.Location)
	}
	for name, value := range p.Params {
		if text, ok := value.(string); ok {
			p.Params[name] = brief(text)
		}
	}
	if p.Findings != nil {
		p.Findings = briefly(told(p.Findings))
	}
}
