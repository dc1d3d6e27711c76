package agent

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// textFormat is the one form in which all parts of the answer can be joined.
const textFormat = "text/plain; version=0.0.4; charset=utf-8"

const (
	// appWithin and appLimit bound what the application's metrics may cost.
	appWithin = time.Second
	appLimit  = 16 << 20
)

// ownMetrics are the agent's own, all named heddle_agent_….
type ownMetrics struct {
	registry *prometheus.Registry

	renewals, restarts, spansDropped, spansSent, refused prometheus.Counter
	expiry                                               prometheus.Gauge
	streams                                              *prometheus.CounterVec
}

func newOwnMetrics() *ownMetrics {
	registry := prometheus.NewRegistry()
	// Prefixed, or an application that is written in Go would have the same.
	named := prometheus.WrapRegistererWithPrefix("heddle_agent_", registry)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		named.MustRegister(c)
		return c
	}
	m := &ownMetrics{
		registry:     registry,
		renewals:     counter("certificates_issued_total", "Certificates that the control plane issued to this workload."),
		restarts:     counter("envoy_restarts_total", "Ends of Envoy that nobody asked for."),
		spansSent:    counter("span_batches_forwarded_total", "Batches of spans that the control plane took."),
		spansDropped: counter("span_batches_dropped_total", "Batches of spans that were lost because the control plane was away or slow."),
		refused:      counter("connections_refused_total", "Connections to Envoy's socket that were not from Envoy."),
		expiry:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "certificate_expiry_timestamp_seconds", Help: "When the workload's certificate ends."}),
		streams:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "configuration_streams_total", Help: "Streams of configuration that Envoy opened, by who answered."}, []string{"mode"}),
	}
	named.MustRegister(m.expiry, m.streams, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds the state of the connection to the control plane.
func (m *ownMetrics) watch(l *link) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "heddle_agent_control_plane_connected", Help: "1 while the control plane is connected and answers.",
	}, func() float64 {
		if connected, _, _ := l.state(); connected {
			return 1
		}
		return 0
	}))
}

// merged serves the metrics of Envoy, of the mesh's TCP connections, of the
// agent, and of the application.
type merged struct {
	admin   *admin
	metrics *ownMetrics
	app     AppMetrics
	client  *http.Client
	log     *slog.Logger
}

func newMerged(a *admin, m *ownMetrics, app AppMetrics, log *slog.Logger) *merged {
	return &merged{
		admin: a, metrics: m, app: app, log: log,
		client: &http.Client{
			Timeout: appWithin,
			// The application must not send the scraper elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// ServeHTTP joins the parts. A part that cannot be had is left out and logged,
// so that one of them cannot take the others away.
func (m *merged) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", textFormat)
	if err := m.envoy(req.Context(), w, true); err != nil {
		m.log.Debug("metrics of Envoy are left out", "error", err)
	}
	if err := m.own(w); err != nil {
		m.log.Warn("metrics of the agent are left out", "error", err)
	}
	if m.app.Scrape {
		if err := m.application(req.Context(), w); err != nil {
			m.log.Debug("metrics of the application are left out", "error", err)
		}
	}
}

// envoy copies Envoy's metrics; renamed gives the mesh's own their names.
func (m *merged) envoy(ctx context.Context, w io.Writer, renamed bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	res, err := m.admin.open(ctx, http.MethodGet, "/stats/prometheus?usedonly")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if renamed {
		return unprefix(w, res.Body)
	}
	_, err = io.Copy(w, res.Body)
	return err
}

func (m *merged) own(w io.Writer) error {
	families, err := m.metrics.registry.Gather()
	if err != nil {
		return err
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return err
		}
	}
	return nil
}

func (m *merged) application(ctx context.Context, w io.Writer) error {
	path := m.app.Path
	if path == "" {
		path = "/metrics"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(int(m.app.Port))) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4")
	res, err := m.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, res.Status)
	}
	if kind := res.Header.Get("Content-Type"); strings.Contains(kind, "openmetrics") || strings.Contains(kind, "protobuf") {
		return fmt.Errorf("%s answers in %s, which cannot be joined with text", url, kind)
	}
	return foreign(w, io.LimitReader(res.Body, appLimit))
}
