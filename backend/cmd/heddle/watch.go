package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long files must have been left alone before they are read: an
// editor's save is several events.
const quiet = 100 * time.Millisecond

// watchPaths calls apply as soon as it watches, and whenever something below the
// paths changed since.
func watchPaths(ctx context.Context, paths []string, log *slog.Logger, apply func() error) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := addFolders(watcher, paths); err != nil {
		return err
	}
	due := time.After(0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watcher.Events:
			due = time.After(quiet)
		case err := <-watcher.Errors:
			log.Warn("manifests cannot be watched", "error", err)
		case <-due:
			due = nil
			// Folders may be new; those that are watched already stay so.
			if err := addFolders(watcher, paths); err != nil {
				log.Warn("manifests cannot be watched", "error", err)
			}
			if err := apply(); err != nil {
				log.Warn("manifests were not applied", "error", err)
			}
		}
	}
}

// addFolders watches the folders of files, and folders with all below them but
// the hidden ones: nobody has manifests there, and the state folder may be one.
// Where nothing is at present, the folder around it is watched.
func addFolders(watcher *fsnotify.Watcher, paths []string) error {
	for _, root := range paths {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist) && path == root:
				return watcher.Add(filepath.Dir(path))
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case !d.IsDir() && path == root: // editors replace files
				return watcher.Add(filepath.Dir(path))
			case !d.IsDir():
				return nil
			case path != root && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			}
			return watcher.Add(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
