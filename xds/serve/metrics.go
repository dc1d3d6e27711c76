package serve

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heddle-mesh/heddle/xds"
)

// metrics of the server itself.
type metrics struct {
	server    *Server
	responses *prometheus.CounterVec
	resources *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	rejects   *prometheus.CounterVec
	connected *prometheus.Desc
	behind    *prometheus.Desc
	made      *prometheus.Desc
	memo      *prometheus.Desc
	bad       *prometheus.Desc
}

func newMetrics(s *Server) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"type"})
	}
	value := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &metrics{
		server:    s,
		responses: counter("heddle_xds_responses_total", "Responses sent to proxies."),
		resources: counter("heddle_xds_resources_total", "Resources sent to proxies."),
		bytes:     counter("heddle_xds_sent_bytes_total", "Bytes of responses sent to proxies."),
		rejects:   counter("heddle_xds_rejects_total", "Responses that a proxy rejected; what it rejected stays invisible in traffic until the proxy restarts."),
		connected: value("heddle_xds_streams", "Open discovery streams."),
		behind:    value("heddle_xds_streams_behind", "Open discovery streams that have not acknowledged the newest snapshot."),
		made:      value("heddle_xds_resources_made_total", "Resources translated."),
		memo:      value("heddle_xds_resources_held", "Translated resources that are in use."),
		bad:       value("heddle_xds_quarantined", "Contents that proxies are not sent because they, or those of other workloads, rejected them."),
	}
}

func (m *metrics) vectors() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{m.responses, m.resources, m.bytes, m.rejects}
}

func (m *metrics) sent(typ string, resources, bytes int) {
	typ = typeLabel(typ)
	m.responses.WithLabelValues(typ).Inc()
	m.resources.WithLabelValues(typ).Add(float64(resources))
	m.bytes.WithLabelValues(typ).Add(float64(bytes))
}

func (m *metrics) rejected(typ string) { m.rejects.WithLabelValues(typeLabel(typ)).Inc() }

// typeLabel is a type as metrics have it. Clients may ask for types that they
// made up, and each would be a series for ever.
func typeLabel(typ string) string {
	if !slices.Contains(xds.Types, typ) {
		return "other"
	}
	return short(typ)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, v := range m.vectors() {
		v.Describe(out)
	}
	for _, d := range []*prometheus.Desc{m.connected, m.behind, m.made, m.memo, m.bad} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(out)
	}
	s := m.server
	s.mu.Lock()
	connected, behind := len(s.streams), len(s.behind)
	s.mu.Unlock()
	gauge := func(d *prometheus.Desc, v int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	gauge(m.connected, connected)
	gauge(m.behind, behind)
	gauge(m.memo, s.memo.size())
	gauge(m.bad, len(*s.bad.bad.Load()))
	out <- prometheus.MustNewConstMetric(m.made, prometheus.CounterValue, float64(s.Made()))
}
