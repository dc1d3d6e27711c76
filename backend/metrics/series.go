package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
)

// Range of time with the step between points.
type Range struct {
	Start, End time.Time
	Step       time.Duration
}

// maxPoints bounds the points of one series.
const maxPoints = 2_000

// SubjectKind says what series are about.
type SubjectKind string

// What series can be about.
const (
	Mesh     SubjectKind = "mesh"     // all traffic, or what goes to Namespaces
	Service  SubjectKind = "service"  // Name is the host
	Workload SubjectKind = "workload" // Name is that of the workload
	App      SubjectKind = "app"      // Name is the canonical service
)

// Direction of traffic as the subject sees it.
type Direction string

// Directions. A service has only inbound traffic.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// Subject is what series are about.
type Subject struct {
	Kind      SubjectKind
	Namespace string // not for services, whose host says it, nor for the mesh
	// Namespaces keep of the mesh what is called in one of them; all of it when
	// there are none.
	Namespaces []string
	Name       string
	Direction  Direction // Inbound when empty
	// Version keeps one version of it; ByVersion splits the series by versions.
	// Not for the mesh.
	Version   string
	ByVersion bool
	// SourceNamespace keeps what is called from a namespace, Sources what these
	// workloads of it call: the past of one edge of the graph. Only for inbound.
	SourceNamespace string
	Sources         []string
}

// Series is one line of a chart.
type Series struct {
	Name    string `json:"name" enum:"requests,errors,p50,p95,p99,connections,sent,received"`
	Unit    string `json:"unit" enum:"1/s,ms,B/s"`
	Version string `json:"version,omitempty"` // where it was asked for
	// Points are seconds since 1970 and the value; those without a value are left
	// out.
	Points [][2]float64 `json:"points"`
}

// maxVersions bounds the versions of one answer; those with most points stay.
const maxVersions = 16

// side is the end of a call that the subject is.
func (s Subject) side() string {
	if s.Direction == Outbound {
		return "source"
	}
	return "destination"
}

// matchers are the label matchers that select a subject's series.
func (s Subject) matchers() (string, error) {
	to, err := s.own()
	if err != nil {
		return "", err
	}
	from, err := s.callers()
	if err != nil {
		return "", err
	}
	switch {
	case from == "":
		return to, nil
	case to == "":
		return from, nil
	}
	return to + "," + from, nil
}

// callers are the matchers of who calls.
func (s Subject) callers() (string, error) {
	switch {
	case s.SourceNamespace == "" && len(s.Sources) == 0:
		return "", nil
	case s.Direction == Outbound:
		return "", errors.New("series by source: what a workload sends has only itself as source; ask for inbound traffic")
	case s.SourceNamespace == "":
		return "", errors.New("series by source: say in which namespace the source workloads are")
	}
	out := "source_workload_namespace=" + strconv.Quote(s.SourceNamespace)
	if len(s.Sources) == 0 {
		return out, nil
	}
	return out + ",source_workload" + oneOf(s.Sources), nil
}

