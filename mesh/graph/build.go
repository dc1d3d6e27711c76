package graph

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// Build draws the graph of the traffic over the snapshot. It changes neither.
func Build(snap *mesh.Snapshot, t Traffic, o Options) *Graph {
	o.Type = cmp.Or(o.Type, ByVersionedApp)
	b := builder{
		atlas: newAtlas(snap, o.Type), options: o,
		nodes: map[string]*Node{}, edges: map[string]*gathered{},
	}
	all := links(snap, t)
	b.atlas.learn(all)
	for _, l := range all {
		b.add(&l)
	}
	if o.IncludeIdle {
		b.addIdle()
	}
	return b.graph(t)
}

// gathered is an edge while links are added to it.
type gathered struct {
	source, target string
	figures
	services, sources, destinations map[string]bool
	reporters                       map[Reporter]bool
	parts                           parts
	secure, plain                   float64
	told                            bool // somebody knew about security, if of no traffic
}

// figures add up what flows.
type figures struct {
	protocol  Protocol
	responses map[Response]float64 // key without its rate
	buckets   map[float64]float64
	tcp       Connections
	failed    float64 // TCP connections that ended with a flag
}

func newFigures(p Protocol) figures {
	return figures{protocol: p, responses: map[Response]float64{}, buckets: map[float64]float64{}}
}

func (f *figures) add(l *link) {
	for _, r := range l.responses {
		rate := r.Rate
		r.Rate = 0
		f.responses[r] += rate
	}
	for _, b := range l.buckets {
		f.buckets[b.LE] += b.Rate
	}
	f.tcp.Opened += l.tcp.Opened
	f.tcp.Closed += l.tcp.Closed
	f.tcp.Sent += l.tcp.Sent
	f.tcp.Received += l.tcp.Received
	if failedTCP(l.tcp.Flags) {
		f.failed += l.tcp.Closed
	}
}

type builder struct {
	atlas   *atlas
	options Options
	nodes   map[string]*Node
	edges   map[string]*gathered
}

func (b *builder) add(l *link) {
	source, target := b.atlas.source(l), b.atlas.target(l)
	if !b.shows(source) && !b.shows(target) {
		return
	}
	if l.silent() && !(b.atlas.exists(source) && b.atlas.exists(target)) {
		return // a proxy remembers a series; nothing is there to show it at
	}
	edge := source.ID + " > " + target.ID + " : " + string(l.Protocol)
	g := b.edges[edge]
	if g == nil {
		g = &gathered{
			source: source.ID, target: target.ID, figures: newFigures(l.Protocol),
			services: map[string]bool{}, sources: map[string]bool{}, destinations: map[string]bool{},
			reporters: map[Reporter]bool{}, parts: parts{},
		}
		b.edges[edge] = g
		b.node(source)
		b.node(target)
	}
	g.add(l)
	g.parts.of(l).add(l)
	note(g.services, l.Service.Host)
	note(g.sources, l.SourcePrincipal)
	note(g.destinations, l.DestinationPrincipal)
	if len(l.buckets) == 0 {
		g.reporters[l.Reporter] = true
	}
	switch weight := l.weight(); l.Security {
	case MutualTLS:
		g.secure += weight
		g.told = true
	case Plaintext:
		g.plain += weight
		g.told = true
	}
}

// node remembers a node; the facts of the first link that names it stand, and
// those are the same for all.
func (b *builder) node(n Node) {
	if _, ok := b.nodes[n.ID]; !ok {
		b.nodes[n.ID] = &n
	}
}

func note(set map[string]bool, s string) {
	if s != "" {
		set[s] = true
	}
}

// shows reports whether a node belongs to the namespaces asked for.
func (b *builder) shows(n Node) bool {
	return len(b.options.Namespaces) == 0 || slices.Contains(b.options.Namespaces, n.Namespace)
}

