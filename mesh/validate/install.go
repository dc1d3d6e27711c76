package validate

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

var installChecks = []Check{
	{
		Code: "HDL2825", Severity: mesh.Warning, SameAs: []string{"IST0146"}, Absence: true,
		On: servingKinds, Keys: eachObject,
		Reads: slices.Concat(templateKinds, []mesh.Kind{mesh.KindNamespace, mesh.KindMutatingWebhookConfiguration}),
		Run:   forObject(autoImageNotInjected),
	},
	{
		Code: "HDL2901", Severity: mesh.Error, SameAs: []string{"IST0139"},
		On: mutatingWebhooks, Keys: oneForAll, Reads: mutatingWebhooks,
		Run: overlappingWebhooks,
	},
	{
		Code: "HDL2902", Severity: mesh.Error, SameAs: []string{"IST0139"}, Absence: true,
		On: mutatingWebhooks, Keys: eachObject,
		Reads: slices.Concat(mutatingWebhooks, onlyServices),
		Run:   forObject(webhooksOfNobody),
	},
	{
		Code: "HDL2903", Severity: mesh.Warning, SameAs: []string{"IST0163"},
		On: allWebhooks, Keys: eachObject, Reads: allWebhooks,
		Run: forObject(webhooksNowhere),
	},
	{
		Code: "HDL2904", Severity: mesh.Info, SameAs: []string{"IST0164"},
		On: allWebhooks, Keys: eachObject, Reads: allWebhooks,
		Run: forObject(webhooksByAddress),
	},
	{
		Code: "HDL2905", Severity: mesh.Error, SameAs: []string{"IST0156"},
		On: onlyCRDs, Keys: eachObject, Reads: onlyCRDs,
		Run: forObject(func(_ *Index, o *mesh.Object, _ Evidence) []Found { return gatewayVersions(o, "v1beta1", "v1") }),
	},
	{
		Code: "HDL2906", Severity: mesh.Warning, SameAs: []string{"IST0172"},
		On: onlyCRDs, Keys: eachObject, Reads: onlyCRDs,
		Run: forObject(func(_ *Index, o *mesh.Object, _ Evidence) []Found { return oldGatewayVersions(o) }),
	},
	{
		Code: "HDL2907", Severity: mesh.Warning, SameAs: []string{"IST0176"},
		On: onlyCRDs, Keys: eachObject, Reads: onlyCRDs,
		Run: forObject(oldBundle),
	},
	{
		Code: "HDL2908", Severity: mesh.Error, SameAs: []string{"IST0126"}, Absence: true,
		On: networkKinds, Keys: networksOnly,
		Reads: slices.Concat(networkKinds, []mesh.Kind{mesh.KindSecret}),
		Run:   forObject(unknownRegistries),
	},
}

var (
	mutatingWebhooks = []mesh.Kind{mesh.KindMutatingWebhookConfiguration}
	allWebhooks      = []mesh.Kind{mesh.KindMutatingWebhookConfiguration, mesh.KindValidatingWebhookConfiguration}
	onlyCRDs         = []mesh.Kind{mesh.KindCustomResourceDefinition}
	networkKinds     = []mesh.Kind{config.KindMeshNetworks, mesh.KindConfigMap}
)

// oneForAll makes one unit of work of all objects.
func oneForAll(_ mesh.Settings, _ *mesh.Object) []Key { return []Key{{}} }

// webhook is one webhook that gives proxies to pods.
type webhook struct {
	in   *mesh.Object
	path string
	name string // with that of its configuration, as people tell them apart
	hook admissionv1.MutatingWebhook
}

// injectingWebhooks are the webhooks of configurations that belong to an
// installation of Istio: by a name, or because they ask for a revision.
func injectingWebhooks(o *mesh.Object) []webhook {
	hooks := spec[*admissionv1.MutatingWebhookConfiguration](o).Webhooks
	if len(revisionsOf(o)) == 0 && !slices.ContainsFunc(hooks, isInjector) {
		return nil
	}
	out := make([]webhook, len(hooks))
	for i, h := range hooks {
		out[i] = webhook{o, "webhooks[" + strconv.Itoa(i) + "]", o.Name + "/" + h.Name, h}
	}
	return out
}

