package graph

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// link is traffic from one end to another that is to be counted: what is left
// after both reporters were reconciled. One link holds one response of requests,
// one histogram, or one figure of TCP.
type link struct {
	Flow
	// caller is set where the source is known by its address only.
	caller    netip.Addr
	responses []Response
	buckets   []Bucket
	tcp       Connections
}

// weight is what the link counts: requests, connections, bytes.
func (l *link) weight() float64 {
	w := l.tcp.Opened + l.tcp.Closed + l.tcp.Sent + l.tcp.Received
	for _, r := range l.responses {
		w += r.Rate
	}
	return w
}

// calls is the rate of requests or new connections.
func (l *link) calls() float64 {
	w := l.tcp.Opened
	for _, r := range l.responses {
		w += r.Rate
	}
	return w
}

// silent reports that nothing flows: the series is only remembered.
func (l *link) silent() bool {
	return l.weight() == 0 && (len(l.buckets) == 0 || l.buckets[len(l.buckets)-1].Rate == 0)
}

// scaled is the same link with all figures multiplied.
func (l *link) scaled(by float64) link {
	out := *l
	out.responses = make([]Response, len(l.responses))
	for i, r := range l.responses {
		r.Rate *= by
		out.responses[i] = r
	}
	out.buckets = make([]Bucket, len(l.buckets))
	for i, b := range l.buckets {
		out.buckets[i] = Bucket{LE: b.LE, Rate: b.Rate * by}
	}
	out.tcp.Opened *= by
	out.tcp.Closed *= by
	out.tcp.Sent *= by
	out.tcp.Received *= by
	return out
}

// workloadKey names a workload without the facts that change with its template.
type workloadKey struct{ cluster, namespace, workload string }

func keyOf(p Peer) workloadKey { return workloadKey{p.Cluster, p.Namespace, p.Workload} }

// pair is what both reporters of a call agree on.
type pair struct {
	source, destination workloadKey
	protocol            Protocol
}

func (l *link) pair() pair { return pair{keyOf(l.Source), keyOf(l.Destination), l.Protocol} }

// inbound is the receiving half of a pair.
type inbound struct {
	destination workloadKey
	protocol    Protocol
}

func (l *link) inbound() inbound { return inbound{keyOf(l.Destination), l.Protocol} }

// LocalFlags are those with which the source's own proxy answers: the
// destination never saw the request, so that only the source reports it.
func LocalFlags() []string {
	return []string{"UF", "UH", "NR", "NC", "UO", "FI", "RL", "UAEX", "RLSE", "DF", "IH", "NFCF", "OM", "DO"}
}

// atSource reports whether the destination cannot have seen the traffic, or is
// nobody who reports.
func (l *link) atSource(flags string) bool {
	if l.Reporter != BySource {
		return false
	}
	if !l.Destination.Known() {
		return true
	}
	for flag := range strings.SplitSeq(flags, ",") {
		if slices.Contains(LocalFlags(), flag) {
			return true
		}
	}
	return false
}

// links turns traffic into single figures, names the source of plaintext by
// its address, and drops whatever the other end reports as well.
func links(snap *mesh.Snapshot, t Traffic) []link {
	var destination, source, local []link
	take := func(l link, flags string) {
		l.settle(snap)
		switch {
		case l.atSource(flags):
			local = append(local, l)
		case l.Reporter == BySource:
			source = append(source, l)
		default:
			destination = append(destination, l)
		}
	}
	for _, r := range t.Requests {
		take(link{Flow: r.Flow, responses: []Response{{Code: r.Code, GRPC: r.GRPC, Flags: r.Flags, Rate: r.Rate}}}, r.Flags)
	}
	for _, c := range t.Connections {
		take(link{Flow: c.Flow, tcp: c}, c.Flags)
	}
	for _, d := range t.Durations {
		take(link{Flow: d.Flow, buckets: d.Buckets}, "")
	}
	destination = nameCallers(snap, destination, t.Callers)

	reported := map[pair]bool{}
	for i := range destination {
		if l := &destination[i]; l.weight() > 0 && (l.Source.Known() || l.caller.IsValid()) {
			reported[l.pair()] = true
		}
	}
	// What only the source reports although the destination reports too was
	// plaintext: the destination counted it under an unknown source.
	out := local
	hidden := map[inbound]float64{}
	for _, l := range source {
		if reported[l.pair()] {
			continue
		}
		hidden[l.inbound()] += l.calls()
		out = append(out, l)
	}
	return append(out, uncover(destination, hidden)...)
}

// settle fills in the cluster where the reporter did not know it: that of the
// other end, or the local one.
func (l *link) settle(snap *mesh.Snapshot) {
	fill := func(p, other *Peer) {
		if p.Known() && p.Cluster == "" {
			if p.Cluster = other.Cluster; p.Cluster == "" {
				p.Cluster = snap.Settings.Cluster
			}
		}
	}
	fill(&l.Source, &l.Destination)
	fill(&l.Destination, &l.Source)
}

