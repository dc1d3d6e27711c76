package config

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) gateway(p spot, g *networking.Gateway) {
	if g == nil {
		return
	}
	// Gateways that a control plane makes from another API have names, and
	// hosts, that no person could write.
	derived := c.object.Annotations["internal.istio.io/gateway-semantics"] == "gateway"
	if !derived && badLabel(c.object.Name) && checkName(c.object.Ref) == "" {
		c.bad(spot{}.key("metadata").key("name"), "%q cannot be the name of a Gateway; use letters, digits and dashes, at most 63", clip(c.object.Name))
	}
	c.needs(p.key("servers"), len(g.Servers) > 0, "servers")
	var names earlier[string]
	for i, s := range g.Servers {
		at := p.key("servers").item(i)
		if s == nil {
			c.bad(at, "the server is empty; remove it")
			continue
		}
		c.server(at, s, derived)
		if s.Port.GetName() != "" && names.has(s.Port.Name) {
			c.bad(at.key("port").key("name"), "two ports are named %q", clip(s.Port.Name))
		}
	}
}

func (c *checker) server(p spot, s *networking.Server, derived bool) {
	c.needs(p.key("hosts"), len(s.Hosts) > 0, "hosts")
	for i, h := range s.Hosts {
		c.note(p.key("hosts").item(i), badServerHost(h, derived))
	}
	before := len(c.issues)
	socket, unix := strings.CutPrefix(s.Bind, unixPrefix)
	if s.Port == nil {
		c.bad(p.key("port"), "port is missing")
	} else {
		at := p.key("port")
		c.note(at.key("protocol"), badRequiredProtocol(s.Port.Protocol))
		if s.Port.Number > 0 || !unix {
			c.note(at.key("number"), badPort(s.Port.Number))
		}
		//lint:ignore SA1019 people still write targetPort
		if s.Port.TargetPort > 0 {
			c.bad(at.key("targetPort"), "targetPort has no effect on a Gateway; remove it")
		}
		c.needs(at.key("name"), s.Port.Name != "", "name, which each port needs,")
	}
	portRight := len(c.issues) == before
	switch {
	case unix:
		c.note(p.key("bind"), badUnix(socket))
		if s.Port.GetNumber() != 0 {
			c.bad(p.key("port").key("number"), "a socket has no port; write number: 0, or bind to an IP address")
		}
	case s.Bind != "":
		c.note(p.key("bind"), badIP(s.Bind))
	}
	c.serverTLS(p.key("tls"), s.Tls)
	if portRight {
		c.tlsForProtocol(p, s)
	}
}

// tlsForProtocol: a port is either encrypted or not.
func (c *checker) tlsForProtocol(p spot, s *networking.Server) {
	protocol, _ := protocolOf(s.Port.Protocol)
	t := s.Tls
	switch {
	case protocol.tls && t == nil:
		c.bad(p, "a port with protocol %s needs tls", s.Port.Protocol)
	case protocol.tls || t == nil:
	case !protocol.http:
		c.bad(p.key("tls"), "tls belongs to a port with protocol HTTPS or TLS, not %s; remove it", s.Port.Protocol)
	case passes(t) && t.CaCertificates == "" && t.PrivateKey == "" && t.ServerCertificate == "":
	default:
		c.bad(p.key("tls"), "tls belongs to a port with protocol HTTPS or TLS, not %s; only httpsRedirect is possible", s.Port.Protocol)
	}
	if t.GetHttpsRedirect() && !protocol.http {
		c.warn(p.key("tls").key("httpsRedirect"), "httpsRedirect has an effect on a port with protocol HTTP only; remove it")
	}
}

// passes reports whether connections are passed on as they come.
func passes(t *networking.ServerTLSSettings) bool {
	return t.Mode == networking.ServerTLSSettings_PASSTHROUGH || t.Mode == networking.ServerTLSSettings_AUTO_PASSTHROUGH
}

// cipherSuites are those that Envoy knows by these names.
var cipherSuites = []string{
	"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
	"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
	"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA",
	"AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "DES-CBC3-SHA",
}

// maxCertificates is how many a server can show: one RSA, one ECDSA.
const maxCertificates = 2

