package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The password of the first administrator is shown by the heddle up that made it
// up, and stands nowhere: not in what later ones show, in no log, in no file.
func TestThePasswordIsShownOnce(t *testing.T) {
	t.Setenv("HEDDLE_ADMIN_PASSWORD", "")
	state := t.TempDir()
	var said, logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if err := firstAdministrator(t.Context(), state, log, &said); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`first user is admin, with the password (\S{20,})\n`).FindStringSubmatch(said.String())
	if found == nil || !strings.Contains(said.String(), "not shown again") {
		t.Fatalf("it says %q", said.String())
	}
	for range 2 {
		said.Reset()
		if err := firstAdministrator(t.Context(), state, log, &said); err != nil || said.Len() > 0 {
			t.Errorf("the next time it says %q, %v", said.String(), err)
		}
	}
	if strings.Contains(logged.String(), found[1]) {
		t.Errorf("it is logged: %s", logged.String())
	}
	err := filepath.WalkDir(state, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(found[1])) {
			t.Errorf("%s holds it", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// One that was given from outside is not shown at all.
func TestAGivenPasswordIsNotShown(t *testing.T) {
	t.Setenv("HEDDLE_ADMIN_PASSWORD", "from outside")
	var said bytes.Buffer
	if err := firstAdministrator(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler), &said); err != nil || strings.Contains(said.String(), "from outside") || !strings.Contains(said.String(), "HEDDLE_ADMIN_PASSWORD") {
		t.Errorf("%q, %v", said.String(), err)
	}
}
