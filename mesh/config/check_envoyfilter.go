package config

import (
	"regexp/syntax"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
	networking "istio.io/api/networking/v1alpha3"
)

// The message of a patch is checked as far as it can be without Envoy's own
// messages: the fields at its top, and the types that its filters name. What is
// deeper, Envoy says when it gets the patch.

const (
	connectionManager    = "envoy.filters.network.http_connection_manager"
	oldConnectionManager = "envoy.http_connection_manager"
)

func (c *checker) envoyFilter(p spot, f *networking.EnvoyFilter) {
	from := len(c.issues)
	c.warn(p, "an EnvoyFilter rests on how proxies happen to be configured, which any release may change; use another kind if one does, and look at it before each upgrade")
	usable := c.oldSelector(p.key("workloadSelector"), f.GetWorkloadSelector())
	for i, patch := range f.GetConfigPatches() {
		c.configPatch(p.key("configPatches").item(i), patch)
	}
	if !usable {
		c.dropWarnings(from)
	}
}

func (c *checker) configPatch(p spot, cp *networking.EnvoyFilter_EnvoyConfigObjectPatch) {
	if cp.GetApplyTo() == networking.EnvoyFilter_INVALID {
		c.bad(p.key("applyTo"), "applyTo is missing; it says what is changed, such as HTTP_FILTER")
		return
	}
	// Waypoints are configured by another part of the API, which ignores what
	// it cannot use.
	if cp.Match.GetContext() == networking.EnvoyFilter_WAYPOINT && cp.Patch == nil {
		return
	}
	op := cp.Patch.GetOperation()
	switch {
	case cp.Patch == nil:
		c.bad(p.key("patch"), "patch is missing; it says what changes")
		return
	case op == networking.EnvoyFilter_Patch_INVALID:
		c.bad(p.key("patch").key("operation"), "operation is missing; use one such as MERGE")
		return
	case op != networking.EnvoyFilter_Patch_REMOVE && cp.Patch.Value == nil:
		c.bad(p.key("patch").key("value"), "value is missing; only the operation REMOVE does without")
		return
	}
	if version := cp.Match.GetProxy().GetProxyVersion(); version != "" {
		if _, err := syntax.Parse(version, syntax.Perl); err != nil {
			c.bad(p.key("match").key("proxy").key("proxyVersion"), "%q is not a regular expression: %v", clip(version), err)
			return
		}
	}
	if c.objectMatch(p.key("match"), cp) {
		c.patchValue(p.key("patch").key("value"), cp)
	}
}

// objectMatch checks that what is matched is what is changed. It is false when
// the patch cannot be read any further.
func (c *checker) objectMatch(p spot, cp *networking.EnvoyFilter_EnvoyConfigObjectPatch) bool {
	m := cp.Match
	if m.GetObjectTypes() == nil || m.GetContext() == networking.EnvoyFilter_WAYPOINT {
		return true
	}
	switch cp.ApplyTo {
	case networking.EnvoyFilter_LISTENER, networking.EnvoyFilter_FILTER_CHAIN, networking.EnvoyFilter_NETWORK_FILTER,
		networking.EnvoyFilter_HTTP_FILTER:
		if m.GetListener() == nil {
			c.bad(p, "applyTo %s changes a listener; match by listener, or not at all", cp.ApplyTo)
			return false
		}
		return c.listenerMatch(p.key("listener"), cp, m.GetListener())
	case networking.EnvoyFilter_ROUTE_CONFIGURATION, networking.EnvoyFilter_VIRTUAL_HOST, networking.EnvoyFilter_HTTP_ROUTE:
		if m.GetRouteConfiguration() == nil {
			c.bad(p, "applyTo %s changes routes; match by routeConfiguration, or not at all", cp.ApplyTo)
		}
	case networking.EnvoyFilter_CLUSTER:
		if m.GetCluster() == nil {
			c.bad(p, "applyTo CLUSTER changes a cluster; match by cluster, or not at all")
		}
	}
	return true
}

