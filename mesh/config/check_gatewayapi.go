package config

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func (c *checker) k8sGateway(p Path, g *gatewayv1.Gateway) {
	c.needs(p.Key("gatewayClassName"), g.Spec.GatewayClassName != "", "gatewayClassName")
	c.needs(p.Key("listeners"), len(g.Spec.Listeners) > 0, "listeners")
	names := map[gatewayv1.SectionName]bool{}
	for i, l := range g.Spec.Listeners {
		at := p.Key("listeners").Item(i)
		switch {
		case l.Name == "":
			c.bad(at.Key("name"), "name is missing")
		case names[l.Name]:
			c.bad(at.Key("name"), "two listeners are named %q", l.Name)
		}
		names[l.Name] = true
		c.gatewayPort(at.Key("port"), int64(l.Port))
		c.needs(at.Key("protocol"), l.Protocol != "", "protocol")
		if l.Hostname != nil {
			c.note(at.Key("hostname"), badWildcard(string(*l.Hostname)))
		}
		if l.TLS != nil && (l.Protocol == gatewayv1.HTTPProtocolType || l.Protocol == gatewayv1.TCPProtocolType) {
			c.bad(at.Key("tls"), "tls belongs to a listener with protocol HTTPS or TLS, not %s", l.Protocol)
		}
	}
}

func (c *checker) gatewayPort(p Path, n int64) {
	if n < 1 || n > 65535 {
		c.bad(p, "%d is not a port; ports are from 1 to 65535", n)
	}
}

func (c *checker) hostnames(p Path, hosts []gatewayv1.Hostname) {
	for i, h := range hosts {
		if h == "*" {
			c.bad(p.Item(i), "leave hostnames out to match every host")
			continue
		}
		c.note(p.Item(i), badWildcard(string(h)))
	}
}

func (c *checker) parents(p Path, refs []gatewayv1.ParentReference) {
	for i, r := range refs {
		c.needs(p.Item(i).Key("name"), r.Name != "", "name")
		if r.Port != nil {
			c.gatewayPort(p.Item(i).Key("port"), int64(*r.Port))
		}
	}
}

// backend checks one target of a route: a Service needs a port.
func (c *checker) backend(p Path, b gatewayv1.BackendRef) {
	c.needs(p.Key("name"), b.Name != "", "name")
	service := (b.Kind == nil || *b.Kind == "Service") && (b.Group == nil || *b.Group == "")
	switch {
	case b.Port != nil:
		c.gatewayPort(p.Key("port"), int64(*b.Port))
	case service:
		c.bad(p.Key("port"), "port is missing; a Service needs one here")
	}
	if b.Weight != nil && (*b.Weight < 0 || *b.Weight > 1000000) {
		c.bad(p.Key("weight"), "%d is not from 0 to 1000000", *b.Weight)
	}
}

func (c *checker) httpRoute(p Path, r *gatewayv1.HTTPRoute) {
	c.parents(p.Key("parentRefs"), r.Spec.ParentRefs)
	c.hostnames(p.Key("hostnames"), r.Spec.Hostnames)
	for i, rule := range r.Spec.Rules {
		at := p.Key("rules").Item(i)
		for j, m := range rule.Matches {
			c.k8sMatch(at.Key("matches").Item(j), m)
		}
		for j, b := range rule.BackendRefs {
			c.backend(at.Key("backendRefs").Item(j), b.BackendRef)
		}
		for j, f := range rule.Filters {
			c.k8sFilter(at.Key("filters").Item(j), f)
			if f.Type == gatewayv1.HTTPRouteFilterRequestRedirect && len(rule.BackendRefs) > 0 {
				c.bad(at.Key("filters").Item(j), "a redirect cannot be combined with backendRefs")
			}
		}
	}
}

func (c *checker) k8sMatch(p Path, m gatewayv1.HTTPRouteMatch) {
	if path := m.Path; path != nil && path.Value != nil {
		if path.Type != nil && *path.Type == gatewayv1.PathMatchRegularExpression {
			c.note(p.Key("path").Key("value"), badRegex(*path.Value))
		} else if (*path.Value) == "" || (*path.Value)[0] != '/' {
			c.bad(p.Key("path").Key("value"), "a path begins with /")
		}
	}
	for i, h := range m.Headers {
		at := p.Key("headers").Item(i)
		c.note(at.Key("name"), badHeader(string(h.Name)))
		if h.Type != nil && *h.Type == gatewayv1.HeaderMatchRegularExpression {
			c.note(at.Key("value"), badRegex(h.Value))
		}
	}
	for i, q := range m.QueryParams {
		at := p.Key("queryParams").Item(i)
		c.needs(at.Key("name"), q.Name != "", "name")
		if q.Type != nil && *q.Type == gatewayv1.QueryParamMatchRegularExpression {
			c.note(at.Key("value"), badRegex(q.Value))
		}
	}
}

// k8sFilter: the field that belongs to the type of a filter must be there.
func (c *checker) k8sFilter(p Path, f gatewayv1.HTTPRouteFilter) {
	switch f.Type {
	case gatewayv1.HTTPRouteFilterRequestHeaderModifier:
		c.needs(p.Key("requestHeaderModifier"), f.RequestHeaderModifier != nil, "requestHeaderModifier")
	case gatewayv1.HTTPRouteFilterResponseHeaderModifier:
		c.needs(p.Key("responseHeaderModifier"), f.ResponseHeaderModifier != nil, "responseHeaderModifier")
	case gatewayv1.HTTPRouteFilterRequestMirror:
		c.needs(p.Key("requestMirror"), f.RequestMirror != nil, "requestMirror")
	case gatewayv1.HTTPRouteFilterRequestRedirect:
		c.needs(p.Key("requestRedirect"), f.RequestRedirect != nil, "requestRedirect")
	case gatewayv1.HTTPRouteFilterURLRewrite:
		c.needs(p.Key("urlRewrite"), f.URLRewrite != nil, "urlRewrite")
	case gatewayv1.HTTPRouteFilterExtensionRef:
		c.needs(p.Key("extensionRef"), f.ExtensionRef != nil, "extensionRef")
	case gatewayv1.HTTPRouteFilterCORS:
		c.needs(p.Key("cors"), f.CORS != nil, "cors")
	}
}

func (c *checker) grpcRoute(p Path, r *gatewayv1.GRPCRoute) {
	c.parents(p.Key("parentRefs"), r.Spec.ParentRefs)
	c.hostnames(p.Key("hostnames"), r.Spec.Hostnames)
	for i, rule := range r.Spec.Rules {
		for j, b := range rule.BackendRefs {
			c.backend(p.Key("rules").Item(i).Key("backendRefs").Item(j), b.BackendRef)
		}
	}
}
