package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// pace is how long a file must have stood still before it is read, and how long
// it may be missing, so that neither a half-written file nor the moment between
// two renames is taken for what the person means. All changes wait for the last
// of them, but not longer than patience.
type pace struct{ still, missing, patience time.Duration }

// usual is what editors need, with a wide margin.
var usual = pace{still: 30 * time.Millisecond, missing: 60 * time.Millisecond, patience: time.Second}

// stamp tells without reading whether a file may have changed.
type stamp struct {
	inode    uint64
	size     int64
	modified int64 // nanoseconds
	changed  int64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime().UnixNano()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode, s.changed = sys.Ino, sys.Ctim.Nano()
	}
	return s
}

// document is what one file says.
type document struct {
	path    string // below the folder
	stamp   stamp
	data    []byte
	objects []*mesh.Object // those that are right
	kept    []*mesh.Object // those that stood here last and cannot be read now
	bad     []config.BadDocument
	found   []mesh.Finding
	broken  bool // some document cannot be read, or the file is empty: what it said last stands
}

// reader looks through a folder and remembers what it saw.
type reader struct {
	dir    string
	name   string // of the source
	pace   pace
	memory memory

	docs map[string]*document // by path; nil before the first look

	// Of files that differ from docs and may still be written.
	pending map[string]waiting
	since   time.Time // when the first of them was seen
	trusted map[string]stamp
}

// waiting is a file that changed, or is missing, and since when it stands still.
type waiting struct {
	stamp   stamp
	missing bool
	since   time.Time
}

// trust says that a file was just written as a whole: it need not stand still
// first. The zero stamp is a file that was removed.
func (r *reader) trust(path string, s stamp) {
	if r.trusted == nil {
		r.trusted = map[string]stamp{}
	}
	r.trusted[path] = s
}

// look brings docs up to date. It returns how long to wait and look again when
// something is still being written; then nothing was changed. visit is called
// with every folder before it is read.
func (r *reader) look(now time.Time, visit func(dir string)) (wait time.Duration, err error) {
	seen, err := r.list(visit)
	if err != nil {
		return 0, err
	}
	pending := map[string]waiting{}
	next := map[string]*document{}
	for path, st := range seen {
		old := r.docs[path]
		if old != nil && old.stamp == st {
			next[path] = old
			continue
		}
		if trusted, ok := r.trusted[path]; ok && trusted == st {
			continue
		}
		w := waiting{stamp: st, since: now}
		if was, ok := r.pending[path]; ok && was.stamp == st && !was.missing {
			w.since = was.since
		}
		// A file that is new to us may have lain there for long. One that changed
		// may not have: truncating leaves the times alone on some file systems.
		if modified := time.Unix(0, max(st.modified, st.changed)); old == nil && modified.Before(w.since) {
			w.since = modified
		}
		if left := r.pace.still - now.Sub(w.since); left > 0 {
			wait = max(wait, left)
		}
		pending[path] = w
	}
	for path := range r.docs {
		if _, ok := seen[path]; ok {
			continue
		}
		if trusted, ok := r.trusted[path]; ok && trusted == (stamp{}) {
			continue
		}
		w := waiting{missing: true, since: now}
		if was, ok := r.pending[path]; ok && was.missing {
			w.since = was.since
		}
		if left := r.pace.missing - now.Sub(w.since); left > 0 {
			wait = max(wait, left)
		}
		pending[path] = w
	}
	if len(r.pending) == 0 {
		r.since = now
	}
	r.pending = pending
	if wait > 0 && now.Sub(r.since) < r.pace.patience {
		return wait, nil
	}

	for path, st := range seen {
		if next[path] != nil {
			continue
		}
		doc, err := r.read(path, st)
		switch {
		case errors.Is(err, errMoving):
			return r.pace.still, nil
		case errors.Is(err, fs.ErrNotExist):
			continue
		}
		next[path] = doc
	}
	r.keep(next)
	r.memory.remember(next)
	r.docs, r.pending, r.trusted = next, nil, nil
	return 0, nil
}

// list finds all files of objects.
func (r *reader) list(visit func(dir string)) (map[string]stamp, error) {
	seen := map[string]stamp{}
	err := filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path != r.dir {
				return nil // removed meanwhile
			}
			return err
		}
		if path != r.dir && strings.HasPrefix(e.Name(), ".") {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			visit(path)
			return nil
		}
		if !isManifest(e.Name()) {
			return nil
		}
		info, err := os.Stat(path) // follows links
		if err != nil || !info.Mode().IsRegular() {
			return nil // removed meanwhile, or a link that leads nowhere
		}
		rel, err := filepath.Rel(r.dir, path)
		if err != nil {
			return err
		}
		seen[rel] = stampOf(info)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look through %s: %w", r.dir, err)
	}
	return seen, nil
}

