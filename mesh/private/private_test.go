package private

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestReplaceIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := Replace(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("after a failure: %q, %v", got, err)
	}
	if err := WriteFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// The old socket is replaced, and the new one is never open to others, whatever
// the process' mask says.
func TestListenIsForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	if Answers(path) {
		t.Error("nobody listens yet")
	}
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	first.SetUnlinkOnClose(false)
	if !Answers(path) {
		t.Error("the first one does not answer")
	}
	first.Close()
	if Answers(path) {
		t.Error("a closed socket answers")
	}
	second, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !Answers(path) {
		t.Error("the second one does not answer")
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
