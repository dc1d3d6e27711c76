package serve

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/private"
)

const (
	storeFile   = "last-good.gob"
	storeFormat = 2
	// writePause gathers what comes in a burst into one write.
	writePause = 300 * time.Millisecond
)

// stored is the file that outlives the process.
type stored struct {
	Format int
	Good   []kept
	Bad    []*verdict
}

// load reads what an earlier process kept. A file that cannot be decoded is
// left out, with a word in the log: proxies still say what they have.
func (s *Server) load() error {
	if s.options.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.options.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for last good resources: %w", err)
	}
	path := filepath.Join(s.options.Dir, storeFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open last good resources: %w", err)
	}
	defer f.Close()
	var st stored
	if err := gob.NewDecoder(f).Decode(&st); err != nil || st.Format != storeFormat {
		s.log.Warn("last good resources are not readable; starting without them", slog.String("file", path), slog.Any("error", err))
		return nil
	}
	s.goods.restore(st.Good)
	s.bad.restore(st.Bad)
	return nil
}

func (s *Server) saveSoon() {
	if s.options.Dir == "" {
		return
	}
	select {
	case s.unsaved <- struct{}{}:
	default:
	}
}

// keepWriting writes what is to be kept, at most once per pause, and a last
// time when ctx ends.
func (s *Server) keepWriting(ctx context.Context) {
	for {
		select {
		case <-s.unsaved:
		case <-ctx.Done():
			s.save()
			return
		}
		select {
		case <-time.After(writePause):
		case <-ctx.Done():
		}
		s.save()
	}
}

func (s *Server) save() {
	if s.options.Dir == "" {
		return
	}
	if snap, _ := s.current(); snap != nil {
		s.goods.compact(variantsOf(snap))
	}
	good, goodChanged := s.goods.take()
	bad, badChanged := s.bad.take()
	if !goodChanged && !badChanged {
		return
	}
	if err := writeStore(s.options.Dir, stored{Format: storeFormat, Good: good, Bad: bad}); err != nil {
		s.log.Error("last good resources are not kept", slog.Any("error", err))
	}
}

// variantsOf are the variants that have a workload.
func variantsOf(snap *mesh.Snapshot) map[string]struct{} {
	alive := map[string]struct{}{}
	for w := range snap.Workloads.Values() {
		alive[variantOf(proxyFor(w))] = struct{}{}
	}
	return alive
}

func writeStore(dir string, st stored) error {
	return private.Replace(filepath.Join(dir, storeFile), func(w io.Writer) error { return gob.NewEncoder(w).Encode(st) })
}
