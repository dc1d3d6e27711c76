package validate

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// identityWithoutTLS finds policies that ask who calls where callers do not say
// so: without mutual TLS nobody has an identity, and such a rule never matches.
func identityWithoutTLS(x *Index, o *mesh.Object, _ Evidence) []Found {
	var paths []string
	eachSource(o, func(at config.Path, s *security.Source) {
		for _, f := range []field{
			{"principals", s.GetPrincipals()},
			{"notPrincipals", s.GetNotPrincipals()},
			{"namespaces", s.GetNamespaces()},
			{"notNamespaces", s.GetNotNamespaces()},
			{"serviceAccounts", s.GetServiceAccounts()},
			{"notServiceAccounts", s.GetNotServiceAccounts()},
		} {
			if len(f.values) > 0 {
				paths = append(paths, at.Key(f.name).String())
			}
		}
	})
	for i, r := range spec[*security.AuthorizationPolicy](o).GetRules() {
		for j, c := range r.GetWhen() {
			switch c.GetKey() {
			case "source.principal", "source.namespace", "connection.sni":
				paths = append(paths, config.Path{}.Key("spec").Key("rules").Item(i).Key("when").Item(j).Key("key").String())
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	cause, ok := plainTraffic(x, o)
	if !ok {
		return nil
	}
	var out []Found
	for _, path := range paths {
		f := found(o, path, "field", path[strings.LastIndexByte(path, '.')+1:], "cause", causeText(cause))
		if cause != nil {
			f.Related = []mesh.Ref{cause.Ref}
		}
		out = append(out, f)
	}
	return out
}

func causeText(cause *mesh.Object) string {
	if cause == nil {
		return "MeshConfig enableAutoMtls"
	}
	return cause.Ref.String()
}

// plainTraffic reports whether the workloads of a policy get their requests
// without mutual TLS, and which object has it so; nil where it is the
// configuration of the mesh.
func plainTraffic(x *Index, o *mesh.Object) (cause *mesh.Object, plain bool) {
	selector := selectionOf(o)
	if len(selector.targets) > 0 {
		return nil, false
	}
	accepts, by := peerMode(x, o.Namespace, selector.labels)
	if accepts == security.PeerAuthentication_MutualTLS_DISABLE {
		return by, true
	}
	rule, mode, decided := callersTLS(x, o.Namespace, selector.labels)
	switch {
	case decided && (mode == networking.ClientTLSSettings_DISABLE || mode == networking.ClientTLSSettings_SIMPLE):
		return rule, true
	case decided:
		return nil, false
	}
	if m := meshConfig(x); m != nil && m.GetEnableAutoMtls() != nil && !m.GetEnableAutoMtls().GetValue() {
		return nil, true
	}
	return nil, false
}

// peerMode is what workloads accept, by the closest PeerAuthentication that says
// it; labels are empty for all of a namespace.
func peerMode(x *Index, namespace string, labels map[string]string) (security.PeerAuthentication_MutualTLS_Mode, *mesh.Object) {
	root := x.Settings().RootNamespace
	var ofNamespace, ofMesh *mesh.Object
	for _, o := range x.In(mesh.KindPeerAuthentication, namespace) {
		own := selectionOf(o).labels
		switch {
		case modeOf(o) == security.PeerAuthentication_MutualTLS_UNSET:
		case len(own) == 0:
			if ofNamespace == nil {
				ofNamespace = o
			}
		case len(labels) > 0 && carries(labels, own):
			return modeOf(o), o
		}
	}
	if ofNamespace != nil {
		return modeOf(ofNamespace), ofNamespace
	}
	for _, o := range x.In(mesh.KindPeerAuthentication, root) {
		if len(selectionOf(o).labels) == 0 && modeOf(o) != security.PeerAuthentication_MutualTLS_UNSET {
			ofMesh = o
			break
		}
	}
	if ofMesh != nil {
		return modeOf(ofMesh), ofMesh
	}
	return security.PeerAuthentication_MutualTLS_PERMISSIVE, nil
}

func modeOf(o *mesh.Object) security.PeerAuthentication_MutualTLS_Mode {
	return spec[*security.PeerAuthentication](o).GetMtls().GetMode()
}

// callersTLS is what callers are told to speak to workloads: by DestinationRules
// for their services, for their namespace, or for the mesh.
func callersTLS(x *Index, namespace string, labels map[string]string) (*mesh.Object, networking.ClientTLSSettings_TLSmode, bool) {
	domain := x.Settings().ClusterDomain
	var hosts []string
	if len(labels) > 0 {
		for _, s := range x.In(mesh.KindService, namespace) {
			if service := spec[*corev1.Service](s); service != nil && len(service.Spec.Selector) > 0 && carries(labels, service.Spec.Selector) {
				hosts = append(hosts, mesh.KubeHost(s.Name, namespace, domain))
			}
		}
	}
	hosts = append(hosts, "*."+namespace+".svc."+domain, "*.svc."+domain, "*."+domain, "*.local", "*")
	candidates := x.In(mesh.KindDestinationRule, namespace)
	if root := x.Settings().RootNamespace; root != namespace {
		candidates = slices.Concat(candidates, x.In(mesh.KindDestinationRule, root))
	}
	for _, host := range hosts {
		for _, o := range candidates {
			rule := spec[*networking.DestinationRule](o)
			if tls := rule.GetTrafficPolicy().GetTls(); tls != nil && fullHost(x.Settings(), o.Namespace, rule.GetHost()) == host {
				return o, tls.GetMode(), true
			}
		}
	}
	return nil, 0, false
}
