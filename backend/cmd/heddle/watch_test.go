package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Manifests are applied again when a file changes, comes, goes, and when a whole
// folder went and comes back.
func TestManifestsAreWatched(t *testing.T) {
	root := t.TempDir()
	folder, single := filepath.Join(root, "folder"), filepath.Join(root, "single.yaml")
	write := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("kind: Namespace\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(folder, "a.yaml"))
	write(single)
	applied := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- watchPaths(ctx, []string{folder, single}, slog.New(slog.DiscardHandler), func() error {
			applied <- struct{}{}
			return nil
		})
	}()
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"the watch began", func() {}},
		{"a file changes", func() { write(filepath.Join(folder, "a.yaml")) }},
		{"a file comes in a new folder", func() { write(filepath.Join(folder, "new", "b.yaml")) }},
		{"a file in that folder changes", func() { write(filepath.Join(folder, "new", "b.yaml")) }},
		{"a file of its own goes", func() { os.Remove(single) }},
		{"it comes back", func() { write(single) }},
		{"the folder goes", func() { os.RemoveAll(folder) }},
		{"it comes back too", func() { write(filepath.Join(folder, "a.yaml")) }},
		{"and is watched", func() { write(filepath.Join(folder, "a.yaml")) }},
	} {
		step.do()
		select {
		case <-applied:
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing was applied when %s", step.what)
		}
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("ended with %v", err)
	}
}
