package database

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// result is the primary result code in an error of SQLite; 0 in another one.
func result(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return sqlite3.SQLITE_OK
}

// aboutTheFile reports whether an error is about the file itself, and not about
// what was to be written.
func aboutTheFile(err error) bool {
	switch result(err) {
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB:
		return true
	}
	var path *fs.PathError
	var newer *newerError
	return errors.Is(err, errMoved) || errors.Is(err, errMode) || errors.As(err, &path) || errors.As(err, &newer)
}

// explain says for people why a file cannot be written, and what to do.
func explain(path string, err error) *NotWritable {
	e := &NotWritable{Path: path, Cause: err}
	var newer *newerError
	switch code := result(err); {
	case errors.As(err, &newer):
		e.Why = fmt.Sprintf("%s: %v; run that one, or put back a copy from before", path, newer)
	case errors.Is(err, errMoved):
		e.Why = fmt.Sprintf("%s was moved away or replaced while in use; put it back, or restart heddle to go on with what is there", path)
	case errors.Is(err, errMode):
		e.Why = fmt.Sprintf("the mode of %s forbids it; allow it with `chmod u+w %s`", path, path)
	case code == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Why = fmt.Sprintf("there is no room left for it; make some on the disk of %s", filepath.Dir(path))
	case errors.Is(err, syscall.EROFS):
		e.Why = fmt.Sprintf("%s lies on a disk that is mounted read-only", path)
	case errors.Is(err, fs.ErrPermission), code == sqlite3.SQLITE_PERM, code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_CANTOPEN:
		e.Why = fmt.Sprintf("user %d may not write %s or its folder", os.Geteuid(), path)
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		e.Why = fmt.Sprintf("%s is damaged; stop heddle, and put back a copy or move the file away", path)
	case code == sqlite3.SQLITE_BUSY:
		e.Why = fmt.Sprintf("another program holds %s", path)
	default:
		e.Why = fmt.Sprintf("%s: %v", path, err)
	}
	return e
}
