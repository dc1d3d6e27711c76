package xds

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// Validate checks a message by the rules of its API, and every message packed
// in an Any inside it: the generated check of the outer message does not look
// there, Envoy does. All problems are reported together.
func Validate(m proto.Message) error {
	var problems []error
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		if err := v.ValidateAll(); err != nil {
			problems = append(problems, err)
		}
	}
	walkAny(m.ProtoReflect(), func(a *anypb.Any) {
		inner, err := a.UnmarshalNew()
		if err != nil {
			problems = append(problems, fmt.Errorf("unpack %s: %w", a.GetTypeUrl(), err))
			return
		}
		if err := Validate(inner); err != nil {
			problems = append(problems, fmt.Errorf("in %s: %w", a.GetTypeUrl(), err))
		}
	})
	return errors.Join(problems...)
}

// walkAny calls visit for each Any in m that is not itself inside an Any, in
// the order of field numbers.
func walkAny(m protoreflect.Message, visit func(*anypb.Any)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			continue
		}
		switch {
		case f.IsMap():
			if f.MapValue().Message() == nil {
				continue
			}
			m.Get(f).Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				walkMessage(v.Message(), visit)
				return true
			})
		case f.Message() == nil:
		case f.IsList():
			list := m.Get(f).List()
			for j := range list.Len() {
				walkMessage(list.Get(j).Message(), visit)
			}
		default:
			walkMessage(m.Get(f).Message(), visit)
		}
	}
}

func walkMessage(m protoreflect.Message, visit func(*anypb.Any)) {
	if a, ok := m.Interface().(*anypb.Any); ok {
		visit(a)
		return
	}
	walkAny(m, visit)
}
