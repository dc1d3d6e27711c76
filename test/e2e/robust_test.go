package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// broken are edits that must be refused or found, each with the line that the
// finding names.
func TestBrokenEditsAreNamedAndHarmless(t *testing.T) {
	m := bookinfo(t)
	clean(t, m, reviewsRule(100, 0))
	apply(t, m, reviewsRule(100, 0))
	settle(t, m)
	pod := podOf(t, m, "productpage-v1")
	local := m.(*localMesh)
	good := reviewsRule(100, 0)

	cases := []struct {
		name, text string
		line       int
		says       string
	}{
		{"bad YAML", strings.Replace(good, "hosts: [reviews]", "hosts: [reviews", 1), 0, ""},
		{"unknown field", strings.Replace(good, "  hosts:", "  host: x\n  hosts:", 1), 5, "host"},
		{"weight as text", strings.Replace(good, "weight: 100", "weight: lots", 1), 9, "weight"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			local.writeObject(t, "virtualservice", "reviews", c.text)
			took := Eventually(t, time.Second, "the finding", func() error {
				found, err := m.Findings(t.Context())
				if err != nil {
					return err
				}
				for _, f := range found {
					if f.Phase == mesh.PhaseDecode && strings.HasSuffix(f.File, "reviews.yaml") && (c.line == 0 || f.Line == c.line) && strings.Contains(f.Path+f.Message, c.says) {
						return nil
					}
				}
				return fmt.Errorf("findings: %+v", found)
			})
			t.Logf("found after %v", took)
			if err := onlyFrom(t.Context(), m, pod.Name, "reviews-v1", 3); err != nil {
				t.Errorf("traffic changed: %v", err)
			}
			local.writeObject(t, "virtualservice", "reviews", good)
			Eventually(t, time.Second, "the finding clears", func() error { return noFindingIn(t, m, "reviews.yaml") })
		})
	}

	t.Run("unknown host", func(t *testing.T) {
		bad := strings.Replace(good, "host: reviews, subset: v1", "host: nobody", 1)
		if err := m.Apply(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "nothing was written") || !strings.Contains(err.Error(), ":8:") {
			t.Errorf("a route to nobody was not refused with its place: %v", err)
		}
		if err := m.ApplyForced(t.Context(), bad); err != nil {
			t.Fatalf("forced: %v", err)
		}
		Eventually(t, time.Second, "the finding", func() error {
			found, err := m.Findings(t.Context())
			if err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(f mesh.Finding) bool { return f.Ref.Name == "reviews" && f.Code == mesh.CodeUnknownHost }) {
				return nil
			}
			return fmt.Errorf("findings: %+v", found)
		})
		if err := onlyFrom(t.Context(), m, pod.Name, "reviews-v1", 3); err != nil {
			t.Errorf("traffic changed: %v", err)
		}
		apply(t, m, good)
		Eventually(t, time.Second, "the finding clears", func() error { return noFindingIn(t, m, "reviews") })
	})
}

func noFindingIn(t *testing.T, m Mesh, what string) error {
	found, err := m.Findings(t.Context())
	if err != nil {
		return err
	}
	for _, f := range found {
		if strings.Contains(f.File, what) || f.Ref.Name == what {
			return fmt.Errorf("still there: %+v", f)
		}
	}
	return nil
}

// sentResources counts what every proxy was sent since it connected.
func sentResources(t *testing.T, m Mesh) (resources int) {
	t.Helper()
	all, err := m.Proxies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, ty := range p.Types {
			resources += int(ty.Sent.Resources)
		}
	}
	return resources
}

// connectedProxies are those whose Envoy asks for configuration. Its agent is
// connected before that, for certificates.
func connectedProxies(t *testing.T, m Mesh) []serve.ProxyStatus {
	t.Helper()
	all, err := m.Proxies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(p serve.ProxyStatus) bool {
		return !slices.ContainsFunc(p.Types, func(ty serve.TypeStatus) bool { return ty.Type == xds.ClusterType })
	})
}

