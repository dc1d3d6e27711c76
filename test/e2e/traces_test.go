package e2e

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/heddle-mesh/heddle/backend/traces"
)

// readTrace gets one trace from the query service.
func readTrace(ctx context.Context, client api_v2.QueryServiceClient, id model.TraceID) ([]model.Span, error) {
	stream, err := client.GetTrace(ctx, &api_v2.GetTraceRequest{TraceID: id})
	var spans []model.Span
	for err == nil {
		var chunk *api_v2.SpansResponseChunk
		if chunk, err = stream.Recv(); err == nil {
			spans = append(spans, chunk.Spans...)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return spans, err
}

// queryClient talks to the mesh's trace query service.
func queryClient(t *testing.T, m Mesh, options ...grpc.DialOption) (api_v2.QueryServiceClient, *grpc.ClientConn) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+m.(*localMesh).traces, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return api_v2.NewQueryServiceClient(conn), conn
}

// traced sends a request for the page that carries a trace of its own.
func traced(t *testing.T, m Mesh) (trace model.TraceID, parent model.SpanID) {
	t.Helper()
	id := make([]byte, 24)
	_, _ = rand.Read(id)
	id[0] |= 1 // neither ID may be nothing but zeros
	id[16] |= 1
	var err error
	if trace, err = model.TraceIDFromBytes(id[:16]); err != nil {
		t.Fatal(err)
	}
	if parent, err = model.SpanIDFromBytes(id[16:]); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.Gateway()+"/productpage", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("traceparent", "00-"+hex.EncodeToString(id[:16])+"-"+hex.EncodeToString(id[16:])+"-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the page: %s, %v", resp.Status, err)
	}
	return trace, parent
}

// hop is one span as the test names it: "productpage.default client".
func hop(s model.Span) string {
	kind, _ := s.GetSpanKind()
	return s.Process.ServiceName + " " + string(kind)
}

// chain follows parents from a span to the root, and writes it root first.
func chain(spans []model.Span, from model.Span, root model.SpanID) (string, error) {
	names := []string{hop(from)}
	for at := from; at.ParentSpanID() != root; {
		parent := at.ParentSpanID()
		i := slices.IndexFunc(spans, func(s model.Span) bool { return s.SpanID == parent })
		if i < 0 {
			return "", fmt.Errorf("%s has no parent %v in the trace", hop(at), parent)
		}
		if len(names) > len(spans) {
			return "", errors.New("parents go in a circle")
		}
		at = spans[i]
		names = append(names, hop(at))
	}
	slices.Reverse(names)
	return strings.Join(names, " → "), nil
}

