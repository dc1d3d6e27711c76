package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// originsPath is where origins are kept, below the folder.
const originsPath = ownDir + "/origins.json"

// origin is the manifest that an object was applied from.
type origin struct {
	From string `json:"from"`
	// Applied is the version of the manifest's text when it was applied last;
	// empty when the change did not come from ApplyManifests.
	Applied string `json:"applied,omitempty"`
}

// origins are origins by the id of the object.
type origins map[string]origin

func (s *Store) readOrigins() (origins, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, originsPath))
	if errors.Is(err, fs.ErrNotExist) {
		return origins{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read where objects came from: %w", err)
	}
	var o origins
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("read where objects came from: %s is damaged (%w); remove it, and every manifest is applied anew",
			filepath.Join(s.dir, originsPath), err)
	}
	return o, nil
}

func (o origins) encode() ([]byte, error) {
	data, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write where objects came from: %w", err)
	}
	return append(data, '\n'), nil
}

// after is what the origins become by changes. An edit that names no manifest
// leaves the object's as it was: it is still that manifest's object.
func (o origins) after(changes []source.Change, sums map[string]string) origins {
	out := maps.Clone(o)
	for _, c := range changes {
		id := c.Ref.ID()
		switch {
		case c.Text == nil:
			delete(out, id)
		case c.From != "":
			out[id] = origin{From: c.From, Applied: sums[id]}
		}
	}
	return out
}

// Report is what ApplyManifests did.
type Report struct {
	// Files are the manifests that were read.
	Files []string
	// Applied were written; Unchanged were not, because their manifests are as
	// they were when they were applied last. Both sorted.
	Applied, Unchanged []mesh.Ref
	// Findings are the problems of the manifests. A document that cannot be
	// read is left out, and the others are applied.
	Findings []mesh.Finding
}

// ApplyManifests brings the objects of manifests into the folder: files, or
// folders with all files below them. An object is applied when it is not in the
// folder, or when its manifest changed since it was applied last; so edits made
// in the folder stay. All of it happens in one write.
func (s *Store) ApplyManifests(ctx context.Context, paths []string) (Report, error) {
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
	present := map[mesh.Ref]bool{}
	for _, o := range standing(docs) {
		present[o.Ref] = true
	}
	var changes []source.Change
	sums := map[string]string{}
	for _, o := range found {
		was, applied := known[o.ID()]
		if present[o.Ref] && applied && was.Applied == o.Version {
			report.Unchanged = append(report.Unchanged, o.Ref)
			continue
		}
		report.Applied = append(report.Applied, o.Ref)
		sums[o.ID()] = o.Version
		changes = append(changes, source.Change{Ref: o.Ref, Text: o.Text, Expect: source.Any, From: o.Origin.File})
	}
	slices.SortFunc(report.Applied, mesh.CompareRefs)
	slices.SortFunc(report.Unchanged, mesh.CompareRefs)
	if len(changes) == 0 {
		return report, nil
	}
	return report, s.write(changes, sums)
}

// readManifests reads all objects of manifests, the first of each name.
func readManifests(paths []string, report *Report) ([]*mesh.Object, error) {
	var found []*mesh.Object
	first := map[mesh.Ref]*mesh.Object{}
	for _, root := range paths {
		files, err := manifestFiles(root)
		if err != nil {
			return nil, err
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read manifest: %w", err)
			}
			result := config.Decode(path, data)
			report.Files = append(report.Files, path)
			report.Findings = append(report.Findings, result.Problems...)
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
				found = append(found, o)
			}
		}
	}
	return found, nil
}

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
		return nil, fmt.Errorf("there is no manifest or folder %s", root)
	}
	if err != nil {
		return nil, fmt.Errorf("look for manifests: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("folder %s holds no manifests (files that end in .yaml, .yml or .json)", root)
	}
	return files, nil
}