func TestControlPlaneDiesUnderLoad(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	before := len(connectedProxies(t, m))
	load := StartLoad(t.Context(), m.Gateway()+"/productpage", 100)
	wait(t, time.Second)
	if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Eventually(t, 10*time.Second, "the control plane is back", func() error {
		_, err := m.Proxies(t.Context())
		return err
	})
	took := Eventually(t, 3*time.Second, "all proxies are back", func() error {
		if n := len(connectedProxies(t, m)); n < before {
			return fmt.Errorf("%d of %d", n, before)
		}
		return nil
	})
	settle(t, m)
	resent := sentResources(t, m)
	sent, failed := load.Stop()
	t.Logf("%d proxies back %v after its return; %d resources resent; %d requests, %d failed", before, took, resent, sent, len(failed))
	if resent > 0 {
		all, _ := m.Proxies(t.Context())
		t.Errorf("%d resources were sent again: %+v", resent, all)
	}
	if len(failed) > 0 {
		t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
	}
}

func TestApplicationDies(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	pod := podOf(t, m, "details-v1")
	if err := m.Signal(t.Context(), Target{Pod: pod.Name, Process: "heddle-samples"}, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ready := func() (int, error) {
		var s struct{ Ports []struct{ Ready int } }
		if err := m.Ask(t.Context(), "/api/v1/services/default/details", &s); err != nil {
			return 0, err
		}
		return s.Ports[0].Ready, nil
	}
	gone := Eventually(t, time.Second, "the endpoint leaves", func() error {
		if n, err := ready(); err != nil || n != 0 {
			return fmt.Errorf("%d endpoints ready, %v", n, err)
		}
		return nil
	})
	back := Eventually(t, 15*time.Second, "the endpoint comes back", func() error {
		if n, err := ready(); err != nil || n != 1 {
			return fmt.Errorf("%d endpoints ready, %v", n, err)
		}
		return nil
	})
	t.Logf("gone after %v, back after %v", gone, back)
}

func TestEnvoyDiesWhileTheControlPlaneIsStopped(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	pod := podOf(t, m, "details-v1")
	client := podOf(t, m, "productpage-v1")
	if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}()
	// The agents notice a hung server by themselves; until then a new Envoy would
	// wait for it.
	wait(t, 5*time.Second)
	if err := m.Signal(t.Context(), Target{Pod: pod.Name, Process: "envoy"}, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	took := Eventually(t, 2*time.Second, "details answers again", func() error {
		var a struct {
			Status int
			Error  string
		}
		if err := ExecJSON(t.Context(), m, client.Name, &a, proberPath, "call", "-to", "details:9080", "-path", "/details/0"); err != nil {
			return err
		}
		if a.Status != 200 {
			return fmt.Errorf("status %d", a.Status)
		}
		return nil
	})
	t.Logf("live again %v after the kill", took)
	Eventually(t, 3*time.Second, "status counts the restart", func() error {
		out, err := m.(*localMesh).heddle(t.Context(), nil, "status", "-o", "json")
		if len(out) == 0 { // it fails while not everything is ready
			return err
		}
		var status local.Status
		if err := json.Unmarshal(out, &status); err != nil {
			return err
		}
		if !status.ControlPlane.Unresponsive {
			return errors.New("status does not say that the control plane hangs")
		}
		for _, p := range status.Pods {
			if p.Name == pod.Name && p.EnvoyRestarts > 0 && p.Restarts >= p.EnvoyRestarts {
				return nil
			}
		}
		return fmt.Errorf("status: %s", out)
	})
}

func TestScalingPushesOnlyEndpoints(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	old := map[string]map[string]uint64{}
	all, err := m.Proxies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		old[p.ID] = map[string]uint64{}
		for _, ty := range p.Types {
			old[p.ID][ty.Type] = ty.Sent.Resources + ty.Sent.Removed
		}
	}
	load := StartLoad(t.Context(), m.Gateway()+"/productpage", 100)
	for _, n := range []int{3, 1} {
		if err := m.Scale(t.Context(), "reviews-v1", n); err != nil {
			t.Fatal(err)
		}
		Eventually(t, 20*time.Second, fmt.Sprintf("%d pods of reviews-v1", n), func() error {
			pods, err := m.Pods(t.Context(), "reviews-v1")
			ready := 0
			for _, p := range pods {
				if p.Ready {
					ready++
				}
			}
			if err != nil || ready != n || len(pods) != n {
				return fmt.Errorf("%d ready of %d: %v", ready, len(pods), err)
			}
			return nil
		})
	}
	settle(t, m)
	sent, failed := load.Stop()
	t.Logf("%d requests, %d failed", sent, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
	}
	all, err = m.Proxies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, ty := range p.Types {
			if before, known := old[p.ID]; known && !strings.HasSuffix(ty.Type, "ClusterLoadAssignment") && ty.Sent.Resources+ty.Sent.Removed > before[ty.Type] {
				t.Errorf("%s was sent %d resources of %s", p.ID, ty.Sent.Resources+ty.Sent.Removed-before[ty.Type], ty.Type)
			}
		}
	}
}

