package mesh

import (
	"net/netip"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// kubeServices turns Kubernetes Services and their EndpointSlices into drafts.
func (d *deriver) kubeServices(kinds map[Kind][]*Object) {
	byName := map[[2]string]*draft{}
	for _, o := range kinds[KindService] {
		svc, ok := o.Spec.(*corev1.Service)
		if !ok {
			continue
		}
		dr := d.add(d.kubeService(o, svc))
		byName[[2]string{o.Namespace, o.Name}] = dr
		if svc.Spec.Type == corev1.ServiceTypeExternalName {
			for _, p := range dr.svc.Ports {
				d.take(dr, p.Number, Endpoint{
					Hostname: svc.Spec.ExternalName, Port: p.Number, Cluster: d.set.Cluster,
				})
			}
			continue
		}
		if len(svc.Spec.Selector) == 0 {
			continue
		}
		for _, s := range d.pods.selected(o.Namespace, svc.Spec.Selector) {
			dr.accounts[d.account(o.Namespace, s.account)] = true
		}
		d.entriesOfService(dr, kinds[KindWorkloadEntry])
	}
	for _, o := range kinds[KindEndpointSlice] {
		slice, ok := o.Spec.(*discoveryv1.EndpointSlice)
		if !ok || slice.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		if dr := byName[[2]string{o.Namespace, slice.Labels[discoveryv1.LabelServiceName]}]; dr != nil {
			d.slice(dr, o.Namespace, slice)
		}
	}
}

// KubeHost is the host name of a Kubernetes Service.
func KubeHost(name, namespace, clusterDomain string) string {
	return name + "." + namespace + ".svc." + clusterDomain
}

func (d *deriver) kubeService(o *Object, k *corev1.Service) *Service {
	svc := &Service{
		Host: KubeHost(o.Name, o.Namespace, d.set.ClusterDomain), Name: o.Name, Namespace: o.Namespace,
		Clusters: []string{d.set.Cluster}, Selector: k.Spec.Selector, Labels: o.Labels, Annotations: o.Annotations,
		LoadBalancer: k.Spec.Type == corev1.ServiceTypeLoadBalancer,
		ExportTo:     splitList(o.Annotations[AnnotationExportTo]),
		From:         []Ref{o.Ref},
	}
	if k.Spec.Type == corev1.ServiceTypeExternalName {
		svc.External, svc.Resolution = true, ResolveDNS
	}
	ips := k.Spec.ClusterIPs
	if len(ips) == 0 {
		ips = []string{k.Spec.ClusterIP}
	}
	for _, ip := range ips {
		if ip == corev1.ClusterIPNone {
			svc.Headless = true
		} else if a, err := netip.ParseAddr(ip); err == nil {
			svc.Addresses = append(svc.Addresses, a)
		}
	}
	for _, p := range k.Spec.Ports {
		port := ServicePort{
			Name: p.Name, Number: uint32(p.Port), TargetPort: uint32(p.Port),
			Protocol: PortProtocol(string(p.Protocol), deref(p.AppProtocol), p.Name, uint32(p.Port)),
		}
		switch {
		case p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "":
			port.TargetPort, port.TargetName = 0, p.TargetPort.StrVal
		case p.TargetPort.IntVal > 0:
			port.TargetPort = uint32(p.TargetPort.IntVal)
		}
		// One number can be there twice, for TCP and UDP: the mesh carries TCP.
		if i := portIndex(svc.Ports, port.Number); i < 0 {
			svc.Ports = append(svc.Ports, port)
		} else if svc.Ports[i].Protocol == UDP {
			svc.Ports[i] = port
		}
	}
	return svc
}

func portIndex(ports []ServicePort, number uint32) int {
	for i, p := range ports {
		if p.Number == number {
			return i
		}
	}
	return -1
}

func splitList(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// slice adds the endpoints of one EndpointSlice.
func (d *deriver) slice(dr *draft, namespace string, slice *discoveryv1.EndpointSlice) {
	for _, port := range dr.svc.Ports {
		number := slicePort(slice.Ports, port)
		if number == 0 {
			continue
		}
		for i := range slice.Endpoints {
			ep := &slice.Endpoints[i]
			for _, text := range ep.Addresses {
				addr, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				e := Endpoint{
					Address: addr, Port: number, Health: healthOf(ep.Conditions), Cluster: d.set.Cluster,
				}
				d.describe(&e, namespace, ep)
				d.take(dr, port.Number, e)
			}
		}
	}
}

// slicePort finds the number behind a service port in a slice; 0 is none.
func slicePort(ports []discoveryv1.EndpointPort, want ServicePort) uint32 {
	for _, p := range ports {
		udp := p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP
		if deref(p.Name) == want.Name && udp == (want.Protocol == UDP) && p.Port != nil {
			return uint32(*p.Port)
		}
	}
	return 0
}

// healthOf follows the API: an unknown readiness is ready, unknown serving is
// the same as ready.
func healthOf(c discoveryv1.EndpointConditions) Health {
	ready := c.Ready == nil || *c.Ready
	terminating := c.Terminating != nil && *c.Terminating
	serving := c.Serving == nil && ready || c.Serving != nil && *c.Serving
	switch {
	case terminating && serving:
		return Draining
	case ready && !terminating:
		return Ready
	default:
		return NotReady
	}
}

// describe adds what is known of the pod behind an endpoint.
func (d *deriver) describe(e *Endpoint, namespace string, ep *discoveryv1.Endpoint) {
	var w *Workload
	if t := ep.TargetRef; t != nil && t.Kind == "Pod" {
		w = d.pods.byUID[string(t.UID)]
		if w == nil && t.UID == "" {
			w = d.pods.byName[[2]string{namespace, t.Name}]
		}
	} else if t == nil {
		w = d.pods.byAddress[e.Address]
	}
	if w != nil {
		e.Locality, e.Network, e.Labels = w.Locality, w.Network, w.Labels
		e.Meshed = w.Meshed && !w.Gateway // a gateway's ports speak what its Gateway objects say
		e.Workload, e.UID = w.WorkloadFacts, w.UID
	}
	if zone := deref(ep.Zone); zone != "" && e.Locality.Zone == "" {
		e.Locality.Zone = zone
	}
}

// entriesOfService adds the WorkloadEntries that a Kubernetes Service selects.
func (d *deriver) entriesOfService(dr *draft, entries []*Object) {
	for _, o := range entries {
		we, ok := o.Spec.(*networking.WorkloadEntry)
		if !ok || o.Namespace != dr.svc.Namespace || !matches(dr.svc.Selector, entryLabels(o, we)) {
			continue
		}
		for _, p := range dr.svc.Ports {
			d.takeEntry(dr, p, o.Namespace, o.Name, entryLabels(o, we), we)
		}
	}
}
