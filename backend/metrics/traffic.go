package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/mesh/graph"
)

// Limits of what one reading of the traffic takes from a server.
const (
	queryTimeout = 20 * time.Second
	rangeTimeout = time.Minute
	maxSeries    = 500_000
)

// peers are the labels that tell who talks to whom, in every query alike.
const peers = "reporter," +
	"source_cluster,source_workload_namespace,source_workload,source_canonical_service,source_canonical_revision," +
	"destination_cluster,destination_workload_namespace,destination_workload,destination_canonical_service,destination_canonical_revision," +
	"destination_service,destination_service_name,destination_service_namespace"

// flows are peers with all else that sets flows apart.
const flows = peers + ",source_principal,destination_principal,connection_security_policy"

// The queries; %[1]s is the window.
const (
	requestsQuery  = `sum by (` + flows + `,request_protocol,response_code,grpc_response_status,response_flags) (rate(istio_requests_total[%[1]s]))`
	durationsQuery = `sum by (` + peers + `,request_protocol,connection_security_policy,le) (rate(istio_request_duration_milliseconds_bucket[%[1]s]))`
	callersQuery   = `sum by (source_address,destination_cluster,destination_workload_namespace,destination_workload,destination_canonical_service,destination_canonical_revision,` +
		`destination_service,destination_service_name,destination_service_namespace,request_protocol,response_code,grpc_response_status,response_flags) ` +
		`(rate(heddle_plaintext_requests_total[%[1]s]))`
	// ageQuery finds since when there are figures at all.
	ageQuery = `count(istio_requests_total) or count(istio_tcp_connections_opened_total)`
)

// tcpFigures are the counters of TCP, by the name of the figure.
func tcpFigures() map[string]string {
	return map[string]string{
		"opened": "istio_tcp_connections_opened_total", "closed": "istio_tcp_connections_closed_total",
		"sent": "istio_tcp_sent_bytes_total", "received": "istio_tcp_received_bytes_total",
	}
}

// connectionsQuery asks for all figures of TCP at once.
func connectionsQuery(window string) string {
	figures := tcpFigures()
	var parts []string
	for _, name := range []string{"opened", "closed", "sent", "received"} {
		parts = append(parts, fmt.Sprintf(`label_replace(sum by (%s,response_flags) (rate(%s[%s])), "figure", "%s", "", "")`,
			flows, figures[name], window, name))
	}
	return strings.Join(parts, " or ")
}

