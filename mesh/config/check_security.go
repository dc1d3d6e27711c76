package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	extensions "istio.io/api/extensions/v1alpha1"
	security "istio.io/api/security/v1beta1"
)

func (c *checker) authorization(p Path, a *security.AuthorizationPolicy) {
	custom := a.Action == security.AuthorizationPolicy_CUSTOM
	switch {
	case custom && a.GetProvider().GetName() == "":
		c.bad(p.Key("provider").Key("name"), "action CUSTOM needs the name of a provider")
	case !custom && a.GetProvider() != nil:
		c.bad(p.Key("provider"), "a provider belongs to action CUSTOM, not %s", a.Action)
	}
	if a.Action != security.AuthorizationPolicy_ALLOW && len(a.Rules) == 0 {
		c.bad(p.Key("rules"), "action %s without rules never applies; give rules", a.Action)
	}
	for i, r := range a.Rules {
		at := p.Key("rules").Item(i)
		if r.From != nil && len(r.From) == 0 {
			c.bad(at.Key("from"), "from is empty; remove it to match every source")
		}
		for j, f := range r.From {
			c.notEmpty(at.Key("from").Item(j).Key("source"), f.Source == nil || sourceSays(f.Source))
			if custom && f.Source != nil {
				c.customSource(at.Key("from").Item(j).Key("source"), f.Source)
			}
		}
		for j, t := range r.To {
			c.notEmpty(at.Key("to").Item(j).Key("operation"), t.Operation == nil || operationSays(t.Operation))
		}
		for j, w := range r.When {
			if custom && !slices.ContainsFunc(customKeys, func(k string) bool { return strings.HasPrefix(w.Key, k) }) {
				c.bad(at.Key("when").Item(j).Key("key"), "%s cannot be asked for with action CUSTOM", w.Key)
			}
		}
	}
}

// customKeys are what is known before an external authorizer is asked.
var customKeys = []string{"request.headers[", "source.ip", "remote.ip", "destination.ip", "destination.port", "connection.sni", "source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"}

func (c *checker) customSource(p Path, s *security.Source) {
	for _, f := range []struct {
		name string
		list []string
	}{{"requestPrincipals", s.RequestPrincipals}, {"notRequestPrincipals", s.NotRequestPrincipals}} {
		if len(f.list) > 0 {
			c.bad(p.Key(f.name), "%s cannot be used with action CUSTOM, which decides before tokens are read", f.name)
		}
	}
}

func (c *checker) notEmpty(p Path, says bool) {
	if !says {
		c.bad(p, "it matches nothing; give at least one field, or remove it to match everything")
	}
}

func sourceSays(s *security.Source) bool {
	return len(s.Principals)+len(s.NotPrincipals)+len(s.RequestPrincipals)+len(s.NotRequestPrincipals)+
		len(s.Namespaces)+len(s.NotNamespaces)+len(s.IpBlocks)+len(s.NotIpBlocks)+len(s.RemoteIpBlocks)+
		len(s.NotRemoteIpBlocks)+len(s.ServiceAccounts)+len(s.NotServiceAccounts) > 0
}

func operationSays(o *security.Operation) bool {
	return len(o.Hosts)+len(o.NotHosts)+len(o.Ports)+len(o.NotPorts)+len(o.Methods)+len(o.NotMethods)+
		len(o.Paths)+len(o.NotPaths) > 0
}

func (c *checker) source(p Path, s *security.Source) {
	if len(s.ServiceAccounts)+len(s.NotServiceAccounts) > 0 &&
		len(s.Principals)+len(s.NotPrincipals)+len(s.Namespaces)+len(s.NotNamespaces) > 0 {
		c.bad(p.Key("serviceAccounts"), "serviceAccounts cannot be combined with principals or namespaces")
	}
}

func (c *checker) condition(p Path, w *security.Condition) {
	if len(w.Values)+len(w.NotValues) == 0 {
		c.bad(p, "values and notValues are both missing for %s", w.Key)
	}
	for _, part := range []struct {
		name string
		list []string
	}{{"values", w.Values}, {"notValues", w.NotValues}} {
		for i, v := range part.list {
			at := p.Key(part.name).Item(i)
			switch w.Key {
			case "source.ip", "remote.ip", "destination.ip":
				c.note(at, badIPOrCIDR(v))
			case "destination.port":
				c.note(at, badPortText(v))
			default:
				c.note(at, badEmpty(v))
			}
		}
	}
}

func (c *checker) peerAuthentication(p Path, a *security.PeerAuthentication) {
	if len(a.PortLevelMtls) > 0 && len(a.GetSelector().GetMatchLabels()) == 0 {
		c.bad(p.Key("portLevelMtls"), "modes of single ports need a selector that says whose ports they are")
	}
	for _, port := range slices.Sorted(maps.Keys(a.PortLevelMtls)) {
		c.note(p.Key("portLevelMtls").Key(strconv.FormatUint(uint64(port), 10)), badPort(port))
	}
}

func (c *checker) pluginName(p Path, name string) {
	if len(name) > 256 {
		c.bad(p.Key("pluginName"), "a plugin name has at most 256 characters")
	}
}

func (c *checker) trafficExtension(p Path, t *extensions.TrafficExtension) {
	c.targets(p, t.Selector, nil, t.TargetRefs)
	if t.GetWasm() == nil && t.GetLua() == nil {
		c.bad(p, "wasm or lua is missing")
	}
	if len(t.GetLua().GetInlineCode()) > 64<<10 {
		c.bad(p.Key("lua").Key("inlineCode"), "the code is larger than 64 kB")
	}
}

func (c *checker) vmEnv(p Path, vm *extensions.VmConfig) {
	seen := map[string]bool{}
	for i, e := range vm.Env {
		at := p.Key("env").Item(i)
		if e.Name != "" && seen[e.Name] {
			c.bad(at.Key("name"), "%q is there twice", e.Name)
		}
		seen[e.Name] = true
		if e.ValueFrom == extensions.EnvValueSource_HOST && e.Value != "" {
			c.bad(at.Key("value"), "the value comes from the host; remove value or valueFrom")
		}
	}
}
