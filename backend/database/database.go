// Package database opens the one file that keeps what people did and may do:
// users, sessions, tokens, the audit log, the history of changes. It says at any
// time whether the file can be written, and why not; reading goes on meanwhile.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Concern is a part of the file that one package owns: the tables that its
// migrations make. Their names are <number>_<what>.sql, at the root of Files, in
// the form of goose.
type Concern struct {
	Name  string
	Files fs.FS
}

// DB is the file. Its methods are safe for concurrent use.
type DB struct {
	path     string
	log      *slog.Logger
	concerns []Concern

	mu    sync.RWMutex // held while the file is opened anew
	pools pools

	health sync.Mutex
	why    error     // what the last attempt to write failed of; nil when it can be written
	wrote  time.Time // when a write last succeeded
}

// Open opens the file at path, and makes it at first use, readable by its owner
// alone. A file that cannot be written is read; one that cannot even be read is
// stood in for by an empty database that takes no writes, so that the mesh goes
// on without its console's memory. Writable says which of these it is, and Run
// mends it as soon as it can be. The error is one of the program itself.
func Open(ctx context.Context, path string, log *slog.Logger, concerns ...Concern) (*DB, error) {
	d := &DB{path: path, log: log, concerns: concerns}
	var err error
	if d.pools, err = openToWrite(ctx, path, concerns); err == nil {
		d.wrote = time.Now()
		return d, nil
	}
	_ = d.learn(err)
	if d.pools, err = openToRead(ctx, path); err == nil {
		return d, nil
	}
	if _, statErr := os.Stat(path); statErr == nil {
		log.Error("the database cannot be read either; nobody can sign in", "error", explain(path, err))
	}
	if d.pools, err = openStandIn(ctx, concerns); err != nil {
		return nil, fmt.Errorf("open a database in place of %s: %w", path, err)
	}
	return d, nil
}

// Read is for questions only; writing through it fails. Ask for it anew each
// time: it is another one after the file was mended.
func (d *DB) Read() *sql.DB {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.pools.reader
}

// Write runs change in a transaction of its own, one at a time, and commits it
// unless change fails. Change must ask tx alone: to ask Read meanwhile shows the
// state before it. When the file cannot be written the error is a *NotWritable.
func (d *DB) Write(ctx context.Context, change func(tx *sql.Tx) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.pools.writer == nil {
		return d.Writable()
	}
	err := d.pools.intact(d.path)
	if err == nil {
		err = inTransaction(ctx, d.pools.writer, change)
	}
	if err != nil && !aboutTheFile(err) {
		return err
	}
	return d.learn(err)
}

func inTransaction(ctx context.Context, db *sql.DB, change func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit; also when change panics
	if err := change(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Writable is nil while the file can be written, and otherwise a *NotWritable,
// as far as the last write or look at the file told.
func (d *DB) Writable() error {
	d.health.Lock()
	defer d.health.Unlock()
	return d.why
}

// learn notes what an attempt to write the file came to, logs a change, and
// gives the error for people.
func (d *DB) learn(err error) error {
	d.health.Lock()
	defer d.health.Unlock()
	if err == nil {
		if d.why != nil {
			d.log.Info("the database can be written again", "file", d.path)
		}
		d.why, d.wrote = nil, time.Now()
		return nil
	}
	why := explain(d.path, err)
	if d.why == nil || d.why.Error() != why.Error() {
		d.log.Warn("the database cannot be written; reading goes on", "error", why)
	}
	d.why = why
	return why
}

// How often Run looks after the file, and how long nothing may be written before
// it tries whether that still works.
const (
	lookEvery = 5 * time.Second
	tryAfter  = 30 * time.Second
)

// Run looks after the file until ctx ends: it finds out that it can no longer be
// written when nobody writes, and that it can be again.
func (d *DB) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			d.Check(ctx, now)
		}
	}
}

// Check finds out how the file is, and opens one that can be opened again. Run
// does it now and then.
func (d *DB) Check(ctx context.Context, now time.Time) {
	d.mu.RLock()
	writer, intact := d.pools.writer, d.pools.intact(d.path)
	d.mu.RUnlock()
	d.health.Lock()
	quiet := d.why == nil && now.Sub(d.wrote) < tryAfter
	d.health.Unlock()
	switch {
	case writer == nil:
		d.reopen(ctx)
	case intact != nil:
		_ = d.learn(intact)
	case !quiet:
		err := d.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO looked (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", now.Unix())
			return err
		})
		if err != nil && d.Writable() == nil && ctx.Err() == nil {
			d.log.Warn("the database could not be tried", "error", err)
		}
	}
}

// reopen opens the file for writing in place of what stands in for it.
func (d *DB) reopen(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	opened, err := openToWrite(ctx, d.path, d.concerns)
	if err == nil {
		err = d.pools.close()
		d.pools = opened
	}
	if err == nil || aboutTheFile(err) {
		_ = d.learn(err)
	}
}

// Close closes the file.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pools.close()
}

// NotWritable says why nothing can be written, and what to do.
type NotWritable struct {
	Path  string
	Why   string // one line, for people
	Cause error
}

func (e *NotWritable) Error() string { return "the database cannot be written: " + e.Why }

// Unwrap is what the system or the database said.
func (e *NotWritable) Unwrap() error { return e.Cause }

// IsNotWritable reports whether an error comes of a file that cannot be written.
func IsNotWritable(err error) bool {
	var e *NotWritable
	return errors.As(err, &e)
}
