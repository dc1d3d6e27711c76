package validate

import (
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"

	"github.com/heddle-mesh/heddle/mesh"
)

// What clients are told about TLS for a whole namespace, or the whole mesh, by a
// DestinationRule with a wildcard, and what servers there are told by a
// PeerAuthentication, have to agree.

var onPeers = []mesh.Kind{mesh.KindPeerAuthentication}

const pathTLSMode, pathPeerMode = "spec.trafficPolicy.tls.mode", "spec.mtls"

// reach is what a wildcard host covers: all services of the mesh, or those of
// one namespace.
type reach struct {
	mesh      bool
	namespace string
}

// reachOf reads the host of a DestinationRule. It is empty for a host, or for
// something that is not all of a namespace.
func reachOf(set mesh.Settings, host string) reach {
	rest, wild := strings.CutPrefix(host, "*")
	services := ".svc." + set.ClusterDomain
	switch {
	case !wild:
		return reach{}
	case strings.HasSuffix(services, rest):
		return reach{mesh: true}
	}
	if ns, ok := strings.CutSuffix(strings.TrimPrefix(rest, "."), services); ok && ns != "" && !strings.Contains(ns, ".") {
		return reach{namespace: ns}
	}
	return reach{}
}

// meshHosts are the wildcards that cover all services of the mesh.
func meshHosts(set mesh.Settings) []string {
	return append(widerHosts("*.svc."+set.ClusterDomain), "*.svc."+set.ClusterDomain)
}

// namespaceHost is the wildcard for all services of a namespace.
func namespaceHost(set mesh.Settings, namespace string) string {
	return "*." + namespace + ".svc." + set.ClusterDomain
}

// clientMode is what a DestinationRule says of TLS; false when it says nothing.
func clientMode(o *mesh.Object) (networking.ClientTLSSettings_TLSmode, bool) {
	tls := spec[*networking.DestinationRule](o).GetTrafficPolicy().GetTls()
	return tls.GetMode(), tls != nil
}

func mutual(mode networking.ClientTLSSettings_TLSmode) bool {
	return mode == networking.ClientTLSSettings_ISTIO_MUTUAL || mode == networking.ClientTLSSettings_MUTUAL
}

// ruleWith is the first rule for one of the hosts whose mode is wanted.
func ruleWith(x *Index, hosts []string, want func(networking.ClientTLSSettings_TLSmode) bool) *mesh.Object {
	for _, host := range hosts {
		for _, o := range x.By(rulesByHost, host) {
			if mode, says := clientMode(o); says && want(mode) {
				return o
			}
		}
	}
	return nil
}

// serverMode is what a PeerAuthentication says for all workloads of its
// namespace; UNSET when it is for some only, or leaves it open.
func serverMode(o *mesh.Object) security.PeerAuthentication_MutualTLS_Mode {
	peer := spec[*security.PeerAuthentication](o)
	if len(peer.GetSelector().GetMatchLabels()) > 0 {
		return security.PeerAuthentication_MutualTLS_UNSET
	}
	return peer.GetMtls().GetMode()
}

// namespacePolicy is the PeerAuthentication that decides for a namespace, nil
// when none there does.
func namespacePolicy(x *Index, namespace string) (*mesh.Object, security.PeerAuthentication_MutualTLS_Mode) {
	for _, o := range x.In(mesh.KindPeerAuthentication, namespace) {
		if mode := serverMode(o); mode != security.PeerAuthentication_MutualTLS_UNSET {
			return o, mode
		}
	}
	return nil, security.PeerAuthentication_MutualTLS_UNSET
}

// takesMutual reports whether a namespace says that mutual TLS is taken.
func takesMutual(x *Index, namespace string) bool {
	_, mode := namespacePolicy(x, namespace)
	return mode == security.PeerAuthentication_MutualTLS_STRICT || mode == security.PeerAuthentication_MutualTLS_PERMISSIVE
}

