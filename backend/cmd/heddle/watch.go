package main

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long files must have been left alone before they are read: an
// editor's save is several events.
const quiet = 100 * time.Millisecond

// watchPaths calls apply whenever something below the paths changed.
func watchPaths(ctx context.Context, paths []string, log *slog.Logger, apply func() error) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	for _, p := range paths {
		// A file is watched through its folder: editors replace files.
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				return watcher.Add(path)
			}
			return watcher.Add(filepath.Dir(path))
		})
		if err != nil {
			return err
		}
	}
	var due <-chan time.Time
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
			if err := apply(); err != nil {
				log.Warn("manifests were not applied", "error", err)
			}
		}
	}
}
