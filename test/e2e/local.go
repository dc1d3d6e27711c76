package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/backend/socket"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// localOptions of a mesh on this machine.
type localOptions struct {
	Envoy string   // path of the program
	Paths []string // manifests
	Env   []string // besides the tests' own
	User  *syscall.Credential
	Dir   string // where the state folder is, which may be there; made when empty
}

// localMesh is a mesh started by `heddle up`.
type localMesh struct {
	bin     string
	state   string
	gateway string
	console string // URL of the control plane
	traces  string // address of the trace query service
	up      *exec.Cmd
	exited  chan error
	output  *lockedBuffer
	api     *http.Client
	user    *syscall.Credential
	Began   time.Time
	Ready   time.Duration // from Began until all pods were
}

var _ Mesh = (*localMesh)(nil)

// lockedBuffer gathers what a program prints.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePorts finds n TCP ports of loopback that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// startLocal runs `heddle up` and waits until the gateway's pods and all others
// are ready.
func startLocal(ctx context.Context, bin string, o localOptions) (*localMesh, error) {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = freeDir(); err != nil {
			return nil, err
		}
	}
	if o.User != nil {
		if err := os.Chown(dir, int(o.User.Uid), int(o.User.Gid)); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(6)
	if err != nil {
		return nil, err
	}
	m := &localMesh{bin: bin, state: filepath.Join(dir, "s"), exited: make(chan error, 1), output: &lockedBuffer{}, user: o.User}
	m.gateway = "http://127.0.0.1:" + strconv.Itoa(ports[4])
	m.api = socket.At(filepath.Join(m.state, "run", "heddle.sock")).Client()
	address := func(i int) string { return "127.0.0.1:" + strconv.Itoa(ports[i]) }
	m.console, m.traces = "http://"+address(0), address(3)
	args := append([]string{
		"up", "--state", m.state, "--console", address(0), "--envoy", o.Envoy,
		"--host-port", fmt.Sprintf("80=%d", ports[4]), "--host-port", fmt.Sprintf("443=%d", ports[5]),
	}, o.Paths...)
	m.up = exec.CommandContext(ctx, bin, args...)
	m.up.Dir = dir // whoever runs it may see it
	// Shells and build tools leave files open: no pod may get hold of these. There
	// are several, for the first numbers are given to other files on the way.
	left, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer left.Close()
	m.up.ExtraFiles = slices.Repeat([]*os.File{left}, 8)
	m.up.Env = slices.Concat(os.Environ(), []string{
		"HEDDLE_TRACES_OTLPGRPC=" + address(1), "HEDDLE_TRACES_OTLPHTTP=" + address(2), "HEDDLE_TRACES_QUERY=" + address(3),
	}, o.Env)
	m.up.Stdout, m.up.Stderr = m.output, m.output
	m.up.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: o.User}
	m.up.Cancel = func() error { return m.up.Process.Signal(syscall.SIGTERM) }
	m.up.WaitDelay = 15 * time.Second
	m.Began = time.Now()
	if err := m.up.Start(); err != nil {
		return nil, err
	}
	go func() { m.exited <- m.up.Wait() }()
	if err := m.waitReady(ctx, 60*time.Second); err != nil {
		m.dump(os.Stderr)
		return nil, errors.Join(err, m.remove())
	}
	m.Ready = time.Since(m.Began)
	return m, nil
}

