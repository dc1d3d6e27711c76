package app

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// walk follows a call through what a proxy has. A call to a service's name dials
// its address, as the application's resolver would have it.
func (p *plane) walk(snap *mesh.Snapshot, set *xds.ResourceSet, from *mesh.Workload, call simulate.Call) (*simulate.Answer, error) {
	service := serviceCalled(snap, from, call.Host)
	if service != nil && len(service.Addresses) > 0 {
		call.Address = service.Addresses[0]
	}
	answer, err := simulate.Walk(set, call)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(answer.Clusters, func(s simulate.Share) bool { return s.Cluster == names.Passthrough }) {
		answer.Note = passedOn(service, call)
	}
	return answer, nil
}

// serviceCalled is the service that a host name stands for at a workload; nil
// when there is none.
func serviceCalled(snap *mesh.Snapshot, from *mesh.Workload, host string) *mesh.Service {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	domain := snap.Settings.ClusterDomain
	for _, name := range []string{host, host + "." + from.Namespace + ".svc." + domain, host + ".svc." + domain, host + "." + domain} {
		if s, ok := snap.Services.Get(name); ok {
			return s
		}
	}
	return nil
}

// note marks the decisions that stand in for what objects say now.
func note(a *simulate.Answer, standIns []serve.StandIn) {
	types := map[string]string{"listener": xds.ListenerType, "virtual host": xds.VirtualHostType, "destination": xds.ClusterType}
	for i, d := range a.Decisions {
		for _, s := range standIns {
			if s.Name == d.Name && s.Type == types[d.What] {
				a.Decisions[i].Note = "not in effect as written: " + s.Why
			}
		}
	}
}

// passedOn says why a call leaves the mesh as it is.
func passedOn(service *mesh.Service, call simulate.Call) string {
	host, _, err := net.SplitHostPort(call.Host)
	if err != nil {
		host = call.Host
	}
	if service == nil {
		return fmt.Sprintf("no service of the mesh is called %s: the call leaves the mesh as it is (outboundTrafficPolicy ALLOW_ANY allows it)", host)
	}
	var ports []string
	for _, p := range service.Ports {
		if p.Number == call.Port {
			return fmt.Sprintf("no route of the mesh takes calls to %s on port %d: the call goes to the address that was dialled, as it is", host, call.Port)
		}
		ports = append(ports, strconv.FormatUint(uint64(p.Number), 10))
	}
	return fmt.Sprintf("service %s has no port %d, it has %s: the call goes to the address that was dialled, where nothing of the mesh listens", service.Host, call.Port, strings.Join(ports, ", "))
}
