package sandbox

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"

	"github.com/heddle-mesh/heddle/backend/local/link"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// Machine drives the processes inside from outside. Its methods may be called
// from any goroutine; they return errors, and hang on nobody, once the machine
// is gone.
type Machine struct {
	log    *slog.Logger
	link   *link.Link
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // valid after exited
}

// Start starts the machine: namespaces, bridge, rules. Messages of the
// processes inside go to output. It dies with this program.
func Start(starter *Starter, network Network, id Identity, output *os.File, log *slog.Logger) (*Machine, error) {
	near, far, err := link.Pair()
	if err != nil {
		return nil, err
	}
	cmd := again(machineRole, machineNamespaces, id, far)
	cmd.Stdout, cmd.Stderr = output, output
	err = starter.Start(cmd)
	far.Close()
	if err != nil {
		near.Close()
		return nil, fmt.Errorf("start the machine: %w", err)
	}
	m := &Machine{log: log, link: near, cmd: cmd, exited: make(chan struct{})}
	go func() {
		m.err = cmd.Wait()
		near.Close()
		close(m.exited)
	}()
	if _, err := m.call("", "build", machineStart{network, id}, nil); err != nil {
		m.Close()
		return nil, fmt.Errorf("build the pods' network: %w", err)
	}
	return m, nil
}

// Exited is closed when the machine has ended, and all pods with it.
func (m *Machine) Exited() <-chan struct{} { return m.exited }

// Close ends the machine and everything in it, at once.
func (m *Machine) Close() {
	m.link.Close()
	m.cmd.Process.Kill()
	<-m.exited
}

func (m *Machine) call(to, op string, in, out any, files ...*os.File) ([]*os.File, error) {
	got, err := m.link.Call(to, op, in, out, files...)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: the process inside has ended", op)
	}
	return got, err
}

// Listen opens a TCP socket in the pods' network.
func (m *Machine) Listen(addr string) (net.Listener, error) {
	f, err := m.listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileListener(f)
}

// ListenPacket opens a UDP socket in the pods' network.
func (m *Machine) ListenPacket(addr string) (net.PacketConn, error) {
	f, err := m.listen("udp", addr)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FilePacketConn(f)
}

func (m *Machine) listen(network, addr string) (*os.File, error) {
	files, err := m.call("", "listen", address{network, addr}, nil)
	if err != nil {
		return nil, fmt.Errorf("listen on %s in the pods' network: %w", addr, err)
	}
	if len(files) != 1 {
		link.CloseAll(files)
		return nil, fmt.Errorf("listen on %s in the pods' network: no socket came back", addr)
	}
	return files[0], nil
}

// Forward hands the listener of a host port in, under a key. The listener may
// be closed afterwards.
func (m *Machine) Forward(key string, l *net.TCPListener, targets []Upstream) error {
	f, err := l.File()
	if err != nil {
		return fmt.Errorf("hand over host port: %w", err)
	}
	defer f.Close()
	_, err = m.call("", "forward", forwardTo{key, notNil(targets)}, nil, f)
	return err
}

// Retarget changes where a host port leads.
func (m *Machine) Retarget(key string, targets []Upstream) error {
	_, err := m.call("", "forward", forwardTo{key, notNil(targets)}, nil)
	return err
}

// Unforward gives a host port up.
func (m *Machine) Unforward(key string) error {
	_, err := m.call("", "forward", forwardTo{Key: key}, nil)
	return err
}

func notNil(targets []Upstream) []Upstream {
	if targets == nil {
		return []Upstream{}
	}
	return targets
}

// Add makes a pod's sandbox: namespaces, network, files, rules. Nothing runs
// in it before Run.
func (m *Machine) Add(pod *Pod) error {
	_, err := m.call("", "add", pod, nil)
	return err
}

// Output says where a container's output goes; before Run. The file stays the
// caller's.
func (m *Machine) Output(id, container string, f *os.File) error {
	_, err := m.call(id, "log", logOf{container}, nil, f)
	return err
}

// Run starts the containers of a pod.
func (m *Machine) Run(id string) error {
	_, err := m.call(id, "run", nil, nil)
	return err
}

// Watch reports the status of a pod, now and whenever it changes, until the
// sandbox has ended. Then it returns.
func (m *Machine) Watch(id string, report func(Status)) error {
	c, err := m.link.Open(id, "watch", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		var s Status
		if _, err := c.Answer(&s); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("watch pod: %w", err)
		}
		report(s)
	}
}

// Services tells a pod what service addresses mean.
func (m *Machine) Services(id string, b []redirect.Backend) error {
	_, err := m.call(id, "services", backends{b}, nil)
	return err
}

// Stop ends the containers of a pod, and then its proxy, each within its grace
// time. The sandbox stays until Remove.
func (m *Machine) Stop(id string, containers, proxy Duration) error {
	_, err := m.call(id, "stop", stopping{containers, proxy}, nil)
	return err
}

// Remove ends a sandbox at once.
func (m *Machine) Remove(id string) error {
	_, err := m.call("", "remove", podID{id}, nil)
	return err
}

// Exec runs a command in a pod with the given standard files, and returns its
// exit code. Closing gone ends the command.
func (m *Machine) Exec(id string, argv, env []string, dir string, stdin, stdout, stderr *os.File, gone <-chan struct{}) (int, error) {
	c, err := m.link.Open(id, "exec", execution{argv, env, dir}, stdin, stdout, stderr)
	if err != nil {
		return 0, err
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-gone:
		case <-done:
		}
		c.Close()
	}()
	var out executed
	if _, err := c.Answer(&out); err != nil {
		return 0, fmt.Errorf("run %s: %w", argv[0], err)
	}
	return out.Code, nil
}
