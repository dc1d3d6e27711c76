package validate

import (
	"slices"

	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	telemetry "istio.io/api/telemetry/v1alpha1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

var (
	telemetryKinds       = []mesh.Kind{mesh.KindTelemetry}
	telemetryConfigKinds = append(slices.Clone(meshConfigKinds), mesh.KindTelemetry)
	telemetryPodKinds    = slices.Concat([]mesh.Kind{mesh.KindTelemetry, mesh.KindPod}, templateKinds, machinesByLabel.Kinds)
)

var telemetryChecks = []Check{
	{
		Code: "HDL2521", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA0004"}, Absence: true,
		On: telemetryKinds, Keys: eachObject, Reads: telemetryPodKinds,
		Run: forObject(telemetryWithoutWorkload),
	},
	{
		Code: "HDL2522", Severity: mesh.Error, SameAs: []string{"IST0159", "KIA0003"},
		On: telemetryKinds, Keys: eachNamespace, Reads: telemetryPodKinds,
		Run: telemetriesForWorkload,
	},
	{
		Code: "HDL2523", Severity: mesh.Error, SameAs: []string{"IST0160", "KIA0002"},
		On: telemetryKinds, Keys: eachNamespace, Reads: telemetryKinds,
		Run: telemetriesForNamespace,
	},
	{
		Code: "HDL2524", Severity: mesh.Warning, SameAs: []string{"IST0157"},
		On: telemetryKinds, Keys: eachObject, Reads: telemetryConfigKinds,
		Run: forObject(logsNowhere),
	},
	{
		Code: "HDL2525", Severity: mesh.Warning, SameAs: []string{"IST0002"},
		On: telemetryKinds, Keys: eachObject, Reads: telemetryConfigKinds,
		Run: forObject(lightstepProviders),
	},
	{
		Code: "HDL2526", Severity: mesh.Warning, Absence: true,
		On: telemetryKinds, Keys: eachObject, Reads: telemetryConfigKinds,
		Run: forObject(unknownProviders),
	},
}

// telemetryWithoutWorkload finds Telemetries whose selector matches nothing in
// their namespace; a selector reaches no further.
func telemetryWithoutWorkload(x *Index, o *mesh.Object, _ Evidence) []Found {
	s := selectionOf(o)
	if len(s.labels) == 0 || len(podsSelected(x, o.Namespace, s.labels)) > 0 ||
		len(templatesSelected(x, o.Namespace, s.labels)) > 0 || len(machinesSelected(x, o.Namespace, s.labels)) > 0 {
		return nil
	}
	return []Found{found(o, s.path, "selector", selectorText(s.labels), "namespace", o.Namespace)}
}

// telemetriesForWorkload finds Telemetries that select one pod side by side. It
// tells of each pod, as each may be mended by itself.
func telemetriesForWorkload(x *Index, k Key, _ Evidence) []Found {
	with := map[*mesh.Object][]*mesh.Object{} // by pod
	var pods []*mesh.Object
	for _, o := range x.In(mesh.KindTelemetry, k.Name) {
		labels := selectionOf(o).labels
		if len(labels) == 0 {
			continue
		}
		selected := podsSelected(x, k.Name, labels)
		if len(selected) == 0 {
			selected = templatesSelected(x, k.Name, labels)
		}
		for _, w := range selected {
			if with[w] == nil {
				pods = append(pods, w)
			}
			with[w] = append(with[w], o)
		}
	}
	var out []Found
	for _, w := range pods {
		for _, f := range conflict(with[w], "workload", w.Name, "namespace", k.Name) {
			f.Path = "spec.selector"
			out = append(out, f)
		}
	}
	return out
}

// telemetriesForNamespace finds Telemetries that are for a whole namespace side
// by side.
func telemetriesForNamespace(x *Index, k Key, _ Evidence) []Found {
	var all []*mesh.Object
	for _, o := range x.In(mesh.KindTelemetry, k.Name) {
		if s := selectionOf(o); len(s.labels) == 0 && len(s.targets) == 0 {
			all = append(all, o)
		}
	}
	return conflict(all, "namespace", k.Name)
}

// logsNowhere finds access logs that say neither where they go to, nor does the
// mesh say so for all.
func logsNowhere(x *Index, o *mesh.Object, _ Evidence) []Found {
	t := spec[*telemetry.Telemetry](o)
	if len(t.GetAccessLogging()) == 0 || len(meshConfig(x).GetDefaultProviders().GetAccessLogging()) > 0 {
		return nil
	}
	var out []Found
	for i, l := range t.GetAccessLogging() {
		if len(l.GetProviders()) == 0 && !l.GetDisabled().GetValue() {
			out = append(out, found(o, config.Path{}.Key("spec").Key("accessLogging").Item(i).String()))
		}
	}
	return out
}

// eachProvider visits the providers that a Telemetry names.
func eachProvider(o *mesh.Object, visit func(path, name string, tracing bool)) {
	t := spec[*telemetry.Telemetry](o)
	list := func(section string, i int, refs []*telemetry.ProviderRef) {
		for j, p := range refs {
			at := config.Path{}.Key("spec").Key(section).Item(i).Key("providers").Item(j).Key("name")
			visit(at.String(), p.GetName(), section == "tracing")
		}
	}
	for i, v := range t.GetTracing() {
		list("tracing", i, v.GetProviders())
	}
	for i, v := range t.GetMetrics() {
		list("metrics", i, v.GetProviders())
	}
	for i, v := range t.GetAccessLogging() {
		list("accessLogging", i, v.GetProviders())
	}
}

// lightstepProviders finds traces that go to a provider of a kind that will go.
func lightstepProviders(x *Index, o *mesh.Object, _ Evidence) []Found {
	if len(spec[*telemetry.Telemetry](o).GetTracing()) == 0 {
		return nil
	}
	var names []string
	for _, p := range meshConfig(x).GetExtensionProviders() {
		//lint:ignore SA1019 that it is deprecated is what the check says
		if p.GetLightstep() != nil {
			names = append(names, p.GetName())
		}
	}
	var out []Found
	eachProvider(o, func(path, name string, tracing bool) {
		if tracing && slices.Contains(names, name) {
			out = append(out, found(o, path, "provider", name))
		}
	})
	return out
}

// builtinProviders need no definition.
var builtinProviders = []string{"prometheus", "stackdriver", "envoy"}

// unknownProviders finds providers that the configuration of the mesh does not
// define. Where there is no configuration in sight, nothing can be said.
func unknownProviders(x *Index, o *mesh.Object, _ Evidence) []Found {
	m := meshConfig(x)
	if m == nil {
		return nil
	}
	var out []Found
	spell := spellingOf(x)
	known := func() []string {
		names := slices.Clone(builtinProviders)
		for _, p := range m.GetExtensionProviders() {
			//lint:ignore SA1019 nobody is led to what is deprecated
			if p.GetLightstep() == nil {
				names = append(names, p.GetName())
			}
		}
		return names
	}
	eachProvider(o, func(path, name string, _ bool) {
		defined := slices.ContainsFunc(m.GetExtensionProviders(), func(p *meshv1alpha1.MeshConfig_ExtensionProvider) bool { return p.GetName() == name })
		if !defined && !slices.Contains(builtinProviders, name) {
			f := found(o, path, "provider", name)
			spell.correct(&f, name, known, anyWord, nil)
			out = append(out, f)
		}
	})
	return out
}