func TestRollingChangeUnderLoad(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	var o struct{ YAML string }
	if err := m.Ask(t.Context(), "/api/v1/config/deployment/default/details-v1", &o); err != nil {
		t.Fatal(err)
	}
	defer func() {
		apply(t, m, o.YAML)
		podOf(t, m, "details-v1")
	}()
	for _, change := range []struct{ name, old, new string }{
		{"template", "      labels:", "      annotations:\n        touched: \"yes\"\n      labels:"},
		{"service account", "serviceAccountName: bookinfo-details", "serviceAccountName: bookinfo-ratings"},
	} {
		t.Run(change.name, func(t *testing.T) {
			text := strings.Replace(o.YAML, change.old, change.new, 1)
			if text == o.YAML {
				t.Fatalf("the manifest has no %q:\n%s", change.old, o.YAML)
			}
			first := podOf(t, m, "details-v1")
			load := StartLoad(t.Context(), m.Gateway()+"/productpage", 100)
			apply(t, m, text)
			Eventually(t, 20*time.Second, "a new pod replaced the old one", func() error {
				pods, err := m.Pods(t.Context(), "details-v1")
				if err == nil && (len(pods) != 1 || pods[0].Name == first.Name || !pods[0].Ready) {
					err = fmt.Errorf("pods: %+v", pods)
				}
				return err
			})
			wait(t, time.Second)
			sent, failed := load.Stop()
			t.Logf("%d requests, %d failed", sent, len(failed))
			if len(failed) > 0 {
				t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
			}
		})
	}
}

// Applications close idle connections when they like, also while a request is on
// its way to them.
func TestApplicationThatClosesKeptConnections(t *testing.T) {
	m := bookinfo(t)
	app := fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: closing}
spec:
  selector: {app: closing}
  ports: [{name: http, port: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: closing}
spec:
  selector: {matchLabels: {app: closing}}
  template:
    metadata: {labels: {app: closing}}
    spec:
      containers:
      - name: app
        command: [%s]
        args: [serve, -ports, "closing=8080"]
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
`, proberPath)
	clean(t, m, app)
	apply(t, m, app)
	podOf(t, m, "closing")
	settle(t, m)
	var out struct {
		Sent, OK int
		Errors   []string
	}
	argv := []string{proberPath, "load", "-to", "http://closing:8080/", "-rate", "100", "-count", "2000", "-for", "60s"}
	if err := ExecJSON(t.Context(), m, podOf(t, m, "productpage-v1").Name, &out, argv...); err != nil {
		t.Fatal(err)
	}
	if out.Sent != 2000 || out.OK != out.Sent {
		t.Errorf("%d of %d requests were answered, errors %v", out.OK, out.Sent, out.Errors)
	}
}
