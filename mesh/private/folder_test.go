package private

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := Folder(path); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for mode, refused := range map[os.FileMode]bool{0o755: false, 0o750: false, 0o775: true, 0o702: true, 0o777: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := Folder(path); (err != nil) != refused {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	file := filepath.Join(path, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if Folder(file) == nil {
		t.Error("a file is taken for a folder")
	}
}

func TestRefuseSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		mode  os.FileMode
		owner int
		want  string
	}{
		{0o700, 0, "run as its owner, or name another folder with --state"},
		{0o777, 0, "run as its owner"},
		{0o777, 7, "chmod go-w /x"},
	} {
		if err := refuse("/x", tt.mode, tt.owner, 7); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
