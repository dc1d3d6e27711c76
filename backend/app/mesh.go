package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/serve"
)

var _ api.Mesh = (*plane)(nil)

// Snapshot implements api.Mesh.
func (p *plane) Snapshot() *mesh.Snapshot {
	if s := p.head.Get(); s != nil {
		return s
	}
	return &mesh.Snapshot{Settings: p.meshSettings()}
}

// Objects implements api.Mesh. What somebody wrote comes from the store, with its
// text and as fresh as the last write; what only the cluster knows comes from
// the snapshot.
func (p *plane) Objects(ctx context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error) {
	written, err := p.store.Objects(ctx)
	if err != nil {
		return mesh.Table[mesh.Ref, *mesh.Object]{}, err
	}
	reported := p.Snapshot().Objects
	return mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
		for ref, o := range reported.All() {
			// What the store held a moment ago and does no more is gone.
			if o.Origin.Source != p.store.Name() && !yield(ref, o) {
				return
			}
		}
		for _, o := range slices.Backward(written) { // of two with one name the first stands
			if !yield(o.Ref, o) {
				return
			}
		}
	}), nil
}

// Findings implements api.Mesh.
func (p *plane) Findings() []mesh.Finding {
	all := p.placed(slices.Concat(p.Snapshot().Findings, p.checks.findings(), p.xds.Findings(), p.ports.findings(), p.telemetry.findings()))
	slices.SortStableFunc(all, mesh.CompareFindings)
	return slices.CompactFunc(all, func(a, b mesh.Finding) bool {
		return mesh.CompareFindings(a, b) == 0 && a.Message == b.Message
	})
}

// Proxies implements api.Mesh.
func (p *plane) Proxies() []serve.ProxyStatus { return p.xds.Proxies() }

// Traces implements api.Mesh.
func (p *plane) Traces() *traces.Client { return p.telemetry.traces }

// Ready implements api.Mesh.
func (p *plane) Ready() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if taken := p.cluster.Taken(); p.status != "" && taken != nil {
		return taken.Error()
	}
	return p.status
}

// Bounds of what a pod's agent may answer: the configuration of a large mesh,
// and the metrics of one pod.
const (
	maxDump    = 64 << 20
	maxMetrics = 32 << 20
)

// Envoy implements api.Mesh.
func (p *plane) Envoy(ctx context.Context, podUID, path string) ([]byte, error) {
	w, ok := p.Snapshot().Workloads.Get(podUID)
	if !ok {
		return nil, fmt.Errorf("pod %s is gone", podUID)
	}
	return p.askAgent(ctx, w, "/debug"+path, maxDump)
}

// PodMetrics implements api.Mesh.
func (p *plane) PodMetrics(ctx context.Context, namespace, pod string) ([]byte, error) {
	for w := range p.Snapshot().Workloads.Values() {
		if w.Namespace == namespace && w.Pod == pod {
			return p.askAgent(ctx, w, "/stats/prometheus", maxMetrics)
		}
	}
	return nil, fmt.Errorf("pod %s/%s does not exist", namespace, pod)
}

// askAgent sends a GET to a pod's agent.
func (p *plane) askAgent(ctx context.Context, w *mesh.Workload, path string, limit int64) ([]byte, error) {
	agent := p.telemetry.agent(w)
	if agent == nil {
		return nil, fmt.Errorf("the pod has no agent")
	}
	return agent.Get(ctx, path, limit)
}
