package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/heddle-mesh/heddle/mesh"
)

var gateways = []mesh.Kind{mesh.KindGateway}

var gatewayChecks = []Check{
	{
		Code: "HDL2301", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA0302"}, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment},
		Run:   forObject(gatewaysWithoutPods),
	},
	{
		Code: "HDL2302", Severity: mesh.Warning, SameAs: []string{"IST0162"}, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindService},
		Run:   forObject(portsNotExposed),
	},
	{
		Code: "HDL2303", Severity: mesh.Warning,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(keysOfAnother),
	},
	{
		Code: "HDL2304", Severity: mesh.Error, SameAs: []string{"IST0145", "KIA0301"},
		On: gateways, Keys: eachObject,
		Reads: gateways,
		Run:   forObject(conflictingGateways),
	},
	{
		Code: "HDL2305", Severity: mesh.Warning, SameAs: []string{"KIA0301"},
		On: gateways, Keys: eachObject,
		Reads: gateways,
		Run:   forObject(overlappingGateways),
	},
	{
		Code: "HDL2306", Severity: mesh.Warning, SameAs: []string{"IST0138"},
		On: gateways, Keys: eachObject,
		Reads: gateways,
		Run:   forObject(sharedCertificates),
	},
	{
		Code: "HDL2307", Severity: mesh.Error, SameAs: []string{"IST0101"}, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(credentialsMissing),
	},
	{
		Code: "HDL2308", Severity: mesh.Error, SameAs: []string{"IST0161"},
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(credentialsInvalid),
	},
	{
		Code: "HDL2309", Severity: mesh.Warning,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(hostsNotCertified),
	},
	{
		Code: "HDL2310", Severity: mesh.Error, SameAs: []string{"IST0161"}, Needs: []Aspect{AspectNow},
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(credentialsEnded),
	},
	{
		Code: "HDL2311", Severity: mesh.Warning, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(authoritiesMissing),
	},
	{
		Code: "HDL2312", Severity: mesh.Info, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindVirtualService},
		Run:   forObject(gatewaysWithoutRoutes),
	},
	{
		Code: "HDL2313", Severity: mesh.Warning, Needs: []Aspect{AspectNow},
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment, mesh.KindSecret},
		Run:   forObject(credentialsEnding),
	},
	{
		Code: "HDL2314", Severity: mesh.Error, SameAs: []string{"IST0101"}, Absence: true,
		On: gateways, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindGateway, mesh.KindPod, mesh.KindDeployment},
		Run:   forObject(podsOfNoNamespace),
	},
}

var gatewayLookups = []*Lookup{podsAnywhere, gatewaysByServer, gatewaysByCredential}

// podsAnywhere finds Pods, and what makes such, by one label in whatever
// namespace: "istio=ingressgateway".
var podsAnywhere = &Lookup{
	Name: "pods by label anywhere", Kinds: append([]mesh.Kind{mesh.KindPod}, templateKinds...),
	Values: func(_ mesh.Settings, o *mesh.Object) []string {
		labels := podLabels(o)
		out := make([]string, 0, len(labels))
		for _, k := range sortedKeys(labels) {
			out = append(out, k+"="+labels[k])
		}
		return out
	},
}

// gatewaysByServer finds Gateways by port and host of their servers: "443
// www.example.com"; and by these with each label of their selector, with its
// first, or with "any" where there is none: "443 www.example.com with app=edge".
var gatewaysByServer = &Lookup{
	Name: "gateways by server", Kinds: gateways,
	Values: func(_ mesh.Settings, o *mesh.Object) []string {
		var out []string
		labels := selectorLabels(spec[*networking.Gateway](o).GetSelector())
		for _, s := range spec[*networking.Gateway](o).GetServers() {
			for _, h := range s.GetHosts() {
				_, host := serverHost(h)
				key := serverKey(s, host)
				out = append(out, key)
				if len(labels) == 0 {
					out = append(out, key+" any")
				} else {
					out = append(out, key+" first "+labels[0])
				}
				for _, label := range labels {
					out = append(out, key+" with "+label)
				}
			}
		}
		return out
	},
}

// selectorLabels are the labels of a selector, sorted: "app=edge".
func selectorLabels(selector map[string]string) []string {
	out := make([]string, 0, len(selector))
	for _, k := range sortedKeys(selector) {
		out = append(out, k+"="+selector[k])
	}
	return out
}

