package graph

import (
	"cmp"
	"maps"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
)

// parts are figures by the workload that was reached.
type parts map[workloadKey]*part

type part struct {
	version    string
	byProtocol map[Protocol]*figures
}

// of is the part that a link belongs to.
func (p parts) of(l *link) *figures {
	key := keyOf(l.Destination)
	if !l.Destination.Known() {
		key = workloadKey{}
	}
	return p.at(key, l.Destination.Version, l.Protocol)
}

func (p parts) at(key workloadKey, version string, protocol Protocol) *figures {
	found := p[key]
	if found == nil {
		found = &part{byProtocol: map[Protocol]*figures{}}
		p[key] = found
	}
	found.version = cmp.Or(found.version, version)
	if found.byProtocol[protocol] == nil {
		fresh := newFigures(protocol)
		found.byProtocol[protocol] = &fresh
	}
	return found.byProtocol[protocol]
}

func (p parts) merge(other parts) {
	for key, from := range other {
		for protocol, f := range from.byProtocol {
			p.at(key, from.version, protocol).merge(f)
		}
	}
}

// list is what flows, by cluster, namespace and workload.
func (p parts) list() []Part {
	var out []Part
	for key, of := range p {
		one := Part{Cluster: key.cluster, Namespace: key.namespace, Workload: key.workload, Version: of.version}
		all := newFigures(HTTP)
		for _, protocol := range slices.Sorted(maps.Keys(of.byProtocol)) {
			f := of.byProtocol[protocol]
			r := f.rates()
			one.Rate, one.Errors = round(one.Rate+r.Rate), round(one.Errors+r.Errors)
			all.merge(f)
		}
		if one.Rate > 0 {
			one.P95 = all.quantile(0.95)
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload))
	})
	return out
}

// versions joins what arrived at workloads with the pods that are there now.
func versions(arrived []Part, pods []*mesh.Workload) []Version {
	found := map[workloadKey]*Version{}
	at := func(key workloadKey, version string) *Version {
		if found[key] == nil {
			found[key] = &Version{Workload: key.workload, Namespace: key.namespace, Cluster: key.cluster}
		}
		found[key].Version = cmp.Or(found[key].Version, version)
		return found[key]
	}
	for _, w := range pods {
		v := at(keyOf(peerOf(w.WorkloadFacts)), w.Revision)
		if w.Terminating {
			continue
		}
		v.Pods++
		if w.Ready {
			v.Ready++
		}
	}
	total := 0.0
	for _, p := range arrived {
		if p.Workload == "" {
			continue
		}
		total += p.Rate
		v := at(workloadKey{p.Cluster, p.Namespace, p.Workload}, p.Version)
		v.Rate, v.P95, v.ErrorShare = p.Rate, p.P95, round(p.Errors/p.Rate)
	}
	var out []Version
	for _, v := range found {
		if v.Pods == 0 && v.Rate == 0 {
			continue // on its way out
		}
		if total > 0 {
			v.Share = round(v.Rate / total)
		}
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Version) int {
		return cmp.Or(mesh.CompareVersions(a.Version, b.Version), cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Cluster, b.Cluster))
	})
	return out
}

func workloadNames(pods []*mesh.Workload) []string {
	names := map[string]bool{}
	for _, w := range pods {
		names[w.Namespace+"/"+w.WorkloadFacts.Workload] = true
	}
	return slices.Sorted(maps.Keys(names))
}
