package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// writeObject edits an object's file in the store as an editor does: a new file
// renamed over the old one.
func (m *localMesh) writeObject(t *testing.T, kind, name, text string) {
	t.Helper()
	path := filepath.Join(m.state, "config", "default", kind, name+".yaml")
	temporary := path + ".swp"
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if m.user != nil {
		if err := os.Chown(temporary, int(m.user.Uid), int(m.user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(temporary, path); err != nil {
		t.Fatal(err)
	}
}
