package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/heddle-mesh/heddle/mesh"
)

// TextVersion is the version of an object that is stored as text.
func TextVersion(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// shape is the shape of a whole document of a kind.
func (k KindInfo) shape() shape {
	m, ok := k.New().(proto.Message)
	if !ok {
		return goShape(reflect.TypeOf(k.New()))
	}
	spec := messageShape(m.ProtoReflect().Descriptor())
	return shape{
		kind: object,
		field: func(name string) (field, bool) {
			switch name {
			case "apiVersion", "kind":
				return field{name: name, shape: scalar(text)}, true
			case "metadata":
				return field{name: name, shape: goShape(reflect.TypeFor[metav1.ObjectMeta]())}, true
			case "spec":
				return field{name: name, shape: spec}, true
			case "status":
				return field{name: name, shape: scalar(anything)}, true
			}
			return field{}, false
		},
		names: func() []string { return []string{"apiVersion", "kind", "metadata", "spec", "status"} },
	}
}

// assemble makes the object from the JSON form that a walker wrote.
func (k KindInfo) assemble(w *walker) (*mesh.Object, error) {
	var head struct {
		APIVersion string            `json:"apiVersion"`
		Metadata   metav1.ObjectMeta `json:"metadata"`
	}
	spec := k.New()
	m, isIstio := spec.(proto.Message)
	if isIstio {
		if at, has := w.sections["spec"]; has && !bytes.Equal(w.buf[at[0]:at[1]], []byte("null")) {
			if err := protojson.Unmarshal(w.buf[at[0]:at[1]], m); err != nil {
				return nil, fmt.Errorf("read spec: %w", err)
			}
		}
		for _, part := range []struct {
			name string
			into any
		}{{"apiVersion", &head.APIVersion}, {"metadata", &head.Metadata}} {
			if at, has := w.sections[part.name]; has {
				if err := json.Unmarshal(w.buf[at[0]:at[1]], part.into); err != nil {
					return nil, fmt.Errorf("read %s: %w", part.name, err)
				}
			}
		}
	} else {
		if err := json.Unmarshal(w.buf, spec); err != nil {
			return nil, fmt.Errorf("read object: %w", err)
		}
		meta, okMeta := spec.(metav1.Object)
		typed, okType := spec.(interface {
			GetObjectKind() runtimeschema.ObjectKind
		})
		if !okMeta || !okType {
			return nil, errors.New("read object: the kind has no metadata")
		}
		head.Metadata = metaOf(meta)
		if k.Namespaced && meta.GetNamespace() == "" {
			meta.SetNamespace(DefaultNamespace)
		}
		head.APIVersion, _ = typed.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	}
	o, err := k.object(head.APIVersion, head.Metadata, spec)
	if err != nil {
		return nil, err
	}
	if at, has := w.sections["status"]; has && isIstio && !bytes.Equal(w.buf[at[0]:at[1]], []byte("null")) {
		o.Status = bytes.Clone(w.buf[at[0]:at[1]])
	}
	return o, nil
}

// place puts an object that was just made into a namespace.
func moveTo(o *mesh.Object, namespace string) error {
	o.Namespace = namespace
	if meta, ok := o.Spec.(metav1.Object); ok {
		meta.SetNamespace(namespace)
	}
	var err error
	o.Hash, err = contentHash(o)
	return err
}

// object fills an object from its parts.
func (k KindInfo) object(apiVersion string, meta metav1.ObjectMeta, spec any) (*mesh.Object, error) {
	o := &mesh.Object{
		Ref:        mesh.Ref{Kind: k.Kind, Namespace: meta.Namespace, Name: meta.Name},
		APIVersion: apiVersion, Labels: meta.Labels, Annotations: meta.Annotations,
		UID: string(meta.UID), Created: meta.CreationTimestamp.UTC(), Generation: meta.Generation, Spec: spec,
	}
	if k.Namespaced && o.Namespace == "" {
		o.Namespace, o.Unplaced = DefaultNamespace, true
	}
	if meta.CreationTimestamp.IsZero() {
		o.Created = meta.CreationTimestamp.Time
	}
	var err error
	o.Hash, err = contentHash(o)
	return o, err
}

func metaOf(m metav1.Object) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.GetName(), Namespace: m.GetNamespace(), Labels: m.GetLabels(), Annotations: m.GetAnnotations(),
		UID: m.GetUID(), CreationTimestamp: m.GetCreationTimestamp(), ResourceVersion: m.GetResourceVersion(),
		Generation: m.GetGeneration(),
	}
}

