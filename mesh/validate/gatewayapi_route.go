package validate

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// route is what all routes of the Gateway API have in common.
type route struct {
	parents  []gatewayv1.ParentReference
	hosts    []string
	backends []backend
}

// backend is one place that a route sends requests to, copies included.
type backend struct {
	path config.Path
	ref  gatewayv1.BackendObjectReference
}

// routeOf reads a route of any kind; false for other objects.
func routeOf(o *mesh.Object) (route, bool) {
	var r route
	rules := config.Path{}.Key("spec").Key("rules")
	hosts := func(list []gatewayv1.Hostname) {
		for _, h := range list {
			r.hosts = append(r.hosts, string(h))
		}
	}
	backends := func(i int, list []gatewayv1.BackendRef) {
		for j, b := range list {
			r.backends = append(r.backends, backend{rules.Item(i).Key("backendRefs").Item(j), b.BackendObjectReference})
		}
	}
	switch s := o.Spec.(type) {
	case *gatewayv1.HTTPRoute:
		r.parents = s.Spec.ParentRefs
		hosts(s.Spec.Hostnames)
		for i, rule := range s.Spec.Rules {
			at := rules.Item(i)
			r.httpMirrors(at.Key("filters"), rule.Filters)
			for j, b := range rule.BackendRefs {
				at := at.Key("backendRefs").Item(j)
				r.backends = append(r.backends, backend{at, b.BackendObjectReference})
				r.httpMirrors(at.Key("filters"), b.Filters)
			}
		}
	case *gatewayv1.GRPCRoute:
		r.parents = s.Spec.ParentRefs
		hosts(s.Spec.Hostnames)
		for i, rule := range s.Spec.Rules {
			at := rules.Item(i)
			r.grpcMirrors(at.Key("filters"), rule.Filters)
			for j, b := range rule.BackendRefs {
				at := at.Key("backendRefs").Item(j)
				r.backends = append(r.backends, backend{at, b.BackendObjectReference})
				r.grpcMirrors(at.Key("filters"), b.Filters)
			}
		}
	case *gatewayv1.TCPRoute:
		r.parents = s.Spec.ParentRefs
		for i, rule := range s.Spec.Rules {
			backends(i, rule.BackendRefs)
		}
	case *gatewayv1.TLSRoute:
		r.parents = s.Spec.ParentRefs
		hosts(s.Spec.Hostnames)
		for i, rule := range s.Spec.Rules {
			backends(i, rule.BackendRefs)
		}
	case *gatewayv1.UDPRoute:
		r.parents = s.Spec.ParentRefs
		for i, rule := range s.Spec.Rules {
			backends(i, rule.BackendRefs)
		}
	default:
		return route{}, false
	}
	return r, true
}

func (r *route) httpMirrors(at config.Path, filters []gatewayv1.HTTPRouteFilter) {
	for i, f := range filters {
		if f.RequestMirror != nil {
			r.backends = append(r.backends, backend{at.Item(i).Key("requestMirror").Key("backendRef"), f.RequestMirror.BackendRef})
		}
	}
}

func (r *route) grpcMirrors(at config.Path, filters []gatewayv1.GRPCRouteFilter) {
	for i, f := range filters {
		if f.RequestMirror != nil {
			r.backends = append(r.backends, backend{at.Item(i).Key("requestMirror").Key("backendRef"), f.RequestMirror.BackendRef})
		}
	}
}

// or is what a pointer leads to, or instead.
func or[T ~string](p *T, instead string) string {
	if p == nil {
		return instead
	}
	return string(*p)
}

// parentRef is the object that a parent reference of a route names; false for
// kinds that are not known here.
func parentRef(o *mesh.Object, p gatewayv1.ParentReference) (mesh.Ref, bool) {
	ref := mesh.Ref{
		Kind:      mesh.Kind{Group: or(p.Group, mesh.GroupGatewayAPI), Name: or(p.Kind, mesh.KindK8sGateway.Name)},
		Namespace: or(p.Namespace, o.Namespace), Name: string(p.Name),
	}
	for _, k := range parentKinds {
		if ref.Kind == k {
			return ref, true
		}
	}
	return ref, false
}

