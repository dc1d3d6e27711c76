package local

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/backend/local/plan"
	"github.com/heddle-mesh/heddle/backend/local/sandbox"
	"github.com/heddle-mesh/heddle/mesh"
)

// hostPort is a port of this machine that leads to a service.
type hostPort struct {
	plan.HostPort
	servicePort corev1.ServicePort
	others      []plan.Key // services that want it, too
	err         error      // why it is not open
	reserved    string     // what the port is for instead; it is never opened
	targets     []sandbox.Upstream
}

// key names the port to the machine.
func (p *hostPort) key() string { return fmt.Sprint(p.HostPort.HostPort) }

// wantedPorts are the host ports that the declared services ask for.
func (s *Supervisor) wantedPorts() map[uint16]*hostPort {
	out := map[uint16]*hostPort{}
	for _, k := range plan.Sorted(s.declared.Services) {
		svc := s.declared.Services[k]
		if svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
			continue
		}
		for _, p := range svc.Spec.Ports {
			if cmp.Or(p.Protocol, corev1.ProtocolTCP) != corev1.ProtocolTCP || p.Port < 1 || p.Port > 65535 {
				continue
			}
			number := uint16(p.Port)
			host, ok := s.o.HostPorts[number]
			if !ok {
				host = number
				if number < 1024 { // ordinary users may not have these
					host = 8000 + number
				}
			}
			if first, taken := out[host]; taken {
				if first.Service != k {
					first.others = append(first.others, k)
				}
				continue
			}
			out[host] = &hostPort{
				HostPort: plan.HostPort{Service: k, Port: number, HostPort: host}, servicePort: p, reserved: s.o.Reserved[host],
			}
		}
	}
	return out
}

// openHostPorts opens what is wanted and closes what is not any more. What
// cannot be opened is tried again with the next call.
func (s *Supervisor) openHostPorts() {
	wanted := s.wantedPorts()
	for _, number := range slices.Sorted(maps.Keys(s.ports)) {
		old := s.ports[number]
		if w := wanted[number]; w != nil && w.Service == old.Service && w.Port == old.Port {
			old.servicePort, old.others = w.servicePort, w.others
			wanted[number] = old
			continue
		}
		if old.Open {
			if err := s.machine.Unforward(old.key()); err != nil {
				s.o.Log.Warn("host port not closed", "port", number, "error", err)
			}
		}
	}
	s.ports = wanted
	for _, number := range slices.Sorted(maps.Keys(wanted)) {
		p := wanted[number]
		if p.Open || p.reserved != "" {
			continue
		}
		p.err = s.openHostPort(p)
		p.Open = p.err == nil
		if p.Open {
			s.o.Log.Info("host port open", "port", number, "service", p.Service.String())
		}
	}
}

func (s *Supervisor) openHostPort(p *hostPort) error {
	l, err := net.Listen("tcp", netip.AddrPortFrom(s.o.HostAddress, p.HostPort.HostPort).String())
	if err != nil {
		return err
	}
	defer l.Close() // the machine has its own descriptor of it
	t, ok := l.(*net.TCPListener)
	if !ok {
		return errors.New("it is no TCP socket")
	}
	p.targets = nil
	return s.machine.Forward(p.key(), t, nil)
}

// retarget leads host ports to the pods that are ready.
func (s *Supervisor) retarget(pods []plan.Pod) {
	for _, number := range slices.Sorted(maps.Keys(s.ports)) {
		p := s.ports[number]
		svc := s.declared.Services[p.Service]
		if !p.Open || svc == nil {
			continue
		}
		named := *svc
		named.Namespace = p.Service.Namespace
		targets := plan.Upstreams(p.servicePort, &named, pods)
		if reflect.DeepEqual(targets, p.targets) {
			continue
		}
		if err := s.machine.Retarget(p.key(), targets); err != nil {
			s.o.Log.Warn("host port not led anew", "port", number, "error", err)
			continue
		}
		p.targets = targets
	}
}

// hostPortsOf are the host ports of a service, in order.
func (s *Supervisor) hostPortsOf(k plan.Key) []plan.HostPort {
	var out []plan.HostPort
	for _, number := range slices.Sorted(maps.Keys(s.ports)) {
		if p := s.ports[number]; p.Service == k {
			out = append(out, p.HostPort)
		}
	}
	return out
}

func (p *hostPort) findings(s *Supervisor) []mesh.Finding {
	var out []mesh.Finding
	if p.reserved != "" {
		for _, k := range append([]plan.Key{p.Service}, p.others...) {
			ref, origin := s.refOf(mesh.KindService, k)
			f := plan.Problem{
				Code: mesh.CodePort, Severity: mesh.Error, Path: "spec.ports",
				Message: fmt.Sprintf("Port %d of this machine is for %s of the control plane, so Service %s is not reached by it. Change the service's port, or lead it to another port with --host-port.",
					p.HostPort.HostPort, p.reserved, k),
			}.Finding(ref, origin)
			f.Params = map[string]string{"port": p.key()}
			out = append(out, f)
		}
		return out
	}
	if p.err != nil {
		ref, origin := s.refOf(mesh.KindService, p.Service)
		why := fmt.Sprintf("cannot be opened: %v", p.err)
		if errors.Is(p.err, unix.EADDRINUSE) {
			why = "is taken by another program"
		}
		f := plan.Problem{
			Code: mesh.CodePort, Severity: mesh.Error, Path: "spec.ports",
			Message: fmt.Sprintf("Port %d of this machine, for port %d of Service %s, %s. It is tried again every %v; end the other program, or lead the service to another port with --host-port.",
				p.HostPort.HostPort, p.Port, p.Service, why, retryEvery),
		}.Finding(ref, origin)
		f.Params = map[string]string{"port": p.key()}
		out = append(out, f)
	}
	for _, k := range p.others {
		ref, origin := s.refOf(mesh.KindService, k)
		f := plan.Problem{
			Code: mesh.CodeHostConflict, Severity: mesh.Error, Path: "spec.ports",
			Message: fmt.Sprintf("Port %d of this machine leads to Service %s already; Service %s is not reached by it. Change the port of one of them.", p.HostPort.HostPort, p.Service, k),
		}.Finding(ref, origin)
		firstRef, _ := s.refOf(mesh.KindService, p.Service)
		f.Related = []mesh.Ref{firstRef}
		out = append(out, f)
	}
	return out
}
