package graph

import (
	"slices"
	"time"
)

// historyKept is how far back a History reaches: the hour that the usual p95 is
// the median of, and a little for what is under way.
const historyKept = time.Hour + 2*time.Minute

// Point is what happened to a node or an edge in one span of time.
type Point struct {
	At       time.Time // its end
	Seconds  float64
	Requests float64
	Errors   float64
	Bytes    float64  // of TCP, both ways
	P95      *float64 // milliseconds
}

// History is the last hour of all nodes and edges of one type of graph. It is
// not safe for concurrent use.
type History struct {
	points map[string][]Point
	begins time.Time
	ends   time.Time // of the graph that was added last
}

// NewHistory is a History of nothing.
func NewHistory() *History { return &History{points: map[string][]Point{}} }

// Add notes a graph as what happened since the one before, which should end
// about where the window of this one begins. The graphs must follow one another.
func (h *History) Add(g *Graph) {
	seconds := g.Seconds
	if since := g.At.Sub(h.ends).Seconds(); since < 2*seconds {
		seconds = since // no gaps, and nothing twice
	}
	h.ends = g.At
	if h.begins.IsZero() {
		h.begins = g.At.Add(-time.Duration(seconds * float64(time.Second)))
	}
	note := func(id string, list []Rates) {
		p := Point{At: g.At, Seconds: seconds}
		most := 0.0
		for _, r := range list {
			p.Requests += r.Rate * seconds
			p.Errors += r.Errors * seconds
			p.Bytes += (r.Sent + r.Received) * seconds
			if r.P95 != nil && r.Rate > most {
				most, p.P95 = r.Rate, r.P95
			}
		}
		if p.Requests > 0 || p.Bytes > 0 {
			h.points[id] = append(h.points[id], p)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		note(n.ID, n.shown())
	}
	for i := range g.Edges {
		note(g.Edges[i].ID, []Rates{g.Edges[i].Rates})
	}
	oldest := g.At.Add(-historyKept)
	for id, list := range h.points {
		i := 0
		for i < len(list) && list[i].At.Before(oldest) {
			i++
		}
		switch {
		case i == len(list):
			delete(h.points, id)
		case i > len(list)/4: // not each time: the rest moves
			h.points[id] = slices.Clone(list[i:])
		}
	}
	if h.begins.Before(oldest) {
		h.begins = oldest
	}
}

// shown are the figures that stand for a node: what comes in, and what goes out
// of one that nothing is known to come into, such as a gateway.
func (n *Node) shown() []Rates {
	if len(n.In) > 0 {
		return n.In
	}
	return n.Out
}

// Usual is the median p95 of each node and edge in the hour before a time.
func (h *History) Usual(at time.Time) map[string]Usual {
	out := make(map[string]Usual, len(h.points))
	for id, list := range h.points {
		var values []float64
		seconds := 0.0
		for _, p := range list {
			if p.P95 != nil && at.Sub(p.At) <= time.Hour {
				values = append(values, *p.P95)
				seconds += p.Seconds
			}
		}
		if len(values) > 0 {
			slices.Sort(values)
			out[id] = Usual{P95: values[len(values)/2], Over: time.Duration(seconds * float64(time.Second))}
		}
	}
	return out
}

// Spark is a small line of the recent past.
type Spark struct {
	Rates  []float64 // requests per second, or bytes of TCP where nothing else flows
	Errors []float64 // shares of them, 0 to 1
}

// SparkPoints is how many points a Spark has.
const SparkPoints = 30

// Spark is the line of a node or edge of the time before at, in SparkPoints
// steps. It is empty where the history knows nothing at all.
func (h *History) Spark(id string, at time.Time, step time.Duration) Spark {
	list := h.points[id]
	if h.begins.IsZero() {
		return Spark{}
	}
	s := Spark{Rates: make([]float64, SparkPoints), Errors: make([]float64, SparkPoints)}
	var requests, errors, bytes [SparkPoints]float64
	start := at.Add(-SparkPoints * step)
	for _, p := range list {
		// A point counts in every step that it lies in, by how much it does.
		from, to := p.At.Add(-time.Duration(p.Seconds*float64(time.Second))).Sub(start), p.At.Sub(start)
		for k := max(0, int(from/step)); k < SparkPoints && time.Duration(k)*step < to; k++ {
			inside := min(to, time.Duration(k+1)*step) - max(from, time.Duration(k)*step)
			share := inside.Seconds() / p.Seconds
			requests[k] += p.Requests * share
			errors[k] += p.Errors * share
			bytes[k] += p.Bytes * share
		}
	}
	flows := requests
	if !anyOf(requests[:]) {
		flows = bytes
	}
	for k := range SparkPoints {
		s.Rates[k] = flows[k] / step.Seconds()
		if requests[k] > 0 {
			s.Errors[k] = errors[k] / requests[k]
		}
	}
	return s
}

func anyOf(list []float64) bool {
	return slices.ContainsFunc(list, func(v float64) bool { return v != 0 })
}

// before are the points of an element that lie in a span of time, and whether
// the history reaches back to its beginning.
func (h *History) before(id string, from, to time.Time) (list []Point, whole bool) {
	for _, p := range h.points[id] {
		if !p.At.Before(from) && !p.At.After(to) {
			list = append(list, p)
		}
	}
	return list, !h.begins.IsZero() && !h.begins.After(from)
}
