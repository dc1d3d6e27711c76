package history

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// together is how long after the first edit in the folder others belong to it.
const together = time.Second

// record compares what the collector accepted with what is recorded.
func (h *History) record(ctx context.Context, o observation) error {
	h.mu.Lock()
	ids, failed, err := h.recordLocked(ctx, o)
	h.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			h.log.Debug("changes are recorded later", slog.Any("error", err))
		}
		return err
	}
	if failed {
		h.remember(ctx)
	}
	h.announce(ctx, ids...)
	return nil
}

// recordLocked gives the sets that it recorded, and whether something could not
// be recorded before.
func (h *History) recordLocked(ctx context.Context, o observation) (ids []int64, failed bool, err error) {
	if o.writes < h.wrote {
		return nil, false, nil // older than what we wrote; a newer one follows
	}
	objects := first(o.objects)
	now := map[mesh.Ref]row{}
	for ref, object := range objects {
		now[ref] = row{object.Version, object.Origin.Applied}
	}
	if h.recovered && len(h.backlog) == 0 && h.seen != nil && maps.Equal(h.seen, now) {
		h.seenAt = h.o.Now()
		return nil, false, nil
	}
	err = h.o.Database.Write(ctx, func(tx *sql.Tx) error {
		var err error
		if ids, err = h.catchUp(ctx, tx, objects); err != nil {
			return err
		}
		rows, err := rowsOf(ctx, tx)
		if err != nil {
			return err
		}
		found, err := h.differences(ctx, tx, rows, objects)
		if err != nil {
			return err
		}
		more, err := h.insertFound(ctx, tx, found)
		ids = append(ids, more...)
		return err
	})
	if err != nil {
		h.seen = nil
		return nil, false, err
	}
	failed = len(h.backlog) > 0
	h.backlog, h.recovered, h.seen, h.seenAt = nil, true, now, h.o.Now()
	h.recorded += len(ids)
	return ids, failed, nil
}

// first are objects by name; of two with one name the first stands.
func first(objects []*mesh.Object) map[mesh.Ref]*mesh.Object {
	out := make(map[mesh.Ref]*mesh.Object, len(objects))
	for _, o := range objects {
		if out[o.Ref] == nil {
			out[o.Ref] = o
		}
	}
	return out
}

func textOf(o *mesh.Object) *text {
	if o == nil {
		return nil
	}
	return &text{o.Version, o.Text}
}

// found is an object that is not as it was recorded.
type found struct {
	edit
	at time.Time
	up bool // heddle up brought it from its manifest
}