func TestOneTraceThroughTheMesh(t *testing.T) {
	m := bookinfo(t)
	client, _ := queryClient(t, m, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(traces.Codec())))

	// One page in three asks a version of reviews that asks no ratings.
	type asked struct {
		id   model.TraceID
		root model.SpanID
	}
	var all []asked
	for range 6 {
		id, root := traced(t, m)
		all = append(all, asked{id, root})
	}
	const want = "ingressgateway.default client → productpage.default server → productpage.default client → reviews.default server → reviews.default client → ratings.default server"
	var whole asked
	var spans []model.Span
	took := Eventually(t, 20*time.Second, "a trace of the whole way", func() error {
		last := errors.New("no trace")
		for _, a := range all {
			var err error
			if spans, err = readTrace(t.Context(), client, a.id); err != nil {
				last = err
				continue
			}
			i := slices.IndexFunc(spans, func(s model.Span) bool { return hop(s) == "ratings.default server" })
			if i < 0 || len(spans) < 8 {
				last = fmt.Errorf("%d spans, ratings at %d", len(spans), i)
				continue
			}
			got, err := chain(spans, spans[i], a.root)
			if err == nil && got == want {
				whole = a
				return nil
			}
			last = fmt.Errorf("the chain is %s, %v", got, err)
		}
		return last
	})
	// Every hop is two spans, the caller's and the called one's, and details
	// hangs on productpage besides.
	var hops []string
	for _, s := range spans {
		hops = append(hops, hop(s))
		if s.Duration <= 0 || s.TraceID != whole.id {
			t.Errorf("span %s of %v lasts %v", hop(s), s.TraceID, s.Duration)
		}
		if v, ok := model.KeyValues(s.Tags).FindByKey("component"); !ok || v.AsString() != "proxy" {
			t.Errorf("%s is not an Envoy's span: %v", hop(s), s.Tags)
		}
	}
	slices.Sort(hops)
	if got := strings.Join(hops, ", "); got != "details.default server, ingressgateway.default client, productpage.default client, productpage.default client, productpage.default server, ratings.default server, reviews.default client, reviews.default server" {
		t.Errorf("the spans are %s", got)
	}
	t.Logf("%d spans of one trace, read %v after the request: %s", len(spans), took, want)

	// A trace can be found by its service, as Jaeger's user interface does.
	found, err := client.FindTraces(t.Context(), &api_v2.FindTracesRequest{Query: &api_v2.TraceQueryParameters{
		ServiceName: "ratings.default", StartTimeMin: time.Now().Add(-time.Minute), StartTimeMax: time.Now().Add(time.Minute), SearchDepth: 5,
	}})
	if err == nil {
		_, err = found.Recv()
	}
	if err != nil {
		t.Errorf("find by service: %v", err)
	}

	t.Run("survives kill -9", func(t *testing.T) {
		if err := m.Signal(t.Context(), Target{ControlPlane: true}, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var after []model.Span
		back := Eventually(t, 20*time.Second, "the same trace from the new control plane", func() error {
			var err error
			if after, err = readTrace(t.Context(), client, whole.id); err != nil {
				return err
			}
			if len(after) < len(spans) {
				return fmt.Errorf("%d spans of %d", len(after), len(spans))
			}
			return nil
		})
		byID := func(a, b model.Span) int { return cmp.Compare(a.SpanID, b.SpanID) }
		slices.SortFunc(spans, byID)
		slices.SortFunc(after, byID)
		for i := range spans {
			if spans[i].SpanID != after[i].SpanID || hop(spans[i]) != hop(after[i]) || !spans[i].StartTime.Equal(after[i].StartTime) {
				t.Errorf("span %s changed to %s", hop(spans[i]), hop(after[i]))
			}
		}
		t.Logf("%d spans read %v after the kill", len(after), back)
	})
	settle(t, m)
}

// gRPC's own codec panics on these types in the client that uses it; neither
// that client nor the bytes that others send reach the server.
func TestQueryWithTheDefaultCodec(t *testing.T) {
	m := bookinfo(t)
	id, _ := traced(t, m)
	before, err := m.(*localMesh).find(Target{ControlPlane: true})
	if err != nil {
		t.Fatal(err)
	}
	plain, conn := queryClient(t, m)
	var said any
	func() {
		defer func() {
			if p := recover(); p != nil {
				said = p
			}
		}()
		_, said = readTrace(t.Context(), plain, id)
	}()
	t.Logf("the default codec: %v", said)

	good, _ := queryClient(t, m, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(traces.Codec())))
	Eventually(t, 15*time.Second, "the trace with the right codec", func() error {
		spans, err := readTrace(t.Context(), good, id)
		if err == nil && len(spans) == 0 {
			err = errors.New("no spans yet")
		}
		return err
	})

	// The same question as bytes, which is what a client in another language sends.
	request := &api_v2.GetTraceRequest{TraceID: id}
	question, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range [][]byte{question, nil, {0x0a, 3, 1, 2, 3}, {0xff, 0xff, 0xff}} {
		stream, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, "/jaeger.api_v2.QueryService/GetTrace", grpc.ForceCodec(bytesCodec{}))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(stream.SendMsg(&q), stream.CloseSend()); err != nil {
			t.Fatal(err)
		}
		var answer []byte
		err = stream.RecvMsg(&answer)
		if i == 0 && (err != nil || len(answer) == 0) {
			t.Errorf("the question gets %d bytes, %v", len(answer), err)
		}
		t.Logf("% x: %d bytes, %v", q, len(answer), err)
	}
	after, err := m.(*localMesh).find(Target{ControlPlane: true})
	if err != nil || after != before {
		t.Errorf("the control plane's process was %d and is %d, %v", before, after, err)
	}
}

// bytesCodec sends and receives bytes as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = slices.Clone(data); return nil }
func (bytesCodec) Name() string                       { return "proto" }
