// Package names answers the pods' questions for names, as the DNS of Kubernetes
// does.
package names

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Domain is the cluster's domain.
const Domain = "cluster.local."

// HostName is the name by which pods reach this machine itself, and
// HostAddress what it leads to: an address of a range that is reserved for
// documentation, so that nobody else has it.
const (
	HostName   = "host.heddle.internal."
	hostDomain = "heddle.internal."
)

// HostAddress is the address of HostName.
var HostAddress = netip.AddrFrom4([4]byte{192, 0, 2, 1})

// PodsAddress is where connections of pods to the control plane on this machine
// come from, so that it tells programs of the mesh from people who sit here.
var PodsAddress = netip.AddrFrom4([4]byte{127, 66, 0, 1})

// ttl of all answers, in seconds. It is short because pods come and go.
const ttl = 5

// Zone is what the names of a cluster mean. It is read-only.
type Zone struct {
	addresses map[string][]netip.Addr
	aliases   map[string]string
	services  map[string][]srv
	known     map[string]bool // names that exist, also if only as part of others
}

type srv struct {
	port   uint16
	target string
}

// Pod is a pod that can be called by name.
type Pod struct {
	Namespace, Name     string
	Hostname, Subdomain string
	Address             netip.Addr
}

// NewZone makes the zone of services with their EndpointSlices, and of pods.
func NewZone(services []*corev1.Service, slicesOf func(*corev1.Service) []*discoveryv1.EndpointSlice, pods []Pod) *Zone {
	z := &Zone{
		addresses: map[string][]netip.Addr{}, aliases: map[string]string{},
		services: map[string][]srv{}, known: map[string]bool{},
	}
	z.add(HostName, HostAddress)
	z.exists("svc." + Domain)
	z.exists("pod." + Domain)
	byAddress := map[netip.Addr]Pod{}
	for _, p := range pods {
		if p.Address.IsValid() {
			byAddress[p.Address] = p
			z.add(strings.ReplaceAll(p.Address.String(), ".", "-")+"."+p.Namespace+".pod."+Domain, p.Address)
		}
	}
	for _, s := range services {
		z.service(s, slicesOf(s), byAddress)
	}
	return z
}

func (z *Zone) service(s *corev1.Service, endpoints []*discoveryv1.EndpointSlice, pods map[netip.Addr]Pod) {
	name := strings.ToLower(s.Name + "." + s.Namespace + ".svc." + Domain)
	z.exists(name)
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		z.aliases[name] = dns.Fqdn(strings.ToLower(s.Spec.ExternalName))
		return
	}
	if a, err := netip.ParseAddr(s.Spec.ClusterIP); err == nil {
		z.add(name, a)
		for _, p := range s.Spec.Ports {
			z.port(p.Name, p.Protocol, name, uint16(p.Port), name)
		}
		return
	}
	for _, slice := range endpoints {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				continue
			}
			for _, text := range e.Addresses {
				a, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				p := pods[a]
				label := p.Name
				if p.Hostname != "" && p.Subdomain == s.Name {
					label = p.Hostname
				}
				label = cmp.Or(label, strings.ReplaceAll(text, ".", "-"))
				target := strings.ToLower(label) + "." + name
				z.add(name, a)
				z.add(target, a)
				for _, port := range slice.Ports {
					if port.Name != nil && port.Port != nil && port.Protocol != nil {
						z.port(*port.Name, *port.Protocol, name, uint16(*port.Port), target)
					}
				}
			}
		}
	}
}

func (z *Zone) port(name string, protocol corev1.Protocol, service string, number uint16, target string) {
	if name == "" {
		return
	}
	full := "_" + name + "._" + strings.ToLower(string(cmp.Or(protocol, corev1.ProtocolTCP))) + "." + service
	z.services[full] = append(z.services[full], srv{number, target})
	z.exists(full)
}

func (z *Zone) add(name string, a netip.Addr) {
	name = strings.ToLower(name)
	if !slices.Contains(z.addresses[name], a) {
		z.addresses[name] = append(z.addresses[name], a)
	}
	z.exists(name)
}

// exists notes a name and all that it is part of.
func (z *Zone) exists(name string) {
	for name != Domain && name != hostDomain && name != "" && !z.known[name] {
		z.known[name] = true
		_, name, _ = strings.Cut(name, ".")
	}
}

// Owns reports whether the zone alone answers for a name.
func Owns(name string) bool {
	return dns.IsSubDomain(Domain, name) || dns.IsSubDomain(hostDomain, name)
}

// Answer answers a question for a name that the zone owns. For a CNAME that
// leads out of the zone, follow is the name to be asked elsewhere.
//
// A name that is unknown does not exist, so that the client goes on along its
// search list. A name that exists without records of the asked type gets
// success without answers: were it "no such name", to AAAA for example, clients
// would give up the A answer as well.
func (z *Zone) Answer(q dns.Question) (answers, extra []dns.RR, code int, follow string) {
	name := strings.ToLower(q.Name)
	header := func(name string, kind uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
	}
	for range 8 { // aliases of aliases
		alias, ok := z.aliases[name]
		if !ok {
			break
		}
		answers = append(answers, &dns.CNAME{Hdr: header(cmp.Or(follow, q.Name), dns.TypeCNAME), Target: alias})
		name, follow = alias, alias
		if !Owns(name) {
			return answers, nil, dns.RcodeSuccess, follow
		}
	}
	if name != Domain && name != hostDomain && !z.known[name] {
		return answers, nil, dns.RcodeNameError, ""
	}
	switch q.Qtype {
	case dns.TypeA:
		for _, a := range z.addresses[name] {
			answers = append(answers, &dns.A{Hdr: header(cmp.Or(follow, q.Name), dns.TypeA), A: a.AsSlice()})
		}
	case dns.TypeSRV:
		for _, s := range z.services[name] {
			answers = append(answers, &dns.SRV{Hdr: header(q.Name, dns.TypeSRV), Weight: 100, Port: s.port, Target: s.target})
			for _, a := range z.addresses[s.target] {
				extra = append(extra, &dns.A{Hdr: header(s.target, dns.TypeA), A: a.AsSlice()})
			}
		}
	}
	return answers, extra, dns.RcodeSuccess, ""
}

// Search is the search list of a namespace's pods.
func Search(namespace string) []string {
	domain := strings.TrimSuffix(Domain, ".")
	return []string{namespace + ".svc." + domain, "svc." + domain, domain}
}
