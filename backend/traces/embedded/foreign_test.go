package embedded

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"

	"github.com/heddle-mesh/heddle/backend/traces"
)

func TestOTLPOverHTTP(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	request := func(trace byte) ptraceotlp.ExportRequest {
		return ptraceotlp.NewExportRequestFromTraces(otlp(bookinfo(trace, began)...))
	}
	proto, err := request(1).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	json, err := request(2).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	zipped := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	gzipped, err := request(3).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		media, encoding string
		body            []byte
		code            int
		trace           string
	}{
		"protobuf":     {"application/x-protobuf", "", proto, 200, "1"},
		"json":         {"application/json; charset=utf-8", "", json, 200, "2"},
		"gzip":         {"application/x-protobuf", "gzip", zipped(gzipped), 200, "3"},
		"not gzip":     {"application/x-protobuf", "gzip", proto, 400, ""},
		"encoding":     {"application/x-protobuf", "br", proto, 400, ""},
		"nonsense":     {"application/json", "", []byte("{"), 400, ""},
		"bad protobuf": {"application/x-protobuf", "", []byte{0xff, 0xff, 0xff}, 400, ""},
		"media":        {"text/plain", "", proto, 415, ""},
		"large":        {"application/json", "", make([]byte, maxRequestBytes+1), 413, ""},
		"bomb":         {"application/json", "gzip", zipped(make([]byte, maxRequestBytes+1)), 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/v1/traces", bytes.NewReader(test.body))
			r.Header.Set("Content-Type", test.media)
			r.Header.Set("Content-Encoding", test.encoding)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != test.code {
				t.Fatalf("%d %s, want %d", w.Code, w.Body, test.code)
			}
			if test.trace != "" {
				if got, err := c.Get(t.Context(), test.trace); err != nil || len(got.Spans) != 4 {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/v1/traces", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	page := httptest.NewRequest("POST", "/v1/traces", bytes.NewReader(proto))
	page.Header.Set("Content-Type", "application/x-protobuf")
	page.Header.Set("Origin", "http://pages.example:4318")
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, page)
	if w.Code != http.StatusForbidden {
		t.Errorf("from a web page: %d", w.Code)
	}
}

// rawCodec sends bytes as they are, like a client of another language whose
// own library wrote the message.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

func TestGetTraceFromForeignClients(t *testing.T) {
	s := start(t, Options{})
	add(t, s, bookinfo(1, began)...)
	conn, err := grpc.NewClient("passthrough:///jaeger", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.Connect(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	// gRPC's own codec with jaeger-idl's types panics in the client's own
	// goroutine; it must reach nobody else.
	func() {
		defer func() { _ = recover() }()
		stream, err := api_v2.NewQueryServiceClient(conn).GetTrace(t.Context(), &api_v2.GetTraceRequest{})
		if err == nil {
			_, _ = stream.Recv()
		}
	}()

	// The bytes that a client in another language sends.
	stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/jaeger.api_v2.QueryService/GetTrace", grpc.ForceCodecV2(rawCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	question := append([]byte{0x0a, 16}, make([]byte, 16)...)
	question[17] = 1
	if err := errors.Join(stream.SendMsg(&question), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); err != nil {
		t.Fatal(err)
	}
	var chunk api_v2.SpansResponseChunk
	if err := chunk.Unmarshal(answer); err != nil || len(chunk.Spans) != 4 {
		t.Errorf("%d spans, %v", len(chunk.Spans), err)
	}

	// And nonsense.
	stream, err = conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/jaeger.api_v2.QueryService/GetTrace", grpc.ForceCodecV2(rawCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	nonsense := []byte{0x0a, 3, 1, 2, 3}
	if err := errors.Join(stream.SendMsg(&nonsense), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(&answer); err == nil {
		t.Error("nonsense was answered")
	}
	if list, err := ask(t, s).Find(t.Context(), traces.Query{Service: "reviews.default"}); err != nil || len(list) != 1 {
		t.Errorf("afterwards: %d traces, %v", len(list), err)
	}
}
