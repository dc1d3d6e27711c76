package translate

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
)

// remembered is for how many snapshots a Planner keeps its plans: the one in
// force, and the one before it or a preview of a change.
const remembered = 2

// Planner implements xds.Planner. The zero value is ready to use, by several
// goroutines. What it remembers, by snapshot and class of proxies, changes no
// answer.
type Planner struct {
	mu     sync.Mutex
	recent []*snapshotPlans // newest first
}

var _ xds.Planner = (*Planner)(nil)

// Plan is what a proxy gets. Proxies of one class get the very same plan.
func (p *Planner) Plan(snap *mesh.Snapshot, proxy xds.Proxy) (*xds.Plan, []mesh.Finding) {
	plans := p.of(snap)
	plans.mu.Lock()
	defer plans.mu.Unlock()
	made := plans.plan(proxy)
	return made.plan, made.findings
}

func (p *Planner) of(snap *mesh.Snapshot) *snapshotPlans {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.recent, func(s *snapshotPlans) bool { return s.snap == snap })
	if i < 0 {
		fresh := &snapshotPlans{snap: snap, clusters: newClusterMemo(snap), shared: map[mesh.Hash]sharedParts{}, plans: map[mesh.Hash]planned{}}
		p.recent = append([]*snapshotPlans{fresh}, p.recent[:min(len(p.recent), remembered-1)]...)
		return fresh
	}
	return p.recent[i]
}

// snapshotPlans holds the plans that were made of one snapshot.
type snapshotPlans struct {
	snap *mesh.Snapshot

	mu       sync.Mutex
	index    *scope.Index
	clusters clusterMemo
	shared   map[mesh.Hash]sharedParts
	plans    map[mesh.Hash]planned
}

type planned struct {
	plan     *xds.Plan
	findings []mesh.Finding
}

// sharedParts is what depends on the view alone, not on which of its proxies
// asks.
type sharedParts struct {
	view  *scope.View
	parts []xds.Part
}

func (s *snapshotPlans) plan(proxy xds.Proxy) planned {
	if s.index == nil {
		s.index = scope.NewIndex(s.snap)
	}
	asker := scope.Asker{Namespace: proxy.Namespace, Gateway: proxy.Role == xds.Gateway}
	if proxy.Workload != nil {
		asker.Labels = proxy.Workload.Labels
	}
	view := s.index.For(asker)
	class := view.Class()
	template := templateOf(proxy)
	key := mesh.HashOf(class.String(), template.String())
	if have, ok := s.plans[key]; ok {
		return have
	}
	shared, ok := s.shared[class]
	if !ok {
		shared = sharedParts{view: view, parts: s.makeShared(view, proxy.Role)}
		s.shared[class] = shared
	}
	parts, findings := slices.Clone(shared.parts), []mesh.Finding(nil)
	if proxy.Workload != nil {
		own := proxyParts{snap: s.snap, view: shared.view, workload: proxy.Workload, facts: proxy.Workload.WorkloadFacts}
		var more []xds.Part
		more, findings = own.parts(proxy.Role)
		parts = append(parts, more...)
	}
	slices.SortStableFunc(parts, xds.Part.Compare)
	made := planned{plan: &xds.Plan{Revision: s.snap.Revision, Parts: parts}, findings: findings}
	s.plans[key] = made
	return made
}

// makeShared are clusters, endpoints, and outbound or gateway routes.
func (s *snapshotPlans) makeShared(v *scope.View, role xds.Role) []xds.Part {
	parts := append([]xds.Part{runtimeLayer()}, fixedClusters(role)...)
	parts = append(parts, s.clusters.of(v)...)
	if role == xds.Gateway {
		return append(parts, gatewayRoutes(v, s.snap)...)
	}
	return append(parts, outboundRoutes(v, s.snap)...)
}

// templateOf digests what the parts of a single proxy read of its workload:
// equal for all pods of a template.
func templateOf(proxy xds.Proxy) mesh.Hash {
	w := proxy.Workload
	if w == nil {
		return mesh.HashOf("no workload", string(proxy.Role))
	}
	parts := []string{string(proxy.Role), factsText(w.WorkloadFacts), labelText(w.Labels)}
	for _, p := range w.Ports {
		parts = append(parts, p.Name, number(p.Number))
	}
	return mesh.HashOf(parts...)
}

func factsText(f mesh.WorkloadFacts) string { return fmt.Sprintf("%q", f) }

// proxyParts makes what belongs to one proxy, or to all of its template.
type proxyParts struct {
	snap     *mesh.Snapshot
	view     *scope.View
	workload *mesh.Workload
	facts    mesh.WorkloadFacts
}

func (p proxyParts) parts(role xds.Role) ([]xds.Part, []mesh.Finding) {
	if role == xds.Gateway {
		return p.gatewayListeners()
	}
	return append(p.outboundListeners(), p.inbound()...), nil
}

// listener is the part of one listener. Besides what reads lists, a listener
// reads its name, the facts of the workload and the share of traces.
func (p proxyParts) listener(name string, from []mesh.Ref, reads []string, build func() *listenerv3.Listener) xds.Part {
	return xds.Part{
		Type: xds.ListenerType, Name: name, From: from,
		Key:  digest("listener", append([]string{name, factsText(p.facts), fmt.Sprint(p.snap.Settings.TraceSampling)}, reads...)...),
		Make: func() (proto.Message, []mesh.Finding) { return build(), nil },
	}
}

// cidr reads a range; nil when there is none.
func cidr(text string) *corev3.CidrRange {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil
	}
	return &corev3.CidrRange{AddressPrefix: prefix.Addr().String(), PrefixLen: wrapperspb.UInt32(uint32(prefix.Bits()))}
}

func dedupe(refs []mesh.Ref) []mesh.Ref {
	sorted := slices.Clone(refs)
	slices.SortFunc(sorted, mesh.CompareRefs)
	return slices.Compact(sorted)
}
