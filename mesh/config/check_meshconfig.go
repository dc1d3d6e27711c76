package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
)

// CheckMeshConfig finds what a mesh configuration cannot say, or can hardly mean.
// What is left out has its default and is not asked for.
func CheckMeshConfig(m *meshv1alpha1.MeshConfig) []Issue {
	c := &checker{object: &mesh.Object{Ref: mesh.Ref{Kind: KindMeshConfig}}}
	p := make(spot, 0, 16)
	c.portIfSet(p.key("proxyListenPort"), m.GetProxyListenPort())
	c.connectTimeout(p.key("connectTimeout"), m.GetConnectTimeout())
	if d := m.GetProtocolDetectionTimeout(); d.AsDuration()%time.Millisecond != 0 {
		c.note(p.key("protocolDetectionTimeout"), badDuration(d))
	}
	if d := m.GetDefaultConfig(); d != nil {
		c.proxyDefaults(p.key("defaultConfig"), d)
	}
	c.locality(p.key("localityLbSetting"), m.GetLocalityLbSetting(), true)
	for i, s := range m.GetServiceSettings() {
		for j, h := range s.GetHosts() {
			c.note(p.key("serviceSettings").item(i).key("hosts").item(j), badWildcard(h))
		}
	}
	if m.GetTrustDomain() != "" {
		c.note(p.key("trustDomain"), badTrustDomain(m.TrustDomain))
	}
	for i, a := range m.GetTrustDomainAliases() {
		c.note(p.key("trustDomainAliases").item(i), badTrustDomain(a))
	}
	from := len(c.issues)
	c.extensionProviders(p.key("extensionProviders"), m.GetExtensionProviders())
	for i := range c.issues[from:] { // only what uses a provider suffers
		c.issues[from+i].Severity = mesh.Warning
	}
	if len(m.GetMeshMTLS().GetEcdhCurves()) > 0 {
		c.bad(p.key("meshMTLS").key("ecdhCurves"), "the curves inside the mesh cannot be chosen; remove them, or use tlsDefaults")
	}
	c.curves(p.key("tlsDefaults").key("ecdhCurves"), m.GetTlsDefaults().GetEcdhCurves())
	return c.issues
}

// CheckMeshNetworks finds what the networks of a mesh cannot say.
func CheckMeshNetworks(m *meshv1alpha1.MeshNetworks) []Issue {
	c := &checker{object: &mesh.Object{Ref: mesh.Ref{Kind: KindMeshNetworks}}}
	p := append(make(spot, 0, 16), Step{Key: "networks"})
	for _, name := range sortedKeys(m.GetNetworks()) {
		network := m.Networks[name]
		for i, e := range network.GetEndpoints() {
			at := p.key(name).key("endpoints").item(i)
			switch e := e.GetNe().(type) {
			case *meshv1alpha1.Network_NetworkEndpoints_FromCidr:
				c.note(at.key("fromCidr"), badIPOrCIDR(e.FromCidr))
			case *meshv1alpha1.Network_NetworkEndpoints_FromRegistry:
				if badLabel(e.FromRegistry) {
					c.bad(at.key("fromRegistry"), "%q cannot be the name of a registry; use letters, digits and dashes", clip(e.FromRegistry))
				}
			}
		}
		for i, g := range network.GetGateways() {
			at := p.key(name).key("gateways").item(i)
			switch g := g.GetGw().(type) {
			case *meshv1alpha1.Network_IstioNetworkGateway_RegistryServiceName:
				c.note(at.key("registryServiceName"), badDomain(g.RegistryServiceName))
			case *meshv1alpha1.Network_IstioNetworkGateway_Address:
				if !isIP(g.Address) {
					c.note(at.key("address"), badDomain(g.Address))
				}
			}
			c.note(at.key("port"), badPort(g.GetPort()))
		}
	}
	return c.issues
}

// portIfSet checks a port for which 0 means the default.
func (c *checker) portIfSet(p spot, n int32) {
	if n < 0 || n > 65535 {
		c.bad(p, "%d is not a port; ports are from 1 to 65535", n)
	}
}

// maxConnect is the longest time that a connection may take to come about.
const maxConnect = time.Hour

