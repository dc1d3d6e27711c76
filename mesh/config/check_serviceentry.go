package config

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) serviceEntry(p spot, se *networking.ServiceEntry) {
	if se == nil {
		return
	}
	selected := c.oldSelector(p.key("workloadSelector"), se.WorkloadSelector)
	from := len(c.issues)
	if se.WorkloadSelector != nil && len(se.Endpoints) > 0 {
		c.bad(p.key("endpoints"), "only one of workloadSelector and endpoints may be set")
	}
	c.entryHosts(p.key("hosts"), se.Hosts)
	for i, a := range se.Addresses {
		c.note(p.key("addresses").item(i), badIPOrCIDR(a))
	}
	c.entryPorts(p.key("ports"), se)
	switch se.Resolution {
	case networking.ServiceEntry_NONE:
		c.entryNone(p, se)
	case networking.ServiceEntry_STATIC:
		names := portNames(se)
		for i, e := range se.Endpoints {
			c.entryStatic(p.key("endpoints").item(i), e, names)
		}
	case networking.ServiceEntry_DNS, networking.ServiceEntry_DNS_ROUND_ROBIN:
		c.entryDNS(p, se)
	case networking.ServiceEntry_DYNAMIC_DNS:
		c.entryDynamic(p, se)
	}
	ranges := func(a string) bool { return strings.Contains(a, "/") }
	keeps := se.Resolution == networking.ServiceEntry_NONE || se.Resolution == networking.ServiceEntry_STATIC
	if i := slices.IndexFunc(se.Addresses, ranges); i >= 0 && !keeps && se.Resolution != networking.ServiceEntry_DYNAMIC_DNS {
		c.bad(p.key("addresses").item(i), "a range of addresses works with resolution NONE and STATIC only")
	}
	c.entryManyHosts(p, se)
	c.exportTo(p.key("exportTo"), se.ExportTo, true)
	if !selected {
		c.dropWarnings(from)
	}
}

// oldSelector checks a selector of the networking kinds. It is false when the
// selector cannot be used at all.
func (c *checker) oldSelector(p spot, s *networking.WorkloadSelector) bool {
	if s == nil {
		return true
	}
	return c.selector(p, "labels", s.Labels)
}

// selector checks which workloads an object is for. It is false when the
// selector cannot be used.
func (c *checker) selector(p spot, field string, labels map[string]string) bool {
	if len(labels) == 0 {
		c.warn(p, "the selector has no labels and so selects every workload of the namespace; remove it, or give labels")
		return true
	}
	before := len(c.issues)
	for _, k := range sortedKeys(labels) {
		at := p.key(field).key(k)
		if k == "" {
			c.bad(at, "a label name is missing")
		}
		if strings.Contains(k, "*") || strings.Contains(labels[k], "*") {
			c.bad(at, "a selector takes whole labels; * is not supported: %s=%s", clip(k), clip(labels[k]))
		}
	}
	return len(c.issues) == before
}

func (c *checker) entryHosts(p spot, hosts []string) {
	c.needs(p, len(hosts) > 0, "hosts")
	for i, h := range hosts {
		at := p.item(i)
		switch {
		case h == "*":
			c.bad(at, "a service cannot have the host *; name the hosts")
		case isIP(h):
			c.bad(at, "%q is an IP address; give a host name here, and the address in addresses or endpoints", h)
		default:
			c.note(at, badWildcard(h))
			if partialWildcard(h) {
				c.warn(at, "%q matches nothing: * stands for whole parts only, as in *.example.com", clip(h))
			}
		}
	}
}

func (c *checker) entryPorts(p spot, se *networking.ServiceEntry) {
	allocates := se.Resolution != networking.ServiceEntry_NONE &&
		!strings.EqualFold(c.object.Labels["networking.istio.io/enable-autoallocate-ip"], "false")
	var names earlier[string]
	var numbers earlier[uint32]
	for i, port := range se.Ports {
		at := p.item(i)
		if port == nil {
			c.bad(at, "the port is empty; remove it")
			continue
		}
		if port.Name != "" && names.has(port.Name) {
			c.bad(at.key("name"), "two ports are named %q", clip(port.Name))
		}
		if port.Number != 0 && numbers.has(port.Number) {
			c.bad(at.key("number"), "port %d is there twice", port.Number)
		}
		if port.TargetPort != 0 {
			c.note(at.key("targetPort"), badPort(port.TargetPort))
		}
		if port.Number != 0 && len(se.Addresses) == 0 && !allocates && (port.Protocol == "" || port.Protocol == "TCP") {
			c.warn(at, "connections to port %d are recognized by their address, but there is none; give addresses, or a protocol that names the host", port.Number)
		}
		c.note(at.key("name"), badPortName(port.Name))
		c.note(at.key("protocol"), badProtocol(port.Protocol))
		c.note(at.key("number"), badPort(port.Number))
	}
}

