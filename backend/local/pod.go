package local

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/heddle-mesh/heddle/backend/local/names"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/agent"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// settleLimit bounds the wait for proxies to follow a state.
const settleLimit = 2 * time.Second

// pod is a pod that the supervisor runs. The loop owns it.
type pod struct {
	plan.Pod
	id      string
	meshed  bool
	spec    *sandbox.Pod
	volumes []plan.Volume // as they were written last
	status  plan.PodStatus
	readyAt time.Time // first
	// settled says that all proxies know the pod's identity: before that its
	// endpoint is not announced.
	settled bool

	listener *net.UnixListener
	services chan meanings // newest wins
	stop     chan struct{} // closed when it is to end
	gone     chan struct{} // closed when it has ended
	failed   error         // why it could not be started
	told     int           // version of the service addresses it was sent
	knows    int           // version that it follows
}

// create makes a pod of a Deployment and has it started.
func (s *Supervisor) create(w wish) {
	ip, ok := s.freeIP()
	if !ok {
		s.o.Log.Error("no address is left for another pod", "range", s.o.PodRange)
		return
	}
	id := fmt.Sprintf("%08x", rand.Uint32())
	key := plan.Key{Namespace: w.Deployment.Namespace, Name: w.Deployment.Name + "-" + w.Hash + "-" + letters(5)}
	t := &w.dep.Spec.Template
	p := &pod{
		id: id, meshed: plan.Injected(t),
		Pod: plan.Pod{
			Key: key, UID: newUID(), Deployment: w.Deployment, Hash: w.Hash, IP: ip, Template: t,
			Gateway: plan.IsGateway(t), Created: time.Now(), Labels: maps.Clone(t.Labels),
		},
		status:   plan.PodStatus{Dir: s.o.podDir(id), HostIP: s.net.Node, Grace: graceOf(w.dep)},
		services: make(chan meanings, 1), stop: make(chan struct{}), gone: make(chan struct{}),
	}
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = w.Hash
	if p.meshed {
		p.Labels[mesh.LabelTLSMode] = "istio"
	}
	programs, err := s.programs(w.Deployment, w.dep, s.facts(p), filepath.Join(s.o.podDir(id), "volumes"))
	if err != nil {
		// It could be built a moment ago; reread says why it cannot any more.
		s.o.Log.Warn("pod cannot be made", "deployment", w.Deployment.String(), "error", err)
		w.Blocked, w.err = true, err
		s.wishes[w.Deployment] = w
		return
	}
	p.volumes, p.spec = programs.Volumes, s.spec(p, programs)
	p.settled = s.serve == nil
	s.pods[id] = p
	s.o.Log.Debug("pod created", "pod", key.String(), "address", ip.String())
	s.afterPublish(func(revision uint64) {
		go func() {
			ctx, cancel := context.WithCancel(s.calm)
			defer cancel()
			go func() {
				select {
				case <-p.gone:
					cancel()
				case <-ctx.Done():
				}
			}()
			if s.cluster.WaitSettled(ctx, revision) == nil {
				s.do(func() { p.settle() })
			}
		}()
	})
	go s.runPod(p, programs.Volumes)
}

func (p *pod) settle() {
	p.settled = true
	p.Ready = p.status.Running && p.status.Status.Ready()
}

