package canary

import (
	"math"
	"time"
)

const (
	// Enough is how many requests there must be before a share says anything.
	Enough = 100
	// near is how far from what was asked a share may be in any case, in points.
	near = 2
	// z is the number of standard deviations of a 95 % interval.
	z = 1.959964
)

// Wilson is the 95 % interval, in percent, of a share of which k of n were seen.
func Wilson(k, n float64) (low, high float64) {
	if n <= 0 {
		return 0, 100
	}
	p := min(1, max(0, k/n))
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return 100 * max(0, middle-half), 100 * min(1, middle+half)
}

// State of a split.
type State string

// States of a split, in the order in which they come.
const (
	Pending      State = "pending"      // not all proxies with traffic have it
	Acknowledged State = "acknowledged" // they have it; what is measured has other sources too
	Converging   State = "converging"   // they have it; what is measured is not there yet
	Settled      State = "settled"      // what is measured is what was asked
)

// Measurement is what was seen of a split.
type Measurement struct {
	Asked map[string]int     // percent by version
	Count map[string]float64 // requests by version since the last acknowledgement
	// Waiting is how many proxies that send to the service do not have it.
	Waiting int
	// AllRoutes is true where other rules, or callers without sidecar, have a
	// part in what is counted.
	AllRoutes bool
}

// N is how many requests were counted.
func (m Measurement) N() float64 {
	n := 0.0
	for _, c := range m.Count {
		n += c
	}
	return n
}

// State says how far a split is.
func (m Measurement) State() State {
	switch {
	case m.Waiting > 0:
		return Pending
	case m.AllRoutes:
		return Acknowledged
	}
	n := m.N()
	if n < Enough {
		return Converging
	}
	for version, asked := range m.Asked {
		share := 100 * m.Count[version] / n
		low, high := Wilson(m.Count[version], n)
		inside := float64(asked) >= low && float64(asked) <= high
		if !inside && math.Abs(share-float64(asked)) > near {
			return Converging
		}
	}
	return Settled
}

// Told is the state of a split as the console hears it.
type Told struct {
	Asked    map[string]int      `json:"asked"`
	Effect   map[string]float64  `json:"effect"`
	Measured map[string]Measured `json:"measured"`
	N        float64             `json:"n"`
	// Since when requests are counted: the last acknowledgement.
	Since time.Time `json:"since"`
	State State     `json:"state" enum:"pending,acknowledged,converging,settled"`
	// Acked of Total proxies have it, and Rejected of them refused it. Those that
	// send nothing to the service may have it later: the state does not wait for them.
	Acked    int `json:"acked"`
	Rejected int `json:"rejected"`
	Total    int `json:"total"`
	// Enough is how many requests must be counted before a share says anything.
	Enough    int  `json:"enough"`
	AllRoutes bool `json:"allRoutes"`
	// P95 of all versions together, in milliseconds.
	P95 *float64 `json:"p95,omitempty"`
}

// Measured is what one version got.
type Measured struct {
	N          float64  `json:"n"`
	Percent    float64  `json:"pct"`
	RPS        float64  `json:"rps"`
	ErrorShare float64  `json:"errorShare"`
	P95        *float64 `json:"p95,omitempty"` // milliseconds
}

// Effect is what proxies go by as long as some of them have the shares of before.
func Effect(before, asked map[string]int, acked, total int) map[string]float64 {
	out := map[string]float64{}
	part := 1.0
	if total > 0 {
		part = float64(acked) / float64(total)
	}
	for v, a := range asked {
		b := float64(a)
		if before != nil {
			b = float64(before[v])
		}
		out[v] = math.Round(10*(part*float64(a)+(1-part)*b)) / 10
	}
	return out
}
