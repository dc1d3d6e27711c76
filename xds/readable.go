package xds

import (
	"bytes"
	"fmt"

	udpa "github.com/cncf/xds/go/udpa/annotations"
	yaml "go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// Masked stands in the place of what nobody may read.
const Masked = "[not shown]"

// Readable is a resource as YAML for people, in the order of Envoy's own
// documentation. What Envoy's API marks as sensitive, keys above all, is
// masked, also inside every Any.
func Readable(m proto.Message) (string, error) {
	shown := proto.Clone(m)
	if err := mask(shown.ProtoReflect(), false); err != nil {
		return "", err
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(shown)
	if err != nil {
		return "", fmt.Errorf("show %s: %w", NameOf(m), err)
	}
	var doc yaml.Node // JSON is YAML, and a node keeps the order
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return "", fmt.Errorf("show %s: %w", NameOf(m), err)
	}
	plain(&doc)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&doc); err != nil {
		return "", fmt.Errorf("show %s: %w", NameOf(m), err)
	}
	if err := enc.Close(); err != nil {
		return "", fmt.Errorf("show %s: %w", NameOf(m), err)
	}
	return out.String(), nil
}

// plain takes the quotes and braces of JSON away, where YAML does without.
func plain(n *yaml.Node) {
	if len(n.Content) > 0 || n.Kind == yaml.ScalarNode {
		n.Style = 0
	}
	for _, c := range n.Content {
		plain(c)
	}
}

// mask overwrites what is sensitive in a message; all of it when hidden.
func mask(m protoreflect.Message, hidden bool) error {
	if packed, ok := m.Interface().(*anypb.Any); ok {
		return maskPacked(packed, hidden)
	}
	var failed error
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		hide := hidden || sensitive(f)
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, item protoreflect.Value) bool {
				if f.MapValue().Message() != nil {
					failed = mask(item.Message(), hide)
				} else if hide && f.MapValue().Kind() == protoreflect.StringKind {
					v.Map().Set(k, protoreflect.ValueOfString(Masked))
				}
				return failed == nil
			})
		case f.IsList():
			for i := range v.List().Len() {
				if f.Message() != nil {
					failed = mask(v.List().Get(i).Message(), hide)
				} else if hide {
					hideValue(f, func(text protoreflect.Value) { v.List().Set(i, text) })
				}
			}
		case f.Message() != nil:
			failed = mask(v.Message(), hide)
		case hide:
			hideValue(f, func(text protoreflect.Value) { m.Set(f, text) })
		}
		return failed == nil
	})
	return failed
}

func maskPacked(packed *anypb.Any, hidden bool) error {
	inner, err := packed.UnmarshalNew()
	if err != nil {
		return fmt.Errorf("look into %s: %w", packed.GetTypeUrl(), err)
	}
	if err := mask(inner.ProtoReflect(), hidden); err != nil {
		return err
	}
	return packed.MarshalFrom(inner)
}

func sensitive(f protoreflect.FieldDescriptor) bool {
	marked, _ := proto.GetExtension(f.Options(), udpa.E_Sensitive).(bool)
	return marked
}

func hideValue(f protoreflect.FieldDescriptor, set func(protoreflect.Value)) {
	switch f.Kind() {
	case protoreflect.StringKind:
		set(protoreflect.ValueOfString(Masked))
	case protoreflect.BytesKind:
		set(protoreflect.ValueOfBytes(nil))
	}
}