func newUID() string {
	b := make([]byte, 16)
	for i := 0; i < len(b); i += 8 {
		v := rand.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // a random one, by the standard
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func graceOf(dep *appsv1.Deployment) time.Duration {
	if g := dep.Spec.Template.Spec.TerminationGracePeriodSeconds; g != nil {
		return time.Duration(*g) * time.Second
	}
	return 30 * time.Second
}

func (s *Supervisor) facts(p *pod) plan.Facts {
	return plan.Facts{
		Name: p.Name, Namespace: p.Namespace, UID: p.UID, Labels: p.Labels, Annotations: p.Template.Annotations,
		PodIP: p.IP.String(), HostIP: s.net.Node.String(), NodeName: plan.Node,
		ServiceAccount: cmp.Or(p.Template.Spec.ServiceAccountName, "default"),
	}
}

// programs are the programs of a Deployment's pod.
func (s *Supervisor) programs(k plan.Key, dep *appsv1.Deployment, f plan.Facts, volumes string) (plan.Programs, error) {
	t := &dep.Spec.Template
	programs, err := s.declared.Build(t, f, plan.Options{
		Base: s.baseEnv(cmp.Or(f.Name, k.Name)), Find: s.find, Dir: s.workDir(), Volumes: volumes,
	})
	if err != nil {
		return plan.Programs{}, err
	}
	if plan.IsGateway(t) {
		programs.Containers, programs.Init = nil, nil // the agent alone
	} else if len(programs.Containers) == 0 {
		return plan.Programs{}, errors.New("it has no container")
	}
	return programs, nil
}

// spec is the pod as the sandbox needs it.
func (s *Supervisor) spec(p *pod, programs plan.Programs) *sandbox.Pod {
	dir := s.o.podDir(p.id)
	spec := &sandbox.Pod{
		ID: p.id, Hostname: cmp.Or(p.Template.Spec.Hostname, p.Name), IP: p.IP, Network: s.net, Identity: s.id,
		Dir: dir, Hidden: []string{s.o.State}, Mounts: programs.Mounts,
		Init: programs.Init, Containers: programs.Containers, Grace: p.status.Grace,
	}
	if len(spec.Hostname) > 63 {
		spec.Hostname = spec.Hostname[len(spec.Hostname)-63:]
	}
	keep := func(path string, readOnly bool) {
		spec.Kept = append(spec.Kept, sandbox.Bind{Path: path, ReadOnly: readOnly})
		if closed := s.id.Closed(path); closed != "" {
			spec.Hidden = append(spec.Hidden, closed)
		}
	}
	keep(dir, false)
	for _, c := range append(append([]sandbox.Container(nil), spec.Init...), spec.Containers...) {
		keep(c.Argv[0], true)
	}
	if !p.meshed {
		return spec
	}
	keep(s.o.Self, true)
	keep(s.o.EnvoyPath, true)
	spec.Proxy = s.proxy(p, dir)
	if p.Gateway {
		return spec // it listens itself, and what it sends is its own
	}
	// What cannot be read of the annotations is a finding; the rest counts.
	traffic, _ := redirect.FromAnnotations(p.Template.Annotations)
	node := s.net.Node
	direct, err := node.Prefix(node.BitLen())
	if err == nil {
		spec.Redirect = &redirect.Pod{
			Proxy: redirect.Proxy{By: redirect.ByMark, Value: mark}, Traffic: traffic,
		}
		spec.Redirect.Direct = append(spec.Redirect.Direct, direct)
	}
	return spec
}

// proxy is the agent, which runs Envoy.
func (s *Supervisor) proxy(p *pod, dir string) *sandbox.Container {
	role := "sidecar"
	if p.Gateway {
		role = "gateway"
	}
	f := s.facts(p)
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"POD_NAME=" + p.Name, "POD_NAMESPACE=" + p.Namespace, "POD_UID=" + p.UID,
		"INSTANCE_IP=" + f.PodIP, "HOST_IP=" + f.HostIP, "SERVICE_ACCOUNT=" + f.ServiceAccount,
		"TRUST_DOMAIN=" + s.o.TrustDomain, "ENVOY_CONCURRENCY=" + strconv.Itoa(s.o.EnvoyConcurrency),
	}
	for _, from := range [][2]string{
		{"sidecar.istio.io/logLevel", "ENVOY_LOG_LEVEL"},
		{"prometheus.io/scrape", "PROMETHEUS_SCRAPE"},
		{"prometheus.io/port", "PROMETHEUS_PORT"},
		{"prometheus.io/path", "PROMETHEUS_PATH"},
	} {
		if v := f.Annotations[from[0]]; v != "" {
			env = append(env, from[1]+"="+v)
		}
	}
	return &sandbox.Container{
		Name: plan.ProxyContainer,
		Argv: []string{
			s.o.Self, "agent", "--dir", dir, "--role", role, "--envoy", s.o.EnvoyPath, "--mark", strconv.Itoa(mark),
		},
		Env: env, Dir: "/", NetAdmin: true,
		Readiness: &sandbox.Probe{
			HTTP:   &sandbox.HTTPProbe{Scheme: "http", Host: p.IP.String(), Port: 15021, Path: "/healthz/ready", Restarts: agent.RestartsHeader},
			Period: 500 * time.Millisecond, Timeout: 2 * time.Second, Successes: 1, Failures: 2,
		},
	}
}

// baseEnv are the variables that every container sees: not this process' own
// ones, which may hold secrets.
func (s *Supervisor) baseEnv(hostname string) [][2]string {
	path := strings.Join(s.o.PathDirs, string(filepath.ListSeparator))
	home := "/"
	if !s.id.Privileged {
		home = cmp.Or(os.Getenv("HOME"), "/")
	}
	env := [][2]string{{"PATH", path}, {"HOME", home}, {"HOSTNAME", hostname}}
	for _, name := range []string{"LANG", "TZ", "TMPDIR"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, [2]string{name, v})
		}
	}
	return env
}

