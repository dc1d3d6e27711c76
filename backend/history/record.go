package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// rowsOf is what is recorded of every object.
func rowsOf(ctx context.Context, tx *sql.Tx) (map[mesh.Ref]row, error) {
	list, err := tx.QueryContext(ctx, "SELECT ref, version, applied FROM object")
	if err != nil {
		return nil, err
	}
	defer list.Close()
	out := map[mesh.Ref]row{}
	for list.Next() {
		var id string
		var r row
		if err := list.Scan(&id, &r.version, &r.applied); err != nil {
			return nil, err
		}
		ref, err := mesh.ParseID(id)
		if err != nil {
			return nil, err
		}
		out[ref] = r
	}
	return out, list.Err()
}

// rowOf is what is recorded of one object; false when nothing is.
func rowOf(ctx context.Context, tx *sql.Tx, ref mesh.Ref) (row, bool, error) {
	var r row
	err := tx.QueryRowContext(ctx, "SELECT version, applied FROM object WHERE ref = ?", ref.ID()).Scan(&r.version, &r.applied)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, false, nil
	}
	return r, err == nil, err
}

func setRow(ctx context.Context, tx *sql.Tx, ref mesh.Ref, r row) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO object (ref, version, applied) VALUES (?, ?, ?) ON CONFLICT (ref) DO UPDATE SET version = excluded.version, applied = excluded.applied",
		ref.ID(), r.version, r.applied)
	return err
}

