package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Report is what ApplyManifests did.
type Report struct {
	// Files are the manifests that were read.
	Files []string
	// Applied were written; Unchanged were not, because their manifests are as
	// they were when they were applied last. Both sorted.
	Applied, Unchanged []mesh.Ref
	// Removed were taken away, because the manifest that they were applied from
	// no longer holds them. Sorted.
	Removed []Removal
	// Others is how many objects the folder holds besides: those that are not
	// from these manifests.
	Others int
	// Findings are the problems of the manifests. A document that cannot be
	// read is left out, and the others are applied.
	Findings []mesh.Finding
}

// Removal is an object that went with its manifest.
type Removal struct {
	Ref  mesh.Ref
	From string // the manifest, as it was named when the object was applied
}

// ApplyManifests brings the objects of manifests into the folder: files, or
// folders with all files below them. An object is applied when it is not in the
// folder, or when its manifest changed since it was applied last; so edits made
// in the folder stay.
//
// An object that was applied from a manifest, and is no longer in it, is removed,
// also when the whole manifest is gone. It stays, with a finding, when it was
// edited since; and it stays as long as its manifest cannot be read as a whole.
//
// A path at which there is nothing fails, unless objects came from there. All of
// it happens in one write.
func (s *Store) ApplyManifests(ctx context.Context, paths []string) (Report, error) {
	return s.applyManifests(ctx, paths, manifests.mistyped)
}

// ReapplyManifests does the same for paths that were applied before: there may
// be nothing at them by now.
func (s *Store) ReapplyManifests(ctx context.Context, paths []string) (Report, error) {
	return s.applyManifests(ctx, paths, func(manifests, origins) error { return nil })
}

func (s *Store) applyManifests(ctx context.Context, paths []string, check func(manifests, origins) error) (Report, error) {
	var report Report
	found, err := readManifests(paths, &report)
	if err != nil {
		return report, err
	}
	unlock, err := s.lock(ctx, exclusive)
	if err != nil {
		return report, err
	}
	defer unlock()
	if err := s.recover(); err != nil {
		return report, err
	}
	s.mu.Lock()
	docs, err := s.files.current()
	s.mu.Unlock()
	if err != nil {
		return report, err
	}
	known, err := s.readOrigins()
	if err != nil {
		return report, err
	}
	if err := check(found, known); err != nil {
		return report, err
	}
	present := map[mesh.Ref]*mesh.Object{}
	for _, o := range standing(docs) {
		if present[o.Ref] == nil {
			present[o.Ref] = o
		}
	}
	var changes []source.Change
	next := origins{}
	for _, o := range found.objects {
		id, sum := o.ID(), textSum(o)
		next[id] = origin{From: o.Origin.File, Path: found.absolute[o.Origin.File], Applied: sum}
		now := present[o.Ref]
		if now != nil && (known[id].Applied == sum || textSum(now) == sum) {
			report.Unchanged = append(report.Unchanged, o.Ref)
			continue
		}
		report.Applied = append(report.Applied, o.Ref)
		changes = append(changes, source.Change{Ref: o.Ref, Text: o.Text, Expect: source.Any, From: o.Origin.File})
	}
	changes = append(changes, found.prune(docs, known, &report)...)
	for _, o := range found.objects {
		delete(present, o.Ref)
	}
	report.Others = len(present) - len(report.Removed)
	slices.SortFunc(report.Applied, mesh.CompareRefs)
	slices.SortFunc(report.Unchanged, mesh.CompareRefs)
	return report, s.write(changes, next)
}

// textSum is the version of an object's text without the blank lines around it,
// which differ with the place where it stands.
func textSum(o *mesh.Object) string { return config.TextVersion(bytes.TrimSpace(o.Text)) }

// manifests are what was found at the paths that a person named.
type manifests struct {
	objects []*mesh.Object // the first of each name
	roots   []root
	// absolute are the paths of the files that were read, by the path that they
	// were read under.
	absolute map[string]string
	// whole says of each file that was read, by absolute path, whether all that
	// it says was understood.
	whole map[string]bool
	// unread are the names of objects in documents that could not be read; the
	// empty name stands for those that do not even tell theirs.
	unread map[mesh.Ref]bool
}

// root is one path that a person named.
type root struct {
	path    string // absolute
	nothing error  // why no manifest was found there, or nil
}

// readManifests reads all manifests at the paths.
func readManifests(paths []string, report *Report) (manifests, error) {
	m := manifests{absolute: map[string]string{}, whole: map[string]bool{}, unread: map[mesh.Ref]bool{}}
	first := map[mesh.Ref]*mesh.Object{}
	for _, given := range paths {
		absolute, err := filepath.Abs(given)
		if err != nil {
			return m, fmt.Errorf("find manifest %s: %w", given, err)
		}
		files, err := manifestFiles(given)
		var nothing noManifestsError
		if err != nil && !errors.As(err, &nothing) {
			return m, err
		}
		m.roots = append(m.roots, root{absolute, err})
		for _, path := range files {
			if err := m.read(path, first, report); err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

// read reads one manifest.
func (m *manifests) read(path string, first map[mesh.Ref]*mesh.Object, report *Report) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find manifest %s: %w", path, err)
	}
	if _, again := m.whole[absolute]; again {
		return nil // it is below two of the paths
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	result := config.Decode(path, data)
	report.Files = append(report.Files, path)
	report.Findings = append(report.Findings, result.Problems...)
	m.absolute[path] = absolute
	// An empty file is one that is just being written.
	m.whole[absolute] = len(bytes.TrimSpace(data)) > 0 &&
		!slices.ContainsFunc(result.Problems, func(f mesh.Finding) bool { return f.Severity == mesh.Error })
	for _, bad := range result.Bad {
		if bad.Ref.Name == "" {
			bad.Ref = mesh.Ref{}
		}
		m.unread[bad.Ref] = true
	}
	for _, o := range result.Objects {
		if other, ok := first[o.Ref]; ok {
			report.Findings = append(report.Findings, mesh.Finding{
				Code: mesh.CodeDuplicate, Severity: mesh.Error, Phase: mesh.PhaseDecode, Ref: o.Ref,
				Message: fmt.Sprintf("%s stands in %s:%d already, which counts. Remove one of the two.", o.Ref, other.Origin.File, other.Origin.Line),
				File:    path, Line: o.Origin.Line,
			})
			continue
		}
		first[o.Ref] = o
		m.objects = append(m.objects, o)
	}
	return nil
}

// noManifestsError says that there is nothing to read at a path.
type noManifestsError struct{ text string }

func (e noManifestsError) Error() string { return e.text }

// manifestFiles is the file itself, or all manifests below a folder.
func manifestFiles(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path != root && strings.HasPrefix(e.Name(), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && (path == root || isManifest(e.Name())):
			files = append(files, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noManifestsError{"there is no manifest or folder " + root}
	}
	if err != nil {
		return nil, fmt.Errorf("look for manifests: %w", err)
	}
	if len(files) == 0 {
		return nil, noManifestsError{fmt.Sprintf("folder %s holds no manifests (files that end in .yaml, .yml or .json)", root)}
	}
	return files, nil
}