// autoImageNotInjected finds templates whose pods none of the webhooks in sight
// will give an image. Where there is no webhook at all, something else does, or
// nobody can tell.
func autoImageNotInjected(x *Index, o *mesh.Object, _ Evidence) []Found {
	p := podFormOf(o)
	if injectsAll(x) || autoImage(p) < 0 {
		return nil
	}
	var ofNamespace map[string]string
	if ns, ok := x.Get(namespaceRef(cmp.Or(o.Namespace, config.DefaultNamespace))); ok {
		ofNamespace = ns.Labels
	}
	injectors := 0
	for _, c := range x.All(mesh.KindMutatingWebhookConfiguration) {
		for _, w := range spec[*admissionv1.MutatingWebhookConfiguration](c).Webhooks {
			if !isInjector(w) {
				continue
			}
			if takes(w.NamespaceSelector, ofNamespace) && takes(w.ObjectSelector, p.labels) {
				return nil
			}
			injectors++
		}
	}
	if injectors == 0 {
		return nil
	}
	return []Found{found(o, imagePath(p), "namespace", o.Namespace)}
}

// isInjector reports whether a webhook is one of Istio's.
func isInjector(w admissionv1.MutatingWebhook) bool { return strings.HasSuffix(w.Name, "istio.io") }

// takes reports whether a selector of a webhook takes labels; none takes all.
func takes(selector *metav1.LabelSelector, l map[string]string) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(l))
}

// revisionsOf are the revisions that webhooks of o ask for.
func revisionsOf(o *mesh.Object) []string {
	var out []string
	if r, ok := o.Labels[labelRevision]; ok {
		out = append(out, r)
	}
	for _, h := range spec[*admissionv1.MutatingWebhookConfiguration](o).Webhooks {
		out = append(out, revisionsAsked(h.NamespaceSelector)...)
		out = append(out, revisionsAsked(h.ObjectSelector)...)
	}
	return out
}

// revisionsAsked are those that one selector names.
func revisionsAsked(s *metav1.LabelSelector) []string {
	if s == nil {
		return nil
	}
	var out []string
	if r, ok := s.MatchLabels[labelRevision]; ok {
		out = append(out, r)
	}
	for _, e := range s.MatchExpressions {
		if e.Key == labelRevision {
			out = append(out, e.Values...)
		}
	}
	return out
}

// overlappingWebhooks tries every way in which namespaces and pods can ask for a
// proxy, and finds webhooks that would answer together with others: the pod
// would get its proxy twice.
func overlappingWebhooks(x *Index, _ Key, _ Evidence) []Found {
	var hooks []webhook
	revisions := []string{""}
	for _, o := range x.All(mesh.KindMutatingWebhookConfiguration) {
		if of := injectingWebhooks(o); of != nil {
			hooks = append(hooks, of...)
			revisions = append(revisions, revisionsOf(o)...)
		}
	}
	revisions = sortedSet(revisions)
	type overlap struct{ who, others string }
	seen := map[overlap]bool{}
	var out []Found
	for _, namespace := range labelWays(labelInjection, []string{"", "enabled", "disabled"}, revisions) {
		for _, pod := range labelWays(labelInject, []string{"", "true", "false"}, revisions) {
			var match []webhook
			for _, h := range hooks {
				same := func(m webhook) bool { return m.name == h.name }
				if takes(h.hook.NamespaceSelector, namespace) && takes(h.hook.ObjectSelector, pod) && !slices.ContainsFunc(match, same) {
					match = append(match, h)
				}
			}
			if len(match) < 2 {
				continue
			}
			for i, h := range match {
				var names []string
				var refs []mesh.Ref
				for _, other := range slices.Concat(match[:i], match[i+1:]) {
					names, refs = append(names, other.name), append(refs, other.in.Ref)
				}
				once := overlap{h.name, strings.Join(names, ", ")}
				if seen[once] {
					continue
				}
				seen[once] = true
				f := found(h.in, h.path, "webhook", h.hook.Name, "others", once.others)
				f.Related = slices.DeleteFunc(slices.Compact(refs), func(r mesh.Ref) bool { return r == h.in.Ref })
				out = append(out, f)
			}
		}
	}
	return out
}