func (c *checker) connectTimeout(p spot, d *durationpb.Duration) {
	if msg := badDuration(d); msg != "" {
		c.bad(p, "%s", msg)
	} else if d.AsDuration() > maxConnect {
		c.bad(p, "%s is longer than %s", d.AsDuration(), maxConnect)
	}
}

func badTrustDomain(s string) string {
	for part := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if badLabel(part) {
			return fmt.Sprintf("%q is not a trust domain: the part %q must be letters, digits and dashes", clip(s), clip(part))
		}
	}
	return ""
}

var ecdhCurves = []string{"P-224", "P-256", "P-384", "P-521", "X25519", "X25519MLKEM768", "CECPQ2"}

func (c *checker) curves(p spot, list []string) {
	var before earlier[string]
	for i, s := range list {
		switch {
		case s != "" && !slices.Contains(ecdhCurves, s):
			c.warn(p.item(i), "%q is not a curve that is known here; use some of %s", clip(s), strings.Join(ecdhCurves, ", "))
		case before.has(s):
			c.warn(p.item(i), "%q is there twice", s)
		}
	}
}

func (c *checker) proxyDefaults(p spot, d *meshv1alpha1.ProxyConfig) {
	if t := d.DrainDuration; t != nil {
		if msg := badDuration(t); msg != "" {
			c.bad(p.key("drainDuration"), "%s", msg)
		} else if t.AsDuration()%time.Second != 0 {
			c.bad(p.key("drainDuration"), "drainDuration is counted in whole seconds")
		}
	}
	if name, ok := d.ClusterName.(*meshv1alpha1.ProxyConfig_ServiceCluster); ok {
		c.needs(p.key("serviceCluster"), name.ServiceCluster != "", "serviceCluster")
	}
	c.address(p.key("discoveryAddress"), d.DiscoveryAddress)
	c.proxyTracing(p.key("tracing"), d.Tracing)
	c.address(p.key("statsdUdpAddress"), d.StatsdUdpAddress)
	//lint:ignore SA1019 people still write envoyMetricsServiceAddress
	c.address(p.key("envoyMetricsServiceAddress"), d.EnvoyMetricsServiceAddress)
	c.address(p.key("envoyMetricsService").key("address"), d.EnvoyMetricsService.GetAddress())
	c.address(p.key("envoyAccessLogService").key("address"), d.EnvoyAccessLogService.GetAddress())
	c.portIfSet(p.key("proxyAdminPort"), d.ProxyAdminPort)
	c.portIfSet(p.key("statusPort"), d.StatusPort)
	c.notNegative(p.key("concurrency"), d.Concurrency.GetValue())
	if k := d.PrivateKeyProvider; k != nil {
		c.privateKeys(p.key("privateKeyProvider"), k)
	}
	c.connections(p.key("connectionSettings"), d.ConnectionSettings)
}

func (c *checker) address(p spot, s string) {
	if s != "" {
		c.note(p, badAddress(s))
	}
}

// tracerAddress checks the address of a tracer; $(HOST_IP) stands for the
// address of the machine.
func (c *checker) tracerAddress(p spot, s string) {
	c.note(p, badAddress(strings.Replace(s, "$(HOST_IP)", "127.0.0.1", 1)))
}

func (c *checker) proxyTracing(p spot, t *meshv1alpha1.Tracing) {
	switch tracer := t.GetTracer().(type) {
	case *meshv1alpha1.Tracing_Zipkin_:
		c.tracerAddress(p.key("zipkin").key("address"), tracer.Zipkin.GetAddress())
	case *meshv1alpha1.Tracing_Lightstep_:
		at := p.key("lightstep")
		c.note(at.key("address"), badAddress(tracer.Lightstep.GetAddress()))
		c.needs(at.key("accessToken"), tracer.Lightstep.GetAccessToken() != "", "accessToken")
	case *meshv1alpha1.Tracing_Datadog_:
		c.tracerAddress(p.key("datadog").key("address"), tracer.Datadog.GetAddress())
	}
	c.clientTLS(p.key("tlsSettings"), t.GetTlsSettings())
	for _, name := range sortedKeys(t.GetCustomTags()) {
		c.needs(p.key("customTags").key(name), t.CustomTags[name].GetType() != nil, "the value of the tag: literal, environment or header")
	}
	c.note(p.key("sampling"), badPercent(t.GetSampling()))
}

