package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	machineNamespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
		syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	sandboxNamespaces = machineNamespaces&^syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS
)

// capabilities are what machine and sandboxes may do, within the user namespace
// only. They are handed on as ambient ones; no user inside is 0, so nobody gets
// any by executing a program.
func (id Identity) capabilities() []uintptr {
	caps := []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE}
	if id.Privileged {
		// To become the containers' user, and to end its processes.
		caps = append(caps, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_KILL)
	}
	return caps
}

// again prepares this program to run again, as role, in new namespaces. The
// file is its file 3.
func again(role string, namespaces uintptr, id Identity, file *os.File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", role)
	cmd.Dir = "/"
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=single"}
	cmd.ExtraFiles = []*os.File{file}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  namespaces,
		AmbientCaps: id.capabilities(),
		Pdeathsig:   syscall.SIGKILL,
		Setsid:      true, // the terminal's Ctrl-C is for the supervisor alone
	}
	if namespaces&syscall.CLONE_NEWUSER != 0 {
		id.mapInto(cmd.SysProcAttr)
	}
	return cmd
}

// A Starter starts processes, all from one thread that lives as long as the
// program: a child's PDEATHSIG watches the thread that started it.
type Starter struct{ work chan func() }

// NewStarter makes a Starter.
func NewStarter() *Starter {
	s := &Starter{make(chan func())}
	go s.run()
	return s
}

func (s *Starter) run() {
	runtime.LockOSThread()
	for f := range s.work {
		f()
	}
}

func (s *Starter) do(f func() error) error {
	done := make(chan error, 1)
	s.work <- func() { done <- f() }
	return <-done
}

// Start is cmd.Start.
func (s *Starter) Start(cmd *exec.Cmd) error { return s.do(cmd.Start) }

// newModestStarter makes a Starter whose children have no capability unless
// they are given some, and no way to gain any. Both are properties of the
// thread.
func newModestStarter() (*Starter, error) {
	s := NewStarter()
	return s, s.do(func() error {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return fmt.Errorf("keep capabilities from children: %w", err)
		}
		if err := dropInheritable(); err != nil {
			return fmt.Errorf("keep capabilities from children: %w", err)
		}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("forbid new privileges: %w", err)
		}
		return nil
	})
}

// dropInheritable empties the set of capabilities that this thread offers to
// programs whose files ask for them.
func dropInheritable() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // of 32 capabilities each
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	for i := range sets {
		sets[i].Inheritable = 0
	}
	return unix.Capset(&header, &sets[0])
}

// holdOut has this process ignore what the programs of its pid namespace may
// send it: they belong to the same user, and its end is theirs. Signals that
// are set to be ignored would be ignored by its children, too; those that
// nobody reads are not.
func holdOut() { signal.Notify(make(chan os.Signal, 1)) }

// reapOrphans waits, for ever, for processes whose parents died: the first
// process of a pid namespace inherits them. The kernel gives orphans to its main
// thread, whereas children belong to the thread that started them. So, run on
// the main thread, waiting for that thread's children alone leaves all others
// to those who started them.
func reapOrphans() {
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	for range child {
		for {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOTHREAD, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
}

// sysctl changes a setting of the kernel.
func sysctl(name, value string) error {
	if err := writeSetting("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), value); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	return nil
}

// errNoSetting reports that something else stands where the kernel has a setting.
var errNoSetting = errors.New("it is not a file of the kernel's")

// writeSetting writes to a file of the kernel's and to no other. This process
// may be root's, and whoever may mount could have put any file in its place.
func writeSetting(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return err
	}
	if fs.Type != unix.PROC_SUPER_MAGIC {
		return errNoSetting
	}
	_, err = f.WriteString(value)
	return err
}

// raise gives a link of this network namespace its address, if any, and raises it.
func raise(name, cidr string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if cidr != "" {
		a, err := netlink.ParseAddr(cidr)
		if err != nil {
			return fmt.Errorf("address of link %s: %w", name, err)
		}
		if err := netlink.AddrAdd(l, a); err != nil {
			return fmt.Errorf("give link %s its address: %w", name, err)
		}
	}
	if err := netlink.LinkSetUp(l); err != nil {
		return fmt.Errorf("raise link %s: %w", name, err)
	}
	return nil
}

var errNotMain = errors.New("the main goroutine left the main thread: the program was not started as a role")

// onMainThread says whether the caller runs on the thread that gets orphans.
func onMainThread() error {
	if unix.Gettid() != os.Getpid() {
		return errNotMain
	}
	return nil
}
