package validate

import (
	"maps"
	"slices"

	networking "istio.io/api/networking/v1alpha3"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

var podLookups = []*Lookup{podsByLabel, templatesByLabel, machinesByLabel}

// podsByLabel finds Pods by namespace and one label: "default/app=reviews".
var podsByLabel = &Lookup{Name: "pods by label", Kinds: []mesh.Kind{mesh.KindPod}, Values: labelValues}

// ServingKinds are the kinds that make pods which stay.
func ServingKinds() []mesh.Kind { return slices.Clone(servingKinds) }

// servingKinds are the kinds that make pods which stay.
var servingKinds = []mesh.Kind{mesh.KindDeployment, mesh.KindDaemonSet, mesh.KindStatefulSet, mesh.KindRollout}

// templateKinds are the kinds that make pods.
var templateKinds = append(slices.Clone(servingKinds), mesh.KindJob, mesh.KindCronJob)

// templatesByLabel finds what makes pods by namespace and one label of their pods.
var templatesByLabel = &Lookup{Name: "templates by label", Kinds: templateKinds, Values: labelValues}

// machinesByLabel finds machines outside the cluster, and groups of them, by
// namespace and one label.
var machinesByLabel = &Lookup{
	Name: "machines by label", Values: labelValues,
	Kinds: []mesh.Kind{mesh.KindWorkloadEntry, mesh.KindWorkloadGroup},
}

func labelValues(_ mesh.Settings, o *mesh.Object) []string {
	labels := podLabels(o)
	out := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, labelValue(o.Namespace, k, labels[k]))
	}
	return out
}

func labelValue(namespace, key, value string) string { return namespace + "/" + key + "=" + value }

// templateOf is what o makes its pods from, nil for kinds that make none.
func templateOf(o *mesh.Object) *corev1.PodTemplateSpec {
	switch s := o.Spec.(type) {
	case *appsv1.Deployment:
		return &s.Spec.Template
	case *appsv1.DaemonSet:
		return &s.Spec.Template
	case *appsv1.StatefulSet:
		return &s.Spec.Template
	case *config.Rollout:
		return &s.Spec.Template
	case *batchv1.Job:
		return &s.Spec.Template
	case *batchv1.CronJob:
		return &s.Spec.JobTemplate.Spec.Template
	}
	return nil
}

// podLabels are the labels that pods of o carry, or a machine outside the cluster.
func podLabels(o *mesh.Object) map[string]string {
	if t := templateOf(o); t != nil {
		return t.Labels
	}
	switch s := o.Spec.(type) {
	case *corev1.Pod:
		return o.Labels
	case *networking.WorkloadEntry:
		return over(o.Labels, s.GetLabels())
	case *networking.WorkloadGroup:
		return over(s.GetMetadata().GetLabels(), s.GetTemplate().GetLabels())
	}
	return nil
}

// over is base with what more says instead.
func over(base, more map[string]string) map[string]string {
	if len(base) == 0 {
		return more
	}
	out := maps.Clone(base)
	maps.Copy(out, more)
	return out
}

// podsSelected are the Pods of a namespace that carry all labels of a selector;
// an empty one selects all.
func podsSelected(x *Index, namespace string, selector map[string]string) []*mesh.Object {
	return selected(x, podsByLabel, namespace, selector)
}

// givenToPods are labels that no template writes: each pod gets its own when it
// is made.
var givenToPods = []string{
	appsv1.StatefulSetPodNameLabel, appsv1.PodIndexLabel, appsv1.ControllerRevisionHashLabelKey, appsv1.DefaultDeploymentUniqueLabelKey,
	"rollouts-pod-template-hash", // of Argo
}

// templatesSelected are the objects of templateKinds in a namespace whose pods carry all
// labels of a selector; an empty one selects all. Labels that pods get when they
// are made are taken for right as long as no such pod is in sight.
func templatesSelected(x *Index, namespace string, selector map[string]string) []*mesh.Object {
	written := maps.Clone(selector)
	for _, k := range givenToPods {
		delete(written, k)
	}
	if len(written) < len(selector) && len(podsSelected(x, namespace, written)) > 0 {
		return nil
	}
	return selected(x, templatesByLabel, namespace, written)
}

// machinesSelected are the WorkloadEntries and WorkloadGroups of a namespace
// that carry all labels of a selector; an empty one selects all.
func machinesSelected(x *Index, namespace string, selector map[string]string) []*mesh.Object {
	return selected(x, machinesByLabel, namespace, selector)
}

func selected(x *Index, l *Lookup, namespace string, selector map[string]string) []*mesh.Object {
	if len(selector) == 0 {
		var out []*mesh.Object
		for _, kind := range l.Kinds {
			out = append(out, x.In(kind, namespace)...)
		}
		return out
	}
	var out []*mesh.Object
	for _, o := range x.By(l, x.rarest(l, namespace, selector)) {
		if carries(podLabels(o), selector) {
			out = append(out, o)
		}
	}
	return out
}

// rarest is the value of the label of a selector that the fewest objects carry.
// What carries all labels is found by each of them, so that none but the one that
// is then looked up needs to be recorded.
func (x *Index) rarest(l *Lookup, namespace string, selector map[string]string) string {
	var best string
	least := -1
	for _, k := range sortedKeys(selector) {
		value := labelValue(namespace, k, selector[k])
		if n := len(x.values[l][value]); least < 0 || n < least {
			best, least = value, n
		}
	}
	return best
}

// carries reports whether labels hold all of a selector.
func carries(labels, selector map[string]string) bool {
	for k, v := range selector {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
