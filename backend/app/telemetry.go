package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/heddle-mesh/heddle/backend/metrics"
	promembedded "github.com/heddle-mesh/heddle/backend/metrics/embedded"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/backend/socket"
	"github.com/heddle-mesh/heddle/backend/traces"
	tracesembedded "github.com/heddle-mesh/heddle/backend/traces/embedded"
	"github.com/heddle-mesh/heddle/mesh"
)

// telemetry is where metrics and traces come in, are kept, and are read: the
// built-in stores, or the user's own.
type telemetry struct {
	settings settings.Settings
	log      *slog.Logger
	registry *prometheus.Registry
	pods     string // the folder of the pods' folders

	scraper *promembedded.Server // nil with the user's own Prometheus
	metrics *metrics.Client

	spans  *tracesembedded.Server // nil with the user's own Jaeger
	traces *traces.Client
	ports  *ports
}

func openTelemetry(s settings.Settings, ports *ports, log *slog.Logger) (*telemetry, error) {
	t := &telemetry{settings: s, log: log, ports: ports, registry: prometheus.NewRegistry(), pods: podFolders(s.Cluster)}
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := errors.Join(t.openMetrics(), t.openTraces()); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *telemetry) openMetrics() (err error) {
	m := t.settings.Metrics
	if m.PrometheusURL != "" {
		t.metrics, err = metrics.Open(m.PrometheusURL)
		return err
	}
	t.scraper, err = promembedded.Open(promembedded.Options{
		Dir: filepath.Join(t.settings.State, "prometheus"), Retention: m.Retention, MaxBytes: m.MaxBytes, ScrapeInterval: m.ScrapeInterval,
		PodBytes: m.PodBytes, TotalBytes: m.TotalBytes, Log: t.log,
	})
	if err != nil {
		return fmt.Errorf("open the built-in Prometheus: %w", err)
	}
	t.metrics, err = metrics.Local(t.scraper.Handler())
	return err
}

func (t *telemetry) openTraces() (err error) {
	s := t.settings.Traces
	if s.JaegerAddr != "" {
		t.traces, err = traces.Dial(s.JaegerAddr)
		return err
	}
	t.spans, err = tracesembedded.Open(tracesembedded.Options{
		Dir: filepath.Join(t.settings.State, "traces"), Retention: s.Retention, MaxBytes: s.MaxBytes, Log: t.log,
	})
	if err != nil {
		return fmt.Errorf("open the built-in trace store: %w", err)
	}
	count := func(name, help string, of func(tracesembedded.Counts) uint64) {
		t.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
			return float64(of(t.spans.Counts()))
		}))
	}
	count("heddle_traces_spans_received_total", "Spans that the built-in trace store took.",
		func(c tracesembedded.Counts) uint64 { return c.Received })
	count("heddle_traces_spans_dropped_total", "Spans that the built-in trace store refused, cut off or lost.",
		func(c tracesembedded.Counts) uint64 { return c.Dropped })
	t.traces, err = traces.Local(t.spans.Connect)
	return err
}

// register offers the services that agents use for spans.
func (t *telemetry) register(s grpc.ServiceRegistrar) {
	if t.spans != nil {
		t.spans.RegisterOTLP(s)
	}
}

// prometheus is the standard API of the built-in server, for others; nil without
// one.
func (t *telemetry) prometheus() http.Handler {
	if t.scraper == nil {
		return nil
	}
	return t.scraper.Outside()
}

// own are the control plane's metrics.
func (t *telemetry) own() http.Handler {
	gatherers := prometheus.Gatherers{t.registry}
	if t.scraper != nil {
		gatherers = append(gatherers, t.scraper.Metrics())
	}
	return promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{})
}

// run scrapes the pods of each snapshot and receives spans until ctx ends.
func (t *telemetry) run(ctx context.Context, head *mesh.Head) error {
	group, ctx := errgroup.WithContext(ctx)
	if t.scraper != nil {
		group.Go(func() error { return t.follow(ctx, head) })
	}
	if t.spans != nil {
		s := t.settings.Traces
		group.Go(func() error {
			return t.listen(ctx, "OTLP over gRPC", s.OTLPGRPC, "HEDDLE_TRACES_OTLPGRPC", t.spans.ServeOTLP)
		})
		group.Go(func() error {
			return t.listen(ctx, "OTLP over HTTP", s.OTLPHTTP, "HEDDLE_TRACES_OTLPHTTP", t.spans.ServeOTLPHTTP)
		})
		group.Go(func() error {
			return t.listen(ctx, "Jaeger queries", s.Query, "HEDDLE_TRACES_QUERY", t.spans.ServeQuery)
		})
	}
	return group.Wait()
}

