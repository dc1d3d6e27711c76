package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) gateway(p Path, g *networking.Gateway) {
	// Gateways that the control plane makes itself from other APIs obey only
	// those.
	if c.object.Annotations["internal.istio.io/gateway-semantics"] != "" {
		c.issues = nil
		return
	}
	names := map[string]bool{}
	for i, s := range g.Servers {
		at := p.Key("servers").Item(i)
		if s.Port != nil {
			c.needs(at.Key("port").Key("name"), s.Port.Name != "", "the name of the port")
			if s.Port.Name != "" && names[s.Port.Name] {
				c.bad(at.Key("port").Key("name"), "two ports are named %q", s.Port.Name)
			}
			names[s.Port.Name] = true
		}
		if s.Bind != "" && !strings.HasPrefix(s.Bind, "unix://") {
			c.note(at.Key("bind"), badIP(s.Bind))
		}
		c.serverTLS(at, s.Tls, s.Port.GetProtocol(), false)
	}
	c.selector(p.Key("selector"), g.Selector)
}

// serverTLS checks the TLS settings of a listener; sidecars cannot have
// certificates from Secrets.
func (c *checker) serverTLS(server Path, t *networking.ServerTLSSettings, protocol string, sidecar bool) {
	p := server.Key("tls")
	secure := slices.Contains([]string{"HTTPS", "TLS"}, strings.ToUpper(protocol))
	if t == nil {
		if secure && !sidecar {
			c.bad(server, "a port with protocol %s needs tls", protocol)
		}
		return
	}
	plainRedirect := t.HttpsRedirect && t.Mode == networking.ServerTLSSettings_PASSTHROUGH
	if !secure && (sidecar || !plainRedirect) {
		c.bad(p, "tls belongs to a port with protocol HTTPS or TLS, not %s; only httpsRedirect is possible", protocol)
	}
	sources := 0
	for _, set := range []bool{t.CredentialName != "", len(t.CredentialNames) > 0, len(t.TlsCertificates) > 0, t.ServerCertificate != ""} {
		if set {
			sources++
		}
	}
	if sources > 1 {
		c.bad(p, "only one of credentialName, credentialNames, tlsCertificates and serverCertificate may be given")
	}
	if t.MinProtocolVersion > t.MaxProtocolVersion && t.MaxProtocolVersion != networking.ServerTLSSettings_TLS_AUTO {
		c.bad(p.Key("minProtocolVersion"), "minProtocolVersion is above maxProtocolVersion")
	}
	if sidecar {
		refused := map[string]bool{
			"credentialName": t.CredentialName != "", "credentialNames": len(t.CredentialNames) > 0,
			"tlsCertificates": len(t.TlsCertificates) > 0,
		}
		for _, name := range sortedKeys(refused) {
			if refused[name] {
				c.bad(p.Key(name), "%s works at gateways only; give serverCertificate and privateKey", name)
			}
		}
	}
	switch t.Mode {
	case networking.ServerTLSSettings_ISTIO_MUTUAL:
		if sidecar {
			c.bad(p.Key("mode"), "the ingress of a Sidecar cannot be ISTIO_MUTUAL; leave tls out")
		}
		if sources > 0 {
			c.bad(p.Key("mode"), "ISTIO_MUTUAL uses the certificates of the mesh; remove all others")
		}
	case networking.ServerTLSSettings_SIMPLE, networking.ServerTLSSettings_MUTUAL, networking.ServerTLSSettings_OPTIONAL_MUTUAL:
		named := t.CredentialName != "" || len(t.CredentialNames) > 0 || len(t.TlsCertificates) > 0
		if named {
			break
		}
		c.needs(p.Key("serverCertificate"), t.ServerCertificate != "", "credentialName or serverCertificate")
		c.needs(p.Key("privateKey"), t.PrivateKey != "" || t.ServerCertificate == "", "privateKey")
		if t.Mode == networking.ServerTLSSettings_MUTUAL {
			c.needs(p.Key("caCertificates"), t.CaCertificates != "" || t.CaCertCredentialName != "", "caCertificates, which MUTUAL needs,")
		}
	case networking.ServerTLSSettings_AUTO_PASSTHROUGH:
		if sidecar {
			c.bad(p.Key("mode"), "the ingress of a Sidecar cannot be AUTO_PASSTHROUGH")
		}
	}
}

