package file

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func TestInterruptedWriteHappensWhollyOrNotAtAll(t *testing.T) {
	steps := []struct {
		at   string
		want string // states of a, b, c after the restart
	}{
		{"contents written", "a=1 b=1 c=1"},
		{"journal written", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/a.yaml", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/b.yaml", "a=2 c=1 d=2"},
		{"step of default/serviceaccount/d.yaml", "a=2 c=1 d=2"},
	}
	for _, recovery := range []string{"by opening", "by another reader"} {
		for _, tt := range steps {
			t.Run(recovery+" "+tt.at, func(t *testing.T) {
				dir := t.TempDir()
				var other *folder
				if recovery == "by another reader" {
					other, _ = start(t, dir)
				}
				f := open(t, dir)
				if err := f.apply(set("a", "1"), set("b", "1"), set("c", "1")); err != nil {
					t.Fatal(err)
				}
				dead := errors.New("killed")
				f.interrupt = func(step string) error {
					if step == tt.at {
						return dead
					}
					return nil
				}
				if err := f.apply(set("a", "2"), remove("b"), set("d", "2")); !errors.Is(err, dead) {
					t.Fatalf("the write was not interrupted: %v", err)
				}
				if other == nil {
					other, _ = start(t, dir)
				}
				other.says(tt.want)
				f.interrupt = func(string) error { return nil }
				if err := f.apply(set("e", "1")); err != nil {
					t.Errorf("the next write: %v", err)
				}
				other.says(tt.want + " e=1")
				if left, err := os.ReadDir(f.tempDir()); err != nil || len(left) != 0 {
					t.Errorf("left over: %v, %v", left, err)
				}
			})
		}
	}
}

func TestDamagedJournalIsNotFollowed(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":            "{",
		"outside the folder": `{"operations":[{"path":"../x"}]}`,
		"content elsewhere":  `{"operations":[{"path":"x","temp":"../../x"}]}`,
	} {
		dir := t.TempDir()
		f := open(t, dir)
		f.write(ownDir+"/journal.json", text)
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "journal.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPermissionsAreKept(t *testing.T) {
	f := open(t, t.TempDir())
	if err := f.apply(set("a", "1")); err != nil {
		t.Fatal(err)
	}
	path := f.path("default/serviceaccount/a.yaml")
	mode := func() fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if got := mode(); got != 0o600 {
		t.Errorf("a new file has mode %o", got)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.apply(set("a", "2")); err != nil {
		t.Fatal(err)
	}
	if got := mode(); got != 0o644 {
		t.Errorf("a changed file has mode %o", got)
	}
}
