package serve

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"
	securityv1alpha1 "istio.io/api/security/v1alpha1"
)

// fields are the fields of a message that are read, by number: nil where a
// field is taken as it is, else those of the message in it.
type fields map[protowire.Number]fields

// rejection is google.rpc.Status without its details.
var rejection = fields{1: nil, 2: nil}

// buildVersion is the number of the proxy's version, of all that a client says about itself.
var buildVersion = fields{8: {1: {1: nil, 2: nil, 3: nil}}}

// read lists what is read of the requests that the server takes. The rest (what
// else a client says about itself, and how) is never decoded: a megabyte of empty
// values becomes fifty when it is.
func read(m any) fields {
	switch m.(type) {
	case *discoveryv3.DeltaDiscoveryRequest:
		return fields{1: buildVersion, 2: nil, 3: nil, 4: nil, 5: nil, 6: nil, 7: rejection}
	case *discoveryv3.DiscoveryRequest:
		return fields{1: nil, 2: buildVersion, 3: nil, 4: nil, 5: nil, 6: rejection}
	case *securityv1alpha1.IstioCertificateRequest:
		return fields{1: nil, 3: nil}
	}
	return nil
}

// codec is gRPC's own, but for requests that it knows: of these it decodes no
// more than is read, and no more of a list than is allowed and one.
type codec struct {
	encoding.CodecV2
	most int
}

func newCodec(l Limits) codec {
	return codec{CodecV2: encoding.GetCodecV2(proto.Name), most: l.Names + 1}
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	known := read(v)
	m, ok := v.(protobuf.Message)
	if known == nil || !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	kept, err := filter(buf.ReadOnlyData(), known, c.most)
	if err != nil {
		return err
	}
	return protobuf.Unmarshal(kept, m)
}

// filter keeps the known fields of a message on the wire, each up to a number
// of times.
func filter(wire []byte, known fields, most int) ([]byte, error) {
	kept := make([]byte, 0, len(wire))
	seen := map[protowire.Number]int{}
	for len(wire) > 0 {
		number, typ, head := protowire.ConsumeTag(wire)
		if head < 0 {
			return nil, protowire.ParseError(head)
		}
		body := protowire.ConsumeFieldValue(number, typ, wire[head:])
		if body < 0 {
			return nil, protowire.ParseError(body)
		}
		field := wire[:head+body]
		wire = wire[head+body:]
		inner, ok := known[number]
		if seen[number]++; !ok || seen[number] > most {
			continue
		}
		if inner == nil || typ != protowire.BytesType {
			kept = append(kept, field...)
			continue
		}
		content, _ := protowire.ConsumeBytes(field[head:])
		content, err := filter(content, inner, 1)
		if err != nil {
			return nil, err
		}
		kept = protowire.AppendBytes(protowire.AppendTag(kept, number, typ), content)
	}
	return kept, nil
}
