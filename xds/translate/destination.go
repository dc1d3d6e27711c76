package translate

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds/names"
)

// A target is a destination found in the mesh, or why there is none.
type target struct {
	cluster string // "" when there is no such destination

	// Where and why it was not found.
	path    string // relative to the destination: "host", "subset", "port.number"
	problem string
}

// needsPort reports whether the destination was not found because it names no
// port.
func (t target) needsPort() bool { return t.path == "port" }

// digest names everything about a target that a route reads.
func (t target) digest() string { return t.cluster + "\x00" + t.path + "\x00" + t.problem }

// targets finds destinations as one proxy sees them.
type targets struct {
	view   *scope.View
	domain string // cluster domain
	// subsets of hosts already asked for: one proxy asks for few hosts often.
	subsets map[string][]string
}

func newTargets(v *scope.View, snap *mesh.Snapshot) *targets {
	return &targets{view: v, domain: snap.Settings.ClusterDomain, subsets: map[string][]string{}}
}

// find resolves a destination as an object in namespace names it. Where it
// names no port, the only port of the service is meant, or else the one that
// the request came to.
func (t *targets) find(d *networking.Destination, namespace string, listenPort uint32) target {
	host := scope.ResolveHost(d.GetHost(), namespace, t.domain)
	if host == "" {
		return target{path: "host", problem: "a destination needs a host"}
	}
	svc, ok := t.view.Service(host)
	if !ok {
		return target{path: "host", problem: t.unknownHost(d.GetHost(), host, namespace)}
	}
	port := d.GetPort().GetNumber()
	path := "port.number"
	if port == 0 {
		path = "port"
		port = listenPort
		if len(svc.Ports) == 1 {
			port = svc.Ports[0].Number
		}
	}
	switch p, ok := svc.Port(port); {
	case !ok && path == "port":
		return target{path: path, problem: fmt.Sprintf("service %s has several ports (%s): name one", host, portList(svc))}
	case !ok:
		return target{path: path, problem: fmt.Sprintf("service %s has no port %d; it has %s", host, port, portList(svc))}
	case p.Protocol == mesh.UDP:
		return target{path: path, problem: fmt.Sprintf("port %d of service %s is UDP, which the mesh does not carry", port, host)}
	}
	if name := d.GetSubset(); name != "" && !slices.Contains(t.subsetNames(host), name) {
		return target{path: "subset", problem: t.unknownSubset(name, host)}
	}
	return target{cluster: names.OutboundCluster(port, d.GetSubset(), host)}
}

func (t *targets) subsetNames(host string) []string {
	known, ok := t.subsets[host]
	if !ok {
		for _, s := range subsetsOf(t.view.DestinationRule(host)) {
			known = append(known, s.Name)
		}
		t.subsets[host] = known
	}
	return known
}

func (t *targets) unknownHost(written, host, namespace string) string {
	for _, guess := range []string{host + "." + t.domain, host + ".svc." + t.domain, written + "." + namespace + ".svc." + t.domain} {
		if _, ok := t.view.Service(guess); ok {
			return fmt.Sprintf("no service %s is known; write %s", host, guess)
		}
	}
	return fmt.Sprintf("no service %s is known; define it or mend the name", host)
}

func (t *targets) unknownSubset(name, host string) string {
	known := t.subsetNames(host)
	if len(known) == 0 {
		return fmt.Sprintf("no DestinationRule defines subsets of %s; add one with subset %q", host, name)
	}
	return fmt.Sprintf("no DestinationRule for %s defines subset %q; defined are %s", host, name, strings.Join(known, ", "))
}

func portList(svc *mesh.Service) string {
	var numbers []string
	for _, p := range svc.Ports {
		numbers = append(numbers, fmt.Sprint(p.Number))
	}
	if len(numbers) == 0 {
		return "none"
	}
	return strings.Join(numbers, ", ")
}