func serverKey(s *networking.Server, host string) string {
	return strconv.FormatUint(uint64(s.GetPort().GetNumber()), 10) + " " + strings.ToLower(host)
}

// gatewayWorkloads are the pods that a Gateway configures: Pods, or where there
// are none what makes such. Without a selector it is all Pods.
func gatewayWorkloads(x *Index, gateway *mesh.Object) []*mesh.Object {
	selector := spec[*networking.Gateway](gateway).GetSelector()
	if len(selector) == 0 {
		return x.All(mesh.KindPod)
	}
	first := slices.Min(slices.Collect(maps.Keys(selector)))
	var pods, templates []*mesh.Object
	for _, o := range x.By(podsAnywhere, first+"="+selector[first]) {
		switch {
		case !carries(podLabels(o), selector):
		case o.Kind == mesh.KindPod:
			pods = append(pods, o)
		default:
			templates = append(templates, o)
		}
	}
	if len(pods) > 0 {
		return pods
	}
	return templates
}

// selectorWords is a selector as people write it on a command line.
func selectorWords(selector map[string]string) string {
	return strings.Join(selectorLabels(selector), ",")
}

// gatewaysWithoutPods finds selectors that nothing carries the labels of.
func gatewaysWithoutPods(x *Index, o *mesh.Object, _ Evidence) []Found {
	selector := spec[*networking.Gateway](o).GetSelector()
	if len(selector) == 0 || len(gatewayWorkloads(x, o)) > 0 {
		return nil
	}
	return []Found{found(o, "spec.selector", "selector", selectorWords(selector))}
}

// podsOfNoNamespace finds Gateways whose pods are written without a namespace.
// What makes pods is put into the default one where it is not said, and its pods
// with it.
func podsOfNoNamespace(x *Index, o *mesh.Object, _ Evidence) []Found {
	pods := gatewayWorkloads(x, o)
	if len(pods) == 0 || slices.ContainsFunc(pods, func(p *mesh.Object) bool { return !p.Unplaced || p.Kind != mesh.KindPod }) {
		return nil
	}
	f := found(o, "spec.selector", "pod", pods[0].Name)
	f.Related = []mesh.Ref{pods[0].Ref}
	return []Found{f}
}

