package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/heddle-mesh/heddle/backend/local/link"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// sandbox is the first process of a pod: its namespaces live as long as it
// does. It runs the pod's containers.
type sandbox struct {
	log     *slog.Logger
	starter *Starter
	pod     *Pod

	mu      sync.Mutex
	logs    map[string]*os.File // of containers, by name
	status  Status
	changed chan struct{} // closed and replaced when status changes

	running     bool
	stop        context.CancelFunc // of what starts containers
	proxy       *container
	containers  []*container
	startedAll  chan struct{} // closed when no more containers will be started
	stoppedOnce sync.Once
}

func runSandbox(log *slog.Logger) error {
	holdOut()
	machine, err := link.From(os.NewFile(3, "machine"))
	if err != nil {
		return err
	}
	starter, err := newModestStarter()
	if err != nil {
		return err
	}
	s := &sandbox{
		log: log, starter: starter, logs: make(map[string]*os.File),
		changed: make(chan struct{}), startedAll: make(chan struct{}),
	}
	go func() {
		for {
			_, f, err := machine.Accept()
			if err != nil {
				os.Exit(0) // and the kernel kills the rest of the pid namespace
			}
			go link.Serve(f, s.handle)
		}
	}()
	reapOrphans()
	return nil
}

// logOf announces where a container's output goes; the file comes with it.
type logOf struct {
	Container string `json:"container"`
}

// execution is one command to be run beside the containers.
type execution struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
}

// executed is how it ended.
type executed struct {
	Code int `json:"code"`
}

// stopping says how patiently to stop.
type stopping struct {
	Grace Duration `json:"grace"` // of the containers
	Proxy Duration `json:"proxy"` // of the proxy, after them
}

// backends is what service addresses mean.
type backends struct {
	Services []redirect.Backend `json:"services"`
}

func (s *sandbox) handle(r *link.Request) (any, []*os.File, error) {
	switch r.Op {
	case "setup":
		var pod Pod
		if err := r.Decode(&pod); err != nil {
			return nil, nil, err
		}
		s.pod = &pod
		return nil, nil, s.setup()
	case "log":
		var to logOf
		if err := r.Decode(&to); err != nil {
			return nil, nil, err
		}
		return nil, nil, s.addLog(to.Container, r.Files)
	case "run":
		return nil, nil, s.run()
	case "watch":
		return nil, nil, s.watch(r)
	case "services":
		var b backends
		if err := r.Decode(&b); err != nil {
			return nil, nil, err
		}
		return nil, nil, redirect.Install(redirect.Services(s.pod.Network.ServiceRange, b.Services))
	case "exec":
		var e execution
		if err := r.Decode(&e); err != nil {
			return nil, nil, err
		}
		out, err := s.exec(e, r)
		return out, nil, err
	case "stop":
		var how stopping
		if err := r.Decode(&how); err != nil {
			return nil, nil, err
		}
		s.end(how)
		return nil, nil, nil
	}
	return nil, nil, fmt.Errorf("sandbox: unknown call %q", r.Op)
}

// setup makes the namespaces into the pod's world.
func (s *sandbox) setup() error {
	p := s.pod
	if err := ownMounts(); err != nil {
		return err
	}
	folders, err := identifyAll(p.Hidden)
	if err != nil {
		return err
	}
	if err := hide(p.Hidden, p.Kept); err != nil {
		return err
	}
	if p.Proxy != nil {
		if err := covered(p.Mounts, p.Dir); err != nil {
			return err
		}
	}
	cidr := netip.PrefixFrom(p.IP, p.Network.PodRange.Bits()).String()
	err = errors.Join(
		unix.Sethostname([]byte(p.Hostname)),
		coverEtc(filepath.Join(p.Dir, "etc")),
		memory(filepath.Join(p.Dir, "secrets"), p.Identity),
		raise("lo", ""),
		raise("eth0", cidr),
		sysctl("net.ipv4.ip_unprivileged_port_start", "0"), // programs may listen on 80
		// Without a route to it, connect to a service address would fail
		// before any rule sees the packet.
		netlink.RouteAdd(&netlink.Route{Gw: p.Network.Node.AsSlice()}),
	)
	if err == nil {
		// Last: from here on, what stands where is up to the pod's author.
		err = bindAll(p.Mounts, p.Hidden, filepath.Join(p.Dir, "points"))
	}
	if err == nil {
		err = stillHidden(folders, p.Mounts)
	}
	if err != nil {
		return err
	}
	tables := []redirect.Table{redirect.Services(p.Network.ServiceRange, nil)}
	if p.Redirect != nil {
		tables = append(tables, redirect.Sidecar(*p.Redirect))
	}
	return redirect.Install(tables...)
}

