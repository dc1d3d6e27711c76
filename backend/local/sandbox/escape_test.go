package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inherit opens a file as a shell does that starts this program with
// `200< path`: what this program starts inherits it.
func inherit(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 200)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// A folder that is open in a program leads past all that hides it.
func TestPodsInheritNoFiles(t *testing.T) {
	state := t.TempDir()
	if err := os.WriteFile(filepath.Join(state, "ca.key"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	fds := []int{inherit(t, state), inherit(t, os.DevNull)}
	w := newWorld(t)
	w.up(w.pod("one", "10.66.0.2", "serve", "0.0.0.0:80"))
	for _, fd := range fds {
		// Of the shell, and of the container beside it.
		script := fmt.Sprintf("ls -d /proc/[0-9]*/fd/%d; cat /proc/self/fd/%d/ca.key", fd, fd)
		if got, code := w.command("one", "/", "/bin/sh", "-c", script); code == 0 || strings.Contains(got, "secret") || strings.Contains(got, fmt.Sprint("/fd/", fd, "\n")) {
			t.Errorf("file %d is open in the pod: %s", fd, got)
		}
	}
}

// Neither do the folders that a process is in.
func TestPodsAreInNoHiddenFolder(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.state, "ca.key"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Chdir(w.state)
	p := w.pod("one", "10.66.0.2", "serve", "0.0.0.0:80")
	p.Containers[0].Dir = w.state
	p.Mounts = []Mount{{Source: filepath.Join(p.Dir, "etc"), Path: "/not-there"}} // the root folder is changed
	w.up(p)
	for _, dir := range []string{"/", w.state} {
		got, _ := w.command("one", dir, "/bin/sh", "-c", "ls . /proc/[0-9]*/cwd/ /proc/[0-9]*/root"+w.state)
		if strings.Contains(got, "ca.key") || !strings.Contains(got, "one") {
			t.Errorf("from %s the pod sees %s", dir, got)
		}
	}
}
