package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/heddle-mesh/heddle/xds/redirect"
)

// Preflight tries, in throw-away namespaces, everything that pods need. No
// single setting says whether it will work; doing it does. Settings are read
// only to explain a failure. It takes some 10 ms and needs no particular device.
func Preflight() error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("preflight: %w", err)
	}
	defer read.Close()
	cmd := again(probeRole, machineNamespaces, Me(), write)
	err = NewStarter().Start(cmd)
	write.Close()
	if err != nil {
		return explain("create a user namespace", err)
	}
	var result probed
	err = json.NewDecoder(read).Decode(&result)
	waitErr := cmd.Wait()
	switch {
	case err != nil:
		return explain("start in new namespaces", errors.Join(err, waitErr))
	case result.Error != "":
		return explain(result.Step, &probeError{result.Error, unix.Errno(result.Errno)})
	}
	return nil
}

// probed is what the probing process says: the step that failed, if any.
type probed struct {
	Step  string `json:"step,omitempty"`
	Error string `json:"error,omitempty"`
	Errno int    `json:"errno,omitempty"`
}

// probeError is an error of the probing process.
type probeError struct {
	text  string
	errno unix.Errno
}

func (e *probeError) Error() string { return e.text }
func (e *probeError) Unwrap() error { return e.errno }

// The steps that explain treats on their own.
const (
	stepMount  = "mount in a mount namespace"
	stepCreate = "create a user namespace"
)

// runProbe is Preflight's other half, inside the namespaces.
func runProbe(*slog.Logger) error {
	out := os.NewFile(3, "preflight")
	steps := []struct {
		name string
		do   func() error
	}{
		{stepMount, ownMounts},
		{"cover /etc by an overlay", probeEtc},
		{"hide folders", probeHide},
		{"create a network bridge", func() error {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = bridgeName
			return netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
		}},
		{"create a veth pair", func() error {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = "veth0"
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "veth1"})
		}},
		{"install nftables rules", func() error {
			services := netip.MustParsePrefix("10.96.0.0/16")
			return redirect.Install(
				redirect.Sidecar(redirect.Pod{Proxy: redirect.Proxy{By: redirect.ByMark, Value: 1}}),
				redirect.Services(services, []redirect.Backend{{
					Service: netip.MustParseAddrPort("10.96.0.1:80"),
					Pods:    []netip.AddrPort{netip.MustParseAddrPort("10.66.0.2:80"), netip.MustParseAddrPort("10.66.0.3:80")},
				}}))
		}},
		{"mark a socket", func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, 1)
		}},
	}
	var result probed
	for _, step := range steps {
		if err := step.do(); err != nil {
			errno := unix.EINVAL
			errors.As(err, &errno)
			result = probed{step.name, err.Error(), int(errno)}
			break
		}
	}
	return json.NewEncoder(out).Encode(result)
}

// probeEtc and probeHide work on file systems that only this namespace sees.
func probeEtc() error {
	dir, err := probeDir()
	if err != nil {
		return err
	}
	return coverEtc(dir)
}

func probeHide() error {
	dir, err := probeDir()
	if err != nil {
		return err
	}
	kept := filepath.Join(dir, "kept")
	if err := os.Mkdir(kept, 0o755); err != nil {
		return err
	}
	return hide([]string{dir}, []Bind{{Path: kept, ReadOnly: true}})
}

func probeDir() (string, error) {
	if err := unix.Mount("tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return "", err
	}
	return "/tmp/probe", os.Mkdir("/tmp/probe", 0o755)
}

// explain turns a failed step into a message that says what to do.
func explain(step string, err error) error {
	setting := func(path string) string {
		data, err := os.ReadFile("/proc/sys/" + path)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(data))
	}
	var hint string
	switch {
	case setting("kernel/unprivileged_userns_clone") == "0":
		hint = "This kernel forbids user namespaces to ordinary users; allow them with\n" +
			"\tsudo sysctl -w kernel.unprivileged_userns_clone=1"
	case errors.Is(err, unix.ENOSPC): // any kind of namespace
		hint = "There are too many namespaces; of these limits, raise the low ones with sudo sysctl -w user.NAME=15000:\n\t"
		for _, name := range []string{"max_user_namespaces", "max_mnt_namespaces", "max_pid_namespaces", "max_net_namespaces", "max_ipc_namespaces", "max_uts_namespaces"} {
			hint += " " + name + "=" + setting("user/"+name)
		}
	case setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
		hint = "AppArmor restricts user namespaces of ordinary users (Ubuntu 23.10 and later); either give this\n" +
			"\tprogram a profile with the rule \"userns,\" or, for all programs,\n" +
			"\tsudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	case step == stepCreate && seccomp() != "0":
		hint = "A system call filter is active: this is most likely a container whose seccomp profile forbids\n" +
			"\tnew namespaces (docker run --security-opt seccomp=unconfined, or a Kubernetes pod with an own profile)."
	case step == stepMount:
		hint = "Parts of /proc are covered, as in a container: a new /proc cannot be mounted\n" +
			"\t(docker run --security-opt systempaths=unconfined; Kubernetes: procMount: Unmasked)."
	case errors.Is(err, unix.ENOSYS):
		hint = "This kernel is too old: Linux 5.12 or later is needed."
	case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT):
		hint = "The kernel lacks a feature; if it has it as a module, load it:\n" +
			"\tsudo modprobe -a bridge veth nf_tables nft_redir nft_nat nft_numgen nft_reject nft_chain_nat overlay"
	case step == stepCreate && errors.Is(err, unix.EPERM):
		hint = "The kernel or a security module refuses, as it does in a chroot."
	}
	if hint != "" {
		hint = "\n\t" + hint
	}
	return fmt.Errorf("pods cannot run on this machine: %s: %w%s", step, err, hint)
}

// seccomp is the filter mode of this process: 0 none, 1 strict, 2 filter.
func seccomp() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "0"
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "Seccomp:"); ok {
			return strings.TrimSpace(v)
		}
	}
	return "0"
}
