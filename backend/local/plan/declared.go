// Package plan decides what the local cluster should do: which pods to start
// and stop, with which programs, at which addresses, and what to say about it.
//
// It is all pure functions over what is declared and what is observed; the
// supervisor does what they say.
package plan

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/mesh"
)

// Key names an object among those of its kind.
type Key struct{ Namespace, Name string }

// String is namespace/name.
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// CompareKeys orders by namespace, then name.
func CompareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// Declared is what people want to run.
type Declared struct {
	Namespaces  map[string]*corev1.Namespace
	Accounts    map[Key]*corev1.ServiceAccount
	Services    map[Key]*corev1.Service
	Deployments map[Key]*appsv1.Deployment
	ConfigMaps  map[Key]*corev1.ConfigMap
	Secrets     map[Key]*corev1.Secret
	// Objects are all of them, as they were read.
	Objects map[mesh.Ref]*mesh.Object
}

// DefaultNamespace is where objects are that name none.
const DefaultNamespace = "default"

// Read takes the kinds that the cluster runs out of all objects. Of two objects
// with one name the first in the order of files stands.
func Read(objects []*mesh.Object) Declared {
	d := Declared{
		Namespaces: map[string]*corev1.Namespace{}, Accounts: map[Key]*corev1.ServiceAccount{},
		Services: map[Key]*corev1.Service{}, Deployments: map[Key]*appsv1.Deployment{},
		ConfigMaps: map[Key]*corev1.ConfigMap{}, Secrets: map[Key]*corev1.Secret{},
		Objects: map[mesh.Ref]*mesh.Object{},
	}
	sorted := slices.SortedStableFunc(slices.Values(objects), func(a, b *mesh.Object) int {
		return cmp.Or(a.Ref.Compare(b.Ref), cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line))
	})
	for _, o := range sorted {
		if _, ok := d.Objects[o.Ref]; ok {
			continue
		}
		key := Key{cmp.Or(o.Namespace, DefaultNamespace), o.Name}
		switch spec := o.Spec.(type) {
		case *corev1.Namespace:
			d.Namespaces[o.Name] = spec
		case *corev1.ServiceAccount:
			d.Accounts[key] = spec
		case *corev1.Service:
			d.Services[key] = spec
		case *appsv1.Deployment:
			d.Deployments[key] = spec
		case *corev1.ConfigMap:
			d.ConfigMaps[key] = spec
		case *corev1.Secret:
			d.Secrets[key] = spec
		default:
			continue
		}
		d.Objects[o.Ref] = o
	}
	return d
}

// Sorted lists the keys of a map in order.
func Sorted[V any](m map[Key]V) []Key {
	keys := make([]Key, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, CompareKeys)
	return keys
}

// Problem is something about an object that keeps it from running as written.
type Problem struct {
	Code     string
	Severity mesh.Severity
	Path     string
	Message  string
}

// Finding is the problem as the mesh reports it.
func (p Problem) Finding(ref mesh.Ref, origin mesh.Origin) mesh.Finding {
	return mesh.Finding{
		Code: p.Code, Severity: p.Severity, Phase: mesh.PhaseRuntime, Ref: ref,
		Path: p.Path, Message: p.Message, File: origin.File, Line: origin.Line,
	}
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message)) })
}
