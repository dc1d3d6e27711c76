package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

// starting is a mesh of two pods, of which so many are ready.
func starting(ready int) local.Status {
	s := local.Status{
		Loaded: true, Console: "http://127.0.0.1:20001", ControlPlane: local.ControlPlaneStatus{Connected: true},
		Services: []local.ServiceStatus{{Name: "gateway", HostPorts: []plan.HostPort{{Port: 80, HostPort: 8080, Open: true}, {Port: 443, HostPort: 8443}}}},
	}
	for i, name := range []string{"a", "b"} {
		d := local.DeploymentStatus{Namespace: "default", Name: name, Replicas: 1, Current: 1, Updated: 1}
		if i < ready {
			d.Ready = 1
		}
		s.Deployments = append(s.Deployments, d)
		s.Pods = append(s.Pods, local.PodStatus{Namespace: "default", Name: name + "-1", Ready: i < ready, Phase: "Running", Containers: []sandbox.ContainerStatus{{Name: "app"}}})
	}
	return s
}

func TestProgressDoesNotFlip(t *testing.T) {
	var w bytes.Buffer
	began := time.Now()
	p := newProgress(&w, began)
	p.live = true
	for _, ready := range []int{0, 1, 0, 1, 0} {
		p.see(starting(ready), began.Add(time.Second))
	}
	if got, want := w.String(), "\r\x1b[K0 of 2 pods ready\r\x1b[K1 of 2 pods ready"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestProgressSaysOnceWhatItWaitsFor(t *testing.T) {
	var w bytes.Buffer
	began := time.Now()
	p := newProgress(&w, began)
	for _, after := range []time.Duration{time.Second, patience, 2 * patience} {
		p.see(starting(1), began.Add(after))
	}
	want := `after 10 s 1 of 2 pods are ready. It waits for:
  pod default/b-1: container app runs and does not say that it is ready; see heddle logs b-1 -c app
What is ready can be used:
  gateway          http://127.0.0.1:8080 (port 80)
  console          http://127.0.0.1:20001
  health, metrics  http://127.0.0.1:20001/readyz, /metrics
`
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Error(diff)
	}
}

func TestObstacles(t *testing.T) {
	s := starting(0)
	s.ControlPlane = local.ControlPlaneStatus{Error: "it fell over"}
	s.Findings = []mesh.Finding{
		{Code: "HDL0030", Severity: mesh.Error, Ref: mesh.Ref{Kind: mesh.KindDeployment, Namespace: "default", Name: "a"}, Params: map[string]string{"pod": "a-1"}, Message: "Container app of pod a-1 does not stay up."},
		{Code: "HDL0031", Severity: mesh.Warning, Message: "port taken"},
	}
	s.Pods[1].Message = "no such folder"
	want := []string{
		"the control plane: it fell over",
		"error HDL0030: Deployment default/a: Container app of pod a-1 does not stay up.",
		"pod default/b-1: no such folder",
	}
	if diff := cmp.Diff(want, obstacles(s)); diff != "" {
		t.Error(diff)
	}
	ready := starting(2)
	ready.Settling = true
	if diff := cmp.Diff([]string{"pods that learn of each other"}, obstacles(ready)); diff != "" {
		t.Error(diff)
	}
	if err := notReadyError(s, time.Minute); !strings.Contains(err.Error(), "after 1m0s") || !strings.Contains(err.Error(), "\n  pod default/b-1: no such folder") {
		t.Error(err)
	}
}
