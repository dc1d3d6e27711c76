package config

import (
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"
)

func (c *checker) destinationRule(p spot, dr *networking.DestinationRule) {
	if dr == nil {
		return
	}
	if isIP(dr.Host) {
		c.bad(p.key("host"), "%q is an IP address; give it a host name with a ServiceEntry, and name that", dr.Host)
	} else {
		c.note(p.key("host"), badWildcard(dr.Host))
	}
	c.trafficPolicy(p.key("trafficPolicy"), dr.TrafficPolicy)
	var names earlier[string]
	for i, s := range dr.Subsets {
		at := p.key("subsets").item(i)
		if s.GetName() == "" {
			c.bad(at.key("name"), "name is missing")
		} else {
			c.note(at.key("name"), badSubset(s.Name))
			if names.has(s.Name) {
				c.bad(at.key("name"), "two subsets are named %q", s.Name)
			}
		}
		c.labels(at.key("labels"), s.GetLabels())
		c.trafficPolicy(at.key("trafficPolicy"), s.GetTrafficPolicy())
	}
	c.exportTo(p.key("exportTo"), dr.ExportTo, false)
	if dr.WorkloadSelector != nil {
		c.exportSelected(p.key("exportTo"), dr.ExportTo)
		c.selector(p.key("workloadSelector"), "matchLabels", dr.WorkloadSelector.MatchLabels)
	}
}

// exportSelected: a rule for some workloads is for those of its namespace.
func (c *checker) exportSelected(p spot, exportTo []string) {
	if len(exportTo) == 0 {
		return
	}
	own := func(s string) bool { return s == "." || s == c.object.Namespace }
	switch {
	case !slices.ContainsFunc(exportTo, own):
		c.bad(p, "a rule with workloadSelector is for its own namespace; write \".\", or remove exportTo")
	case len(exportTo) > 1:
		c.bad(p, "a rule with workloadSelector is for its own namespace; leave only \".\"")
	}
}

func (c *checker) trafficPolicy(p spot, t *networking.TrafficPolicy) {
	if t == nil {
		return
	}
	empty := t.LoadBalancer == nil && t.ConnectionPool == nil && t.OutlierDetection == nil && t.Tls == nil &&
		len(t.PortLevelSettings) == 0 && t.Tunnel == nil && t.ProxyProtocol == nil && t.RetryBudget == nil
	if empty {
		c.bad(p, "the traffic policy says nothing; give at least one setting")
	}
	if t.Tunnel != nil && t.ProxyProtocol != nil {
		c.bad(p.key("proxyProtocol"), "only one of tunnel and proxyProtocol may be set")
	}
	c.outlier(p.key("outlierDetection"), t.OutlierDetection)
	c.connectionPool(p.key("connectionPool"), t.ConnectionPool)
	c.loadBalancer(p.key("loadBalancer"), t.LoadBalancer, t.OutlierDetection)
	c.clientTLS(p.key("tls"), t.Tls)
	var ports earlier[uint32]
	for i, l := range t.PortLevelSettings {
		c.portPolicy(p.key("portLevelSettings").item(i), l, &ports)
	}
	c.tunnel(p.key("tunnel"), t.Tunnel)
	if v := t.ProxyProtocol.GetVersion(); v < networking.TrafficPolicy_ProxyProtocol_V1 || v > networking.TrafficPolicy_ProxyProtocol_V2 {
		c.bad(p.key("proxyProtocol").key("version"), "%d is not a version of the PROXY protocol; use V1 or V2", v)
	}
	if b := t.RetryBudget; b != nil && b.Percent != nil {
		c.note(p.key("retryBudget").key("percent"), badPercent(b.Percent.Value))
	}
}

func (c *checker) portPolicy(p spot, l *networking.TrafficPolicy_PortTrafficPolicy, before *earlier[uint32]) {
	n := l.GetPort().GetNumber()
	switch {
	case l.GetPort() == nil:
		c.bad(p.key("port"), "port is missing; it says for which port the settings are")
	case n != 0 && before.has(n):
		c.bad(p.key("port"), "port %d is there twice", n)
	}
	if l == nil {
		return
	}
	if l.OutlierDetection == nil && l.ConnectionPool == nil && l.LoadBalancer == nil && l.Tls == nil {
		c.bad(p, "nothing is set for the port; give at least one setting")
	}
	c.outlier(p.key("outlierDetection"), l.OutlierDetection)
	c.connectionPool(p.key("connectionPool"), l.ConnectionPool)
	c.loadBalancer(p.key("loadBalancer"), l.LoadBalancer, l.OutlierDetection)
	c.clientTLS(p.key("tls"), l.Tls)
}

