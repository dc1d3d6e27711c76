package frontend

import (
	"io/fs"
	"testing"
)

func TestFilesMatchWhatIsBuilt(t *testing.T) {
	files, built, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(files, "index.html"); (err == nil) != built {
		t.Errorf("built %v, index.html: %v", built, err)
	}
	if _, err := fs.Stat(files, ".gitkeep"); err != nil {
		t.Errorf("the marker that keeps the folder is missing: %v", err)
	}
}