// waitReady waits until there are pods and all of them are ready.
func (m *localMesh) waitReady(ctx context.Context, limit time.Duration) error {
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		pods, err := m.pods(ctx)
		if err == nil {
			err = errors.New("no pods yet")
			for _, p := range pods {
				if err = nil; !p.Ready {
					err = fmt.Errorf("pod %s is not ready", p.Name)
					break
				}
			}
			if err == nil {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("the mesh is not ready after %v: %w", limit, err)
		case failed := <-m.exited:
			m.exited <- failed
			return fmt.Errorf("`heddle up` ended: %v", failed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stop interrupts `heddle up` as Ctrl-C does; it has ended when stop returns. An
// end that was not in order, or took longer than 10 s, is an error.
func (m *localMesh) stop() error {
	_ = m.up.Process.Signal(syscall.SIGINT) // it may have ended
	select {
	case err := <-m.exited:
		m.exited <- err
		return err
	case <-time.After(10 * time.Second):
		_ = m.up.Process.Kill()
		return errors.New("`heddle up` did not stop within 10 s")
	}
}

// remove stops the mesh and removes its state.
func (m *localMesh) remove() error {
	return errors.Join(m.stop(), os.RemoveAll(filepath.Dir(m.state)))
}

// dump writes what helps to understand a failure.
func (m *localMesh) dump(w io.Writer) {
	fmt.Fprintf(w, "--- heddle up said:\n%s\n", m.output)
	for _, name := range []string{"logs/control-plane.log"} {
		if data, err := os.ReadFile(filepath.Join(m.state, name)); err == nil {
			fmt.Fprintf(w, "--- %s:\n%s\n", name, data[max(0, len(data)-6000):])
		}
	}
	m.dumpComplaints(w)
	if data, err := m.heddle(context.Background(), nil, "status"); err == nil || len(data) > 0 {
		fmt.Fprintf(w, "--- heddle status:\n%s\n", data)
	}
	if data, err := m.heddle(context.Background(), nil, "proxy-status"); err == nil {
		fmt.Fprintf(w, "--- heddle proxy-status:\n%s\n", data)
	}
}

// dumpComplaints writes the last warnings and errors of every program in a pod.
func (m *localMesh) dumpComplaints(w io.Writer) {
	const last = 20
	_ = filepath.WalkDir(filepath.Join(m.state, "logs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "control-plane.log" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		lines := slices.DeleteFunc(strings.Split(string(data), "\n"), func(line string) bool {
			return !strings.Contains(line, "level=WARN") && !strings.Contains(line, "level=ERROR")
		})
		if len(lines) > 0 {
			fmt.Fprintf(w, "--- %s complained:\n%s\n", strings.TrimPrefix(path, m.state), strings.Join(lines[max(0, len(lines)-last):], "\n"))
		}
		return nil
	})
}

// heddle runs the command line on this mesh.
func (m *localMesh) heddle(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, m.bin, append([]string{"--state", m.state}, args...)...)
	cmd.Stdin, cmd.Dir = stdin, filepath.Dir(m.state)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: m.user}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("heddle %s: %w: %s", strings.Join(args, " "), err, errOut.Bytes())
	}
	return out.Bytes(), nil
}

// Gateway implements Mesh.
func (m *localMesh) Gateway() string { return m.gateway }

// Apply implements Mesh.
func (m *localMesh) Apply(ctx context.Context, yaml string) error {
	_, err := m.heddle(ctx, strings.NewReader(yaml), "apply", "-f", "-")
	return err
}

// ApplyForced implements Mesh.
func (m *localMesh) ApplyForced(ctx context.Context, yaml string) error {
	_, err := m.heddle(ctx, strings.NewReader(yaml), "apply", "--force", "-f", "-")
	return err
}

// Delete implements Mesh.
func (m *localMesh) Delete(ctx context.Context, yaml string) error {
	_, err := m.heddle(ctx, strings.NewReader(yaml), "delete", "-f", "-", "--ignore-not-found", "--force")
	return err
}

// Scale implements Mesh.
func (m *localMesh) Scale(ctx context.Context, deployment string, replicas int) error {
	_, err := m.heddle(ctx, nil, "scale", "deployment/"+deployment, "--replicas", strconv.Itoa(replicas))
	return err
}

// Graph implements Mesh.
func (m *localMesh) Graph(ctx context.Context, window time.Duration) (*graph.Graph, error) {
	data, err := m.heddle(ctx, nil, "graph", "-o", "json", "--window", window.String())
	if err != nil {
		return nil, err
	}
	g := new(graph.Graph)
	return g, json.Unmarshal(data, g)
}

