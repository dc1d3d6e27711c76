package graph

import (
	"slices"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// Why says what the cause of a bad state is, where that is beyond doubt.
// Everything else is left to people.
type Why struct {
	Rule   WhyRule   `json:"rule" enum:"startedAfterChange,waitsFor,failsBecauseOf"`
	Params WhyParams `json:"params"`
}

// WhyRule names one of the sentences.
type WhyRule string

// The sentences: "started T, right after CHANGE", "waits for B", "fails because
// of B".
const (
	StartedAfterChange WhyRule = "startedAfterChange"
	WaitsFor           WhyRule = "waitsFor"
	FailsBecauseOf     WhyRule = "failsBecauseOf"
)

// WhyParams are what the sentences name.
type WhyParams struct {
	// Of StartedAfterChange.
	Change  string     `json:"change,omitempty"` // ID
	Actor   string     `json:"actor,omitempty"`
	At      time.Time  `json:"at,omitzero"`      // of the change
	Started time.Time  `json:"started,omitzero"` // first bad evaluation
	Refs    []mesh.Ref `json:"refs,omitempty"`   // what was changed
	// Of the others: the node B.
	Node      string `json:"node,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Share of the errors, or of the rise of the p95, that the sentence explains.
	Share float64 `json:"share"`
}

// What the sentences need before anybody says them. As in health.go, a table of
// tests holds these figures.
const (
	// afterChange is how soon after a change the first bad evaluation must be.
	afterChange = time.Minute
	// healthyBefore and requestsBefore are what must have gone well before it.
	healthyBefore  = 5 * time.Minute
	requestsBefore = 50
	// nearlyAll is the share of errors that must lie on what was changed, and the
	// share from which on a version is named.
	nearlyAll = 0.90
	// mostOf is the share of errors, or of the rise of the p95, that must lie on
	// the way to B.
	mostOf = 0.80
)

// Change is a set of objects that somebody changed at once.
type Change struct {
	ID    string
	At    time.Time
	Actor string
	Refs  []mesh.Ref
	// Services and Workloads that it acted on, as "namespace/name", besides those
	// that its objects act on in the snapshot: of objects that are gone.
	Services  []string
	Workloads []string
}

// Evidence is what the sentences are made from.
type Evidence struct {
	Snap     *mesh.Snapshot
	Graph    *Graph // that the samples are of
	Samples  map[string]Sample
	Memories map[string]Memory // after this evaluation
	History  *History
	Changes  []Change
}

// Explain finds the sentences of all that is degraded or failing, by the ID of
// the node or edge. What was said of a change stays as long as the state lasts.
func Explain(e Evidence) map[string][]Why {
	touched := make([]Targets, len(e.Changes))
	for i := range e.Changes {
		touched[i] = e.Changes[i].targets(e.Snap)
	}
	out := map[string][]Why{}
	services := map[string][]string{}
	because := map[string]string{}
	for i := range e.Graph.Nodes {
		n := &e.Graph.Nodes[i]
		services[n.ID] = n.Services
		if !e.Memories[n.ID].State.Bad() {
			continue
		}
		if w, ok := e.started(n.ID, Targets{n.Services, e.Graph.Workloads[n.ID]}, touched); ok {
			out[n.ID] = append(out[n.ID], w)
		}
		if w, ok := e.because(n.ID); ok {
			out[n.ID] = append(out[n.ID], w)
			because[n.ID] = w.Params.Node
		}
	}
	for i := range e.Graph.Edges {
		edge := &e.Graph.Edges[i]
		if !e.Memories[edge.ID].State.Bad() {
			continue
		}
		hosts := edge.Services
		if len(hosts) == 0 {
			hosts = services[edge.Target]
		}
		if w, ok := e.started(edge.ID, Targets{hosts, e.Graph.Workloads[edge.Target]}, touched); ok {
			out[edge.ID] = append(out[edge.ID], w)
		}
	}
	// Two that fail because of each other: nobody knows which one it is.
	for a, b := range because {
		if because[b] == a {
			out[a] = slices.DeleteFunc(out[a], func(w Why) bool { return w.Params.Node == b })
		}
	}
	return out
}

// targets is all that a change acted on.
func (c *Change) targets(snap *mesh.Snapshot) Targets {
	t := targets{snap: snap, hosts: map[string]bool{}, workloads: map[string]bool{}}
	for _, r := range c.Refs {
		t.add(r)
	}
	for _, w := range c.Workloads {
		t.workloads[w] = true
	}
	if len(c.Services) > 0 {
		for s := range snap.Services.Values() {
			if slices.Contains(c.Services, s.Namespace+"/"+s.Name) {
				t.hosts[s.Host] = true
			}
		}
	}
	return t.list()
}

// started says that an element became bad right after a change that acted on it.
func (e *Evidence) started(id string, own Targets, touched []Targets) (Why, bool) {
	m, s := e.Memories[id], e.Samples[id]
	for _, w := range m.Why {
		if w.Rule == StartedAfterChange && w.Params.Started.Equal(m.BadSince) {
			return w, true
		}
	}
	found := -1
	for i := range e.Changes {
		after := m.BadSince.Sub(e.Changes[i].At)
		if after < 0 || after > afterChange || !meet(own.Hosts, touched[i].Hosts) && !meet(own.Workloads, touched[i].Workloads) {
			continue
		}
		if found >= 0 {
			return Why{}, false // two changes: it may be either
		}
		found = i
	}
	if found < 0 {
		return Why{}, false
	}
	share := 1.0
	if !meet(own.Hosts, touched[found].Hosts) {
		share = errorsAt(e.Graph.Parts[id], touched[found].Workloads)
	}
	c := &e.Changes[found]
	if share < nearlyAll || !e.wasHealthy(id, c.At, s.Usual) {
		return Why{}, false
	}
	return Why{StartedAfterChange, WhyParams{Change: c.ID, Actor: c.Actor, At: c.At, Started: m.BadSince, Refs: c.Refs, Share: share}}, true
}

// errorsAt is the share of errors that lie on the workloads.
func errorsAt(arrived []Part, workloads []string) float64 {
	all, there := 0.0, 0.0
	for _, p := range arrived {
		all += p.Errors
		if slices.Contains(workloads, p.Namespace+"/"+p.Workload) {
			there += p.Errors
		}
	}
	if all == 0 {
		return 0
	}
	return there / all
}

// wasHealthy reports whether enough traffic went well before a time.
func (e *Evidence) wasHealthy(id string, at time.Time, usual *float64) bool {
	list, whole := e.History.before(id, at.Add(-healthyBefore), at)
	requests, errors := 0.0, 0.0
	for _, p := range list {
		requests += p.Requests
		errors += p.Errors
		s := Sample{Requests: p.Requests, Errors: p.Errors, P95: p.P95, Usual: usual, UsualOver: usualAfter}
		if p.Requests >= enough && len(s.reasons()) > 0 {
			return false
		}
	}
	return whole && requests >= requestsBefore && errors/requests < degradedShare
}

// because says that a node is bad because another one fails that it calls.
func (e *Evidence) because(id string) (Why, bool) {
	own := e.Samples[id]
	errors := 0.0
	for i := range e.Graph.Edges {
		if edge := &e.Graph.Edges[i]; edge.Source == id && edge.Target != id {
			errors += e.Samples[edge.ID].Errors
		}
	}
	failing, slow := false, false
	for _, r := range e.Memories[id].Reasons {
		failing = failing || r.Code != Slow && r.Code != NoEndpoints
		slow = slow || r.Code == Slow
	}
	var best Why
	for i := range e.Graph.Edges {
		edge := &e.Graph.Edges[i]
		if edge.Source != id || edge.Target == id || e.Memories[edge.Target].State != Failing {
			continue
		}
		there := e.Samples[edge.ID]
		rule, share := FailsBecauseOf, 0.0
		if failing && own.Errors > 0 && there.Errors > 0 {
			share = there.Errors / max(own.Errors, errors)
		}
		if slow && own.rise() > 0 {
			if rise := min(1, there.rise()/own.rise()); rise > share {
				rule, share = WaitsFor, rise
			}
		}
		if share >= mostOf && share > best.Params.Share {
			n, _ := e.Graph.Node(edge.Target)
			best = Why{rule, WhyParams{Node: n.ID, Name: n.Name, Namespace: n.Namespace, Share: share}}
		}
	}
	return best, best.Rule != ""
}

// rise is by how much the p95 is above the usual one, in milliseconds; 0 where
// either is not known.
func (s *Sample) rise() float64 {
	if s.P95 == nil || s.Usual == nil {
		return 0
	}
	return *s.P95 - *s.Usual
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
