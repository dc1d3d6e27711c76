package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// settle is how long the first change waits for the next one.
const settle = 5 * time.Millisecond

// Run implements source.Source. Only one Run may be under way at a time.
func (s *Store) Run(ctx context.Context, out chan<- source.Update) error {
	w := s.watch()
	defer w.close()
	poll := s.opts.Poll
	if w.native() {
		poll *= 10
	}
	var last source.Update
	said := false
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.events():
			due = earlier(due, time.Now().Add(settle))
			continue
		case err := <-w.errors():
			// Events may be lost (the queue ran over): look at everything.
			s.log.Warn("watching the configuration folder failed", "error", err)
			due = earlier(due, time.Now().Add(settle))
			continue
		case <-s.kick:
		case <-time.After(time.Until(due)):
		}
		u, wait, err := s.scan(w)
		switch {
		case err != nil && !said:
			return err // Collect tries again; nothing was ever said
		case err != nil:
			u = away(last, s.opts.Name, err)
		case wait > 0:
			due = time.Now().Add(wait)
			continue
		}
		due = time.Now().Add(poll)
		if said && same(last, u) {
			continue
		}
		u.Token = last.Token + 1
		select {
		case out <- u:
		case <-ctx.Done():
			return ctx.Err()
		}
		said = true
		if err == nil {
			last = u
		} else {
			last.Findings, last.Token = u.Findings, u.Token
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// away is the last word with the finding that the folder cannot be read.
func away(last source.Update, name string, err error) source.Update {
	u := last
	u.Findings = slices.DeleteFunc(slices.Clone(u.Findings), func(f mesh.Finding) bool { return f.Code == mesh.CodeSourceAway && f.File == "" })
	u.Findings = append(u.Findings, mesh.Finding{
		Code: mesh.CodeSourceAway, Severity: mesh.Warning, Phase: mesh.PhaseSource,
		Message: fmt.Sprintf("The configuration folder cannot be read (%v). What it said last stands.", err),
		Params:  map[string]string{"source": name, "error": err.Error()},
	})
	return u
}

// scan looks through the folder once. A positive wait says to look again after
// that time, because something is being written.
func (s *Store) scan(w *watcher) (source.Update, time.Duration, error) {
	const busy = 5 * time.Millisecond
	unlock, err := s.tryLock(shared)
	if errors.Is(err, errBusy) {
		return source.Update{}, busy, nil
	}
	if err != nil {
		return source.Update{}, 0, err
	}
	defer func() { unlock() }()
	if s.interrupted() {
		// Somebody died while writing: complete it before anything is read.
		unlock()
		if unlock, err = s.tryLock(exclusive); err != nil {
			unlock = func() {}
			if errors.Is(err, errBusy) {
				return source.Update{}, busy, nil
			}
			return source.Update{}, 0, err
		}
		if err := s.recover(); err != nil {
			return source.Update{}, 0, err
		}
	}
	origins, err := s.readOrigins()
	if err != nil {
		return source.Update{}, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wait, err := s.files.look(time.Now(), w.add)
	if err != nil || wait > 0 {
		return source.Update{}, wait, err
	}
	return s.update(origins), 0, nil
}

// Objects is what the folder holds at this moment: no older than any Apply that
// has returned. It may be newer than what Run sent last, and it holds objects of
// the source's kinds only.
func (s *Store) Objects(ctx context.Context) ([]*mesh.Object, error) {
	unlock, err := s.lock(ctx, shared)
	if err != nil {
		return nil, err
	}
	defer unlock()
	origins, err := s.readOrigins()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, err := s.files.current()
	if err != nil {
		return nil, err
	}
	return s.objects(docs, origins), nil
}

// objects lists what documents say, with the manifests that it came from.
func (s *Store) objects(docs map[string]*document, origins origins) []*mesh.Object {
	var out []*mesh.Object
	for _, o := range standing(docs) {
		if !s.opts.Kinds(o.Kind) {
			continue
		}
		if from := origins[o.ID()]; from.From != "" {
			c := *o // the reader's object is shared and stays as it is
			c.Origin.From, c.Origin.Applied = from.From, from.Applied
			o = &c
		}
		out = append(out, o)
	}
	return out
}

// update is what the files say. The caller holds mu.
func (s *Store) update(origins origins) source.Update {
	u := source.Update{Source: s.opts.Name, Objects: s.objects(s.files.docs, origins), Writes: s.writes}
	for _, path := range slices.Sorted(maps.Keys(s.files.docs)) {
		doc := s.files.docs[path]
		for _, f := range doc.found {
			if f.Severity == mesh.Error && len(doc.kept) > 0 {
				f.Message = strings.TrimSuffix(f.Message, ".") + "; what the file said last stays in effect"
			}
			if from := origins[f.Ref.ID()].From; from != "" {
				f.Params = withFrom(f.Params, from)
			}
			u.Findings = append(u.Findings, f)
		}
	}
	return u
}

func withFrom(params map[string]string, from string) map[string]string {
	out := maps.Clone(params)
	if out == nil {
		out = map[string]string{}
	}
	out["from"] = from
	return out
}

// same reports whether two updates say the same.
func same(a, b source.Update) bool {
	return a.Writes == b.Writes && slices.EqualFunc(a.Objects, b.Objects, func(x, y *mesh.Object) bool {
		return x == y || x.Ref == y.Ref && x.Version == y.Version && x.Origin == y.Origin
	}) && slices.EqualFunc(a.Findings, b.Findings, func(x, y mesh.Finding) bool {
		return x.Code == y.Code && x.Severity == y.Severity && x.Ref == y.Ref && x.Path == y.Path &&
			x.Message == y.Message && x.File == y.File && x.Line == y.Line && x.Column == y.Column && maps.Equal(x.Params, y.Params)
	})
}

// watcher tells about changes where the system does; without w it does not.
type watcher struct {
	w   *fsnotify.Watcher
	log *slog.Logger
}

func (s *Store) watch() *watcher {
	if s.opts.NoWatch {
		return &watcher{}
	}
	w, err := fsnotify.NewWatcher()
	if err == nil {
		if err = w.Add(s.dir); err == nil {
			return &watcher{w: w, log: s.log}
		}
		w.Close()
	}
	s.log.Warn("changes of the configuration folder are polled", "error", err, "interval", s.opts.Poll)
	return &watcher{}
}

// add watches a folder, again if need be: one that was removed and made anew is
// another one for the system. It is called before the folder is read, so that
// nothing is missed between.
func (w *watcher) add(dir string) {
	if w.w == nil {
		return
	}
	if err := w.w.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("folder is not watched", "dir", dir, "error", err)
	}
}

func (w *watcher) native() bool { return w.w != nil }

func (w *watcher) events() <-chan fsnotify.Event {
	if w.w == nil {
		return nil
	}
	return w.w.Events
}

func (w *watcher) errors() <-chan error {
	if w.w == nil {
		return nil
	}
	return w.w.Errors
}

func (w *watcher) close() {
	if w.w != nil {
		w.w.Close()
	}
}