func (c *checker) tunnel(p spot, t *networking.TrafficPolicy_TunnelSettings) {
	if t == nil {
		return
	}
	if t.Protocol != "" && t.Protocol != "CONNECT" && t.Protocol != "POST" {
		c.bad(p.key("protocol"), "%q is not CONNECT or POST", clip(t.Protocol))
	}
	if !isIP(t.TargetHost) {
		c.note(p.key("targetHost"), badDomain(t.TargetHost))
	}
	c.note(p.key("targetPort"), badPort(t.TargetPort))
}

func (c *checker) outlier(p spot, o *networking.OutlierDetection) {
	if o == nil {
		return
	}
	c.note(p.key("baseEjectionTime"), badDuration(o.BaseEjectionTime))
	c.note(p.key("interval"), badDuration(o.Interval))
	//lint:ignore SA1019 people still write consecutiveErrors
	if o.ConsecutiveErrors != 0 {
		c.warn(p.key("consecutiveErrors"), "consecutiveErrors is going away; use consecutive5xxErrors or consecutiveGatewayErrors")
	}
	if !o.SplitExternalLocalOriginErrors && o.ConsecutiveLocalOriginFailures.GetValue() > 0 {
		c.bad(p.key("consecutiveLocalOriginFailures"), "consecutiveLocalOriginFailures counts only with splitExternalLocalOriginErrors: true; set it too")
	}
	c.note(p.key("maxEjectionPercent"), badPercent(float64(o.MaxEjectionPercent)))
	c.note(p.key("minHealthPercent"), badPercent(float64(o.MinHealthPercent)))
}

func (c *checker) connectionPool(p spot, pool *networking.ConnectionPoolSettings) {
	if pool == nil {
		return
	}
	if pool.Http == nil && pool.Tcp == nil {
		c.bad(p, "the connection pool says nothing; give tcp or http")
	}
	if h, at := pool.Http, p.key("http"); h != nil {
		c.notNegative(at.key("http1MaxPendingRequests"), h.Http1MaxPendingRequests)
		c.notNegative(at.key("http2MaxRequests"), h.Http2MaxRequests)
		c.notNegative(at.key("maxRequestsPerConnection"), h.MaxRequestsPerConnection)
		c.notNegative(at.key("maxRetries"), h.MaxRetries)
		c.notNegative(at.key("maxConcurrentStreams"), h.MaxConcurrentStreams)
		c.note(at.key("idleTimeout"), badDuration(h.IdleTimeout))
		c.note(at.key("http2KeepAlive").key("interval"), badDuration(h.Http2KeepAlive.GetInterval()))
		c.note(at.key("http2KeepAlive").key("timeout"), badDuration(h.Http2KeepAlive.GetTimeout()))
		if h.UseClientProtocol && h.H2UpgradePolicy == networking.ConnectionPoolSettings_HTTPSettings_UPGRADE {
			c.bad(at.key("useClientProtocol"), "useClientProtocol cannot be combined with h2UpgradePolicy UPGRADE; remove one of them")
		}
	}
	if t, at := pool.Tcp, p.key("tcp"); t != nil {
		c.notNegative(at.key("maxConnections"), t.MaxConnections)
		c.note(at.key("connectTimeout"), badDuration(t.ConnectTimeout))
		c.note(at.key("maxConnectionDuration"), badDuration(t.MaxConnectionDuration))
		if t.IdleTimeout.AsDuration().Milliseconds() != 0 { // 0s: connections are never idle for too long
			c.note(at.key("idleTimeout"), badDuration(t.IdleTimeout))
		}
		c.note(at.key("tcpKeepalive").key("time"), badDuration(t.TcpKeepalive.GetTime()))
		c.note(at.key("tcpKeepalive").key("interval"), badDuration(t.TcpKeepalive.GetInterval()))
	}
}

// maxTable is the first size of a table that Envoy's Maglev does not take.
const maxTable = 5000011

