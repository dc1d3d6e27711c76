package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/local"
	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds/agent"
)

// Series implements api.Mesh. Rates are over the step, and over no less than the
// window that health is judged over: shorter ones are noise.
func (p *plane) Series(ctx context.Context, s metrics.Subject, r metrics.Range) ([]metrics.Series, error) {
	return p.telemetry.metrics.Series(ctx, s, max(r.Step, p.health.window), r)
}

// Timeline implements api.Mesh.
func (p *plane) Timeline(ctx context.Context, namespaces []string, r metrics.Range) ([]metrics.Bar, []graph.Transition, error) {
	bars, err := p.telemetry.metrics.Timeline(ctx, namespaces, r)
	if err != nil {
		return nil, nil, err
	}
	incidents := slices.DeleteFunc(p.health.Incidents(r.Start.Add(-r.Step)), func(t graph.Transition) bool {
		return len(namespaces) > 0 && !slices.Contains(namespaces, t.Namespace)
	})
	return bars, incidents, nil
}

// Logs implements api.Mesh: the supervisor of the local cluster keeps them.
func (p *plane) Logs(ctx context.Context, r api.LogsRequest) (io.ReadCloser, error) {
	state := filepath.Dir(filepath.Dir(p.settings.Cluster)) // of <state>/run/cluster.sock
	text, err := local.NewClient(state).Logs(ctx, local.LogsRequest{
		Pod: r.Namespace + "/" + r.Pod, Container: r.Container, Tail: r.Tail, Follow: r.Follow,
	})
	if errors.Is(err, local.ErrNotRunning) {
		return nil, api.ErrNoLogs
	}
	return text, err
}

// maxLogLevel bounds what an agent may say of its proxy's log level.
const maxLogLevel = 64 << 10

// LogLevel implements api.Mesh.
func (p *plane) LogLevel(ctx context.Context, podUID, level string) (agent.LogLevel, error) {
	w, ok := p.Snapshot().Workloads.Get(podUID)
	if !ok {
		return agent.LogLevel{}, fmt.Errorf("pod %s is gone", podUID)
	}
	dial := p.telemetry.agent(w)
	if dial == nil {
		return agent.LogLevel{}, errors.New("the pod has no agent")
	}
	ask, path := dial.Get, agent.LogLevelPath
	if level != "" {
		ask, path = dial.Put, path+"?level="+url.QueryEscape(level)
	}
	text, err := ask(ctx, path, maxLogLevel)
	if err != nil {
		return agent.LogLevel{}, err
	}
	var out agent.LogLevel
	if err := json.Unmarshal(text, &out); err != nil {
		return agent.LogLevel{}, fmt.Errorf("read the agent's answer: %w", err)
	}
	return out, nil
}
