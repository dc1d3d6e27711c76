package validate

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// proxyUserID is the user that proxies run as. Traffic of this user is not
// redirected, else a proxy would talk to itself.
const proxyUserID = 1337

var workloadChecks = []Check{
	{
		Code: "HDL1401", Severity: mesh.Warning, SameAs: []string{"IST0144"},
		On: runningKinds, Keys: eachObject, Reads: workloadKinds,
		Run: forObject(runsAsProxy),
	},
	{
		Code: "HDL1402", Severity: mesh.Error, SameAs: []string{"KIA1311", "KIA1315"},
		On: runningKinds, Keys: eachObject, Reads: workloadKinds,
		Run: forObject(proxyAndAmbient),
	},
	{
		Code: "HDL2801", Severity: mesh.Warning, SameAs: []string{"IST0116"},
		On: servingKinds, Keys: eachObject,
		Reads: slices.Concat(templateKinds, []mesh.Kind{mesh.KindService, mesh.KindNamespace}),
		Run:   forObject(portsOfTwoProtocols),
	},
	{
		Code: "HDL2802", Severity: mesh.Warning, SameAs: []string{"IST0137"},
		On: servingKinds, Keys: eachObject,
		Reads: slices.Concat(templateKinds, []mesh.Kind{mesh.KindService, mesh.KindNamespace}),
		Run:   forObject(targetsOfTwoPorts),
	},
}

// workloadKinds are pods and what makes them.
var workloadKinds = slices.Concat([]mesh.Kind{mesh.KindPod}, templateKinds)

// runningKinds are pods and what makes such as stay.
var runningKinds = slices.Concat([]mesh.Kind{mesh.KindPod}, servingKinds)

// servicesSelecting are the Services whose selector takes pods with these
// labels, by name.
func servicesSelecting(x *Index, namespace string, labels map[string]string) []*mesh.Object {
	var out []*mesh.Object
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		for _, s := range x.By(servicesBySelector, labelValue(namespace, k, labels[k])) {
			if svc, ok := s.Spec.(*corev1.Service); ok && carries(labels, svc.Spec.Selector) {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b *mesh.Object) int { return a.Ref.Compare(b.Ref) })
	return out
}

// podForm is what an object says about its pods, whatever kind makes them.
type podForm struct {
	labels, annotations map[string]string
	spec                *corev1.PodSpec
	metadataPath        string // "metadata", "spec.template.metadata"
	specPath            string // "spec", "spec.template.spec"
}

// podFormOf is nil for kinds that make no pods.
func podFormOf(o *mesh.Object) *podForm {
	if pod, ok := o.Spec.(*corev1.Pod); ok {
		return &podForm{o.Labels, o.Annotations, &pod.Spec, "metadata", "spec"}
	}
	t := templateOf(o)
	if t == nil {
		return nil
	}
	path := "spec.template"
	if o.Kind == mesh.KindCronJob {
		path = "spec.jobTemplate.spec.template"
	}
	return &podForm{t.Labels, t.Annotations, &t.Spec, path + ".metadata", path + ".spec"}
}

// containers are all of a pod, those that run first included.
func (p *podForm) containers() []corev1.Container {
	return slices.Concat(p.spec.Containers, p.spec.InitContainers)
}

// proxy is the container of the proxy, if a person or an injector put one there.
func (p *podForm) proxy() (corev1.Container, bool) {
	all := p.containers()
	i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == proxyContainer })
	if i < 0 || all[i].Image == "" {
		return corev1.Container{}, false
	}
	return all[i], true
}

// inMesh reports whether pods of this form have a proxy, or will get one.
func (p *podForm) inMesh(x *Index, namespace string) bool {
	if _, ok := p.proxy(); ok {
		return true
	}
	if v, ok := p.wish(); ok {
		return v == "true"
	}
	if injectsAll(x) {
		return true
	}
	ns, ok := x.Get(namespaceRef(namespace))
	return ok && wishOf(ns.Labels).proxies()
}

// wish is what a pod says about having a proxy; the label counts before the
// older annotation.
func (p *podForm) wish() (string, bool) {
	if v, ok := p.labels[labelInject]; ok {
		return v, true
	}
	v, ok := p.annotations[labelInject]
	return v, ok
}

// ofControlPlane reports whether an object belongs to an installation of Istio.
func ofControlPlane(o *mesh.Object) bool {
	_, ok := o.Labels["istio"]
	return ok || o.Labels["release"] == "istio"
}

// ofWaypoint reports whether a controller made the object for a waypoint.
func ofWaypoint(o *mesh.Object) bool {
	return o.Labels["gateway.istio.io/managed"] == "istio.io-mesh-controller"
}

