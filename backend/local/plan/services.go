package plan

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// HasAddress reports whether a service gets an address of its own.
func HasAddress(svc *corev1.Service) bool {
	return svc.Spec.Type != corev1.ServiceTypeExternalName && svc.Spec.ClusterIP != corev1.ClusterIPNone
}

// Allocate gives every service that wants one an address of within. A service
// keeps the address in kept, unless it asks for another one; a new one gets an
// address that follows from its name, so that it is the same on every machine
// where nobody else has it. The result holds the old addresses, too: a service
// that comes back finds its own again.
func Allocate(within netip.Prefix, services map[Key]*corev1.Service, kept map[Key]netip.Addr) (map[Key]netip.Addr, map[Key]Problem) {
	out := map[Key]netip.Addr{}
	owner := map[netip.Addr]Key{}
	problems := map[Key]Problem{}
	take := func(k Key, a netip.Addr) {
		out[k], owner[a] = a, k
	}
	for _, k := range Sorted(services) { // what is asked for comes first
		svc := services[k]
		if !HasAddress(svc) || svc.Spec.ClusterIP == "" {
			continue
		}
		a, err := netip.ParseAddr(svc.Spec.ClusterIP)
		switch other, taken := owner[a]; {
		case err != nil || !within.Contains(a):
			problems[k] = Problem{
				mesh.CodeStructure, mesh.Error, "spec.clusterIP",
				fmt.Sprintf("%q is not an address of %s; the service gets another one.", svc.Spec.ClusterIP, within),
			}
		case taken:
			problems[k] = Problem{
				mesh.CodeHostConflict, mesh.Error, "spec.clusterIP",
				fmt.Sprintf("%s belongs to Service %s already; the service gets another one.", a, other),
			}
		default:
			take(k, a)
		}
	}
	for _, k := range Sorted(kept) {
		a := kept[k]
		if _, has := out[k]; has || !within.Contains(a) {
			continue
		}
		if _, taken := owner[a]; !taken {
			take(k, a)
		}
	}
	for _, k := range Sorted(services) {
		if _, has := out[k]; has || !HasAddress(services[k]) {
			continue
		}
		a, ok := free(within, k, func(a netip.Addr) bool { _, taken := owner[a]; return taken })
		if !ok { // give up what is kept for services that are gone
			for _, old := range Sorted(out) {
				if _, lives := services[old]; !lives {
					a, ok = out[old], true
					delete(out, old)
					break
				}
			}
		}
		if !ok {
			problems[k] = Problem{mesh.CodeHostConflict, mesh.Error, "spec", fmt.Sprintf("no address is left in %s; use a larger range.", within)}
			continue
		}
		take(k, a)
	}
	return out, problems
}