// isManifest reports whether a file holds objects, by its name.
func isManifest(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
		return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "#")
	}
	return false
}

// errMoving reports that a file changed while it was read.
var errMoving = errors.New("the file is being written")

// read reads one file. A file that cannot be opened is a broken one.
func (r *reader) read(path string, want stamp) (*document, error) {
	full := filepath.Join(r.dir, path)
	data, err := os.ReadFile(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return &document{path: path, stamp: want, broken: true, found: []mesh.Finding{{
			Code: mesh.CodeSourceAway, Severity: mesh.Error, Phase: mesh.PhaseSource, File: full,
			Message: fmt.Sprintf("The file cannot be read (%v). Make it readable for the user who runs heddle.", err),
		}}}, nil
	}
	info, err := os.Stat(full)
	if err != nil || stampOf(info) != want {
		return nil, errMoving
	}
	return r.parse(path, want, data), nil
}

// parse reads the text of one file.
func (r *reader) parse(path string, st stamp, data []byte) *document {
	full := filepath.Join(r.dir, path)
	result := config.Decode(full, data)
	doc := &document{path: path, stamp: st, data: data, objects: result.Objects, bad: result.Bad, found: result.Problems}
	for _, o := range doc.objects {
		o.Origin.Source = r.name
	}
	doc.broken = slices.ContainsFunc(doc.found, func(f mesh.Finding) bool { return f.Severity == mesh.Error })
	return doc
}

// keep gives each broken file the objects that it said last, unless they stand
// elsewhere now.
func (r *reader) keep(docs map[string]*document) {
	declared := map[mesh.Ref]bool{}
	for _, doc := range docs {
		for _, o := range doc.objects {
			declared[o.Ref] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		doc := docs[path]
		old := r.docs[path]
		if old == doc && len(doc.kept) == 0 {
			continue
		}
		var last []*mesh.Object
		switch {
		case old != nil:
			last = slices.Concat(old.objects, old.kept)
		case doc.broken || blank(doc):
			last = r.memory.recall(r, path)
		}
		kept := doc.kept
		if old != doc {
			kept = nil
			if blank(doc) && len(last) > 0 {
				doc.broken = true
				doc.found = []mesh.Finding{{
					Code: mesh.CodeSyntax, Severity: mesh.Warning, Phase: mesh.PhaseDecode, File: filepath.Join(r.dir, path), Line: 1,
					Message: "The file is empty. Delete it if its objects shall go.",
				}}
			}
			if doc.broken {
				kept = last
			}
		}
		// A new slice: the document may be shared with who reads meanwhile.
		kept = slices.DeleteFunc(slices.Clone(kept), func(o *mesh.Object) bool { return declared[o.Ref] })
		if old == doc {
			c := *doc
			doc = &c
			docs[path] = doc
		}
		doc.kept = kept
	}
}

// current reads what the folder says at this moment, for a writer that holds
// the lock and cannot wait. It leaves the memory of the reader alone.
func (r *reader) current() (map[string]*document, error) {
	const tries = 50
	for range tries {
		docs, err := r.once()
		if !errors.Is(err, errMoving) {
			return docs, err
		}
	}
	return nil, fmt.Errorf("read %s: %w", r.dir, errMoving)
}

func (r *reader) once() (map[string]*document, error) {
	seen, err := r.list(func(string) {})
	if err != nil {
		return nil, err
	}
	docs := map[string]*document{}
	for path, st := range seen {
		if old := r.docs[path]; old != nil && old.stamp == st {
			docs[path] = old
			continue
		}
		doc, err := r.read(path, st)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		docs[path] = doc
	}
	r.keep(docs)
	return docs, nil
}

// blank reports whether a file holds nothing at all, as it does for a moment
// when it is written anew in place.
func blank(doc *document) bool {
	return !doc.broken && len(doc.objects) == 0 && len(bytes.TrimSpace(doc.data)) == 0
}

// standing lists all objects, kept ones included, in the order in which of two
// with one name the first stands: by file, then line.
func standing(docs map[string]*document) []*mesh.Object {
	var out []*mesh.Object
	for _, path := range slices.Sorted(maps.Keys(docs)) {
		all := slices.Concat(docs[path].objects, docs[path].kept)
		slices.SortStableFunc(all, func(a, b *mesh.Object) int { return a.Origin.Line - b.Origin.Line })
		out = append(out, all...)
	}
	return out
}