// addIdle adds what exists without traffic: the workloads (in the graph of
// services, the services), and services that no workload stands behind.
func (b *builder) addIdle() {
	covered := map[*mesh.Service]bool{}
	for _, key := range b.atlas.workloadKeys() {
		for _, s := range b.atlas.hosts[key] {
			covered[s] = true
		}
		if b.options.Type == ByService && len(b.atlas.hosts[key]) > 0 {
			continue
		}
		for _, w := range b.atlas.pods[key] {
			if n := b.atlas.workload(peerOf(w.WorkloadFacts)); b.shows(n) && !w.Terminating {
				b.node(n)
			}
		}
	}
	for s := range b.atlas.snap.Services.Values() {
		if b.options.Type != ByService && covered[s] {
			continue
		}
		if n := b.atlas.service(ServiceName{Host: s.Host, Name: s.Name, Namespace: s.Namespace}); b.shows(n) {
			b.node(n)
		}
	}
}

// graph finishes and orders what was gathered.
func (b *builder) graph(t Traffic) *Graph {
	window := cmp.Or(t.Window, b.options.Window)
	g := &Graph{
		Type: b.options.Type, At: t.At, Seconds: window.Seconds(), Nodes: []Node{}, Edges: []Edge{},
		Parts: map[string][]Part{}, Workloads: map[string][]string{},
	}
	type side struct {
		in, out map[Protocol]*figures
		parts   parts
	}
	sides := map[string]*side{}
	at := func(node string) *side {
		if sides[node] == nil {
			sides[node] = &side{map[Protocol]*figures{}, map[Protocol]*figures{}, parts{}}
		}
		return sides[node]
	}
	for _, id := range slices.Sorted(maps.Keys(b.edges)) {
		e := b.edges[id]
		edge := e.edge(id)
		if edge.Idle && !b.options.IncludeIdle {
			continue
		}
		g.Edges = append(g.Edges, edge)
		merge(at(e.source).out, &e.figures)
		merge(at(e.target).in, &e.figures)
		at(e.target).parts.merge(e.parts)
		if list := e.parts.list(); len(list) > 0 {
			g.Parts[id] = list
		}
	}
	members := b.atlas.members()
	for _, id := range slices.Sorted(maps.Keys(b.nodes)) {
		n, s := b.nodes[id], sides[id]
		if s == nil && !b.options.IncludeIdle {
			continue // its only edges were idle
		}
		pods := b.atlas.decorate(n, members)
		n.Idle, n.Health = true, Health{State: Unknown}
		var arrived []Part
		if s != nil {
			n.In, n.Out = rates(s.in), rates(s.out)
			n.Idle = still(n.In) && still(n.Out)
			arrived = s.parts.list()
		}
		if len(arrived) > 0 {
			g.Parts[id] = arrived
		}
		if names := workloadNames(pods); len(names) > 0 {
			g.Workloads[id] = names
		}
		if n.Kind == KindService || n.Kind == KindApp {
			n.Versions = versions(arrived, pods)
		}
		g.Nodes = append(g.Nodes, *n)
	}
	return g
}

func merge(into map[Protocol]*figures, f *figures) {
	sum := into[f.protocol]
	if sum == nil {
		fresh := newFigures(f.protocol)
		sum = &fresh
		into[f.protocol] = sum
	}
	sum.merge(f)
}

func (f *figures) merge(other *figures) {
	for r, rate := range other.responses {
		f.responses[r] += rate
	}
	for le, rate := range other.buckets {
		f.buckets[le] += rate
	}
	f.tcp.Opened += other.tcp.Opened
	f.tcp.Closed += other.tcp.Closed
	f.tcp.Sent += other.tcp.Sent
	f.tcp.Received += other.tcp.Received
	f.failed += other.failed
}

func rates(m map[Protocol]*figures) []Rates {
	var out []Rates
	for _, p := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[p].rates())
	}
	return out
}

func still(list []Rates) bool {
	for _, r := range list {
		if r.Rate != 0 || r.Sent != 0 || r.Received != 0 {
			return false
		}
	}
	return true
}

