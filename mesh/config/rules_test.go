package config

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// TestRulesNameFields: a rule whose field does not exist would never apply.
func TestRulesNameFields(t *testing.T) {
	names := append([]protoreflect.FullName{}, zeroAllowed...)
	for name := range fieldRules {
		names = append(names, name)
	}
	for _, name := range names {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, ok := d.(protoreflect.FieldDescriptor); !ok {
			t.Errorf("%s is no field", name)
		}
	}
}
