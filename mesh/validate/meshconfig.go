package validate

import (
	meshv1alpha1 "istio.io/api/mesh/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// meshConfigKinds are what meshConfig reads.
var meshConfigKinds = []mesh.Kind{config.KindMeshConfig, mesh.KindConfigMap}

// A mesh in Kubernetes is configured by a ConfigMap of this name in its root
// namespace.
const (
	meshConfigName = "istio"
	meshConfigKey  = "mesh"
)

// meshConfig is the configuration of the mesh: what was handed over beside the
// objects, else what they hold. It is nil when there is none, or when it cannot
// be read.
func meshConfig(x *Index) *meshv1alpha1.MeshConfig {
	for _, o := range x.All(config.KindMeshConfig) {
		return spec[*meshv1alpha1.MeshConfig](o)
	}
	o, ok := x.Get(mesh.Ref{Kind: mesh.KindConfigMap, Namespace: x.Settings().RootNamespace, Name: meshConfigName})
	if !ok {
		return nil
	}
	c := spec[*corev1.ConfigMap](o)
	if c == nil || c.Data[meshConfigKey] == "" {
		return nil
	}
	return readOnce(x, o, func() *meshv1alpha1.MeshConfig {
		m, _ := config.DecodeMeshConfig(o.Origin.File, []byte(c.Data[meshConfigKey]))
		return m
	})
}
