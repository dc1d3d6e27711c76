package config

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

// maxTable is the largest table that Envoy's Maglev takes; it must be prime.
const maxTable = 5000011

func (c *checker) destinationRule(p Path, dr *networking.DestinationRule) {
	seen := map[string]bool{}
	for i, s := range dr.Subsets {
		at := p.Key("subsets").Item(i)
		if s.Name != "" && seen[s.Name] {
			c.bad(at.Key("name"), "two subsets are named %q", s.Name)
		}
		seen[s.Name] = true
		c.labels(at.Key("labels"), s.Labels)
		c.trafficPolicy(at.Key("trafficPolicy"), s.TrafficPolicy)
	}
	c.trafficPolicy(p.Key("trafficPolicy"), dr.TrafficPolicy)
}

func (c *checker) trafficPolicy(p Path, t *networking.TrafficPolicy) {
	if t == nil {
		return
	}
	empty := t.LoadBalancer == nil && t.ConnectionPool == nil && t.OutlierDetection == nil && t.Tls == nil &&
		len(t.PortLevelSettings) == 0 && t.Tunnel == nil && t.ProxyProtocol == nil && t.RetryBudget == nil
	if empty {
		c.bad(p, "the traffic policy says nothing; give at least one setting")
	}
	if t.Tunnel != nil && t.ProxyProtocol != nil {
		c.bad(p.Key("proxyProtocol"), "only one of tunnel and proxyProtocol may be set")
	}
	if t.Tunnel != nil && t.Tunnel.Protocol != "" && !slices.Contains([]string{"CONNECT", "POST"}, strings.ToUpper(t.Tunnel.Protocol)) {
		c.bad(p.Key("tunnel").Key("protocol"), "%q is not CONNECT or POST", clip(t.Tunnel.Protocol))
	}
	seen := map[uint32]bool{}
	for i, l := range t.PortLevelSettings {
		at := p.Key("portLevelSettings").Item(i)
		if n := l.Port.GetNumber(); n != 0 && seen[n] {
			c.bad(at.Key("port"), "port %d is there twice", n)
		} else {
			seen[n] = true
		}
	}
}

func (c *checker) loadBalancer(p Path, lb *networking.LoadBalancerSettings) {
	//lint:ignore SA1019 people still write warmupDurationSecs
	if lb.Warmup != nil && lb.WarmupDurationSecs != nil {
		c.bad(p.Key("warmupDurationSecs"), "only one of warmup and warmupDurationSecs may be set")
	}
	h := lb.GetConsistentHash()
	if h == nil {
		return
	}
	at := p.Key("consistentHash")
	if h.HashKey == nil {
		c.bad(at, "there is nothing to hash; give httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName")
	}
	if m := h.GetMaglev(); m != nil && m.TableSize != 0 && (m.TableSize >= maxTable || !prime(m.TableSize)) {
		c.bad(at.Key("maglev").Key("tableSize"), "%d is not a prime number below %d", m.TableSize, maxTable)
	}
	//lint:ignore SA1019 people still write minimumRingSize
	if h.MinimumRingSize != 0 && h.HashAlgorithm != nil {
		c.bad(at.Key("minimumRingSize"), "only one of minimumRingSize, ringHash and maglev may be set")
	}
}

func prime(n uint64) bool {
	for d := uint64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return n > 1
}

func (c *checker) locality(p Path, l *networking.LocalityLoadBalancerSetting) {
	if len(l.Distribute) > 0 && (len(l.Failover) > 0 || len(l.FailoverPriority) > 0) {
		c.bad(p.Key("distribute"), "distribute cannot be combined with failover or failoverPriority")
	}
	for i, d := range l.Distribute {
		total := uint32(0)
		at := p.Key("distribute").Item(i).Key("to")
		for _, k := range sortedKeys(d.To) {
			if d.To[k] == 0 || d.To[k] > 100 {
				c.bad(at.Key(k), "%d is not from 1 to 100", d.To[k])
			}
			total += d.To[k]
		}
		if total != 100 {
			c.bad(at, "the shares add up to %d; they must be 100", total)
		}
	}
	for i, f := range l.Failover {
		if f.From == f.To {
			c.bad(p.Key("failover").Item(i).Key("to"), "%q cannot take over from itself", f.To)
		}
	}
}

func (c *checker) clientTLS(p Path, t *networking.ClientTLSSettings) {
	files := t.ClientCertificate != "" || t.PrivateKey != ""
	if t.InsecureSkipVerify.GetValue() {
		useless := map[string]bool{"caCertificates": t.CaCertificates != "", "subjectAltNames": len(t.SubjectAltNames) > 0}
		for _, name := range sortedKeys(useless) {
			if useless[name] {
				c.bad(p.Key(name), "%s has no effect with insecureSkipVerify; remove one of them", name)
			}
		}
		if t.CredentialName != "" && t.Mode == networking.ClientTLSSettings_SIMPLE {
			c.bad(p.Key("credentialName"), "credentialName has no effect with insecureSkipVerify; remove one of them")
		}
	}
	if t.CredentialName != "" && (files || t.CaCertificates != "") {
		c.bad(p.Key("credentialName"), "only one of credentialName and certificate files may be given")
	}
	switch t.Mode {
	case networking.ClientTLSSettings_ISTIO_MUTUAL:
		if files || t.CaCertificates != "" || t.CredentialName != "" {
			c.bad(p.Key("mode"), "ISTIO_MUTUAL uses the certificates of the mesh; remove all others")
		}
	case networking.ClientTLSSettings_MUTUAL:
		if t.CredentialName == "" {
			c.needs(p.Key("clientCertificate"), t.ClientCertificate != "", "clientCertificate, which MUTUAL needs,")
			c.needs(p.Key("privateKey"), t.PrivateKey != "", "privateKey, which MUTUAL needs,")
		}
	}
	for i, name := range t.SubjectAltNames {
		if name == "" {
			c.bad(p.Key("subjectAltNames").Item(i), "an empty name matches nothing; remove it")
		}
	}
}
