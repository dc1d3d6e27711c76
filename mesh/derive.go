package mesh

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// derived are the tables that Build makes from objects.
type derived struct {
	services  Table[string, *Service]
	workloads Table[string, *Workload]
	endpoints Table[EndpointKey, *EndpointList]
}

// draft is a service in the making. Definitions of one host are merged into
// one draft: the first decides, later ones add ports and endpoints.
type draft struct {
	svc       *Service
	endpoints map[uint32][]Endpoint // by service port
	accounts  map[string]bool
}

type deriver struct {
	set    Settings
	pods   *podIndex
	drafts map[string]*draft
}

// derive makes services, workloads and endpoints. Each step goes over objects
// in their order, so that its result does not depend on the order of input.
func derive(set Settings, kinds map[Kind][]*Object) derived {
	d := &deriver{set: set, drafts: map[string]*draft{}}
	d.pods = d.indexPods(kinds)
	d.kubeServices(kinds)
	d.serviceEntries(kinds)
	return d.tables()
}

// add merges a definition into the draft of its host.
func (d *deriver) add(svc *Service) *draft {
	dr, ok := d.drafts[svc.Host]
	if !ok {
		dr = &draft{svc: svc, endpoints: map[uint32][]Endpoint{}, accounts: map[string]bool{}}
		d.drafts[svc.Host] = dr
		return dr
	}
	dr.svc.From = append(dr.svc.From, svc.From...)
	for _, p := range svc.Ports {
		if _, has := dr.svc.Port(p.Number); !has {
			dr.svc.Ports = append(dr.svc.Ports, p)
		}
	}
	for _, a := range svc.Addresses {
		if !slices.Contains(dr.svc.Addresses, a) {
			dr.svc.Addresses = append(dr.svc.Addresses, a)
		}
	}
	return dr
}

// account is the SPIFFE identity of a service account.
func (d *deriver) account(namespace, name string) string {
	return SPIFFE(d.set.TrustDomain, namespace, name)
}

// SPIFFE is the identity of a service account: "spiffe://<td>/ns/<ns>/sa/<sa>".
func SPIFFE(trustDomain, namespace, account string) string {
	return "spiffe://" + trustDomain + "/ns/" + namespace + "/sa/" + account
}

// take adds an endpoint behind a service port, and the identity of its
// workload to those of the service.
func (d *deriver) take(dr *draft, port uint32, e Endpoint) {
	dr.endpoints[port] = append(dr.endpoints[port], e)
	if e.Workload.ServiceAccount != "" && e.Workload.Namespace != "" {
		dr.accounts[d.account(e.Workload.Namespace, e.Workload.ServiceAccount)] = true
	}
}

func (d *deriver) tables() derived {
	hosts := slices.Sorted(maps.Keys(d.drafts))
	services := make([]*Service, 0, len(hosts))
	var keys []EndpointKey
	var lists []*EndpointList
	for _, host := range hosts {
		dr := d.drafts[host]
		slices.SortStableFunc(dr.svc.Ports, func(a, b ServicePort) int { return cmp.Compare(a.Number, b.Number) })
		slices.SortFunc(dr.svc.Addresses, netip.Addr.Compare)
		dr.svc.Accounts = slices.Sorted(maps.Keys(dr.accounts))
		dr.svc.Hash = dr.svc.contentHash()
		services = append(services, dr.svc)
		for _, p := range dr.svc.Ports {
			keys = append(keys, EndpointKey{Host: host, Port: p.Number})
			lists = append(lists, newEndpointList(unique(dr.endpoints[p.Number])))
		}
	}
	return derived{
		services:  sortedTable(ByValue[string], services, func(s *Service) string { return s.Host }),
		workloads: sortedTable(ByValue[string], d.pods.workloads, func(w *Workload) string { return w.UID }),
		endpoints: Table[EndpointKey, *EndpointList]{cmp: CompareEndpointKeys, keys: keys, vals: lists},
	}
}

// unique sorts endpoints. Of several with one address and port the healthiest
// stands: slices overlap while a cluster moves endpoints between them.
func unique(list []Endpoint) []Endpoint {
	slices.SortStableFunc(list, func(a, b Endpoint) int {
		return cmp.Or(compareEndpoints(a, b), cmp.Compare(a.Health, b.Health), cmp.Compare(a.UID, b.UID))
	})
	return slices.CompactFunc(list, func(a, b Endpoint) bool { return compareEndpoints(a, b) == 0 })
}
