package plan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

func key(name string) Key { return Key{"default", name} }

func pod(name, hash string, ready bool, age int) Pod {
	return Pod{
		Key: key(name), Deployment: key("d"), Hash: hash, Ready: ready,
		Created: time.Unix(1000-int64(age), 0),
	}
}

// steps writes actions down in short.
func steps(actions []Action) string {
	var out []string
	for _, a := range actions {
		if a.Create != nil {
			out = append(out, "+"+a.Create.Hash)
		} else {
			out = append(out, "-"+a.Stop.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestReconcile(t *testing.T) {
	going := func(p Pod) Pod { p.Terminating = true; return p }
	tests := []struct {
		name string
		wish Wish
		pods []Pod
		want string
	}{
		{"first start", Wish{Hash: "a", Replicas: 2}, nil, "+a +a"},
		{"nothing to do", Wish{Hash: "a", Replicas: 1}, []Pod{pod("x", "a", false, 1)}, ""},
		{"scale up", Wish{Hash: "a", Replicas: 3}, []Pod{pod("x", "a", true, 1)}, "+a +a"},
		{"scale down stops the newest", Wish{Hash: "a", Replicas: 1}, []Pod{pod("old", "a", true, 9), pod("new", "a", true, 1)}, "-new"},
		{"scale down stops what is not ready", Wish{Hash: "a", Replicas: 1}, []Pod{pod("old", "a", false, 9), pod("new", "a", true, 1)}, "-old"},
		{"scale to nothing", Wish{Hash: "a"}, []Pod{pod("x", "a", true, 1)}, "-x"},
		{"roll: the new one first", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", true, 1)}, "+b"},
		{"roll: it is not ready yet", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", true, 9), pod("y", "b", false, 1)}, ""},
		{"roll: it is ready", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", true, 9), pod("y", "b", true, 1)}, "-x"},
		{"roll: the old one is leaving", Wish{Hash: "b", Replicas: 1}, []Pod{going(pod("x", "a", true, 9)), pod("y", "b", true, 1)}, ""},
		{"roll two, one at a time", Wish{Hash: "b", Replicas: 2}, []Pod{pod("x", "a", true, 9), pod("y", "a", true, 8)}, "+b"},
		{"roll two, surge two", Wish{Hash: "b", Replicas: 2, Surge: 2}, []Pod{pod("x", "a", true, 9), pod("y", "a", true, 8)}, "+b +b"},
		{"roll two, second step", Wish{Hash: "b", Replicas: 2}, []Pod{pod("x", "a", true, 9), pod("y", "a", true, 8), pod("z", "b", true, 1)}, "-y +b"},
		{"a broken old one stays until there is a new one", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", false, 1)}, "+b"},
		{"a broken old one waits for the new one", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", false, 9), pod("y", "b", false, 1)}, ""},
		{"a broken old one goes", Wish{Hash: "b", Replicas: 1}, []Pod{pod("x", "a", false, 9), pod("y", "b", true, 1)}, "-x"},
		{"recreate stops first", Wish{Hash: "b", Replicas: 1, Recreate: true}, []Pod{pod("x", "a", true, 1)}, "-x"},
		{"recreate waits", Wish{Hash: "b", Replicas: 1, Recreate: true}, []Pod{going(pod("x", "a", true, 1))}, ""},
		{"recreate starts then", Wish{Hash: "b", Replicas: 1, Recreate: true}, nil, "+b"},
		{"blocked: what runs stays", Wish{Hash: "b", Replicas: 1, Blocked: true}, []Pod{pod("x", "a", true, 1)}, ""},
		{"blocked: nothing starts", Wish{Hash: "b", Replicas: 1, Blocked: true}, nil, ""},
		{"back before the roll ended", Wish{Hash: "a", Replicas: 1}, []Pod{pod("x", "a", true, 9), pod("y", "b", false, 1)}, "-y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.wish.Deployment = key("d")
			actions, short := Reconcile([]Wish{tt.wish}, tt.pods, plenty)
			if got := steps(actions); got != tt.want || len(short) > 0 {
				t.Errorf("got %q, want %q; short %v", got, tt.want, short)
			}
		})
	}
	if actions, _ := Reconcile(nil, []Pod{pod("x", "a", true, 1)}, plenty); steps(actions) != "-x" {
		t.Errorf("a deployment that is gone: %q", steps(actions))
	}
}

// plenty is room that is never short.
var plenty = Room{Pods: 1000, Starting: 1000}

// However many pods are asked for, there are no more than there is room for,
// each Deployment has its part, and few start at one time.
func TestReconcileWithinRoom(t *testing.T) {
	wish := func(name string, replicas int) Wish {
		return Wish{Deployment: key(name), Hash: name, Replicas: replicas}
	}
	wishes := []Wish{wish("a", math.MaxInt32), wish("b", math.MaxInt32), wish("c", 1)}
	room := Room{Pods: 20, Starting: 6}
	var pods []Pod
	for round := 1; len(pods) < 19; round++ {
		for i := range pods {
			pods[i].Starting = false
		}
		actions, short := Reconcile(wishes, pods, room)
		if len(actions) == 0 || len(actions) > room.Starting || short[key("a")] < math.MaxInt32-20 || short[key("c")] != 0 {
			t.Fatalf("round %d: %d actions, short %v", round, len(actions), short)
		}
		for _, a := range actions {
			pods = append(pods, Pod{
				Key: key(fmt.Sprint("p", len(pods))), Deployment: a.Create.Deployment, Hash: a.Create.Hash, Starting: true,
			})
		}
		if again, _ := Reconcile(wishes, pods, room); len(again) > room.Starting-len(actions) {
			t.Fatalf("round %d: %d more, while as many as may are starting", round, len(again))
		}
	}
	count := map[string]int{}
	for _, p := range pods {
		count[p.Hash]++
	}
	if len(pods) > 20 || count["a"] < 9 || count["b"] < 9 || count["c"] != 1 {
		t.Errorf("pods %v", count)
	}
}

// However pods become ready and templates change: as long as there were enough
// ready pods there always are, and in the end exactly those wished for run.
func TestReconcileConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Wish{Deployment: key("d"), Hash: "h0", Replicas: rapid.IntRange(0, 4).Draw(t, "replicas"), Surge: rapid.IntRange(0, 2).Draw(t, "surge")}
		var pods []Pod
		made := 0
		step := func() bool {
			actions, _ := Reconcile([]Wish{w}, pods, plenty)
			for _, a := range actions {
				if a.Create != nil {
					made++
					pods = append(pods, Pod{Key: key(fmt.Sprint("p", made)), Deployment: w.Deployment, Hash: a.Create.Hash, Created: time.Unix(int64(made), 0)})
					continue
				}
				pods = slices.DeleteFunc(pods, func(p Pod) bool { return p.Key == a.Stop.Key })
			}
			return len(actions) > 0
		}
		ready := func() int {
			n := 0
			for _, p := range pods {
				if p.Ready {
					n++
				}
			}
			return n
		}
		enough := 0 // ready pods that must not get fewer while the wish stands
		for i := range rapid.IntRange(0, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				w.Hash = fmt.Sprint("h", i)
			case 1, 2:
				if len(pods) > 0 {
					pods[rapid.IntRange(0, len(pods)-1).Draw(t, "pod")].Ready = true
				}
			}
			enough = min(ready(), w.Replicas)
			step()
			if got := ready(); got < enough {
				t.Fatalf("%d pods are ready, there were %d", got, enough)
			}
			if len(pods) > w.Replicas+max(w.Surge, 1) {
				t.Fatalf("%d pods", len(pods))
			}
		}
		for range 100 {
			for i := range pods {
				pods[i].Ready = true
			}
			if !step() {
				break
			}
		}
		if len(pods) != w.Replicas || slices.ContainsFunc(pods, func(p Pod) bool { return p.Hash != w.Hash }) {
			t.Fatalf("ended with %+v, wished for %+v", pods, w)
		}
	})
}

func TestExpand(t *testing.T) {
	e := &environment{}
	e.set("A", "1")
	e.set("B", "two words")
	for in, want := range map[string]string{
		"plain": "plain", "$(A)": "1", "x$(A)$(B)y": "x1two wordsy", "$$(A)": "$(A)", "$(NO)": "$(NO)",
		"$A": "$A", "$(A": "$(A", "cost 5$": "cost 5$", "$$$(A)": "$1", "": "",
	} {
		if got := e.expand(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

var declared = Declared{
	ConfigMaps: map[Key]*corev1.ConfigMap{key("settings"): {Data: map[string]string{"color": "red", "size": "5"}, BinaryData: map[string][]byte{"raw": {1, 2}}}},
	Secrets:    map[Key]*corev1.Secret{key("keys"): {Data: map[string][]byte{"token": []byte("t0p")}, StringData: map[string]string{"user": "ann"}}},
}

var facts = Facts{
	Name: "web-1", Namespace: "default", UID: "u-1", PodIP: "10.66.0.7", HostIP: "10.66.0.1", NodeName: "local", ServiceAccount: "web",
	Labels: map[string]string{"app": "web", "version": "v1"}, Annotations: map[string]string{"note/x": "hi"},
}

func find(command, _ string) (string, error) {
	if command == "missing" {
		return "", errors.New("there is no program missing")
	}
	return "/bin/" + command, nil
}

func TestBuild(t *testing.T) {
	no, yes := false, true
	field := func(path string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	}
	c := corev1.Container{
		Name: "web", Command: []string{"serve", "--name=$(NAME)"}, Args: []string{"$(COLOR)", "$$(COLOR)"}, WorkingDir: "sub",
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "CFG_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "absent"}, Optional: &yes}},
		},
		Env: []corev1.EnvVar{
			{Name: "NAME", ValueFrom: field("metadata.name")},
			{Name: "IP", ValueFrom: field("status.podIP")},
			{Name: "VERSION", ValueFrom: field("metadata.labels['version']")},
			{Name: "NOTE", ValueFrom: field("metadata.annotations['note/x']")},
			{Name: "COLOR", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Key: "color"}}},
			{Name: "USER", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "keys"}, Key: "user"}}},
			{Name: "GONE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "keys"}, Key: "absent", Optional: &yes}}},
			{Name: "URL", Value: "http://$(NAME):$(CFG_size)"},
		},
		Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromString("http"), Path: "ready"}}},
		LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}, PeriodSeconds: 2, FailureThreshold: 1, TimeoutSeconds: 3, InitialDelaySeconds: 4},
		VolumeMounts:   []corev1.VolumeMount{{Name: "cfg", MountPath: "/etc/app"}, {Name: "scratch", MountPath: "/scratch"}},
	}
	mode := int32(0o400)
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{c, {Name: "istio-proxy", Image: "auto"}},
		Volumes: []corev1.Volume{
			{Name: "cfg", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}, Optional: &no,
				Items: []corev1.KeyToPath{{Key: "color", Path: "look/color", Mode: &mode}},
			}}},
			{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		},
	}}
	got, err := declared.Build(template, facts, Options{Base: [][2]string{{"PATH", "/bin"}}, Find: find, Dir: "/work", Volumes: "/pod/volumes"})
	if err != nil {
		t.Fatal(err)
	}
	want := Programs{
		Containers: []sandbox.Container{{
			Name: "web", Argv: []string{"/bin/serve", "--name=web-1", "red", "$(COLOR)"}, Dir: "/work/sub",
			Env: []string{
				"PATH=/bin", "CFG_color=red", "CFG_raw=\x01\x02", "CFG_size=5", "NAME=web-1", "IP=10.66.0.7", "VERSION=v1",
				"NOTE=hi", "COLOR=red", "USER=ann", "URL=http://web-1:5",
			},
			Readiness: &sandbox.Probe{
				HTTP:   &sandbox.HTTPProbe{Scheme: "http", Host: "10.66.0.7", Port: 8080, Path: "/ready"},
				Period: 10 * time.Second, Timeout: time.Second, Successes: 1, Failures: 3,
			},
			Liveness: &sandbox.Probe{Exec: []string{"/bin/true"}, InitialDelay: 4 * time.Second, Period: 2 * time.Second, Timeout: 3 * time.Second, Successes: 1, Failures: 1},
		}},
		Volumes: []Volume{
			{Name: "cfg", Files: []File{{"look/color", []byte("red"), 0o400}}},
			{Name: "scratch", Empty: true},
		},
		Mounts: []sandbox.Mount{
			{Source: "/pod/volumes/cfg", Path: "/etc/app", ReadOnly: true},
			{Source: "/pod/volumes/scratch", Path: "/scratch"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	ref := func(name string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "nokey"}}
	}
	for name, tt := range map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"image only":      {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}}, "container web: it has no command"},
		"not found":       {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"missing"}}}}, "there is no program missing"},
		"no config map":   {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"x"}, Env: []corev1.EnvVar{{Name: "A", ValueFrom: ref("nomap")}}}}}, "there is no ConfigMap default/nomap"},
		"no key":          {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"x"}, Env: []corev1.EnvVar{{Name: "A", ValueFrom: ref("settings")}}}}}, `env A: key "nokey" is not there`},
		"no volume":       {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"x"}, VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}}}}, `volume "v" is not among`},
		"kind of volume":  {corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}}}}, "volume v: this kind of volume is not supported yet"},
		"probe port":      {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"x"}, ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}}}}}, `readinessProbe: port "http" is none of`},
		"field of a pod":  {corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Command: []string{"x"}, Env: []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nope"}}}}}}}, `field "spec.nope"`},
		"out of a volume": {corev1.PodSpec{Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "keys", Items: []corev1.KeyToPath{{Key: "token", Path: "../x"}}}}}}}, "leads out of the volume"},
	} {
		_, err := declared.Build(&corev1.PodTemplateSpec{Spec: tt.spec}, facts, Options{Find: find})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func service(name string, change func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	s.Spec.Selector = map[string]string{"app": name}
	s.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("web")}}
	if change != nil {
		change(s)
	}
	return s
}

