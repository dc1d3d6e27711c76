package file

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/heddle-mesh/heddle/mesh/source"
)

// Apply implements source.Writer. An object that stands in a file is changed
// there, and no other byte of the file with it; a new one gets a file of its
// own. It fails with an *InvalidError for text that is not the object.
func (s *Store) Apply(ctx context.Context, changes []source.Change) error {
	if len(changes) == 0 {
		return nil
	}
	unlock, err := s.lock(ctx, exclusive)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.recover(); err != nil {
		return err
	}
	return s.write(changes, nil)
}

// write does the changes; manifests are the origins of all objects that were read
// from manifests, changed or not. The caller holds the exclusive lock.
func (s *Store) write(changes []source.Change, manifests origins) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, err := s.files.current()
	if err != nil {
		return err
	}
	contents, err := plan(s.dir, docs, changes)
	if err != nil {
		return err
	}
	old, err := s.readOrigins()
	if err != nil {
		return err
	}
	changed := old.after(changes)
	maps.Copy(changed, manifests)
	if !maps.Equal(old, changed) {
		data, err := changed.encode()
		if err != nil {
			return err
		}
		contents[originsPath] = data
	}
	paths := slices.Sorted(maps.Keys(contents))
	if len(paths) == 0 {
		return nil
	}
	if err := s.commit(paths, contents); err != nil {
		return err
	}
	s.writes++
	for _, path := range paths {
		var st stamp
		if info, err := os.Stat(filepath.Join(s.dir, path)); err == nil {
			st = stampOf(info)
		}
		s.files.trust(path, st)
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
	return nil
}