func (s *sandbox) addLog(name string, files []*os.File) error {
	if len(files) != 1 {
		return errors.New("the log of a container is one file")
	}
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("keep the log of %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[name] = os.NewFile(uintptr(fd), name)
	return nil
}

// update changes the status and tells the watchers.
func (s *sandbox) update(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
	close(s.changed)
	s.changed = make(chan struct{})
}

// watch answers with the status, now and after each change.
func (s *sandbox) watch(r *link.Request) error {
	for {
		s.mu.Lock()
		status, changed := s.status.clone(), s.changed
		s.mu.Unlock()
		if err := r.Answer(status); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-r.Gone():
			return nil
		}
	}
}

func (s Status) clone() Status {
	if s.Proxy != nil {
		p := *s.Proxy
		s.Proxy = &p
	}
	s.Init, s.Containers = slices.Clone(s.Init), slices.Clone(s.Containers)
	return s
}

// run starts the containers, in their order, and returns at once.
func (s *sandbox) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return errors.New("the pod runs already")
	}
	s.running = true
	if s.pod.Proxy != nil {
		s.status.Proxy = &ContainerStatus{Name: s.pod.Proxy.Name, State: Waiting}
	}
	for _, c := range s.pod.Init {
		s.status.Init = append(s.status.Init, ContainerStatus{Name: c.Name, State: Waiting, Reason: "PodInitializing"})
	}
	for _, c := range s.pod.Containers {
		s.status.Containers = append(s.status.Containers, ContainerStatus{Name: c.Name, State: Waiting, Reason: "PodInitializing"})
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.startAll(ctx)
	return nil
}

// startAll starts the proxy, and when that is ready the init containers one
// after another, and then the others.
func (s *sandbox) startAll(ctx context.Context) {
	defer close(s.startedAll)
	if p := s.pod.Proxy; p != nil {
		c := s.container(*p, func(st *Status) *ContainerStatus { return st.Proxy })
		s.mu.Lock()
		s.proxy = c
		s.mu.Unlock()
		c.start()
		if !s.await(ctx, func(st Status) bool { return st.Proxy.Ready }) {
			return
		}
	}
	for i, spec := range s.pod.Init {
		c := s.container(spec, func(st *Status) *ContainerStatus { return &st.Init[i] })
		c.once = true
		if !s.keep(ctx, c) || !s.await(ctx, func(st Status) bool { return st.Init[i].State == Terminated }) {
			return
		}
	}
	for i, spec := range s.pod.Containers {
		c := s.container(spec, func(st *Status) *ContainerStatus { return &st.Containers[i] })
		if !s.keep(ctx, c) {
			return
		}
	}
}

// keep starts a container unless the pod is being stopped.
func (s *sandbox) keep(ctx context.Context, c *container) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	s.containers = append(s.containers, c)
	c.start()
	return true
}

func (s *sandbox) container(spec Container, status func(*Status) *ContainerStatus) *container {
	s.mu.Lock()
	defer s.mu.Unlock()
	return newContainer(spec, s, s.logs[spec.Name], func(change func(*ContainerStatus)) {
		s.update(func(st *Status) { change(status(st)) })
	})
}

// await waits until the status is as wished; false when the pod is stopped before.
func (s *sandbox) await(ctx context.Context, wished func(Status) bool) bool {
	for {
		s.mu.Lock()
		ok, changed := wished(s.status), s.changed
		s.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// end stops the containers side by side, and the proxy after them, so that
// they can still call others.
func (s *sandbox) end(how stopping) {
	s.stoppedOnce.Do(func() {
		s.mu.Lock()
		running := s.running
		s.running = true // too late to start
		s.mu.Unlock()
		if !running {
			return
		}
		s.stop()
		<-s.startedAll
		var stopped sync.WaitGroup
		for _, c := range s.containers {
			stopped.Go(func() { c.end(how.Grace) })
		}
		stopped.Wait()
		if s.proxy != nil {
			s.proxy.end(how.Proxy)
		}
	})
}

// exec runs a command with the caller's standard files until it ends or the
// caller goes away.
func (s *sandbox) exec(e execution, r *link.Request) (executed, error) {
	if len(r.Files) != 3 {
		return executed{}, errors.New("exec needs three files")
	}
	cmd := s.command(e.Argv, e.Env, e.Dir, false)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.Files[0], r.Files[1], r.Files[2]
	if err := s.starter.Start(cmd); err != nil {
		return executed{}, fmt.Errorf("run %s: %w", e.Argv[0], err)
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-r.Gone():
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case <-done:
		}
	}()
	cmd.Wait()
	close(done)
	return executed{cmd.ProcessState.ExitCode()}, nil
}

// command prepares a program of the pod's user.
func (s *sandbox) command(argv, env []string, dir string, netAdmin bool) *exec.Cmd {
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Env: env, Dir: dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.pod.Identity.become(cmd.SysProcAttr)
	if netAdmin {
		cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	}
	// A program that leaves its output open to others does not keep Wait.
	cmd.WaitDelay = time.Second
	return cmd
}