// backendRef is the object that a backend is; false for kinds that are not known
// here.
func backendRef(o *mesh.Object, b backend) (mesh.Ref, bool) {
	ref := mesh.Ref{
		Kind:      mesh.Kind{Group: or(b.ref.Group, ""), Name: or(b.ref.Kind, mesh.KindService.Name)},
		Namespace: or(b.ref.Namespace, o.Namespace), Name: string(b.ref.Name),
	}
	return ref, ref.Kind == mesh.KindService
}

// inSight reports whether any object of a kind is known. Where none is, nothing
// can be concluded from one being missing: the objects at hand are not the whole
// of a mesh. Callers ask when something is missing only, for the answer changes
// with every object of the kind.
func inSight(x *Index, kind mesh.Kind) bool { return len(x.All(kind)) > 0 }

// missingParents finds routes on Gateways that do not exist.
func missingParents(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	var out []Found
	for i, p := range r.parents {
		ref, ok := parentRef(o, p)
		if !ok {
			continue
		}
		if _, there := x.Get(ref); there || !inSight(x, ref.Kind) {
			continue
		}
		at := config.Path{}.Key("spec").Key("parentRefs").Item(i).Key("name").String()
		out = append(out, found(o, at, "kind", ref.Kind.Name, "name", ref.Name, "namespace", ref.Namespace))
	}
	return out
}

// missingBackends finds routes to Services that do not exist.
func missingBackends(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	var out []Found
	for _, b := range r.backends {
		var name string
		switch ref, ok := backendRef(o, b); {
		case ok:
			if _, there := x.Get(ref); there || !inSight(x, mesh.KindService) {
				continue
			}
			name = ref.Name + "." + ref.Namespace
		case ref.Group == mesh.GroupNetworking && ref.Kind.Name == "Hostname":
			if defined(x, ref.Name) || !inSight(x, mesh.KindServiceEntry) && !inSight(x, mesh.KindService) {
				continue
			}
			name = ref.Name
		default:
			continue
		}
		out = append(out, found(o, b.path.Key("name").String(), "service", name))
	}
	return out
}

// missingBackendPorts finds routes to ports that a Service does not have.
func missingBackendPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	r, _ := routeOf(o)
	var out []Found
next:
	for _, b := range r.backends {
		ref, ok := backendRef(o, b)
		if !ok || b.ref.Port == nil {
			continue
		}
		s, there := x.Get(ref)
		if !there {
			continue
		}
		service := spec[*corev1.Service](s)
		if service == nil || len(service.Spec.Ports) == 0 {
			continue
		}
		var ports string
		for _, p := range service.Spec.Ports {
			if p.Port == *b.ref.Port {
				continue next
			}
			if ports != "" {
				ports += ", "
			}
			ports += strconv.Itoa(int(p.Port))
		}
		f := found(o, b.path.Key("port").String(),
			"service", ref.Name+"."+ref.Namespace, "port", strconv.Itoa(int(*b.ref.Port)), "ports", ports)
		f.Related = []mesh.Ref{ref}
		if len(service.Spec.Ports) == 1 {
			f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: f.Path, Value: ports}}
		}
		out = append(out, f)
	}
	return out
}

// outOfSight tells of references to kinds of which no object is known at all.
func outOfSight(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	ask := func(path config.Path, ref mesh.Ref) {
		if _, there := x.Get(ref); there || inSight(x, ref.Kind) {
			return
		}
		where := ref.Name
		if ref.Namespace != "" {
			where += "." + ref.Namespace
		}
		out = append(out, found(o, path.Key("name").String(), "kind", ref.Kind.Name, "name", where))
	}
	if r, ok := routeOf(o); ok {
		for i, p := range r.parents {
			if ref, ok := parentRef(o, p); ok {
				ask(config.Path{}.Key("spec").Key("parentRefs").Item(i), ref)
			}
		}
		for _, b := range r.backends {
			if ref, ok := backendRef(o, b); ok {
				ask(b.path, ref)
			}
		}
		return out
	}
	for _, c := range certificatesOf(o) {
		ask(c.path, c.ref)
	}
	return out
}
