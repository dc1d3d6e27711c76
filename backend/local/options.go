package local

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Options is what a Supervisor is told. State, Source, Self and EnvoyPath are
// required.
type Options struct {
	// State is the state folder. It is made when it is not there.
	State string
	// Source gives the declared objects.
	Source source.Source
	// Placed says of findings where a person finds the text of the declared objects
	// that they are about. It gives findings in any case; nil leaves them where
	// Source read the objects.
	Placed func(findings []mesh.Finding, declared []*mesh.Object) ([]mesh.Finding, error)
	// Self is the path of this program, which is the agent in the pods and,
	// with Serve as its arguments, the control plane.
	Self string
	// Serve are the arguments of the control plane; nil runs none.
	Serve []string
	// EnvoyPath is the Envoy that sidecars and gateways run.
	EnvoyPath string
	// Root is the mesh's root certificate in PEM, which every agent gets.
	Root []byte
	// PathDirs are searched for the programs of containers, in their order; nil
	// is $PATH. They are the PATH of the containers, too.
	PathDirs []string
	// WorkDir is the working folder of containers that name none; empty is
	// this process' own.
	WorkDir string
	// TrustDomain of the mesh's identities; empty is cluster.local.
	TrustDomain string
	// PodRange and ServiceRange are the addresses of pods and services; empty
	// is 10.66.0.0/16 and 10.96.0.0/16.
	PodRange, ServiceRange netip.Prefix
	// HostPorts maps ports of LoadBalancer services to ports of this machine;
	// nil is 80 to 8080 and 443 to 8443. Others keep their number.
	HostPorts map[uint16]uint16
	// Reserved are ports of this machine that no service gets, each with what it
	// is for: the control plane's own, also while it does not run.
	Reserved map[uint16]string
	// HostAddress is where host ports listen; invalid is 127.0.0.1.
	HostAddress netip.Addr
	// Console is the URL that people are told, also by a second `heddle up` on
	// the same state.
	Console string
	// EnvoyConcurrency is the number of worker threads per Envoy; 0 is 1.
	EnvoyConcurrency int

	Log *slog.Logger
}

// mark tells Envoy's own packets from those of the application.
const mark = 1337

// egressPort is where what leaves the pods' network arrives.
const egressPort = 15099

// maxSocketPath is what the kernel takes for the path of a unix socket.
const maxSocketPath = 107

func (o *Options) complete() error {
	if o.State == "" || o.Source == nil || o.Self == "" {
		return errors.New("local cluster: state folder, source and program must be given")
	}
	for _, path := range []*string{&o.State, &o.Self, &o.EnvoyPath, &o.WorkDir} {
		if *path == "" && path != &o.WorkDir {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("local cluster: %w", err)
		}
		*path = abs
	}
	// Symbolic links are resolved, for the pods see the state folder where it
	// really is, and programs where they really are.
	if err := os.MkdirAll(o.State, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	for _, path := range []*string{&o.State, &o.Self, &o.EnvoyPath} {
		if *path == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(*path)
		if err != nil {
			return fmt.Errorf("local cluster: %w", err)
		}
		*path = real
	}
	if n := len(filepath.Join(o.State, "run", "pods", "01234567", "metrics.sock")); n > maxSocketPath {
		return fmt.Errorf("the state folder's path is too long: sockets in %s would have paths of %d characters, and the system takes %d; choose a shorter one with --state",
			o.State, n, maxSocketPath)
	}
	if o.PathDirs == nil {
		o.PathDirs = filepath.SplitList(cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin"))
	}
	if !o.PodRange.IsValid() {
		o.PodRange = netip.MustParsePrefix("10.66.0.0/16")
	}
	if !o.ServiceRange.IsValid() {
		o.ServiceRange = netip.MustParsePrefix("10.96.0.0/16")
	}
	o.PodRange, o.ServiceRange = o.PodRange.Masked(), o.ServiceRange.Masked()
	for name, r := range map[string]netip.Prefix{"pods": o.PodRange, "services": o.ServiceRange} {
		if !r.Addr().Is4() || r.Bits() < 8 || r.Bits() > 28 {
			return fmt.Errorf("the range of %s, %s, is not an IPv4 range between /8 and /28", name, r)
		}
	}
	if o.PodRange.Overlaps(o.ServiceRange) {
		return fmt.Errorf("the ranges of pods, %s, and services, %s, overlap", o.PodRange, o.ServiceRange)
	}
	if o.HostPorts == nil {
		o.HostPorts = map[uint16]uint16{80: 8080, 443: 8443}
	}
	if !o.HostAddress.IsValid() {
		o.HostAddress = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	o.TrustDomain = cmp.Or(o.TrustDomain, "cluster.local")
	o.EnvoyConcurrency = max(o.EnvoyConcurrency, 1)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// network is the pods' network: the machine has its first address.
func (o *Options) network() sandbox.Network {
	return sandbox.Network{
		Node: o.PodRange.Addr().Next(), PodRange: o.PodRange, ServiceRange: o.ServiceRange, EgressPort: egressPort,
	}
}

// Where things are in the state folder.

func (o *Options) path(parts ...string) string {
	return filepath.Join(append([]string{o.State}, parts...)...)
}

func (o *Options) podDir(id string) string { return o.path("run", "pods", id) }

// SocketPath is the supervisor's own socket in a state folder.
func SocketPath(state string) string { return filepath.Join(state, "run", "supervisor.sock") }

// ClusterSocketPath is the socket that the control plane reads the cluster from.
func ClusterSocketPath(state string) string { return filepath.Join(state, "run", "cluster.sock") }