func (c *checker) privateKeys(p spot, k *meshv1alpha1.PrivateKeyProvider) {
	var delay *durationpb.Duration
	switch provider := k.Provider.(type) {
	case *meshv1alpha1.PrivateKeyProvider_Cryptomb:
		p, delay = p.key("cryptomb"), provider.Cryptomb.GetPollDelay()
	case *meshv1alpha1.PrivateKeyProvider_Qat:
		p, delay = p.key("qat"), provider.Qat.GetPollDelay()
	default:
		c.bad(p, "the provider is missing; give cryptomb or qat")
		return
	}
	if delay.AsDuration() == 0 {
		c.bad(p.key("pollDelay"), "pollDelay is missing or 0; it says how often the result is asked for, such as 10ms")
	}
}

// connections checks the times of connections; 0 turns a limit off.
func (c *checker) connections(p spot, s *meshv1alpha1.ProxyConfig_ConnectionSettings) {
	for _, f := range [...]struct {
		name string
		d    *durationpb.Duration
	}{
		{"httpIdleTimeout", s.GetHttpIdleTimeout()},
		{"httpMaxConnectionDuration", s.GetHttpMaxConnectionDuration()},
		{"httpDrainTimeout", s.GetHttpDrainTimeout()},
		{"httpRequestTimeout", s.GetHttpRequestTimeout()},
		{"httpRequestHeadersTimeout", s.GetHttpRequestHeadersTimeout()},
		{"httpStreamIdleTimeout", s.GetHttpStreamIdleTimeout()},
		{"httpMaxStreamDuration", s.GetHttpMaxStreamDuration()},
	} {
		if f.d.AsDuration() != 0 {
			c.note(p.key(f.name), badDuration(f.d))
		}
	}
}

// remote is a provider that is reached over the network.
type remote interface {
	GetService() string
	GetPort() uint32
}

// authorizer is a provider that is asked for each request.
type authorizer interface{ GetStatusOnError() string }

func (c *checker) extensionProviders(p spot, list []*meshv1alpha1.MeshConfig_ExtensionProvider) {
	var names earlier[string]
	for i, e := range list {
		at := p.item(i)
		if c.needs(at.key("name"), e.GetName() != "", "name") && names.has(e.Name) {
			c.bad(at.key("name"), "two providers are named %q", clip(e.Name))
		}
		m := e.ProtoReflect()
		set := m.WhichOneof(m.Descriptor().Oneofs().ByName("provider"))
		if set == nil {
			c.bad(at, "the provider is missing; give one such as envoyOtelAls")
			continue
		}
		provider := m.Get(set).Message().Interface()
		at = at.key(set.JSONName())
		if r, ok := provider.(remote); ok {
			c.note(at.key("service"), badProviderService(r.GetService()))
			c.note(at.key("port"), badPort(r.GetPort()))
		}
		if a, ok := provider.(authorizer); ok {
			c.statusOnError(at.key("statusOnError"), a.GetStatusOnError())
		}
		switch provider := provider.(type) {
		case *meshv1alpha1.MeshConfig_ExtensionProvider_EnvoyExternalAuthorizationHttpProvider:
			if prefix := provider.GetPathPrefix(); prefix != "" && prefix[0] != '/' {
				c.bad(at.key("pathPrefix"), "%q does not begin with /", clip(prefix))
			}
		case *meshv1alpha1.MeshConfig_ExtensionProvider_LightstepTracingProvider:
			c.needs(at.key("accessToken"), provider.GetAccessToken() != "", "accessToken")
		case *meshv1alpha1.MeshConfig_ExtensionProvider_OpenTelemetryTracingProvider:
			if provider.GetGrpc() != nil && provider.GetHttp() != nil {
				c.bad(at.key("http"), "only one of grpc and http may be set")
			}
		}
	}
}

func (c *checker) statusOnError(p spot, s string) {
	if n, err := strconv.Atoi(s); s != "" && (err != nil || !isStatus(n)) {
		c.bad(p, "%q is not an HTTP status such as 403", clip(s))
	}
}

// badProviderService checks "host" and "namespace/host".
func badProviderService(s string) string {
	switch {
	case s == "":
		return "service is missing; it says where the provider is reached"
	case strings.Contains(s, "/"):
		return badSidecarHost(s)
	case isIP(s):
		return ""
	}
	return badDomain(s)
}