func (c *checker) listenerMatch(p spot, cp *networking.EnvoyFilter_EnvoyConfigObjectPatch, l *networking.EnvoyFilter_ListenerMatch) bool {
	f := l.GetFilterChain().GetFilter()
	if f == nil {
		return true
	}
	at := p.key("filterChain").key("filter")
	if cp.ApplyTo == networking.EnvoyFilter_LISTENER || cp.ApplyTo == networking.EnvoyFilter_FILTER_CHAIN {
		c.warn(at, "matching by filter has no effect with applyTo %s; remove it", cp.ApplyTo)
	}
	sub := f.SubFilter
	switch {
	case f.Name == "":
		c.bad(at.key("name"), "name is missing; filters are matched by it")
		return false
	case sub != nil && cp.ApplyTo != networking.EnvoyFilter_HTTP_FILTER:
		c.bad(at.key("subFilter"), "subFilter works with applyTo HTTP_FILTER only; remove it")
		return false
	case sub != nil && f.Name != connectionManager && f.Name != oldConnectionManager:
		c.bad(at.key("subFilter"), "subFilter works in the filter %s only, not in %q", connectionManager, clip(f.Name))
		return false
	case sub != nil && sub.Name == "":
		c.bad(at.key("subFilter").key("name"), "name is missing; filters are matched by it")
		return false
	}
	c.oldFilterName(at.key("name"), f.Name)
	c.oldFilterName(at.key("subFilter").key("name"), sub.GetName())
	return true
}

func (c *checker) oldFilterName(p spot, name string) {
	if now, old := oldFilters[name]; old {
		c.warn(p, "%q is an old name; use %q", name, now)
	}
}

// patchValue checks the message that a patch puts in.
func (c *checker) patchValue(p spot, cp *networking.EnvoyFilter_EnvoyConfigObjectPatch) {
	value, fields := cp.Patch.Value, EnvoyFields(cp.ApplyTo)
	if value == nil || fields == nil {
		return
	}
	if types := oldTypes(value, nil); len(types) > 0 {
		c.bad(p, "Envoy does not know the type %q any more; use its v3 API", clip(types[0]))
		return
	}
	for _, name := range sortedKeys(value.Fields) {
		if !slices.Contains(fields, name) && !slices.Contains(fields, protoName(name)) {
			c.warn(p.key(name), "Envoy's message for %s has no field %q; remove it, or change applyTo", cp.ApplyTo, clip(name))
			return
		}
	}
	if slices.Contains(fields, "typed_config") {
		c.typed(p, value)
	}
	for _, name := range []string{"transport_socket", "transportSocket"} {
		if socket := value.Fields[name].GetStructValue(); socket != nil {
			c.typed(p.key(name), socket)
		}
	}
}

// typed warns of an extension of Envoy that only its name stands for.
func (c *checker) typed(p spot, extension *structpb.Struct) {
	for _, name := range []string{"typed_config", "typedConfig", "config_discovery", "configDiscovery"} {
		if extension.Fields[name] != nil {
			return
		}
	}
	c.warn(p, "Envoy finds extensions by the type of typed_config, not by name; give typed_config")
}

// oldTypes finds the messages of Envoy's v2 API that a value names.
func oldTypes(s *structpb.Struct, found []string) []string {
	for _, k := range sortedKeys(s.GetFields()) {
		found = oldTypesIn(k, s.Fields[k], found)
	}
	return found
}

func oldTypesIn(key string, v *structpb.Value, found []string) []string {
	if key == "@type" && strings.Contains(v.GetStringValue(), ".v2.") {
		return append(found, v.GetStringValue())
	}
	for _, item := range v.GetListValue().GetValues() {
		found = oldTypesIn("", item, found)
	}
	return oldTypes(v.GetStructValue(), found)
}
