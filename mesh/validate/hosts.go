package validate

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

var hostLookups = []*Lookup{servicesByHost, servicesUnder}

var serviceKinds = []mesh.Kind{mesh.KindService, mesh.KindServiceEntry}

// servicesByHost finds Services and ServiceEntries by a host that they define,
// wildcards as written.
var servicesByHost = &Lookup{Name: "services by host", Kinds: serviceKinds, Values: definedHosts}

// servicesUnder finds Services and ServiceEntries by each domain that one of
// their hosts lies in, with a leading dot: ".example.com" for www.example.com.
var servicesUnder = &Lookup{Name: "services under a domain", Kinds: serviceKinds, Values: func(set mesh.Settings, o *mesh.Object) []string {
	var out []string
	for _, host := range definedHosts(set, o) {
		out = append(out, domainsOf(host)...)
	}
	return out
}}

// maxHost is how long a name can be that anybody resolves.
const maxHost = 255

// domainsOf are the domains that a host lies in, the narrowest first, with a
// leading dot: .example.com and .com for www.example.com. What is too long for a
// host lies in none: of a text of dots each would be as long as the text.
func domainsOf(host string) []string {
	if len(host) > maxHost {
		return nil
	}
	var out []string
	for i := strings.IndexByte(host, '.'); i >= 0; i = strings.IndexByte(host, '.') {
		out = append(out, host[i:])
		host = host[i+1:]
	}
	return out
}

// wildcardsOver are the wildcards that a host lies in, the narrowest first, the
// one over everything included.
func wildcardsOver(host string) []string {
	domains := domainsOf(strings.TrimPrefix(host, "*."))
	out := make([]string, 0, len(domains)+1)
	for _, d := range domains {
		out = append(out, "*"+d)
	}
	return append(out, "*")
}

// definedHosts are the host names that a Service or ServiceEntry makes callable.
func definedHosts(set mesh.Settings, o *mesh.Object) []string {
	switch s := o.Spec.(type) {
	case *corev1.Service:
		return []string{mesh.KubeHost(o.Name, o.Namespace, set.ClusterDomain)}
	case *networking.ServiceEntry:
		out := make([]string, len(s.Hosts))
		for i, h := range s.Hosts {
			out[i] = strings.ToLower(h)
		}
		return out
	}
	return nil
}

// fullHost is a host as an object in namespace means it: a name without dots is
// a Service of that namespace.
func fullHost(set mesh.Settings, namespace, host string) string {
	host = strings.ToLower(host)
	if host == "" || strings.ContainsAny(host, ".*") {
		return host
	}
	return mesh.KubeHost(host, namespace, set.ClusterDomain)
}

// servicesOf are the Services and ServiceEntries that define host, a full name
// or a wildcard, directly or by a wildcard of their own; those with the exact
// host first. Namespaces that may not see them are not considered; see visible.
func servicesOf(x *Index, host string) []*mesh.Object {
	var out []*mesh.Object
	for _, p := range sitesOf(host) {
		out = append(out, x.By(p.lookup, p.name)...)
	}
	return distinct(out)
}

// defined reports whether there are such services.
func defined(x *Index, host string) bool {
	return slices.ContainsFunc(sitesOf(host), func(p site) bool { return x.has(p.lookup, p.name) })
}

// visible reports whether objects in namespace can see what o, which lives
// elsewhere, offers: exportTo of a ServiceEntry, DestinationRule or
// VirtualService, the annotation of a Service.
func visible(o *mesh.Object, namespace string) bool {
	var to []string
	switch s := o.Spec.(type) {
	case *corev1.Service:
		if text := o.Annotations[mesh.AnnotationExportTo]; text != "" {
			to = strings.Split(text, ",")
		}
	case interface{ GetExportTo() []string }:
		to = s.GetExportTo()
	}
	if len(to) == 0 {
		return true
	}
	for _, ns := range to {
		switch ns = strings.TrimSpace(ns); ns {
		case "*", namespace:
			return true
		case ".":
			if o.Namespace == namespace {
				return true
			}
		}
	}
	return false
}