// workDir is where containers run that say nothing of it.
func (s *Supervisor) workDir() string {
	dir := s.o.WorkDir
	if dir == "" {
		here, err := os.Getwd()
		if err != nil {
			return "/"
		}
		dir = here
	}
	if s.id.Closed(filepath.Join(dir, ".")+"/x") != "" {
		return "/" // the pods' user may not be there
	}
	return dir
}

// files prepares the pod's folder.
func (s *Supervisor) files(p *pod, volumes []plan.Volume) error {
	dir := p.spec.Dir
	var made []string
	mkdir := func(path string) error {
		made = append(made, path)
		return os.MkdirAll(path, 0o755)
	}
	write := func(path string, data []byte, mode os.FileMode) error {
		made = append(made, path)
		return os.WriteFile(path, data, mode)
	}
	err := errors.Join(mkdir(dir), mkdir(filepath.Join(dir, "etc")), mkdir(filepath.Join(dir, "secrets")),
		mkdir(filepath.Join(dir, "cache")),
		os.Mkdir(filepath.Join(dir, "points"), 0o755)) // the sandbox' own, not the containers'
	if err != nil {
		return fmt.Errorf("make the pod's folder: %w", err)
	}
	for name, text := range s.etc(p) {
		if err := write(filepath.Join(dir, "etc", name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the pod's files: %w", err)
		}
	}
	if err := write(filepath.Join(dir, "root.pem"), s.o.Root, 0o644); err != nil {
		return fmt.Errorf("write the pod's files: %w", err)
	}
	if err := s.writeVolumes(dir, volumes); err != nil {
		return err
	}
	if err := s.makePoints(dir, plan.Points(p.spec.Mounts, filepath.Join(dir, "volumes"))); err != nil {
		return err
	}
	if p.meshed {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "xds.sock"), Net: "unix"})
		if err != nil {
			return fmt.Errorf("make the pod's socket: %w", err)
		}
		p.listener = l
		made = append(made, filepath.Join(dir, "xds.sock"))
		if err := s.cluster.Offer(p.UID, l); err != nil {
			return err
		}
	}
	if !s.id.Privileged {
		return nil
	}
	for _, path := range made {
		if err := os.Chown(path, s.id.UID, s.id.GID); err != nil {
			return fmt.Errorf("give the pod its files: %w", err)
		}
	}
	return nil
}

// writeVolumes brings the files of volumes up to date, each as a whole, and
// gives them to the pods' user. That user may write to the folder, also while
// this runs: so no symbolic link is followed that leads out of it.
func (s *Supervisor) writeVolumes(dir string, volumes []plan.Volume) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the pod's folder: %w", err)
	}
	defer root.Close()
	for _, v := range volumes {
		if v.Host != "" {
			continue
		}
		at := filepath.Join("volumes", v.Name)
		if err := s.mkdir(root, at); err != nil {
			return fmt.Errorf("make volume %s: %w", v.Name, err)
		}
		for _, f := range v.Files {
			path := filepath.Join(at, f.Path)
			err := s.mkdir(root, filepath.Dir(path))
			if err == nil {
				err = s.writeIn(root, path, f)
			}
			if err != nil {
				return fmt.Errorf("write volume %s: %w", v.Name, err)
			}
		}
	}
	return nil
}

