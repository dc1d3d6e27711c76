package local

import (
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// SourceName is the name of the source that the cluster speaks through.
const SourceName = "cluster"

// carriedKind is a kind that a state can hold.
type carriedKind struct {
	kind       mesh.Kind
	apiVersion string
	empty      func() metav1.Object
	// typed is the object with apiVersion and kind filled in, as a shallow
	// copy; false when it is of another Go type.
	typed func(metav1.Object) (metav1.Object, bool)
}

// carried is the literal table of kinds that a state can hold.
var carried = []carriedKind{
	carry(mesh.KindNamespace, "v1", func(o *corev1.Namespace) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindService, "v1", func(o *corev1.Service) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindServiceAccount, "v1", func(o *corev1.ServiceAccount) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindConfigMap, "v1", func(o *corev1.ConfigMap) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindSecret, "v1", func(o *corev1.Secret) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindPod, "v1", func(o *corev1.Pod) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindDeployment, "apps/v1", func(o *appsv1.Deployment) *metav1.TypeMeta { return &o.TypeMeta }),
	carry(mesh.KindEndpointSlice, "discovery.k8s.io/v1", func(o *discoveryv1.EndpointSlice) *metav1.TypeMeta { return &o.TypeMeta }),
}

func carry[T any, P interface {
	*T
	metav1.Object
}](kind mesh.Kind, apiVersion string, meta func(P) *metav1.TypeMeta,
) carriedKind {
	return carriedKind{
		kind: kind, apiVersion: apiVersion,
		empty: func() metav1.Object { return P(new(T)) },
		typed: func(o metav1.Object) (metav1.Object, bool) {
			p, ok := o.(P)
			if !ok {
				return nil, false
			}
			c := *p
			*meta(&c) = metav1.TypeMeta{APIVersion: apiVersion, Kind: kind.Name}
			return P(&c), true
		},
	}
}

// NewObject makes a declared object out of a Kubernetes API struct, which it
// keeps and which must not be changed any more. It fails for kinds that a state
// does not carry and for objects without name or namespace.
func NewObject(spec metav1.Object, origin mesh.Origin) (*mesh.Object, error) {
	for _, k := range carried {
		if typed, ok := k.typed(spec); ok {
			return object(typed, origin)
		}
	}
	return nil, fmt.Errorf("a cluster state does not carry %T", spec)
}

// encode is the object as it is sent.
func encode(o *mesh.Object) (WireObject, error) {
	spec, ok := o.Spec.(metav1.Object)
	if !ok {
		return WireObject{}, fmt.Errorf("a cluster state does not carry %s", o.Ref)
	}
	for _, k := range carried {
		typed, ok := k.typed(spec)
		if !ok {
			continue
		}
		raw, err := json.Marshal(typed)
		if err != nil {
			return WireObject{}, fmt.Errorf("encode %s: %w", o.Ref, err)
		}
		return WireObject{Object: raw, Origin: o.Origin}, nil
	}
	return WireObject{}, fmt.Errorf("a cluster state does not carry %s", o.Ref)
}

// decode reads what encode wrote.
func decode(w WireObject) (*mesh.Object, error) {
	var head metav1.TypeMeta
	if err := json.Unmarshal(w.Object, &head); err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	i := slices.IndexFunc(carried, func(k carriedKind) bool {
		return k.kind.Name == head.Kind && k.apiVersion == head.APIVersion
	})
	if i < 0 {
		return nil, fmt.Errorf("a cluster state does not carry kind %q of %q", head.Kind, head.APIVersion)
	}
	spec := carried[i].empty()
	if err := json.Unmarshal(w.Object, spec); err != nil {
		return nil, fmt.Errorf("decode %s: %w", head.Kind, err)
	}
	return object(spec, w.Origin)
}

func object(spec metav1.Object, origin mesh.Origin) (*mesh.Object, error) {
	typed, ok := spec.(runtime.Object)
	if !ok {
		return nil, fmt.Errorf("a cluster state does not carry %T", spec)
	}
	if spec.GetName() == "" {
		return nil, fmt.Errorf("a %T has no name", spec)
	}
	o, err := config.Wrap(typed)
	if err != nil {
		return nil, err
	}
	o.Origin = origin
	return o, nil
}
