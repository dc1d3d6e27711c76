package graph

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
)

// Names that stand for a service where the proxy knew none.
const (
	passthrough = "PassthroughCluster"
	blackhole   = "BlackHoleCluster"
)

// IDs of the nodes for ends that nobody could name. They are two, so that
// unrelated traffic does not meet in one node.
const (
	UnknownSource      = "unknown/source"
	UnknownDestination = "unknown/destination"
)

// atlas knows where each end of a link belongs in one type of graph.
type atlas struct {
	kind Type
	snap *mesh.Snapshot
	// hosts are the services that select a workload, sorted by host.
	hosts map[workloadKey][]*mesh.Service
	// pods are the instances of a workload that have not ended.
	pods map[workloadKey][]*mesh.Workload
	// answering are the nodes of the workloads that answer for a host: those that
	// its service selects, and those that the traffic found there.
	answering map[string]map[string]Node
	// standing are the IDs of the nodes that workloads stand behind now.
	standing map[string]bool
}

func newAtlas(snap *mesh.Snapshot, kind Type) *atlas {
	a := &atlas{
		kind: kind, snap: snap, hosts: map[workloadKey][]*mesh.Service{}, pods: map[workloadKey][]*mesh.Workload{},
		answering: map[string]map[string]Node{}, standing: map[string]bool{},
	}
	byNamespace := map[string][]*mesh.Service{}
	for s := range snap.Services.Values() {
		if len(s.Selector) > 0 {
			byNamespace[s.Namespace] = append(byNamespace[s.Namespace], s)
		}
	}
	for w := range snap.Workloads.Values() {
		if w.Phase == "Succeeded" || w.Phase == "Failed" || w.Workload == "" {
			continue
		}
		key := keyOf(peerOf(w.WorkloadFacts))
		a.pods[key] = append(a.pods[key], w)
		for _, s := range byNamespace[w.Namespace] {
			if selects(s.Selector, w.Labels) && !slices.Contains(a.hosts[key], s) {
				a.hosts[key] = append(a.hosts[key], s)
			}
		}
	}
	for id := range a.members() {
		a.standing[id] = true
	}
	for _, list := range a.hosts {
		slices.SortFunc(list, func(x, y *mesh.Service) int { return cmp.Compare(x.Host, y.Host) })
	}
	return a
}

// learn notes who answers for each host, so that calls which reached nobody can
// be shown where the others ended.
func (a *atlas) learn(all []link) {
	if a.kind == ByService {
		return // each service is a node already
	}
	note := func(host string, n Node) {
		if a.answering[host] == nil {
			a.answering[host] = map[string]Node{}
		}
		a.answering[host][n.ID] = n
	}
	for key, services := range a.hosts {
		for _, w := range a.pods[key] {
			for _, s := range services {
				note(s.Host, a.workload(peerOf(w.WorkloadFacts)))
			}
		}
	}
	for i := range all {
		if l := &all[i]; l.Destination.Known() && l.Service.Host != "" && !l.silent() {
			note(l.Service.Host, a.workload(l.Destination))
		}
	}
}

