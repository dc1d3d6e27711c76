package validate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

var liveLookups = []*Lookup{retriesByHost}

var liveChecks = []Check{
	{
		Code: "HDL3001", Severity: mesh.Warning, Needs: []Aspect{AspectCalls},
		On: onlyServices, Keys: eachObject, Reads: onlyServices,
		Run: forObject(otherProtocol),
	},
	{
		Code: "HDL3002", Severity: mesh.Info, Needs: []Aspect{AspectCalls},
		On: onlyRoutes, Keys: eachObject,
		Reads: slices.Concat(onlyRoutes, onlyServices, workloadKinds),
		Run:   forObject(multipliedRetries),
	},
	{
		Code: "HDL3003", Severity: mesh.Info, Needs: []Aspect{AspectNow, AspectCalls, AspectChanges},
		On: onlyRoutes, Keys: eachObject, Reads: onlyRoutes,
		Run: forObject(forgottenExperiments),
	},
	{
		Code: "HDL3004", Severity: mesh.Warning, Needs: []Aspect{AspectNow, AspectCertificates},
		On: runningKinds, Keys: eachObject, Reads: workloadKinds,
		Run: forObject(endingCertificates),
	},
	{
		Code: "HDL3005", Severity: mesh.Warning, SameAs: []string{"IST0171"}, Status: true,
		On: conditioned, Keys: eachObject, Reads: conditioned,
		Run: forObject(negativeConditions),
	},
}

var onlyRoutes = []mesh.Kind{mesh.KindVirtualService}

// callsTo are the calls of a host that are still made.
func callsTo(e Evidence, host string) []Call {
	var out []Call
	for _, c := range e.Calls {
		if c.Host == host && c.PerSecond > 0 {
			out = append(out, c)
		}
	}
	return out
}

// contradicts reports whether traffic that was seen cannot be what a port says.
// Nothing contradicts a port that says nothing.
func contradicts(says mesh.Protocol, seen string) bool {
	switch says {
	case mesh.HTTP:
		return seen == "grpc" || seen == "tcp"
	case mesh.HTTP2:
		return seen == "tcp"
	case mesh.GRPC:
		return seen == "http" || seen == "tcp"
	case mesh.TCP, mesh.TLS:
		return seen == "http" || seen == "grpc"
	default:
		return false
	}
}

// saidPort is a port of a Service that connections are made to, and what it says
// of them.
type saidPort struct {
	index int
	port  corev1.ServicePort
	says  mesh.Protocol
}

// saidPorts are the ports of a Service but those for datagrams.
func saidPorts(s *corev1.Service) []saidPort {
	var out []saidPort
	for i, p := range s.Spec.Ports {
		if cmp.Or(p.Protocol, corev1.ProtocolTCP) != corev1.ProtocolTCP {
			continue
		}
		app := ""
		if p.AppProtocol != nil {
			app = *p.AppProtocol
		}
		out = append(out, saidPort{i, p, mesh.PortProtocol(string(p.Protocol), app, p.Name, uint32(p.Port))})
	}
	return out
}

// otherProtocol finds ports that say one protocol and carry another. Metrics name
// no port: of several ports a call can have gone to any, so that it contradicts
// them only when it contradicts each, and then it is not known which one is wrong.
func otherProtocol(x *Index, o *mesh.Object, e Evidence) []Found {
	ports := saidPorts(spec[*corev1.Service](o))
	seen, callers := map[int][]string{}, map[int][]string{} // by the place in ports; len(ports) is "one of them"
	for _, c := range callsTo(e, mesh.KubeHost(o.Name, o.Namespace, x.Settings().ClusterDomain)) {
		at, possible := len(ports), 0
		for i, p := range ports {
			if c.Port != 0 && c.Port != uint32(p.port.Port) {
				continue
			}
			possible++
			if c.Port != 0 || len(ports) == 1 {
				at = i
			}
			if !contradicts(p.says, c.Protocol) {
				possible = 0
				break
			}
		}
		if possible > 0 {
			seen[at], callers[at] = append(seen[at], c.Protocol), append(callers[at], c.Source.Name)
		}
	}
	var out []Found
	for at := range len(ports) + 1 {
		protocols := sortedSet(seen[at])
		if len(protocols) == 0 {
			continue
		}
		which := ports
		if at < len(ports) {
			which = ports[at : at+1]
		}
		var titles, says []string
		for _, p := range which {
			titles, says = append(titles, portTitle(p.port)), append(says, strings.ToLower(string(p.says)))
		}
		f := found(o, "spec.ports", "port", strings.Join(titles, ", "), "says", strings.Join(sortedSet(says), ", "),
			"seen", strings.Join(protocols, ", "), "callers", shortList(sortedSet(callers[at])))
		if len(which) == 1 {
			f.Path = portPath(which[0].index, which[0].port)
			if len(protocols) == 1 {
				f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: "spec.ports[" + strconv.Itoa(which[0].index) + "].appProtocol", Value: protocols[0]}}
			}
		}
		out = append(out, f)
	}
	return out
}

