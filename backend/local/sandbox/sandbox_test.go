package sandbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/xds/redirect"
)

func TestMain(m *testing.M) {
	if handled, code := Main(os.Args[1:]); handled {
		os.Exit(code)
	}
	if len(os.Args) > 1 && os.Args[1] == "testapp" {
		if err := testApp(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testApp is what the pods of these tests run.
func testApp(args []string) error {
	switch args[0] {
	case "serve": // answers with the pod's name and the caller's address
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		return http.ListenAndServe(args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ip, _, _ := net.SplitHostPort(r.RemoteAddr)
			fmt.Fprintf(w, "%s to %s", host, ip)
		}))
	case "get":
		resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(args[1])
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(os.Stdout, resp.Body)
		return err
	case "cat":
		text, err := os.ReadFile(args[1])
		os.Stdout.Write(text)
		return err
	case "write":
		return os.WriteFile(args[1], []byte("x"), 0o644)
	case "ls":
		entries, err := os.ReadDir(args[1])
		for _, e := range entries {
			fmt.Println(e.Name())
		}
		return err
	}
	return fmt.Errorf("unknown %q", args)
}

var testNetwork = Network{
	Node:         netip.MustParseAddr("10.66.0.1"),
	PodRange:     netip.MustParsePrefix("10.66.0.0/16"),
	ServiceRange: netip.MustParsePrefix("10.96.0.0/16"),
	EgressPort:   15099,
}

// world is a machine with pods in it.
type world struct {
	t     *testing.T
	m     *Machine
	state string
	self  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if err := Preflight(); err != nil {
		t.Fatal(err)
	}
	m, err := Start(NewStarter(), testNetwork, Me(), os.Stderr, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, m, t.TempDir(), self}
}

// pod is a pod that runs args of testApp, if any.
func (w *world) pod(name, ip string, args ...string) *Pod {
	w.t.Helper()
	dir := filepath.Join(w.state, name)
	for _, sub := range []string{"etc", "secrets", "points"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "etc", "resolv.conf"), []byte("nameserver 10.66.0.1\n"), 0o644); err != nil {
		w.t.Fatal(err)
	}
	id := Me()
	if id.Privileged {
		if err := os.Chown(dir, id.UID, id.GID); err != nil {
			w.t.Fatal(err)
		}
	}
	p := &Pod{
		ID: name, Hostname: name, IP: netip.MustParseAddr(ip), Network: testNetwork, Identity: id, Dir: dir,
		Hidden: []string{w.state}, Kept: []Bind{{Path: dir}, {Path: w.self, ReadOnly: true}}, Grace: time.Second,
	}
	// Test binary and state lie in folders that only their maker may enter.
	for _, path := range []string{w.self, dir} {
		if closed := id.Closed(path); closed != "" {
			p.Hidden = append(p.Hidden, closed)
		}
	}
	if len(args) > 0 {
		p.Containers = []Container{w.container("app", args...)}
	}
	return p
}

func (w *world) container(name string, args ...string) Container {
	return Container{Name: name, Argv: append([]string{w.self, "testapp"}, args...), Env: []string{"WHO=" + name}, Dir: "/"}
}

// up starts a pod and waits until it is ready.
func (w *world) up(p *Pod) {
	w.t.Helper()
	w.run(p)
	w.await(p.ID, func(s Status) bool { return len(p.Containers) == 0 || s.Ready() })
}

func (w *world) run(p *Pod) {
	w.t.Helper()
	if err := w.m.Add(p); err != nil {
		w.t.Fatalf("add %s: %v", p.ID, err)
	}
	for _, c := range p.Containers {
		if err := w.m.Output(p.ID, c.Name, os.Stderr); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.m.Run(p.ID); err != nil {
		w.t.Fatal(err)
	}
}

// await waits until the status of a pod is as wished.
func (w *world) await(id string, wished func(Status) bool) Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	seen := make(chan Status)
	go w.m.Watch(id, func(s Status) {
		select {
		case seen <- s:
		case <-ctx.Done():
		}
	})
	var last Status
	for {
		select {
		case last = <-seen:
			if wished(last) {
				return last
			}
		case <-ctx.Done():
			w.t.Fatalf("pod %s did not become as wished: %+v", id, last)
		}
	}
}

