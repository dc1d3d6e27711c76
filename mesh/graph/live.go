package graph

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Live is a graph as a person sees it move: with health, short histories and the
// rules that act. Its figures have three significant digits, so that what did
// not change to the eye is equal.
type Live struct {
	At      time.Time  `json:"at"`
	Seconds float64    `json:"seconds"` // length of the window
	Nodes   []LiveNode `json:"nodes"`   // by ID
	Edges   []LiveEdge `json:"edges"`   // by ID
}

// LiveNode is a node with what its card shows.
type LiveNode struct {
	Node
	// Rate is what comes in, of all protocols; for a node into which nothing is
	// known to come, what goes out. In requests, or in bytes of TCP where nothing
	// else flows.
	Rate       float64  `json:"rate"`
	ErrorShare float64  `json:"errorShare"`    // 0 to 1
	P95        *float64 `json:"p95,omitempty"` // milliseconds
	Unit       Unit     `json:"unit" enum:"rps,B/s"`
	// Spark and SparkErrors are the rate and the error share of the recent past,
	// SparkPoints each; empty where nothing is known of it.
	Spark       []float64 `json:"spark,omitempty"`
	SparkErrors []float64 `json:"sparkErrors,omitempty"`
	// Rules act on its traffic, sorted.
	Rules []Rule `json:"rules,omitempty"`
}

// LiveEdge is an edge with its health.
type LiveEdge struct {
	Edge
}

// Transition is a node that came to another state.
type Transition struct {
	At        time.Time `json:"at"`
	Type      Type      `json:"type"` // of the graph that the node is in
	ID        string    `json:"node"`
	Name      string    `json:"name"`
	Namespace string    `json:"namespace,omitempty"`
	From      State     `json:"from"`
	To        State     `json:"to"`
}

// CompareTransitions orders by time, then by node.
func CompareTransitions(a, b Transition) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
}

// Unit of a rate.
type Unit string

// The units of rates.
const (
	PerSecond      Unit = "rps"
	BytesPerSecond Unit = "B/s"
)

// Facts are what Decorate adds to a graph.
type Facts struct {
	Health    map[string]Health // by ID of the node or edge
	Workloads map[string]State  // by ID of the node in the graph of workloads
	Sparks    map[string]Spark  // by ID of the node
	Rules     *Rules
}

// Decorate adds facts to a graph, which it leaves as it is. What no fact is
// known of stays Unknown.
func Decorate(g *Graph, f Facts) *Live {
	out := &Live{At: g.At, Seconds: round3(g.Seconds), Nodes: make([]LiveNode, len(g.Nodes)), Edges: make([]LiveEdge, len(g.Edges))}
	for i := range g.Nodes {
		n := LiveNode{Node: f.node(&g.Nodes[i]), Unit: PerSecond}
		n.sum(g.Nodes[i].shown())
		spark := f.Sparks[n.ID]
		n.Spark, n.SparkErrors = rounded(spark.Rates), rounded(spark.Errors)
		n.Rules = f.Rules.On(&g.Nodes[i], g.Workloads[n.ID])
		out.Nodes[i] = n
	}
	for i := range g.Edges {
		out.Edges[i] = LiveEdge{f.edge(&g.Edges[i])}
	}
	return out
}

// Judged is the graph with the health of its nodes and edges and the states of
// versions, and otherwise as it is.
func Judged(g *Graph, f Facts) *Graph {
	out := *g
	out.Nodes, out.Edges = slices.Clone(g.Nodes), slices.Clone(g.Edges)
	for i := range out.Nodes {
		n := &out.Nodes[i]
		n.Health = f.health(n.ID)
		n.Versions = f.versions(n.Versions)
	}
	for i := range out.Edges {
		out.Edges[i].Health = f.health(out.Edges[i].ID)
	}
	return &out
}

func (f *Facts) health(id string) Health {
	h, ok := f.Health[id]
	if !ok {
		return Health{State: Unknown}
	}
	h.Reasons = slices.Clone(h.Reasons)
	for i := range h.Reasons {
		r := &h.Reasons[i]
		r.Share, r.VersionShare, r.P95, r.Usual = round3(r.Share), round3(r.VersionShare), round3(r.P95), round3(r.Usual)
	}
	h.Why = slices.Clone(h.Why)
	for i := range h.Why {
		h.Why[i].Params.Share = round3(h.Why[i].Params.Share)
	}
	return h
}

func (f *Facts) versions(list []Version) []Version {
	out := slices.Clone(list)
	for i := range out {
		v := &out[i]
		v.State = Unknown
		if s, ok := f.Workloads[id("workload", v.Cluster, v.Namespace, v.Workload)]; ok {
			v.State = s
		}
		v.Share, v.Rate, v.ErrorShare, v.P95 = round3(v.Share), round3(v.Rate), round3(v.ErrorShare), rounded3(v.P95)
	}
	return out
}

func (f *Facts) node(n *Node) Node {
	out := *n
	out.Health, out.Versions = f.health(n.ID), f.versions(n.Versions)
	out.In, out.Out = slices.Clone(n.In), slices.Clone(n.Out)
	for i := range out.In {
		out.In[i] = out.In[i].rounded()
	}
	for i := range out.Out {
		out.Out[i] = out.Out[i].rounded()
	}
	return out
}

func (f *Facts) edge(e *Edge) Edge {
	out := *e
	out.Health, out.Rates = f.health(e.ID), e.rounded()
	out.Responses = slices.Clone(e.Responses)
	for i := range out.Responses {
		out.Responses[i].Rate = round3(out.Responses[i].Rate)
	}
	out.MutualTLS = rounded3(e.MutualTLS)
	return out
}

// sum adds up the figures of a card.
func (n *LiveNode) sum(list []Rates) {
	var rate, errors, bytes, most float64
	for _, r := range list {
		bytes += r.Sent + r.Received
		if r.Protocol == TCP {
			continue
		}
		rate += r.Rate
		errors += r.Errors
		if r.P95 != nil && r.Rate > most {
			most, n.P95 = r.Rate, rounded3(r.P95)
		}
	}
	n.Rate = round3(rate)
	if rate > 0 {
		n.ErrorShare = round3(errors / rate)
		return
	}
	if bytes > 0 {
		n.Rate, n.Unit = round3(bytes), BytesPerSecond
	}
	for _, r := range list {
		if r.Protocol == TCP {
			n.ErrorShare = round3(r.ErrorShare)
		}
	}
}

func (r Rates) rounded() Rates {
	r.Rate, r.Errors, r.ErrorShare = round3(r.Rate), round3(r.Errors), round3(r.ErrorShare)
	r.P50, r.P95, r.P99 = rounded3(r.P50), rounded3(r.P95), rounded3(r.P99)
	r.Sent, r.Received = round3(r.Sent), round3(r.Received)
	return r
}

// Round3 rounds to three significant digits.
func Round3(v float64) float64 { return round3(v) }

func round3(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	// Dividing by a whole power of ten gives the float that the digits stand for;
	// multiplying by its inverse does not.
	switch exponent := int(math.Floor(math.Log10(math.Abs(v)))) - 2; {
	case exponent >= 0:
		scale := math.Pow10(exponent)
		return math.Round(v/scale) * scale
	default:
		scale := math.Pow10(-exponent)
		if math.IsInf(scale, 0) || math.IsInf(v*scale, 0) {
			return v
		}
		return math.Round(v*scale) / scale
	}
}

func rounded3(v *float64) *float64 {
	if v == nil {
		return nil
	}
	out := round3(*v)
	return &out
}

func rounded(list []float64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = round3(v)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