func (c *checker) loadBalancer(p spot, lb *networking.LoadBalancerSettings, outlier *networking.OutlierDetection) {
	if lb == nil {
		return
	}
	c.consistentHash(p.key("consistentHash"), lb.GetConsistentHash())
	c.locality(p.key("localityLbSetting"), lb.LocalityLbSetting, outlier != nil)
	//lint:ignore SA1019 people still write warmupDurationSecs
	if old := lb.WarmupDurationSecs; old != nil {
		c.note(p.key("warmupDurationSecs"), badDuration(old))
		if lb.Warmup != nil {
			c.bad(p.key("warmupDurationSecs"), "only one of warmup and warmupDurationSecs may be set")
		}
	}
	if w, at := lb.Warmup, p.key("warmup"); w != nil {
		if c.needs(at.key("duration"), w.Duration != nil, "duration") {
			c.note(at.key("duration"), badDuration(w.Duration))
		}
		c.note(at.key("minimumPercent"), badPercent(w.MinimumPercent.GetValue()))
		if w.Aggression != nil && !(w.Aggression.Value >= 1) {
			c.bad(at.key("aggression"), "%v is below 1", w.Aggression.Value)
		}
	}
}

func (c *checker) consistentHash(p spot, h *networking.LoadBalancerSettings_ConsistentHashLB) {
	if h == nil {
		return
	}
	if h.HashKey == nil {
		c.bad(p, "there is nothing to hash; give httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName")
	}
	if cookie, at := h.GetHttpCookie(), p.key("httpCookie"); cookie != nil {
		c.needs(at.key("name"), cookie.Name != "", "name")
		if cookie.Ttl.AsDuration() < 0 {
			c.bad(at.key("ttl"), "%s is below 0", cookie.Ttl.AsDuration())
		}
		var names earlier[string]
		for i, a := range cookie.Attributes {
			if !c.needs(at.key("attributes").item(i).key("name"), a.GetName() != "", "name") {
				continue
			}
			if names.has(a.Name) {
				c.bad(at.key("attributes").item(i).key("name"), "%q is there twice", clip(a.Name))
			}
		}
	}
	//lint:ignore SA1019 people still write minimumRingSize
	if h.MinimumRingSize != 0 {
		c.warn(p.key("minimumRingSize"), "minimumRingSize is going away; use ringHash.minimumRingSize")
		if h.HashAlgorithm != nil {
			c.bad(p.key("minimumRingSize"), "only one of minimumRingSize, ringHash and maglev may be set")
		}
	}
	if m := h.GetMaglev(); m != nil && (m.TableSize >= maxTable || !prime(m.TableSize)) {
		c.bad(p.key("maglev").key("tableSize"), "%d is not a prime number below %d", m.TableSize, maxTable)
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

// locality checks shares and failover between localities; watched: hosts that
// fail are taken out, without which failover never begins.
func (c *checker) locality(p spot, l *networking.LocalityLoadBalancerSetting, watched bool) {
	if l == nil {
		return
	}
	if len(l.Distribute) > 0 && len(l.Failover) > 0 {
		c.bad(p.key("distribute"), "distribute cannot be combined with failover; remove one of them")
	}
	if len(l.Failover) > 0 {
		for i, label := range l.FailoverPriority {
			switch label {
			case "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone":
				c.bad(p.key("failoverPriority").item(i), "%s cannot be a priority together with failover, which decides by locality too", label)
			}
		}
	}
	var from localities
	for i, d := range l.Distribute {
		c.shares(p.key("distribute").item(i).key("to"), d.GetTo())
		c.oneLocality(p.key("distribute").item(i).key("from"), d.GetFrom(), &from)
	}
	if len(l.Failover)+len(l.FailoverPriority) > 0 && !watched {
		c.warn(p, "failover never begins, because nothing finds out that endpoints fail; add outlierDetection")
	}
	for i, f := range l.Failover {
		at := p.key("failover").item(i)
		switch from, to := f.GetFrom(), f.GetTo(); {
		case from == to:
			c.bad(at.key("to"), "%q cannot take over from itself", clip(to))
		case strings.ContainsAny(from+to, "/*"):
			c.bad(at, "failover is from region to region, without zones and *: %q to %q", clip(from), clip(to))
		}
	}
}

func (c *checker) shares(p spot, to map[string]uint32) {
	total := uint32(0)
	var before localities
	for _, k := range sortedKeys(to) {
		if to[k] == 0 || to[k] > 100 {
			c.bad(p.key(k), "%d is not from 1 to 100", to[k])
			return
		}
		total += to[k]
		c.oneLocality(p.key(k), k, &before)
	}
	if total != 100 {
		c.bad(p, "the shares add up to %d; they must be 100", total)
	}
}

// oneLocality checks "region/zone/subzone", the last of which may be *, against
// those before.
func (c *checker) oneLocality(p spot, s string, before *localities) {
	star := strings.IndexByte(s, '*')
	switch {
	case star >= 0 && star != len(s)-1:
		c.bad(p, "%q: * may only stand at the end of a locality", clip(s))
	case slices.Contains(strings.SplitN(s, "/", 3), ""):
		c.bad(p, "%q has an empty part; write region, region/zone or region/zone/subzone", clip(s))
	default:
		if other, ok := before.overlap(s); ok {
			c.bad(p, "%q and %q overlap", clip(other), clip(s))
		}
	}
}

// localities are localities that were there before.
type localities struct {
	whole map[string]string // as written, by what stands before the *
	parts map[string]string // those inside a wider locality, by that
}

// overlap finds one that covers s, or that s covers, and remembers s.
func (l *localities) overlap(s string) (string, bool) {
	if l.whole == nil {
		l.whole, l.parts = map[string]string{}, map[string]string{}
	}
	name := strings.TrimSuffix(strings.TrimSuffix(s, "*"), "/")
	found, ok := l.parts[name]
	wide := name
	for !ok {
		if found, ok = l.whole[wide]; ok || wide == "" {
			break
		}
		wide = wide[:max(strings.LastIndexByte(wide, '/'), 0)]
	}
	l.whole[name] = s
	for wide = name; wide != ""; {
		wide = wide[:max(strings.LastIndexByte(wide, '/'), 0)]
		l.parts[wide] = s
	}
	return found, ok
}

const configMapPrefix = "configmap://"

func (c *checker) clientTLS(p spot, t *networking.ClientTLSSettings) {
	if t == nil {
		return
	}
	if name, ok := strings.CutPrefix(t.CredentialName, configMapPrefix); ok {
		ns, name, two := strings.Cut(name, "/")
		switch {
		case two && (ns == "" || name == "" || strings.Contains(name, "/")) || !two && ns == "":
			c.bad(p.key("credentialName"), "%q does not name a ConfigMap; write %sname", clip(t.CredentialName), configMapPrefix)
		case two && ns != c.object.Namespace:
			c.bad(p.key("credentialName"), "the ConfigMap must be in the namespace of the rule, %s, not %s", c.object.Namespace, clip(ns))
		}
	}
	simple, mutual := t.Mode == networking.ClientTLSSettings_SIMPLE, t.Mode == networking.ClientTLSSettings_MUTUAL
	if t.InsecureSkipVerify.GetValue() && (simple || mutual) {
		if t.CaCertificates != "" || len(t.SubjectAltNames) > 0 || simple && t.CredentialName != "" {
			c.bad(p.key("insecureSkipVerify"), "insecureSkipVerify checks no certificate, so that caCertificates, subjectAltNames and credentialName have no effect; remove it or them")
		}
	}
	files := t.ClientCertificate != "" || t.PrivateKey != "" || t.CaCertificates != "" || t.CaCrl != ""
	switch {
	case (simple || mutual) && t.CredentialName != "":
		if files {
			c.bad(p.key("credentialName"), "only one of credentialName and certificate files may be given")
		}
	case mutual:
		c.needs(p.key("clientCertificate"), t.ClientCertificate != "", "clientCertificate, which MUTUAL needs,")
		c.needs(p.key("privateKey"), t.PrivateKey != "", "privateKey, which MUTUAL needs,")
	case t.Mode == networking.ClientTLSSettings_ISTIO_MUTUAL && (files || t.CredentialName != ""):
		c.bad(p.key("mode"), "ISTIO_MUTUAL uses the certificates of the mesh; remove all others")
	}
	for i, name := range t.SubjectAltNames {
		if name == "" {
			c.bad(p.key("subjectAltNames").item(i), "an empty name matches nothing; remove it")
		}
	}
}