// runsAsProxy finds applications that run as the user of the proxy. Containers
// that run before the application may do so: that is how they reach the network
// while there is no proxy yet.
func runsAsProxy(_ *Index, o *mesh.Object, _ Evidence) []Found {
	p := podFormOf(o)
	if p == nil || ofControlPlane(o) {
		return nil
	}
	if c := p.spec.SecurityContext; c != nil && c.RunAsUser != nil && *c.RunAsUser == proxyUserID {
		return []Found{found(o, p.specPath+".securityContext.runAsUser")}
	}
	for i, c := range p.spec.Containers {
		if c.Name != proxyContainer && c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil && *c.SecurityContext.RunAsUser == proxyUserID {
			return []Found{found(o, p.specPath+".containers["+strconv.Itoa(i)+"].securityContext.runAsUser")}
		}
	}
	return nil
}

// proxyAndAmbient finds pods that ask for a proxy of their own and to do without.
func proxyAndAmbient(_ *Index, o *mesh.Object, _ Evidence) []Found {
	p := podFormOf(o)
	if p == nil || p.labels[labelDataplane] != dataplaneAmbient || p.labels[labelInject] != "true" {
		return nil
	}
	path := p.metadataPath + `.labels["` + labelDataplane + `"]`
	f := found(o, path)
	f.Fix = []mesh.Edit{{Op: mesh.OpDelete, Path: path}}
	return []Found{f}
}

// portsOfTwoProtocols finds pods that several services offer under one port
// number with different transports.
func portsOfTwoProtocols(x *Index, o *mesh.Object, _ Evidence) []Found {
	type use struct {
		protocols []string
		services  []*mesh.Object
	}
	uses := map[int32]*use{}
	for _, s := range servicesOfPods(x, o) {
		for _, p := range spec[*corev1.Service](s).Spec.Ports {
			u := uses[p.Port]
			if u == nil {
				u = &use{}
				uses[p.Port] = u
			}
			protocol := string(p.Protocol)
			if protocol == "" {
				protocol = string(corev1.ProtocolTCP)
			}
			u.protocols = append(u.protocols, protocol)
			if !slices.Contains(u.services, s) {
				u.services = append(u.services, s)
			}
		}
	}
	var out []Found
	for _, port := range slices.Sorted(maps.Keys(uses)) {
		u := uses[port]
		protocols := sortedSet(u.protocols)
		if len(protocols) < 2 {
			continue
		}
		f := found(o, "", "port", strconv.Itoa(int(port)), "protocols", strings.Join(protocols, ", "), "services", namesOf(u.services))
		f.Related = refsOf(u.services)
		out = append(out, f)
	}
	return out
}

// targetsOfTwoPorts finds pods one of whose ports is offered under several
// numbers.
func targetsOfTwoPorts(x *Index, o *mesh.Object, _ Evidence) []Found {
	type use struct {
		ports    []int32
		services []*mesh.Object
	}
	uses := map[string]*use{}
	for _, s := range servicesOfPods(x, o) {
		for _, p := range spec[*corev1.Service](s).Spec.Ports {
			target := targetOf(p)
			u := uses[target]
			if u == nil {
				u = &use{}
				uses[target] = u
			}
			u.ports = append(u.ports, p.Port)
			if !slices.Contains(u.services, s) {
				u.services = append(u.services, s)
			}
		}
	}
	var out []Found
	for _, target := range slices.Sorted(maps.Keys(uses)) {
		u := uses[target]
		ports := sortedSet(u.ports)
		if len(ports) < 2 {
			continue
		}
		words := make([]string, len(ports))
		for i, p := range ports {
			words[i] = strconv.Itoa(int(p))
		}
		f := found(o, "", "target", target, "ports", strings.Join(words, ", "), "services", namesOf(u.services))
		f.Related = refsOf(u.services)
		out = append(out, f)
	}
	return out
}

// servicesOfPods are the Services that take the pods of a workload of the mesh.
func servicesOfPods(x *Index, o *mesh.Object) []*mesh.Object {
	p := podFormOf(o)
	if p == nil || ofWaypoint(o) || !p.inMesh(x, o.Namespace) {
		return nil
	}
	return servicesSelecting(x, o.Namespace, p.labels)
}

// targetOf is the port of pods behind a port of a Service, as text: a number or
// a name.
func targetOf(p corev1.ServicePort) string {
	if t := p.TargetPort.String(); t != "" && t != "0" {
		return t
	}
	return strconv.Itoa(int(p.Port))
}

// sortedSet is a list in order, without repetitions.
func sortedSet[T int32 | string](list []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}
