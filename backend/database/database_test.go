package database

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// things is a concern with two migrations.
func things(versions int) Concern {
	files := fstest.MapFS{}
	for i, text := range []string{
		"-- +goose Up\nCREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);",
		"-- +goose Up\nALTER TABLE things ADD COLUMN size INTEGER NOT NULL DEFAULT 7;",
	}[:versions] {
		files[fmt.Sprintf("%05d_things.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return Concern{Name: "things", Files: files}
}

func openTest(t *testing.T, path string, concerns ...Concern) *DB {
	t.Helper()
	d, err := Open(t.Context(), path, slog.New(slog.DiscardHandler), concerns...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func add(ctx context.Context, d *DB, name string) error {
	return d.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO things (name) VALUES (?)", name)
		return err
	})
}

func count(t *testing.T, d *DB) (n int) {
	t.Helper()
	if err := d.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM things").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatIsWrittenIsReadAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heddle.db")
	first := openTest(t, path, things(1))
	if err := add(t.Context(), first, "a"); err != nil {
		t.Fatal(err)
	}
	if got := count(t, first); got != 1 {
		t.Errorf("%d things", got)
	}
	// A newer program brings more tables; both concerns keep their own count.
	other := Concern{Name: "other", Files: fstest.MapFS{"00001_o.sql": {Data: []byte("-- +goose Up\nCREATE TABLE other (id INTEGER);")}}}
	second := openTest(t, path, things(2), other)
	var size int
	if err := second.Read().QueryRowContext(t.Context(), "SELECT size FROM things JOIN (SELECT count(*) FROM other)").Scan(&size); err != nil || size != 7 {
		t.Errorf("size %d, %v", size, err)
	}
	if second.Writable() != nil {
		t.Error(second.Writable())
	}
}

func TestFileIsForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heddle.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	d := openTest(t, path, things(1))
	if err := add(t.Context(), d, "a"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q: %v, %v", suffix, info.Mode(), err)
		}
	}
}

func TestAChangeIsAllOrNothing(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "heddle.db"), things(1))
	broken := errors.New("broken")
	err := d.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO things (name) VALUES ('half')"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || IsNotWritable(err) {
		t.Error(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = d.Write(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec("INSERT INTO things (name) VALUES ('half')"); err != nil {
				t.Error(err)
			}
			panic("half way")
		})
	}()
	// A mistake in what is written says nothing about the file.
	if add(t.Context(), d, "a") != nil || add(t.Context(), d, "a") == nil || d.Writable() != nil {
		t.Error("a name can be there twice, or its refusal spoils the file:", d.Writable())
	}
	if got := count(t, d); got != 1 {
		t.Errorf("%d things", got)
	}
}

func TestReadersDoNotWrite(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "heddle.db"), things(1))
	if _, err := d.Read().Exec("INSERT INTO things (name) VALUES ('a')"); err == nil {
		t.Error("written through Read")
	}
}

func TestWritersQueue(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "heddle.db"), things(1))
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if err := add(t.Context(), d, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			if err := d.Read().QueryRowContext(t.Context(), "SELECT 1 FROM things WHERE name = ?", fmt.Sprint(i)).Scan(new(int)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := count(t, d); got != 20 {
		t.Errorf("%d things", got)
	}
}

// refused checks that writing fails for a reason, and that reading goes on.
func refused(t *testing.T, d *DB, why string) {
	t.Helper()
	err := add(t.Context(), d, "refused")
	if !IsNotWritable(err) || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v, want one that says %q", err, why)
	}
	if now := d.Writable(); now == nil || now.Error() != err.Error() {
		t.Errorf("writable: %v", now)
	}
	if got := count(t, d); got != 1 {
		t.Errorf("%d things are read", got)
	}
}

// mended checks that it is found out that writing is possible again.
func mended(t *testing.T, d *DB) {
	t.Helper()
	d.Check(t.Context(), time.Now())
	if err := d.Writable(); err != nil {
		t.Error(err)
	}
	if err := add(t.Context(), d, "mended"); err != nil {
		t.Error(err)
	}
	if got := count(t, d); got != 2 {
		t.Errorf("%d things", got)
	}
}

func withOneThing(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heddle.db")
	d, err := Open(t.Context(), path, slog.New(slog.DiscardHandler), things(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(add(t.Context(), d, "a"), d.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadOnlyFile(t *testing.T) {
	path := withOneThing(t)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	d := openTest(t, path, things(1))
	refused(t, d, "chmod u+w")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	mended(t, d)
}

func TestFileBecomesReadOnlyInUse(t *testing.T) {
	path := withOneThing(t)
	d := openTest(t, path, things(1))
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	d.Check(t.Context(), time.Now())
	if err := d.Writable(); err == nil || !strings.Contains(err.Error(), "chmod u+w") {
		t.Errorf("found out without a write: %v", err)
	}
	refused(t, d, "chmod u+w")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	mended(t, d)
}

func TestNoRoomLeft(t *testing.T) {
	path := withOneThing(t)
	d := openTest(t, path, things(1))
	limit := func(pages int) {
		if _, err := d.pools.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many as there are
	err := d.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO things (name) VALUES (?)", strings.Repeat("x", 1<<16))
		return err
	})
	if !IsNotWritable(err) || !strings.Contains(err.Error(), "no room left") || d.Writable() == nil {
		t.Errorf("%v, %v", err, d.Writable())
	}
	if got := count(t, d); got != 1 {
		t.Errorf("%d things are read", got)
	}
	limit(1 << 30)
	mended(t, d)
}

func TestFileTakenAway(t *testing.T) {
	path := withOneThing(t)
	d := openTest(t, path, things(1))
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	refused(t, d, "moved away")
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	mended(t, d)
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heddle.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	d := openTest(t, path, things(1))
	if err := add(t.Context(), d, "a"); !IsNotWritable(err) || !strings.Contains(err.Error(), "is damaged") {
		t.Error(err)
	}
	if got := count(t, d); got != 0 {
		t.Errorf("%d things stand in", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.Check(t.Context(), time.Now())
	if err := add(t.Context(), d, "a"); err != nil || count(t, d) != 1 {
		t.Error("after the damaged file is gone:", err)
	}
}

// A program must not write tables that a newer one made.
func TestNewerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heddle.db")
	newer, err := Open(t.Context(), path, slog.New(slog.DiscardHandler), things(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(add(t.Context(), newer, "a"), newer.Close()); err != nil {
		t.Fatal(err)
	}
	refused(t, openTest(t, path, things(1)), "a newer heddle wrote it (format 2; this one knows 1)")
}

// A user who may not write the folder, or not even the file, reads it; root may
// everything, so that the test becomes nobody.
func TestAnotherUsersFile(t *testing.T) {
	if path := os.Getenv("HEDDLE_TEST_DATABASE"); path != "" {
		refused(t, openTest(t, path, things(1)), "may not write "+path)
		return
	}
	path := withOneThing(t)
	for p, mode := range map[string]fs.FileMode{path: 0o644, filepath.Dir(path): 0o555} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(filepath.Dir(path), 0o755) // to be removed
	child := exec.Command("/proc/self/exe", "-test.run=^TestAnotherUsersFile$")
	child.Env = append(os.Environ(), "HEDDLE_TEST_DATABASE="+path)
	child.Dir = "/"
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
