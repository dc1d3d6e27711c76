package validate

import (
	"slices"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// listener is a place that a Gateway or ListenerSet takes requests at.
type listener struct {
	path     config.Path
	name     string
	host     string // lower case; empty is every host
	port     int
	protocol gatewayv1.ProtocolType
	allowed  *gatewayv1.AllowedRoutes
	tls      *gatewayv1.ListenerTLSConfig
}

func listenersOf(o *mesh.Object) []listener {
	var out []listener
	switch s := o.Spec.(type) {
	case *gatewayv1.Gateway:
		for i, l := range s.Spec.Listeners {
			out = append(out, listener{
				path: config.Path{}.Key("spec").Key("listeners").Item(i), name: string(l.Name),
				host: strings.ToLower(or(l.Hostname, "")), port: int(l.Port), protocol: l.Protocol, allowed: l.AllowedRoutes, tls: l.TLS,
			})
		}
	case *gatewayv1.ListenerSet:
		for i, l := range s.Spec.Listeners {
			out = append(out, listener{
				path: config.Path{}.Key("spec").Key("listeners").Item(i), name: string(l.Name),
				host: strings.ToLower(or(l.Hostname, "")), port: int(l.Port), protocol: l.Protocol, allowed: l.AllowedRoutes, tls: l.TLS,
			})
		}
	}
	return out
}

// listenerHosts are the hosts that a Gateway names in its listeners.
func listenerHosts(o *mesh.Object) []string {
	var out []string
	for _, l := range listenersOf(o) {
		if l.host != "" {
			out = append(out, l.host)
		}
	}
	return out
}

var gatewayAPILookups = []*Lookup{gatewaysByListener, gatewaysByAddress}

// gatewaysByListener finds Gateways by class, host and port of a listener that
// names its host. Gateways of different classes have nothing to do with each
// other, and those that take every host have an address of their own.
var gatewaysByListener = &Lookup{Name: "gateways by listener", Kinds: k8sGatewayKinds, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	g := spec[*gatewayv1.Gateway](o)
	if g == nil {
		return nil
	}
	var out []string
	for _, l := range listenersOf(o) {
		if l.host != "" {
			out = append(out, string(g.Spec.GatewayClassName)+" "+l.host+" "+strconv.Itoa(l.port))
		}
	}
	return out
}}

func listenerKeys(set mesh.Settings, o *mesh.Object) []Key {
	return namedKeys(gatewaysByListener.Values(set, o))
}

// gatewaysByAddress finds Gateways by type and value of an address that they ask
// for.
var gatewaysByAddress = &Lookup{Name: "gateways by address", Kinds: k8sGatewayKinds, Values: func(_ mesh.Settings, o *mesh.Object) []string {
	g := spec[*gatewayv1.Gateway](o)
	if g == nil {
		return nil
	}
	var out []string
	for _, a := range g.Spec.Addresses {
		if a.Value != "" {
			out = append(out, or(a.Type, string(gatewayv1.IPAddressType))+" "+a.Value)
		}
	}
	return out
}}

func addressKeys(set mesh.Settings, o *mesh.Object) []Key {
	return namedKeys(gatewaysByAddress.Values(set, o))
}

func namedKeys(names []string) []Key {
	out := make([]Key, len(names))
	for i, n := range names {
		out[i] = Key{Name: n}
	}
	return out
}

// sharedListeners finds Gateways that want the same requests.
func sharedListeners(x *Index, k Key, _ Evidence) []Found {
	parts := strings.Split(k.Name, " ")
	host, port := parts[1], parts[2]
	out := conflict(x.By(gatewaysByListener, k.Name), "host", host, "port", port)
	for i, f := range out {
		for _, l := range listenersOf(f.Object) {
			if l.host == host && strconv.Itoa(l.port) == port {
				out[i].Path = l.path.Key("hostname").String()
			}
		}
	}
	return out
}

// sharedAddresses finds Gateways that want the same address.
func sharedAddresses(x *Index, k Key, _ Evidence) []Found {
	kind, value, _ := strings.Cut(k.Name, " ")
	out := conflict(x.By(gatewaysByAddress, k.Name), "type", kind, "address", value)
	for i, f := range out {
		for j, a := range spec[*gatewayv1.Gateway](f.Object).Spec.Addresses {
			if a.Value == value && or(a.Type, string(gatewayv1.IPAddressType)) == kind {
				out[i].Path = config.Path{}.Key("spec").Key("addresses").Item(j).String()
			}
		}
	}
	return out
}

// clashingListeners finds listeners of one Gateway that cannot share their port:
// what comes in could be for either.
func clashingListeners(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	all := listenersOf(o)
	for i, l := range all {
		for _, before := range all[:i] {
			if l.port != before.port || transport(l.protocol) != transport(before.protocol) {
				continue
			}
			if l.host != before.host && family(l.protocol) == family(before.protocol) {
				continue
			}
			out = append(out, found(o, l.path.String(),
				"listener", l.name, "other", before.name, "port", strconv.Itoa(l.port)))
			break
		}
	}
	return out
}

