package sandbox

import (
	"errors"
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

// A mount in place of a setting of the kernel's has nothing written to the
// file that it shows.
func TestMountOverASettingIsNotWrittenTo(t *testing.T) {
	w := newWorld(t)
	p := w.pod("one", "10.66.0.2")
	victim := filepath.Join(p.Dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Mounts = []Mount{{Source: victim, Path: "/proc/sys/net/ipv4/ip_unprivileged_port_start"}}
	w.up(p)
	if got, err := os.ReadFile(victim); err != nil || string(got) != "precious" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestWriteSetting(t *testing.T) {
	dir := t.TempDir()
	file, link, absent := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "absent")
	if err := os.WriteFile(file, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/comm", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{file: errNoSetting, link: unix.ELOOP, absent: os.ErrNotExist, "/proc/self/comm": nil} {
		if err := writeSetting(path, "0"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "precious" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if _, err := os.Lstat(absent); err == nil {
		t.Error("a file was made")
	}
}

// A program may send signals to the first process of its pod where that is the
// same user's, which it is unless root started it. Those to itself arrive: what
// the one holds out, the other does not.
func TestPodsDoNotEndTheirSandbox(t *testing.T) {
	w := newWorld(t)
	w.up(w.pod("one", "10.66.0.2", "serve", "0.0.0.0:80"))
	script := "for s in HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT XCPU XFSZ VTALRM IO PWR SYS 34 64; do kill -$s 1; done; true"
	if got, code := w.command("one", "/", "/bin/bash", "-c", script); code != 0 {
		t.Fatalf("code %d: %s", code, got)
	}
	w.want("one", "root:", "cat", "/etc/passwd")
	for _, name := range []string{"HUP", "TERM"} {
		if _, code := w.command("one", "/", "/bin/sh", "-c", "kill -"+name+" $$; exit 7"); code != -1 {
			t.Errorf("a program that sends itself SIG%s goes on to end with %d", name, code)
		}
	}
}

// Mounts that cannot be made as asked are refused, in words that help.
func TestMountsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	host := filepath.Join(w.state, "one", "host")
	if err := os.MkdirAll(host, 0o755); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(w.state), "beside")
	for name, tt := range map[string]struct {
		mounts []Mount
		proxy  bool
		want   string
	}{
		"beside the state":     {[]Mount{{Source: host, Path: beside}}, false, "lies in " + filepath.Dir(w.state) + " too; make it on this machine"},
		"over the state":       {[]Mount{{Source: host, Path: filepath.Dir(w.state)}}, true, "it covers " + filepath.Join(w.state, "one")},
		"in a writable folder": {[]Mount{{Source: host, Path: "/data"}, {Source: host, Path: "/data/sub"}}, false, "does not exist in what is mounted at /data"},
	} {
		p := w.pod("one", "10.66.0.2")
		p.Mounts = tt.mounts
		if tt.proxy {
			p.Proxy = &Container{}
		}
		if err := w.m.Add(p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, tt.want)
		}
	}
	// The folder above the state, at another path: what is hidden stays hidden.
	if err := os.WriteFile(filepath.Join(w.state, "ca.key"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := w.pod("one", "10.66.0.2")
	p.Mounts = []Mount{{Source: filepath.Dir(w.state), Path: "/above"}}
	w.up(p)
	if got, _ := w.command("one", "/", "/bin/ls", filepath.Join("/above", filepath.Base(w.state))); strings.Contains(got, "ca.key") {
		t.Errorf("the pod sees %s", got)
	}
}

func TestStillHidden(t *testing.T) {
	above := t.TempDir()
	state, alias := filepath.Join(above, "state"), filepath.Join(t.TempDir(), "alias")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	folders, err := identifyAll([]string{state})
	if err != nil {
		t.Fatal(err)
	}
	if err := stillHidden(folders, nil); err == nil || !strings.Contains(err.Error(), "shows "+state+" again") {
		t.Errorf("in its place: %v", err)
	}
	// Out of its place, it is what it was at the path of a mount.
	if err := os.Rename(state, alias); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := stillHidden(folders, []Mount{{Source: above, Path: "/nowhere"}}); err != nil {
		t.Errorf("hidden: %v", err)
	}
	if err := stillHidden(folders, []Mount{{Source: state, Path: alias}}); err == nil || !strings.Contains(err.Error(), "mount at "+alias) {
		t.Errorf("through a mount: %v", err)
	}
	if err := os.Rename(alias, filepath.Join(filepath.Dir(alias), "state")); err != nil {
		t.Fatal(err)
	}
	if err := stillHidden(folders, []Mount{{Source: above, Path: filepath.Dir(alias)}}); err == nil {
		t.Error("below a mount it is seen")
	}
}
