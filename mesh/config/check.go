package config

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// Issue is one thing that the API of an object's kind refuses.
type Issue struct {
	Path    Path
	Message string
}

// Check finds what the API itself refuses in one object, whatever else there is
// in the mesh: hosts that are no names, weights below zero, ports out of range.
func Check(o *mesh.Object) []Issue {
	c := &checker{object: o}
	c.labels(Path{}.Key("metadata").Key("labels"), o.Labels)
	spec := Path{}.Key("spec")
	switch s := o.Spec.(type) {
	case proto.Message:
		c.message(spec, s.ProtoReflect())
		c.annotations()
	case *corev1.Service:
		c.service(spec, s)
	case *appsv1.Deployment:
		c.deployment(spec, s)
	case *corev1.Pod:
		c.podSpec(spec, &s.Spec)
	case *discoveryv1.EndpointSlice:
		c.endpointSlice(s)
	case *gatewayv1.Gateway:
		c.k8sGateway(spec, s)
	case *gatewayv1.HTTPRoute:
		c.httpRoute(spec, s)
	case *gatewayv1.GRPCRoute:
		c.grpcRoute(spec, s)
	}
	return c.issues
}

// checker collects the issues of one object.
type checker struct {
	object *mesh.Object
	issues []Issue
}

// bad reports an issue.
func (c *checker) bad(p Path, format string, args ...any) {
	c.issues = append(c.issues, Issue{Path: p, Message: fmt.Sprintf(format, args...)})
}

// note reports msg unless it is empty.
func (c *checker) note(p Path, msg string) {
	if msg != "" {
		c.bad(p, "%s", msg)
	}
}

// needs reports a value that must be there.
func (c *checker) needs(p Path, have bool, what string) bool {
	if !have {
		c.bad(p, "%s is missing", what)
	}
	return have
}

func (c *checker) labels(p Path, labels map[string]string) {
	for _, k := range sortedKeys(labels) {
		if msgs := validation.IsQualifiedName(k); len(msgs) > 0 {
			c.bad(p.Key(k), "%q is not a label name: %s", k, msgs[0])
		} else if msgs := validation.IsValidLabelValue(labels[k]); len(msgs) > 0 {
			c.bad(p.Key(k), "%q is not a label value: %s", clip(labels[k]), msgs[0])
		}
	}
}

func (c *checker) annotations() {
	const dryRun = "istio.io/dry-run"
	value, has := c.object.Annotations[dryRun]
	if !has {
		return
	}
	p := Path{}.Key("metadata").Key("annotations").Key(dryRun)
	switch {
	case c.object.Kind != mesh.KindAuthorizationPolicy:
		c.bad(p, "a %s cannot be tried out with %s; remove the annotation", c.object.Kind.Name, dryRun)
	case value != "true" && value != "false":
		c.bad(p, "%q must be \"true\" or \"false\"", value)
	}
}

// checkName says what is wrong with the name of an object.
func checkName(ref mesh.Ref) string {
	var msgs []string
	switch ref.Kind {
	case mesh.KindService:
		msgs = validation.IsDNS1035Label(ref.Name)
	case mesh.KindNamespace:
		msgs = validation.IsDNS1123Label(ref.Name)
	default:
		msgs = validation.IsDNS1123Subdomain(ref.Name)
	}
	if len(msgs) == 0 {
		return ""
	}
	return fmt.Sprintf("%q cannot be a name: %s", clip(ref.Name), msgs[0])
}

func checkNamespace(name string) string {
	if msgs := validation.IsDNS1123Label(name); name != "" && len(msgs) > 0 {
		return fmt.Sprintf("%q cannot be a namespace: %s", clip(name), msgs[0])
	}
	return ""
}