func TestAllocate(t *testing.T) {
	within := netip.MustParsePrefix("10.96.0.0/24")
	services := map[Key]*corev1.Service{
		key("a"):        service("a", nil),
		key("b"):        service("b", nil),
		key("headless"): service("headless", func(s *corev1.Service) { s.Spec.ClusterIP = "None" }),
		key("fixed"):    service("fixed", func(s *corev1.Service) { s.Spec.ClusterIP = "10.96.0.7" }),
		key("twice"):    service("twice", func(s *corev1.Service) { s.Spec.ClusterIP = "10.96.0.7" }),
		key("outside"):  service("outside", func(s *corev1.Service) { s.Spec.ClusterIP = "10.1.1.1" }),
		key("external"): service("external", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName }),
	}
	got, problems := Allocate(within, services, nil)
	seen := map[netip.Addr]bool{}
	for k, a := range got {
		if seen[a] || !within.Contains(a) {
			t.Errorf("%v got %v", k, a)
		}
		seen[a] = true
	}
	if got[key("fixed")] != netip.MustParseAddr("10.96.0.7") || len(got) != 5 {
		t.Errorf("addresses %v", got)
	}
	if d := cmp.Diff([]Key{key("outside"), key("twice")}, Sorted(problems)); d != "" {
		t.Error(d)
	}
	// Kept over a restart, and for a service that comes back.
	delete(services, key("a"))
	again, _ := Allocate(within, services, got)
	services[key("a")] = service("a", nil)
	again, _ = Allocate(within, services, again)
	if d := cmp.Diff(got, again, cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Error(d)
	}
	// A full range takes the addresses of those that are gone.
	small := netip.MustParsePrefix("10.96.0.0/30")
	full := map[Key]netip.Addr{key("x"): netip.MustParseAddr("10.96.0.1"), key("y"): netip.MustParseAddr("10.96.0.2")}
	got, problems = Allocate(small, map[Key]*corev1.Service{key("y"): service("y", nil), key("z"): service("z", nil), key("zz"): service("zz", nil)}, full)
	if got[key("z")] != full[key("x")] || len(problems) != 1 {
		t.Errorf("full range: %v, %v", got, problems)
	}
}

