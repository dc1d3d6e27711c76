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
		fresh := &snapshotPlans{snap: snap, clusters: newClusterMemo(snap), shared: map[mesh.Hash]*shared{}, plans: map[mesh.Hash]planned{}}
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
	services selectedServices
	clusters clusterMemo
	shared   map[mesh.Hash]*shared
	plans    map[mesh.Hash]planned
}

type planned struct {
	plan     *xds.Plan
	findings []mesh.Finding
}

// shared is what depends on the view alone, not on which of its proxies asks.
type shared struct {
	view      *scope.View
	base      *xds.Plan
	routed    []uint32      // ports that are declared as HTTP, of sidecars
	addresses []addressPort // of sidecars
}

func (s *snapshotPlans) plan(proxy xds.Proxy) planned {
	if s.index == nil {
		s.index, s.services = scope.NewIndex(s.snap), newSelectedServices(s.snap)
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
	common, ok := s.shared[class]
	if !ok {
		common = s.share(view, proxy.Role)
		s.shared[class] = common
	}
	made := planned{plan: &xds.Plan{Revision: s.snap.Revision, Base: common.base}}
	if proxy.Workload != nil {
		own := proxyParts{
			snap: s.snap, shared: common, services: s.services,
			workload: proxy.Workload, facts: proxy.Workload.WorkloadFacts,
		}
		made.plan.Parts, made.findings = own.parts(proxy.Role)
		slices.SortStableFunc(made.plan.Parts, xds.Part.Compare)
	}
	s.plans[key] = made
	return made
}

// share makes what all proxies of a view have in common: clusters, endpoints,
// and outbound or gateway routes.
func (s *snapshotPlans) share(v *scope.View, role xds.Role) *shared {
	parts := append([]xds.Part{runtimeLayer()}, fixedClusters(role)...)
	parts = append(parts, s.clusters.of(v)...)
	made := &shared{view: v}
	if role == xds.Gateway {
		parts = append(parts, gatewayRoutes(v, s.snap)...)
	} else {
		parts = append(parts, outboundRoutes(v, s.snap)...)
		made.routed, _ = routedPorts(v)
		made.addresses = addressPorts(v, s.snap)
	}
	slices.SortStableFunc(parts, xds.Part.Compare)
	made.base = &xds.Plan{Revision: s.snap.Revision, Parts: parts}
	return made
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
	*shared
	snap     *mesh.Snapshot
	services selectedServices
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