// keep stores the bytes of a document, unless they are kept, or must not be.
func keep(ctx context.Context, tx *sql.Tx, ref mesh.Ref, t *text) error {
	if t == nil || !kept(ref.Kind) {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO revision (version, text) VALUES (?, ?) ON CONFLICT (version) DO NOTHING", t.version, append([]byte{}, t.bytes...))
	return err
}

// asker asks the database, in a transaction or out of it.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// textAt is the text of a version, without bytes when they are not kept.
func textAt(ctx context.Context, from asker, ref mesh.Ref, version string) (*text, error) {
	t := &text{version: version}
	if !kept(ref.Kind) {
		return t, nil
	}
	err := from.QueryRowContext(ctx, "SELECT text FROM revision WHERE version = ?", version).Scan(&t.bytes)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return t, nil
}

// editsOf reads what a set did.
func editsOf(ctx context.Context, from asker, id int64) ([]edit, error) {
	out, err := versionsOf(ctx, from, id)
	if err != nil {
		return nil, err
	}
	for _, e := range out {
		for _, t := range []*text{e.before, e.after} {
			if t == nil {
				continue
			}
			full, err := textAt(ctx, from, e.ref, t.version)
			if err != nil {
				return nil, err
			}
			t.bytes = full.bytes
		}
	}
	return out, nil
}

// versionsOf is the same without bytes.
func versionsOf(ctx context.Context, from asker, id int64) ([]edit, error) {
	list, err := from.QueryContext(ctx, "SELECT ref, before_version, after_version FROM change_entry WHERE change_id = ? ORDER BY position", id)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var out []edit
	for list.Next() {
		var ref string
		var before, after sql.NullString
		if err := list.Scan(&ref, &before, &after); err != nil {
			return nil, err
		}
		e := edit{}
		if e.ref, err = mesh.ParseID(ref); err != nil {
			return nil, err
		}
		if before.Valid {
			e.before = &text{version: before.String}
		}
		if after.Valid {
			e.after = &text{version: after.String}
		}
		out = append(out, e)
	}
	return out, list.Err()
}

// insert records a set; a planned one is not yet true.
func (h *History) insert(ctx context.Context, tx *sql.Tx, s set, planned bool) (int64, error) {
	var undoes any
	if id, ok := ParseID(s.Undoes); ok {
		undoes = id
	}
	done, err := tx.ExecContext(ctx, "INSERT INTO change (at, actor, via, note, summary, undoes, planned) VALUES (?, ?, ?, ?, '{}', ?, ?)",
		s.at.UnixNano(), s.Actor, string(s.Via), s.Note, undoes, planned)
	if err != nil {
		return 0, err
	}
	id, err := done.LastInsertId()
	if err != nil {
		return 0, err
	}
	if err := h.addEdits(ctx, tx, id, 0, s.edits, planned); err != nil {
		return 0, err
	}
	if planned {
		return id, nil
	}
	if err := h.describe(ctx, tx, id, s.edits, s.Undoes); err != nil {
		return 0, err
	}
	return id, undo(ctx, tx, id)
}

// addEdits records what a set did to objects, behind so many others.
func (h *History) addEdits(ctx context.Context, tx *sql.Tx, id int64, behind int, edits []edit, planned bool) error {
	version := func(t *text) any {
		if t == nil {
			return nil
		}
		return t.version
	}
	for i, e := range edits {
		if err := errors.Join(keep(ctx, tx, e.ref, e.before), keep(ctx, tx, e.ref, e.after)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO change_entry (change_id, position, ref, before_version, after_version) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (change_id, position) DO UPDATE SET before_version = excluded.before_version, after_version = excluded.after_version`,
			id, behind+i, e.ref.ID(), version(e.before), version(e.after))
		if err != nil {
			return err
		}
		switch {
		case planned:
		case e.after == nil:
			if _, err := tx.ExecContext(ctx, "DELETE FROM object WHERE ref = ?", e.ref.ID()); err != nil {
				return err
			}
		default:
			if err := setRow(ctx, tx, e.ref, row{e.after.version, e.applied}); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe writes what follows from the edits of a set: its summary and its
// services.
func (h *History) describe(ctx context.Context, tx *sql.Tx, id int64, edits []edit, undoes string) error {
	summary, err := json.Marshal(summarize(edits, undoes))
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE change SET summary = ? WHERE id = ?", string(summary), id); err != nil {
		return err
	}
	var before, after []*mesh.Object
	for _, e := range edits {
		if e.before != nil && kept(e.ref.Kind) {
			before = append(before, config.Decode("", e.before.bytes).Objects...)
		}
		if e.after != nil && kept(e.ref.Kind) {
			after = append(after, config.Decode("", e.after.bytes).Objects...)
		}
	}
	for _, service := range slices.Concat(h.o.Services(before), h.o.Services(after)) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO change_service (service, change_id) VALUES (?, ?) ON CONFLICT DO NOTHING", service, id); err != nil {
			return err
		}
	}
	return nil
}

// finish makes a plan true, with the texts as they stand in the store.
func (h *History) finish(ctx context.Context, tx *sql.Tx, id int64, s set) error {
	if err := h.addEdits(ctx, tx, id, 0, s.edits, false); err != nil {
		return err
	}
	if err := h.describe(ctx, tx, id, s.edits, s.Undoes); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE change SET planned = 0 WHERE id = ?", id); err != nil {
		return err
	}
	return undo(ctx, tx, id)
}

// undo notes what a set took back: the change before it is out of force, what
// that one had taken back is in force again, and so on.
func undo(ctx context.Context, tx *sql.Tx, id int64) error {
	by, out := id, true
	for {
		var undoes sql.NullInt64
		if err := tx.QueryRowContext(ctx, "SELECT undoes FROM change WHERE id = ?", by).Scan(&undoes); err != nil {
			if errors.Is(err, sql.ErrNoRows) { // forgotten
				return nil
			}
			return err
		}
		if !undoes.Valid {
			return nil
		}
		var mark any
		if out {
			mark = by
		}
		if _, err := tx.ExecContext(ctx, "UPDATE change SET undone_by = ? WHERE id = ?", mark, undoes.Int64); err != nil {
			return err
		}
		by, out = undoes.Int64, !out
	}
}

// drift records what others changed of the objects of a set since the last
// record: the set was made on top of it.
func (h *History) drift(ctx context.Context, tx *sql.Tx, s set, objects map[mesh.Ref]*mesh.Object) ([]int64, error) {
	rows, present := map[mesh.Ref]row{}, map[mesh.Ref]*mesh.Object{}
	for _, e := range s.edits {
		r, known, err := rowOf(ctx, tx, e.ref)
		if err != nil {
			return nil, err
		}
		if known {
			rows[e.ref] = r
		}
		if e.before == nil {
			continue
		}
		o := objects[e.ref]
		if o == nil || o.Version != e.before.version {
			o = &mesh.Object{Ref: e.ref, Version: e.before.version, Text: e.before.bytes, Origin: mesh.Origin{Applied: r.applied}}
		}
		present[e.ref] = o
	}
	list, err := h.differences(ctx, tx, rows, present)
	if err != nil {
		return nil, fmt.Errorf("find what was changed before: %w", err)
	}
	return h.insertFound(ctx, tx, list)
}