// uncover takes away from unknown sources what a known source reports of the
// same destination.
func uncover(destination []link, hidden map[inbound]float64) []link {
	total := map[inbound]float64{}
	for i := range destination {
		if l := &destination[i]; l.anonymous() {
			total[l.inbound()] += l.calls()
		}
	}
	out := destination[:0]
	for _, l := range destination {
		if h, all := hidden[l.inbound()], total[l.inbound()]; l.anonymous() && h > 0 && all > 0 {
			if h >= all {
				continue
			}
			l = l.scaled(1 - h/all)
		}
		out = append(out, l)
	}
	return out
}

// anonymous links come from a source that nobody could name.
func (l *link) anonymous() bool {
	return l.Reporter == ByDestination && !l.Source.Known() && !l.caller.IsValid() && l.Security != MutualTLS
}

// nameCallers gives the unknown sources of plaintext their names: exactly the
// share of each unknown figure that its caller counted moves to the caller.
func nameCallers(snap *mesh.Snapshot, destination []link, callers []Caller) []link {
	if len(callers) == 0 {
		return destination
	}
	owners := ownersByAddress(snap)
	type ending struct {
		inbound
		code, grpc, flags string
	}
	counted := map[ending]float64{} // what destinations report of unknown sources
	whole := map[inbound]float64{}
	for i := range destination {
		l := &destination[i]
		if !l.anonymous() {
			continue
		}
		for _, r := range l.responses {
			counted[ending{l.inbound(), r.Code, r.GRPC, r.Flags}] += r.Rate
		}
		whole[l.inbound()] += l.calls()
	}
	claimed := map[ending]float64{}
	claimedWhole := map[inbound]float64{}
	byEnding := map[ending][]Caller{}
	byInbound := map[inbound][]Caller{}
	out := make([]link, 0, len(destination)+len(callers))
	for _, c := range callers {
		l := callerLink(snap, owners, c)
		if whole[l.inbound()] == 0 {
			out = append(out, l) // a gateway: it reports what it sends on, not what comes in
			continue
		}
		e := ending{l.inbound(), c.Code, c.GRPC, c.Flags}
		claimed[e] += c.Rate
		claimedWhole[l.inbound()] += c.Rate
		byEnding[e] = append(byEnding[e], c)
		byInbound[l.inbound()] = append(byInbound[l.inbound()], c)
	}
	for _, l := range destination {
		if !l.anonymous() || len(byInbound[l.inbound()]) == 0 {
			out = append(out, l)
			continue
		}
		from, all := byInbound[l.inbound()], max(whole[l.inbound()], claimedWhole[l.inbound()])
		if len(l.responses) == 1 {
			r := l.responses[0]
			e := ending{l.inbound(), r.Code, r.GRPC, r.Flags}
			if exact := byEnding[e]; len(exact) > 0 {
				from, all = exact, max(counted[e], claimed[e])
			} else {
				from = anyEnding(from)
			}
		}
		left := 1.0
		for _, c := range from {
			share := c.Rate / all
			if share <= 0 {
				continue
			}
			named := l.scaled(share)
			named.nameSource(snap, owners, c.Address)
			out = append(out, named)
			left -= share
		}
		if left > 1e-9 {
			out = append(out, l.scaled(left))
		}
	}
	return out
}

// anyEnding keeps the callers that count requests however they ended.
func anyEnding(list []Caller) []Caller {
	var out []Caller
	for _, c := range list {
		if c.Code == "" {
			out = append(out, c)
		}
	}
	return out
}

func callerLink(snap *mesh.Snapshot, owners map[netip.Addr]Peer, c Caller) link {
	l := link{Flow: Flow{
		Reporter: ByDestination, Destination: c.Destination, Service: c.Service,
		Protocol: c.Protocol, Security: Plaintext,
	}}
	if c.Protocol == TCP {
		l.tcp.Opened = c.Rate
	} else {
		l.responses = []Response{{Code: c.Code, GRPC: c.GRPC, Flags: c.Flags, Rate: c.Rate}}
	}
	l.nameSource(snap, owners, c.Address)
	return l
}

// nameSource sets the source to the owner of an address, or to the address.
func (l *link) nameSource(snap *mesh.Snapshot, owners map[netip.Addr]Peer, a netip.Addr) {
	if p, ok := owners[a]; ok {
		l.Source = p
	} else {
		l.caller = a
	}
	l.settle(snap)
}

// ownersByAddress maps the addresses of pods to their workloads.
func ownersByAddress(snap *mesh.Snapshot) map[netip.Addr]Peer {
	owners := make(map[netip.Addr]Peer, snap.Workloads.Len())
	for w := range snap.Workloads.Values() {
		if w.Address.IsValid() {
			owners[w.Address] = peerOf(w.WorkloadFacts)
		}
	}
	return owners
}

func peerOf(w mesh.WorkloadFacts) Peer {
	return Peer{Cluster: w.Cluster, Namespace: w.Namespace, Workload: w.Workload, App: w.Canonical, Version: w.Revision}
}
