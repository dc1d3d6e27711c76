package local

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/heddle-mesh/heddle/backend/local/names"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/mesh"
)

func TestCluster(t *testing.T) {
	ours := freePort(t)
	b := start(t, func(o *Options) { o.Reserved = map[uint16]string{ours: "the console"} })
	web := lbService("web", corev1.ServiceTypeLoadBalancer)
	b.apply(web, b.deployment("web", "v1", nil), b.deployment("client", "c", nil))
	s := b.await("ready", func(s Status) bool { return len(s.Deployments) == 2 && s.Ready() })

	for _, url := range []string{"http://web/", "http://web.default/", "http://web.default.svc.cluster.local/", "http://" + s.Services[0].Address + ":80"} {
		if got := b.get("client", url); got != "v1" {
			t.Errorf("%s: %q", url, got)
		}
	}
	host := fmt.Sprintf("http://127.0.0.1:%d/", b.s.o.HostPorts[80])
	fetch := func() string {
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(host)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	if got := fetch(); got != "v1" {
		t.Errorf("host port: %q", got)
	}
	if got := b.get("client", "http://nobody/"); !strings.Contains(got, "no such host") {
		t.Errorf("unknown name: %q", got)
	}

	// This machine, from a pod.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reserved, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ours))
	if err != nil {
		t.Fatal(err)
	}
	outside := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprint(w, "outside, asked by "+from)
	})}
	go outside.Serve(l)
	go outside.Serve(reserved)
	defer outside.Close()
	// The control plane can tell programs of the mesh from people; others see what
	// they always have.
	for port, want := range map[uint16]string{
		uint16(l.Addr().(*net.TCPAddr).Port): "outside, asked by 127.0.0.1",
		ours:                                 "outside, asked by " + names.PodsAddress.String(),
	} {
		if got := b.get("client", fmt.Sprintf("http://host.heddle.internal:%d/", port)); got != want {
			t.Errorf("this machine from a pod: %q, want %q", got, want)
		}
	}

	// A new template: the new one is ready before the old one goes.
	stop, failed := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(failed)
		for {
			select {
			case <-stop:
				return
			default:
				if got := fetch(); got != "v1" && got != "v2" {
					failed <- got
					return
				}
			}
		}
	}()
	first := s.Pods[1].Name
	b.apply(b.deployment("web", "v2", nil))
	b.await("rolled out", func(s Status) bool {
		return s.Ready() && len(s.Pods) == 2 && s.Pods[1].Name != first
	})
	close(stop)
	if got := <-failed; got != "" {
		t.Errorf("a request failed during the rollout: %q", got)
	}
	if got := b.get("client", "http://web/"); got != "v2" {
		t.Errorf("after the rollout: %q", got)
	}

	// Scale.
	three := int32(3)
	b.apply(b.deployment("web", "v2", func(d *appsv1.Deployment) { d.Spec.Replicas = &three }))
	s = b.await("scaled", func(s Status) bool { return s.Ready() && len(s.Pods) == 4 })
	if s.Services[0].Endpoints != 3 {
		t.Errorf("endpoints: %+v", s.Services)
	}

	logs, err := b.c.Logs(t.Context(), LogsRequest{Pod: "web", Tail: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	if text, _ := io.ReadAll(logs); !strings.Contains(string(text), "listening") {
		t.Errorf("log: %q", text)
	}

	// A second one on the same state.
	other, err := New(Options{State: b.s.o.State, Source: b.source, Self: b.self})
	if err != nil {
		t.Fatal(err)
	}
	var running *RunningError
	if err := other.Run(t.Context()); !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("second supervisor: %v", err)
	}

	began := time.Now()
	if err := b.c.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("stopping took %v", d)
	}
	if left, _ := filepath.Glob(b.s.o.path("run", "pods", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestProblemsAreSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := uint16(taken.Addr().(*net.TCPAddr).Port)
	b := start(t, func(o *Options) {
		o.HostPorts = map[uint16]uint16{80: port}
		o.Placed = func(findings []mesh.Finding, declared []*mesh.Object) ([]mesh.Finding, error) {
			for i, f := range findings {
				if slices.ContainsFunc(declared, func(o *mesh.Object) bool { return o.Ref == f.Ref }) {
					findings[i].File = "mine.yaml"
				}
			}
			return findings, nil
		}
	})
	ten := int64(10)
	b.apply(
		lbService("web", corev1.ServiceTypeLoadBalancer), lbService("other", corev1.ServiceTypeLoadBalancer),
		b.deployment("good", "v1", nil),
		b.deployment("image", "", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Command = nil }),
		b.deployment("missing", "", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Command = []string{"no-such-program"}
		}),
		b.deployment("loop", "", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Args = []string{"testapp", "fail"}
		}),
		b.deployment("user", "v1", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &ten}
		}),
	)
	s := b.await("all problems said", func(s Status) bool {
		return finding(s, mesh.CodePod, "Container app of pod loop-") && finding(s, mesh.CodePort, "taken by another program") && len(s.Pods) == 3
	})
	for text, code := range map[string]string{
		"Deployment default/image cannot run: container app: it has no command":                  mesh.CodePod,
		`Deployment default/missing cannot run: container app: command "no-such-program" is not`: mesh.CodePod,
		"Running as user 10 is not supported yet":                                                mesh.CodeUnsupported,
		"leads to Service default/other already":                                                 mesh.CodeHostConflict,
	} {
		if !finding(s, code, text) {
			t.Errorf("no finding %s %q in %+v", code, text, s.Findings)
		}
	}
	for _, f := range s.Findings {
		if f.File != "mine.yaml" {
			t.Errorf("%s on %s is told of %s, not of what the person wrote", f.Code, f.Ref, f.File)
		}
	}
	b.await("the good one ready", func(s Status) bool { return s.Deployments[0].Ready == 1 })

	taken.Close() // what was taken is opened once it is free
	b.await("port open", func(s Status) bool { return !finding(s, mesh.CodePort, "") })
}

