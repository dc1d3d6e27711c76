package validate

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"istio.io/api/annotation"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// annotatedKinds are the kinds whose annotations of Istio are looked at.
var annotatedKinds = []mesh.Kind{mesh.KindNamespace, mesh.KindService, mesh.KindPod, mesh.KindDeployment}

var annotationsChecks = []Check{
	{
		Code: "HDL1311", Severity: mesh.Warning, SameAs: []string{"IST0107"},
		On: annotatedKinds, Keys: annotatedObject, Reads: annotatedKinds,
		Run: forObject(misplacedAnnotations),
	},
	{
		Code: "HDL1312", Severity: mesh.Warning, SameAs: []string{"IST0108"},
		On: annotatedKinds, Keys: annotatedObject, Reads: annotatedKinds,
		Run: forObject(unknownAnnotations),
	},
	{
		Code: "HDL1313", Severity: mesh.Warning, SameAs: []string{"IST0125"},
		On: annotatedKinds, Keys: annotatedObject, Reads: annotatedKinds,
		Run: forObject(invalidAnnotations),
	},
	{
		Code: "HDL1314", Severity: mesh.Info, SameAs: []string{"IST0135"},
		On: annotatedKinds, Keys: annotatedObject, Reads: annotatedKinds,
		Run: forObject(deprecatedAnnotations),
	},
	{
		Code: "HDL1315", Severity: mesh.Warning,
		On: suppressibleKinds, Keys: suppressingObject, Reads: suppressibleKinds,
		Run: forObject(unreasonedSuppressions),
	},
	{
		Code: "HDL1316", Severity: mesh.Warning,
		On: suppressibleKinds, Keys: suppressingObject, Reads: suppressibleKinds,
		Run: forObject(unknownSuppressions),
	},
	{
		Code: "HDL1321", Severity: mesh.Warning, SameAs: []string{"IST0002"},
		On: []mesh.Kind{mesh.KindVirtualService}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService},
		Run:   forObject(oldDelayPercent),
	},
	{
		Code: "HDL1322", Severity: mesh.Warning, SameAs: []string{"IST0002"},
		On: []mesh.Kind{mesh.KindSidecar}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindSidecar},
		Run:   forObject(oldEgressProxy),
	},
	{
		Code: "HDL1323", Severity: mesh.Warning, SameAs: []string{"IST0002"},
		On: []mesh.Kind{mesh.KindCustomResourceDefinition}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindCustomResourceDefinition},
		Run:   forObject(oldDefinitions),
	},
}

// suppressibleKinds is every kind: any object can carry the annotation.
var suppressibleKinds = func() []mesh.Kind {
	out := make([]mesh.Kind, len(config.Kinds))
	for i, k := range config.Kinds {
		out[i] = k.Kind
	}
	return out
}()

// annotatedObject makes work of objects with an annotation of Istio.
func annotatedObject(_ mesh.Settings, o *mesh.Object) []Key {
	for name := range o.Annotations {
		if ofIstio(name) {
			return []Key{{Ref: o.Ref}}
		}
	}
	return nil
}

// suppressingObject makes work of objects that keep checks quiet.
func suppressingObject(_ mesh.Settings, o *mesh.Object) []Key {
	if _, has := o.Annotations[AnnotationSuppress]; has {
		return []Key{{Ref: o.Ref}}
	}
	return nil
}

// ofIstio reports whether Istio says what an annotation means.
func ofIstio(name string) bool {
	if name == annotation.IoKubernetesIngressClass.Name {
		return true
	}
	domain, _, _ := strings.Cut(name, "/")
	return strings.HasSuffix(domain, "istio.io")
}

// knownAnnotations are the annotations that Istio defines, by name.
var knownAnnotations = sync.OnceValue(func() map[string]*annotation.Instance {
	all := annotation.AllResourceAnnotations()
	out := make(map[string]*annotation.Instance, len(all))
	for _, a := range all {
		out[a.Name] = a
	}
	return out
})

