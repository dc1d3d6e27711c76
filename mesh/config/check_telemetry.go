package config

import (
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/parser"
	networkingv1beta1 "istio.io/api/networking/v1beta1"
	telemetry "istio.io/api/telemetry/v1alpha1"
)

func (c *checker) telemetry(p spot, t *telemetry.Telemetry) {
	if t == nil {
		return
	}
	c.targeted(p, t.Selector, t.TargetRef, t.TargetRefs)
	for i, m := range t.Metrics {
		at := p.key("metrics").item(i)
		c.providers(at.key("providers"), m.GetProviders())
		for j, o := range m.GetOverrides() {
			c.override(at.key("overrides").item(j), o)
		}
	}
	if len(t.Tracing) > 1 {
		c.warn(p.key("tracing"), "only the first item of tracing has an effect; remove the others")
	}
	for i, r := range t.Tracing {
		if r != nil {
			c.tracing(p.key("tracing").item(i), r)
		}
	}
	for i, l := range t.AccessLogging {
		at := p.key("accessLogging").item(i)
		if s := l.GetFilter().GetExpression(); s != "" && len(s) <= *c.expressions {
			*c.expressions -= len(s)
			c.note(at.key("filter").key("expression"), badExpression(s))
		}
		c.providers(at.key("providers"), l.GetProviders())
	}
}

// badExpression checks whether the text of an expression can be read as CEL;
// what the names in it mean is decided by Envoy.
func badExpression(s string) string {
	p, err := parser.NewParser(parser.Macros(parser.AllMacros...))
	if err != nil {
		return "expressions cannot be read: " + err.Error()
	}
	if _, errs := p.Parse(common.NewTextSource(s)); len(errs.GetErrors()) > 0 {
		return "the expression is not CEL: " + errs.GetErrors()[0].Message
	}
	return ""
}

func (c *checker) providers(p spot, list []*telemetry.ProviderRef) {
	for i, r := range list {
		c.needs(p.item(i).key("name"), r.GetName() != "", "name")
	}
}

func (c *checker) override(p spot, o *telemetry.MetricsOverrides) {
	if o == nil {
		c.bad(p, "the override is empty; remove it")
		return
	}
	for _, name := range sortedKeys(o.TagOverrides) {
		at := p.key("tagOverrides").key(name)
		if name == "" {
			c.warn(at, "the tag has no name, so that nothing is changed; give it one")
		}
		tag := o.TagOverrides[name]
		switch {
		case tag.GetOperation() == telemetry.MetricsOverrides_TagOverride_UPSERT && tag.GetValue() == "":
			c.bad(at.key("value"), "value is missing; it says what the tag becomes")
		case tag.GetOperation() == telemetry.MetricsOverrides_TagOverride_REMOVE && tag.GetValue() != "":
			c.bad(at.key("value"), "value is not used when the tag is removed; delete it")
		}
	}
	if m, ok := o.Match.GetMetricMatch().(*telemetry.MetricSelector_CustomMetric); ok {
		c.needs(p.key("match").key("customMetric"), m.CustomMetric != "", "customMetric")
	}
}

func (c *checker) tracing(p spot, t *telemetry.Tracing) {
	if len(t.Providers) > 1 {
		c.warn(p.key("providers"), "only the first provider has an effect; remove the others")
	}
	c.providers(p.key("providers"), t.Providers)
	c.note(p.key("randomSamplingPercentage"), badPercent(t.RandomSamplingPercentage.GetValue()))
	for _, name := range sortedKeys(t.CustomTags) {
		at := p.key("customTags").key(name)
		if name == "" {
			c.bad(at, "the name of the tag is missing")
		}
		switch tag := t.CustomTags[name].GetType().(type) {
		case *telemetry.Tracing_CustomTag_Literal:
			c.needs(at.key("literal").key("value"), tag.Literal.GetValue() != "", "value")
		case *telemetry.Tracing_CustomTag_Header:
			c.needs(at.key("header").key("name"), tag.Header.GetName() != "", "name")
		case *telemetry.Tracing_CustomTag_Environment:
			c.needs(at.key("environment").key("name"), tag.Environment.GetName() != "", "name")
		case *telemetry.Tracing_CustomTag_Formatter:
			c.needs(at.key("formatter").key("value"), tag.Formatter.GetValue() != "", "value")
		default:
			c.bad(at, "the tag has no value; give literal, environment, header or formatter")
		}
	}
}

func (c *checker) proxyConfig(p spot, s *networkingv1beta1.ProxyConfig) {
	c.policySelector(p.key("selector"), s.GetSelector())
	c.notNegative(p.key("concurrency"), s.GetConcurrency().GetValue())
}