// differences are what was changed by others than History. Blank space around a
// document, which moves when its neighbours in the file do, is nobody's change.
func (h *History) differences(ctx context.Context, tx *sql.Tx, rows map[mesh.Ref]row, objects map[mesh.Ref]*mesh.Object) ([]found, error) {
	earliest, now, err := h.span(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []found
	for ref, was := range rows {
		if objects[ref] != nil {
			continue
		}
		before, err := textAt(ctx, tx, ref, was.version)
		if err != nil {
			return nil, err
		}
		manifest, err := h.o.Store.Manifest(ref)
		if err != nil {
			h.log.Warn("it cannot be told who removed an object", slog.String("object", ref.String()), slog.Any("error", err))
		}
		out = append(out, found{edit: edit{ref: ref, before: before}, at: now, up: was.applied != "" && err == nil && manifest == ""})
	}
	for ref, o := range objects {
		was, known := rows[ref]
		if known && was.version == o.Version {
			if was.applied != o.Origin.Applied {
				if err := setRow(ctx, tx, ref, row{o.Version, o.Origin.Applied}); err != nil {
					return nil, err
				}
			}
			continue
		}
		f := found{edit: edit{ref: ref, after: textOf(o), applied: o.Origin.Applied}, at: within(modified(o), earliest, now)}
		f.up = o.Origin.Applied != "" && o.Origin.Applied != was.applied
		if known {
			if f.before, err = textAt(ctx, tx, ref, was.version); err != nil {
				return nil, err
			}
			if sameText(f.before, f.after) {
				if err := keep(ctx, tx, ref, f.after); err != nil {
					return nil, err
				}
				if err := setRow(ctx, tx, ref, row{o.Version, o.Origin.Applied}); err != nil {
					return nil, err
				}
				continue
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// sameText reports whether two documents differ in nothing but blank space around
// them.
func sameText(a, b *text) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.version == b.version || len(a.bytes) > 0 && bytes.Equal(bytes.TrimSpace(a.bytes), bytes.TrimSpace(b.bytes))
}

// span is when what is found now may have been changed: after the last look, or
// the last change that is recorded.
func (h *History) span(ctx context.Context, tx *sql.Tx) (earliest, now time.Time, err error) {
	now = h.o.Now()
	earliest = h.seenAt.Add(-readingTakes)
	var at sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT max(at) FROM change").Scan(&at); err != nil {
		return now, now, err
	}
	if last := time.Unix(0, at.Int64); at.Valid && last.After(earliest) {
		earliest = last
	}
	if earliest.After(now) {
		earliest = now
	}
	return earliest, now, nil
}

// readingTakes bounds how long an edit lies in the folder before it is observed.
const readingTakes = 2 * time.Second

// modified is when the file of an object was written; zero when nobody knows.
func modified(o *mesh.Object) time.Time {
	info, err := os.Stat(o.Origin.File)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

func within(t, earliest, latest time.Time) time.Time {
	switch {
	case t.IsZero() || t.After(latest):
		return latest
	case t.Before(earliest):
		return earliest
	}
	return t
}

// sets gathers what was found: what heddle up brought is one set, edits in the
// folder are sets of what lies within a second. The oldest set is the first.
func (h *History) sets(list []found) []set {
	slices.SortFunc(list, func(a, b found) int { return cmp.Or(a.at.Compare(b.at), a.ref.Compare(b.ref)) })
	var out []set
	up, file := -1, -1
	for _, f := range list {
		at, by := &file, By{Actor: FileActor, Via: File}
		if f.up {
			at, by = &up, By{Actor: h.o.Owner, Via: Up}
		}
		if *at < 0 || !f.up && f.at.Sub(out[*at].at) > together {
			out = append(out, set{By: by, at: f.at})
			*at = len(out) - 1
		}
		out[*at].edits = append(out[*at].edits, f.edit)
	}
	return out
}

// insertFound records what was found. An edit in the folder joins the set before
// it when that is one of such edits, less than a second old, of other objects.
func (h *History) insertFound(ctx context.Context, tx *sql.Tx, list []found) ([]int64, error) {
	var ids []int64
	for _, s := range h.sets(list) {
		id, err := h.join(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		if id == 0 {
			if id, err = h.insert(ctx, tx, s, false); err != nil {
				return nil, err
			}
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// join adds a set to the one before it, and gives its id; 0 when it does not
// belong there.
func (h *History) join(ctx context.Context, tx *sql.Tx, s set) (int64, error) {
	var id, at int64
	var via string
	var undone sql.NullInt64
	err := tx.QueryRowContext(ctx, "SELECT id, at, via, undone_by FROM change WHERE planned = 0 ORDER BY id DESC LIMIT 1").Scan(&id, &at, &via, &undone)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	since := s.at.Sub(time.Unix(0, at))
	if s.Via != File || via != string(File) || undone.Valid || since < 0 || since > together {
		return 0, nil
	}
	had, err := editsOf(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	for _, e := range s.edits {
		if slices.ContainsFunc(had, func(o edit) bool { return o.ref == e.ref }) {
			return 0, nil
		}
	}
	if err := h.addEdits(ctx, tx, id, len(had), s.edits, false); err != nil {
		return 0, err
	}
	return id, h.describe(ctx, tx, id, append(had, s.edits...), "")
}