// free finds a free address from the one that the name leads to.
func free(within netip.Prefix, k Key, taken func(netip.Addr) bool) (netip.Addr, bool) {
	h := fnv.New32a()
	h.Write([]byte(k.String()))
	size := uint32(1) << (32 - within.Bits())
	first := within.Masked().Addr().As4()
	start := uint32(first[0])<<24 | uint32(first[1])<<16 | uint32(first[2])<<8 | uint32(first[3])
	for i := range size {
		n := (h.Sum32() + i) % size
		if n == 0 || n == size-1 {
			continue // the network and its broadcast address
		}
		v := start + n
		a := netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		if !taken(a) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// Selects reports whether a service selects pods with these labels.
func Selects(svc *corev1.Service, labels map[string]string) bool {
	if len(svc.Spec.Selector) == 0 || svc.Spec.Type == corev1.ServiceTypeExternalName {
		return false
	}
	for k, v := range svc.Spec.Selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// TargetPort is the port of a pod that a port of a service leads to; false when
// the pod has none of that name.
func TargetPort(p corev1.ServicePort, t *corev1.PodTemplateSpec) (uint16, bool) {
	if p.TargetPort.Type == intstr.Int {
		return uint16(cmp.Or(p.TargetPort.IntVal, p.Port)), true
	}
	if p.TargetPort.StrVal == "" {
		return uint16(p.Port), true
	}
	for _, c := range t.Spec.Containers {
		for _, cp := range c.Ports {
			if cp.Name == p.TargetPort.StrVal {
				return uint16(cp.ContainerPort), true
			}
		}
	}
	return 0, false
}

func isTCP(p corev1.ServicePort) bool { return p.Protocol == "" || p.Protocol == corev1.ProtocolTCP }

// Backends is what the address of a service means, port by port.
func Backends(svc *corev1.Service, address netip.Addr, pods []Pod) []redirect.Backend {
	var out []redirect.Backend
	for _, p := range svc.Spec.Ports {
		if !isTCP(p) {
			continue
		}
		b := redirect.Backend{Service: netip.AddrPortFrom(address, uint16(p.Port))}
		for _, pod := range serving(svc, pods) {
			if port, ok := TargetPort(p, pod.Template); ok {
				b.Pods = append(b.Pods, netip.AddrPortFrom(pod.IP, port))
			}
		}
		out = append(out, b)
	}
	return out
}

// Upstreams is where a host port of a service leads.
func Upstreams(p corev1.ServicePort, svc *corev1.Service, pods []Pod) []sandbox.Upstream {
	var out []sandbox.Upstream
	for _, pod := range serving(svc, pods) {
		if port, ok := TargetPort(p, pod.Template); ok {
			out = append(out, sandbox.Upstream{Address: netip.AddrPortFrom(pod.IP, port), ProxyProtocol: pod.Gateway})
		}
	}
	return out
}

// serving are the pods of a service that take what is new, in order.
func serving(svc *corev1.Service, pods []Pod) []Pod {
	var out []Pod
	for _, p := range pods {
		if p.Ready && !p.Terminating && p.IP.IsValid() && p.Namespace == svc.Namespace && Selects(svc, p.Labels) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Pod) int { return a.IP.Compare(b.IP) })
	return out
}

// Slices are the EndpointSlices of a service: one for each set of port numbers
// that names of ports come to.
func Slices(svc *corev1.Service, pods []Pod, node string) []*discoveryv1.EndpointSlice {
	type group struct {
		ports     []discoveryv1.EndpointPort
		endpoints []discoveryv1.Endpoint
	}
	groups := map[string]*group{}
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b Pod) int { return cmp.Or(a.IP.Compare(b.IP), CompareKeys(a.Key, b.Key)) })
	for _, pod := range sorted {
		if pod.Withdrawn || !pod.IP.IsValid() || pod.Namespace != svc.Namespace || !Selects(svc, pod.Labels) {
			continue
		}
		var ports []discoveryv1.EndpointPort
		name := ""
		for _, p := range svc.Spec.Ports {
			number, ok := TargetPort(p, pod.Template)
			if !ok {
				continue
			}
			n, proto := int32(number), cmp.Or(p.Protocol, corev1.ProtocolTCP)
			portName := p.Name
			ports = append(ports, discoveryv1.EndpointPort{Name: &portName, Port: &n, Protocol: &proto, AppProtocol: p.AppProtocol})
			name += fmt.Sprintf("%s=%d/%s,", p.Name, number, proto)
		}
		g := groups[name]
		if g == nil {
			g = &group{ports: ports}
			groups[name] = g
		}
		ready := (pod.Ready || svc.Spec.PublishNotReadyAddresses) && !pod.Terminating
		isServing := pod.Ready || svc.Spec.PublishNotReadyAddresses
		terminating := pod.Terminating
		nodeName := node
		g.endpoints = append(g.endpoints, discoveryv1.Endpoint{
			Addresses:  []string{pod.IP.String()},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &isServing, Terminating: &terminating},
			NodeName:   &nodeName,
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: uid(pod.UID)},
		})
	}
	if len(groups) == 0 && len(svc.Spec.Selector) > 0 {
		groups[""] = &group{}
	}
	var out []*discoveryv1.EndpointSlice
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		h := mesh.HashOf(name)
		s := &discoveryv1.EndpointSlice{
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   notNil(groups[name].endpoints), Ports: groups[name].ports,
		}
		s.Name, s.Namespace = svc.Name+"-"+Letters(h[:], 5), svc.Namespace
		s.Labels = map[string]string{
			discoveryv1.LabelServiceName: svc.Name,
			discoveryv1.LabelManagedBy:   "heddle",
		}
		out = append(out, s)
	}
	return out
}

func notNil(e []discoveryv1.Endpoint) []discoveryv1.Endpoint {
	if e == nil {
		return []discoveryv1.Endpoint{}
	}
	return e
}