// exists reports whether a node is there whatever the traffic says. The others
// are worth showing only while something flows: a caller's address, a workload
// that is gone, the service that calls were meant for which reached nobody,
// while its workloads are nodes of their own.
func (a *atlas) exists(n Node) bool {
	switch n.Kind {
	case KindService:
		host := n.Services[0]
		_, known := a.snap.Services.Get(host)
		return known && len(a.answering[host]) == 0
	case KindWorkload, KindApp, KindVersionedApp:
		return a.standing[n.ID]
	}
	return false
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// source is the node that a link starts from.
func (a *atlas) source(l *link) Node {
	switch {
	case l.Source.Known():
		if a.kind == ByService {
			if s := a.serviceOf(l.Source); s != nil {
				return a.service(ServiceName{Host: s.Host, Name: s.Name, Namespace: s.Namespace})
			}
		}
		return a.workload(l.Source)
	case l.caller.IsValid():
		return address(l.caller)
	default:
		return Node{ID: UnknownSource, Kind: KindUnknown, Name: "unknown"}
	}
}

// target is the node that a link ends at.
func (a *atlas) target(l *link) Node {
	if name := l.Service.Name; name == passthrough || name == blackhole {
		if !l.Destination.Known() {
			return Node{ID: "outside/" + name, Kind: KindOutside, Name: name, External: true}
		}
	}
	if !l.Destination.Known() {
		if l.Service.Host == "" {
			return Node{ID: UnknownDestination, Kind: KindUnknown, Name: "unknown"}
		}
		if behind := a.answering[l.Service.Host]; len(behind) == 1 {
			for _, n := range behind {
				return n
			}
		}
		return a.service(l.Service)
	}
	if a.kind == ByService {
		if l.Service.Host != "" && l.Service.Name != passthrough {
			return a.service(l.Service)
		}
		if s := a.serviceOf(l.Destination); s != nil {
			return a.service(ServiceName{Host: s.Host, Name: s.Name, Namespace: s.Namespace})
		}
	}
	return a.workload(l.Destination)
}

// workload is the node of a workload in this type of graph. A reporter that knew
// the workload but not its labels means the same workload all the same.
func (a *atlas) workload(p Peer) Node {
	if pods := a.pods[keyOf(p)]; p.App == "" && len(pods) > 0 {
		p = peerOf(pods[0].WorkloadFacts)
	}
	n := Node{Cluster: p.Cluster, Namespace: p.Namespace, App: p.App, Version: p.Version}
	switch {
	case a.kind == ByApp && p.App != "":
		n.Kind, n.Name, n.Version = KindApp, p.App, ""
		n.ID = id("app", p.Cluster, p.Namespace, p.App)
	case a.kind == ByVersionedApp && p.App != "":
		n.Kind, n.Name = KindVersionedApp, p.App
		if p.Version != "" && p.Version != "latest" {
			n.Name += " " + p.Version
		}
		n.ID = id("app", p.Cluster, p.Namespace, p.App, p.Version)
	default:
		n.Kind, n.Name, n.Workload = KindWorkload, p.Workload, p.Workload
		n.ID = id("workload", p.Cluster, p.Namespace, p.Workload)
	}
	return n
}

// service is the node of a service.
func (a *atlas) service(name ServiceName) Node {
	n := Node{
		ID: id("service", name.Host), Kind: KindService, Name: cmp.Or(name.Name, name.Host),
		Namespace: name.Namespace, Services: []string{name.Host},
	}
	if s, ok := a.snap.Services.Get(name.Host); ok {
		n.External, n.Namespace, n.Name = s.External, s.Namespace, cmp.Or(s.Name, n.Name)
	} else {
		// Not ours: an address, or a host that was only ever named in a request.
		n.External = !strings.HasSuffix(name.Host, ".svc."+a.snap.Settings.ClusterDomain)
	}
	if n.External {
		n.Name = name.Host
	}
	return n
}

// serviceOf picks the service that a workload's own calls are shown under: the
// one named like its canonical service, else the first.
func (a *atlas) serviceOf(p Peer) *mesh.Service {
	list := a.hosts[keyOf(p)]
	for _, s := range list {
		if s.Name == p.App {
			return s
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return nil
}

func address(a netip.Addr) Node {
	return Node{ID: id("address", a.String()), Kind: KindAddress, Name: a.String()}
}

// id joins the parts of a node's ID. Names in Kubernetes hold no slash; those
// of others lose theirs.
func id(parts ...string) string {
	clean := make([]string, len(parts))
	for i, p := range parts {
		clean[i] = strings.ReplaceAll(p, "/", "_")
	}
	return strings.Join(clean, "/")
}

// members maps each node of workloads (not services) to the workloads in it.
func (a *atlas) members() map[string][]workloadKey {
	out := map[string][]workloadKey{}
	for _, key := range a.workloadKeys() {
		seen := map[string]bool{}
		for _, w := range a.pods[key] {
			n := a.workload(peerOf(w.WorkloadFacts))
			if !seen[n.ID] {
				seen[n.ID] = true
				out[n.ID] = append(out[n.ID], key)
			}
		}
	}
	return out
}

func (a *atlas) workloadKeys() []workloadKey {
	return slices.SortedFunc(maps.Keys(a.pods), func(x, y workloadKey) int {
		return cmp.Or(cmp.Compare(x.cluster, y.cluster), cmp.Compare(x.namespace, y.namespace), cmp.Compare(x.workload, y.workload))
	})
}

// decorate adds what the snapshot knows of a node at this moment, and lists the
// pods that the node stands for.
func (a *atlas) decorate(n *Node, members map[string][]workloadKey) (pods []*mesh.Workload) {
	hosts := map[string]bool{}
	for _, h := range n.Services {
		hosts[h] = true
	}
	switch n.Kind {
	case KindService:
		s, ok := a.snap.Services.Get(n.Services[0])
		if !ok || len(s.Selector) == 0 {
			return nil
		}
		for _, key := range a.workloadKeys() {
			if key.namespace == s.Namespace && slices.Contains(a.hosts[key], s) {
				pods = append(pods, a.pods[key]...)
			}
		}
	case KindWorkload, KindApp, KindVersionedApp:
		for _, key := range members[n.ID] {
			for _, w := range a.pods[key] {
				if a.workload(peerOf(w.WorkloadFacts)).ID == n.ID {
					pods = append(pods, w)
				}
			}
			for _, s := range a.hosts[key] {
				hosts[s.Host] = true
			}
		}
	}
	if len(hosts) > 0 {
		n.Services = slices.Sorted(maps.Keys(hosts))
	}
	meshed := len(pods) > 0
	for _, w := range pods {
		meshed = meshed && (w.Meshed || w.Gateway)
		n.Gateway = n.Gateway || w.Gateway
		if w.Terminating {
			continue
		}
		n.Pods.Total++
		if w.Ready {
			n.Pods.Ready++
		}
	}
	n.Meshed = meshed
	return pods
}
