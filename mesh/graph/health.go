package graph

import (
	"cmp"
	"slices"
	"time"
)

// State is how a node or an edge is.
type State string

// The states. Unknown is one of which nothing was measured, or too little to
// say anything.
const (
	Healthy  State = "healthy"
	Degraded State = "degraded"
	Failing  State = "failing"
	Idle     State = "idle"
	Unknown  State = "unknown"
)

// Bad reports whether somebody should look at it.
func (s State) Bad() bool { return s == Degraded || s == Failing }

// What makes a state. These figures are a promise to people: they stand in the
// documentation, and a table of tests holds them.
const (
	// failingShare and degradedShare are the shares of errors from which on
	// traffic fails or is degraded.
	failingShare  = 0.10
	degradedShare = 0.01
	// slowTimes is how often the usual p95 makes traffic slow; the usual one is
	// the median of the last hour, once there are usualAfter of data.
	slowTimes  = 3
	usualAfter = 10 * time.Minute
	// slowFrom is the p95 in milliseconds below which nothing is slow: the
	// buckets of the proxies are too wide there to tell 1 ms from 4 ms.
	slowFrom = 10
	// enough is the number of requests in the window from which on shares and
	// durations say something.
	enough = 20
	// idleAfter is how long nothing must have flowed.
	idleAfter = 5 * time.Minute
	// starting is how long what never had a healthy endpoint may go without.
	starting = 30 * time.Second
	// minWindow and scrapes bound the window that states are judged over.
	minWindow = 15 * time.Second
	scrapes   = 4
)

// HealthWindow is the time that states are judged over, whatever window somebody
// looks at: 15 s, or four scrapes where those take longer.
func HealthWindow(scrape time.Duration) time.Duration { return max(minWindow, scrapes*scrape) }

// Health is a state with what made it so.
type Health struct {
	State State `json:"state" enum:"healthy,degraded,failing,idle,unknown"`
	// Since is when it came to this state. With AtLeast it was so already when
	// what is known of it begins.
	Since   time.Time `json:"since,omitzero"`
	AtLeast bool      `json:"atLeast,omitempty"`
	Reasons []Reason  `json:"reasons,omitempty"` // the worst first
	Why     []Why     `json:"why,omitempty"`
}

// Reason is one thing that makes a state worse than healthy.
type Reason struct {
	Code  ReasonCode `json:"code" enum:"http5xx,grpc,noResponse,tcp,slow,noEndpoints"`
	State State      `json:"state" enum:"degraded,failing"` // that it gives
	// Share of all requests (for TCP, connections) that are errors: of the errors
	// of all codes together, of which Code is the most frequent. 0 to 1.
	Share float64 `json:"share,omitempty"`
	// Answer is the most frequent error, "503" or "grpc 13", with Envoy's flags.
	Answer string `json:"answer,omitempty"`
	Flags  string `json:"flags,omitempty"`
	// Version is set where one of several versions has 90 % of the errors or
	// more; VersionShare is the share of errors among its own requests.
	Version      string  `json:"version,omitempty"`
	VersionShare float64 `json:"versionShare,omitempty"`
	// P95 and Usual are set for what is slow, in milliseconds.
	P95   float64 `json:"p95,omitempty"`
	Usual float64 `json:"usual,omitempty"`
}

// ReasonCode names a kind of reason.
type ReasonCode string

// The kinds of reasons.
const (
	ServerErrors ReasonCode = "http5xx"
	GRPCErrors   ReasonCode = "grpc"
	NoResponse   ReasonCode = "noResponse"
	FailedTCP    ReasonCode = "tcp"
	Slow         ReasonCode = "slow"
	NoEndpoints  ReasonCode = "noEndpoints"
)

// Sample is what one evaluation is told of a node or an edge.
type Sample struct {
	At time.Time
	// Requests in the window, and those of them that are errors; for TCP,
	// connections.
	Requests, Errors float64
	// Flows is true when anything moved, be it only bytes.
	Flows bool
	// Error says what the errors are: a Reason without its State and Share.
	Error Reason
	// P95 of the duration, and what it usually is, in milliseconds; nil when not
	// known. UsualOver is how much data stands behind Usual.
	P95, Usual *float64
	UsualOver  time.Duration
	// Endpoints behind it now; none in total where it has none to count.
	Endpoints Pods
	// Measured is true where a proxy would see traffic if there was any.
	Measured bool
	// Start is true for the first evaluation after a time of which nothing is
	// known.
	Start bool
}

// Memory is what is to be remembered of a node or an edge between evaluations.
// The zero Memory is that of one that was never seen.
type Memory struct {
	Health
	// BadSince is the first evaluation of the run that is not over yet in which
	// it was degraded or failing, in whatever turn; zero when it is neither.
	BadSince time.Time
	// Flowed is when something flowed last; zero when that is not known.
	Flowed time.Time

	began        time.Time // its first evaluation, where nothing is known of the time before
	against      State     // what the last evaluation said, where it was not State
	againstSince time.Time // first of the evaluations in a row that State is not borne out by
	badFrom      time.Time // first of the evaluations in a row that were bad
	hadEndpoint  bool
	noneSince    time.Time // first evaluation in a row without healthy endpoint
}