// retriesByHost finds VirtualServices that ask for retries by a host of theirs.
var retriesByHost = &Lookup{
	Name: "retries by host", Kinds: onlyRoutes,
	Values: func(set mesh.Settings, o *mesh.Object) []string {
		if _, attempts := mostRetries(o); attempts == 0 {
			return nil
		}
		var out []string
		for _, h := range spec[*networking.VirtualService](o).GetHosts() {
			out = append(out, fullHost(set, o.Namespace, h))
		}
		return out
	},
}

// mostRetries is the route that retries most, and how often.
func mostRetries(o *mesh.Object) (route, attempts int) {
	for i, r := range spec[*networking.VirtualService](o).GetHttp() {
		if n := int(r.GetRetries().GetAttempts()); n > attempts {
			route, attempts = i, n
		}
	}
	return route, attempts
}

// chain is a way that calls take, and how many requests one can become on it.
type chain struct {
	steps    []string
	requests int
	retrying []mesh.Ref
}

// chainer looks for the chain that multiplies most.
type chainer struct {
	x     *Index
	e     Evidence
	steps int // taken so far: what bounds the work in a mesh where all call all
}

// Bounds of the search for chains. Longer ones would time out first.
const (
	maxChain      = 6
	maxChainSteps = 2000
)

// before is the chain that leads to host, without the retries of host itself.
func (c *chainer) before(host string, past []string) chain {
	best := chain{requests: 1}
	if c.steps++; len(past) >= maxChain || c.steps > maxChainSteps {
		return best
	}
	for _, call := range callsTo(c.e, host) {
		caller, ok := c.x.Get(call.Source)
		if !ok || podFormOf(caller) == nil {
			continue
		}
		for _, s := range servicesSelecting(c.x, caller.Namespace, podFormOf(caller).labels) {
			from := mesh.KubeHost(s.Name, s.Namespace, c.x.Settings().ClusterDomain)
			if slices.Contains(past, from) || from == host {
				continue
			}
			got := c.before(from, append(past[:len(past):len(past)], host))
			for _, vs := range c.x.By(retriesByHost, from) {
				_, attempts := mostRetries(vs)
				got.steps = append(got.steps, fmt.Sprintf("%s ×%d", s.Name, attempts+1))
				got.requests *= attempts + 1
				got.retrying = append(got.retrying, vs.Ref)
				break // one object decides for a host
			}
			if got.requests > best.requests {
				best = got
			}
		}
	}
	return best
}

// multipliedRetries finds routes whose callers are themselves called again when
// they fail: one request can become the product of all.
func multipliedRetries(x *Index, o *mesh.Object, e Evidence) []Found {
	route, attempts := mostRetries(o)
	if attempts == 0 {
		return nil
	}
	best := chain{requests: 1}
	var name string
	for _, h := range spec[*networking.VirtualService](o).GetHosts() {
		c := chainer{x: x, e: e}
		if got := c.before(fullHost(x.Settings(), o.Namespace, h), nil); got.requests > best.requests {
			best, name = got, h
		}
	}
	if best.requests == 1 {
		return nil
	}
	steps := append(best.steps, fmt.Sprintf("%s ×%d", name, attempts+1))
	f := found(o, fmt.Sprintf("spec.http[%d].retries.attempts", route),
		"path", strings.Join(steps, " → "), "requests", strconv.Itoa(best.requests*(attempts+1)))
	f.Related = best.retrying
	return []Found{f}
}