func (c *checker) entryNone(p spot, se *networking.ServiceEntry) {
	if len(se.Endpoints) > 0 {
		c.bad(p.key("endpoints"), "resolution NONE sends connections where the caller sent them; remove endpoints, or use STATIC or DNS")
	}
	if se.WorkloadSelector != nil {
		c.warn(p.key("workloadSelector"), "resolution NONE sends connections where the caller sent them, so that workloadSelector has no effect; use STATIC")
	}
}

// portNames are the names of the ports of a service; nil without endpoints that
// could use them.
func portNames(se *networking.ServiceEntry) map[string]bool {
	if len(se.Endpoints) == 0 {
		return nil
	}
	names := make(map[string]bool, len(se.Ports))
	for _, port := range se.Ports {
		names[port.GetName()] = true
	}
	return names
}

func (c *checker) entryStatic(p spot, e *networking.WorkloadEntry, ports map[string]bool) {
	if strings.HasPrefix(e.GetAddress(), unixPrefix) && len(ports) != 1 {
		c.bad(p.key("address"), "a socket serves one port, but the service has %d", len(ports))
	}
	if a := e.GetAddress(); a != "" && !isIP(a) && !strings.HasPrefix(a, unixPrefix) {
		c.bad(p.key("address"), "%q is not an IP address, which resolution STATIC needs; use DNS", clip(a))
		c.entryEndpoint(p, e, ports)
		return
	}
	if c.workloadEntry(p, e) {
		c.knownPorts(p.key("ports"), e, ports)
	}
}

// entryEndpoint checks all of an endpoint but its address.
func (c *checker) entryEndpoint(p spot, e *networking.WorkloadEntry, ports map[string]bool) {
	c.labels(p.key("labels"), e.GetLabels())
	c.entryPortNames(p.key("ports"), e.GetPorts())
	c.knownPorts(p.key("ports"), e, ports)
}

func (c *checker) entryPortNames(p spot, ports map[string]uint32) {
	for _, name := range sortedKeys(ports) {
		c.note(p.key(name), badPortName(name))
		c.note(p.key(name), badPort(ports[name]))
	}
}

func (c *checker) knownPorts(p spot, e *networking.WorkloadEntry, ports map[string]bool) {
	for _, name := range sortedKeys(e.GetPorts()) {
		if !ports[name] {
			c.bad(p.key(name), "%q is not the name of a port of the service", clip(name))
		}
	}
}

func (c *checker) entryDNS(p spot, se *networking.ServiceEntry) {
	if len(se.Endpoints) == 0 {
		for i, h := range se.Hosts {
			if strings.HasPrefix(h, "*") && h != "*" {
				c.bad(p.key("hosts").item(i), "%q cannot be looked up; give endpoints, or a host name without *", clip(h))
			}
		}
	}
	if se.Resolution == networking.ServiceEntry_DNS_ROUND_ROBIN && len(se.Endpoints) > 1 {
		c.bad(p.key("endpoints"), "resolution DNS_ROUND_ROBIN takes at most one endpoint; leave one, or use DNS")
	}
	names := portNames(se)
	for i, e := range se.Endpoints {
		at := p.key("endpoints").item(i)
		if a := e.GetAddress(); !isIP(a) && badDomain(a) != "" {
			c.bad(at.key("address"), "%q cannot be looked up; resolution DNS takes host names and IP addresses", clip(a))
		}
		c.entryEndpoint(at, e, names)
	}
	if len(se.Addresses) == 0 || len(se.Hosts) < 2 {
		return
	}
	for i, port := range se.Ports {
		if protocol, _ := protocolOf(port.GetProtocol()); protocol.tcp {
			c.warn(p.key("ports").item(i), "several hosts share the addresses, and connections to port %d do not name the host; use one ServiceEntry for each host", port.GetNumber())
			return
		}
	}
}

