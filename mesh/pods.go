package mesh

import (
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels and annotations that say something about a workload.
const (
	LabelCanonicalName     = "service.istio.io/canonical-name"
	LabelCanonicalRevision = "service.istio.io/canonical-revision"
	LabelWorkloadName      = "service.istio.io/workload-name"
	LabelTLSMode           = "security.istio.io/tlsMode"
	LabelNetwork           = "topology.istio.io/network"
	LabelSubzone           = "topology.istio.io/subzone"
	LabelLocality          = "istio-locality"
	AnnotationStatus       = "sidecar.istio.io/status"
	AnnotationTemplates    = "inject.istio.io/templates"
	AnnotationExportTo     = "networking.istio.io/exportTo"
)

// podIndex finds workloads by what refers to them.
type podIndex struct {
	workloads []*Workload          // by UID
	byUID     map[string]*Workload // by pod UID
	byName    map[[2]string]*Workload
	byAddress map[netip.Addr]*Workload // pods with an address of their own
	// selectable maps a namespace and one label to what carries it.
	selectable map[labelKey][]selectable
}

type labelKey struct{ namespace, key, value string }

// selectable is a pod, or the template of pods that may have no replica.
type selectable struct {
	labels   map[string]string
	account  string    // name of the service account
	workload *Workload // nil for a template
}

func (d *deriver) indexPods(kinds map[Kind][]*Object) *podIndex {
	idx := &podIndex{
		byUID: map[string]*Workload{}, byName: map[[2]string]*Workload{},
		byAddress: map[netip.Addr]*Workload{}, selectable: map[labelKey][]selectable{},
	}
	for _, o := range kinds[KindPod] {
		pod, ok := o.Spec.(*corev1.Pod)
		if !ok {
			continue
		}
		w := workloadOf(d.set, o, pod)
		if _, taken := idx.byUID[w.UID]; taken {
			continue
		}
		idx.byUID[w.UID] = w
		idx.byName[[2]string{w.Namespace, w.Pod}] = w
		if w.Address.IsValid() && !pod.Spec.HostNetwork {
			idx.byAddress[w.Address] = w
		}
		idx.workloads = append(idx.workloads, w)
		idx.add(w.Namespace, selectable{labels: w.Labels, account: w.ServiceAccount, workload: w})
	}
	for _, o := range kinds[KindDeployment] {
		if dep, ok := o.Spec.(*appsv1.Deployment); ok {
			idx.add(o.Namespace, selectable{
				labels: dep.Spec.Template.Labels, account: accountName(&dep.Spec.Template.Spec),
			})
		}
	}
	slices.SortFunc(idx.workloads, func(a, b *Workload) int { return strings.Compare(a.UID, b.UID) })
	return idx
}

func (idx *podIndex) add(namespace string, s selectable) {
	for k, v := range s.labels {
		key := labelKey{namespace, k, v}
		idx.selectable[key] = append(idx.selectable[key], s)
	}
}

// selected lists what a non-empty selector matches, in the order of pods, then
// templates. It looks through the rarest label of the selector only.
func (idx *podIndex) selected(namespace string, selector map[string]string) []selectable {
	var rarest []selectable
	first := true
	for k, v := range selector {
		list := idx.selectable[labelKey{namespace, k, v}]
		if first || len(list) < len(rarest) {
			rarest, first = list, false
		}
	}
	var out []selectable
	for _, s := range rarest {
		if matches(selector, s.labels) {
			out = append(out, s)
		}
	}
	return out
}

// matches reports whether labels carry everything the selector asks for.
func matches(selector, labels map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func workloadOf(set Settings, o *Object, pod *corev1.Pod) *Workload {
	w := &Workload{
		WorkloadFacts: FactsOf(set.Cluster, o.Namespace, OwnerOf(pod), pod.Labels, accountName(&pod.Spec)),
		UID:           string(pod.UID),
		Pod:           o.Name,
		Node:          pod.Spec.NodeName,
		Network:       pod.Labels[LabelNetwork],
		Locality:      localityOf(pod.Labels),
		Labels:        pod.Labels,
		Annotations:   pod.Annotations,
		Gateway:       isGateway(pod.Annotations),
		Phase:         string(pod.Status.Phase),
		Terminating:   pod.DeletionTimestamp != nil,
		From:          o.Ref,
	}
	if w.UID == "" {
		w.UID = o.Namespace + "/" + o.Name
	}
	if w.Phase == "" {
		w.Phase = string(corev1.PodPending)
	}
	w.Meshed = w.Gateway || pod.Labels[LabelTLSMode] == "istio" || pod.Annotations[AnnotationStatus] != ""
	w.Address, _ = netip.ParseAddr(pod.Status.PodIP)
	w.HostIP, _ = netip.ParseAddr(pod.Status.HostIP)
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			w.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, c := range containers {
			for _, p := range c.Ports {
				proto := string(p.Protocol)
				if proto == "" {
					proto = string(corev1.ProtocolTCP)
				}
				w.Ports = append(w.Ports, ContainerPort{Name: p.Name, Number: uint32(p.ContainerPort), Protocol: proto})
			}
		}
	}
	w.Hash = w.contentHash()
	return w
}

// FactsOf says what labels make of a workload. owner is the name of what made
// the pod, OwnerOf finds it.
func FactsOf(cluster, namespace, owner string, labels map[string]string, account string) WorkloadFacts {
	f := WorkloadFacts{
		Workload: owner, Namespace: namespace, Cluster: cluster, ServiceAccount: account,
		App:     firstOf(labels, "app", "app.kubernetes.io/name"),
		Version: firstOf(labels, "version", "app.kubernetes.io/version"),
	}
	f.Canonical = firstOf(labels, LabelCanonicalName)
	if f.Canonical == "" {
		f.Canonical = f.App
	}
	if f.Canonical == "" {
		f.Canonical = owner
	}
	f.Revision = firstOf(labels, LabelCanonicalRevision)
	if f.Revision == "" {
		f.Revision = f.Version
	}
	if f.Revision == "" {
		f.Revision = "latest"
	}
	return f
}

func firstOf(labels map[string]string, keys ...string) string {
	for _, k := range keys {
		if v := labels[k]; v != "" {
			return v
		}
	}
	return ""
}

// OwnerOf is the name of the workload that a pod belongs to: the label that
// says so, else its controller, where the name of a ReplicaSet made by a
// Deployment loses its hash, else the pod itself.
func OwnerOf(pod *corev1.Pod) string {
	if name := pod.Labels[LabelWorkloadName]; name != "" {
		return name
	}
	owner := metav1.GetControllerOfNoCopy(pod)
	switch {
	case owner == nil:
		return pod.Name
	case owner.Kind == "ReplicaSet":
		hash := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && hash != "" {
			return name
		}
	}
	return owner.Name
}

// accountName is the service account that a pod runs as.
func accountName(spec *corev1.PodSpec) string {
	switch {
	case spec.ServiceAccountName != "":
		return spec.ServiceAccountName
	case spec.DeprecatedServiceAccount != "":
		return spec.DeprecatedServiceAccount
	default:
		return "default"
	}
}

func isGateway(annotations map[string]string) bool {
	for _, t := range strings.Split(annotations[AnnotationTemplates], ",") {
		if strings.TrimSpace(t) == "gateway" {
			return true
		}
	}
	return false
}

// localityOf reads the topology labels, or Istio's single label, which writes
// "region.zone.subzone" because a label value cannot hold slashes.
func localityOf(labels map[string]string) Locality {
	if one := labels[LabelLocality]; one != "" {
		if !strings.Contains(one, "/") {
			one = strings.ReplaceAll(one, ".", "/")
		}
		return ParseLocality(one)
	}
	return Locality{
		Region:  labels[corev1.LabelTopologyRegion],
		Zone:    labels[corev1.LabelTopologyZone],
		Subzone: labels[LabelSubzone],
	}
}

// ParseLocality reads "region/zone/subzone", of which the end may be missing.
func ParseLocality(s string) Locality {
	parts := strings.SplitN(s, "/", 3)
	parts = append(parts, "", "")
	return Locality{Region: parts[0], Zone: parts[1], Subzone: parts[2]}
}
