package config

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// CustomResourceDefinition is what checks look at in a CRD: its name, its
// annotations, and which versions it serves. Schemas are kept as they stand.
type CustomResourceDefinition struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   CustomResourceDefinitionSpec `json:"spec"`
	Status runtime.RawExtension         `json:"status,omitzero"`
}

// CustomResourceDefinitionSpec says which kind a CRD defines.
type CustomResourceDefinitionSpec struct {
	Group                 string                        `json:"group"`
	Names                 CustomResourceDefinitionNames `json:"names"`
	Scope                 string                        `json:"scope"`
	Versions              []CustomResourceVersion       `json:"versions"`
	Conversion            runtime.RawExtension          `json:"conversion,omitzero"`
	PreserveUnknownFields bool                          `json:"preserveUnknownFields,omitempty"`
}

// CustomResourceDefinitionNames are the names of a kind.
type CustomResourceDefinitionNames struct {
	Plural     string   `json:"plural"`
	Singular   string   `json:"singular,omitempty"`
	ShortNames []string `json:"shortNames,omitempty"`
	Kind       string   `json:"kind"`
	ListKind   string   `json:"listKind,omitempty"`
	Categories []string `json:"categories,omitempty"`
}

// CustomResourceVersion is one version of a kind.
type CustomResourceVersion struct {
	Name                     string                 `json:"name"`
	Served                   bool                   `json:"served"`
	Storage                  bool                   `json:"storage"`
	Deprecated               bool                   `json:"deprecated,omitempty"`
	DeprecationWarning       *string                `json:"deprecationWarning,omitempty"`
	Schema                   runtime.RawExtension   `json:"schema,omitzero"`
	Subresources             runtime.RawExtension   `json:"subresources,omitzero"`
	AdditionalPrinterColumns []runtime.RawExtension `json:"additionalPrinterColumns,omitempty"`
	SelectableFields         []runtime.RawExtension `json:"selectableFields,omitempty"`
}
