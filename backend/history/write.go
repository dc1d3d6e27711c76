package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Bounds of a write: how long the proxies may take each of several steps, and how
// long what was begun is finished after the one who asked for it left.
const (
	settleWithin = 10 * time.Second
	finishWithin = 10 * time.Second
	maxBacklog   = 1000
)

// Write makes changes, all or none, and records them as one set. When they need
// several steps, see Steps, and one fails, those before it are put back.
//
// It fails with the database's own error, and writes nothing, when the set cannot
// be recorded; but not for the command line, whose owner may be about to mend
// that: then the set is recorded later, and has no ID yet.
func (h *History) Write(ctx context.Context, by By, changes []source.Change) (*Change, error) {
	h.mu.Lock()
	ids, s, err := h.writeLocked(ctx, by, changes)
	h.mu.Unlock()
	finishing, done := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer done()
	h.announce(finishing, ids...)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return h.Get(finishing, formatID(ids[len(ids)-1]))
	}
	return s.change(), nil
}

// writeLocked gives the sets that it recorded, the last of them being what was
// written, or the set that could not be recorded.
func (h *History) writeLocked(ctx context.Context, by By, changes []source.Change) (ids []int64, left *set, err error) {
	objects, err := h.o.Store.Objects(ctx)
	if err != nil {
		return nil, nil, err
	}
	present := first(objects)
	s := set{By: by, at: h.o.Now()}
	for _, c := range changes {
		e := edit{ref: c.Ref, before: textOf(present[c.Ref])}
		if c.Text != nil {
			e.after = &text{config.TextVersion(c.Text), c.Text}
		}
		s.edits = append(s.edits, e)
	}
	ids, plan, err := h.plan(ctx, s, present)
	if err != nil {
		if by.Via != CLI || ctx.Err() != nil {
			return nil, nil, err
		}
		h.log.WarnContext(ctx, "a change is recorded later", slog.Any("error", err))
	}
	err = h.carryOut(ctx, Steps(changes, present), present)
	h.wrote, h.seen = h.o.Store.Writes(), nil
	finishing, done := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer done()
	if err != nil {
		h.abandon(finishing, plan)
		return ids, nil, err
	}
	h.readBack(finishing, &s)
	err = errors.New("it was not planned")
	if plan > 0 {
		err = h.o.Database.Write(finishing, func(tx *sql.Tx) error { return h.finish(finishing, tx, plan, s) })
	}
	if err != nil {
		if len(h.backlog) == maxBacklog {
			h.log.Warn("so much could not be recorded that it is forgotten who changed what")
			h.backlog = nil
		}
		h.backlog = append(h.backlog, unrecorded{plan, s})
		return ids, &s, nil
	}
	h.recorded++
	return append(ids, plan), nil, nil
}

// plan notes what is about to be written, so that it is known who did it even if
// this process ends before it is recorded.
func (h *History) plan(ctx context.Context, s set, present map[mesh.Ref]*mesh.Object) (ids []int64, plan int64, err error) {
	err = h.o.Database.Write(ctx, func(tx *sql.Tx) error {
		var err error
		if ids, err = h.catchUp(ctx, tx, present); err != nil {
			return err
		}
		more, err := h.drift(ctx, tx, s, present)
		if err != nil {
			return err
		}
		ids = append(ids, more...)
		plan, err = h.insert(ctx, tx, s, true)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	h.recovered, h.backlog = true, nil
	return ids, plan, nil
}

// abandon forgets a plan that came to nothing.
func (h *History) abandon(ctx context.Context, plan int64) {
	if plan == 0 {
		return
	}
	err := h.o.Database.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM change WHERE id = ?", plan)
		return err
	})
	if err != nil {
		h.recovered = false // it is looked at again
		h.log.WarnContext(ctx, "a change that was not made is still planned", slog.Any("error", err))
	}
}

// readBack gives a set the texts as they stand in the store: there a document may
// end otherwise than it was given.
func (h *History) readBack(ctx context.Context, s *set) {
	objects, err := h.o.Store.Objects(ctx)
	if err != nil {
		h.log.WarnContext(ctx, "what was written cannot be read back", slog.Any("error", err))
		return
	}
	now := first(objects)
	for i, e := range s.edits {
		o := now[e.ref]
		if o == nil || e.after == nil || !sameText(e.after, textOf(o)) {
			continue // somebody was faster; that is found later
		}
		s.edits[i].after, s.edits[i].applied = textOf(o), o.Origin.Applied
	}
}

