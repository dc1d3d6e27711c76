package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// schema of the file; its number is the file's user_version.
//
// Times are microseconds since 1970, durations nanoseconds. Names are kept
// apart from entries because the same few hundred come in every trace.
const (
	schemaVersion = 1
	schema        = `
CREATE TABLE traces (
  id INTEGER PRIMARY KEY, trace BLOB NOT NULL UNIQUE, start INTEGER NOT NULL, seen INTEGER NOT NULL,
  spans INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX traces_seen ON traces (seen);
CREATE INDEX traces_start ON traces (start);
CREATE TABLE names (
  id INTEGER PRIMARY KEY, service TEXT NOT NULL, operation TEXT NOT NULL, kind TEXT NOT NULL,
  UNIQUE (service, operation, kind));
CREATE TABLE entries (
  trace INTEGER NOT NULL, name INTEGER NOT NULL, start INTEGER NOT NULL,
  shortest INTEGER NOT NULL, longest INTEGER NOT NULL, failed INTEGER NOT NULL,
  PRIMARY KEY (trace, name)) WITHOUT ROWID;
CREATE INDEX entries_name ON entries (name, start);
`
)

// otherOperation stands for all operations of a service once there are too
// many names.
const otherOperation = "(other)"

// database is the file. Writing is serialized by the caller.
type database struct {
	writer, reader *sql.DB
	names          map[name]int64

	// What each piece takes, compiled once: compiling cost more than running.
	findTrace, addTrace, growTrace, addEntry *sql.Stmt
}

// openDatabase opens or makes the file; one that is no good is moved aside.
func openDatabase(dir string, log *slog.Logger) (*database, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the traces folder: %w", err)
	}
	// Absolute, because a relative one is no URL.
	path, err := filepath.Abs(filepath.Join(dir, "traces.db"))
	if err != nil {
		return nil, fmt.Errorf("find the traces folder: %w", err)
	}
	d, err := tryOpen(path)
	if err == nil {
		return d, nil
	}
	if _, statErr := os.Stat(path); statErr != nil {
		return nil, fmt.Errorf("open the traces in %s: %w", dir, err)
	}
	aside := path + ".unreadable"
	log.Error("traces could not be read and were moved aside", "file", path, "to", aside, "error", err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("move unreadable traces aside: %w", err)
		}
	}
	if d, err = tryOpen(path); err != nil {
		return nil, fmt.Errorf("open the traces in %s: %w", dir, err)
	}
	return d, nil
}

func tryOpen(path string) (*database, error) {
	// Made by us first, so that nobody else can read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	pragmas := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "cache_size(-1024)",
		"wal_autocheckpoint(500)", "journal_size_limit(4194304)", "temp_store(MEMORY)",
	}, "_txlock": {"immediate"}}
	dsn := (&url.URL{Scheme: "file", Path: path, RawQuery: pragmas.Encode()}).String()
	d := &database{names: map[name]int64{}}
	if d.writer, err = sql.Open("sqlite", dsn); err != nil {
		return nil, err
	}
	if d.reader, err = sql.Open("sqlite", dsn); err != nil {
		return nil, errors.Join(err, d.writer.Close())
	}
	d.writer.SetMaxOpenConns(1)
	d.reader.SetMaxOpenConns(2)
	d.reader.SetConnMaxIdleTime(time.Minute)
	if err = d.begin(); err == nil {
		err = d.compile()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// begin makes the tables of a new file, and reads the names of an old one.
func (d *database) begin() error {
	var version int
	if err := d.writer.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch version {
	case schemaVersion:
	case 0:
		if _, err := d.writer.Exec("BEGIN;" + schema + fmt.Sprintf("PRAGMA user_version=%d; COMMIT;", schemaVersion)); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the file has format %d, and this program reads %d", version, schemaVersion)
	}
	rows, err := d.writer.Query("SELECT id, service, operation, kind FROM names")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var n name
		if err := rows.Scan(&id, &n.service, &n.operation, &n.kind); err != nil {
			return err
		}
		d.names[n] = id
	}
	return rows.Err()
}

func (d *database) compile() error {
	for _, s := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&d.findTrace, "SELECT id, start, spans, size, body FROM traces WHERE trace = ?"},
		{&d.addTrace, "INSERT INTO traces (trace, start, seen, spans, size, body) VALUES (?, ?, ?, ?, ?, ?)"},
		{&d.growTrace, "UPDATE traces SET start = ?, seen = ?, spans = ?, size = ?, body = ? WHERE id = ?"},
		{&d.addEntry, `INSERT INTO entries (trace, name, start, shortest, longest, failed) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET start = min(start, excluded.start), shortest = min(shortest, excluded.shortest),
			longest = max(longest, excluded.longest), failed = max(failed, excluded.failed)`},
	} {
		var err error
		if *s.to, err = d.writer.Prepare(s.text); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) close() error { return errors.Join(d.writer.Close(), d.reader.Close()) }

