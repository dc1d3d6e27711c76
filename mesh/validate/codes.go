package validate

import (
	"cmp"
	"slices"
	"sync"

	"github.com/heddle-mesh/heddle/mesh"
)

// Code is one kind of finding, whichever part of the product makes it.
type Code struct {
	Code     string
	Severity mesh.Severity // the usual one
	SameAs   []string
	Needs    []Aspect
	// Fixed says that annotations cannot keep it quiet.
	Fixed bool
}

// others are the codes that are not checks: what decoding, sources, translation,
// delivery and the local cluster find.
var others = []Code{
	{Code: mesh.CodeSyntax, Severity: mesh.Error, SameAs: []string{"IST0106"}, Fixed: true},
	{Code: mesh.CodeSchema, Severity: mesh.Error, SameAs: []string{"IST0106"}, Fixed: true},
	{Code: mesh.CodeUnknownField, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeStructure, Severity: mesh.Error, SameAs: []string{"IST0106"}, Fixed: true},
	{Code: mesh.CodeStructureWarning, Severity: mesh.Warning, SameAs: []string{"IST0133"}},
	{Code: mesh.CodeKubernetes, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeUnsupported, Severity: mesh.Warning},
	{Code: mesh.CodeDuplicate, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeSourceAway, Severity: mesh.Warning, Fixed: true},
	{Code: mesh.CodeLeftBehind, Severity: mesh.Warning, Fixed: true},
	{Code: mesh.CodeFault, Severity: mesh.Warning, Fixed: true},
	{Code: mesh.CodeTranslate, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeUnknownHost, Severity: mesh.Warning, Fixed: true},
	{Code: mesh.CodeRejected, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodePod, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodePort, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeHostConflict, Severity: mesh.Error, Fixed: true},
	{Code: mesh.CodeNoNamespace, Severity: mesh.Warning, Fixed: true},
}

// Codes is every code that a finding can have, sorted.
func Codes() []Code {
	out := slices.Clone(others)
	for _, c := range List {
		out = append(out, Code{Code: c.Code, Severity: c.Severity, SameAs: c.SameAs, Needs: c.Needs})
	}
	slices.SortFunc(out, func(a, b Code) int { return cmp.Compare(a.Code, b.Code) })
	return out
}

// FindCodes are the codes that a name stands for: one of ours, or one of another
// tool, "IST0101".
func FindCodes(name string) []Code {
	var out []Code
	for _, c := range Codes() {
		if c.Code == name || slices.Contains(c.SameAs, name) {
			out = append(out, c)
		}
	}
	return out
}

// byCode are the codes by their names. Checks do not change once the program
// runs.
var byCode = sync.OnceValue(func() map[string]Code {
	out := map[string]Code{}
	for _, c := range Codes() {
		out[c.Code] = c
	}
	return out
})

// Find is a code by its own name.
func Find(code string) (Code, bool) {
	c, ok := byCode()[code]
	return c, ok
}

// SameAs are the codes of other tools that mean the same as one of ours.
func SameAs(code string) []string { return byCode()[code].SameAs }
