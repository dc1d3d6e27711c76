package plan

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/redirect"
)

// Unsupported lists what a Deployment asks for and does not get yet. Its pods
// run all the same.
func Unsupported(dep *appsv1.Deployment) []Problem {
	var out []Problem
	not := func(path, format string, args ...any) {
		out = append(out, Problem{mesh.CodeUnsupported, mesh.Warning, path, fmt.Sprintf(format, args...)})
	}
	spec := &dep.Spec.Template.Spec
	if c := spec.SecurityContext; c != nil && c.RunAsUser != nil {
		not("spec.template.spec.securityContext.runAsUser", "Running as user %d is not supported yet: all containers run as the user of this machine's cluster. Remove runAsUser.", *c.RunAsUser)
	}
	if spec.HostNetwork {
		not("spec.template.spec.hostNetwork", "The network of the host is not supported yet: the pod gets an address of its own.")
	}
	for kind, containers := range map[string][]corev1.Container{"initContainers": spec.InitContainers, "containers": spec.Containers} {
		for i, c := range containers {
			at := fmt.Sprintf("spec.template.spec.%s[%d]", kind, i)
			if s := c.SecurityContext; s != nil && s.RunAsUser != nil && !IsProxy(&c) {
				not(at+".securityContext.runAsUser", "Running container %s as user %d is not supported yet: all containers run as the user of this machine's cluster. Remove runAsUser.", c.Name, *s.RunAsUser)
			}
			for j, p := range c.Ports {
				if p.Protocol != "" && p.Protocol != corev1.ProtocolTCP {
					not(fmt.Sprintf("%s.ports[%d].protocol", at, j), "%s is not supported yet: port %d of container %s is reached by its pod's address alone.", p.Protocol, p.ContainerPort, c.Name)
				}
				if p.HostPort != 0 {
					not(fmt.Sprintf("%s.ports[%d].hostPort", at, j), "hostPort is not supported yet: use a Service of type LoadBalancer.")
				}
			}
			if c.Lifecycle != nil {
				not(at+".lifecycle", "Lifecycle hooks are not supported yet: container %s runs without them.", c.Name)
			}
		}
	}
	if _, err := redirect.FromAnnotations(dep.Spec.Template.Annotations); err != nil {
		out = append(out, Problem{mesh.CodeStructureWarning, mesh.Warning, "spec.template.metadata.annotations", fmt.Sprintf("%v.", err)})
	}
	sortProblems(out)
	return out
}

// UnsupportedService is the same for a Service.
func UnsupportedService(svc *corev1.Service) []Problem {
	var out []Problem
	for i, p := range svc.Spec.Ports {
		if p.Protocol != "" && p.Protocol != corev1.ProtocolTCP {
			out = append(out, Problem{
				mesh.CodeUnsupported, mesh.Warning, fmt.Sprintf("spec.ports[%d].protocol", i),
				fmt.Sprintf("%s is not supported yet: port %d of the service leads nowhere.", p.Protocol, p.Port),
			})
		}
	}
	for i, f := range svc.Spec.IPFamilies {
		if f == corev1.IPv6Protocol {
			out = append(out, Problem{
				mesh.CodeUnsupported, mesh.Warning, fmt.Sprintf("spec.ipFamilies[%d]", i),
				"IPv6 is not supported yet: the service gets an IPv4 address.",
			})
		}
	}
	if svc.Spec.Type == corev1.ServiceTypeNodePort {
		out = append(out, Problem{
			mesh.CodeUnsupported, mesh.Warning, "spec.type",
			"NodePort is not supported yet: the service is reached inside the cluster alone. Use type LoadBalancer.",
		})
	}
	return out
}
