package translate

import (
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/names"
)

// packed wraps a message. One that cannot be marshalled becomes an Any that
// xds.Validate refuses, with the reason as its type.
func packed(m proto.Message) *anypb.Any {
	a := new(anypb.Any)
	if err := anypb.MarshalFrom(a, m, proto.MarshalOptions{Deterministic: true}); err != nil {
		return &anypb.Any{TypeUrl: "invalid/" + err.Error()}
	}
	return a
}

// ads is the config source of everything that comes over the proxy's one
// stream. Envoy waits for a resource at most as long as wait; 0 is its default
// of 15 s.
func ads(wait time.Duration) *corev3.ConfigSource {
	s := &corev3.ConfigSource{
		ResourceApiVersion:    corev3.ApiVersion_V3,
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
	}
	if wait > 0 {
		s.InitialFetchTimeout = durationpb.New(wait)
	}
	return s
}

// agentService is the agent's gRPC socket.
func agentService() *corev3.GrpcService {
	return &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
		EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: names.Agent},
	}}
}

func socketAddress(host string, port uint32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
	}}}
}

// metadata puts text fields under a namespace of filter metadata.
func metadata(namespace string, fields map[string]string) map[string]*structpb.Struct {
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(fields))}
	for k, v := range fields {
		s.Fields[k] = structpb.NewStringValue(v)
	}
	return map[string]*structpb.Struct{namespace: s}
}

// digest is a Key over parts that start with what is made.
func digest(kind string, parts ...string) mesh.Hash {
	return mesh.HashOf(append([]string{kind}, parts...)...)
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// literal escapes text for a place where Envoy expands %COMMANDS%.
func literal(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// refsOf is the blame list of a part: objects that exist, in order.
func refsOf(objects ...*mesh.Object) []mesh.Ref {
	var refs []mesh.Ref
	for _, o := range objects {
		if o != nil {
			refs = append(refs, o.Ref)
		}
	}
	return refs
}

func hashOf(o *mesh.Object) string {
	if o == nil {
		return ""
	}
	return o.Hash.String()
}
