package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// operation is one step of a write: a file that takes its new content, or that
// is removed.
type operation struct {
	Path string `json:"path"`           // below the folder
	Temp string `json:"temp,omitempty"` // name of the new content under tempDir; empty removes
}

// journal lists the steps of a write. Once it lies on disk the write happens,
// whatever comes; before, it has not happened.
type journal struct {
	Operations []operation `json:"operations"`
}

func (s *Store) tempDir() string     { return filepath.Join(s.own, "new") }
func (s *Store) journalPath() string { return filepath.Join(s.own, "journal.json") }

// interrupted reports whether a write was cut short after its journal was
// written.
func (s *Store) interrupted() bool {
	_, err := os.Lstat(s.journalPath())
	return err == nil
}

// commit writes new contents by path below the folder, nil removes: all or
// none, also when the process or the machine stops in between. The caller holds
// the exclusive lock.
func (s *Store) commit(paths []string, contents map[string][]byte) error {
	var j journal
	for i, path := range paths {
		op := operation{Path: path}
		if data := contents[path]; data != nil {
			op.Temp = strconv.Itoa(i)
			if err := s.writeTemp(op, data); err != nil {
				return errors.Join(err, s.discard())
			}
		}
		j.Operations = append(j.Operations, op)
	}
	if err := s.interrupt("contents written"); err != nil {
		return err
	}
	if err := s.writeJournal(j); err != nil {
		return errors.Join(err, s.discard())
	}
	if err := s.interrupt("journal written"); err != nil {
		return err
	}
	return s.forward(j)
}

// writeTemp writes the new content of a file where nobody reads it yet, with
// the permissions of the file that it replaces.
func (s *Store) writeTemp(op operation, data []byte) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(filepath.Join(s.dir, op.Path)); err == nil {
		mode = info.Mode().Perm()
	}
	temp := filepath.Join(s.tempDir(), op.Temp)
	if err := writeSynced(temp, data, mode); err != nil {
		return fmt.Errorf("write the new content of %s: %w", filepath.Join(s.dir, op.Path), err)
	}
	return nil
}

func (s *Store) writeJournal(j journal) error {
	data, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	temp := filepath.Join(s.tempDir(), "journal")
	if err := writeSynced(temp, data, 0o600); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := syncDir(s.tempDir()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := os.Rename(temp, s.journalPath()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return syncDir(s.own)
}

// forward does the steps of a journal; those that were done already are passed
// over. Then the journal is removed.
func (s *Store) forward(j journal) error {
	dirs := map[string]bool{}
	for _, op := range j.Operations {
		if !filepath.IsLocal(op.Path) || op.Temp != filepath.Base(op.Temp) && op.Temp != "" {
			return fmt.Errorf("journal %s names a path outside the folder: %q", s.journalPath(), op.Path)
		}
		full := filepath.Join(s.dir, op.Path)
		if err := s.step(op, full); err != nil {
			return err
		}
		dirs[filepath.Dir(full)] = true
		if err := s.interrupt("step of " + op.Path); err != nil {
			return err
		}
	}
	for _, dir := range sorted(dirs) {
		if err := syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(s.journalPath()); err != nil {
		return fmt.Errorf("end the write: %w", err)
	}
	return syncDir(s.own)
}

func (s *Store) step(op operation, full string) error {
	if op.Temp == "" {
		if err := os.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", full, err)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", full, err)
	}
	if target, err := filepath.EvalSymlinks(full); err == nil {
		full = target // a link stays a link
	}
	err := os.Rename(filepath.Join(s.tempDir(), op.Temp), full)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", full, err)
	}
	return nil // not there: it was renamed before the write was cut short
}

// recover completes a write that was cut short, or forgets one that had not
// begun. The caller holds the exclusive lock.
func (s *Store) recover() error {
	data, err := os.ReadFile(s.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return s.discard()
	}
	if err != nil {
		return fmt.Errorf("complete an interrupted write: %w", err)
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("complete an interrupted write: %s is damaged (%w); remove it after a look at the files beside it", s.journalPath(), err)
	}
	if err := s.forward(j); err != nil {
		return fmt.Errorf("complete an interrupted write: %w", err)
	}
	s.log.Info("interrupted write completed", "files", len(j.Operations))
	return s.discard()
}

// discard removes contents that no journal names.
func (s *Store) discard() error {
	entries, err := os.ReadDir(s.tempDir())
	if err != nil {
		return fmt.Errorf("tidy the configuration folder: %w", err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(s.tempDir(), e.Name())); err != nil {
			return fmt.Errorf("tidy the configuration folder: %w", err)
		}
	}
	return nil
}

func writeSynced(path string, data []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode) // the umask may have taken some
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
