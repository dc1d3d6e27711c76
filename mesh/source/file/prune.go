package file

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// mistyped fails for a path at which there is nothing, and never was. Where objects were applied from it, its manifests are gone.
func (m manifests) mistyped(known origins) error {
	for _, r := range m.roots {
		if r.nothing == nil {
			continue
		}
		was := false
		for _, from := range known {
			was = was || r.holds(from.Path)
		}
		if !was {
			return r.nothing
		}
	}
	return nil
}

// holds reports whether a path is the root or lies below it.
func (r root) holds(path string) bool {
	return path == r.path || path != "" && strings.HasPrefix(path, strings.TrimSuffix(r.path, "/")+"/")
}

// prune removes the objects that were applied from these manifests and are no
// longer in them.
func (m manifests) prune(docs map[string]*document, known origins, report *Report) []source.Change {
	held := map[mesh.Ref]bool{}
	for _, o := range m.objects {
		held[o.Ref] = true
	}
	var changes []source.Change
	seen := map[mesh.Ref]bool{}
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[path]
		for _, o := range slices.Concat(doc.objects, doc.kept) {
			from := known[o.ID()]
			if held[o.Ref] || seen[o.Ref] || m.unread[o.Ref] || m.unread[mesh.Ref{}] || !m.left(from.Path) {
				continue
			}
			seen[o.Ref] = true
			// Whoever is in the middle of an edit has edited it.
			if doc.broken || textSum(o) != from.Applied {
				report.Findings = append(report.Findings, mesh.Finding{
					Code: mesh.CodeLeftBehind, Severity: mesh.Warning, Phase: mesh.PhaseSource, Ref: o.Ref, File: from.From,
					Message: fmt.Sprintf("It is no longer in its manifest, but was changed since it was applied from there, and so it stays. `heddle delete %s` removes it.", deletion(o.Ref)),
				})
				continue
			}
			report.Removed = append(report.Removed, Removal{o.Ref, from.From})
			changes = append(changes, source.Change{Ref: o.Ref, Expect: o.Version})
		}
	}
	slices.SortFunc(report.Removed, func(a, b Removal) int { return mesh.CompareRefs(a.Ref, b.Ref) })
	return changes
}

// left reports whether what is not in the manifest at an absolute path any more
// was taken out of it: it was read as a whole, or is gone from below a path that
// the person named.
func (m manifests) left(path string) bool {
	if whole, read := m.whole[path]; read {
		return whole
	}
	if !slices.ContainsFunc(m.roots, func(r root) bool { return r.holds(path) }) {
		return false
	}
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// deletion is what to type behind `heddle delete`.
func deletion(ref mesh.Ref) string {
	words := strings.ToLower(ref.Kind.Name)
	if len(config.Find(words)) > 1 {
		words += "." + ref.Group
	}
	words += " " + ref.Name
	if ref.Namespace != "" && ref.Namespace != "default" {
		words += " -n " + ref.Namespace
	}
	return words
}