// serverTLS checks the TLS settings of a listener.
func (c *checker) serverTLS(p spot, t *networking.ServerTLSSettings) {
	if t == nil {
		return
	}
	c.tlsVersions(p, t)
	c.cipherSuites(p.key("cipherSuites"), t.CipherSuites)
	given := []part{
		{"serverCertificate", t.ServerCertificate != ""},
		{"privateKey", t.PrivateKey != ""},
		{"caCertificates", t.CaCertificates != ""},
		{"tlsCertificates", len(t.TlsCertificates) > 0},
		{"credentialName", t.CredentialName != ""},
		{"credentialNames", len(t.CredentialNames) > 0},
		{"caCrl", t.CaCrl != ""},
	}
	if t.Mode == networking.ServerTLSSettings_ISTIO_MUTUAL {
		for _, g := range given[:len(given)-1] {
			if g.set {
				c.bad(p.key(g.name), "ISTIO_MUTUAL uses the certificates of the mesh; remove %s", g.name)
			}
		}
		return
	}
	if passes(t) {
		if slices.ContainsFunc(given, func(g part) bool { return g.set }) {
			c.warn(p, "mode %s passes connections on as they come, so that certificates have no effect; remove them", t.Mode)
		}
	}
	files := t.ServerCertificate != "" && t.PrivateKey != ""
	named := t.CredentialName != "" || len(t.CredentialNames) > 0
	sources := 0
	for _, set := range []bool{files, t.CredentialName != "", len(t.CredentialNames) > 0, len(t.TlsCertificates) > 0} {
		if set {
			sources++
		}
	}
	if sources > 1 {
		c.bad(p, "only one of credentialName, credentialNames, tlsCertificates and serverCertificate with privateKey may be given")
	}
	if passes(t) || named {
		return
	}
	c.certificates(p, t)
}

// certificates checks certificates that are given as files.
func (c *checker) certificates(p spot, t *networking.ServerTLSSettings) {
	if t.Mode != networking.ServerTLSSettings_SIMPLE && t.CaCertificates == "" && t.CaCertCredentialName == "" {
		c.bad(p.key("caCertificates"), "caCertificates is missing; mode %s checks the certificates of clients with it", t.Mode)
	}
	if len(t.TlsCertificates) > maxCertificates {
		c.warn(p.key("tlsCertificates"), "a server shows at most %d certificates; the others have no effect", maxCertificates)
	}
	for i, cert := range t.TlsCertificates {
		at := p.key("tlsCertificates").item(i)
		c.needs(at.key("serverCertificate"), cert.GetServerCertificate() != "", "serverCertificate")
		c.needs(at.key("privateKey"), cert.GetPrivateKey() != "", "privateKey")
	}
	if len(t.TlsCertificates) == 0 {
		c.needs(p.key("serverCertificate"), t.ServerCertificate != "", "serverCertificate, or credentialName instead,")
		c.needs(p.key("privateKey"), t.PrivateKey != "", "privateKey, or credentialName instead,")
	}
	if t.CaCrl != "" && t.Mode == networking.ServerTLSSettings_SIMPLE {
		c.bad(p.key("caCrl"), "caCrl is about the certificates of clients, which mode SIMPLE does not ask for; remove it, or use MUTUAL")
	}
}

func (c *checker) tlsVersions(p spot, t *networking.ServerTLSSettings) {
	old := t.MinProtocolVersion == networking.ServerTLSSettings_TLSV1_0 || t.MinProtocolVersion == networking.ServerTLSSettings_TLSV1_1
	if old && len(t.CipherSuites) == 0 {
		c.warn(p.key("minProtocolVersion"), "versions before TLSV1_2 have no cipher suite in common with the default; give cipherSuites, or use TLSV1_2")
	}
	if t.MinProtocolVersion > t.MaxProtocolVersion && t.MaxProtocolVersion != networking.ServerTLSSettings_TLS_AUTO {
		c.bad(p.key("minProtocolVersion"), "minProtocolVersion is above maxProtocolVersion")
	}
}

// cipherSuites warns of suites that have no effect, once for all of them.
func (c *checker) cipherSuites(p spot, list []string) {
	var unknown, twice []string
	var before earlier[string]
	for _, s := range list {
		switch {
		case s == "" || s == "ALL" || !isToken(s[:1], ""): // - and + change the list
		case !slices.Contains(cipherSuites, s):
			unknown = append(unknown, clip(s))
		case before.has(s):
			twice = append(twice, s)
		}
	}
	if len(unknown) > 0 {
		c.warn(p, "these are not cipher suites and have no effect: %s; use some of %s", strings.Join(unknown, ", "), strings.Join(cipherSuites, ", "))
	}
	if len(twice) > 0 {
		c.warn(p, "these cipher suites are there twice: %s", strings.Join(twice, ", "))
	}
}