// beside is a finding about o that rests on other.
func beside(o, other *mesh.Object, path string, params ...string) []Found {
	f := found(o, path, append(params, "other", other.Ref.String())...)
	f.Related = []mesh.Ref{other.Ref}
	return []Found{f}
}

// meshRuleWithoutPolicy: where TLS between proxies is not automatic, a rule that
// turns it on for all clients needs servers that take it.
func meshRuleWithoutPolicy(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	mode, _ := clientMode(o)
	if set.AutoMTLS || !reachOf(set, ruleHostOf(set, o)).mesh || !mutual(mode) || takesMutual(x, set.RootNamespace) {
		return nil
	}
	return []Found{found(o, pathTLSMode, "root", set.RootNamespace)}
}

func namespaceRuleWithoutPolicy(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	mode, _ := clientMode(o)
	ns := reachOf(set, ruleHostOf(set, o)).namespace
	if set.AutoMTLS || ns == "" || !mutual(mode) || takesMutual(x, ns) || takesMutual(x, set.RootNamespace) {
		return nil
	}
	return []Found{found(o, pathTLSMode, "namespace", ns)}
}

// plain reports whether a rule turns TLS off for all that its wildcard covers.
func plain(set mesh.Settings, o *mesh.Object) (reach, bool) {
	mode, says := clientMode(o)
	r := reachOf(set, ruleHostOf(set, o))
	return r, says && mode == networking.ClientTLSSettings_DISABLE && r != reach{}
}

func plainRuleStrictNamespace(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, ok := plain(x.Settings(), o)
	if !ok || r.mesh {
		return nil
	}
	policy, mode := namespacePolicy(x, r.namespace)
	if mode != security.PeerAuthentication_MutualTLS_STRICT {
		return nil
	}
	return beside(o, policy, pathTLSMode, "namespace", r.namespace)
}

func plainRuleStrictMesh(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, ok := plain(x.Settings(), o)
	if !ok {
		return nil
	}
	if own, _ := namespacePolicy(x, r.namespace); !r.mesh && own != nil {
		return nil // the namespace decides for itself
	}
	policy, mode := namespacePolicy(x, x.Settings().RootNamespace)
	if mode != security.PeerAuthentication_MutualTLS_STRICT {
		return nil
	}
	return beside(o, policy, pathTLSMode)
}

func strictMeshWithoutRule(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	if set.AutoMTLS || o.Namespace != set.RootNamespace || serverMode(o) != security.PeerAuthentication_MutualTLS_STRICT ||
		ruleWith(x, meshHosts(set), mutual) != nil {
		return nil
	}
	return []Found{found(o, pathPeerMode)}
}

func strictNamespaceWithoutRule(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	if set.AutoMTLS || o.Namespace == set.RootNamespace || serverMode(o) != security.PeerAuthentication_MutualTLS_STRICT ||
		ruleWith(x, append(meshHosts(set), namespaceHost(set, o.Namespace)), mutual) != nil {
		return nil
	}
	return []Found{found(o, pathPeerMode, "namespace", o.Namespace)}
}

func plainNamespaceTLSRule(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	if o.Namespace == set.RootNamespace || serverMode(o) != security.PeerAuthentication_MutualTLS_DISABLE {
		return nil
	}
	// The rule for the namespace goes before those for the mesh.
	near := []string{namespaceHost(set, o.Namespace)}
	rule := ruleWith(x, near, mutual)
	if rule == nil && ruleWith(x, near, func(networking.ClientTLSSettings_TLSmode) bool { return true }) == nil {
		rule = ruleWith(x, meshHosts(set), mutual)
	}
	if rule == nil {
		return nil
	}
	return beside(o, rule, pathPeerMode, "namespace", o.Namespace)
}

func plainMeshTLSRule(x *Index, o *mesh.Object, _ Evidence) []Found {
	set := x.Settings()
	if o.Namespace != set.RootNamespace || serverMode(o) != security.PeerAuthentication_MutualTLS_DISABLE {
		return nil
	}
	rule := ruleWith(x, meshHosts(set), mutual)
	if rule == nil {
		return nil
	}
	return beside(o, rule, pathPeerMode)
}