// makePoints makes what volumes are mounted on that lie in other volumes.
func (s *Supervisor) makePoints(dir string, points []plan.Point) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the pod's folder: %w", err)
	}
	defer root.Close()
	for _, point := range points {
		at := filepath.Join("volumes", point.Path)
		if _, err := root.Stat(at); err == nil {
			continue
		}
		info, err := os.Stat(point.Source)
		switch {
		case err != nil:
		case info.IsDir():
			err = s.mkdir(root, at)
		default:
			if err = s.mkdir(root, filepath.Dir(at)); err == nil {
				err = s.writeIn(root, at, plan.File{Mode: 0o644})
			}
		}
		if err != nil {
			return fmt.Errorf("make the mount point %s: %w", point.Path, err)
		}
	}
	return nil
}

// mkdir makes a folder of the pods' user, with all above it.
func (s *Supervisor) mkdir(root *os.Root, path string) error {
	if err := root.MkdirAll(path, 0o755); err != nil || !s.id.Privileged {
		return err
	}
	for ; path != "."; path = filepath.Dir(path) {
		if err := root.Lchown(path, s.id.UID, s.id.GID); err != nil {
			return err
		}
	}
	return nil
}

// writeIn replaces a file of the pods' user as a whole.
func (s *Supervisor) writeIn(root *os.Root, path string, file plan.File) (err error) {
	fresh := filepath.Join(filepath.Dir(path), ".new-"+letters(8))
	f, err := root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(fresh))
		}
	}()
	_, err = f.Write(file.Data)
	if s.id.Privileged {
		err = errors.Join(err, f.Chown(s.id.UID, s.id.GID))
	}
	if err = errors.Join(err, f.Chmod(file.Mode), f.Close()); err != nil {
		return err
	}
	return root.Rename(fresh, path)
}

// refresh brings the volumes of running pods up to date, when a ConfigMap or
// Secret changed. Variables stay as they were, as in Kubernetes.
func (s *Supervisor) refresh() {
	for _, p := range s.sorted() {
		if !p.status.Running || p.Terminating || len(p.volumes) == 0 {
			continue
		}
		now, err := s.declared.Build(p.Template, s.facts(p), plan.Options{
			Find: func(c, _ string) (string, error) { return c, nil }, Volumes: filepath.Join(s.o.podDir(p.id), "volumes"),
		})
		if err != nil || reflect.DeepEqual(now.Volumes, p.volumes) {
			continue // what is missing now was there when the pod was made
		}
		p.volumes = now.Volumes
		if err := s.writeVolumes(s.o.podDir(p.id), now.Volumes); err != nil {
			s.o.Log.Warn("volumes not brought up to date", "pod", p.Key.String(), "error", err)
		}
	}
}

// etc are the files that a pod sees in place of the host's.
func (s *Supervisor) etc(p *pod) map[string]string {
	hosts := "127.0.0.1 localhost\n::1 localhost\n" + p.IP.String() + " " + p.spec.Hostname + "\n"
	for _, a := range p.Template.Spec.HostAliases {
		for _, name := range a.Hostnames {
			hosts += a.IP + " " + name + "\n"
		}
	}
	search := ""
	for _, d := range names.Search(p.Namespace) {
		search += " " + d
	}
	return map[string]string{
		"hosts":       hosts,
		"hostname":    p.spec.Hostname + "\n",
		"resolv.conf": "nameserver " + s.net.Node.String() + "\nsearch" + search + "\noptions ndots:5\n",
		// Not the host's: "resolve" or "mdns" there would go around resolv.conf,
		// over a unix socket that no network namespace stops.
		"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
	}
}