func webPod(name, ip string, port int32, change func(*Pod)) Pod {
	p := Pod{
		Key: key(name), IP: netip.MustParseAddr(ip), Labels: map[string]string{"app": "web"}, Ready: true, UID: name,
		Template: &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: port}}}}}},
	}
	if change != nil {
		change(&p)
	}
	return p
}

func TestSlices(t *testing.T) {
	svc := service("web", nil)
	pods := []Pod{
		webPod("c", "10.66.0.4", 9090, nil),
		webPod("a", "10.66.0.2", 8080, nil),
		webPod("b", "10.66.0.3", 8080, func(p *Pod) { p.Ready = false }),
		webPod("d", "10.66.0.5", 8080, func(p *Pod) { p.Terminating = true }),
		webPod("e", "10.66.0.6", 8080, func(p *Pod) { p.Withdrawn = true }),
		webPod("f", "10.66.0.7", 8080, func(p *Pod) { p.Labels = nil }),
		webPod("g", "10.66.0.8", 8080, func(p *Pod) { p.Namespace = "other" }),
	}
	var got []string
	for _, s := range Slices(svc, pods, Node) {
		for _, e := range s.Endpoints {
			got = append(got, fmt.Sprintf("%s %s:%d ready=%v serving=%v terminating=%v", s.Labels["kubernetes.io/service-name"], e.Addresses[0], *s.Ports[0].Port,
				*e.Conditions.Ready, *e.Conditions.Serving, *e.Conditions.Terminating))
		}
	}
	want := []string{
		"web 10.66.0.2:8080 ready=true serving=true terminating=false",
		"web 10.66.0.3:8080 ready=false serving=false terminating=false",
		"web 10.66.0.5:8080 ready=false serving=true terminating=true",
		"web 10.66.0.4:9090 ready=true serving=true terminating=false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	reversed := slices.Clone(pods)
	slices.Reverse(reversed)
	if d := cmp.Diff(Slices(svc, pods, Node), Slices(svc, reversed, Node)); d != "" {
		t.Errorf("order of pods matters: %s", d)
	}
	if got := Slices(svc, nil, Node); len(got) != 1 || len(got[0].Endpoints) != 0 {
		t.Errorf("a service without pods: %v", got)
	}
	if got := Slices(service("x", func(s *corev1.Service) { s.Spec.Selector = nil }), pods, Node); len(got) != 0 {
		t.Errorf("a service without selector: %v", got)
	}
}

func TestBackends(t *testing.T) {
	pods := []Pod{
		webPod("b", "10.66.0.3", 9090, func(p *Pod) { p.Gateway = true }), webPod("a", "10.66.0.2", 8080, nil),
		webPod("c", "10.66.0.4", 8080, func(p *Pod) { p.Ready = false }), webPod("d", "10.66.0.5", 8080, func(p *Pod) { p.Terminating = true }),
	}
	svc := service("web", nil)
	got := Backends(svc, netip.MustParseAddr("10.96.0.5"), pods)
	if fmt.Sprint(got) != "[{10.96.0.5:80 [10.66.0.2:8080 10.66.0.3:9090]}]" {
		t.Errorf("backends %v", got)
	}
	if got := Upstreams(svc.Spec.Ports[0], svc, pods); fmt.Sprint(got) != "[{10.66.0.2:8080 false} {10.66.0.3:9090 true}]" {
		t.Errorf("upstreams %v", got)
	}
}

func TestPodObject(t *testing.T) {
	p := webPod("web-abc-12345", "10.66.0.2", 8080, func(p *Pod) { p.Deployment, p.Hash = key("web"), "abc" })
	status := PodStatus{
		Running: true, HostIP: netip.MustParseAddr("10.66.0.1"),
		Status: sandbox.Status{
			Proxy:      &sandbox.ContainerStatus{Name: ProxyContainer, State: sandbox.Running, Ready: true},
			Containers: []sandbox.ContainerStatus{{Name: "web", State: sandbox.Running, Ready: true, Restarts: 2}},
		},
	}
	o := PodObject(p, status)
	if o.OwnerReferences[0].Name != "web-abc" || o.Annotations["sidecar.istio.io/status"] == "" || o.Status.PodIP != "10.66.0.2" ||
		o.Status.Phase != corev1.PodRunning || o.Spec.ServiceAccountName != "default" || o.DeletionTimestamp != nil {
		t.Errorf("pod %+v", o)
	}
	conditions := map[corev1.PodConditionType]corev1.ConditionStatus{}
	for _, c := range o.Status.Conditions {
		conditions[c.Type] = c.Status
	}
	if conditions[corev1.PodReady] != corev1.ConditionTrue {
		t.Errorf("conditions %v", conditions)
	}
	if len(p.Template.Annotations) != 0 || len(p.Template.Spec.Containers) != 1 {
		t.Error("the template was changed")
	}
	status.Running, status.Status = false, sandbox.Status{}
	if o := PodObject(p, status); o.Status.Phase != corev1.PodPending || maps.Clone(o.Annotations)["sidecar.istio.io/status"] != "" {
		t.Errorf("pending pod %+v", o.Status)
	}
	// Else a pod could have the control plane ask another one in its name.
	p.Template.Annotations = map[string]string{mesh.AnnotationPodFolder: "/elsewhere", "a": "b"}
	if o := PodObject(p, status); o.Annotations[mesh.AnnotationPodFolder] != "" || o.Annotations["a"] != "b" {
		t.Errorf("annotations of a pod whose template names a folder: %v", o.Annotations)
	}
}

func TestTemplateHash(t *testing.T) {
	a := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{ServiceAccountName: "a"}}
	h1, err1 := TemplateHash(a)
	h2, err2 := TemplateHash(a.DeepCopy())
	a.Spec.ServiceAccountName = "b"
	h3, err3 := TemplateHash(a)
	if err := errors.Join(err1, err2, err3); err != nil || h1 != h2 || h1 == h3 || len(h1) != 10 {
		t.Errorf("%s %s %s %v", h1, h2, h3, err)
	}
}