func TestKilledProgramComesBack(t *testing.T) {
	b := start(t, nil)
	b.apply(lbService("web", corev1.ServiceTypeClusterIP), b.deployment("web", "v1", nil))
	s := b.await("ready", func(s Status) bool { return s.Ready() && len(s.Pods) == 1 })
	r, err := b.c.Exec(t.Context(), ExecRequest{Pod: "web", Argv: []string{"/bin/sh", "-c", "kill -9 $(ls /proc | grep '^[0-9]*$' | while read p; do tr '\\000' ' ' 2>/dev/null </proc/$p/cmdline | grep -q '[t]estapp serve' && echo $p; done)"}})
	if err != nil || r.Code != 0 {
		t.Fatalf("kill: %+v, %v", r, err)
	}
	b.await("restarted and ready", func(s Status) bool { return s.Pods[0].Restarts == 1 && s.Pods[0].Ready })
	if now := b.await("", func(Status) bool { return true }); now.Pods[0].Name != s.Pods[0].Name {
		t.Error("it is another pod")
	}
	// Its address stays over a restart of the cluster.
	address := s.Services[0].Address
	b.cancel()
	if err := <-b.done; err != nil {
		t.Fatal(err)
	}
	b.done <- nil
	again := start(t, func(o *Options) { o.State = b.s.o.State })
	again.apply(lbService("web", corev1.ServiceTypeClusterIP))
	again.await("the same address", func(s Status) bool { return len(s.Services) == 1 && s.Services[0].Address == address })
}

func TestVolumesFollowAndOthersAreHidden(t *testing.T) {
	b := start(t, nil)
	settings := func(color string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"color": color}}
	}
	b.apply(settings("red"), b.deployment("web", "v1", func(d *appsv1.Deployment) {
		spec := &d.Spec.Template.Spec
		spec.Volumes = []corev1.Volume{{Name: "cfg", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}}
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "cfg", MountPath: "/no-such-folder/settings"}}
		spec.Containers[0].Env = []corev1.EnvVar{{Name: "COLOR", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "color"}}}}
	}), b.deployment("other", "v1", nil))
	s := b.await("ready", func(s Status) bool { return s.Ready() && len(s.Pods) == 2 })
	shell := func(script string) string {
		r, err := b.c.Exec(t.Context(), ExecRequest{Pod: "web", Argv: []string{"/bin/sh", "-c", script}, Stdin: []byte("typed")})
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Stdout) + string(r.Stderr)
	}
	if got := shell("cat /no-such-folder/settings/color; echo :$COLOR:$(cat):$(hostname)"); got != "red:red:typed:"+s.Pods[1].Name+"\n" {
		t.Errorf("in the pod: %q", got)
	}
	b.apply(settings("blue"))
	for range 100 {
		if shell("cat /no-such-folder/settings/color") == "blue" {
			break
		}
	}
	if got := shell("cat /no-such-folder/settings/color; echo $COLOR"); got != "bluered\n" {
		t.Errorf("after the change: %q", got)
	}
	id := filepath.Base(s.Pods[1].Dir)
	if got := shell("cd " + b.s.o.State + " && find . -maxdepth 3 | sort"); got != ".\n./run\n./run/pods\n./run/pods/"+id+"\n" {
		t.Errorf("the state folder shows %q", got)
	}
}

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pod", "app.log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(l, "one\ntwo\nthree\n")
	for tail, want := range map[int]string{-1: "one\ntwo\nthree\n", 0: "", 1: "three\n", 2: "two\nthree\n", 9: "one\ntwo\nthree\n"} {
		var got strings.Builder
		if err := l.copyTo(t.Context(), &got, tail, false); err != nil || got.String() != want {
			t.Errorf("tail %d: %q, %v", tail, got.String(), err)
		}
	}
	read, write := io.Pipe()
	go func() { write.CloseWithError(l.copyTo(t.Context(), write, 1, true)) }()
	expect := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != want {
			t.Errorf("followed %.20q, %v; want %.20q", got, err, want)
		}
	}
	expect("three\n")
	fmt.Fprint(l, "four\n")
	expect("four\n")
	big := strings.Repeat("x", maxLog) + "\n"
	fmt.Fprint(l, big) // the file is put aside
	expect(big)
	fmt.Fprint(l, "last\n") // and again
	expect("last\n")
	l.Close()
	if rest, err := io.ReadAll(read); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	for _, f := range []string{path, path + ".1"} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