// write stores pieces in one transaction. It returns how many spans were lost:
// those beyond the bounds of a trace, or all when it failed.
func (d *database) write(pieces map[ptrace16]*piece, pack func([]byte) []byte, unpack func([]byte) ([]byte, error), now time.Time) (lost int, err error) {
	if len(pieces) == 0 {
		return 0, nil
	}
	all := 0
	for _, p := range pieces {
		all += p.spans
	}
	tx, err := d.writer.Begin()
	if err != nil {
		return all, fmt.Errorf("write traces: %w", err)
	}
	fresh := map[name]int64{}
	order := slices.SortedFunc(maps.Keys(pieces), func(a, b ptrace16) int { return slices.Compare(a[:], b[:]) })
	for _, id := range order {
		dropped, err := d.put(tx, pieces[id], fresh, pack, unpack, now)
		if err != nil {
			return all, errors.Join(fmt.Errorf("write traces: %w", err), tx.Rollback())
		}
		lost += dropped
	}
	if err := tx.Commit(); err != nil {
		return all, fmt.Errorf("write traces: %w", err)
	}
	maps.Copy(d.names, fresh)
	return lost, nil
}

// put adds a piece to what is stored of its trace.
func (d *database) put(tx *sql.Tx, p *piece, fresh map[name]int64, pack func([]byte) []byte, unpack func([]byte) ([]byte, error), now time.Time) (dropped int, err error) {
	var row, start int64
	var spans, size int
	var blob []byte
	body, begins := p.body, p.start.UnixMicro()
	err = tx.Stmt(d.findTrace).QueryRow(p.id[:]).Scan(&row, &start, &spans, &size, &blob)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		result, err := tx.Stmt(d.addTrace).Exec(p.id[:], begins, now.UnixMicro(), p.spans, len(body), pack(body))
		if err != nil {
			return 0, err
		}
		if row, err = result.LastInsertId(); err != nil {
			return 0, err
		}
	case err != nil:
		return 0, err
	case spans+p.spans > maxTraceSpans || size+len(body) > maxTraceBytes:
		return p.spans, nil
	default:
		old, err := unpack(blob)
		if err != nil {
			old = nil // what cannot be read is replaced
		}
		body = append(old, body...)
		if _, err := tx.Stmt(d.growTrace).Exec(min(start, begins), now.UnixMicro(), spans+p.spans, len(body), pack(body), row); err != nil {
			return 0, err
		}
	}
	for n, e := range p.index {
		id, err := d.nameID(tx, n, fresh)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Stmt(d.addEntry).Exec(row, id, e.start.UnixMicro(), int64(e.shortest), int64(e.longest), e.failed); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// nameID finds or makes the row of a name. Names made in a transaction are in
// fresh until it is committed.
func (d *database) nameID(tx *sql.Tx, n name, fresh map[name]int64) (int64, error) {
	for _, try := range []name{n, {n.service, otherOperation, n.kind}, {otherOperation, otherOperation, ""}} {
		if id, ok := d.names[try]; ok {
			return id, nil
		}
		if id, ok := fresh[try]; ok {
			return id, nil
		}
		room := maxNames
		if try.operation == otherOperation {
			room += maxNames / 10
		}
		if try.service != otherOperation && len(d.names)+len(fresh) >= room {
			continue
		}
		result, err := tx.Exec("INSERT INTO names (service, operation, kind) VALUES (?, ?, ?)", try.service, try.operation, try.kind)
		if err != nil {
			return 0, err
		}
		id, err := result.LastInsertId()
		if err != nil {
			return 0, err
		}
		fresh[try] = id
		return id, nil
	}
	return 0, errors.New("no room for the name of a span")
}

// evict removes the traces that are too old, too many, or too much.
func (d *database) evict(o Options, now time.Time) error {
	if err := d.remove("seen < ?", now.Add(-o.Retention).UnixMicro()); err != nil {
		return err
	}
	var count, pages, free, size int64
	if err := d.writer.QueryRow(`SELECT (SELECT count(*) FROM traces), (SELECT page_count FROM pragma_page_count),
		(SELECT freelist_count FROM pragma_freelist_count), (SELECT page_size FROM pragma_page_size)`).Scan(&count, &pages, &free, &size); err != nil {
		return fmt.Errorf("measure the traces: %w", err)
	}
	excess := count - int64(o.MaxTraces)
	if (pages-free)*size > o.MaxBytes {
		excess = max(excess, count/20+1) // a twentieth at a time, until it fits
	}
	if excess <= 0 {
		return nil
	}
	return d.remove("id IN (SELECT id FROM traces ORDER BY seen LIMIT ?)", excess)
}

// remove deletes the traces of a condition with their entries, and the names
// that nobody bears any more.
func (d *database) remove(where string, arg any) error {
	tx, err := d.writer.Begin()
	if err != nil {
		return fmt.Errorf("remove old traces: %w", err)
	}
	result, err := tx.Exec("DELETE FROM entries WHERE trace IN (SELECT id FROM traces WHERE "+where+")", arg)
	if err == nil {
		_, err = tx.Exec("DELETE FROM traces WHERE "+where, arg)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("remove old traces: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("remove old traces: %w", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return d.forgetNames()
}

// forgetNames drops the names without entries, when there are many names.
func (d *database) forgetNames() error {
	if len(d.names) < maxNames/2 {
		return nil
	}
	if _, err := d.writer.Exec("DELETE FROM names WHERE NOT EXISTS (SELECT 1 FROM entries WHERE entries.name = names.id)"); err != nil {
		return fmt.Errorf("remove old names: %w", err)
	}
	d.names = map[name]int64{}
	return d.begin()
}

// search is a question for traces.
type search struct {
	service, operation string
	from, to           time.Time // zero leaves a side open
	shortest, longest  time.Duration
	failedOnly         bool
}

// find calls yield with the compressed traces that may answer a search, the
// newest first, until it returns false or maxCandidates were seen.
func (d *database) find(ctx context.Context, q search, yield func(blob []byte) (bool, error)) error {
	conditions, args := []string{"n.service = ?"}, []any{q.service}
	where := func(condition string, arg any) {
		conditions, args = append(conditions, condition), append(args, arg)
	}
	if q.operation != "" {
		conditions = append(conditions, "(n.operation = ? OR n.operation = ?)")
		args = append(args, q.operation, otherOperation)
	}
	if !q.from.IsZero() {
		where("t.start >= ?", q.from.Add(-time.Hour).UnixMicro()) // the span may begin after its trace
	}
	if !q.to.IsZero() {
		where("e.start <= ?", q.to.UnixMicro())
	}
	if q.shortest > 0 {
		where("e.longest >= ?", int64(q.shortest))
	}
	if q.longest > 0 {
		where("e.shortest <= ?", int64(q.longest))
	}
	if q.failedOnly {
		conditions = append(conditions, "e.failed = 1")
	}
	return d.each(ctx, yield, `SELECT t.id FROM names n JOIN entries e ON e.name = n.id JOIN traces t ON t.id = e.trace
		WHERE `+strings.Join(conditions, " AND ")+` GROUP BY t.id ORDER BY t.start DESC, t.id DESC LIMIT ?`, append(args, maxCandidates)...)
}

// newest calls yield with the newest traces between two times.
func (d *database) newest(ctx context.Context, from, to time.Time, limit int, yield func(blob []byte) (bool, error)) error {
	return d.each(ctx, yield, "SELECT id FROM traces WHERE start BETWEEN ? AND ? ORDER BY start DESC, id DESC LIMIT ?",
		from.UnixMicro(), to.UnixMicro(), limit)
}

// each calls yield with the traces whose rows a query selects. The rows are
// read first, so that no connection is held while traces are worked on.
func (d *database) each(ctx context.Context, yield func(blob []byte) (bool, error), query string, args ...any) error {
	ids, err := d.rows(ctx, query, args)
	if err != nil {
		return fmt.Errorf("search traces: %w", err)
	}
	for _, id := range ids {
		var blob []byte
		err := d.reader.QueryRowContext(ctx, "SELECT body FROM traces WHERE id = ?", id).Scan(&blob)
		if errors.Is(err, sql.ErrNoRows) {
			continue // thrown out meanwhile
		}
		if err != nil {
			return fmt.Errorf("search traces: %w", err)
		}
		if more, err := yield(blob); err != nil || !more {
			return err
		}
	}
	return nil
}

func (d *database) rows(ctx context.Context, query string, args []any) ([]int64, error) {
	rows, err := d.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// get reads one compressed trace; nil when it is not there.
func (d *database) get(ctx context.Context, id ptrace16) ([]byte, error) {
	var blob []byte
	err := d.reader.QueryRowContext(ctx, "SELECT body FROM traces WHERE trace = ?", id[:]).Scan(&blob)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read trace: %w", err)
	}
	return blob, nil
}

// allNames lists the names in use, in order.
func (d *database) allNames(ctx context.Context) ([]name, error) {
	rows, err := d.reader.QueryContext(ctx, `SELECT service, operation, kind FROM names n
		WHERE EXISTS (SELECT 1 FROM entries e WHERE e.name = n.id) ORDER BY service, operation, kind`)
	if err != nil {
		return nil, fmt.Errorf("list services with traces: %w", err)
	}
	defer rows.Close()
	var out []name
	for rows.Next() {
		var n name
		if err := rows.Scan(&n.service, &n.operation, &n.kind); err != nil {
			return nil, fmt.Errorf("list services with traces: %w", err)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}
