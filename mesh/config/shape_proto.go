package config

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

// messageShape is the shape of a proto message in its JSON form.
func messageShape(md protoreflect.MessageDescriptor) shape {
	switch md.FullName() {
	case "google.protobuf.Duration":
		return scalar(duration)
	case "google.protobuf.Timestamp":
		return scalar(timestamp)
	case "google.protobuf.Struct":
		return shape{kind: dict, elem: func() shape { return scalar(anything) }}
	case "google.protobuf.ListValue":
		return shape{kind: listKind, elem: func() shape { return scalar(anything) }}
	case "google.protobuf.Value":
		return scalar(anything)
	case "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value", "google.protobuf.UInt32Value",
		"google.protobuf.UInt64Value", "google.protobuf.FloatValue", "google.protobuf.DoubleValue":
		return singleShape(md.Fields().ByNumber(1))
	}
	return shape{
		kind: object,
		field: func(name string) (field, bool) {
			fd := md.Fields().ByJSONName(name)
			if fd == nil {
				fd = md.Fields().ByTextName(name)
			}
			if fd == nil {
				return field{}, false
			}
			f := field{name: fd.JSONName(), shape: fieldShape(fd)}
			if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
				f.oneof = string(o.Name())
			}
			return f, true
		},
		names: func() []string {
			out := make([]string, 0, md.Fields().Len())
			for i := range md.Fields().Len() {
				out = append(out, md.Fields().Get(i).JSONName())
			}
			return out
		},
	}
}

func fieldShape(fd protoreflect.FieldDescriptor) shape {
	switch {
	case fd.IsMap():
		s := shape{kind: dict, elem: func() shape { return singleShape(fd.MapValue()) }, key: text}
		if fd.MapKey().Kind() != protoreflect.StringKind {
			s.key = integer
		}
		return s
	case fd.IsList():
		return shape{kind: listKind, elem: func() shape { return singleShape(fd) }}
	default:
		return singleShape(fd)
	}
}

func singleShape(fd protoreflect.FieldDescriptor) shape {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageShape(fd.Message())
	case protoreflect.BoolKind:
		return scalar(boolean)
	case protoreflect.EnumKind:
		s := scalar(text)
		values := fd.Enum().Values()
		for i := range values.Len() {
			s.enum = append(s.enum, string(values.Get(i).Name()))
		}
		return s
	case protoreflect.BytesKind:
		return scalar(bytes64)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return scalar(number)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return shape{kind: integer, bits: 32}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return shape{kind: integer, bits: 64}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return shape{kind: integer, bits: 32, unsigned: true}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return shape{kind: integer, bits: 64, unsigned: true}
	default:
		return scalar(text)
	}
}