// Findings implements Mesh.
func (m *localMesh) Findings(ctx context.Context) ([]mesh.Finding, error) {
	var out []mesh.Finding
	return out, m.Ask(ctx, "/api/v1/findings", &out)
}

// Proxies implements Mesh.
func (m *localMesh) Proxies(ctx context.Context) ([]serve.ProxyStatus, error) {
	var out []serve.ProxyStatus
	return out, m.Ask(ctx, "/api/v1/proxies", &out)
}

// Exec implements Mesh.
func (m *localMesh) Exec(ctx context.Context, pod string, argv ...string) ([]byte, error) {
	r, err := local.NewClient(m.state).Exec(ctx, local.ExecRequest{Pod: pod, Argv: argv})
	if err != nil {
		return nil, err
	}
	if r.Code != 0 {
		return r.Stdout, fmt.Errorf("%s in %s ended with %d: %s", argv[0], pod, r.Code, r.Stderr)
	}
	return r.Stdout, nil
}

// Ask implements Mesh.
func (m *localMesh) Ask(ctx context.Context, path string, out any) error {
	return ask(ctx, m.api, http.MethodGet, path, nil, out)
}

func ask(ctx context.Context, c *http.Client, method, path string, body, out any) error {
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://heddle"+path, r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, resp.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (m *localMesh) pods(ctx context.Context) ([]Pod, error) {
	var found []struct {
		UID, Namespace, Pod, Workload, Address, Phase string
		Ready                                         bool
	}
	if err := m.Ask(ctx, "/api/v1/workloads", &found); err != nil {
		return nil, err
	}
	var out []Pod
	for _, f := range found {
		out = append(out, Pod{Name: f.Pod, Namespace: f.Namespace, Workload: f.Workload, UID: f.UID, Address: f.Address, Ready: f.Ready})
	}
	return out, nil
}

// Pods implements Mesh.
func (m *localMesh) Pods(ctx context.Context, workload string) ([]Pod, error) {
	all, err := m.pods(ctx)
	return slices.DeleteFunc(all, func(p Pod) bool { return p.Workload != workload }), err
}

// Signal implements Mesh. Processes in pods are seen from the outside in /proc.
func (m *localMesh) Signal(_ context.Context, target Target, sig syscall.Signal) error {
	pid, err := m.find(target)
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}

func (m *localMesh) find(target Target) (int, error) {
	if target.Supervisor {
		return m.up.Process.Pid, nil
	}
	all := processes()
	if target.ControlPlane {
		for _, p := range all {
			if p.parent == m.up.Process.Pid && slices.Contains(p.argv, "serve") {
				return p.pid, nil
			}
		}
		return 0, errors.New("the control plane does not run")
	}
	// The pod's agent tells which pid namespace the pod is; the environment
	// tells which pod an agent belongs to.
	for _, p := range all {
		if slices.Contains(p.argv, "agent") && slices.Contains(p.env(), "POD_NAME="+target.Pod) && strings.Contains(strings.Join(p.argv, " "), m.state) {
			for _, q := range all {
				if q.namespace == p.namespace && filepath.Base(q.argv[0]) == target.Process {
					return q.pid, nil
				}
			}
		}
	}
	return 0, fmt.Errorf("pod %s has no process %s", target.Pod, target.Process)
}

type process struct {
	pid, parent int
	namespace   string
	argv        []string
}

func (p process) env() []string {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	return strings.Split(string(data), "\x00")
}

// processes are all that can be seen, those in pods included.
func processes() []process {
	var out []process
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil || len(cmdline) == 0 {
			continue
		}
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		p := process{pid: pid, argv: strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00")}
		if _, after, ok := strings.Cut(string(stat), ") "); ok {
			if fields := strings.Fields(after); len(fields) > 1 {
				p.parent, _ = strconv.Atoi(fields[1])
			}
		}
		p.namespace, _ = os.Readlink(dir + "/ns/pid")
		out = append(out, p)
	}
	return out
}
