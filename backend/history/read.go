package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// ErrUnknown reports a change that there is not, or not any more.
var ErrUnknown = errors.New("change not found")

// Filter says which changes are asked for. The zero Filter is all of them.
type Filter struct {
	Limit   int    // 0 is 50; at most 200
	Before  string // only older ones than this
	Object  mesh.Ref
	Service string // "namespace/name"
	Actor   string
	Via     Via
}

const (
	usualLimit = 50
	maxLimit   = 200
)

func (f Filter) limit() int {
	if f.Limit <= 0 {
		return usualLimit
	}
	return min(f.Limit, maxLimit)
}

const columns = "id, at, actor, via, note, summary, coalesce(undoes, 0), coalesce(undone_by, 0)"

// List are changes without texts, the newest first, and what to ask for as Before
// for those behind them; "" at the end.
func (h *History) List(ctx context.Context, f Filter) (changes []Change, next string, err error) {
	where, args := []string{"planned = 0"}, []any{}
	add := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	if f.Before != "" {
		id, ok := ParseID(f.Before)
		if !ok {
			return nil, "", fmt.Errorf("%q is no change: %w", f.Before, ErrUnknown)
		}
		add("id < ?", id)
	}
	if f.Object != (mesh.Ref{}) {
		add("id IN (SELECT change_id FROM change_entry WHERE ref = ?)", f.Object.ID())
	}
	if f.Service != "" {
		add("id IN (SELECT change_id FROM change_service WHERE service = ?)", f.Service)
	}
	if f.Actor != "" {
		add("actor = ?", f.Actor)
	}
	if f.Via != "" {
		add("via = ?", string(f.Via))
	}
	query := "SELECT " + columns + " FROM change WHERE " + strings.Join(where, " AND ") + " ORDER BY id DESC LIMIT ?"
	changes, err = h.query(ctx, query, append(args, f.limit()+1)...)
	if err != nil {
		return nil, "", err
	}
	if len(changes) > f.limit() {
		changes = changes[:f.limit()]
		next = changes[len(changes)-1].ID
	}
	for i := range changes {
		if err := h.complete(ctx, &changes[i], false); err != nil {
			return nil, "", err
		}
	}
	return changes, next, nil
}

// Get is one change with its texts.
func (h *History) Get(ctx context.Context, id string) (*Change, error) {
	n, ok := ParseID(id)
	if !ok {
		return nil, fmt.Errorf("change %q: %w", id, ErrUnknown)
	}
	found, err := h.query(ctx, "SELECT "+columns+" FROM change WHERE planned = 0 AND id = ?", n)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("change %s: %w", id, ErrUnknown)
	}
	return &found[0], h.complete(ctx, &found[0], true)
}

func (h *History) query(ctx context.Context, query string, args ...any) ([]Change, error) {
	list, err := h.o.Database.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var out []Change
	for list.Next() {
		var c Change
		var id, at, undoes, undoneBy int64
		var summary string
		if err := list.Scan(&id, &at, &c.Actor, &c.Via, &c.Note, &summary, &undoes, &undoneBy); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(summary), &c.Summary); err != nil {
			return nil, fmt.Errorf("summary of change %d: %w", id, err)
		}
		c.ID, c.At = formatID(id), time.Unix(0, at).UTC()
		if undoes > 0 {
			c.Undoes = formatID(undoes)
		}
		if undoneBy > 0 {
			c.UndoneBy = formatID(undoneBy)
		}
		out = append(out, c)
	}
	return out, list.Err()
}

// complete adds the entries and services of a change, and what of it can be taken
// back.
func (h *History) complete(ctx context.Context, c *Change, texts bool) error {
	id, _ := ParseID(c.ID)
	db := h.o.Database.Read()
	edits, err := entriesOf(ctx, db, id, texts)
	if err != nil {
		return err
	}
	c.Entries = edits
	for _, e := range edits {
		if !kept(e.Ref.Kind) {
			c.Stays = append(c.Stays, e.Ref)
		}
	}
	c.Undoable = c.UndoneBy == "" && len(c.Stays) < len(edits)
	list, err := db.QueryContext(ctx, "SELECT service FROM change_service WHERE change_id = ? ORDER BY service", id)
	if err != nil {
		return err
	}
	defer list.Close()
	for list.Next() {
		var service string
		if err := list.Scan(&service); err != nil {
			return err
		}
		c.Services = append(c.Services, service)
	}
	return list.Err()
}

func entriesOf(ctx context.Context, db *sql.DB, id int64, texts bool) ([]Entry, error) {
	read := editsOf
	if !texts {
		read = versionsOf
	}
	edits, err := read(ctx, db, id)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(edits))
	for i, e := range edits {
		out[i] = e.entry(texts)
	}
	return out, nil
}

// entry shows an edit.
func (e edit) entry(texts bool) Entry {
	out := Entry{Ref: e.ref, Op: e.op()}
	show := func(t *text, etag *string, shown **string) {
		if t == nil || !kept(e.ref.Kind) { // its version is a digest, by which a guess could be tried out
			return
		}
		*etag = t.version
		if texts && t.bytes != nil {
			s := string(t.bytes)
			*shown = &s
		}
	}
	show(e.before, &out.BeforeETag, &out.Before)
	show(e.after, &out.AfterETag, &out.After)
	return out
}

// Revision is the text that has a version; false when it is not kept.
func (h *History) Revision(ctx context.Context, version string) ([]byte, bool, error) {
	var text []byte
	err := h.o.Database.Read().QueryRowContext(ctx, "SELECT text FROM revision WHERE version = ?", version).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return text, err == nil, err
}

// Revisions are the texts that an object had, the newest first, and what to ask
// for as before for those behind them; "" at the end.
func (h *History) Revisions(ctx context.Context, ref mesh.Ref, limit int, before string) (revisions []Revision, next string, err error) {
	changes, next, err := h.List(ctx, Filter{Object: ref, Limit: limit, Before: before})
	if err != nil {
		return nil, "", err
	}
	for _, c := range changes {
		for _, e := range c.Entries {
			if e.Ref != ref {
				continue
			}
			r := Revision{Change: c.ID, At: c.At, Actor: c.Actor, Via: c.Via, Op: e.Op, ETag: e.AfterETag}
			if text, ok, err := h.Revision(ctx, e.AfterETag); err != nil {
				return nil, "", err
			} else if ok && kept(ref.Kind) {
				s := string(text)
				r.Text = &s
			}
			revisions = append(revisions, r)
		}
	}
	return revisions, next, nil
}

// readLatest is the last change of every object that is there.
func (h *History) readLatest(ctx context.Context) (map[mesh.Ref]Last, error) {
	list, err := h.o.Database.Read().QueryContext(ctx, `SELECT o.ref, c.id, c.at, c.actor, c.via FROM object o JOIN change c
		ON c.id = (SELECT max(e.change_id) FROM change_entry e JOIN change d ON d.id = e.change_id WHERE e.ref = o.ref AND d.planned = 0)`)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	out := map[mesh.Ref]Last{}
	for list.Next() {
		var ref string
		var id, at int64
		var l Last
		if err := list.Scan(&ref, &id, &at, &l.Actor, &l.Via); err != nil {
			return nil, err
		}
		parsed, err := mesh.ParseID(ref)
		if err != nil {
			return nil, err
		}
		l.ID, l.At = formatID(id), time.Unix(0, at).UTC()
		out[parsed] = l
	}
	return out, list.Err()
}
