package validate

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Words by which namespaces and pods ask for proxies.
const (
	labelInjection   = "istio-injection"
	injectionOn      = "enabled"
	injectionOff     = "disabled"
	labelRevision    = "istio.io/rev"
	labelDataplane   = "istio.io/dataplane-mode"
	labelInject      = "sidecar.istio.io/inject" // an annotation too
	annotationImage  = "sidecar.istio.io/proxyImage"
	dataplaneAmbient = "ambient"
	proxyContainer   = "istio-proxy"
	imageAuto        = "auto" // replaced by whoever injects the proxy
	injectorPrefix   = "istio-sidecar-injector"
)

var injectionLookups = []*Lookup{injectorsByName}

var injectionChecks = []Check{
	{
		Code: "HDL2821", Severity: mesh.Info, SameAs: []string{"IST0102"},
		On: onlyNamespaces, Keys: eachObject, Reads: namespacesAndInjectors,
		Run: forObject(func(x *Index, o *mesh.Object, _ Evidence) []Found { return unlabelled(x, o, false) }),
	},
	{
		Code: "HDL2822", Severity: mesh.Warning, SameAs: []string{"IST0103"},
		On: []mesh.Kind{mesh.KindPod}, Keys: eachObject, Reads: []mesh.Kind{mesh.KindPod, mesh.KindNamespace},
		Run: forObject(podsWithoutProxy),
	},
	{
		Code: "HDL2823", Severity: mesh.Warning, SameAs: []string{"IST0123"},
		On: onlyNamespaces, Keys: eachObject, Reads: onlyNamespaces,
		Run: forObject(contraryLabels),
	},
	{
		Code: "HDL2824", Severity: mesh.Info, SameAs: []string{"IST0148"},
		On: onlyNamespaces, Keys: eachObject, Reads: namespacesAndInjectors,
		Run: forObject(func(x *Index, o *mesh.Object, _ Evidence) []Found { return unlabelled(x, o, true) }),
	},
	{
		Code: "HDL2826", Severity: mesh.Error, SameAs: []string{"IST0147"},
		On: []mesh.Kind{mesh.KindPod}, Keys: eachObject, Reads: []mesh.Kind{mesh.KindPod},
		Run: forObject(autoImageInPod),
	},
	{
		Code: "HDL2827", Severity: mesh.Warning, SameAs: []string{"IST0158"},
		On: onlyNamespaces, Keys: eachObject,
		Reads: slices.Concat(namespacesAndInjectors, []mesh.Kind{mesh.KindPod}),
		Run:   forObject(imagesOfOtherVersion),
	},
	{
		Code: "HDL2828", Severity: mesh.Warning,
		On: onlyNamespaces, Keys: eachObject, Reads: onlyNamespaces,
		Run: forObject(meaninglessInjection),
	},
}

var (
	onlyNamespaces         = []mesh.Kind{mesh.KindNamespace}
	namespacesAndInjectors = []mesh.Kind{mesh.KindNamespace, mesh.KindConfigMap}
)

func namespaceRef(name string) mesh.Ref { return mesh.Ref{Kind: mesh.KindNamespace, Name: name} }

// isSystem reports whether a namespace belongs to Kubernetes itself.
func isSystem(namespace string) bool {
	switch namespace {
	case "kube-system", "kube-public", "kube-node-lease", "local-path-storage":
		return true
	}
	return false
}

// wish is how a namespace asks for proxies.
type wish struct {
	refused  bool     // by a value that is not "enabled"
	enabled  bool     // by the plain label
	revision string   // of the control plane that is asked
	ambient  bool     // no proxies beside pods at all
	labels   []string // those that ask, as text
}

func wishOf(l map[string]string) wish {
	w := wish{revision: l[labelRevision], ambient: l[labelDataplane] == dataplaneAmbient}
	switch l[labelInjection] {
	case "":
	case injectionOn:
		w.enabled = true
		w.labels = append(w.labels, labelInjection)
	default:
		w.refused = true
	}
	if _, ok := l[labelRevision]; ok {
		w.labels = append(w.labels, labelRevision)
	}
	if w.ambient {
		w.labels = append(w.labels, labelDataplane)
	}
	return w
}

// proxies reports whether pods get a proxy, and nothing says the contrary.
func (w wish) proxies() bool { return !w.refused && !w.ambient && len(w.labels) == 1 }

// contraryLabels finds namespaces that ask for proxies in more than one way.
func contraryLabels(_ *Index, o *mesh.Object, _ Evidence) []Found {
	w := wishOf(o.Labels)
	if isSystem(o.Name) || w.refused || len(w.labels) < 2 {
		return nil
	}
	f := found(o, "metadata.labels", "labels", strings.Join(w.labels, ", "))
	if w.ambient && len(w.labels) == 2 {
		f.Fix = []mesh.Edit{{Op: mesh.OpDelete, Path: `metadata.labels["` + labelDataplane + `"]`}}
	}
	return []Found{f}
}

// meaninglessInjection finds namespaces whose label for proxies has a value that
// nobody knows: it counts as a no.
func meaninglessInjection(_ *Index, o *mesh.Object, _ Evidence) []Found {
	value, ok := o.Labels[labelInjection]
	if !ok || value == injectionOn || value == injectionOff || isSystem(o.Name) {
		return nil
	}
	f := found(o, config.Path{}.Key("metadata").Key("labels").Key(labelInjection).String(), "value", value)
	meant := nearInjection(value)
	// Beside another label that asks for proxies, on would be one too many.
	if others := wishOf(o.Labels).labels; meant == injectionOff || len(others) == 0 {
		f.mean(meant)
	}
	return []Found{f}
}

