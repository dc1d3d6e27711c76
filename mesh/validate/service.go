package validate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/mesh"
)

var serviceChecks = []Check{
	{
		Code: "HDL1411", Severity: mesh.Info, SameAs: []string{"IST0118", "KIA0601", "KIA0602"},
		On: onlyServices, Keys: eachObject, Reads: onlyServices,
		Run: forObject(portsOfNoProtocol),
	},
	{
		Code: "HDL1412", Severity: mesh.Warning, SameAs: []string{"IST0150"},
		On: onlyServices, Keys: eachObject, Reads: onlyServices,
		Run: forObject(portsOfExternalName),
	},
	{
		Code: "HDL2811", Severity: mesh.Warning, SameAs: []string{"KIA0701"}, Absence: true,
		On: onlyServices, Keys: eachObject,
		Reads: slices.Concat(onlyServices, workloadKinds),
		Run:   forObject(portsNobodyListensOn),
	},
	{
		Code: "HDL2812", Severity: mesh.Info, Absence: true,
		On: onlyServices, Keys: eachObject,
		Reads: slices.Concat(onlyServices, workloadKinds, []mesh.Kind{mesh.KindWorkloadEntry, mesh.KindEndpointSlice}),
		Run:   forObject(servicesOfNobody),
	},
}

var onlyServices = []mesh.Kind{mesh.KindService}

// saysProtocol reports whether the name or appProtocol of a port tell its
// protocol. Tunnels between meshes are told apart by names that no traffic of
// applications has.
func saysProtocol(p corev1.ServicePort) bool {
	if p.Protocol == corev1.ProtocolUDP {
		return true
	}
	app := ""
	if p.AppProtocol != nil {
		app = *p.AppProtocol
	}
	switch strings.ToLower(app) {
	case "hbone", "doublehbone":
		return true
	}
	return mesh.PortProtocol("", app, p.Name, uint32(p.Port)) != mesh.Unnamed
}

// portPath is where a port of a Service says its protocol.
func portPath(i int, p corev1.ServicePort) string {
	path := "spec.ports[" + strconv.Itoa(i) + "]"
	switch {
	case p.AppProtocol != nil:
		return path + ".appProtocol"
	case p.Name != "":
		return path + ".name"
	}
	return path
}

// portTitle names a port of a Service for people.
func portTitle(p corev1.ServicePort) string {
	if p.Name == "" {
		return strconv.Itoa(int(p.Port))
	}
	return fmt.Sprintf("%d (%s)", p.Port, p.Name)
}

// isForeign reports whether nobody expects a Service to know of the mesh.
func isForeign(o *mesh.Object) bool { return isSystem(o.Namespace) || ofControlPlane(o) }

// portsOfNoProtocol finds ports whose protocol has to be guessed.
func portsOfNoProtocol(_ *Index, o *mesh.Object, _ Evidence) []Found {
	s := spec[*corev1.Service](o)
	if isForeign(o) || s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	var out []Found
	for i, p := range s.Spec.Ports {
		if !saysProtocol(p) {
			out = append(out, found(o, portPath(i, p), "port", portTitle(p)))
		}
	}
	return out
}

// portsOfExternalName finds ports of names outside that are not carried by name.
func portsOfExternalName(_ *Index, o *mesh.Object, _ Evidence) []Found {
	s := spec[*corev1.Service](o)
	if isForeign(o) || s.Spec.Type != corev1.ServiceTypeExternalName {
		return nil
	}
	var out []Found
	for i, p := range s.Spec.Ports {
		if p.Name == "tcp" || !saysProtocol(p) {
			out = append(out, found(o, portPath(i, p), "port", portTitle(p), "host", s.Spec.ExternalName))
		}
	}
	return out
}

// podsBehind are the workloads that a Service selects.
func podsBehind(x *Index, o *mesh.Object) []*mesh.Object {
	selector := spec[*corev1.Service](o).Spec.Selector
	return slices.Concat(podsSelected(x, o.Namespace, selector), templatesSelected(x, o.Namespace, selector))
}

// portsNobodyListensOn finds ports that no container behind a Service listens on, as
// far as containers say what they listen on.
func portsNobodyListensOn(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := spec[*corev1.Service](o)
	if len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	behind := podsBehind(x, o)
	if len(behind) == 0 {
		return nil
	}
	var out []Found
	for i, p := range s.Spec.Ports {
		if slices.ContainsFunc(behind, func(w *mesh.Object) bool { return mayListen(podFormOf(w), p) }) {
			continue
		}
		path := "spec.ports[" + strconv.Itoa(i) + "]"
		if p.TargetPort != (intstr.IntOrString{}) {
			path += ".targetPort"
		}
		f := found(o, path, "port", portTitle(p), "target", targetOf(p), "workload", behind[len(behind)-1].Name)
		f.Related = refsOf(behind)
		out = append(out, f)
	}
	return out
}

// mayListen reports whether pods may listen on the target of a port. Numbers
// need not be declared: pods that declare none may listen on any. Names must be.
// What a proxy declares says nothing: a gateway listens on what Gateways say,
// and one beside an application on what the application does.
func mayListen(p *podForm, port corev1.ServicePort) bool {
	containers := p.containers()
	named := port.TargetPort.Type == intstr.String && port.TargetPort.StrVal != ""
	declared := false
	for _, c := range containers {
		for _, cp := range c.Ports {
			declared = declared || c.Name != proxyContainer
			if named && cp.Name == port.TargetPort.StrVal || !named && strconv.Itoa(int(cp.ContainerPort)) == targetOf(port) {
				return true
			}
		}
	}
	return len(containers) == 0 || !named && !declared
}

// servicesOfNobody finds selectors that take no pod, in namespaces whose
// workloads are in sight at all.
func servicesOfNobody(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := spec[*corev1.Service](o)
	if len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName || isForeign(o) || len(podsBehind(x, o)) > 0 {
		return nil
	}
	inSight := false
	for _, kind := range workloadKinds {
		inSight = inSight || len(x.In(kind, o.Namespace)) > 0
	}
	for _, w := range x.In(mesh.KindWorkloadEntry, o.Namespace) {
		if carries(spec[*networking.WorkloadEntry](w).GetLabels(), s.Spec.Selector) || carries(w.Labels, s.Spec.Selector) {
			return nil
		}
		inSight = true
	}
	for _, slice := range x.In(mesh.KindEndpointSlice, o.Namespace) {
		if slice.Labels[discoveryv1.LabelServiceName] == o.Name && len(spec[*discoveryv1.EndpointSlice](slice).Endpoints) > 0 {
			return nil
		}
	}
	if !inSight {
		return nil
	}
	return []Found{found(o, "spec.selector", "selector", selectorWords(s.Spec.Selector))}
}
