package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/mesh"
)

// smallManifest is a mesh of two pods: a client, and a service that it calls.
func smallManifest() string {
	var b strings.Builder
	for _, name := range []string{"echo", "client"} {
		fmt.Fprintf(&b, `apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec:
  selector: {app: %[1]s}
  ports: [{name: http, port: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: app
        command: [%[2]s]
        args: [serve, -name, %[1]s, -ports, "http=8080"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
`, name, proberPath)
	}
	return b.String()
}

// smallMesh starts a mesh of its own for a test that ends or breaks it.
func smallMesh(t *testing.T, o localOptions) *localMesh {
	t.Helper()
	manifest := filepath.Join(binDir, "small.yaml")
	if err := os.WriteFile(manifest, []byte(smallManifest()), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Envoy, o.Paths = envoyPath, []string{manifest}
	if o.User == nil {
		o.User = testUser
	}
	// Not the test's context, which ends before its clean-up begins.
	m, err := startLocal(context.WithoutCancel(t.Context()), heddlePath, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			m.dump(os.Stderr)
		}
	})
	return m
}

// callEcho makes one call from the client's pod to echo.
func callEcho(t *testing.T, m Mesh) {
	t.Helper()
	status, body, _ := callFrom(t, m, "client", "echo:8080", "/", "")
	if status != http.StatusOK {
		t.Fatalf("echo answers %d %.200s", status, body)
	}
}

// remains are what a running mesh has on its machine.
type remains struct {
	processes  map[int]string // argument vectors by number
	namespaces map[string]bool
	devices    []string
	mounts     int
}

// take looks at everything that came of a process.
func take(t *testing.T, root int, state string) remains {
	t.Helper()
	out := remains{processes: map[int]string{}, namespaces: map[string]bool{}}
	all := processes()
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			_, known := out.processes[p.pid]
			if _, child := out.processes[p.parent]; !known && (child || p.pid == root) {
				out.processes[p.pid], grown = strings.Join(p.argv, " "), true
			}
		}
	}
	for pid := range out.processes {
		for _, kind := range namespaceKinds {
			if ns := namespaceOf(pid, kind); ns != "" && ns != namespaceOf(os.Getpid(), kind) {
				out.namespaces[ns] = true
			}
		}
	}
	devices, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		out.devices = append(out.devices, d.Name())
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	out.mounts = strings.Count(string(mounts), state)
	return out
}

var namespaceKinds = []string{"net", "pid", "mnt", "user", "uts", "ipc"}

func namespaceOf(pid int, kind string) string {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, kind))
	if err != nil {
		return "" // it has just ended
	}
	return link
}

// left says what of a mesh is still there.
func (r remains) left() error {
	var errs []error
	for _, p := range processes() {
		argv := strings.Join(p.argv, " ")
		if r.processes[p.pid] == argv {
			errs = append(errs, fmt.Errorf("process %d: %s", p.pid, argv))
		}
		for _, kind := range namespaceKinds {
			if ns := namespaceOf(p.pid, kind); r.namespaces[ns] {
				errs = append(errs, fmt.Errorf("%s holds %s", argv, ns))
			}
		}
	}
	return errors.Join(errs...)
}

func TestNothingIsLeftOfAKilledSupervisor(t *testing.T) {
	dir, err := freeDir()
	if err != nil {
		t.Fatal(err)
	}
	before := take(t, 0, dir)
	m := smallMesh(t, localOptions{Dir: dir})
	callEcho(t, m)
	was := take(t, m.up.Process.Pid, dir)
	if len(was.processes) < 8 || len(was.namespaces) < 6 {
		t.Fatalf("a mesh of two pods has only %d processes and %d namespaces", len(was.processes), len(was.namespaces))
	}
	if err := m.Signal(t.Context(), Target{Supervisor: true}, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	took := Eventually(t, time.Second, "everything is gone", was.left)
	t.Logf("%d processes and %d namespaces gone %v after the kill", len(was.processes), len(was.namespaces), took)
	after := take(t, 0, dir)
	if !slices.Equal(before.devices, after.devices) || after.mounts > 0 {
		t.Errorf("network devices %v, were %v; %d mounts", after.devices, before.devices, after.mounts)
	}

	// What it left in its folder is in nobody's way.
	<-m.exited
	again := smallMesh(t, localOptions{Dir: dir})
	callEcho(t, again)
	if err := again.remove(); err != nil {
		t.Error(err)
	}
}

func TestStopAndStartAgain(t *testing.T) {
	dir, err := freeDir()
	if err != nil {
		t.Fatal(err)
	}
	m := smallMesh(t, localOptions{Dir: dir})
	callEcho(t, m)
	addresses := serviceAddresses(t, m)

	said, err := m.heddle(t.Context(), nil, "up", "--envoy", envoyPath)
	if err == nil {
		t.Fatalf("a second mesh started on the same state: %s", said)
	}
	status, statusErr := local.NewClient(m.state).Status(t.Context())
	if statusErr != nil {
		t.Fatal(statusErr)
	}
	for _, part := range []string{"already", fmt.Sprintf("process %d", m.up.Process.Pid), status.Console, "heddle down"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("a second `heddle up` does not say %q: %v", part, err)
		}
	}
	callEcho(t, m)

	was := take(t, m.up.Process.Pid, dir)
	began := time.Now()
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if err := was.left(); err != nil {
		t.Errorf("after the stop there is still: %v", err)
	}

	again := smallMesh(t, localOptions{Dir: dir})
	t.Logf("stopped within %v; all pods ready %v after the first start, %v after the second", took, m.Ready, again.Ready)
	if again.Ready > 10*time.Second {
		t.Errorf("the second start took %v", again.Ready)
	}
	if now := serviceAddresses(t, again); fmt.Sprint(now) != fmt.Sprint(addresses) {
		t.Errorf("services have the addresses %v, had %v", now, addresses)
	}
	callEcho(t, again)
	if _, err := again.heddle(t.Context(), nil, "down"); err != nil {
		t.Error(err)
	}
	if err := again.remove(); err != nil {
		t.Error(err)
	}
}

