// Package e2e runs the exercises of a mesh user against real programs: the
// control plane, stock Envoys, and real applications. The tests speak to a Mesh,
// so that the same exercises run wherever a driver can start one.
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Mesh is one running mesh as its user sees it.
type Mesh interface {
	// Gateway is the URL of the ingress gateway without a trailing slash.
	Gateway() string
	// Apply writes manifests, as `heddle apply` does; it fails when they are refused.
	Apply(ctx context.Context, yaml string) error
	// ApplyForced writes manifests even where they add errors to the mesh.
	ApplyForced(ctx context.Context, yaml string) error
	// Delete removes every object of the manifests, whatever needs them; absent
	// ones do not matter.
	Delete(ctx context.Context, yaml string) error
	Scale(ctx context.Context, deployment string, replicas int) error
	Graph(ctx context.Context, window time.Duration) (*graph.Graph, error)
	Findings(ctx context.Context) ([]mesh.Finding, error)
	Proxies(ctx context.Context) ([]serve.ProxyStatus, error)
	// Pods of a workload, those on their way out left away.
	Pods(ctx context.Context, workload string) ([]Pod, error)
	// Exec runs a command in a pod and gives its standard output.
	Exec(ctx context.Context, pod string, argv ...string) ([]byte, error)
	// Ask sends a GET to the owner's API and decodes the answer.
	Ask(ctx context.Context, path string, out any) error
	// Signal sends a signal to a part of the mesh.
	Signal(ctx context.Context, target Target, sig syscall.Signal) error
}

// Pod is one pod as a test needs it.
type Pod struct {
	Name, Namespace, Workload, UID, Address string
	Ready                                   bool
}

// Target names a process: the control plane, the supervisor, or one container
// of a pod ("istio-proxy" is its Envoy).
type Target struct {
	ControlPlane, Supervisor bool
	Pod, Process             string
}

// TestingT is what the helpers below need of *testing.T.
type TestingT interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Context() context.Context
}

// Eventually calls f until it gives nil, and fails the test with its last error
// when that takes longer than limit. It returns how long it took.
func Eventually(t TestingT, limit time.Duration, what string, f func() error) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		took := time.Since(began)
		if err == nil {
			return took
		}
		if took > limit {
			t.Fatalf("%s: not after %v: %v", what, limit, err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		}
	}
}

// ExecJSON runs a command in a pod and decodes what it prints.
func ExecJSON(ctx context.Context, m Mesh, pod string, out any, argv ...string) error {
	data, err := m.Exec(ctx, pod, argv...)
	if len(data) > 0 {
		if bad := json.Unmarshal(data, out); bad != nil && err == nil {
			err = fmt.Errorf("%v printed %q: %w", argv, data, bad)
		}
	}
	if err != nil {
		return fmt.Errorf("%w (printed %q)", err, data)
	}
	return nil
}

// freeDir makes a folder with a short path: unix sockets below it must fit into
// 108 bytes.
func freeDir() (string, error) { return os.MkdirTemp("", "hdl") }
