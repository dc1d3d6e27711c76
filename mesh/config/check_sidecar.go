package config

import (
	"fmt"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) sidecar(p spot, s *networking.Sidecar) {
	if s == nil {
		return
	}
	from := len(c.issues)
	usable := c.oldSelector(p.key("workloadSelector"), s.WorkloadSelector)
	if len(s.Egress) == 0 && len(s.Ingress) == 0 && s.OutboundTrafficPolicy == nil && s.InboundConnectionPool == nil {
		c.bad(p, "the Sidecar says nothing; give egress, ingress, outboundTrafficPolicy or inboundConnectionPool")
		usable = false
	}
	var ports earlier[uint32]
	for i, l := range s.Ingress {
		at := p.key("ingress").item(i)
		if l.GetPort() == nil {
			c.bad(at.key("port"), "port is missing")
			continue
		}
		c.ingress(at, l)
		if ports.has(l.Port.Number) {
			c.bad(at.key("port").key("number"), "port %d is there twice", l.Port.Number)
		}
	}
	c.connectionPool(p.key("inboundConnectionPool"), s.InboundConnectionPool)
	var taken earlier[listener]
	for i, l := range s.Egress {
		c.egress(p.key("egress").item(i), l, i == len(s.Egress)-1, &taken)
	}
	c.outboundPolicy(p.key("outboundTrafficPolicy"), s.OutboundTrafficPolicy)
	if !usable {
		c.dropWarnings(from)
	}
}

func (c *checker) ingress(p spot, l *networking.IstioIngressListener) {
	at := p.key("port")
	c.sidecarPort(at, l.Port)
	c.note(at.key("number"), badPort(l.Port.Number))
	if l.Bind != "" {
		c.note(p.key("bind"), badIP(l.Bind))
	}
	if l.DefaultEndpoint != "" {
		c.note(p.key("defaultEndpoint"), badDefaultEndpoint(l.DefaultEndpoint))
	}
	protocol, _ := protocolOf(l.Port.Protocol)
	if l.Tls != nil {
		c.ingressTLS(p.key("tls"), l.Tls)
		if !protocol.tls {
			c.bad(p.key("tls"), "tls belongs to a port with protocol HTTPS or TLS, not %q", clip(l.Port.Protocol))
		}
	}
	c.connectionPool(p.key("connectionPool"), l.ConnectionPool)
	if l.ConnectionPool.GetHttp() != nil && !protocol.http {
		c.warn(p.key("connectionPool").key("http"), "port %d has protocol %q, so that only the settings of tcp have an effect; remove http, or change the protocol", l.Port.Number, clip(l.Port.Protocol))
	}
}

// sidecarPort checks a port of a listener, other than its number.
func (c *checker) sidecarPort(p spot, port *networking.SidecarPort) {
	if port.Name != "" {
		c.note(p.key("name"), badPortName(port.Name))
	}
	c.note(p.key("protocol"), badProtocol(port.Protocol))
	//lint:ignore SA1019 people still write targetPort
	if port.TargetPort > 0 {
		c.bad(p.key("targetPort"), "targetPort has no effect on a Sidecar; remove it")
	}
}

// ingressTLS: a sidecar has no access to Secrets, and speaks mutual TLS with the
// mesh by itself.
func (c *checker) ingressTLS(p spot, t *networking.ServerTLSSettings) {
	for _, f := range []part{{"subjectAltNames", len(t.SubjectAltNames) > 0}, {"httpsRedirect", t.HttpsRedirect}} {
		if f.set {
			c.bad(p.key(f.name), "%s works at gateways only; remove it", f.name)
		}
	}
	for _, f := range []part{{"credentialName", t.CredentialName != ""}, {"credentialNames", len(t.CredentialNames) > 0}, {"tlsCertificates", len(t.TlsCertificates) > 0}} {
		if f.set {
			c.bad(p.key(f.name), "%s works at gateways only; give serverCertificate and privateKey", f.name)
		}
	}
	switch t.Mode {
	case networking.ServerTLSSettings_ISTIO_MUTUAL, networking.ServerTLSSettings_AUTO_PASSTHROUGH:
		c.bad(p.key("mode"), "the ingress of a Sidecar cannot be %s; use SIMPLE or MUTUAL, or leave tls out", t.Mode)
	}
	c.serverTLS(p, t)
}

