package config

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Rollout is what checks look at in a Rollout of Argo: the pods that it makes, in
// place of a Deployment. How it exchanges them is kept as it stands.
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   RolloutSpec          `json:"spec"`
	Status runtime.RawExtension `json:"status,omitzero"`
}

// RolloutSpec says which pods there are to be.
type RolloutSpec struct {
	Replicas                *int32                 `json:"replicas,omitempty"`
	Selector                *metav1.LabelSelector  `json:"selector,omitempty"`
	Template                corev1.PodTemplateSpec `json:"template,omitzero"`
	WorkloadRef             runtime.RawExtension   `json:"workloadRef,omitzero"`
	MinReadySeconds         int32                  `json:"minReadySeconds,omitempty"`
	RevisionHistoryLimit    *int32                 `json:"revisionHistoryLimit,omitempty"`
	Paused                  bool                   `json:"paused,omitempty"`
	ProgressDeadlineSeconds *int32                 `json:"progressDeadlineSeconds,omitempty"`
	ProgressDeadlineAbort   bool                   `json:"progressDeadlineAbort,omitempty"`
	RestartAt               *metav1.Time           `json:"restartAt,omitempty"`
	Strategy                runtime.RawExtension   `json:"strategy,omitzero"`
	Analysis                runtime.RawExtension   `json:"analysis,omitzero"`
	RollbackWindow          runtime.RawExtension   `json:"rollbackWindow,omitzero"`
}
