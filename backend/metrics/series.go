package metrics

import (
	"context"
	"fmt"
	"math"
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
	Namespace string // not for services, whose host says it
	Name      string
	Direction Direction // Inbound when empty
}

// Series is one line of a chart.
type Series struct {
	Name   string  `json:"name"` // requests, errors, p50, p95, p99, sent, received, connections
	Unit   string  `json:"unit"` // 1/s, ms, B/s
	Points []Point `json:"points"`
}

// Point is one value of a series; points without a value are left out.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// matchers are the label matchers that select a subject's series.
func (s Subject) matchers() (string, error) {
	side := "destination"
	if s.Direction == Outbound {
		side = "source"
	}
	switch s.Kind {
	case Service:
		if s.Direction == Outbound {
			return "", fmt.Errorf("series of service %s: a service sends nothing: ask for its workloads", s.Name)
		}
		return "destination_service=" + strconv.Quote(s.Name), nil
	case Workload:
		return side + "_workload=" + strconv.Quote(s.Name) + "," + side + "_workload_namespace=" + strconv.Quote(s.Namespace), nil
	case App:
		return side + "_canonical_service=" + strconv.Quote(s.Name) + "," + side + "_workload_namespace=" + strconv.Quote(s.Namespace), nil
	default:
		return "", fmt.Errorf("series of %q: unknown kind, use service, workload or app", s.Kind)
	}
}

// line is a series to be asked for. In query, $M stands for the matchers and
// $W for the window of rates.
type line struct{ name, unit, query string }

func lines() []line {
	quantile := func(q string) string {
		return `histogram_quantile(` + q + `, sum by (le) (rate(istio_request_duration_milliseconds_bucket{$M}[$W])))`
	}
	return []line{
		{"requests", "1/s", `sum(rate(istio_requests_total{$M}[$W]))`},
		{"errors", "1/s", `sum(rate(istio_requests_total{$M,response_code=~"5..|0|-"}[$W]) or ` +
			`rate(istio_requests_total{$M,response_code!~"5..|0|-",grpc_response_status!~"|0"}[$W])) or (sum(rate(istio_requests_total{$M}[$W])) * 0)`},
		{"p50", "ms", quantile("0.5")},
		{"p95", "ms", quantile("0.95")},
		{"p99", "ms", quantile("0.99")},
		{"connections", "1/s", `sum(rate(istio_tcp_connections_opened_total{$M}[$W]))`},
		{"sent", "B/s", `sum(rate(istio_tcp_sent_bytes_total{$M}[$W]))`},
		{"received", "B/s", `sum(rate(istio_tcp_received_bytes_total{$M}[$W]))`},
	}
}

// Series reads a subject's rates, errors, durations and bytes over a range, as
// the destination reported them, or the source where no destination did. Rates
// are over window. Series without any value are left out.
func (c *Client) Series(ctx context.Context, s Subject, window time.Duration, r Range) ([]Series, error) {
	matchers, err := s.matchers()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	first, second := "destination", "source"
	if s.Direction == Outbound {
		first, second = second, first
	}
	all := lines()
	found := make([][]Point, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, l := range all {
		group.Go(func() error {
			fill := func(reporter string) string {
				return "(" + strings.NewReplacer(
					"$M", matchers+`,reporter="`+reporter+`"`, "$W", strconv.FormatInt(window.Milliseconds(), 10)+"ms",
				).Replace(l.query) + ")"
			}
			matrix, err := c.matrix(ctx, fill(first)+" or "+fill(second), r)
			if err != nil {
				return fmt.Errorf("series %s of %s %s: %w", l.name, s.Kind, s.Name, err)
			}
			for _, stream := range matrix {
				for _, p := range stream.Values {
					if v := float64(p.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
						found[i] = append(found[i], Point{p.Timestamp.Time().UTC(), v})
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []Series
	for i, l := range all {
		if len(found[i]) > 0 {
			out = append(out, Series{Name: l.name, Unit: l.unit, Points: found[i]})
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