// transport is what ports are counted by.
func transport(p gatewayv1.ProtocolType) string {
	if p == gatewayv1.UDPProtocolType {
		return "UDP"
	}
	return "TCP"
}

// family is what can be told apart by host on one port.
func family(p gatewayv1.ProtocolType) string {
	if p == gatewayv1.HTTPSProtocolType {
		return string(gatewayv1.TLSProtocolType)
	}
	return string(p)
}

// istioClasses are the classes that a control plane brings without an object for
// them being needed.
var istioClasses = []string{"istio", "istio-remote", "istio-waypoint", "istio-east-west"}

// unknownClass finds Gateways of a class that does not exist.
func unknownClass(x *Index, o *mesh.Object, _ Evidence) []Found {
	g := spec[*gatewayv1.Gateway](o)
	if g == nil || g.Spec.GatewayClassName == "" {
		return nil
	}
	class := string(g.Spec.GatewayClassName)
	if _, there := x.Get(mesh.Ref{Kind: mesh.KindGatewayClass, Name: class}); there || slices.Contains(istioClasses, class) || !inSight(x, mesh.KindGatewayClass) {
		return nil
	}
	f := found(o, "spec.gatewayClassName", "class", class)
	spell := spellingOf(x)
	spell.correct(&f, class, func() []string { return append(spell.namesOf(mesh.KindGatewayClass, "")(), istioClasses...) }, anyWord, nil)
	return []Found{f}
}

// certificate is a reference to a Secret.
type certificate struct {
	path config.Path
	ref  mesh.Ref
}

// certificatesOf are the Secrets that the listeners of o name.
func certificatesOf(o *mesh.Object) []certificate {
	var out []certificate
	for _, l := range listenersOf(o) {
		if l.tls == nil {
			continue
		}
		for i, c := range l.tls.CertificateRefs {
			if or(c.Group, "") != "" || or(c.Kind, mesh.KindSecret.Name) != mesh.KindSecret.Name {
				continue
			}
			out = append(out, certificate{
				path: l.path.Key("tls").Key("certificateRefs").Item(i),
				ref:  mesh.Ref{Kind: mesh.KindSecret, Namespace: or(c.Namespace, o.Namespace), Name: string(c.Name)},
			})
		}
	}
	return out
}

// missingCertificates finds listeners whose Secret does not exist.
func missingCertificates(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range certificatesOf(o) {
		if _, there := x.Get(c.ref); there || !inSight(x, mesh.KindSecret) {
			continue
		}
		out = append(out, found(o, c.path.Key("name").String(), "secret", c.ref.Name, "namespace", c.ref.Namespace))
	}
	return out
}

// grantsToNobody finds grants for namespaces that do not exist.
func grantsToNobody(x *Index, o *mesh.Object, _ Evidence) []Found {
	g := spec[*gatewayv1.ReferenceGrant](o)
	if g == nil {
		return nil
	}
	var out []Found
	for i, from := range g.Spec.From {
		if namespaceKnown(x, string(from.Namespace)) || !inSight(x, mesh.KindNamespace) {
			continue
		}
		at := config.Path{}.Key("spec").Key("from").Item(i).Key("namespace")
		out = append(out, found(o, at.String(), "namespace", string(from.Namespace)))
	}
	return out
}

// ungranted finds references into another namespace that nothing there allows.
func ungranted(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	ask := func(path config.Path, ref mesh.Ref) {
		if ref.Namespace == o.Namespace || granted(x, o, ref) {
			return
		}
		out = append(out, found(o, path.Key("namespace").String(),
			"kind", ref.Kind.Name, "name", ref.Name, "namespace", ref.Namespace, "from", o.Kind.Name, "home", o.Namespace))
	}
	if r, ok := routeOf(o); ok {
		for _, b := range r.backends {
			ref, _ := backendRef(o, b)
			ask(b.path, ref)
		}
		return out
	}
	for _, c := range certificatesOf(o) {
		ask(c.path, c.ref)
	}
	return out
}

// granted reports whether a ReferenceGrant lets o refer to ref.
func granted(x *Index, o *mesh.Object, ref mesh.Ref) bool {
	for _, grant := range x.In(mesh.KindReferenceGrant, ref.Namespace) {
		g := spec[*gatewayv1.ReferenceGrant](grant)
		if g == nil {
			continue
		}
		from := slices.ContainsFunc(g.Spec.From, func(f gatewayv1.ReferenceGrantFrom) bool {
			return string(f.Group) == o.Group && string(f.Kind) == o.Kind.Name && string(f.Namespace) == o.Namespace
		})
		to := slices.ContainsFunc(g.Spec.To, func(t gatewayv1.ReferenceGrantTo) bool {
			return string(t.Group) == ref.Group && string(t.Kind) == ref.Kind.Name && (t.Name == nil || *t.Name == "" || string(*t.Name) == ref.Name)
		})
		if from && to {
			return true
		}
	}
	return false
}