// nearInjection is what somebody probably means by a value of that label; empty
// when it cannot be told.
func nearInjection(value string) string {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "enable", "inject":
		return injectionOn
	case "false", "no", "off", "disable", "none":
		return injectionOff
	}
	return near(value, []string{injectionOn, injectionOff})
}

// injectsAll reports whether every pod gets a proxy that does not refuse it,
// whatever namespaces and webhooks say: the local cluster has it so. A pod there
// has one from the moment that it runs.
func injectsAll(x *Index) bool { return x.Settings().LocalGateway }

// unlabelled finds namespaces that do not say whether they want proxies;
// byDefault selects those that get them all the same.
func unlabelled(x *Index, o *mesh.Object, byDefault bool) []Found {
	w := wishOf(o.Labels)
	if injectsAll(x) || isSystem(o.Name) || o.Name == x.Settings().RootNamespace || w.refused || len(w.labels) > 0 {
		return nil
	}
	if injectorOf(x, "").Webhook.EnableNamespacesByDefault != byDefault {
		return nil
	}
	return []Found{found(o, "metadata.name", "namespace", o.Name)}
}

// podsWithoutProxy finds pods that were started before their namespace asked for
// proxies, or while nobody could give them one.
func podsWithoutProxy(x *Index, o *mesh.Object, _ Evidence) []Found {
	ns, ok := x.Get(namespaceRef(o.Namespace))
	if injectsAll(x) || !ok || isSystem(o.Namespace) || o.Namespace == x.Settings().RootNamespace || !wishOf(ns.Labels).proxies() {
		return nil
	}
	p := podFormOf(o)
	if v, _ := p.wish(); strings.EqualFold(v, "false") || p.spec.HostNetwork {
		return nil
	}
	if _, ok := p.proxy(); ok {
		return nil
	}
	return []Found{found(o, "", "namespace", o.Namespace)}
}

// injectorsByName finds the configuration of injectors.
var injectorsByName = &Lookup{
	Name: "injectors by name", Kinds: []mesh.Kind{mesh.KindConfigMap},
	Values: func(_ mesh.Settings, o *mesh.Object) []string {
		if strings.HasPrefix(o.Name, injectorPrefix) {
			return []string{o.Name}
		}
		return nil
	},
}

// injector is what the configuration of an injector says.
type injector struct {
	Global struct {
		Hub   string `json:"hub"`
		Tag   any    `json:"tag"` // text, or a number where nobody quoted it
		Proxy struct {
			Image string `json:"image"`
		} `json:"proxy"`
	} `json:"global"`
	Webhook struct {
		EnableNamespacesByDefault bool `json:"enableNamespacesByDefault"`
	} `json:"sidecarInjectorWebhook"`
	known bool
}

// injectorOf reads the configuration of the injector of a revision; zero when
// there is none that can be read.
func injectorOf(x *Index, revision string) injector {
	name := injectorPrefix
	if revision != "" && revision != "default" {
		name += "-" + revision
	}
	for _, o := range x.By(injectorsByName, name) {
		if in := readOnce(x, o, injectorIn(o)); in.known {
			return in
		}
	}
	return injector{}
}

func injectorIn(o *mesh.Object) func() injector {
	return func() injector {
		in := injector{known: true}
		if json.Unmarshal([]byte(spec[*corev1.ConfigMap](o).Data["values"]), &in) != nil {
			return injector{}
		}
		return in
	}
}

// image is the image that the injector gives to proxies, "" when it is unknown.
func (in injector) image() string {
	image := in.Global.Proxy.Image
	switch {
	case !in.known || image == "":
		return ""
	case strings.Contains(image, "/"):
		return image
	}
	tag, err := json.Marshal(in.Global.Tag)
	if err != nil {
		return ""
	}
	return in.Global.Hub + "/" + image + ":" + strings.Trim(string(tag), `"`)
}

// imagesOfOtherVersion finds namespaces whose pods have another proxy than they
// would get today.
func imagesOfOtherVersion(x *Index, o *mesh.Object, _ Evidence) []Found {
	w := wishOf(o.Labels)
	if injectsAll(x) || !w.enabled && !slices.Contains(w.labels, labelRevision) {
		return nil
	}
	want := injectorOf(x, w.revision).image()
	if want == "" {
		return nil
	}
	var names []string
	var refs []mesh.Ref
	for _, pod := range x.In(mesh.KindPod, o.Name) {
		if pod.Annotations[annotationImage] != "" {
			continue
		}
		if c, ok := podFormOf(pod).proxy(); ok && c.Image != want {
			names, refs = append(names, pod.Name), append(refs, pod.Ref)
		}
	}
	if len(names) == 0 {
		return nil
	}
	f := found(o, "", "image", want, "pods", shortList(names))
	f.Related = refs
	return []Found{f}
}

// shortList names a few of many.
func shortList(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + ", …"
}

// autoImage is where a pod leaves the image of its proxy to the injector, -1
// when it does not.
func autoImage(p *podForm) int {
	return slices.IndexFunc(p.spec.Containers, func(c corev1.Container) bool {
		return c.Name == proxyContainer && c.Image == imageAuto
	})
}

// autoImageInPod finds pods that nobody gave the image of their proxy.
func autoImageInPod(x *Index, o *mesh.Object, _ Evidence) []Found {
	if injectsAll(x) || autoImage(podFormOf(o)) < 0 {
		return nil
	}
	return []Found{found(o, imagePath(podFormOf(o)))}
}

func imagePath(p *podForm) string {
	return p.specPath + ".containers[" + strconv.Itoa(autoImage(p)) + "].image"
}