// oneOf is the end of a matcher that takes any of these values.
func oneOf(values []string) string {
	if len(values) == 1 {
		return "=" + strconv.Quote(values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return "=~" + strconv.Quote(strings.Join(quoted, "|"))
}

// own are the matchers of who is called, or of who calls where that is asked.
func (s Subject) own() (string, error) {
	side, out := s.side(), ""
	switch s.Kind {
	case Mesh:
		if s.Version != "" || s.ByVersion || s.Direction == Outbound {
			return "", errors.New("series of the mesh: it has neither versions nor directions")
		}
		if len(s.Namespaces) > 0 {
			out = "destination_service_namespace" + oneOf(s.Namespaces)
		}
		return out, nil
	case Service:
		if s.Direction == Outbound {
			return "", fmt.Errorf("series of service %s: a service sends nothing: ask for its workloads", s.Name)
		}
		out = "destination_service=" + strconv.Quote(s.Name)
	case Workload:
		out = side + "_workload=" + strconv.Quote(s.Name) + "," + side + "_workload_namespace=" + strconv.Quote(s.Namespace)
	case App:
		out = side + "_canonical_service=" + strconv.Quote(s.Name) + "," + side + "_workload_namespace=" + strconv.Quote(s.Namespace)
	default:
		return "", fmt.Errorf("series of %q: unknown kind, use mesh, service, workload or app", s.Kind)
	}
	if s.Version != "" {
		out += "," + side + "_canonical_revision=" + strconv.Quote(s.Version)
	}
	return out, nil
}

// line is a series to be asked for.
type line struct{ name, unit, query string }

func (q question) lines() []line {
	return []line{
		{"requests", "1/s", q.seen("istio_requests_total", false)},
		{"errors", "1/s", q.seen("istio_requests_total", true)},
		{"p50", "ms", q.quantile(0.5)},
		{"p95", "ms", q.quantile(0.95)},
		{"p99", "ms", q.quantile(0.99)},
		{"connections", "1/s", q.seen("istio_tcp_connections_opened_total", false)},
		{"sent", "B/s", q.seen("istio_tcp_sent_bytes_total", false)},
		{"received", "B/s", q.seen("istio_tcp_received_bytes_total", false)},
	}
}

// Series reads a subject's rates, errors, durations and bytes over a range, each
// with one query whatever the number of workloads and versions. Calls are
// counted once, as the graph does it. Rates are over window. Series without any
// value are left out; where there are requests, there are errors, be they zero.
func (c *Client) Series(ctx context.Context, s Subject, window time.Duration, r Range) ([]Series, error) {
	matchers, err := s.matchers()
	if err != nil {
		return nil, err
	}
	q := question{matchers: matchers, outbound: s.Direction == Outbound, span: strconv.FormatInt(window.Milliseconds(), 10) + "ms", grow: "rate"}
	if s.ByVersion {
		q.by = s.side() + "_canonical_revision"
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	all := q.lines()
	found := make([]map[string][][2]float64, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, l := range all {
		group.Go(func() error {
			matrix, err := c.matrix(ctx, l.query, r)
			if err != nil {
				return fmt.Errorf("series %s of %s %s: %w", l.name, s.Kind, s.Name, err)
			}
			found[i] = points(matrix, q.by)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	found[1] = withZeros(found[1], found[0])
	return assemble(all, found), nil
}

// points are the values of a matrix by what it is split by.
func points(matrix model.Matrix, by string) map[string][][2]float64 {
	out := map[string][][2]float64{}
	for _, stream := range matrix {
		key := ""
		if by != "" {
			if key = text(stream.Metric, by); key == "" {
				continue // what reached nobody belongs to no version
			}
		}
		for _, p := range stream.Values {
			if v := float64(p.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
				out[key] = append(out[key], [2]float64{float64(p.Timestamp) / 1000, v})
			}
		}
	}
	return out
}

// withZeros gives errors the value 0 wherever only requests have one.
func withZeros(errors, requests map[string][][2]float64) map[string][][2]float64 {
	out := map[string][][2]float64{}
	for key, list := range requests {
		known := map[float64]float64{}
		for _, p := range errors[key] {
			known[p[0]] = p[1]
		}
		for _, p := range list {
			out[key] = append(out[key], [2]float64{p[0], known[p[0]]})
		}
	}
	return out
}

// assemble orders series by version, then as they were asked for.
func assemble(all []line, found []map[string][][2]float64) []Series {
	sizes := map[string]int{}
	for _, of := range found {
		for key, list := range of {
			sizes[key] += len(list)
		}
	}
	keys := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b)) })
	keys = keys[:min(len(keys), maxVersions)]
	slices.Sort(keys)
	out := []Series{}
	for _, key := range keys {
		for i, l := range all {
			if list := found[i][key]; len(list) > 0 {
				out = append(out, Series{Name: l.name, Unit: l.unit, Version: key, Points: list})
			}
		}
	}
	return out
}

// Bar is what happened in one step of time.
type Bar struct {
	At         time.Time `json:"at"` // its end
	ErrorShare float64   `json:"errorShare"`
	RPS        float64   `json:"rps"`
}

// Timeline is the traffic of the mesh, or of what goes to some namespaces, in each
// step of a range; steps begin and end at whole multiples of themselves, so that
// a bar stays what it is. Those of which nothing is known are of no traffic.
func (c *Client) Timeline(ctx context.Context, namespaces []string, r Range) ([]Bar, error) {
	matchers, err := Subject{Kind: Mesh, Namespaces: namespaces}.matchers()
	if err != nil {
		return nil, err
	}
	if r.Step < time.Second {
		return nil, fmt.Errorf("timeline: bars of %s are too short: at least 1s", r.Step)
	}
	r.Start, r.End = r.Start.Truncate(r.Step), r.End.Truncate(r.Step)
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	q := question{matchers: matchers, span: strconv.FormatInt(r.Step.Milliseconds(), 10) + "ms", grow: "rate"}
	var found [2]map[float64]float64
	group, ctx := errgroup.WithContext(ctx)
	for i := range found {
		group.Go(func() error {
			matrix, err := c.matrix(ctx, q.seen("istio_requests_total", i == 1), r)
			if err != nil {
				return fmt.Errorf("timeline: %w", err)
			}
			found[i] = map[float64]float64{}
			for _, p := range points(matrix, "")[""] {
				found[i][p[0]] = p[1]
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := []Bar{}
	for at := r.Start; !at.After(r.End); at = at.Add(r.Step) {
		key := float64(at.UnixMilli()) / 1000
		b := Bar{At: at.UTC(), RPS: found[0][key]}
		if b.RPS > 0 {
			b.ErrorShare = min(1, found[1][key]/b.RPS)
		}
		out = append(out, b)
	}
	return out, nil
}

// Count is how many requests there were, and how many of them were errors. It is
// no whole number: counters are read from time to time, and what lies between
// is reckoned.
type Count struct{ N, Errors float64 }

// CountsSince counts the requests to a host since a time, by the canonical
// revision of who answered. What was not scraped yet is not in it.
func (c *Client) CountsSince(ctx context.Context, host string, since time.Time) (map[string]Count, error) {
	at := time.Now()
	span := at.Sub(since)
	if span < time.Second {
		return map[string]Count{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	matchers, err := Subject{Kind: Service, Name: host}.matchers()
	if err != nil {
		return nil, err
	}
	q := question{matchers: matchers, by: "destination_canonical_revision", span: strconv.FormatInt(span.Milliseconds(), 10) + "ms", grow: "increase"}
	out := map[string]Count{}
	for _, failed := range []bool{false, true} {
		err := c.each(ctx, q.seen("istio_requests_total", failed), at, func(m model.Metric, v float64) {
			version := text(m, q.by)
			if version == "" {
				return
			}
			count := out[version]
			if failed {
				count.Errors = v
			} else {
				count.N = v
			}
			out[version] = count
		})
		if err != nil {
			return nil, fmt.Errorf("count requests to %s: %w", host, err)
		}
	}
	return out, nil
}

// matrix runs a range query.
func (c *Client) matrix(ctx context.Context, query string, r Range) (model.Matrix, error) {
	if r.Step <= 0 || r.End.Before(r.Start) || r.End.Sub(r.Start)/r.Step > maxPoints {
		return nil, fmt.Errorf("range %s to %s in steps of %s: the end must follow the start in at most %d steps",
			r.Start.Format(time.RFC3339), r.End.Format(time.RFC3339), r.Step, maxPoints)
	}
	value, _, _, err := c.api.QueryRange(ctx, query, promv1.Range{Start: r.Start, End: r.End, Step: r.Step})
	if err != nil {
		return nil, failed(err)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("prometheus answered with a %s, not a matrix", value.Type())
	}
	return matrix, nil
}