// Judge says how something is after one more evaluation. It is pure: all that it
// remembers is in its result. A state is left only after two evaluations in a
// row that call it better, or two that call it worse.
func Judge(prev Memory, s Sample) Memory {
	m := prev
	if s.Flows || s.Requests > 0 {
		m.Flowed = s.At
	}
	if s.Start {
		m.began = s.At
	}
	m.countEndpoints(s)
	state, reasons := m.verdict(s)
	if !state.Bad() {
		m.badFrom = time.Time{}
	} else if m.badFrom.IsZero() {
		m.badFrom = s.At
	}

	switch {
	case prev.State == "" && state.Bad():
		m.enter(Unknown, s.At) // one evaluation alone makes nobody bad
		m.against, m.againstSince = state, s.At
	case prev.State == "":
		m.enter(state, s.At)
	case state == m.State:
		m.against = ""
	case m.against == "" || !agree(m.State, m.against, state):
		m.against, m.againstSince = state, s.At
	default:
		m.enter(nearer(m.State, m.against, state), m.againstSince)
	}
	switch {
	case !m.State.Bad():
		m.BadSince, m.Reasons, m.Why = time.Time{}, nil, nil
	case m.BadSince.IsZero():
		m.BadSince = m.badFrom
		m.Reasons = reasons
	case len(reasons) > 0:
		m.Reasons = reasons
	}
	return m
}

// enter changes to a state that was first seen at a time.
func (m *Memory) enter(state State, seen time.Time) {
	m.State, m.Since, m.AtLeast, m.against = state, seen, !m.began.IsZero() && !seen.After(m.began), ""
	if state == Idle && !m.Flowed.IsZero() {
		m.Since, m.AtLeast = m.Flowed, false
	}
}

// agree reports whether two verdicts that differ from a state both call it better,
// or both worse.
func agree(state, a, b State) bool {
	from := rank(state)
	return a == b || rank(a) > from && rank(b) > from || rank(a) <= from && rank(b) <= from
}

// nearer is the one of two verdicts that is less of a change; the second one
// where they are equal in that.
func nearer(state, a, b State) State {
	from := rank(state)
	if max(rank(a)-from, from-rank(a)) < max(rank(b)-from, from-rank(b)) {
		return a
	}
	return b
}

// countEndpoints remembers since when there is no healthy endpoint.
func (m *Memory) countEndpoints(s Sample) {
	switch {
	case s.Endpoints.Ready > 0:
		m.hadEndpoint, m.noneSince = true, time.Time{}
	case s.Endpoints.Total == 0:
		m.noneSince = time.Time{} // nobody is meant to be there
	case m.noneSince.IsZero():
		m.noneSince = s.At
	}
}

// verdict is what one evaluation would say on its own, with the little memory
// that it needs where too little flows to say anything.
func (m *Memory) verdict(s Sample) (State, []Reason) {
	var reasons []Reason
	if !m.noneSince.IsZero() && (m.hadEndpoint || s.At.Sub(m.noneSince) >= starting) {
		reasons = append(reasons, Reason{Code: NoEndpoints, State: Failing, Share: 1})
	}
	traffic := s.reasons()
	if s.Requests >= enough {
		reasons = append(reasons, traffic...)
	}
	if len(reasons) > 0 {
		slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(rank(b.State), rank(a.State)) })
		return reasons[0].State, reasons
	}
	judged := m.State == Healthy || m.State.Bad() && m.Reasons[0].Code != NoEndpoints
	switch flowing := s.Flows || s.Requests > 0; {
	case flowing && len(traffic) == 0:
		return Healthy, nil
	case flowing && judged:
		return m.State, nil // too few requests to unsay what was said
	case flowing:
		return Unknown, nil
	case !m.Flowed.IsZero() && s.At.Sub(m.Flowed) < idleAfter:
		if judged || m.State == Unknown {
			return m.State, nil
		}
		return Healthy, nil
	case !s.Measured && m.Flowed.IsZero():
		return Unknown, nil
	default:
		return Idle, nil
	}
}

// reasons are what the traffic would give, were there enough of it.
func (s *Sample) reasons() []Reason {
	var out []Reason
	if s.Requests > 0 {
		r := s.Error
		r.Share = round(s.Errors / s.Requests)
		switch {
		case r.Share >= failingShare:
			r.State = Failing
			out = append(out, r)
		case r.Share >= degradedShare:
			r.State = Degraded
			out = append(out, r)
		}
	}
	if s.slow() {
		out = append(out, Reason{Code: Slow, State: Degraded, P95: *s.P95, Usual: *s.Usual})
	}
	return out
}

func (s *Sample) slow() bool {
	return s.P95 != nil && s.Usual != nil && s.UsualOver >= usualAfter && *s.P95 >= slowFrom && *s.P95 >= slowTimes**s.Usual
}

func rank(s State) int {
	switch s {
	case Failing:
		return 2
	case Degraded:
		return 1
	default:
		return 0
	}
}