// Traffic reads what happened in the mesh in the window before at. Rates are
// averages over the window; where the metrics do not reach back so far, over
// the time that they do, and Traffic.Window says how long that is.
//
// The window must hold at least two scrapes, better four.
func (c *Client) Traffic(ctx context.Context, window time.Duration, at time.Time) (graph.Traffic, error) {
	if window < time.Second {
		return graph.Traffic{}, fmt.Errorf("read traffic: a window of %s is too short: at least 1s", window)
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var answers [questions]model.Vector
	covered := window
	group, ctx := errgroup.WithContext(ctx)
	for i, query := range trafficQueries(window) {
		group.Go(func() (err error) {
			answers[i], err = c.vector(ctx, query, at)
			return err
		})
	}
	group.Go(func() (err error) {
		covered, err = c.covered(ctx, window, at)
		return err
	})
	if err := group.Wait(); err != nil {
		return graph.Traffic{}, fmt.Errorf("read traffic: %w", err)
	}
	t := traffic(answers, covered, at)
	scale(&t, float64(window)/float64(covered))
	return t, nil
}

// TrafficOver reads what happened in each step of a range: the traffic of the
// window before the step's end, as Traffic does it, in the order of time. Steps
// in which nothing is known of anybody are left out.
func (c *Client) TrafficOver(ctx context.Context, window time.Duration, r Range) ([]graph.Traffic, error) {
	ctx, cancel := context.WithTimeout(ctx, rangeTimeout)
	defer cancel()
	steps := map[model.Time]*[questions]model.Vector{}
	// One after the other: this is never what somebody waits for.
	for i, query := range trafficQueries(window) {
		matrix, err := c.matrix(ctx, query, r)
		if err != nil {
			return nil, fmt.Errorf("read traffic from %s on: %w", r.Start.Format(time.RFC3339), err)
		}
		for _, stream := range matrix {
			for _, v := range stream.Values {
				if steps[v.Timestamp] == nil {
					steps[v.Timestamp] = new([questions]model.Vector)
				}
				steps[v.Timestamp][i] = append(steps[v.Timestamp][i], &model.Sample{Metric: stream.Metric, Value: v.Value, Timestamp: v.Timestamp})
			}
		}
	}
	out := make([]graph.Traffic, 0, len(steps))
	for _, at := range slices.Sorted(maps.Keys(steps)) {
		for _, v := range steps[at] {
			sortVector(v)
		}
		out = append(out, traffic(*steps[at], window, at.Time().UTC()))
	}
	return out, nil
}

// The questions that traffic is made from.
const (
	requests = iota
	durations
	connections
	callers
	questions
)

func trafficQueries(window time.Duration) [questions]string {
	span := strconv.FormatInt(window.Milliseconds(), 10) + "ms"
	return [questions]string{
		requests: fmt.Sprintf(requestsQuery, span), durations: fmt.Sprintf(durationsQuery, span),
		connections: connectionsQuery(span), callers: fmt.Sprintf(callersQuery, span),
	}
}

// traffic reads the answers to the questions.
func traffic(answers [questions]model.Vector, window time.Duration, at time.Time) graph.Traffic {
	t := graph.Traffic{At: at, Window: window}
	eachOf(answers[requests], func(m model.Metric, v float64) {
		t.Requests = append(t.Requests, graph.Requests{
			Flow: flow(m), Code: text(m, "response_code"), GRPC: text(m, "grpc_response_status"),
			Flags: flags(m), Rate: v,
		})
	})
	t.Durations = durationsOf(answers[durations])
	t.Connections = connectionsOf(answers[connections])
	eachOf(answers[callers], func(m model.Metric, v float64) {
		address, err := netip.ParseAddr(string(m["source_address"]))
		if err != nil {
			return // an unknown source stays one
		}
		t.Callers = append(t.Callers, graph.Caller{
			Address: address.Unmap(), Destination: peer(m, "destination"), Service: service(m), Protocol: protocol(m),
			Code: text(m, "response_code"), GRPC: text(m, "grpc_response_status"), Flags: flags(m), Rate: v,
		})
	})
	return t
}

// scale multiplies all rates: a rate over a window that the metrics cover only
// in part is too small by that part.
func scale(t *graph.Traffic, by float64) {
	for i := range t.Requests {
		t.Requests[i].Rate *= by
	}
	for i := range t.Callers {
		t.Callers[i].Rate *= by
	}
	for i := range t.Connections {
		c := &t.Connections[i]
		c.Opened, c.Closed, c.Sent, c.Received = c.Opened*by, c.Closed*by, c.Sent*by, c.Received*by
	}
	for i := range t.Durations {
		for j := range t.Durations[i].Buckets {
			t.Durations[i].Buckets[j].Rate *= by
		}
	}
}

// covered is how much of the window the metrics reach back over.
func (c *Client) covered(ctx context.Context, window time.Duration, at time.Time) (time.Duration, error) {
	whole := false
	err := c.each(ctx, ageQuery, at.Add(-window), func(_ model.Metric, n float64) { whole = whole || n > 0 })
	if err != nil || whole {
		return window, err
	}
	// A young mesh has few samples, so that all of them can be looked at.
	step := max(window/60, time.Second)
	matrix, err := c.matrix(ctx, ageQuery, Range{Start: at.Add(-window), End: at, Step: step})
	if err != nil {
		return 0, err
	}
	first := at.Add(-window)
	if len(matrix) > 0 && len(matrix[0].Values) > 0 {
		first = matrix[0].Values[0].Timestamp.Time()
		for _, s := range matrix[1:] {
			if len(s.Values) > 0 && s.Values[0].Timestamp.Time().Before(first) {
				first = s.Values[0].Timestamp.Time()
			}
		}
	}
	// The first sample lies up to one step before the first step that sees it,
	// and rate() reaches half a scrape before the first sample.
	age := at.Sub(first) + step
	return min(max(age, step), window), nil
}

// each runs an instant query and calls f for every number in the answer.
func (c *Client) each(ctx context.Context, query string, at time.Time, f func(model.Metric, float64)) error {
	vector, err := c.vector(ctx, query, at)
	eachOf(vector, f)
	return err
}

// vector runs an instant query.
func (c *Client) vector(ctx context.Context, query string, at time.Time) (model.Vector, error) {
	value, _, _, err := c.api.Query(ctx, query, at)
	if err != nil {
		return nil, failed(err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("prometheus answered with a %s, not a vector", value.Type())
	}
	if len(vector) > maxSeries {
		return nil, fmt.Errorf("prometheus has %d series for the traffic, more than the %d that are read", len(vector), maxSeries)
	}
	sortVector(vector)
	return vector, nil
}

// sortVector puts series into an order that depends on their labels only. Their
// fingerprints decide, since comparing label by label took half the time of a
// question.
func sortVector(v model.Vector) {
	order := make(map[*model.Sample]model.Fingerprint, len(v))
	for _, s := range v {
		order[s] = s.Metric.FastFingerprint()
	}
	slices.SortStableFunc(v, func(a, b *model.Sample) int { return cmp.Compare(order[a], order[b]) })
}

// eachOf calls f for every number in a vector.
func eachOf(vector model.Vector, f func(model.Metric, float64)) {
	for _, s := range vector {
		if v := float64(s.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
			f(s.Metric, v)
		}
	}
}

// durationsOf gathers the buckets of each histogram.
func durationsOf(vector model.Vector) []graph.Durations {
	found := map[graph.Flow]int{}
	var list []graph.Durations
	eachOf(vector, func(m model.Metric, v float64) {
		le, err := strconv.ParseFloat(string(m["le"]), 64)
		if err != nil {
			return
		}
		f := flow(m)
		i, ok := found[f]
		if !ok {
			i = len(list)
			found[f] = i
			list = append(list, graph.Durations{Flow: f})
		}
		list[i].Buckets = append(list[i].Buckets, graph.Bucket{LE: le, Rate: v})
	})
	for _, d := range list {
		slices.SortFunc(d.Buckets, func(a, b graph.Bucket) int {
			switch {
			case a.LE < b.LE:
				return -1
			case a.LE > b.LE:
				return 1
			}
			return 0
		})
	}
	return list
}

// connectionsOf gathers the four figures of each flow.
func connectionsOf(vector model.Vector) []graph.Connections {
	type key struct {
		graph.Flow
		flags string
	}
	found := map[key]int{}
	var list []graph.Connections
	eachOf(vector, func(m model.Metric, v float64) {
		f := flow(m)
		f.Protocol = graph.TCP
		k := key{f, flags(m)}
		i, ok := found[k]
		if !ok {
			i = len(list)
			found[k] = i
			list = append(list, graph.Connections{Flow: f, Flags: k.flags})
		}
		switch m["figure"] {
		case "opened":
			list[i].Opened = v
		case "closed":
			list[i].Closed = v
		case "sent":
			list[i].Sent = v
		case "received":
			list[i].Received = v
		}
	})
	return list
}

// text is a label's value; what stands for "nobody knows" is "".
func text(m model.Metric, label string) string {
	if v := m[model.LabelName(label)]; v != "unknown" {
		return string(v)
	}
	return ""
}

func flags(m model.Metric) string {
	if v := text(m, "response_flags"); v != "-" {
		return v
	}
	return ""
}

func flow(m model.Metric) graph.Flow {
	return graph.Flow{
		Reporter: graph.Reporter(m["reporter"]),
		Source:   peer(m, "source"), Destination: peer(m, "destination"),
		SourcePrincipal: text(m, "source_principal"), DestinationPrincipal: text(m, "destination_principal"),
		Service: service(m), Protocol: protocol(m), Security: graph.Security(text(m, "connection_security_policy")),
	}
}

func peer(m model.Metric, side string) graph.Peer {
	p := graph.Peer{
		Cluster: text(m, side+"_cluster"), Namespace: text(m, side+"_workload_namespace"), Workload: text(m, side+"_workload"),
		App: text(m, side+"_canonical_service"), Version: text(m, side+"_canonical_revision"),
	}
	if !p.Known() {
		return graph.Peer{}
	}
	return p
}

func service(m model.Metric) graph.ServiceName {
	return graph.ServiceName{
		Host: text(m, "destination_service"), Name: text(m, "destination_service_name"),
		Namespace: text(m, "destination_service_namespace"),
	}
}

func protocol(m model.Metric) graph.Protocol {
	switch p := text(m, "request_protocol"); p {
	case "":
		return graph.HTTP
	default:
		return graph.Protocol(strings.ToLower(p))
	}
}

// failed says what a person can do about an error of the server.
func failed(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("prometheus did not answer in time: %w", err)
	}
	return fmt.Errorf("ask prometheus: %w", err)
}
