package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// pools are the connections to one open file.
type pools struct {
	writer *sql.DB     // nil where only reading is possible; one connection
	reader *sql.DB     // refuses to write
	file   os.FileInfo // of the file that was opened for writing
	held   *sql.Conn   // keeps a database alive that is only in memory
}

// errMoved reports that the file of that name is another one than is open.
var errMoved = errors.New("the file was moved away or replaced while in use")

// errMode reports that the file's mode forbids to write. Root and whoever has it
// open could all the same, but somebody took the right away on purpose.
var errMode = errors.New("the mode of the file forbids to write it")

// intact looks whether the open file still is the one of that name and may be
// written.
func (p pools) intact(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errMoved
	case err != nil:
		return err
	case p.file == nil || !os.SameFile(info, p.file):
		return errMoved
	case info.Mode().Perm()&0o200 == 0:
		return errMode
	}
	return nil
}

func (p pools) close() error {
	var errs []error
	if p.held != nil {
		errs = append(errs, p.held.Close())
	}
	if p.reader != nil {
		errs = append(errs, p.reader.Close())
	}
	if p.writer != nil {
		errs = append(errs, p.writer.Close())
	}
	return errors.Join(errs...)
}

// openToWrite opens the file, makes it where it is missing, and brings its
// tables up to date.
func openToWrite(ctx context.Context, path string, concerns []Concern) (p pools, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
			p = pools{}
		}
	}()
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o200 == 0 {
		return p, errMode
	}
	// Made by us first, so that nobody else can read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return p, err
	}
	err = f.Chmod(0o600)                              // it holds keys, whatever made it readable
	for _, suffix := range []string{"-wal", "-shm"} { // were made after it, while it was read-only
		if beside := os.Chmod(path+suffix, 0o600); !errors.Is(beside, fs.ErrNotExist) {
			err = errors.Join(err, beside)
		}
	}
	if err == nil {
		p.file, err = f.Stat()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return p, err
	}
	if p.writer, err = open(path, nil, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(8388608)"); err != nil {
		return p, err
	}
	p.writer.SetMaxOpenConns(1)
	if err := prepare(ctx, p.writer, concerns); err != nil {
		return p, err
	}
	if p.reader, err = open(path, nil, "query_only(1)"); err != nil {
		return p, err
	}
	return p, p.reader.PingContext(ctx)
}

// openToRead opens a file that cannot be written.
func openToRead(ctx context.Context, path string) (pools, error) {
	var errs []error
	// What was written last stands beside the file, and reading it needs a shared
	// index there. Where that cannot be made, what is in the file itself is read.
	for _, query := range []url.Values{{"mode": {"ro"}}, {"mode": {"ro"}, "immutable": {"1"}}} {
		db, err := open(path, query, "query_only(1)")
		if err == nil {
			var tables int
			if err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err == nil {
				return pools{reader: db}, nil
			}
			err = errors.Join(err, db.Close())
		}
		errs = append(errs, err)
	}
	return pools{}, errors.Join(errs...)
}

// openStandIn opens an empty database in memory, with all tables.
func openStandIn(ctx context.Context, concerns []Concern) (p pools, err error) {
	// The time tells it from others of this process.
	name := fmt.Sprintf("/stand-in-%d", time.Now().UnixNano())
	db, err := open(name, url.Values{"vfs": {"memdb"}})
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err = prepare(ctx, db, concerns); err != nil {
		return p, err
	}
	if p.reader, err = open(name, url.Values{"vfs": {"memdb"}}, "query_only(1)"); err != nil {
		return p, err
	}
	if p.held, err = p.reader.Conn(ctx); err != nil {
		return pools{}, errors.Join(err, p.reader.Close())
	}
	return p, nil
}

func open(path string, query url.Values, pragmas ...string) (*sql.DB, error) {
	path, err := filepath.Abs(path) // a relative one is no URL
	if err != nil {
		return nil, err
	}
	if query == nil {
		query = url.Values{}
	}
	query["_pragma"] = append(pragmas, "busy_timeout(5000)", "trusted_schema(0)", "cache_size(-2048)", "temp_store(MEMORY)")
	query.Set("_txlock", "immediate")
	query.Set("_dqs", "0") // a name that was mistyped is no text
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	return db, nil
}

// prepare brings the tables of every concern up to date.
func prepare(ctx context.Context, db *sql.DB, concerns []Concern) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS looked (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)"); err != nil {
		return err
	}
	for _, c := range concerns {
		if err := migrate(ctx, db, c); err != nil {
			return fmt.Errorf("bring the tables of %s up to date: %w", c.Name, err)
		}
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB, c Concern) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, c.Files,
		goose.WithTableName(c.Name+"_migrations"), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; has > newest {
		return &newerError{has, newest}
	}
	_, err = p.Up(ctx)
	return err
}

// newerError reports a file that a newer program has written: this one would
// break it.
type newerError struct{ has, knows int64 }

func (e *newerError) Error() string {
	return fmt.Sprintf("a newer heddle wrote it (format %d; this one knows %d)", e.has, e.knows)
}