// labelWays are all combinations of a label and a revision; "" leaves a label out.
func labelWays(key string, values, revisions []string) []map[string]string {
	var out []map[string]string
	for _, v := range values {
		for _, r := range revisions {
			l := map[string]string{}
			if v != "" {
				l[key] = v
			}
			if r != "" {
				l[labelRevision] = r
			}
			out = append(out, l)
		}
	}
	return out
}

// webhooksOfNobody finds injectors whose control plane is not there.
func webhooksOfNobody(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	seen := map[mesh.Ref]bool{}
	for _, h := range injectingWebhooks(o) {
		s := h.hook.ClientConfig.Service
		if s == nil {
			continue
		}
		ref := mesh.Ref{Kind: mesh.KindService, Namespace: s.Namespace, Name: s.Name}
		if _, ok := x.Get(ref); ok || seen[ref] {
			continue
		}
		seen[ref] = true
		out = append(out, found(o, h.path+".clientConfig.service", "webhook", h.hook.Name, "service", s.Namespace+"/"+s.Name))
	}
	return out
}

// client is how the API server is told to reach a webhook.
type client struct {
	path, name string
	config     admissionv1.WebhookClientConfig
}

// controlPlaneClients are the webhooks of o that a control plane elsewhere may
// answer; none for objects that are not those of an installation.
func controlPlaneClients(o *mesh.Object) []client {
	var out []client
	add := func(name string, c admissionv1.WebhookClientConfig) {
		out = append(out, client{"webhooks[" + strconv.Itoa(len(out)) + "].clientConfig", name, c})
	}
	switch s := o.Spec.(type) {
	case *admissionv1.MutatingWebhookConfiguration:
		if strings.HasPrefix(o.Name, injectorPrefix) {
			for _, h := range s.Webhooks {
				add(h.Name, h.ClientConfig)
			}
		}
	case *admissionv1.ValidatingWebhookConfiguration:
		if strings.HasPrefix(o.Name, "istio-validator") || o.Name == "istiod-default-validator" {
			for _, h := range s.Webhooks {
				add(h.Name, h.ClientConfig)
			}
		}
	}
	return out
}

// webhooksNowhere finds webhooks that name neither a Service nor a URL that
// leads anywhere.
func webhooksNowhere(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range controlPlaneClients(o) {
		switch {
		case c.config.URL == nil && c.config.Service == nil:
			out = append(out, found(o, c.path, "webhook", c.name, "url", `""`))
		case c.config.URL != nil && urlHost(*c.config.URL) == "":
			out = append(out, found(o, c.path+".url", "webhook", c.name, "url", strconv.Quote(*c.config.URL)))
		}
	}
	return out
}

// webhooksByAddress finds webhooks that are called by a bare address, which no
// certificate of a control plane is for.
func webhooksByAddress(_ *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for _, c := range controlPlaneClients(o) {
		if c.config.URL == nil {
			continue
		}
		if host := urlHost(*c.config.URL); host != "" {
			if _, err := netip.ParseAddr(host); err == nil {
				out = append(out, found(o, c.path+".url", "webhook", c.name, "address", host))
			}
		}
	}
	return out
}

