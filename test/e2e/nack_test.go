package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// refusedRule is a VirtualService that nothing is wrong with, except that its
// regular expression is larger, once compiled, than Envoy takes.
func refusedRule() string {
	return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: refused}
spec:
  hosts: [details]
  http:
  - match: [{uri: {regex: '` + strings.Repeat(`\pL{999}`, 8) + `'}}]
    route: [{destination: {host: details}}]
`
}

func TestRejectedResource(t *testing.T) {
	m := bookinfo(t)
	clean(t, m, refusedRule())
	clean(t, m, reviewsRule(100, 0))
	settle(t, m)
	caller := podOf(t, m, "productpage-v1")
	load := StartLoad(t.Context(), m.Gateway()+"/productpage", 50)

	apply(t, m, refusedRule())
	var words string
	found := Eventually(t, 2*time.Second, "a finding with Envoy's words", func() error {
		all, err := m.Findings(t.Context())
		for _, f := range all {
			if f.Code == mesh.CodeRejected && f.Ref.Kind == mesh.KindVirtualService && f.Ref.Name == "refused" && strings.Contains(f.Message, "program size") {
				words = f.Message
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("findings: %+v", all))
	})
	t.Logf("found after %v: %s", found, words)

	apply(t, m, reviewsRule(0, 100))
	took := Eventually(t, time.Second, "another change gets through", func() error {
		return onlyFrom(t.Context(), m, caller.Name, "reviews-v3", 5)
	})
	t.Logf("another change works after %v", took)

	// Its proxy never had anything of details but what is refused.
	if err := m.Scale(t.Context(), "productpage-v1", 2); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Scale(context.WithoutCancel(t.Context()), "productpage-v1", 1); err != nil {
			t.Error(err)
		}
		waitPods(t, m, "productpage-v1", 1)
	}()
	took = waitPods(t, m, "productpage-v1", 2)
	t.Logf("a new pod of the same kind is ready after %v", took)
	if took > 10*time.Second {
		t.Errorf("the new pod was ready after %v, want at most 10 s", took)
	}
	pods, err := m.Pods(t.Context(), "productpage-v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		var a struct{ Status int }
		if err := ExecJSON(t.Context(), m, p.Name, &a, proberPath, "call", "-to", "details:9080", "-path", "/details/0"); err != nil || a.Status != http.StatusOK {
			t.Errorf("details answers %s with %d, %v", p.Name, a.Status, err)
		}
	}

	if err := m.Delete(t.Context(), refusedRule()); err != nil {
		t.Fatal(err)
	}
	took = Eventually(t, time.Second, "the finding clears", func() error {
		all, err := m.Findings(t.Context())
		for _, f := range all {
			if f.Code == mesh.CodeRejected {
				return fmt.Errorf("still there: %+v", f)
			}
		}
		return err
	})
	t.Logf("the finding clears after %v", took)
	settle(t, m)
	sent, failed := load.Stop()
	t.Logf("%d requests, %d failed", sent, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
	}
}

// waitPods waits until a workload has so many pods and all of them are ready.
func waitPods(t *testing.T, m Mesh, workload string, n int) time.Duration {
	t.Helper()
	return Eventually(t, 20*time.Second, fmt.Sprintf("%d pods of %s", n, workload), func() error {
		pods, err := m.Pods(t.Context(), workload)
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

// readinessOf is what the agent of a pod says about itself.
func readinessOf(ctx context.Context, m Mesh, pod string) (string, error) {
	var a struct {
		Status int
		Body   string
	}
	if err := ExecJSON(ctx, m, pod, &a, proberPath, "call", "-to", "127.0.0.1:15020", "-path", "/healthz/ready"); err != nil {
		return "", err
	}
	if a.Status != http.StatusOK {
		return "", fmt.Errorf("status %d: %s", a.Status, a.Body)
	}
	return strings.TrimSpace(a.Body), nil
}

func TestHungControlPlaneIsNoticed(t *testing.T) {
	m := bookinfo(t)
	settle(t, m)
	var pods []string
	for _, workload := range []string{"ingressgateway", "productpage-v1", "details-v1", "reviews-v1", "ratings-v1"} {
		pods = append(pods, podOf(t, m, workload).Name)
	}
	each := func(want func(text string) error) func() error {
		return func() error {
			for _, pod := range pods {
				text, err := readinessOf(t.Context(), m, pod)
				if err == nil {
					err = want(text)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", pod, err)
				}
			}
			return nil
		}
	}
	connected := func(text string) error {
		if text != "ready" {
			return errors.New(text)
		}
		return nil
	}
	if err := each(connected)(); err != nil {
		t.Fatal(err)
	}

	load := StartLoad(t.Context(), m.Gateway()+"/productpage", 50)
	if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	took := Eventually(t, 5*time.Second, "all agents say that the control plane is away", each(func(text string) error {
		if !strings.HasPrefix(text, "ready; the control plane is away for ") {
			return errors.New(text)
		}
		return nil
	}))
	if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	back := Eventually(t, 5*time.Second, "all agents are connected", each(connected))
	settle(t, m)
	sent, failed := load.Stop()
	t.Logf("noticed after %v, connected %v after it went on; %d requests, %d failed", took, back, sent, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
	}
}

// resentTypes says who was sent what since it connected.
func resentTypes(t *testing.T, m *localMesh) string {
	t.Helper()
	all, err := m.Proxies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range all {
		for _, ty := range p.Types {
			if ty.Sent.Resources > 0 {
				pod, _, _ := strings.Cut(p.ID, ".")
				said, err := m.heddle(t.Context(), nil, "logs", pod, "-c", "proxy", "--tail", "20")
				fmt.Fprintf(&b, "\n%s: %d of %s, %d bytes; its agent said (%v):\n%s", p.ID, ty.Sent.Resources, ty.Type, ty.Sent.Bytes, err, said)
			}
		}
	}
	return b.String()
}

func TestControlPlaneDiesWhileAFileIsBroken(t *testing.T) {
	m := bookinfo(t).(*localMesh)
	good := reviewsRule(100, 0)
	clean(t, m, good)
	apply(t, m, good)
	pod := podOf(t, m, "productpage-v1")
	Eventually(t, 5*time.Second, "the rule works", func() error { return onlyFrom(t.Context(), m, pod.Name, "reviews-v1", 5) })
	settle(t, m) // with the other proxies, too
	proxies := len(connectedProxies(t, m))
	load := StartLoad(t.Context(), m.Gateway()+"/productpage", 50)

	m.writeObject(t, "virtualservice", "reviews", strings.Replace(good, "hosts: [reviews]", "hosts: [reviews", 1))
	broken := func() error {
		all, err := m.Findings(t.Context())
		for _, f := range all {
			if f.Phase == mesh.PhaseDecode && strings.HasSuffix(f.File, "reviews.yaml") {
				return nil
			}
		}
		return errors.Join(err, fmt.Errorf("findings: %+v", all))
	}
	Eventually(t, time.Second, "the finding", broken)
	if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Eventually(t, 10*time.Second, "the control plane is back", func() error {
		_, err := m.Proxies(t.Context())
		return err
	})
	back := Eventually(t, 3*time.Second, "all proxies are back", func() error {
		if n := len(connectedProxies(t, m)); n < proxies {
			return fmt.Errorf("%d of %d", n, proxies)
		}
		return nil
	})
	settle(t, m)
	if resent := sentResources(t, m); resent > 0 {
		t.Errorf("%d resources were sent again: %s", resent, resentTypes(t, m))
	}
	if err := broken(); err != nil {
		t.Errorf("the finding is gone: %v", err)
	}
	if err := onlyFrom(t.Context(), m, pod.Name, "reviews-v1", 3); err != nil {
		found, _ := m.Findings(t.Context())
		t.Errorf("traffic changed: %v; findings %+v; sent: %s", err, found, resentTypes(t, m))
	}
	var o struct{ YAML string }
	if err := m.Ask(t.Context(), "/api/v1/config/virtualservice/default/reviews", &o); err != nil || !strings.Contains(o.YAML, "subset: v1") {
		t.Errorf("the last good state is not shown: %q, %v", o.YAML, err)
	}
	m.writeObject(t, "virtualservice", "reviews", good)
	Eventually(t, time.Second, "the finding clears", func() error { return noFindingIn(t, m, "reviews.yaml") })
	sent, failed := load.Stop()
	t.Logf("%d proxies back %v after its return; %d requests, %d failed", proxies, back, sent, len(failed))
	if len(failed) > 0 {
		t.Errorf("%d requests failed, first: %v", len(failed), failed[:min(3, len(failed))])
	}
}