func (e *gathered) edge(id string) Edge {
	out := Edge{
		ID: id, Source: e.source, Target: e.target, Rates: e.rates(), Responses: e.list(),
		Services:              slices.Sorted(maps.Keys(e.services)),
		SourcePrincipals:      slices.Sorted(maps.Keys(e.sources)),
		DestinationPrincipals: slices.Sorted(maps.Keys(e.destinations)),
		Reporters:             slices.Sorted(maps.Keys(e.reporters)),
	}
	out.Idle = still([]Rates{out.Rates})
	if known := e.secure + e.plain; e.told && known > 0 {
		share := round(e.secure / known)
		out.MutualTLS = &share
	}
	out.Health = Health{State: Unknown}
	return out
}

// list is the responses, the most frequent first.
func (f *figures) list() []Response {
	var out []Response
	for r, rate := range f.responses {
		if rate > 0 {
			r.Rate = round(rate)
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Response) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), cmp.Compare(a.Code, b.Code), cmp.Compare(a.GRPC, b.GRPC), cmp.Compare(a.Flags, b.Flags))
	})
	return out
}

func (f *figures) rates() Rates {
	r := Rates{Protocol: f.protocol, Sent: round(f.tcp.Sent), Received: round(f.tcp.Received)}
	var all, errors float64
	for _, resp := range f.list() {
		all += resp.Rate
		if failure(resp) {
			errors += resp.Rate
		}
	}
	if f.protocol == TCP {
		all, errors = f.tcp.Opened, min(f.failed, f.tcp.Closed)
		// Opened is counted when the upstream connection stands, so that failed
		// ones are not in it.
		all += errors
	}
	r.Rate, r.Errors = round(all), round(errors)
	if all > 0 {
		r.ErrorShare = round(errors / all)
	}
	r.P50, r.P95, r.P99 = f.quantile(0.5), f.quantile(0.95), f.quantile(0.99)
	return r
}

// FailedGRPC are the gRPC statuses that stand for a fault of the server, not of
// the request: UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL,
// UNAVAILABLE and DATA_LOSS.
func FailedGRPC() []string { return []string{"2", "4", "8", "13", "14", "15"} }

// failure reports whether a response counts as an error.
func failure(r Response) bool { return failureKind(r) != "" }

// failureKind is how a response is an error; "" when it is none.
func failureKind(r Response) ReasonCode {
	switch {
	case slices.Contains(FailedGRPC(), r.GRPC):
		return GRPCErrors
	case noResponse(r):
		return NoResponse
	case len(r.Code) == 3 && r.Code[0] == '5':
		return ServerErrors
	}
	return ""
}

// failedTCP reports whether a connection ended without ever reaching anybody.
func failedTCP(flags string) bool {
	for flag := range strings.SplitSeq(flags, ",") {
		switch flag {
		case "UF", "UH", "UO", "URX", "NC", "NR", "DF", "UAEX", "RLSE":
			return true
		}
	}
	return false
}

// noResponse is Envoy's "0": the caller went away, or nothing came back.
func noResponse(r Response) bool { return r.Code == "0" || r.Code == "-" }

// quantile estimates as histogram_quantile does: linear inside a bucket, and
// the lower end of the last one. It is nil when nothing was measured.
func (f *figures) quantile(q float64) *float64 {
	bounds := slices.Sorted(maps.Keys(f.buckets))
	if len(bounds) < 2 || !math.IsInf(bounds[len(bounds)-1], 1) {
		return nil
	}
	total := f.buckets[bounds[len(bounds)-1]]
	if total <= 0 {
		return nil
	}
	rank, lower, below := q*total, 0.0, 0.0
	for i, le := range bounds {
		n := f.buckets[le]
		if n < rank {
			lower, below = le, n
			continue
		}
		if i == len(bounds)-1 {
			v := bounds[i-1]
			return &v
		}
		v := le
		if n > below {
			v = round(lower + (le-lower)*(rank-below)/(n-below))
		}
		return &v
	}
	return nil
}

// round to six digits after the point, so that figures which are equal but for
// the order of adding are equal.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }
