package metrics

import (
	"strconv"
	"strings"

	"github.com/heddle-mesh/heddle/mesh/graph"
)

// reached tells apart who answered. Whether the destination or the source is
// believed is decided for each of these on its own, because one workload of a
// service may have a proxy and another none.
const reached = "destination_cluster,destination_workload_namespace,destination_workload"

// question is what a query is about.
type question struct {
	matchers string // of the labels, without braces; may be empty
	by       string // label that the result is split by; may be empty
	outbound bool   // seen from the source
	span     string // of rates, such as 15000ms
	// grow is the function over span: rate, or increase for counts.
	grow string
}

// seen is the sum of a counter over what both reporters say, each call counted
// once as the graph does it: as the destination saw it where it reports, as the
// source saw it where it does not, and what failed before it left the source
// besides. Only these series count as failures if failed is set.
func (q question) seen(counter string, failed bool) string {
	group := join(q.by, reached)
	sum := func(matchers ...string) string {
		if !failed {
			return q.sum(group, counter, matchers...)
		}
		with := make([]string, 0, 2)
		for _, f := range failures() {
			with = append(with, q.growth(counter, append(matchers, f)...))
		}
		return "sum by (" + group + ") (" + strings.Join(with, " or ") + ")"
	}
	destination, source, local := `reporter="destination"`, `reporter="source"`, `response_flags=~"`+localFlags()+`"`
	parts := []string{sum(destination)}
	if q.outbound {
		parts = []string{sum(source), "(" + sum(destination) + " unless on (" + group + ") " + q.sum(group, counter, source) + ")"}
	} else {
		parts = append(
			parts, "("+sum(source, strings.Replace(local, "=~", "!~", 1))+" unless on ("+group+") "+q.sum(group, counter, destination)+")",
			`label_replace(`+sum(source, local)+`, "unseen", "1", "", "")`,
		)
	}
	return "sum by (" + q.by + ") (" + strings.Join(parts, " or ") + ")"
}

// quantile is a quantile of the durations in milliseconds.
func (q question) quantile(of float64) string {
	const buckets = "istio_request_duration_milliseconds_bucket"
	first, second := `reporter="destination"`, `reporter="source"`
	if q.outbound {
		first, second = second, first
	}
	group := join(q.by, reached)
	return "histogram_quantile(" + strconv.FormatFloat(of, 'g', -1, 64) + ", sum by (" + join(q.by, "le") + ") (" +
		q.sum(join(group, "le"), buckets, first) + " or (" + q.sum(join(group, "le"), buckets, second) +
		" unless on (" + group + ") " + q.sum(group, buckets, first, `le="+Inf"`) + ")))"
}

func (q question) sum(group, counter string, matchers ...string) string {
	return "sum by (" + group + ") (" + q.growth(counter, matchers...) + ")"
}

func (q question) growth(counter string, matchers ...string) string {
	all := matchers
	if q.matchers != "" {
		all = append([]string{q.matchers}, matchers...)
	}
	return q.grow + "(" + counter + "{" + strings.Join(all, ",") + "}[" + q.span + "])"
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "," + b
}

// failures are the matchers of what counts as an error; no series has two of
// them.
func failures() []string {
	const lost = `"5..|0|-"`
	return []string{
		"response_code=~" + lost,
		"response_code!~" + lost + `,grpc_response_status=~"` + strings.Join(graph.FailedGRPC(), "|") + `"`,
	}
}

// localFlags matches the flags with which the source answers by itself.
func localFlags() string { return "(.*,)?(" + strings.Join(graph.LocalFlags(), "|") + ")(,.*)?" }
