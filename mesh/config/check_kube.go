package config

import (
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

func (c *checker) service(p Path, s *corev1.Service) {
	external := s.Spec.Type == corev1.ServiceTypeExternalName
	if external {
		c.note(p.Key("externalName"), badDomain(s.Spec.ExternalName))
	} else if s.Spec.ClusterIP != corev1.ClusterIPNone {
		c.needs(p.Key("ports"), len(s.Spec.Ports) > 0, "ports")
	}
	if ip := s.Spec.ClusterIP; ip != "" && ip != corev1.ClusterIPNone {
		c.note(p.Key("clusterIP"), badIP(ip))
	}
	c.labels(p.Key("selector"), s.Spec.Selector)
	names, numbers := map[string]bool{}, map[string]bool{}
	for i, port := range s.Spec.Ports {
		at := p.Key("ports").Item(i)
		if port.Port < 1 || port.Port > 65535 {
			c.bad(at.Key("port"), "%d is not a port; ports are from 1 to 65535", port.Port)
		}
		c.targetPort(at.Key("targetPort"), port.TargetPort)
		if port.Name == "" && len(s.Spec.Ports) > 1 {
			c.bad(at.Key("name"), "name is missing; with several ports each needs one")
		}
		if port.Name != "" && badLabel(port.Name) {
			c.bad(at.Key("name"), "%q cannot be a port name", clip(port.Name))
		}
		if port.Name != "" && names[port.Name] {
			c.bad(at.Key("name"), "two ports are named %q", port.Name)
		}
		names[port.Name] = true
		key := string(port.Protocol)
		if key == "" {
			key = string(corev1.ProtocolTCP)
		}
		key += "/" + strconv.Itoa(int(port.Port))
		if numbers[key] {
			c.bad(at.Key("port"), "port %d is there twice", port.Port)
		}
		numbers[key] = true
	}
}

func (c *checker) targetPort(p Path, t intstr.IntOrString) {
	switch {
	case t.Type == intstr.String:
		if msgs := validation.IsValidPortName(t.StrVal); len(msgs) > 0 {
			c.bad(p, "%q is neither a number nor the name of a container port: %s", clip(t.StrVal), msgs[0])
		}
	case t.IntVal != 0:
		if t.IntVal < 0 || t.IntVal > 65535 {
			c.bad(p, "%d is not a port; ports are from 1 to 65535", t.IntVal)
		}
	}
}

// MaxReplicas is the largest number of pods of one Deployment. They all run on
// one machine, and this is several times what Kubernetes puts on a node: a
// larger number is a slip, which would take all the machine's memory.
const MaxReplicas = 1000

func (c *checker) deployment(p Path, d *appsv1.Deployment) {
	if r := d.Spec.Replicas; r != nil {
		switch {
		case *r < 0:
			c.bad(p.Key("replicas"), "%d is below 0", *r)
		case *r > MaxReplicas:
			c.bad(p.Key("replicas"), "%d is more than the %d pods that one machine runs at most; ask for fewer", *r, MaxReplicas)
		}
	}
	template := p.Key("template")
	if d.Spec.Selector == nil || len(d.Spec.Selector.MatchLabels)+len(d.Spec.Selector.MatchExpressions) == 0 {
		c.bad(p.Key("selector"), "selector is missing; it must match the labels of the template")
	} else {
		want := d.Spec.Selector.MatchLabels
		for _, k := range sortedKeys(want) {
			if d.Spec.Template.Labels[k] != want[k] {
				c.bad(p.Key("selector").Key("matchLabels").Key(k), "the template does not carry the label %s=%s", k, want[k])
			}
		}
	}
	c.labels(template.Key("metadata").Key("labels"), maps.Clone(d.Spec.Template.Labels))
	c.podSpec(template.Key("spec"), &d.Spec.Template.Spec)
}

func (c *checker) podSpec(p Path, s *corev1.PodSpec) {
	c.needs(p.Key("containers"), len(s.Containers) > 0, "containers")
	names := map[string]bool{}
	for _, part := range []struct {
		name string
		list []corev1.Container
	}{{"initContainers", s.InitContainers}, {"containers", s.Containers}} {
		for i, container := range part.list {
			at := p.Key(part.name).Item(i)
			switch {
			case container.Name == "":
				c.bad(at.Key("name"), "name is missing")
			case badLabel(container.Name):
				c.bad(at.Key("name"), "%q cannot be the name of a container", clip(container.Name))
			case names[container.Name]:
				c.bad(at.Key("name"), "two containers are named %q", container.Name)
			}
			names[container.Name] = true
			c.container(at, &container)
		}
	}
}

func (c *checker) container(p Path, container *corev1.Container) {
	for i, port := range container.Ports {
		if port.ContainerPort < 1 || port.ContainerPort > 65535 {
			c.bad(p.Key("ports").Item(i).Key("containerPort"), "%d is not a port; ports are from 1 to 65535", port.ContainerPort)
		}
	}
	for i, e := range container.Env {
		at := p.Key("env").Item(i)
		c.needs(at.Key("name"), e.Name != "", "name")
		if e.Value != "" && e.ValueFrom != nil {
			c.bad(at.Key("valueFrom"), "only one of value and valueFrom may be set")
		}
	}
	probes := map[string]*corev1.Probe{
		"readinessProbe": container.ReadinessProbe, "livenessProbe": container.LivenessProbe, "startupProbe": container.StartupProbe,
	}
	for _, name := range sortedKeys(probes) {
		probe := probes[name]
		if probe == nil {
			continue
		}
		kinds := 0
		for _, set := range []bool{probe.HTTPGet != nil, probe.TCPSocket != nil, probe.GRPC != nil, probe.Exec != nil} {
			if set {
				kinds++
			}
		}
		if kinds != 1 {
			c.bad(p.Key(name), "a probe needs exactly one of httpGet, tcpSocket, grpc and exec")
		}
	}
}

func (c *checker) endpointSlice(s *discoveryv1.EndpointSlice) {
	c.needs(Path{}.Key("addressType"), s.AddressType != "", "addressType")
	for i, e := range s.Endpoints {
		at := Path{}.Key("endpoints").Item(i).Key("addresses")
		c.needs(at, len(e.Addresses) > 0, "addresses")
		for j, a := range e.Addresses {
			if s.AddressType == discoveryv1.AddressTypeFQDN {
				c.note(at.Item(j), badDomain(a))
			} else {
				c.note(at.Item(j), badIP(a))
			}
		}
	}
}
