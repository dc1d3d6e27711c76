package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// snapshotOf is the mesh of a text.
func snapshotOf(t *testing.T, text string) *mesh.Snapshot {
	t.Helper()
	r := config.Decode("mesh.yaml", []byte(text))
	if len(r.Bad) > 0 {
		t.Fatal(r.Problems)
	}
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: r.Objects})
}

// TestFindingsDoNotWaitForObservation has an observation that never ends: what is
// wrong is found all the same, in the first snapshot and in the next.
func TestFindingsDoNotWaitForObservation(t *testing.T) {
	const lost = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec: {hosts: [a.example.com], http: [{route: [{destination: {host: nowhere}}]}]}
`
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, head := newChecks(slog.New(slog.DiscardHandler)), &mesh.Head{}
		asked := 0
		ended := make(chan error)
		go func() {
			ended <- c.run(ctx, head, func(ctx context.Context) validate.Evidence {
				asked++
				<-ctx.Done()
				return validate.Evidence{}
			})
		}()
		head.Set(snapshotOf(t, lost))
		synctest.Wait()
		if n := len(c.findings()); n == 0 || asked != 1 {
			t.Errorf("%d findings, observed %d times", n, asked)
		}
		head.Set(snapshotOf(t, "---\n"))
		synctest.Wait()
		if got := c.findings(); len(got) != 0 {
			t.Errorf("mended, and still told: %v", got)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestObservesFromTimeToTime holds that evidence reaches the checks, and is
// renewed.
func TestObservesFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c, head := newChecks(slog.New(slog.DiscardHandler)), &mesh.Head{}
		go func() {
			_ = c.run(ctx, head, func(context.Context) validate.Evidence { return validate.Evidence{Now: time.Now()} })
		}()
		synctest.Wait()
		if !c.observed().Now.IsZero() {
			t.Error("observed before there is anything to observe")
		}
		head.Set(snapshotOf(t, "---\n"))
		synctest.Wait()
		first := c.observed().Now
		if first.IsZero() {
			t.Error("the first snapshot is there, and nothing was observed")
		}
		<-time.After(observeEvery)
		synctest.Wait()
		if again := c.observed().Now; !again.After(first) {
			t.Errorf("observed at %s, and not again", first)
		}
	})
}

const certified = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {selector: {matchLabels: {app: cart}}, template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: a, image: a}]}}}
`

// podOf is a pod of the Deployment with a proxy, or without one.
func podOf(name string, proxy bool) *mesh.Object {
	text := `apiVersion: v1
kind: Pod
metadata: {name: ` + name + `, namespace: shop, uid: ` + name + `, labels: {app: cart, service.istio.io/workload-name: cart}`
	if proxy {
		text += `, annotations: {sidecar.istio.io/status: '{}'}`
	}
	return config.Decode("pod.yaml", []byte(text+`}
spec: {containers: [{name: a, image: a}]}
status: {phase: Running, podIP: 10.0.0.9}
`)).Objects[0]
}

// TestCertificatesOfProxies asks pods for their certificates: each once, and again
// when it should have been renewed.
func TestCertificatesOfProxies(t *testing.T) {
	begin := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	deployments := config.Decode("mesh.yaml", []byte(certified)).Objects
	snap := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: append(deployments, podOf("one", true), podOf("two", true), podOf("bare", false))})
	var mu sync.Mutex
	var asked []string
	answer := map[string]error{"two": errors.New("it does not answer")}
	c := &certificates{ask: func(_ context.Context, w *mesh.Workload) (validate.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, w.Pod)
		return validate.Certificate{NotBefore: begin, NotAfter: begin.Add(24 * time.Hour), Names: []string{w.Pod}}, answer[w.Pod]
	}}
	look := func(s *mesh.Snapshot, hours int) (names []string) {
		asked = nil
		for _, got := range c.of(t.Context(), s, begin.Add(time.Duration(hours)*time.Hour)) {
			if want := (mesh.Ref{Kind: mesh.KindDeployment, Namespace: "shop", Name: "cart"}); got.Workload != want {
				t.Errorf("it is of %s, want %s", got.Workload, want)
			}
			names = append(names, got.Names...)
		}
		slices.Sort(asked)
		return names
	}
	for _, step := range []struct {
		hours       int
		heals       bool
		asked, have []string
	}{
		{1, false, []string{"one", "two"}, []string{"one"}},
		{2, true, []string{"two"}, []string{"one", "two"}},
		{3, true, nil, []string{"one", "two"}},
		{13, true, []string{"one", "two"}, []string{"one", "two"}},
	} {
		if step.heals {
			delete(answer, "two")
		}
		if have := look(snap, step.hours); !slices.Equal(have, step.have) || !slices.Equal(asked, step.asked) {
			t.Errorf("after %d hours %v are known, and %v were asked; want %v and %v", step.hours, have, asked, step.have, step.asked)
		}
	}
	for w := range snap.Workloads.Values() {
		if held, ok := c.present(w.UID); ok != w.Meshed || ok && !held.NotAfter.Equal(begin.Add(24*time.Hour)) {
			t.Errorf("of %s %v is known, %t", w.Pod, held, ok)
		}
	}
	if gone := c.of(t.Context(), mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings()}), begin); len(gone) != 0 || gone == nil {
		t.Errorf("no pod is left: %v", gone)
	}
	late := c.of(t.Context(), snap, begin.Add(23*time.Hour))
	found := validate.Run(snap, validate.Evidence{Now: begin.Add(23 * time.Hour), Certificates: late}, validate.Options{})
	if !slices.ContainsFunc(found.Findings, func(f mesh.Finding) bool { return f.Code == "HDL3004" && f.Ref.Name == "cart" }) {
		t.Errorf("an hour before its end nothing is said: %v", found.Findings)
	}
}
