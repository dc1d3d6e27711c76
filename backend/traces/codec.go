package traces

import (
	"fmt"
	"reflect"
	"strings"

	gogoproto "github.com/gogo/protobuf/proto"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that Codec falls back to
	"google.golang.org/grpc/mem"
)

// Codec carries Jaeger's api_v2 types over gRPC. Those are generated for gogo's
// library, and gRPC's own codec panics on some of them: in the whole process,
// on whichever side uses it. Every server and client of api_v2 must be given
// this codec (grpc.ForceServerCodecV2, grpc.ForceCodecV2). It is registered
// nowhere, and leaves all other types to gRPC's own codec.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2("proto")} }

type codec struct{ rest encoding.CodecV2 }

// Name implements encoding.CodecV2: on the wire it is plain protobuf.
func (codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := jaegerMessage(v); ok {
		b, err := gogoproto.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("write %T: %w", v, err)
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return c.rest.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := jaegerMessage(v); ok {
		if err := gogoproto.Unmarshal(data.Materialize(), m); err != nil {
			return fmt.Errorf("read %T: %w", v, err)
		}
		return nil
	}
	return c.rest.Unmarshal(data, v)
}

// jaegerMessage reports whether v is one of the types in question.
func jaegerMessage(v any) (gogoproto.Message, bool) {
	t := reflect.TypeOf(v)
	if t == nil || t.Kind() != reflect.Pointer || !strings.HasPrefix(t.Elem().PkgPath(), "github.com/jaegertracing/jaeger-idl/") {
		return nil, false
	}
	m, ok := v.(gogoproto.Message)
	return m, ok
}