// carryOut makes the steps, and puts back those that were made when one fails.
func (h *History) carryOut(ctx context.Context, steps [][]source.Change, before map[mesh.Ref]*mesh.Object) error {
	for n, step := range steps {
		made := n
		err := h.o.Store.Apply(ctx, step)
		if err == nil && n+1 < len(steps) {
			made++
			h.settle(ctx, step)
			err = ctx.Err()
		}
		if err == nil {
			continue
		}
		if made == 0 {
			return err
		}
		if again := h.putBack(ctx, slices.Concat(steps[:made]...), before); again != nil {
			return fmt.Errorf("%w; and what was written before that could not be put back: %w", err, again)
		}
		return err
	}
	return nil
}

// settle waits until every proxy has taken a step.
func (h *History) settle(ctx context.Context, step []source.Change) {
	var written []*mesh.Object
	for _, c := range step {
		if o := decoded(c.Text); o != nil {
			written = append(written, o)
		}
	}
	ctx, done := context.WithTimeout(ctx, settleWithin)
	defer done()
	h.o.Settle(ctx, written)
}

// putBack writes what stood there before changes, unless somebody else changed it
// since.
func (h *History) putBack(ctx context.Context, changes []source.Change, before map[mesh.Ref]*mesh.Object) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer done()
	objects, err := h.o.Store.Objects(ctx)
	if err != nil {
		return err
	}
	now := first(objects)
	var back []source.Change
	for _, c := range changes {
		is, was := now[c.Ref], before[c.Ref]
		switch {
		case (is == nil) != (c.Text == nil), is != nil && !sameText(textOf(is), &text{config.TextVersion(c.Text), c.Text}):
			return fmt.Errorf("%s: %w", c.Ref, source.ErrStale)
		case is == nil && was == nil:
			continue
		}
		b := source.Change{Ref: c.Ref}
		if is != nil {
			b.Expect = is.Version
		}
		if was != nil {
			b.Text, b.From = was.Text, was.Origin.From
		}
		back = append(back, b)
	}
	return h.o.Store.Apply(ctx, back)
}

// catchUp records what could not be recorded when it was written: in this
// process, or in one that ended while it wrote.
func (h *History) catchUp(ctx context.Context, tx *sql.Tx, objects map[mesh.Ref]*mesh.Object) (ids []int64, err error) {
	waiting := map[int64]bool{}
	for _, u := range h.backlog {
		waiting[u.id] = true
		more, err := h.drift(ctx, tx, u.set, nil)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
		if u.id > 0 {
			err = h.finish(ctx, tx, u.id, u.set)
		} else {
			u.id, err = h.insert(ctx, tx, u.set, false)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, u.id)
	}
	if h.recovered {
		return ids, nil
	}
	plans, err := plansOf(ctx, tx)
	if err != nil {
		return nil, err
	}
	for id, s := range plans {
		if waiting[id] {
			continue
		}
		made := true
		for i, e := range s.edits {
			now := textOf(objects[e.ref])
			if made = made && sameText(e.after, now); made && now != nil {
				s.edits[i].after, s.edits[i].applied = now, objects[e.ref].Origin.Applied
			}
		}
		if made {
			ids = append(ids, id)
			err = h.finish(ctx, tx, id, s)
		} else {
			_, err = tx.ExecContext(ctx, "DELETE FROM change WHERE id = ?", id)
		}
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// plansOf are the sets that are planned.
func plansOf(ctx context.Context, tx *sql.Tx) (map[int64]set, error) {
	list, err := tx.QueryContext(ctx, "SELECT id, at, actor, via, note, coalesce(undoes, 0) FROM change WHERE planned = 1")
	if err != nil {
		return nil, err
	}
	defer list.Close()
	out := map[int64]set{}
	for list.Next() {
		var id, at, undoes int64
		var s set
		if err := list.Scan(&id, &at, &s.Actor, &s.Via, &s.Note, &undoes); err != nil {
			return nil, err
		}
		s.at = time.Unix(0, at)
		if undoes > 0 {
			s.Undoes = formatID(undoes)
		}
		out[id] = s
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	for id, s := range out {
		if s.edits, err = editsOf(ctx, tx, id); err != nil {
			return nil, err
		}
		out[id] = s
	}
	return out, nil
}

// change shows a set that is not recorded.
func (s *set) change() *Change {
	c := &Change{Actor: s.Actor, Via: s.Via, At: s.at, Note: s.Note, Undoes: s.Undoes, Summary: summarize(s.edits, s.Undoes), Entries: []Entry{}}
	for _, e := range s.edits {
		c.Entries = append(c.Entries, e.entry(true))
	}
	return c
}