// experimentEnds is how long an experiment stays before it looks forgotten.
const experimentEnds = 24 * time.Hour

// forgottenExperiments finds faults and mirrors that nobody touched for a day,
// while they take effect.
func forgottenExperiments(x *Index, o *mesh.Object, e Evidence) []Found {
	changed, ok := e.ChangedAt[o.Ref]
	if !ok || e.Now.Sub(changed) < experimentEnds {
		return nil
	}
	vs := spec[*networking.VirtualService](o)
	var out []Found
	for i, r := range vs.GetHttp() {
		var what []string
		if r.Fault != nil {
			what = append(what, "fault")
		}
		if r.Mirror != nil {
			what = append(what, "mirror")
		}
		if len(r.Mirrors) > 0 {
			what = append(what, "mirrors")
		}
		if len(what) == 0 || !carriesTraffic(x, o, r, e) {
			continue
		}
		for _, field := range what {
			out = append(out, found(o, fmt.Sprintf("spec.http[%d].%s", i, field),
				"field", field, "since", changed.UTC().Format("2006-01-02 15:04")))
		}
	}
	return out
}

// carriesTraffic reports whether hosts that a route is for, or sends to, are called.
func carriesTraffic(x *Index, o *mesh.Object, r *networking.HTTPRoute, e Evidence) bool {
	hosts := slices.Clone(spec[*networking.VirtualService](o).GetHosts())
	for _, d := range r.GetRoute() {
		hosts = append(hosts, d.GetDestination().GetHost())
	}
	for _, h := range hosts {
		full := fullHost(x.Settings(), o.Namespace, h)
		domain, wild := strings.CutPrefix(full, "*")
		for _, c := range e.Calls {
			if c.PerSecond > 0 && (c.Host == full || wild && strings.HasSuffix(c.Host, domain)) {
				return true
			}
		}
	}
	return false
}

// lateShare is the share of its life that a certificate in use should still have:
// certificates are renewed at half of it.
const lateShare = 5

// endingCertificates finds workloads whose certificate was not renewed in time.
func endingCertificates(_ *Index, o *mesh.Object, e Evidence) []Found {
	var late []Certificate
	for _, c := range e.Certificates {
		if c.Workload == o.Ref && c.NotAfter.Sub(e.Now) < c.NotAfter.Sub(c.NotBefore)/lateShare {
			late = append(late, c)
		}
	}
	if len(late) == 0 {
		return nil
	}
	first := slices.MinFunc(late, func(a, b Certificate) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), slices.Compare(a.Names, b.Names))
	})
	return []Found{found(o, "", "end", first.NotAfter.UTC().Format("2006-01-02 15:04"), "names", shortList(first.Names))}
}

// conditioned are the kinds whose conditions say what took effect.
var conditioned = []mesh.Kind{mesh.KindService, mesh.KindServiceEntry, mesh.KindAuthorizationPolicy}

// conditionsOf are what controllers said about an object; none when its status
// cannot be read.
func conditionsOf(o *mesh.Object) []metav1.Condition {
	if s, ok := o.Spec.(*corev1.Service); ok {
		return s.Status.Conditions
	}
	var status struct {
		Conditions []metav1.Condition `json:"conditions"`
	}
	if len(o.Status) == 0 || json.Unmarshal(o.Status, &status) != nil {
		return nil
	}
	return status.Conditions
}

// negativeConditions finds what a controller said it could not do for an object.
func negativeConditions(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for i, c := range conditionsOf(o) {
		if c.Status == metav1.ConditionFalse {
			out = append(out, found(o, "status.conditions["+strconv.Itoa(i)+"]", "type", c.Type, "reason", c.Reason, "text", c.Message))
		}
	}
	return out
}