func (c *checker) entryDynamic(p spot, se *networking.ServiceEntry) {
	for i, h := range se.Hosts {
		if !strings.HasPrefix(h, "*.") && h != "*" {
			c.bad(p.key("hosts").item(i), "resolution DYNAMIC_DNS takes hosts that begin with *., not %q; use DNS", clip(h))
		}
	}
	if len(se.Addresses) > 0 {
		c.bad(p.key("addresses"), "addresses cannot be set with resolution DYNAMIC_DNS, which looks up the host of each request")
	}
	if len(se.Endpoints) > 0 {
		c.bad(p.key("endpoints"), "endpoints cannot be set with resolution DYNAMIC_DNS, which looks up the host of each request")
	}
	for i, port := range se.Ports {
		if protocol, ok := protocolOf(port.GetProtocol()); port.GetProtocol() == "" || ok && !protocol.http && !protocol.tls {
			c.bad(p.key("ports").item(i).key("protocol"), "resolution DYNAMIC_DNS needs a protocol that names the host: HTTP, HTTP2, GRPC or TLS")
		}
	}
	const waypoint = "istio.io/use-waypoint"
	if se.Location == networking.ServiceEntry_MESH_INTERNAL && c.object.Labels[waypoint] != "" {
		c.bad(p.key("location"), "resolution DYNAMIC_DNS behind a waypoint is for services outside the mesh; use MESH_EXTERNAL, or remove the label %s", waypoint)
	}
}

// entryManyHosts: only HTTP and TLS say which of several hosts is meant.
func (c *checker) entryManyHosts(p spot, se *networking.ServiceEntry) {
	if se.Resolution == networking.ServiceEntry_NONE || len(se.Hosts) < 2 {
		return
	}
	for i, port := range se.Ports {
		if protocol, _ := protocolOf(port.GetProtocol()); port != nil && !protocol.http && !protocol.tls {
			c.bad(p.key("ports").item(i), "connections to port %d do not name the host, and there are several; use one ServiceEntry for each host, or a protocol such as HTTP", port.Number)
			return
		}
	}
}

// workloadEntry checks a workload outside the cluster, or an endpoint of a
// ServiceEntry. It is false when the address is missing, which
// makes all else idle.
func (c *checker) workloadEntry(p spot, we *networking.WorkloadEntry) bool {
	a := we.GetAddress()
	socket, unix := strings.CutPrefix(a, unixPrefix)
	switch {
	case a == "" && we.GetNetwork() == "":
		c.bad(p.key("address"), "address is missing")
		return false
	case a == "":
		c.warn(p.key("address"), "address is missing, so that the workload is reached through the gateways of the network %q only", clip(we.GetNetwork()))
	case unix:
		c.note(p.key("address"), badUnix(socket))
		if len(we.Ports) > 0 {
			c.bad(p.key("ports"), "a socket has no ports; remove them")
		}
	case !isIP(a):
		c.note(p.key("address"), badDomain(a))
	}
	c.entryPortNames(p.key("ports"), we.Ports)
	c.labels(p.key("labels"), we.Labels)
	return true
}

func (c *checker) workloadGroup(p spot, g *networking.WorkloadGroup) {
	if !c.needs(p.key("template"), g.GetTemplate() != nil, "template") {
		return
	}
	c.labels(p.key("metadata").key("labels"), g.Metadata.GetLabels())
	if g.Probe != nil {
		c.readiness(p.key("probe"), g.Probe)
	}
}

func (c *checker) readiness(p spot, probe *networking.ReadinessProbe) {
	c.notNegative(p.key("periodSeconds"), probe.PeriodSeconds)
	c.notNegative(p.key("initialDelaySeconds"), probe.InitialDelaySeconds)
	c.notNegative(p.key("timeoutSeconds"), probe.TimeoutSeconds)
	c.notNegative(p.key("successThreshold"), probe.SuccessThreshold)
	c.notNegative(p.key("failureThreshold"), probe.FailureThreshold)
	switch m := probe.HealthCheckMethod.(type) {
	case *networking.ReadinessProbe_HttpGet:
		at := p.key("httpGet")
		c.note(at.key("port"), badPort(m.HttpGet.GetPort()))
		if s := m.HttpGet.GetScheme(); s != "" && s != "HTTP" && s != "HTTPS" {
			c.bad(at.key("scheme"), "%q is not HTTP or HTTPS", clip(s))
		}
		for i, h := range m.HttpGet.GetHttpHeaders() {
			c.note(at.key("httpHeaders").item(i).key("name"), badPlainHeader(h.GetName(), "-"))
		}
	case *networking.ReadinessProbe_TcpSocket:
		c.note(p.key("tcpSocket").key("port"), badPort(m.TcpSocket.GetPort()))
	case *networking.ReadinessProbe_Exec:
		c.needs(p.key("exec").key("command"), len(m.Exec.GetCommand()) > 0, "command")
	case *networking.ReadinessProbe_Grpc:
		if n := m.Grpc.GetPort(); n != 0 {
			c.note(p.key("grpc").key("port"), badPort(n))
		}
	default:
		c.bad(p, "the probe asks nothing; give httpGet, tcpSocket, exec or grpc")
	}
}