// serviceAddresses are the addresses of a mesh's services by name.
func serviceAddresses(t *testing.T, m *localMesh) map[string]string {
	t.Helper()
	s, err := local.NewClient(m.state).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, svc := range s.Services {
		out[svc.Namespace+"/"+svc.Name] = svc.Address
	}
	if len(out) == 0 {
		t.Fatal("there are no services")
	}
	return out
}

func TestBookinfoIsReadyInTime(t *testing.T) {
	m := bookinfo(t).(*localMesh)
	t.Logf("all pods ready %v after `heddle up`", m.Ready)
	if m.Ready > 10*time.Second {
		t.Errorf("it took %v, want at most 10 s", m.Ready)
	}
}

// deploymentOf is a Deployment of one container without sidecar.
func deploymentOf(name, container string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata:
      labels: {app: %[1]s}
      annotations: {sidecar.istio.io/inject: "false"}
    spec:
      containers:
      - {name: app%[2]s}
---
`, name, container)
}

func TestWhatDoesNotRunIsNamed(t *testing.T) {
	m := bookinfo(t).(*localMesh)
	settle(t, m)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	manifest := deploymentOf("nothing-to-run", ", image: nginx") +
		deploymentOf("not-installed", ", command: [no-such-program]") +
		deploymentOf("crashes", `, command: [/bin/sh, -c, "echo out of luck; exit 3"]`) +
		fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: occupied}
spec:
  type: LoadBalancer
  selector: {app: details}
  ports: [{name: http, port: %d, targetPort: 9080}]
`, port)
	clean(t, m, manifest)
	apply(t, m, manifest)

	wants := []struct {
		kind       mesh.Kind
		name, code string
		says       []string
	}{
		{mesh.KindDeployment, "nothing-to-run", mesh.CodePod, []string{"default/nothing-to-run", "command"}},
		{mesh.KindDeployment, "not-installed", mesh.CodePod, []string{"default/not-installed", "no-such-program", "not found"}},
		{mesh.KindDeployment, "crashes", mesh.CodePod, []string{"crashes", "3"}},
		{mesh.KindService, "occupied", mesh.CodePort, []string{"default/occupied", fmt.Sprint(port), "taken"}},
	}
	complete := func(found []mesh.Finding) error {
		for _, want := range wants {
			if !slices.ContainsFunc(found, func(f mesh.Finding) bool {
				return f.Code == want.code && f.Severity == mesh.Error && f.Ref.Kind == want.kind && f.Ref.Name == want.name &&
					!slices.ContainsFunc(want.says, func(s string) bool { return !strings.Contains(f.Message, s) })
			}) {
				return fmt.Errorf("%s is not explained: %+v", want.name, found)
			}
		}
		return nil
	}
	var status local.Status
	Eventually(t, 10*time.Second, "`heddle status` says what is wrong", func() error {
		data, err := m.heddle(t.Context(), nil, "status", "-o", "json")
		if err != nil {
			return err
		}
		status = local.Status{}
		if err := json.Unmarshal(data, &status); err != nil {
			return err
		}
		return complete(status.Findings)
	})
	Eventually(t, 2*time.Second, "`heddle findings` says what is wrong", func() error {
		data, err := m.heddle(t.Context(), nil, "findings", "-o", "json")
		var found []mesh.Finding
		if bad := json.Unmarshal(data, &found); bad != nil {
			return errors.Join(err, bad)
		}
		return complete(found)
	})
	for _, f := range status.Findings {
		t.Logf("%s %s: %s", f.Code, f.Ref, f.Message)
	}
	for _, p := range status.Pods {
		switch {
		case p.Deployment == "crashes" && (p.Ready || p.Reason != "CrashLoopBackOff"):
			t.Errorf("the crashing pod: ready %v, reason %q", p.Ready, p.Reason)
		case p.Deployment != "crashes" && !p.Ready:
			t.Errorf("%s is not ready any more: %s %s", p.Name, p.Reason, p.Message)
		}
	}
	resp, err := http.Get(m.Gateway() + "/productpage")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the page answers %s", resp.Status)
	}

	// The port is opened as soon as it is free.
	taken.Close()
	Eventually(t, 5*time.Second, "the host port leads to details", func() error {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/details/0", port))
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
	Eventually(t, 2*time.Second, "the finding clears", func() error { return noFindingIn(t, m, "occupied") })
}
