package mesh

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// serviceEntries turns ServiceEntries into drafts, the oldest first: of two
// that define one host, the older decides.
func (d *deriver) serviceEntries(kinds map[Kind][]*Object) {
	entries := slices.Clone(kinds[KindServiceEntry])
	slices.SortStableFunc(entries, func(a, b *Object) int {
		return cmp.Or(a.Created.Compare(b.Created), a.Ref.Compare(b.Ref))
	})
	for _, o := range entries {
		se, ok := o.Spec.(*networking.ServiceEntry)
		if !ok {
			continue
		}
		for _, host := range se.Hosts {
			dr := d.add(d.entryService(o, se, strings.ToLower(host)))
			for _, name := range se.SubjectAltNames {
				if strings.HasPrefix(name, "spiffe://") {
					dr.accounts[name] = true
				}
			}
			d.entryEndpoints(dr, o, se, kinds[KindWorkloadEntry])
		}
	}
}

func (d *deriver) entryService(o *Object, se *networking.ServiceEntry, host string) *Service {
	svc := &Service{
		Host: host, Name: o.Name, Namespace: o.Namespace, Clusters: []string{d.set.Cluster},
		External:   se.Location == networking.ServiceEntry_MESH_EXTERNAL,
		Resolution: resolutionOf(se.Resolution),
		Selector:   se.GetWorkloadSelector().GetLabels(),
		Labels:     o.Labels, Annotations: o.Annotations,
		ExportTo: se.ExportTo, From: []Ref{o.Ref},
	}
	for _, text := range se.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			svc.Addresses = append(svc.Addresses, a)
		} else if p, err := netip.ParsePrefix(text); err == nil && p.IsSingleIP() {
			svc.Addresses = append(svc.Addresses, p.Addr())
		}
	}
	for _, p := range se.Ports {
		port := ServicePort{Name: p.Name, Number: p.Number, TargetPort: cmp.Or(p.TargetPort, p.Number)}
		if port.Protocol = ParseProtocol(p.Protocol); p.Protocol == "" {
			port.Protocol = PortProtocol("", "", p.Name, p.Number)
		}
		if portIndex(svc.Ports, port.Number) < 0 {
			svc.Ports = append(svc.Ports, port)
		}
	}
	return svc
}

func resolutionOf(r networking.ServiceEntry_Resolution) Resolution {
	switch r {
	case networking.ServiceEntry_STATIC:
		return ResolveEndpoints
	case networking.ServiceEntry_DNS:
		return ResolveDNS
	case networking.ServiceEntry_DNS_ROUND_ROBIN:
		return ResolveDNSRoundRobin
	case networking.ServiceEntry_DYNAMIC_DNS:
		return ResolveDynamicDNS
	default:
		return ResolveNone
	}
}

// entryEndpoints adds the endpoints of a ServiceEntry: those written in it,
// those its selector finds, or its own host name when that is to be resolved.
func (d *deriver) entryEndpoints(dr *draft, o *Object, se *networking.ServiceEntry, entries []*Object) {
	resolution := resolutionOf(se.Resolution)
	if resolution == ResolveNone || resolution == ResolveDynamicDNS {
		return
	}
	for _, written := range se.Ports {
		port, ok := dr.svc.Port(written.Number)
		if !ok {
			continue
		}
		port.Name, port.TargetPort = written.Name, cmp.Or(written.TargetPort, written.Number)
		for _, we := range se.Endpoints {
			d.takeEntry(dr, port, o.Namespace, o.Name, we.Labels, we)
		}
		selector := se.GetWorkloadSelector().GetLabels()
		if len(selector) > 0 {
			d.selectedEndpoints(dr, port, o.Namespace, selector, entries)
		}
		if len(se.Endpoints) == 0 && len(selector) == 0 && resolution != ResolveEndpoints {
			d.take(dr, port.Number, Endpoint{Hostname: dr.svc.Host, Port: port.TargetPort, Cluster: d.set.Cluster})
		}
	}
}

func (d *deriver) selectedEndpoints(dr *draft, port ServicePort, namespace string, selector map[string]string, entries []*Object) {
	for _, s := range d.pods.selected(namespace, selector) {
		dr.accounts[d.account(namespace, s.account)] = true
		w := s.workload
		if w == nil || !w.Address.IsValid() {
			continue
		}
		e := Endpoint{
			Address: w.Address, Port: port.TargetPort, Locality: w.Locality, Network: w.Network, Cluster: w.Cluster,
			Meshed: w.Meshed && !w.Gateway, Labels: w.Labels, Workload: w.WorkloadFacts, UID: w.UID, Health: NotReady,
		}
		switch {
		case w.Terminating && w.Ready:
			e.Health = Draining
		case w.Ready:
			e.Health = Ready
		}
		d.take(dr, port.Number, e)
	}
	for _, o := range entries {
		we, ok := o.Spec.(*networking.WorkloadEntry)
		if ok && o.Namespace == namespace && matches(selector, entryLabels(o, we)) {
			d.takeEntry(dr, port, namespace, o.Name, entryLabels(o, we), we)
		}
	}
}

// entryLabels are the labels that selectors see: those of the spec over those
// of the object.
func entryLabels(o *Object, we *networking.WorkloadEntry) map[string]string {
	if len(we.Labels) == 0 {
		return o.Labels
	}
	if len(o.Labels) == 0 {
		return we.Labels
	}
	all := maps.Clone(o.Labels)
	maps.Copy(all, we.Labels)
	return all
}

// takeEntry adds one workload that is no pod. Addresses that are unix sockets
// belong to other proxies and are left out.
func (d *deriver) takeEntry(dr *draft, port ServicePort, namespace, name string, labels map[string]string, we *networking.WorkloadEntry) {
	e := Endpoint{
		Port:     cmp.Or(we.Ports[port.Name], port.TargetPort, port.Number),
		Locality: ParseLocality(we.Locality), Network: we.Network, Cluster: d.set.Cluster,
		Weight: we.Weight, Labels: labels,
		Meshed:   labels[LabelTLSMode] == "istio" && !dr.svc.External,
		Workload: FactsOf(d.set.Cluster, namespace, name, labels, we.ServiceAccount),
	}
	if we.Locality == "" {
		e.Locality = localityOf(labels)
	}
	addr, err := netip.ParseAddr(we.Address)
	switch {
	case err == nil:
		e.Address = addr
	case we.Address == "" || strings.HasPrefix(we.Address, "unix://"):
		return
	case dr.svc.Resolution == ResolveDNS || dr.svc.Resolution == ResolveDNSRoundRobin:
		e.Hostname = we.Address
	default:
		return
	}
	d.take(dr, port.Number, e)
}