// urlHost is the host that a URL names, "" when it names none.
func urlHost(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// gatewayVersions finds definitions of Gateway API kinds that serve none of
// these versions.
func gatewayVersions(o *mesh.Object, oneOf ...string) []Found {
	crd := spec[*config.CustomResourceDefinition](o)
	if crd.Spec.Group != mesh.GroupGatewayAPI || !slices.Contains(gatewayKinds, crd.Spec.Names.Kind) {
		return nil
	}
	served := servedVersions(crd)
	if slices.ContainsFunc(served, func(v string) bool { return slices.Contains(oneOf, v) }) {
		return nil
	}
	return []Found{found(o, "spec.versions", "kind", crd.Spec.Names.Kind, "served", cmp.Or(strings.Join(served, ", "), "–"), "minimum", oneOf[0])}
}

// oldGatewayVersions finds those that serve a version that will not be read for
// long. A ReferenceGrant has no other in many releases.
func oldGatewayVersions(o *mesh.Object) []Found {
	crd := spec[*config.CustomResourceDefinition](o)
	if crd.Spec.Names.Kind == mesh.KindReferenceGrant.Name || !slices.Contains(servedVersions(crd), "v1beta1") {
		return nil
	}
	return gatewayVersions(o, "v1")
}

// gatewayKinds are the kinds of the Gateway API that are read from the first
// release on.
var gatewayKinds = []string{
	mesh.KindK8sGateway.Name, mesh.KindGatewayClass.Name, mesh.KindHTTPRoute.Name, mesh.KindReferenceGrant.Name,
}

func servedVersions(crd *config.CustomResourceDefinition) []string {
	var out []string
	for _, v := range crd.Spec.Versions {
		if v.Served {
			out = append(out, v.Name)
		}
	}
	return out
}

// annotationBundle is the release of the Gateway API that a CRD is from.
const annotationBundle = "gateway.networking.k8s.io/bundle-version"

// leastBundles are the first releases whose definitions of a kind are read.
var leastBundles = map[string]release{
	"grpcroutes.gateway.networking.k8s.io":         {1, 1, 0},
	"backendtlspolicies.gateway.networking.k8s.io": {1, 4, 0},
	"tlsroutes.gateway.networking.k8s.io":          {1, 5, 0},
}

// oldBundle finds definitions from a release that is too old for their kind.
func oldBundle(_ *Index, o *mesh.Object, _ Evidence) []Found {
	least, ok := leastBundles[o.Name]
	if !ok {
		return nil
	}
	text := o.Annotations[annotationBundle]
	has, ok := parseRelease(text)
	if !ok || slices.Compare(has[:], least[:]) >= 0 {
		return nil
	}
	return []Found{found(o, `metadata.annotations["`+annotationBundle+`"]`, "name", o.Name, "installed", text, "minimum", least.String())}
}

// release is a version without what stands behind a dash: candidates count as
// the release itself.
type release [3]int

func (r release) String() string { return fmt.Sprintf("v%d.%d.%d", r[0], r[1], r[2]) }

func parseRelease(text string) (release, bool) {
	text = strings.TrimPrefix(text, "v")
	if i := strings.IndexAny(text, "-+"); i >= 0 {
		text = text[:i]
	}
	var r release
	parts := strings.Split(text, ".")
	if len(parts) > len(r) {
		return release{}, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return release{}, false
		}
		r[i] = n
	}
	return r, true
}

// networksKey is where the ConfigMap of an installation keeps its networks.
const networksKey = "meshNetworks"

// networksOnly makes work of what says which networks there are.
func networksOnly(set mesh.Settings, o *mesh.Object) []Key {
	if networksOf(set, o) == nil {
		return nil
	}
	return []Key{{Ref: o.Ref}}
}

// networksOf reads the networks of a mesh, from a file of their own or from the
// ConfigMap of an installation; nil when o says nothing of them.
func networksOf(set mesh.Settings, o *mesh.Object) *meshv1alpha1.MeshNetworks {
	switch s := o.Spec.(type) {
	case *meshv1alpha1.MeshNetworks:
		return s
	case *corev1.ConfigMap:
		text := s.Data[networksKey]
		if o.Namespace != set.RootNamespace || o.Name != "istio" && !strings.HasPrefix(o.Name, "istio-") || text == "" {
			return nil
		}
		networks, _ := config.DecodeMeshNetworks(o.Name, []byte(text))
		return networks
	}
	return nil
}

// unknownRegistries finds networks that take their endpoints from a cluster that
// nobody gave access to.
func unknownRegistries(x *Index, o *mesh.Object, _ Evidence) []Found {
	networks := networksOf(x.Settings(), o).GetNetworks()
	if len(networks) == 0 {
		return nil
	}
	known := map[string]bool{"Kubernetes": true, "External": true, "Mock": true}
	for _, s := range x.All(mesh.KindSecret) {
		if s.Labels["istio/multiCluster"] == "true" {
			secret := spec[*corev1.Secret](s)
			for name := range secret.Data {
				known[name] = true
			}
			for name := range secret.StringData {
				known[name] = true
			}
		}
	}
	var out []Found
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		for i, e := range networks[name].GetEndpoints() {
			registry := e.GetFromRegistry()
			if registry == "" || known[registry] {
				continue
			}
			path := config.Path{}.Key("data").Key(networksKey)
			if o.Kind == config.KindMeshNetworks {
				path = config.Path{}.Key("networks").Key(name).Key("endpoints").Item(i).Key("fromRegistry")
			}
			out = append(out, found(o, path.String(), "registry", registry, "network", name))
		}
	}
	return out
}
