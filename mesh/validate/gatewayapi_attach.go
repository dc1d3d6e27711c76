package validate

import (
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// attachment is one parent of a route that exists and has listeners.
type attachment struct {
	path      config.Path // of the parent reference
	ref       gatewayv1.ParentReference
	parent    *mesh.Object
	listeners []listener // those that the reference names
}

// attachmentsOf are the Gateways and ListenerSets that a route is put on.
func attachmentsOf(x *Index, o *mesh.Object, r route) []attachment {
	var out []attachment
	for i, p := range r.parents {
		ref, ok := parentRef(o, p)
		if !ok || ref.Kind != mesh.KindK8sGateway && ref.Kind != mesh.KindListenerSet {
			continue
		}
		parent, there := x.Get(ref)
		if !there {
			continue
		}
		a := attachment{path: config.Path{}.Key("spec").Key("parentRefs").Item(i), ref: p, parent: parent}
		for _, l := range listenersOf(parent) {
			if (p.SectionName == nil || *p.SectionName == "" || string(*p.SectionName) == l.name) && (p.Port == nil || int(*p.Port) == l.port) {
				a.listeners = append(a.listeners, l)
			}
		}
		out = append(out, a)
	}
	return out
}

// missingListeners finds routes on listeners that their Gateway does not have.
func missingListeners(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	var out []Found
	spell := spellingOf(x)
	for _, a := range attachmentsOf(x, o, r) {
		if len(a.listeners) > 0 || len(listenersOf(a.parent)) == 0 {
			continue
		}
		field, wanted := "sectionName", or(a.ref.SectionName, "")
		if wanted == "" {
			field, wanted = "port", strconv.Itoa(int(*a.ref.Port))
		}
		f := found(o, a.path.Key(field).String(), "listener", wanted, "gateway", a.parent.Name, "namespace", a.parent.Namespace)
		f.Related = []mesh.Ref{a.parent.Ref}
		if field == "sectionName" {
			spell.listener(&f, o, a, wanted)
		}
		out = append(out, f)
	}
	return out
}

// listener says which listener is meant by a name that a route has wrong: one that
// takes it.
func (s *spelling) listener(f *Found, o *mesh.Object, a attachment, wanted string) {
	all := map[string]listener{}
	var names []string
	for _, l := range listenersOf(a.parent) {
		all[l.name] = l
		names = append(names, l.name)
	}
	s.correct(f, wanted, func() []string { return names }, func(name string) bool {
		l := all[name]
		return welcome(s.x, a.parent, l, o) && (a.ref.Port == nil || int(*a.ref.Port) == l.port)
	}, nil)
}

// unwelcomeRoutes finds routes that no listener they are put on takes: because
// of the namespace that they come from, or because of their kind.
func unwelcomeRoutes(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	var out []Found
	for _, a := range attachmentsOf(x, o, r) {
		if len(a.listeners) == 0 || slices.ContainsFunc(a.listeners, func(l listener) bool { return welcome(x, a.parent, l, o) }) {
			continue
		}
		f := found(o, a.path.String(), "kind", o.Kind.Name, "gateway", a.parent.Name, "namespace", a.parent.Namespace, "home", o.Namespace)
		f.Related = []mesh.Ref{a.parent.Ref}
		out = append(out, f)
	}
	return out
}

// welcome reports whether a listener takes a route.
func welcome(x *Index, parent *mesh.Object, l listener, o *mesh.Object) bool {
	if !speaks(l, o.Kind) {
		return false
	}
	if l.allowed == nil || l.allowed.Namespaces == nil {
		return o.Namespace == parent.Namespace
	}
	switch gatewayv1.FromNamespaces(or(l.allowed.Namespaces.From, string(gatewayv1.NamespacesFromSame))) {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSelector:
		return chosen(x, l.allowed.Namespaces.Selector, o.Namespace)
	case gatewayv1.NamespacesFromSame:
		return o.Namespace == parent.Namespace
	}
	return false
}

// chosen reports whether a selector takes a namespace. Of one that is not in
// sight, its name is all that is known, and it gets the benefit of the doubt.
func chosen(x *Index, selector *metav1.LabelSelector, namespace string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return true
	}
	ns, ok := x.Get(mesh.Ref{Kind: mesh.KindNamespace, Name: namespace})
	if !ok {
		return true
	}
	all := labels.Set{"kubernetes.io/metadata.name": namespace}
	for k, v := range ns.Labels {
		all[k] = v
	}
	return s.Matches(all)
}

// speaks reports whether a listener takes routes of a kind.
func speaks(l listener, kind mesh.Kind) bool {
	if l.allowed != nil && len(l.allowed.Kinds) > 0 {
		return slices.ContainsFunc(l.allowed.Kinds, func(k gatewayv1.RouteGroupKind) bool {
			return or(k.Group, mesh.GroupGatewayAPI) == kind.Group && string(k.Kind) == kind.Name
		})
	}
	switch l.protocol {
	case gatewayv1.HTTPProtocolType, gatewayv1.HTTPSProtocolType:
		return kind == mesh.KindHTTPRoute || kind == mesh.KindGRPCRoute
	case gatewayv1.TLSProtocolType:
		return kind == mesh.KindTLSRoute || kind == mesh.KindTCPRoute
	case gatewayv1.TCPProtocolType:
		return kind == mesh.KindTCPRoute
	case gatewayv1.UDPProtocolType:
		return kind == mesh.KindUDPRoute
	}
	return true
}

// unmatchedHostnames finds routes for hosts that the listeners do not take.
func unmatchedHostnames(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	if len(r.hosts) == 0 {
		return nil
	}
	var out []Found
	for _, a := range attachmentsOf(x, o, r) {
		if len(a.listeners) == 0 || slices.ContainsFunc(a.listeners, func(l listener) bool { return takesAny(l.host, r.hosts) }) {
			continue
		}
		f := found(o, "spec.hostnames", "hosts", strings.Join(r.hosts, ", "), "gateway", a.parent.Name, "namespace", a.parent.Namespace)
		f.Related = []mesh.Ref{a.parent.Ref}
		out = append(out, f)
	}
	return out
}

func takesAny(host string, hosts []string) bool {
	return host == "" || slices.ContainsFunc(hosts, func(h string) bool { return overlap(host, strings.ToLower(h)) })
}

// overlap reports whether some name is meant by both hosts, either of which may
// begin with a star.
func overlap(a, b string) bool {
	wildA, wildB := strings.HasPrefix(a, "*"), strings.HasPrefix(b, "*")
	switch {
	case wildA && wildB:
		return strings.HasSuffix(a, b[1:]) || strings.HasSuffix(b, a[1:])
	case wildA:
		return strings.HasSuffix(b, a[1:])
	case wildB:
		return strings.HasSuffix(a, b[1:])
	}
	return a == b
}
