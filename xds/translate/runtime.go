package translate

import (
	runtimev3 "github.com/envoyproxy/go-control-plane/envoy/service/runtime/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// Spans go to the agent once a second, or when this many have come together:
// Envoy's own five would be a message for every other request under load.
const (
	spanFlushMillis = 1000
	spanFlushCount  = 200
)

// runtimeLayer holds the switches that act at once. Envoy asks for it before
// anything else, so it is always there.
func runtimeLayer() xds.Part {
	return xds.Part{
		Type: xds.RuntimeType, Name: names.RuntimeLayer, Key: digest("runtime"),
		Make: func() (proto.Message, []mesh.Finding) {
			return &runtimev3.Runtime{Name: names.RuntimeLayer, Layer: &structpb.Struct{Fields: map[string]*structpb.Value{
				"tracing.opentelemetry.flush_interval_ms": structpb.NewNumberValue(spanFlushMillis),
				"tracing.opentelemetry.min_flush_spans":   structpb.NewNumberValue(spanFlushCount),
			}}}, nil
		},
	}
}