func (c *checker) serviceEntry(p Path, se *networking.ServiceEntry) {
	numbers, names := map[uint32]bool{}, map[string]bool{}
	for i, port := range se.Ports {
		at := p.Key("ports").Item(i)
		if numbers[port.Number] {
			c.bad(at.Key("number"), "port %d is there twice", port.Number)
		}
		if port.Name != "" && names[port.Name] {
			c.bad(at.Key("name"), "two ports are named %q", port.Name)
		}
		numbers[port.Number], names[port.Name] = true, true
	}
	if se.WorkloadSelector != nil && len(se.Endpoints) > 0 {
		c.bad(p.Key("endpoints"), "only one of workloadSelector and endpoints may be set")
	}
	for i, e := range se.Endpoints {
		for _, name := range sortedKeys(e.Ports) {
			if !names[name] {
				c.bad(p.Key("endpoints").Item(i).Key("ports").Key(name), "%q is not the name of a port of the service", name)
			}
		}
	}
	switch se.Resolution {
	case networking.ServiceEntry_NONE:
		if len(se.Endpoints) > 0 {
			c.bad(p.Key("endpoints"), "resolution NONE sends connections where the caller sent them; remove endpoints, or use STATIC or DNS")
		}
	case networking.ServiceEntry_STATIC:
		for i, e := range se.Endpoints {
			if e.Address != "" && !isIP(e.Address) && !strings.HasPrefix(e.Address, "unix://") {
				c.bad(p.Key("endpoints").Item(i).Key("address"), "%q is not an IP address, which resolution STATIC needs", clip(e.Address))
			}
		}
	case networking.ServiceEntry_DNS, networking.ServiceEntry_DNS_ROUND_ROBIN:
		c.entryDNS(p, se)
	case networking.ServiceEntry_DYNAMIC_DNS:
		c.entryDynamic(p, se)
	}
}

func (c *checker) entryDNS(p Path, se *networking.ServiceEntry) {
	if len(se.Endpoints) == 0 && se.WorkloadSelector == nil {
		for i, h := range se.Hosts {
			if badDomain(h) != "" {
				c.bad(p.Key("hosts").Item(i), "%q cannot be looked up; give endpoints, or a host name without *", clip(h))
			}
		}
	}
	if se.Resolution == networking.ServiceEntry_DNS_ROUND_ROBIN && len(se.Endpoints) > 1 {
		c.bad(p.Key("endpoints"), "resolution DNS_ROUND_ROBIN takes at most one endpoint")
	}
	for i, e := range se.Endpoints {
		at := p.Key("endpoints").Item(i).Key("address")
		if strings.HasPrefix(e.Address, "unix://") {
			c.bad(at, "%q cannot be looked up; resolution DNS takes host names and IP addresses", clip(e.Address))
		}
	}
	for i, a := range se.Addresses {
		if prefix, err := netip.ParsePrefix(a); err == nil && !prefix.IsSingleIP() {
			c.bad(p.Key("addresses").Item(i), "a range of addresses works with resolution NONE and STATIC only")
		}
	}
}

func (c *checker) entryDynamic(p Path, se *networking.ServiceEntry) {
	for i, h := range se.Hosts {
		if !strings.HasPrefix(h, "*.") {
			c.bad(p.Key("hosts").Item(i), "resolution DYNAMIC_DNS takes hosts that begin with *.")
		}
	}
	if len(se.Addresses) > 0 {
		c.bad(p.Key("addresses"), "addresses cannot be set with resolution DYNAMIC_DNS")
	}
	if len(se.Endpoints) > 0 {
		c.bad(p.Key("endpoints"), "endpoints cannot be set with resolution DYNAMIC_DNS")
	}
	for i, port := range se.Ports {
		if !slices.Contains([]string{"HTTP", "HTTP2", "GRPC", "TLS", "HTTPS"}, strings.ToUpper(port.Protocol)) {
			c.bad(p.Key("ports").Item(i).Key("protocol"), "resolution DYNAMIC_DNS takes HTTP, HTTP2, GRPC and TLS only")
		}
	}
}

