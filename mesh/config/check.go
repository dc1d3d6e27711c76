package config

import (
	"fmt"
	"slices"
	"strconv"

	extensions "istio.io/api/extensions/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	networkingv1beta1 "istio.io/api/networking/v1beta1"
	security "istio.io/api/security/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// Issue is one thing that the API of an object's kind refuses or warns of.
type Issue struct {
	Path Path
	// Severity is mesh.Error for what makes the object unusable, and
	// mesh.Warning for what works, but hardly as meant.
	Severity mesh.Severity
	Message  string
}

// Check finds what the API itself refuses or warns of in one object, whatever
// else there is in the mesh: hosts that are no names, weights below zero, ports
// out of range. It takes any object, also one that could not have come from
// text, such as one with a list that holds nothing.
func Check(o *mesh.Object) []Issue {
	budget := maxExpressions
	issues, _ := checkWithin(o, &budget)
	return issues
}

// maxExpressions is how many bytes of expressions are read, which takes long.
const maxExpressions = 64 << 10

// checkWithin checks an object, and counts what there is beyond maxFindings of each
// severity; expressions is how many bytes of expressions may
// still be read, and what it reads is taken from it.
func checkWithin(o *mesh.Object, expressions *int) (issues []Issue, left map[mesh.Severity]int) {
	c := &checker{object: o, expressions: expressions}
	// Nearly every path fits, so that an object without issues costs this one
	// allocation.
	root := make(spot, 0, 16)
	c.labels(root.key("metadata").key("labels"), o.Labels)
	if refused := c.annotations(root.key("metadata").key("annotations")); refused {
		return c.issues, c.left
	}
	spec := root.key("spec")
	switch s := o.Spec.(type) {
	case *networking.VirtualService:
		c.virtualService(spec, s)
	case *networking.DestinationRule:
		c.destinationRule(spec, s)
	case *networking.Gateway:
		c.gateway(spec, s)
	case *networking.ServiceEntry:
		c.serviceEntry(spec, s)
	case *networking.Sidecar:
		c.sidecar(spec, s)
	case *networking.WorkloadEntry:
		c.workloadEntry(spec, s)
	case *networking.WorkloadGroup:
		c.workloadGroup(spec, s)
	case *networking.EnvoyFilter:
		c.envoyFilter(spec, s)
	case *networkingv1beta1.ProxyConfig:
		c.proxyConfig(spec, s)
	case *security.AuthorizationPolicy:
		c.authorization(spec, s)
	case *security.PeerAuthentication:
		c.peerAuthentication(spec, s)
	case *security.RequestAuthentication:
		c.requestAuthentication(spec, s)
	case *telemetry.Telemetry:
		c.telemetry(spec, s)
	case *extensions.WasmPlugin:
		c.wasmPlugin(spec, s)
	case *extensions.TrafficExtension:
		c.trafficExtension(spec, s)
	case *corev1.Service:
		c.service(Path(spec), s)
	case *appsv1.Deployment:
		c.deployment(Path(spec), s)
	case *corev1.Pod:
		c.podSpec(Path(spec), &s.Spec)
	case *discoveryv1.EndpointSlice:
		c.endpointSlice(s)
	case *gatewayv1.Gateway:
		c.k8sGateway(Path(spec), s)
	case *gatewayv1.HTTPRoute:
		c.httpRoute(Path(spec), s)
	case *gatewayv1.GRPCRoute:
		c.grpcRoute(Path(spec), s)
	}
	return c.issues, c.left
}

// spot is where a check looks. Children share memory, other than those of a
// Path, so that walking an object costs nothing: a child is used up before the
// next child of the same spot is made.
type spot []Step

func (p spot) key(name string) spot { return append(p, Step{Key: name}) }

func (p spot) item(i int) spot { return append(p, Step{Index: i, List: true}) }

// checker collects the issues of one object.
type checker struct {
	object      *mesh.Object
	issues      []Issue
	told, left  map[mesh.Severity]int // how many there are in issues, and how many besides
	expressions *int
}

func (c *checker) add(at []Step, severity mesh.Severity, format string, args []any) {
	if c.told == nil {
		c.told, c.left = map[mesh.Severity]int{}, map[mesh.Severity]int{}
	}
	if c.told[severity] >= maxFindings {
		c.left[severity]++
		return
	}
	c.told[severity]++
	c.issues = append(c.issues, Issue{Path: slices.Clone(Path(at)), Severity: severity, Message: fmt.Sprintf(format, args...)})
}

// bad reports what makes the object unusable.
func (c *checker) bad(at []Step, format string, args ...any) {
	c.add(at, mesh.Error, format, args)
}

// warn reports what is hardly meant so.
func (c *checker) warn(at []Step, format string, args ...any) {
	c.add(at, mesh.Warning, format, args)
}

// note reports msg unless it is empty.
func (c *checker) note(at []Step, msg string) {
	if msg != "" {
		c.bad(at, "%s", msg)
	}
}

// needs reports a value that must be there.
func (c *checker) needs(at []Step, have bool, what string) bool {
	if !have {
		c.bad(at, "%s is missing", what)
	}
	return have
}

// notNegative reports a number below 0.
func (c *checker) notNegative(at []Step, n int32) {
	if n < 0 {
		c.bad(at, "%d is below 0", n)
	}
}

// dropWarnings takes back all warnings from the given issue on: they rest on
// something that has to change anyway.
func (c *checker) dropWarnings(from int) {
	c.issues = append(c.issues[:from:from], slices.DeleteFunc(slices.Clone(c.issues[from:]), func(i Issue) bool {
		return i.Severity == mesh.Warning
	})...)
}

func (c *checker) labels(at []Step, labels map[string]string) {
	for k, v := range labels {
		if len(validation.IsQualifiedName(k)) > 0 || len(validation.IsValidLabelValue(v)) > 0 {
			c.badLabels(at, labels)
			return
		}
	}
}

// badLabels reports the labels that are wrong, in order.
func (c *checker) badLabels(at []Step, labels map[string]string) {
	for _, k := range sortedKeys(labels) {
		if msgs := validation.IsQualifiedName(k); len(msgs) > 0 {
			c.bad(spot(at).key(k), "%q is not a label name: %s", clip(k), msgs[0])
		} else if msgs := validation.IsValidLabelValue(labels[k]); len(msgs) > 0 {
			c.bad(spot(at).key(k), "%q is not a label value: %s", clip(labels[k]), msgs[0])
		}
	}
}

// internalAnnotations are made by control planes for objects of their own; on
// an object from outside they would lend it rights that it does not have.
var internalAnnotations = []string{
	"internal.istio.io/parents", "internal.istio.io/parent-namespace", "internal.istio.io/webhook-always-reject",
}

// annotations reports whether one of them refuses the whole object.
func (c *checker) annotations(at spot) (refused bool) {
	const dryRun = "istio.io/dry-run"
	if len(c.object.Annotations) == 0 || !isIstio(c.object.Kind) {
		return false
	}
	before := len(c.issues)
	if value, has := c.object.Annotations[dryRun]; has {
		policy, ok := c.object.Spec.(*security.AuthorizationPolicy)
		_, err := strconv.ParseBool(value)
		switch {
		case !ok:
			c.bad(at.key(dryRun), "a %s cannot be tried out with %s; remove the annotation", c.object.Kind.Name, dryRun)
		case policy.GetAction() != security.AuthorizationPolicy_ALLOW && policy.GetAction() != security.AuthorizationPolicy_DENY:
			c.bad(at.key(dryRun), "only actions ALLOW and DENY can be tried out, not %s; remove the annotation", policy.GetAction())
		case err != nil:
			c.bad(at.key(dryRun), "%q must be \"true\" or \"false\"", clip(value))
		}
	}
	for _, name := range internalAnnotations {
		if _, has := c.object.Annotations[name]; has {
			c.bad(at.key(name), "the annotation is kept for control planes; remove it")
		}
	}
	return len(c.issues) > before
}

func isIstio(k mesh.Kind) bool {
	const suffix = ".istio.io"
	return len(k.Group) > len(suffix) && k.Group[len(k.Group)-len(suffix):] == suffix
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