// istioAnnotations are the names of an object's annotations that are Istio's, sorted.
func istioAnnotations(o *mesh.Object) []string {
	var out []string
	for name := range o.Annotations {
		if ofIstio(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func annotationPath(name string) string {
	return config.Path{}.Key("metadata").Key("annotations").Key(name).String()
}

// belongs reports whether an annotation means something on a kind, and on which
// kinds it does.
func belongs(a *annotation.Instance, kind mesh.Kind) (bool, string) {
	names := make([]string, len(a.Resources))
	for i, r := range a.Resources {
		if r == annotation.Any {
			return true, ""
		}
		names[i] = r.String()
	}
	return slices.Contains(names, kind.Name), strings.Join(names, ", ")
}

// misplacedAnnotations finds annotations on a kind that they mean nothing on.
func misplacedAnnotations(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, name := range istioAnnotations(o) {
		def := knownAnnotations()[name]
		if def == nil {
			continue
		}
		if ok, kinds := belongs(def, o.Kind); !ok {
			out = append(out, found(o, annotationPath(name), "annotation", name, "kind", o.Kind.Name, "kinds", kinds))
		}
	}
	return out
}

// unknownAnnotations finds annotations in Istio's name that Istio does not have.
func unknownAnnotations(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	spell := spellingOf(x)
	for _, name := range istioAnnotations(o) {
		if knownAnnotations()[name] != nil {
			continue
		}
		f := found(o, annotationPath(name), "annotation", name)
		spell.correct(&f, name, func() []string { return sortedKeys(knownAnnotations()) }, func(word string) bool {
			_, has := o.Annotations[word]
			return !has
		}, nil)
		if near := f.Params["near"]; near != "" {
			f.Fix = renamed(f.Path, annotationPath(near), o.Annotations[name])
		}
		out = append(out, f)
	}
	return out
}

// invalidAnnotations finds values that an annotation cannot have.
func invalidAnnotations(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, name := range istioAnnotations(o) {
		def := knownAnnotations()[name]
		valid := annotationValues[name]
		if def == nil || valid == nil {
			continue
		}
		if ok, _ := belongs(def, o.Kind); !ok {
			continue
		}
		if expected := valid(o.Annotations[name]); expected != "" {
			out = append(out, found(o, annotationPath(name),
				"annotation", name, "value", o.Annotations[name], "expected", expected))
		}
	}
	return out
}

// deprecatedAnnotations finds annotations that will go. A label of the same name
// beside it does what the annotation did, and is the way to go from one to the
// other.
func deprecatedAnnotations(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, name := range istioAnnotations(o) {
		def := knownAnnotations()[name]
		if def == nil || !def.Deprecated {
			continue
		}
		f := found(o, annotationPath(name), "annotation", name)
		if name == annotation.SidecarInject.Name {
			if _, both := o.Labels[name]; both {
				continue
			}
			if v := o.Annotations[name]; o.Kind == mesh.KindPod && (v == "true" || v == "false") {
				f.Fix = []mesh.Edit{
					{Op: mesh.OpSet, Path: config.Path{}.Key("metadata").Key("labels").Key(name).String(), Value: "'" + v + "'"},
					{Op: mesh.OpDelete, Path: f.Path},
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// unreasonedSuppressions finds codes that are to be kept quiet without a reason:
// they are not.
func unreasonedSuppressions(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, s := range Suppressions(o.Annotations[AnnotationSuppress]) {
		if s.Reason == "" {
			out = append(out, found(o, annotationPath(AnnotationSuppress), "code", s.Code))
		}
	}
	return out
}

// unknownSuppressions finds codes that are to be kept quiet and do not exist.
func unknownSuppressions(_ *Index, o *mesh.Object, _ Evidence) []Found {
	text := strings.TrimSpace(o.Annotations[AnnotationSuppress])
	var out []Found
	unknown := func(code string) {
		out = append(out, found(o, annotationPath(AnnotationSuppress), "code", code))
	}
	entries := Suppressions(text)
	if len(entries) == 0 || !strings.HasPrefix(text, entries[0].Code) {
		first, _, _ := strings.Cut(text, ",")
		first, _, _ = strings.Cut(first, "=")
		unknown(strings.TrimSpace(first))
	}
	for _, s := range entries {
		if !suppressible(s.Code) {
			unknown(s.Code)
		}
	}
	return out
}

// suppressible reports whether a code exists that annotations can keep quiet.
// It asks the words, which every code has: the list of checks holds the check
// that asks.
func suppressible(code string) bool {
	for _, c := range others {
		if c.Code == code {
			return !c.Fixed
		}
	}
	_, ok := WordsOf(Languages[0], code)
	return ok
}

// oldDelayPercent finds delays that say how many requests they are for in a
// field of whole numbers that percentage has replaced.
func oldDelayPercent(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for i, r := range spec[*networking.VirtualService](o).GetHttp() {
		delay := r.GetFault().GetDelay()
		//lint:ignore SA1019 that it is deprecated is what the check says
		percent := delay.GetPercent()
		if percent <= 0 {
			continue
		}
		at := config.Path{}.Key("spec").Key("http").Item(i).Key("fault").Key("delay")
		f := found(o, at.Key("percent").String())
		if delay.GetPercentage() == nil {
			f.Fix = []mesh.Edit{
				{Op: mesh.OpSet, Path: at.Key("percentage").Key("value").String(), Value: strconv.Itoa(int(percent))},
				{Op: mesh.OpDelete, Path: f.Path},
			}
		}
		out = append(out, f)
	}
	return out
}

// oldEgressProxy finds Sidecars that send what is unknown through a proxy.
func oldEgressProxy(_ *Index, o *mesh.Object, _ Evidence) []Found {
	if spec[*networking.Sidecar](o).GetOutboundTrafficPolicy().GetEgressProxy() == nil {
		return nil
	}
	return []Found{found(o, "spec.outboundTrafficPolicy.egressProxy")}
}

// oldGroups are groups of Istio that no release reads any more.
var oldGroups = []string{"rbac.istio.io", "authentication.istio.io", "config.istio.io"}

// oldDefinitions finds kinds that no release of Istio reads any more.
func oldDefinitions(_ *Index, o *mesh.Object, _ Evidence) []Found {
	d := spec[*config.CustomResourceDefinition](o)
	if d == nil || !slices.Contains(oldGroups, d.Spec.Group) {
		return nil
	}
	return []Found{found(o, "spec.names.kind", "kind", d.Spec.Names.Kind, "group", d.Spec.Group)}
}