// No service gets a port of the control plane's, also while nobody listens there.
func TestReservedPortsAreLeftAlone(t *testing.T) {
	console, free := freePort(t), freePort(t)
	b := start(t, func(o *Options) { o.Reserved = map[uint16]string{console: "the console"} })
	taker, fine := lbService("taker", corev1.ServiceTypeLoadBalancer), lbService("fine", corev1.ServiceTypeLoadBalancer)
	taker.Spec.Ports[0].Port, fine.Spec.Ports[0].Port = int32(console), int32(free)
	b.apply(taker, fine)
	s := b.await("loaded", func(s Status) bool { return len(s.Services) == 2 })
	if !s.Services[0].HostPorts[0].Open || s.Services[1].HostPorts[0].Open {
		t.Errorf("services: %+v", s.Services)
	}
	if !finding(s, mesh.CodePort, fmt.Sprintf("Port %d of this machine is for the console of the control plane, so Service default/taker", console)) {
		t.Errorf("findings: %+v", s.Findings)
	}
	l, err := net.Listen("tcp", netip.AddrPortFrom(b.s.o.HostAddress, console).String())
	if err != nil {
		t.Fatalf("the control plane cannot have its port: %v", err)
	}
	l.Close()
}

// A Deployment that asks for more than there is room for gets what there is, is
// told so, and leaves room for others.
func TestMorePodsThanRoom(t *testing.T) {
	b := start(t, func(o *Options) { o.PodRange = netip.MustParsePrefix("10.66.0.0/28") })
	many := int32(math.MaxInt32)
	b.apply(
		b.deployment("many", "v1", func(d *appsv1.Deployment) { d.Spec.Replicas = &many }),
		b.deployment("one", "v1", nil))
	s := b.await("full", func(s Status) bool {
		return len(s.Pods) == 13 && len(s.Deployments) == 2 && s.Deployments[0].Ready == 12 && s.Deployments[1].Ready == 1
	})
	if !finding(s, mesh.CodePod, "lacks 2147483635 pods") || !finding(s, mesh.CodePod, "--pod-range") {
		t.Errorf("findings: %+v", s.Findings)
	}
	few := int32(1)
	b.apply(b.deployment("many", "v1", func(d *appsv1.Deployment) { d.Spec.Replicas = &few }))
	if s := b.await("as asked", func(s Status) bool { return s.Ready() && len(s.Pods) == 2 }); len(s.Findings) > 0 {
		t.Errorf("findings: %+v", s.Findings)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"must be given": {},
		"path is too long": {
			State: filepath.Join(t.TempDir(), strings.Repeat("long", 25)), Source: &declared{}, Self: self,
		},
		"overlap": {
			State: t.TempDir(), Source: &declared{}, Self: self,
			PodRange: netip.MustParsePrefix("10.96.1.0/24"),
		},
		"not an IPv4 range": {State: t.TempDir(), Source: &declared{}, Self: self, PodRange: netip.MustParsePrefix("fd00::/64")},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestVolumesStayInThePodsFolder(t *testing.T) {
	pod, outside := t.TempDir(), t.TempDir()
	s := &Supervisor{}
	volumes := func(text string) []plan.Volume {
		return []plan.Volume{{Name: "cfg", Files: []plan.File{{Path: "a/color", Data: []byte(text), Mode: 0o640}}}}
	}
	file := filepath.Join(pod, "volumes", "cfg", "a", "color")
	for _, want := range []string{"red", "blue"} {
		if err := s.writeVolumes(pod, volumes(want)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if info, statErr := os.Stat(file); err != nil || statErr != nil || string(text) != want || info.Mode().Perm() != 0o640 {
			t.Errorf("the file says %q (%v, %v), want %q", text, err, statErr, want)
		}
	}
	// What the pod puts in the way leads nobody out.
	if err := errors.Join(os.RemoveAll(filepath.Join(pod, "volumes", "cfg")), os.Symlink(outside, filepath.Join(pod, "volumes", "cfg"))); err != nil {
		t.Fatal(err)
	}
	if err := s.writeVolumes(pod, volumes("green")); err == nil {
		t.Error("a link out of the folder was followed")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) > 0 {
		t.Errorf("outside there is now %v (%v)", entries, err)
	}
}
