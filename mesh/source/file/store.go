// Package file keeps objects as YAML in a folder: the files are read as a
// source.Source, watched, and written as a source.Writer.
//
// The layout that the store writes is <namespace or _cluster>/<kind>/<name>.yaml,
// one object a file; files of any name with several documents may be put beside
// them by hand. Names that begin with a dot are passed over.
//
// Whoever edits may do it as editors do: in place, half-written, by renaming. A
// document that cannot be read never takes an object away: what a file said
// last stands until the file is mended, over restarts too. Several processes
// may open one folder at the same time.
//
// The store's own files are under .store in the folder: a lock, the journal of
// a write under way, the last good content of each file, and where objects were
// applied from.
package file

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// SourceName is the name of the source unless Options names another.
const SourceName = "files"

// ownDir holds what belongs to the store itself.
const ownDir = ".store"

// Options configure a Store. The zero value reads all kinds.
type Options struct {
	Name  string               // of the source; empty is SourceName
	Kinds func(mesh.Kind) bool // which kinds the source reports; nil is all. Writing is not limited
	Log   *slog.Logger         // nil discards
	// Poll is how often the folder is looked through where the system does not
	// tell about changes. Zero is half a second. It also bounds, tenfold, how
	// late a change is seen that the system failed to tell.
	Poll time.Duration
	// NoWatch leaves the system's telling of changes alone and only polls.
	NoWatch bool
}

// Store is a folder of objects.
type Store struct {
	dir  string // as it was given: what people are shown
	own  string // dir/.store
	opts Options
	log  *slog.Logger
	kick chan struct{} // capacity one: a write was made, look at once

	mu     sync.Mutex // guards the reader's memory, which Apply renews too
	files  reader
	writes uint64 // that were made

	// interrupt lets a test end a write between two of its steps.
	interrupt func(step string) error
}

var (
	_ source.Source = (*Store)(nil)
	_ source.Writer = (*Store)(nil)
)

// Open makes the folder if need be and completes a write that was cut short.
func Open(dir string, opts Options) (*Store, error) {
	if opts.Name == "" {
		opts.Name = SourceName
	}
	if opts.Kinds == nil {
		opts.Kinds = func(mesh.Kind) bool { return true }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Poll == 0 {
		opts.Poll = 500 * time.Millisecond
	}
	s := &Store{
		dir: dir, own: filepath.Join(dir, ownDir), opts: opts, log: opts.Log,
		kick: make(chan struct{}, 1), interrupt: func(string) error { return nil },
	}
	s.files = reader{dir: dir, memory: memory{dir: filepath.Join(s.own, "last-good"), log: opts.Log}, name: opts.Name, pace: usual}
	for _, d := range []string{s.own, s.tempDir(), s.files.memory.dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of the configuration: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	unlock, err := s.lock(ctx, exclusive)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.recover(); err != nil {
		return nil, err
	}
	return s, nil
}

// Name is the name of the source.
func (s *Store) Name() string { return s.opts.Name }

// Writes is how many writes were made through this Store; see source.Update.
func (s *Store) Writes() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}