func (c *checker) workloadEntry(p Path, we *networking.WorkloadEntry) {
	inGroup := len(p) == 2 && p[1].Key == "template" // the address comes when a workload registers
	if we.Address == "" {
		if we.Network == "" && !inGroup {
			c.bad(p.Key("address"), "address is missing")
		}
	} else if path, unix := strings.CutPrefix(we.Address, "unix://"); unix {
		if len(we.Ports) > 0 {
			c.bad(p.Key("ports"), "a unix socket has no ports")
		}
		if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "@") {
			c.bad(p.Key("address"), "%q is not an absolute path", clip(path))
		}
	} else if !isIP(we.Address) {
		c.note(p.Key("address"), badDomain(we.Address))
	}
	for _, name := range sortedKeys(we.Ports) {
		c.note(p.Key("ports").Key(name), badPortName(name))
		c.note(p.Key("ports").Key(name), badPort(we.Ports[name]))
	}
	c.labels(p.Key("labels"), we.Labels)
}

func (c *checker) sidecar(p Path, s *networking.Sidecar) {
	if len(s.Egress) == 0 && len(s.Ingress) == 0 && s.OutboundTrafficPolicy == nil && s.InboundConnectionPool == nil {
		c.bad(p, "the Sidecar says nothing; give egress, ingress or outboundTrafficPolicy")
	}
	taken := map[string]bool{}
	for i, l := range s.Ingress {
		at := p.Key("ingress").Item(i)
		if l.Port != nil {
			c.note(at.Key("port").Key("number"), badPort(l.Port.Number))
			key := strconv.Itoa(int(l.Port.Number))
			if taken[key] {
				c.bad(at.Key("port"), "port %s is there twice", key)
			}
			taken[key] = true
		}
		c.bind(at.Key("bind"), l.Bind)
		c.defaultEndpoint(at.Key("defaultEndpoint"), l.DefaultEndpoint)
		if l.Tls != nil {
			c.serverTLS(at, l.Tls, l.Port.GetProtocol(), true)
		}
	}
	taken = map[string]bool{}
	for i, l := range s.Egress {
		at := p.Key("egress").Item(i)
		unix := strings.HasPrefix(l.Bind, "unix://")
		if l.Port == nil {
			if i != len(s.Egress)-1 {
				c.bad(at, "an egress listener without a port takes everything else and must be the last one")
			}
			if l.Bind != "" {
				c.bad(at.Key("bind"), "a listener with bind needs a port")
			}
			continue
		}
		if !unix {
			c.note(at.Key("port").Key("number"), badPort(l.Port.Number))
			c.bind(at.Key("bind"), l.Bind)
		} else if l.CaptureMode == networking.CaptureMode_IPTABLES {
			c.bad(at.Key("captureMode"), "a unix socket cannot be captured; use DEFAULT or NONE")
		}
		key := l.Bind
		if !unix {
			key += ":" + strconv.Itoa(int(l.Port.Number))
		}
		if taken[key] {
			c.bad(at.Key("port"), "two listeners are on %s", key)
		}
		taken[key] = true
	}
	if o := s.OutboundTrafficPolicy; o.GetEgressProxy() != nil && o.Mode != networking.OutboundTrafficPolicy_ALLOW_ANY {
		c.bad(p.Key("outboundTrafficPolicy").Key("egressProxy"), "egressProxy works with mode ALLOW_ANY only")
	}
}

func (c *checker) bind(p Path, s string) {
	if s != "" && !strings.HasPrefix(s, "unix://") {
		c.note(p, badIP(s))
	}
}

func (c *checker) defaultEndpoint(p Path, s string) {
	if s == "" || strings.HasPrefix(s, "unix://") {
		return
	}
	for _, host := range []string{"127.0.0.1:", "0.0.0.0:", "[::1]:", "[::]:"} {
		if port, ok := strings.CutPrefix(s, host); ok {
			c.note(p, badPortText(port))
			return
		}
	}
	c.bad(p, "%q is not 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix:///PATH", clip(s))
}