func badDefaultEndpoint(s string) string {
	if socket, ok := strings.CutPrefix(s, unixPrefix); ok {
		return badUnix(socket)
	}
	const want = " is not 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix:///PATH"
	host, port, ok := cutPort(s)
	if !ok || !slices.Contains([]string{"", "127.0.0.1", "0.0.0.0", "::1", "::"}, host) {
		return clip(s) + want
	}
	if port == "0" || badPortText(port) != "" {
		return fmt.Sprintf("%q: %q is not a port; ports are from 1 to 65535", clip(s), clip(port))
	}
	return ""
}

// listener is where a sidecar listens: on a port, or with port 0 on a socket.
type listener struct {
	port   uint32
	socket string
}

func (c *checker) egress(p spot, l *networking.IstioEgressListener, last bool, taken *earlier[listener]) {
	if l == nil {
		c.bad(p, "the listener is empty; remove it")
		return
	}
	if l.Port == nil {
		if !last {
			c.bad(p, "an egress listener without a port takes everything else and must be the last one")
		}
	} else {
		c.egressPort(p, l)
		at := listener{port: l.Port.Number}
		if at.port == 0 {
			at.socket = l.Bind
		}
		switch {
		case !taken.has(at):
		case l.Port.Number == 0:
			c.bad(p.key("bind"), "two listeners are on %q", clip(l.Bind))
		default:
			c.bad(p.key("port").key("number"), "port %d is there twice", l.Port.Number)
		}
	}
	c.needs(p.key("hosts"), len(l.Hosts) > 0, "hosts")
	for j, h := range l.Hosts {
		c.note(p.key("hosts").item(j), badSidecarHost(h))
	}
	c.egressTwice(p.key("hosts"), l.Hosts)
}

// egressPort checks a listener on a port, or with number 0 on a socket.
func (c *checker) egressPort(p spot, l *networking.IstioEgressListener) {
	c.sidecarPort(p.key("port"), l.Port)
	if l.Port.Number != 0 {
		c.note(p.key("port").key("number"), badPort(l.Port.Number))
		if l.Bind != "" {
			c.note(p.key("bind"), badIP(l.Bind))
		}
		return
	}
	if socket, ok := strings.CutPrefix(l.Bind, unixPrefix); ok {
		c.note(p.key("bind"), badUnix(socket))
	} else {
		c.bad(p.key("port").key("number"), "port 0 is for a listener that is bound to unix:///PATH; give a port, or bind it to a socket")
	}
	if l.CaptureMode == networking.CaptureMode_IPTABLES {
		c.bad(p.key("captureMode"), "connections to a socket cannot be captured; use DEFAULT or NONE")
	}
}

// egressTwice warns of hosts that say nothing new.
func (c *checker) egressTwice(p spot, hosts []string) {
	var exact, namespaces, whole earlier[string]
	everything, others := false, false
	for i, h := range hosts {
		ns, host, ok := strings.Cut(h, "/")
		if !ok || strings.HasPrefix(ns, "~") {
			continue // wrong, or a host to leave out
		}
		if ns == "." && c.object.Namespace != "" {
			ns = c.object.Namespace
		}
		if exact.has(ns+"/"+host) || whole.knows(ns) || host == "*" && namespaces.knows(ns) {
			c.warn(p.item(i), "%q is covered by another host of the listener, or covers one; leave the wider one", clip(h))
		}
		namespaces.has(ns)
		if host == "*" {
			whole.has(ns)
		}
		everything = everything || ns == "*" && host == "*"
		others = others || ns != "*"
	}
	if everything && others {
		c.warn(p, "\"*/*\" is everything; remove the other hosts")
	}
}

func (c *checker) outboundPolicy(p spot, o *networking.OutboundTrafficPolicy) {
	proxy := o.GetEgressProxy()
	if proxy == nil {
		return
	}
	at := p.key("egressProxy")
	if o.Mode != networking.OutboundTrafficPolicy_ALLOW_ANY {
		c.bad(at, "egressProxy works with mode ALLOW_ANY only; set mode, or remove egressProxy")
		return
	}
	if !c.needs(at.key("port"), proxy.Port != nil, "port, which egressProxy needs,") {
		c.note(at.key("host"), badDomain(proxy.Host))
		return
	}
	if strings.HasPrefix(proxy.Host, "*") {
		c.bad(at.key("host"), "%q is not one host; a proxy has a name without *", clip(proxy.Host))
		return
	}
	c.destination(at, proxy)
}
