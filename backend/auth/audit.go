package auth

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// Entry is one line of the audit log: who did what, from where, and what came of
// it.
type Entry struct {
	ID      int64     `json:"id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Via     Via       `json:"via"`
	Address string    `json:"address,omitempty"`
	Action  string    `json:"action"` // a word with a dot: user.add, change.apply
	Target  string    `json:"target,omitempty"`
	Outcome string    `json:"outcome"`
	Detail  string    `json:"detail,omitempty"`
}

// Outcomes of entries.
const (
	Done    = "ok"
	Refused = "refused" // by a rule: not allowed, wrong password, blocked by a check
	Failed  = "failed"
)

// ActionChange is that of a change of the configuration, whoever records it.
const ActionChange = "change.apply"

// Actions of this package.
const (
	actionSignIn = "session.signIn"
)

// Recorder takes entries. Actor, Via and Address are those of who asks in ctx
// where they are empty; At is now. Recording never fails the caller: what cannot
// be kept is logged instead.
type Recorder interface {
	Record(ctx context.Context, e Entry)
}

// Audit is the log in the database.
type Audit struct {
	db    *database.DB
	log   *slog.Logger
	now   func() time.Time
	owner string // what the owner is called; "" is OwnerName
}

// Lengths of fields, in characters; the rest is cut off.
const (
	maxField  = 256
	maxDetail = 2048
)

// Record implements Recorder. Characters that would make lines of their own, or
// that a terminal obeys, are written out.
func (l *Audit) Record(ctx context.Context, e Entry) {
	if s, ok := From(ctx); ok {
		if e.Actor == "" {
			e.Actor = s.User
		}
		if e.Via == "" {
			e.Via = s.Via
		}
		if e.Address == "" {
			e.Address = s.Address
		}
	}
	if e.Actor == OwnerName {
		e.Actor = cmp.Or(l.owner, OwnerName) // by the name that changes have in the history
	}
	e.At = l.now()
	for _, field := range []*string{&e.Actor, &e.Address, &e.Action, &e.Target, &e.Outcome} {
		*field = fit(*field, maxField)
	}
	e.Detail = fit(e.Detail, maxDetail)
	// What was done is recorded also when nobody waits for the answer any more.
	ctx = context.WithoutCancel(ctx)
	err := l.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO audit (at, actor, via, address, action, target, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			millis(e.At), e.Actor, string(e.Via), e.Address, e.Action, e.Target, e.Outcome, e.Detail)
		return err
	})
	if err != nil {
		l.log.WarnContext(ctx, "an entry of the audit log could not be kept", "actor", e.Actor, "via", e.Via, "address", e.Address,
			"action", e.Action, "target", e.Target, "outcome", e.Outcome, "detail", e.Detail, "error", err)
	}
}

// fit is text on one line, of so many characters at most.
func fit(s string, most int) string {
	s = plain.Text(s)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// AuditQuery says which entries are wanted; what is empty matches all.
type AuditQuery struct {
	Actor, Action string
	Before        int64 // only entries with a smaller id
	Limit         int
}

// List gives entries, the newest first. Next is what to ask for as Before to go
// on; 0 at the end.
func (l *Audit) List(ctx context.Context, q AuditQuery) (entries []Entry, next int64, err error) {
	conditions, args := []string{"1"}, []any{}
	where := func(condition string, arg any) {
		conditions, args = append(conditions, condition), append(args, arg)
	}
	if q.Actor != "" {
		where("actor = ?", q.Actor)
	}
	if q.Action != "" {
		where("action = ?", q.Action)
	}
	if q.Before > 0 {
		where("id < ?", q.Before)
	}
	rows, err := l.db.Read().QueryContext(ctx, "SELECT id, at, actor, via, address, action, target, outcome, detail FROM audit WHERE "+
		strings.Join(conditions, " AND ")+" ORDER BY id DESC LIMIT ?", append(args, q.Limit+1)...)
	if err != nil {
		return nil, 0, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Actor, &e.Via, &e.Address, &e.Action, &e.Target, &e.Outcome, &e.Detail); err != nil {
			return nil, 0, fmt.Errorf("read the audit log: %w", err)
		}
		e.At = fromMillis(at)
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read the audit log: %w", err)
	}
	if len(entries) > q.Limit {
		entries = entries[:q.Limit]
		next = entries[q.Limit-1].ID
	}
	return entries, next, nil
}

// Bounds of the log. Refused sign-ins have their own, because anybody can make
// them, and must not drive out what people did.
const (
	maxEntries        = 500_000
	maxRefusedSignIns = 20_000
)

// prune removes what is beyond the bounds.
func (l *Audit) prune(ctx context.Context) error {
	return l.pruneTo(ctx, maxEntries, maxRefusedSignIns)
}

func (l *Audit) pruneTo(ctx context.Context, all, refusedSignIns int) error {
	return l.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE action = ? AND outcome = ? AND id <= (
			SELECT id FROM audit WHERE action = ? AND outcome = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
			actionSignIn, Refused, actionSignIn, Refused, refusedSignIns)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM audit WHERE id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?)", all)
		return err
	})
}
