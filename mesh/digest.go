package mesh

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
)

// digest collects fields for a Hash. Every field is preceded by its length, so
// that fields cannot run together.
type digest struct{ buf []byte }

func (d *digest) str(s string) {
	d.buf = binary.AppendUvarint(d.buf, uint64(len(s)))
	d.buf = append(d.buf, s...)
}

func (d *digest) strs(list []string) {
	d.num(uint64(len(list)))
	for _, s := range list {
		d.str(s)
	}
}

func (d *digest) num(n uint64) { d.buf = binary.AppendUvarint(d.buf, n) }

func (d *digest) flag(b bool) {
	if b {
		d.num(1)
		return
	}
	d.num(0)
}

func (d *digest) addr(a netip.Addr) { d.str(a.String()) }

func (d *digest) dict(m map[string]string) {
	d.num(uint64(len(m)))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d.str(k)
		d.str(m[k])
	}
}

func (d *digest) hash(h Hash) { d.buf = append(d.buf, h[:]...) }

func (d *digest) ref(r Ref) {
	d.str(r.Group)
	d.str(r.Kind.Name)
	d.str(r.Namespace)
	d.str(r.Name)
}

func (d *digest) sum() Hash {
	s := sha256.Sum256(d.buf)
	return Hash(s[:16])
}

func (f WorkloadFacts) digest(d *digest) {
	for _, s := range []string{
		f.Workload, f.Namespace, f.Cluster, f.App, f.Version, f.Canonical, f.Revision, f.ServiceAccount,
	} {
		d.str(s)
	}
}

func (l Locality) digest(d *digest) {
	d.str(l.Region)
	d.str(l.Zone)
	d.str(l.Subzone)
}

func (s *Service) contentHash() Hash {
	var d digest
	d.str(s.Host)
	d.str(s.Name)
	d.str(s.Namespace)
	d.strs(s.Clusters)
	d.num(uint64(len(s.Addresses)))
	for _, a := range s.Addresses {
		d.addr(a)
	}
	d.flag(s.Headless)
	d.flag(s.External)
	d.str(string(s.Resolution))
	d.num(uint64(len(s.Ports)))
	for _, p := range s.Ports {
		d.str(p.Name)
		d.num(uint64(p.Number))
		d.num(uint64(p.TargetPort))
		d.str(p.TargetName)
		d.str(string(p.Protocol))
	}
	d.dict(s.Selector)
	d.dict(s.Labels)
	d.dict(s.Annotations)
	d.flag(s.LoadBalancer)
	d.strs(s.ExportTo)
	return d.sum()
}

func (w *Workload) contentHash() Hash {
	var d digest
	w.WorkloadFacts.digest(&d)
	d.str(w.UID)
	d.str(w.Pod)
	d.str(w.Node)
	d.str(w.Network)
	w.Locality.digest(&d)
	d.addr(w.Address)
	d.addr(w.HostIP)
	d.dict(w.Labels)
	d.dict(w.Annotations)
	d.num(uint64(len(w.Ports)))
	for _, p := range w.Ports {
		d.str(p.Name)
		d.num(uint64(p.Number))
		d.str(p.Protocol)
	}
	d.flag(w.Meshed)
	d.flag(w.Gateway)
	d.ref(w.From)
	return d.sum()
}

func (e *Endpoint) digest(d *digest) {
	d.addr(e.Address)
	d.str(e.Hostname)
	d.num(uint64(e.Port))
	d.num(uint64(e.Health))
	e.Locality.digest(d)
	d.str(e.Network)
	d.str(e.Cluster)
	d.num(uint64(e.Weight))
	d.flag(e.Meshed)
	d.dict(e.Labels)
	e.Workload.digest(d)
	d.str(e.UID)
}

// compareEndpoints is the order of endpoints in a list.
func compareEndpoints(a, b Endpoint) int {
	return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Hostname, b.Hostname), cmp.Compare(a.Port, b.Port))
}

func newEndpointList(endpoints []Endpoint) *EndpointList {
	var d digest
	d.num(uint64(len(endpoints)))
	for i := range endpoints {
		endpoints[i].digest(&d)
	}
	return &EndpointList{Endpoints: endpoints, Hash: d.sum()}
}
