package agent

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	alsdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	alsv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"github.com/prometheus/client_golang/prometheus"
)

// TCPLog is the name of the access log stream whose entries are added up. The
// entries' custom tags are the labels of the series, name for name; a label of
// TCPLabels that has no tag is "unknown".
const TCPLog = "heddle-tcp"

const (
	// maxConnections and maxSeries bound what one proxy may cost.
	maxConnections = 100_000
	maxSeries      = 5_000
	// idleSeries is how long a series without change is kept.
	idleSeries = 20 * time.Minute
)

// TCPLabels are the labels of the byte counters.
func TCPLabels() []string {
	return []string{
		"reporter",
		"source_workload", "source_workload_namespace", "source_principal", "source_app", "source_version",
		"source_cluster", "source_canonical_service", "source_canonical_revision",
		"destination_workload", "destination_workload_namespace", "destination_principal", "destination_app",
		"destination_version", "destination_cluster", "destination_canonical_service", "destination_canonical_revision",
		"destination_service", "destination_service_name", "destination_service_namespace",
		"request_protocol", "response_flags", "connection_security_policy",
	}
}

// tcpBytes adds up the bytes of TCP connections, living ones included. Entries
// carry the bytes of a connection since its start, so the differences count:
// what Envoy sent to the caller is "sent", what it took from it "received".
type tcpBytes struct {
	alsv3.UnimplementedAccessLogServiceServer
	log *slog.Logger
	now func() time.Time

	mu          sync.Mutex
	connections map[string]moved // by Envoy's id of the connection
	series      map[string]*tcpSeries
	swept       time.Time
	dropped     float64
}

type moved struct{ sent, received uint64 }

type tcpSeries struct {
	names, values  []string
	sent, received float64
	changed        time.Time
}

func newTCPBytes(log *slog.Logger) *tcpBytes {
	return &tcpBytes{log: log, now: time.Now, connections: map[string]moved{}, series: map[string]*tcpSeries{}}
}

// StreamAccessLogs takes one stream of entries; streams of other logs are read
// and thrown away.
func (t *tcpBytes) StreamAccessLogs(stream alsv3.AccessLogService_StreamAccessLogsServer) error {
	name := ""
	for {
		m, err := stream.Recv()
		if err != nil {
			return nil // Envoy ended the stream
		}
		if id := m.GetIdentifier(); id != nil {
			name = id.GetLogName()
		}
		if name != TCPLog {
			continue
		}
		for _, e := range m.GetTcpLogs().GetLogEntry() {
			t.add(e)
		}
	}
}

// add counts what a connection moved since its last entry.
func (t *tcpBytes) add(e *alsdatav3.TCPAccessLogEntry) {
	common, cx := e.GetCommonProperties(), e.GetConnectionProperties()
	id := common.GetStreamId()
	total := moved{sent: cx.GetSentBytes(), received: cx.GetReceivedBytes()}

	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep()
	before, known := t.connections[id]
	if common.GetAccessLogType() == alsdatav3.AccessLogType_TcpConnectionEnd || id == "" {
		delete(t.connections, id)
	} else {
		if !known && len(t.connections) >= maxConnections {
			t.dropped++
			return // counted as a whole at its end
		}
		t.connections[id] = total
	}
	diff := moved{sent: since(before.sent, total.sent), received: since(before.received, total.received)}
	s := t.find(common.GetCustomTags())
	if s == nil {
		t.dropped++
		return
	}
	s.sent += float64(diff.sent)
	s.received += float64(diff.received)
	s.changed = t.now()
}

// since is the difference of a counter; one that went back started anew.
func since(before, after uint64) uint64 {
	if after < before {
		return after
	}
	return after - before
}

// find gives the series of a set of labels, or nil when there are too many.
func (t *tcpBytes) find(tags map[string]string) *tcpSeries {
	labels := TCPLabels()
	for name := range tags {
		if !slices.Contains(labels, name) && isLabel(name) {
			labels = append(labels, name)
		}
	}
	slices.Sort(labels)
	values := make([]string, len(labels))
	for i, name := range labels {
		values[i] = tags[name]
		if values[i] == "" || values[i] == "-" { // Envoy's two ways to say nothing
			values[i] = missing(name)
		}
	}
	key := strings.Join(labels, ",") + "\x00" + strings.Join(values, "\x00")
	s := t.series[key]
	if s == nil && len(t.series) < maxSeries {
		s = &tcpSeries{names: labels, values: values}
		t.series[key] = s
	}
	return s
}

// missing is the value of a label that nobody stated.
func missing(label string) string {
	switch label {
	case "response_flags":
		return "-"
	case "request_protocol":
		return "tcp"
	}
	return "unknown"
}

// isLabel reports whether a tag's name can be a label.
func isLabel(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && !strings.HasPrefix(name, "__")
}

// sweep drops series that nobody added to for long. It needs the lock.
func (t *tcpBytes) sweep() {
	now := t.now()
	if now.Sub(t.swept) < time.Minute {
		return
	}
	t.swept = now
	for key, s := range t.series {
		if now.Sub(s.changed) > idleSeries {
			delete(t.series, key)
		}
	}
}

// envoyEnded forgets the connections of an Envoy that is gone; what they moved
// stays counted.
func (t *tcpBytes) envoyEnded() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.connections)
}

// Describe says nothing: which labels there are is known only when they come.
func (t *tcpBytes) Describe(chan<- *prometheus.Desc) {}

// Collect gives the counters in Prometheus' form.
func (t *tcpBytes) Collect(out chan<- prometheus.Metric) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.series {
		for _, c := range []struct {
			name, help string
			value      float64
		}{
			{"istio_tcp_sent_bytes_total", "Bytes sent to callers over TCP connections.", s.sent},
			{"istio_tcp_received_bytes_total", "Bytes received from callers over TCP connections.", s.received},
		} {
			m, err := prometheus.NewConstMetric(prometheus.NewDesc(c.name, c.help, s.names, nil), prometheus.CounterValue, c.value, s.values...)
			if err != nil {
				t.log.Warn("TCP series left out", "error", err)
				continue
			}
			out <- m
		}
	}
	m, err := prometheus.NewConstMetric(prometheus.NewDesc("heddle_agent_tcp_entries_dropped_total",
		"TCP access log entries that were not counted because there are too many series or connections.", nil, nil),
		prometheus.CounterValue, t.dropped)
	if err == nil {
		out <- m
	}
}