// exec runs args of testApp in a pod.
func (w *world) exec(id string, args ...string) (string, int) {
	w.t.Helper()
	return w.command(id, "/", append([]string{w.self, "testapp"}, args...)...)
}

// command runs any program in a pod, in a folder.
func (w *world) command(id, dir string, argv ...string) (string, int) {
	w.t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		w.t.Fatal(err)
	}
	defer null.Close()
	read, write, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	defer read.Close()
	out := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(read)
		out <- string(text)
	}()
	code, err := w.m.Exec(id, argv, []string{"PATH=/usr/bin:/bin"}, dir, null, write, write, nil)
	write.Close()
	if err != nil {
		w.t.Fatalf("exec in %s: %v", id, err)
	}
	return <-out, code
}

func (w *world) want(id string, want string, args ...string) {
	w.t.Helper()
	if got, code := w.exec(id, args...); code != 0 || !strings.Contains(got, want) {
		w.t.Errorf("%s: %v gave %q (code %d), want %q", id, args, got, code, want)
	}
}

func TestPodsTalk(t *testing.T) {
	w := newWorld(t)
	w.up(w.pod("server-a", "10.66.0.2", "serve", "0.0.0.0:80"))
	w.up(w.pod("server-b", "10.66.0.3", "serve", "0.0.0.0:80"))
	w.up(w.pod("client", "10.66.0.4"))
	for _, id := range []string{"server-a", "server-b"} {
		if err := w.m.Services(id, nil); err != nil {
			t.Fatal(err)
		}
	}
	serverReady(t, w, "server-a", "server-b")

	w.want("client", "server-a to 10.66.0.4", "get", "http://10.66.0.2/")

	// By service address, to both.
	address := netip.MustParseAddrPort("10.96.0.10:8000")
	a, b := netip.MustParseAddrPort("10.66.0.2:80"), netip.MustParseAddrPort("10.66.0.3:80")
	if err := w.m.Services("client", []redirect.Backend{{Service: address, Pods: []netip.AddrPort{a, b}}}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 40 {
		text, code := w.exec("client", "get", "http://10.96.0.10:8000/")
		if code != 0 {
			t.Fatalf("service address: %s", text)
		}
		seen[text] = true
	}
	if len(seen) != 2 {
		t.Errorf("connections went to %v only", seen)
	}

	// Nobody behind it: refused at once.
	began := time.Now()
	if text, code := w.exec("client", "get", "http://10.96.0.99:80/"); code == 0 || !strings.Contains(text, "refused") {
		t.Errorf("address without service: %q, code %d", text, code)
	}
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("it took %v", d)
	}

	// From the host, through the machine.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.m.Forward("web", l.(*net.TCPListener), []Upstream{{Address: a}}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); string(text) != "server-a to 10.66.0.1" {
		t.Errorf("host port answered %q", text)
	}

	// A pod that is removed is gone, and its address is free at once.
	if err := w.m.Stop("server-a", time.Second, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.m.Remove("server-a"); err != nil {
		t.Fatal(err)
	}
	w.up(w.pod("server-c", "10.66.0.2", "serve", "0.0.0.0:80"))
	serverReady(t, w, "server-c")
	w.want("client", "server-c", "get", "http://10.66.0.2/")
}

// serverReady waits until the pods' servers listen.
func serverReady(t *testing.T, w *world, ids ...string) {
	t.Helper()
	for _, id := range ids {
		for range 200 {
			if _, code := w.exec(id, "get", "http://127.0.0.1/"); code == 0 {
				break
			}
		}
	}
}

