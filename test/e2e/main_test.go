package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/xds/envoy"
)

// proberPath and heddlePath are the programs under test, built by TestMain.
var (
	binDir     string
	proberPath string
	heddlePath string
	envoyPath  string
	testUser   *syscall.Credential // who runs the meshes; nil is who runs the tests
)

// sharedMesh is the bookinfo mesh that most tests share; the first one starts it.
var sharedMesh struct {
	start func() (*localMesh, error)
	mesh  *localMesh
}

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (int, error) {
	dir, err := freeDir()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	// Applications run as another user when the tests run as root.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	binDir = dir
	proberPath, heddlePath = filepath.Join(dir, "prober"), filepath.Join(dir, "heddle")
	for path, pkg := range map[string]string{proberPath: "./test/e2e/prober", heddlePath: "./backend/cmd/heddle", filepath.Join(dir, "heddle-samples"): "./deploy/samples"} {
		build := exec.Command("go", "build", "-o", path, pkg)
		build.Dir, build.Env = repository(), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	if envoyPath, err = findEnvoy(ctx); err != nil {
		return 0, err
	}
	if testUser, err = userOf(os.Getenv("HEDDLE_TEST_USER")); err != nil {
		return 0, err
	}
	// A second user may not see the repository.
	manifests := filepath.Join(dir, "bookinfo")
	if err := os.CopyFS(manifests, os.DirFS(filepath.Join(repository(), "deploy/samples/bookinfo"))); err != nil {
		return 0, err
	}
	sharedMesh.start = sync.OnceValues(func() (*localMesh, error) {
		var err error
		sharedMesh.mesh, err = startLocal(ctx, heddlePath, localOptions{Envoy: envoyPath, Paths: []string{manifests}, User: testUser})
		return sharedMesh.mesh, err
	})
	code := m.Run()
	if sharedMesh.mesh == nil {
		return code, nil
	}
	if code != 0 {
		sharedMesh.mesh.dump(os.Stderr)
	}
	return code, sharedMesh.mesh.remove()
}

// userOf is who a number means; nil when it is empty.
func userOf(number string) (*syscall.Credential, error) {
	if number == "" {
		return nil, nil
	}
	id, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("HEDDLE_TEST_USER is the number of a user: %w", err)
	}
	return &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}, nil
}

// findEnvoy is the Envoy that `make up` would run; it is installed when missing.
func findEnvoy(ctx context.Context) (string, error) {
	state := filepath.Join(repository(), ".heddle")
	b, err := envoy.Find(ctx, os.Getenv("HEDDLE_ENVOY"), state)
	if err != nil && os.Getenv("HEDDLE_ENVOY") == "" {
		b, err = envoy.Install(ctx, state, os.Stderr)
	}
	if err != nil {
		return "", err
	}
	// A second user may not see the repository.
	path := filepath.Join(binDir, "envoy")
	if err := os.Link(b.Path, path); err == nil {
		return path, os.Chmod(path, 0o755)
	}
	data, err := os.ReadFile(b.Path)
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data, 0o755)
}

// repository is the root of the source tree.
func repository() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "."
}

// bookinfo is the shared mesh with all its pods ready.
func bookinfo(t *testing.T) Mesh {
	t.Helper()
	m, err := sharedMesh.start()
	if err != nil {
		t.Fatalf("start bookinfo: %v", err)
	}
	return m
}

func apply(t *testing.T, m Mesh, yaml string) {
	t.Helper()
	if err := m.Apply(t.Context(), yaml); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

// clean deletes the objects of the manifest when the test ends.
func clean(t *testing.T, m Mesh, yaml string) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := m.Delete(ctx, yaml); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}

// wait lets time pass where the pace is what is tested.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// settle waits until every proxy has acknowledged everything that was sent, and
// nothing more is on its way.
func settle(t *testing.T, m Mesh) {
	t.Helper()
	// A change that follows another one at once is gathered with others for up
	// to half a second, while nothing seems to move.
	const calm = 700 * time.Millisecond
	since := time.Now()
	before := ""
	Eventually(t, 10*time.Second, "proxies settle", func() error {
		proxies, err := m.Proxies(t.Context())
		if err != nil {
			return err
		}
		var now strings.Builder
		for _, p := range proxies {
			if !p.Settled {
				since = time.Now()
				return fmt.Errorf("%s has not taken everything", p.ID)
			}
			fmt.Fprintln(&now, p.ID, p.Revision)
		}
		if now.String() != before {
			before, since = now.String(), time.Now()
			return errors.New("still moving")
		}
		if time.Since(since) < calm {
			return errors.New("not quiet for long enough")
		}
		return nil
	})
}

// podOf is the first ready pod of a workload.
func podOf(t *testing.T, m Mesh, workload string) Pod {
	t.Helper()
	var found Pod
	Eventually(t, 15*time.Second, "a ready pod of "+workload, func() error {
		pods, err := m.Pods(t.Context(), workload)
		if err != nil {
			return err
		}
		for _, p := range pods {
			if p.Ready {
				found = p
				return nil
			}
		}
		return fmt.Errorf("%d pods, none ready", len(pods))
	})
	return found
}

// echoManifest is an application in two versions that answers in every protocol.
func echoManifest() string {
	var b strings.Builder
	b.WriteString(`apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: echo}
  ports:
  - {name: http, port: 8080}
  - {name: grpc, port: 8081}
  - {name: tcp, port: 8082}
  - {name: tcp-first, port: 8083}
  - {name: tls, port: 8084}
  - {name: a, port: 9080}
  - {name: b, port: 9081}
  - {name: c, port: 9082}
  - {name: d, port: 9083}
  - {name: e, port: 9084}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo}
spec:
  host: echo
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
`)
	for _, version := range []string{"v1", "v2"} {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo-%[1]s}
spec:
  selector: {matchLabels: {app: echo, version: %[1]s}}
  template:
    metadata: {labels: {app: echo, version: %[1]s}}
    spec:
      containers:
      - name: app
        command: [%[2]s]
        args: [serve, -name, echo-%[1]s, -ports, "http=8080,grpc=8081,tcp=8082,first=8083,tls=8084,http=9080,grpc=9081,tcp=9082,first=9083,tls=9084"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
`, version, proberPath)
	}
	return b.String()
}

// echoApp makes sure that the echo application runs; it stays for later tests.
func echoApp(t *testing.T, m Mesh) {
	t.Helper()
	apply(t, m, echoManifest())
	podOf(t, m, "echo-v1")
	podOf(t, m, "echo-v2")
	settle(t, m)
}

// hideRule takes an object away and returns what puts it back.
func hideRule(t *testing.T, m Mesh, kind, name string) (restore func()) {
	t.Helper()
	var o struct{ YAML string }
	if err := m.Ask(t.Context(), "/api/v1/config/"+kind+"/default/"+name, &o); err != nil {
		return func() {}
	}
	if err := m.Delete(t.Context(), o.YAML); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := m.Apply(context.Background(), o.YAML); err != nil {
			t.Errorf("put %s back: %v", name, err)
		}
	}
}
