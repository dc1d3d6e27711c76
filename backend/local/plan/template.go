package plan

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

// ProxyContainer is the name of the container that is the proxy.
const ProxyContainer = "istio-proxy"

// IsGateway reports whether a template asks to be a gateway: its only container
// is the proxy.
func IsGateway(t *corev1.PodTemplateSpec) bool {
	for name := range strings.SplitSeq(t.Annotations[mesh.AnnotationTemplates], ",") {
		if strings.TrimSpace(name) == "gateway" {
			return true
		}
	}
	return false
}

// Injected reports whether pods of a template get a proxy: all do that do not
// refuse it.
func Injected(t *corev1.PodTemplateSpec) bool {
	const name = "sidecar.istio.io/inject"
	return IsGateway(t) || t.Labels[name] != "false" && t.Annotations[name] != "false"
}

// IsProxy reports whether a container of a template stands for the proxy itself.
func IsProxy(c *corev1.Container) bool {
	return len(c.Command) == 0 && (c.Name == ProxyContainer || c.Image == "auto")
}

// Options is what building containers needs besides the template.
type Options struct {
	// Base are variables that every container sees.
	Base [][2]string
	// Find turns the first word of a command into a path; dir is the working
	// folder.
	Find func(command, dir string) (string, error)
	// Dir is the working folder of containers that name none. Relative ones
	// are relative to it.
	Dir string
	// Volumes is the folder that volumes are prepared in.
	Volumes string
}

// Programs is what runs in a pod besides the proxy.
type Programs struct {
	Init, Containers []sandbox.Container
	Volumes          []Volume
	Mounts           []sandbox.Mount
}

// Build makes the programs of a pod out of its template. The error says what is
// missing, in words for the author of the template.
func (d Declared) Build(t *corev1.PodTemplateSpec, f Facts, o Options) (Programs, error) {
	var out Programs
	var errs []error
	volumes, err := d.volumes(t, f)
	if err != nil {
		errs = append(errs, err)
	}
	out.Volumes = volumes
	mounted := map[string]bool{}
	build := func(list []corev1.Container) []sandbox.Container {
		var built []sandbox.Container
		for i := range list {
			c := &list[i]
			if IsProxy(c) {
				continue
			}
			one, err := d.container(c, f, o)
			if err != nil {
				errs = append(errs, fmt.Errorf("container %s: %w", c.Name, err))
				continue
			}
			built = append(built, one)
			for _, m := range c.VolumeMounts {
				if mounted[m.MountPath] {
					continue
				}
				mounted[m.MountPath] = true
				mount, err := mountOf(m, volumes, o.Volumes)
				if err != nil {
					errs = append(errs, fmt.Errorf("container %s: %w", c.Name, err))
					continue
				}
				out.Mounts = append(out.Mounts, mount)
			}
		}
		return built
	}
	out.Init, out.Containers = build(t.Spec.InitContainers), build(t.Spec.Containers)
	// What lies in another mount is mounted after it.
	slices.SortStableFunc(out.Mounts, func(a, b sandbox.Mount) int { return strings.Compare(a.Path, b.Path) })
	return out, errors.Join(errs...)
}

func (d Declared) container(c *corev1.Container, f Facts, o Options) (sandbox.Container, error) {
	if len(c.Command) == 0 {
		return sandbox.Container{}, errors.New("it has no command; images are not run here, so say command: [program, …]")
	}
	env, err := d.environment(c, f, o.Base)
	if err != nil {
		return sandbox.Container{}, err
	}
	var argv []string
	for _, words := range [][]string{c.Command, c.Args} {
		for _, w := range words {
			argv = append(argv, env.expand(w))
		}
	}
	dir := o.Dir
	if c.WorkingDir != "" {
		dir = c.WorkingDir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(o.Dir, dir)
		}
	}
	if argv[0], err = o.Find(argv[0], dir); err != nil {
		return sandbox.Container{}, err
	}
	out := sandbox.Container{Name: c.Name, Argv: argv, Env: env.list(), Dir: dir}
	for _, p := range []struct {
		name string
		from *corev1.Probe
		to   **sandbox.Probe
	}{
		{"startupProbe", c.StartupProbe, &out.Startup},
		{"readinessProbe", c.ReadinessProbe, &out.Readiness},
		{"livenessProbe", c.LivenessProbe, &out.Liveness},
	} {
		if p.from == nil {
			continue
		}
		if *p.to, err = probe(p.from, c, f.PodIP, o, dir); err != nil {
			return sandbox.Container{}, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return out, nil
}

func probe(p *corev1.Probe, c *corev1.Container, ip string, o Options, dir string) (*sandbox.Probe, error) {
	seconds := func(n, otherwise int32) time.Duration {
		if n <= 0 {
			n = otherwise
		}
		return time.Duration(n) * time.Second
	}
	out := &sandbox.Probe{
		InitialDelay: seconds(p.InitialDelaySeconds, 0), Period: seconds(p.PeriodSeconds, 10),
		Timeout: seconds(p.TimeoutSeconds, 1), Successes: max(int(p.SuccessThreshold), 1), Failures: 3,
	}
	if p.FailureThreshold > 0 {
		out.Failures = int(p.FailureThreshold)
	}
	switch {
	case p.HTTPGet != nil:
		port, err := portOf(p.HTTPGet.Port, c)
		if err != nil {
			return nil, err
		}
		h := &sandbox.HTTPProbe{Scheme: "http", Host: ip, Port: port, Path: p.HTTPGet.Path}
		if p.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			h.Scheme = "https"
		}
		if !strings.HasPrefix(h.Path, "/") {
			h.Path = "/" + h.Path
		}
		if p.HTTPGet.Host != "" {
			h.Host = p.HTTPGet.Host
		}
		for _, header := range p.HTTPGet.HTTPHeaders {
			h.Headers = append(h.Headers, [2]string{header.Name, header.Value})
		}
		out.HTTP = h
	case p.TCPSocket != nil:
		port, err := portOf(p.TCPSocket.Port, c)
		if err != nil {
			return nil, err
		}
		out.TCP = &sandbox.TCPProbe{Host: ip, Port: port}
		if p.TCPSocket.Host != "" {
			out.TCP.Host = p.TCPSocket.Host
		}
	case p.GRPC != nil:
		port, err := portNumber(p.GRPC.Port)
		if err != nil {
			return nil, err
		}
		out.GRPC = &sandbox.GRPCProbe{Host: ip, Port: port}
		if p.GRPC.Service != nil {
			out.GRPC.Service = *p.GRPC.Service
		}
	case p.Exec != nil && len(p.Exec.Command) > 0:
		path, err := o.Find(p.Exec.Command[0], dir)
		if err != nil {
			return nil, err
		}
		out.Exec = append([]string{path}, p.Exec.Command[1:]...)
	default:
		return nil, errors.New("it says nothing of how to ask: httpGet, tcpSocket, grpc or exec")
	}
	return out, nil
}

// portOf resolves a number or the name of a container port.
func portOf(p intstr.IntOrString, c *corev1.Container) (uint16, error) {
	if p.Type == intstr.Int {
		return portNumber(p.IntVal)
	}
	for _, cp := range c.Ports {
		if cp.Name == p.StrVal {
			return portNumber(cp.ContainerPort)
		}
	}
	return 0, fmt.Errorf("port %q is none of the container's ports", p.StrVal)
}

func portNumber(n int32) (uint16, error) {
	if n < 1 || n > 65535 {
		return 0, fmt.Errorf("%d is not a port", n)
	}
	return uint16(n), nil
}
