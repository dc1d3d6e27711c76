package api

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// maxTold is how many findings one list of an answer tells. Objects that exclude
// each other make as many as their number times that of their hosts, and each of
// them names the others.
const maxTold = 1_000

// told are the findings that a list tells: all, or the worst of them and how many
// more there are. The list itself stays as it is.
func told(findings []mesh.Finding) []mesh.Finding {
	if len(findings) <= maxTold {
		return findings
	}
	worst := slices.Clone(findings)
	slices.SortStableFunc(worst, func(a, b mesh.Finding) int {
		return cmp.Compare(validate.Rank(a.Severity), validate.Rank(b.Severity))
	})
	next := worst[maxTold]
	more := mesh.Finding{
		Code: next.Code, Severity: next.Severity, Phase: next.Phase, Ref: next.Ref,
		Message: fmt.Sprintf("and %s more; mend the first ones and look again", counted(len(worst)-maxTold, "finding")),
	}
	return append(worst[:maxTold:maxTold], more)
}
