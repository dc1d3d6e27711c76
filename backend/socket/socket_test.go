package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// podFolder names the folder in which this program, run again as a pod's
// process, serves a socket.
const podFolder = "SOCKET_TEST_POD_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(podFolder); dir != "" {
		servePod(dir)
		return
	}
	os.Exit(m.Run())
}

// servePod answers on s.sock until its input ends.
func servePod(dir string) {
	l, err := net.Listen("unix", filepath.Join(dir, "s.sock"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "pod ", r.URL) }))
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

// inside is whom a pod's processes run as, when root runs the tests.
const inside = 65534

// folder makes a pod's folder that the pod's user owns. Its path is short
// enough for sockets.
func folder(t *testing.T) string {
	t.Helper()
	above, err := os.MkdirTemp("", "heddle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(above) })
	if err := os.Chmod(above, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(above, "pod")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(dir, inside, inside); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startPod serves s.sock in a folder from a pid namespace of its own.
func startPod(t *testing.T, dir string) {
	t.Helper()
	// Whose folder the program lies in is not for the pod's user to pass.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run", "^$")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{podFolder + "=" + dir}
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: inside, Gid: inside, NoSetGroups: true}
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: inside, HostID: inside, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: inside, HostID: inside, Size: 1}}
	} else {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	said := make([]byte, 200)
	if n, err := stdout.Read(said); err != nil || !strings.HasPrefix(string(said[:n]), "ready") {
		t.Fatalf("the pod says %q, %v", said[:n], err)
	}
}

// own serves a socket of this process, as heddle.sock is one, and fails the
// test when anybody connects.
func own(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Errorf("the socket %s was asked for the pod", path)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func TestAPodsOwnSocketIsDialed(t *testing.T) {
	dir := folder(t)
	startPod(t, dir)
	for range 2 {
		got, err := InPod(dir, "s.sock").Get(t.Context(), "/a?b=c", 100)
		if err != nil || string(got) != "pod /a?b=c" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestWhatIsNotThePodsIsNotDialed(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir, other string)
		want    string
	}{
		{"nothing", func(*testing.T, string, string) {}, "no such file"},
		{"a link to a socket of the mesh", func(t *testing.T, dir, other string) {
			own(t, filepath.Join(other, "heddle.sock"))
			symlink(t, filepath.Join(other, "heddle.sock"), filepath.Join(dir, "s.sock"))
		}, "something else"},
		{"a link to another pod's socket", func(t *testing.T, dir, other string) {
			startPod(t, other)
			symlink(t, filepath.Join(other, "s.sock"), filepath.Join(dir, "s.sock"))
		}, "something else"},
		{"a link in place of the folder", func(t *testing.T, dir, other string) {
			startPod(t, other)
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			symlink(t, other, dir)
		}, "not a directory"},
		{"a file", func(t *testing.T, dir, _ string) {
			if err := os.WriteFile(filepath.Join(dir, "s.sock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "something else"},
		// The socket of the pod's credential lies in its folder, and is served
		// by the control plane: the pod can move it, and, where one user is all
		// there is, it even belongs to the same one.
		{"a socket of this process, of the pod's user", func(t *testing.T, dir, _ string) {
			path := filepath.Join(dir, "s.sock")
			own(t, path)
			if os.Getuid() == 0 {
				if err := os.Chown(path, inside, inside); err != nil {
					t.Fatal(err)
				}
			}
		}, "serves it"},
	}
	if os.Getuid() == 0 {
		tests = append(tests, tests[len(tests)-1])
		last := &tests[len(tests)-1]
		last.name, last.want = "a socket of another user", "belongs to user"
		last.prepare = func(t *testing.T, dir, _ string) { own(t, filepath.Join(dir, "s.sock")) }
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, other := folder(t), folder(t)
			tt.prepare(t, dir, other)
			got, err := InPod(dir, "s.sock").Get(t.Context(), "/", 100)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q, %v; want an error with %q", got, err, tt.want)
			}
		})
	}
	if _, err := InPod(folder(t), "../pod/s.sock")(t.Context()); err == nil || !strings.Contains(err.Error(), "out of the folder") {
		t.Errorf("a name with a path: %v", err)
	}
}

// One user is all there is where an ordinary one runs the mesh: then the pid
// namespace alone tells pods from the mesh.
func TestTheUserAloneIsNoProof(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	own(t, path)
	c, err := At(path)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := fromPod(c, uint32(os.Getuid())); err == nil || !strings.Contains(err.Error(), "none of a pod's") {
		t.Errorf("got %v", err)
	}
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	path := filepath.Join(folder(t), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Write(make([]byte, 101))
		case "/elsewhere":
			http.Redirect(w, r, "/long", http.StatusFound)
		case "/wide":
			w.Header().Set("X", strings.Repeat("x", maxAnswerHeader))
		case "/never":
			<-r.Context().Done()
		case "/zip":
			fmt.Fprint(w, r.Header.Get("Accept-Encoding"))
		case "/exact":
			w.Write(make([]byte, 100))
		}
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	for path, want := range map[string]string{
		"/long": "longer than 100 bytes", "/elsewhere": "302", "/wide": "headers exceeded", "/zip": "", "/exact": "",
	} {
		got, err := At(l.Addr().String()).Get(t.Context(), path, 100)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
		if path == "/zip" && len(got) > 0 {
			t.Errorf("it offers to unpack %q", got)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := At(path).Get(ctx, "/never", 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an answer that never comes: %v", err)
	}
}