// lastApplied is kubectl's own note on an object. It repeats the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// contentHash is what mesh.Object.Hash promises: it covers reference, labels,
// annotations and spec.
func contentHash(o *mesh.Object) (mesh.Hash, error) {
	spec, err := specBytes(o.Spec)
	if err != nil {
		return mesh.Hash{}, fmt.Errorf("digest %s: %w", o.Ref, err)
	}
	parts := []string{o.ID()}
	for _, m := range []map[string]string{o.Labels, o.Annotations} {
		keys := slices.Sorted(maps.Keys(m))
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == lastApplied })
		parts = append(parts, fmt.Sprint(len(keys)))
		for _, k := range keys {
			parts = append(parts, k, m[k])
		}
	}
	return mesh.HashOf(append(parts, string(spec))...), nil
}

// specBytes writes content deterministically, without metadata and status.
func specBytes(spec any) ([]byte, error) {
	if m, ok := spec.(proto.Message); ok {
		return proto.MarshalOptions{Deterministic: true}.Marshal(m)
	}
	v := reflect.ValueOf(spec)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("content of type %T cannot be digested", spec)
	}
	bare := reflect.New(v.Elem().Type())
	bare.Elem().Set(v.Elem())
	for _, name := range []string{"TypeMeta", "ObjectMeta", "Status"} {
		if f := bare.Elem().FieldByName(name); f.IsValid() {
			f.SetZero()
		}
	}
	return json.Marshal(bare.Interface())
}

// Wrap makes an object from an API struct of Kubernetes or the Gateway API,
// such as *corev1.Pod, which it keeps and which must not be changed any more.
// Its version is the resourceVersion, where there is one, else a digest of the
// whole struct, status included. Origin and Text are left to the caller.
func Wrap(v runtime.Object) (*mesh.Object, error) {
	meta, ok := v.(metav1.Object)
	if !ok {
		return nil, fmt.Errorf("wrap %T: it has no metadata", v)
	}
	t := reflect.TypeOf(v)
	for _, info := range slices.Concat(Kinds, OtherKinds) {
		if reflect.TypeOf(info.New()) != t {
			continue
		}
		if info.Namespaced && meta.GetNamespace() == "" {
			return nil, fmt.Errorf("wrap %s %s: it names no namespace", info.Kind, meta.GetName())
		}
		o, err := info.object(info.APIVersion(), metaOf(meta), v)
		if err != nil {
			return nil, err
		}
		if o.Version = meta.GetResourceVersion(); o.Version == "" {
			b, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("wrap %s: %w", o.Ref, err)
			}
			o.Version = TextVersion(b)
		}
		return o, nil
	}
	return nil, fmt.Errorf("wrap %T: the kind is not known", v)
}

// New makes an object of an Istio kind from its message, as code and tests need
// it. Text is its YAML form.
func New(ref mesh.Ref, spec proto.Message) (*mesh.Object, error) {
	info, ok := Lookup(ref.Kind)
	if !ok || reflect.TypeOf(info.New()) != reflect.TypeOf(spec) {
		return nil, fmt.Errorf("make %s: content of type %T does not belong to the kind", ref, spec)
	}
	o, err := info.object(info.APIVersion(), metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}, spec)
	if err != nil {
		return nil, err
	}
	if o.Text, err = Encode(o); err != nil {
		return nil, err
	}
	o.Version = TextVersion(o.Text)
	return o, nil
}