// exposedPorts are the ports of the Services that select pods, and those that
// pods are reached on behind them: a server may name either.
func exposedPorts(x *Index, pods []*mesh.Object) []uint32 {
	var out []uint32
	seen := map[*mesh.Object]bool{}
	for _, pod := range pods {
		for _, o := range x.In(mesh.KindService, pod.Namespace) {
			s := spec[*corev1.Service](o)
			if s == nil || seen[o] || len(s.Spec.Selector) == 0 || !carries(podLabels(pod), s.Spec.Selector) {
				continue
			}
			seen[o] = true
			for _, p := range s.Spec.Ports {
				if cmp.Or(p.Protocol, corev1.ProtocolTCP) != corev1.ProtocolTCP {
					continue
				}
				out = append(out, uint32(p.Port))
				if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0 {
					out = append(out, uint32(p.TargetPort.IntVal))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// portsNotExposed finds servers that no Service of the gateway leads to.
func portsNotExposed(x *Index, o *mesh.Object, _ Evidence) []Found {
	pods := gatewayWorkloads(x, o)
	if len(pods) == 0 {
		return nil
	}
	ports := exposedPorts(x, pods)
	var out []Found
	for i, s := range spec[*networking.Gateway](o).GetServers() {
		port := s.GetPort().GetNumber()
		if s.GetPort() == nil || slices.Contains(ports, port) {
			continue
		}
		out = append(out, found(o, fmt.Sprintf("spec.servers[%d].port.number", i), "port", strconv.Itoa(int(port)),
			"selector", selectorWords(spec[*networking.Gateway](o).GetSelector()), "ports", portList(ports)))
	}
	return out
}

// samePods reports whether one selector asks for all that the other does, so
// that some pods obey both.
func samePods(a, b map[string]string) bool { return carries(a, b) || carries(b, a) }

// gatewaysLike are the Gateways with a server of the port and host of another
// one, among which are all those whose selector asks for all that the other's
// does, or for part of it.
func gatewaysLike(x *Index, server *networking.Server, host string, selector map[string]string) []*mesh.Object {
	key := serverKey(server, host)
	if len(selector) == 0 {
		return x.By(gatewaysByServer, key)
	}
	out := slices.Clone(x.By(gatewaysByServer, key+" any"))
	var rarest []*mesh.Object
	for i, label := range selectorLabels(selector) {
		out = append(out, x.By(gatewaysByServer, key+" first "+label)...)
		if with := x.By(gatewaysByServer, key+" with "+label); i == 0 || len(with) < len(rarest) {
			rarest = with
		}
	}
	return distinct(append(out, rarest...))
}

// rivalGateways are the Gateways, other than o, whose server has the port and a host of
// one of o's, for pods that both configure; clash says which pairs of hosts as
// written count. Of very many it is the first.
func rivalGateways(x *Index, o *mesh.Object, server *networking.Server, clash func(mine, theirs string, other *mesh.Object) bool) []*mesh.Object {
	selector := spec[*networking.Gateway](o).GetSelector()
	var out []*mesh.Object
	for _, mine := range server.GetHosts() {
		_, host := serverHost(mine)
		for _, other := range gatewaysLike(x, server, host, selector) {
			if len(out) == maxNamed {
				break
			}
			g := spec[*networking.Gateway](other)
			if other.Ref == o.Ref || slices.Contains(out, other) || !samePods(selector, g.GetSelector()) {
				continue
			}
			if slices.ContainsFunc(g.GetServers(), func(s *networking.Server) bool {
				return s.GetPort().GetNumber() == server.GetPort().GetNumber() && s.GetBind() == server.GetBind() &&
					slices.ContainsFunc(s.GetHosts(), func(theirs string) bool { return clash(mine, theirs, other) })
			}) {
				out = append(out, other)
			}
		}
	}
	slices.SortFunc(out, func(a, b *mesh.Object) int { return a.Ref.Compare(b.Ref) })
	return out
}

// clashes makes a finding for each server that has rivals.
func clashes(x *Index, o *mesh.Object, clash func(mine, theirs string, other *mesh.Object) bool) []Found {
	var out []Found
	for i, s := range spec[*networking.Gateway](o).GetServers() {
		others := rivalGateways(x, o, s, clash)
		if len(others) == 0 {
			continue
		}
		f := found(o, fmt.Sprintf("spec.servers[%d].hosts", i))
		f.Related = refsOf(others)
		f.Params = map[string]string{
			"others": namesOf(others), "port": strconv.Itoa(int(s.GetPort().GetNumber())), "hosts": strings.Join(s.GetHosts(), ", "),
		}
		out = append(out, f)
	}
	return out
}

// conflictingGateways finds servers with a host, as written, and the port of
// another Gateway for the same pods.
func conflictingGateways(x *Index, o *mesh.Object, _ Evidence) []Found {
	return clashes(x, o, func(mine, theirs string, _ *mesh.Object) bool { return mine == theirs })
}

// overlappingGateways finds servers whose hosts are the same as another's only
// when what they say of namespaces is left out, and which some namespace shares.
func overlappingGateways(x *Index, o *mesh.Object, _ Evidence) []Found {
	return clashes(x, o, func(mine, theirs string, other *mesh.Object) bool {
		from, host := serverHost(mine)
		otherFrom, otherHost := serverHost(theirs)
		if mine == theirs || !strings.EqualFold(host, otherHost) {
			return false
		}
		if from == "." {
			from = o.Namespace
		}
		if otherFrom == "." {
			otherFrom = other.Namespace
		}
		return from == "*" || otherFrom == "*" || from == otherFrom
	})
}

// gatewaysWithoutRoutes finds Gateways that no VirtualService names. One that
// only redirects to HTTPS, or passes on what names its service itself, needs
// none, and where there is no VirtualService at all, routes are not what is
// looked at.
func gatewaysWithoutRoutes(x *Index, o *mesh.Object, _ Evidence) []Found {
	if len(x.By(boundRoutes, o.Namespace+"/"+o.Name)) > 0 {
		return nil
	}
	if !slices.ContainsFunc(spec[*networking.Gateway](o).GetServers(), func(s *networking.Server) bool {
		return !s.GetTls().GetHttpsRedirect() && s.GetTls().GetMode() != networking.ServerTLSSettings_AUTO_PASSTHROUGH
	}) {
		return nil
	}
	if len(x.All(mesh.KindVirtualService)) == 0 {
		return nil
	}
	return []Found{found(o, "", "gateway", o.Namespace+"/"+o.Name)}
}