func TestPodSeesOnlyItsOwn(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.state, "ca.key"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(w.state, "one", "volumes", "config")
	if err := os.MkdirAll(config, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "greeting"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := w.pod("one", "10.66.0.2")
	p.Mounts = []Mount{
		{Source: config, Path: "/not-there/config", ReadOnly: true},
		{Source: config, Path: "/also-not-there", ReadOnly: true},
		{Source: config, Path: "/etc/also", ReadOnly: true},
		{Source: config, Path: "/usr/share/heddle-test/config", ReadOnly: true},
	}
	w.up(p)
	w.up(w.pod("two", "10.66.0.3"))

	w.want("one", "nameserver 10.66.0.1", "cat", "/etc/resolv.conf")
	w.want("one", "root:", "cat", "/etc/passwd")
	for _, m := range p.Mounts {
		w.want("one", "hello", "cat", filepath.Join(m.Path, "greeting"))
		if _, code := w.exec("one", "write", filepath.Join(m.Path, "new")); code == 0 {
			t.Errorf("%s is not read-only", m.Path)
		}
	}
	if _, err := os.Stat("/also-not-there"); err == nil {
		t.Error("the host has the mount point, too")
	}
	if got, _ := w.exec("one", "ls", w.state); strings.Contains(got, "ca.key") || strings.Contains(got, "two") || !strings.Contains(got, "one") {
		t.Errorf("the state folder shows %q", got)
	}
	w.want("one", "", "write", filepath.Join(p.Dir, "mine"))
	w.want("one", "", "write", filepath.Join(p.Dir, "secrets", "key"))
	if _, err := os.Stat(filepath.Join(p.Dir, "secrets", "key")); err == nil {
		t.Error("a secret is on the host's disk")
	}
	status, _ := w.exec("one", "cat", "/proc/self/status")
	for _, line := range []string{"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapAmb:\t0000000000000000", "CapInh:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(status, line) {
			t.Errorf("a program has no %q: %s", line, status)
		}
	}
	if strings.Contains(status, "Uid:\t0") {
		t.Error("a program is root")
	}
	if got, code := w.exec("one", "write", "/proc/sys/kernel/printk"); code == 0 {
		t.Errorf("a program may change the kernel's settings: %s", got)
	}
}

func TestContainersAreStartedAgain(t *testing.T) {
	w := newWorld(t)
	p := w.pod("loop", "10.66.0.2")
	p.Containers = []Container{w.container("bad", "cat", "/no/such/file"), w.container("good", "serve", "0.0.0.0:80")}
	p.Containers[1].Readiness = &Probe{
		HTTP:   &HTTPProbe{Scheme: "http", Host: "10.66.0.2", Port: 80, Path: "/"},
		Period: 10 * time.Second, Timeout: time.Second, Failures: 3,
	}
	p.Containers[1].Liveness = &Probe{TCP: &TCPProbe{Host: "10.66.0.2", Port: 80}, Period: time.Second, Timeout: time.Second, Failures: 10}
	p.Init = []Container{w.container("first", "ls", "/")}
	w.run(p)
	s := w.await("loop", func(s Status) bool {
		return s.Containers[0].Reason == "CrashLoopBackOff" && s.Containers[1].Ready
	})
	if !strings.Contains(s.Containers[0].Message, "code 1") || s.Init[0].Reason != "Completed" || s.Ready() {
		t.Errorf("status %+v", s)
	}
	if err := w.m.Stop("loop", time.Second, 0); err != nil {
		t.Fatal(err)
	}
	w.await("loop", func(s Status) bool { return s.Containers[1].State == Terminated && !s.Containers[1].Ready })
}

func TestPatience(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		probe Probe
		want  time.Duration
	}{
		{Probe{InitialDelay: time.Second, Period: 2 * time.Second, Failures: 3}, 7 * time.Second},
		{Probe{InitialDelay: time.Second}, time.Second},
		{Probe{InitialDelay: math.MaxInt32 * time.Second, Period: math.MaxInt32 * time.Second, Failures: math.MaxInt32}, math.MaxInt64},
		{Probe{Period: day, Failures: math.MaxInt32}, math.MaxInt64},
	} {
		if got := tt.probe.patience(); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.probe, got, tt.want)
		}
	}
}

func TestIdentity(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		name     string
		uid, gid int
		env      func(string) string
		want     Identity
	}{
		{"ordinary", 1001, 100, env("SUDO_UID", "7"), Identity{UID: 1001, GID: 100, Inside: 1001, InsideGID: 100}},
		{"sudo", 0, 0, env("SUDO_UID", "1001", "SUDO_GID", "100"), Identity{1001, 100, 1001, 100, true}},
		{"root", 0, 0, env(), Identity{100000, 100000, 1000, 1000, true}},
		{"root by sudo", 0, 0, env("SUDO_UID", "0", "SUDO_GID", "0"), Identity{100000, 100000, 1000, 1000, true}},
	} {
		if got := identityOf(tt.uid, tt.gid, tt.env); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
