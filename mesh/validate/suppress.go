package validate

import (
	"regexp"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// Annotations that keep checks quiet about the object that carries them.
const (
	// AnnotationSuppress lists codes, each with the reason:
	// "HDL2101=the service comes next week, HDL1104=on purpose".
	AnnotationSuppress = "heddle.dev/suppress"
	// annotationIstio lists codes of Istio; "*" is all.
	annotationIstio = "galley.istio.io/analyze-suppress"
	// annotationKiali lists codes of Kiali; none at all is all.
	annotationKiali = "kiali.io/ignore-validations"
)

// Suppression keeps a code quiet about some objects. Code is one of ours, or one
// that a check is the same as. Kind and Name are "*" or empty for any; Name is
// "namespace/name", either of which may be "*".
type Suppression struct {
	Code, Kind, Name string
}

// suppressed reports whether findings of a check about an object are kept quiet.
func suppressed(s *mesh.Snapshot, opt Options, c *Check, ref mesh.Ref) bool {
	o, _ := s.Get(ref)
	return quiet(opt, c.Code, c.SameAs, ref, o)
}

// quiet reports whether a code is kept quiet about an object, which may be nil
// when nothing is known of it but its reference.
func quiet(opt Options, code string, sameAs []string, ref mesh.Ref, o *mesh.Object) bool {
	for _, p := range opt.Suppress {
		if p.covers(code, sameAs, ref) {
			return true
		}
	}
	if o == nil || len(o.Annotations) == 0 {
		return false
	}
	for _, part := range Suppressions(o.Annotations[AnnotationSuppress]) {
		if part.Code == code && part.Reason != "" {
			return true
		}
	}
	return listed(o.Annotations, annotationIstio, "IST", "*", sameAs) || listed(o.Annotations, annotationKiali, "KIA", "", sameAs)
}

// listed reports whether an annotation names one of the codes that begin with
// prefix; all is the text that means every one of them.
func listed(annotations map[string]string, annotation, prefix, all string, codes []string) bool {
	text, has := annotations[annotation]
	if !has {
		return false
	}
	text = strings.TrimSpace(text)
	for _, code := range codes {
		if !strings.HasPrefix(code, prefix) {
			continue
		}
		if text == all {
			return true
		}
		for name := range strings.SplitSeq(text, ",") {
			if strings.TrimSpace(name) == code {
				return true
			}
		}
	}
	return false
}

func (p Suppression) covers(code string, sameAs []string, ref mesh.Ref) bool {
	if p.Code != code && !slices.Contains(sameAs, p.Code) {
		return false
	}
	if p.Kind != "" && p.Kind != "*" && !strings.EqualFold(p.Kind, ref.Kind.Name) {
		return false
	}
	if p.Name == "" || p.Name == "*" {
		return true
	}
	namespace, name, both := strings.Cut(p.Name, "/")
	if !both {
		namespace, name = "*", p.Name
	}
	return (namespace == "*" || namespace == ref.Namespace) && (name == "*" || name == ref.Name)
}

// Reasoned is one entry of the annotation heddle.dev/suppress.
type Reasoned struct{ Code, Reason string }

var suppressEntry = regexp.MustCompile(`(?:^|[,\n])\s*(HDL[0-9]{4})(=?)`)

// Suppressions reads the annotation heddle.dev/suppress. A reason ends where the
// next code begins, and may hold commas itself.
func Suppressions(text string) []Reasoned {
	var out []Reasoned
	found := suppressEntry.FindAllStringSubmatchIndex(text, -1)
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		entry := Reasoned{Code: text[at[2]:at[3]]}
		if at[4] < at[5] {
			entry.Reason = strings.TrimSpace(text[at[5]:end])
		}
		out = append(out, entry)
	}
	return out
}
