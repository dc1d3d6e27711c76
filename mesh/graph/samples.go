package graph

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Usual is what the duration of something usually is.
type Usual struct {
	P95  float64       // median, in milliseconds
	Over time.Duration // how much data it is of
}

// Samples are what an evaluation is told of each node and edge, by ID. The graph
// must be one of HealthWindow with idle elements; usual may lack any of them.
//
// A node is judged by what comes in. What it sends is judged where it arrives.
func (g *Graph) Samples(usual map[string]Usual) map[string]Sample {
	out := make(map[string]Sample, len(g.Nodes)+len(g.Edges))
	answers := map[string][]Response{}
	for i := range g.Edges {
		e := &g.Edges[i]
		s := Sample{At: g.At, Measured: true}
		s.take(&e.Rates, g.Seconds)
		s.P95 = e.P95
		s.Error = reason(e.Protocol, e.Responses, g.Parts[e.ID])
		s.expect(usual, e.ID)
		out[e.ID] = s
		answers[e.Target] = append(answers[e.Target], e.Responses...)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		s := Sample{At: g.At, Endpoints: n.Pods, Measured: n.Meshed || n.Gateway}
		most := 0.0
		for j := range n.In {
			r := &n.In[j]
			s.take(r, g.Seconds)
			if r.P95 != nil && r.Rate > most { // of the protocol that is spoken most
				most, s.P95 = r.Rate, r.P95
			}
		}
		s.Flows = s.Flows || !still(n.Out)
		protocol := HTTP
		if len(n.In) == 1 {
			protocol = n.In[0].Protocol
		}
		s.Error = reason(protocol, answers[n.ID], g.Parts[n.ID])
		s.expect(usual, n.ID)
		out[n.ID] = s
	}
	return out
}

// take adds figures per second over so many seconds. Durations do not add up.
func (s *Sample) take(r *Rates, seconds float64) {
	s.Requests = round(s.Requests + r.Rate*seconds)
	s.Errors = round(s.Errors + r.Errors*seconds)
	s.Flows = s.Flows || !still([]Rates{*r})
}

func (s *Sample) expect(usual map[string]Usual, id string) {
	if u, ok := usual[id]; ok {
		s.Usual, s.UsualOver = &u.P95, u.Over
	}
}

// reason names the most frequent of errors, and the version that has nearly all
// of them.
func reason(p Protocol, responses []Response, arrived []Part) Reason {
	r := Reason{Code: ServerErrors}
	if p == TCP {
		r.Code = FailedTCP
	}
	counts := map[Response]float64{}
	var top Response
	for _, one := range responses {
		kind := failureKind(one)
		if kind == "" {
			continue
		}
		key := Response{Code: one.Code, GRPC: one.GRPC, Flags: one.Flags}
		counts[key] += one.Rate
	}
	for key, rate := range counts {
		if c := cmp.Compare(rate, top.Rate); c > 0 || c == 0 && strings.Compare(key.Code+key.GRPC+key.Flags, top.Code+top.GRPC+top.Flags) < 0 {
			top, top.Rate = key, rate
		}
	}
	if top.Rate > 0 {
		r.Code, r.Flags = failureKind(top), top.Flags
		switch r.Code {
		case GRPCErrors:
			r.Answer = "grpc " + top.GRPC
		case ServerErrors:
			r.Answer = top.Code
		}
	}
	errors, reached := 0.0, 0
	for _, p := range arrived {
		errors += p.Errors
		if p.Workload != "" {
			reached++
		}
	}
	if reached < 2 || errors == 0 {
		return r
	}
	i := slices.IndexFunc(arrived, func(p Part) bool {
		return p.Workload != "" && p.Errors >= nearlyAll*errors
	})
	if i >= 0 {
		r.Version, r.VersionShare = cmp.Or(arrived[i].Version, arrived[i].Workload), round(arrived[i].Errors/arrived[i].Rate)
	}
	return r
}