// listen serves on a port, as soon as it can be had. One that cannot be had at
// all costs only this service: the mesh goes on.
func (t *telemetry) listen(ctx context.Context, what, address, variable string, serve func(context.Context, net.Listener) error) error {
	l, err := t.ports.listen(ctx, what, address, variable)
	if err != nil {
		return ctx.Err()
	}
	return serve(ctx, l)
}

// findings are the pods whose metrics are not stored.
func (t *telemetry) findings() []mesh.Finding {
	if t.scraper == nil {
		return nil
	}
	var list []mesh.Finding
	for _, r := range t.scraper.Refusals() {
		list = append(list, mesh.Finding{
			Code: mesh.CodePod, Severity: mesh.Warning, Phase: mesh.PhaseRuntime, Message: r.Message + moreRoom(t.settings.Metrics, r),
			Ref: mesh.Ref{Kind: mesh.KindPod, Namespace: r.Namespace, Name: r.Pod},
		})
	}
	return list
}

// moreRoom says which setting lets those in that need more than others.
func moreRoom(m settings.Metrics, r promembedded.Refusal) string {
	if r.All {
		return fmt.Sprintf("; where there is memory for more, raise metrics.totalBytes (HEDDLE_METRICS_TOTALBYTES), which is %d now, 0 being four times metrics.podBytes",
			m.TotalBytes)
	}
	return fmt.Sprintf("; if it does call that many services, raise metrics.podBytes (HEDDLE_METRICS_PODBYTES), which is %d now: room for some %d series, of which each service that it calls makes 67",
		m.PodBytes, m.PodBytes/promembedded.SeriesBytes)
}

// follow keeps the list of what is scraped equal to the pods of the mesh.
func (t *telemetry) follow(ctx context.Context, head *mesh.Head) error {
	var before mesh.Table[string, *mesh.Workload]
	for snap := range head.Watch(ctx) {
		if before.Len() > 0 && snap.Workloads.SameAs(before) {
			continue
		}
		before = snap.Workloads
		// Its own metrics come over the owner's socket: the console may speak TLS.
		targets := []promembedded.Target{{
			Job: "heddle", Instance: t.settings.Console, Dial: socket.At(filepath.Join(t.settings.State, "run", "heddle.sock")), Path: "/metrics",
		}}
		for w := range snap.Workloads.Values() {
			if agent := t.agent(w); agent != nil && w.Phase == "Running" {
				targets = append(targets, promembedded.Target{
					UID: w.UID, Namespace: w.Namespace, Pod: w.Pod, Dial: agent, Path: "/stats/prometheus",
					Workload: &promembedded.Workload{
						Name: w.WorkloadFacts.Workload, Namespace: w.Namespace, Cluster: w.Cluster, App: w.App, Version: w.Version,
						CanonicalService: w.Canonical, CanonicalRevision: w.Revision,
					},
				})
			}
		}
		if err := t.scraper.SetTargets(ctx, targets); err != nil && ctx.Err() == nil {
			t.log.Warn("targets were not taken", "error", err)
		}
	}
	return ctx.Err()
}

func (t *telemetry) close() {
	var errs []error
	if t.traces != nil {
		errs = append(errs, t.traces.Close())
	}
	if t.spans != nil {
		errs = append(errs, t.spans.Close())
	}
	if t.scraper != nil {
		errs = append(errs, t.scraper.Close())
	}
	if err := errors.Join(errs...); err != nil {
		t.log.Warn("stores were not closed in order", "error", err)
	}
}

// agent dials a pod's agent, which serves metrics and Envoy's admin interface;
// nil where there is none. Only folders that the local cluster made count:
// annotations of other pods are whatever somebody wrote.
func (t *telemetry) agent(w *mesh.Workload) socket.Dial {
	dir := filepath.Clean(w.Annotations[mesh.AnnotationPodFolder])
	if filepath.Dir(dir) != t.pods {
		return nil
	}
	return socket.InPod(dir, "metrics.sock")
}

// podFolders is where the local cluster of a control plane keeps its pods'
// folders: beside the socket that it is read from, with links resolved.
func podFolders(cluster string) string {
	run := filepath.Dir(cluster)
	if real, err := filepath.EvalSymlinks(run); err == nil {
		run = real
	}
	return filepath.Join(run, "pods")
}
