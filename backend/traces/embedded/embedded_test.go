package embedded

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

// spanIn describes one span of a test.
type spanIn struct {
	trace, id, parent byte
	service, name     string
	kind              ptrace.SpanKind
	at                time.Time
	took              time.Duration
	failed            bool
	attributes        map[string]string
}

var began = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func otlp(spans ...spanIn) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, in := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", in.service)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{15: in.trace})
		s.SetSpanID(pcommon.SpanID{7: in.id})
		if in.parent != 0 {
			s.SetParentSpanID(pcommon.SpanID{7: in.parent})
		}
		s.SetName(in.name)
		s.SetKind(in.kind)
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(in.at))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(in.at.Add(in.took)))
		if in.failed {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		for k, v := range in.attributes {
			s.Attributes().PutStr(k, v)
		}
	}
	return td
}

// bookinfo is one request through three proxies.
func bookinfo(trace byte, at time.Time) []spanIn {
	return []spanIn{
		{trace, 1, 0, "istio-ingressgateway.istio-system", "egress productpage", ptrace.SpanKindClient, at, 30 * time.Millisecond, false, nil},
		{trace, 2, 1, "productpage.default", "ingress", ptrace.SpanKindServer, at.Add(time.Millisecond), 28 * time.Millisecond, false, nil},
		{trace, 3, 2, "productpage.default", "egress reviews:9080", ptrace.SpanKindClient, at.Add(5 * time.Millisecond), 20 * time.Millisecond, true, map[string]string{"http.status_code": "503"}},
		{trace, 4, 3, "reviews.default", "ingress", ptrace.SpanKindServer, at.Add(6 * time.Millisecond), 18 * time.Millisecond, true, nil},
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.FlushInterval == 0 {
		o.FlushInterval = time.Hour // tests flush by asking
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask is a client of the store's query service.
func ask(t *testing.T, s *Server) *traces.Client {
	t.Helper()
	c, err := traces.Local(s.Connect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func add(t *testing.T, s *Server, spans ...spanIn) {
	t.Helper()
	if dropped, err := s.Add(otlp(spans...)); err != nil || dropped != 0 {
		t.Fatalf("dropped %d, %v", dropped, err)
	}
}

// exportGRPC sends spans as Envoy does.
func exportGRPC(t *testing.T, s *Server, td ptrace.Traces) error {
	t.Helper()
	l := newPipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeOTLP(ctx, l) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	conn, err := grpc.NewClient("passthrough:///otlp", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = ptraceotlp.NewGRPCClient(conn).Export(t.Context(), ptraceotlp.NewExportRequestFromTraces(td))
	return err
}

const firstID = "00000000000000000000000000000001"

func TestATraceInPiecesComesBackWhole(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	spans := bookinfo(1, began)
	// The proxies send at different times, some spans twice.
	if err := exportGRPC(t, s, otlp(spans[3], spans[2])); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := exportGRPC(t, s, otlp(spans[0], spans[2])); err != nil {
		t.Fatal(err)
	}
	add(t, s, spans[1])

	got, err := c.Get(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != firstID || !got.Start.Equal(began) || got.Duration != 30*time.Millisecond || got.Errors != 2 {
		t.Errorf("trace: %+v", got)
	}
	var lines []string
	for _, s := range got.Spans {
		lines = append(lines, fmt.Sprintf("%s<%s %s %s %s %v %v", s.ID, s.Parent, s.Service, s.Operation, s.Kind, s.Duration, s.Error))
	}
	want := []string{
		"0000000000000001< istio-ingressgateway.istio-system egress productpage client 30ms false",
		"0000000000000002<0000000000000001 productpage.default ingress server 28ms false",
		"0000000000000003<0000000000000002 productpage.default egress reviews:9080 client 20ms true",
		"0000000000000004<0000000000000003 reviews.default ingress server 18ms true",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	services, err := c.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"istio-ingressgateway.istio-system", "productpage.default", "reviews.default"}, services); diff != "" {
		t.Error(diff)
	}
	operations, err := c.Operations(t.Context(), "productpage.default")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]traces.Operation{{Name: "egress reviews:9080", Kind: "client"}, {Name: "ingress", Kind: "server"}}, operations); diff != "" {
		t.Error(diff)
	}
	dependencies, err := c.Dependencies(t.Context(), began.Add(-time.Minute), began.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantDeps := []traces.Dependency{
		{Parent: "istio-ingressgateway.istio-system", Child: "productpage.default", Calls: 1},
		{Parent: "productpage.default", Child: "reviews.default", Calls: 1},
	}
	if diff := cmp.Diff(wantDeps, dependencies); diff != "" {
		t.Error(diff)
	}
}

func TestFind(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	for i := range byte(5) {
		add(t, s, bookinfo(i+1, began.Add(time.Duration(i)*time.Minute))...)
	}
	add(t, s, spanIn{9, 1, 0, "productpage.default", "ingress", ptrace.SpanKindServer, began.Add(10 * time.Minute), time.Second, false, map[string]string{"user": "jason"}})
	for name, test := range map[string]struct {
		q    traces.Query
		want string
	}{
		"newest first":  {traces.Query{Service: "productpage.default", Limit: 3}, "9 5 4"},
		"all":           {traces.Query{Service: "productpage.default"}, "9 5 4 3 2 1"},
		"other service": {traces.Query{Service: "reviews.default"}, "5 4 3 2 1"},
		"nobody":        {traces.Query{Service: "ratings.default"}, ""},
		"operation":     {traces.Query{Service: "productpage.default", Operation: "egress reviews:9080"}, "5 4 3 2 1"},
		"slow":          {traces.Query{Service: "productpage.default", MinDuration: 500 * time.Millisecond}, "9"},
		"fast":          {traces.Query{Service: "productpage.default", MaxDuration: 25 * time.Millisecond}, "5 4 3 2 1"},
		// A fast and a slow span together are no span in between.
		"between":   {traces.Query{Service: "productpage.default", MinDuration: 22 * time.Millisecond, MaxDuration: 26 * time.Millisecond}, ""},
		"time":      {traces.Query{Service: "productpage.default", Start: began.Add(time.Minute), End: began.Add(2*time.Minute + time.Second)}, "3 2"},
		"attribute": {traces.Query{Service: "productpage.default", Attributes: map[string]string{"user": "jason"}}, "9"},
		"errors":    {traces.Query{Service: "reviews.default", Attributes: map[string]string{"error": "true"}, Limit: 1}, "5"},
		"no errors": {traces.Query{Service: "istio-ingressgateway.istio-system", Attributes: map[string]string{"error": "true"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := c.Find(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, trace := range list {
				ids = append(ids, strings.TrimLeft(trace.ID, "0"))
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
	if _, err := c.Find(t.Context(), traces.Query{}); !errors.Is(err, traces.ErrInvalid) {
		t.Errorf("without a service: %v", err)
	}
	if _, err := c.Get(t.Context(), "ff"); !errors.Is(err, traces.ErrNotFound) {
		t.Errorf("unknown trace: %v", err)
	}
	if _, err := c.Get(t.Context(), "xyz"); !errors.Is(err, traces.ErrInvalid) {
		t.Errorf("bad ID: %v", err)
	}
}

func TestTracesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	add(t, s, bookinfo(1, began)[:2]...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{Dir: dir})
	add(t, again, bookinfo(1, began)[2:]...)
	got, err := ask(t, again).Get(t.Context(), firstID)
	if err != nil || len(got.Spans) != 4 {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "traces.db")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info, err)
	}
}

func TestAFolderWithARelativeAndOddName(t *testing.T) {
	t.Chdir(t.TempDir())
	s := start(t, Options{Dir: "a b?c#d%20/traces"})
	add(t, s, bookinfo(1, began)...)
	if _, err := ask(t, s).Get(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("a b?c#d%20/traces/traces.db"); err != nil {
		t.Error(err)
	}
}

func TestAnUnreadableFileIsMovedAside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "traces.db"), bytes.Repeat([]byte("nonsense"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Dir: dir})
	add(t, s, bookinfo(1, began)...)
	if _, err := ask(t, s).Get(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "traces.db.unreadable")); err != nil {
		t.Error(err)
	}
}

func TestBoundsOfTheStore(t *testing.T) {
	t.Run("traces", func(t *testing.T) {
		s := start(t, Options{MaxTraces: 3})
		for i := range byte(6) {
			add(t, s, bookinfo(i+1, began)...)
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		list, err := ask(t, s).Find(t.Context(), traces.Query{Service: "reviews.default"})
		if err != nil || len(list) != 3 || list[0].ID[31] != '6' {
			t.Errorf("%d traces, %v", len(list), err)
		}
	})
	t.Run("age", func(t *testing.T) {
		s := start(t, Options{Retention: time.Nanosecond})
		add(t, s, bookinfo(1, began)...)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := s.db.evict(s.options, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		c := ask(t, s)
		if _, err := c.Get(t.Context(), "1"); !errors.Is(err, traces.ErrNotFound) {
			t.Errorf("old trace: %v", err)
		}
		if services, err := c.Services(t.Context()); err != nil || len(services) != 0 {
			t.Errorf("services of old traces: %v, %v", services, err)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		s := start(t, Options{MaxBytes: 1 << 20})
		for i := range 40 {
			td := otlp(bookinfo(byte(i+1), began)...)
			// Incompressible text.
			for _, rs := range td.ResourceSpans().All() {
				span := rs.ScopeSpans().At(0).Spans().At(0)
				for j := range 16 {
					span.Attributes().PutStr(fmt.Sprint("k", j), noise(i*1000+j))
				}
			}
			if _, err := s.Add(td); err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		var pages, free int64
		if err := s.db.writer.QueryRow("SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)").Scan(&pages, &free); err != nil {
			t.Fatal(err)
		}
		if used := (pages - free) * 4096; used > 2<<20 {
			t.Errorf("%d bytes used of 1 MB", used)
		}
		list, err := ask(t, s).Find(t.Context(), traces.Query{Service: "reviews.default", Limit: 100})
		if err != nil || len(list) == 0 || len(list) == 40 {
			t.Errorf("%d traces left, %v", len(list), err)
		}
	})
}

// noise is text that does not compress, the same for the same seed.
func noise(seed int) string {
	x, b := uint64(seed)*2654435761+1, make([]byte, 2000)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = 33 + byte(x%90)
	}
	return string(b)
}

func TestBoundsOfWhatComesIn(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	big := spanIn{1, 1, 0, strings.Repeat("s", 1000), strings.Repeat("n", 1000), ptrace.SpanKindServer, began, time.Second, false, map[string]string{"long": strings.Repeat("v", 100_000)}}
	td := otlp(big)
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	for i := range 1000 {
		span.Attributes().PutStr(fmt.Sprintf("z%04d", i), "x")
		span.Events().AppendEmpty().SetName("e")
		span.Links().AppendEmpty()
	}
	span.SetEndTimestamp(0) // ends before it begins
	if _, err := s.Add(td); err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	sp := got.Spans[0]
	if len(sp.Service) > 300 || len(sp.Operation) > 255 || len(sp.Attributes) > maxAttributes+8 || len(sp.Events) > maxEvents || sp.Duration != 0 {
		t.Errorf("service %d, operation %d, attributes %d, events %d, duration %v", len(sp.Service), len(sp.Operation), len(sp.Attributes), len(sp.Events), sp.Duration)
	}
	for _, a := range sp.Attributes {
		if len(a.Value) > maxText {
			t.Errorf("attribute %s has %d bytes", a.Key, len(a.Value))
		}
	}

	if dropped, err := s.Add(otlp(spanIn{0, 1, 0, "s", "n", 0, began, 0, false, nil}, spanIn{2, 0, 0, "s", "n", 0, began, 0, false, nil})); err != nil || dropped != 2 {
		t.Errorf("spans without IDs: dropped %d, %v", dropped, err)
	}
	many := ptrace.NewTraces()
	spans := many.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range maxRequestSpans + 1 {
		spans.AppendEmpty()
	}
	if err := exportGRPC(t, s, many); status.Code(err) != codes.InvalidArgument {
		t.Errorf("too many spans: %v", err)
	}
	// One trace that never ends.
	for round := range 3 {
		td := ptrace.NewTraces()
		spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
		for i := range 3000 {
			span := spans.AppendEmpty()
			span.SetTraceID(pcommon.TraceID{15: 7})
			span.SetSpanID(pcommon.SpanID{1: byte(round + 1), 2: byte(i >> 8), 3: byte(i), 7: 1})
		}
		if _, err := s.Add(td); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	got, err = c.Get(t.Context(), "7")
	if err != nil || len(got.Spans) > maxTraceSpans {
		t.Errorf("endless trace: %d spans, %v", len(got.Spans), err)
	}
	if counts := s.Counts(); counts.Dropped == 0 {
		t.Errorf("counts: %+v", counts)
	}
}

// Anybody on the machine may send spans: their names hold nothing that a terminal
// would obey, and are found by what is shown of them.
func TestNamesThatSteerTerminals(t *testing.T) {
	s := start(t, Options{})
	c := ask(t, s)
	td := otlp(spanIn{1, 1, 0, "a\x1b]0;owned\x07\nb", "get\x1b[2J\u202e", ptrace.SpanKindServer, began, time.Second, false, nil})
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Events().AppendEmpty().SetName("e\u009b2J")
	long := otlp(spanIn{2, 1, 0, strings.Repeat("\x1b", 5000), strings.Repeat("\u202e", 5000), ptrace.SpanKindServer, began, time.Second, false, nil})
	for _, sent := range []ptrace.Traces{td, long} {
		if _, err := s.Add(sent); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	const service = `a\x1b]0;owned\x07\nb`
	found, err := c.Find(t.Context(), traces.Query{Service: service})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	span := found[0].Spans[0]
	if span.Service != service || span.Operation != `get\x1b[2J\u{202e}` || len(span.Events) != 1 || span.Events[0].Attributes[0].Value != `e\x9b2J` {
		t.Errorf("the span is %+v", span)
	}
	services, err := c.Services(t.Context())
	if err != nil || len(services) != 2 {
		t.Fatalf("services %q, %v", services, err)
	}
	for _, name := range services {
		if len(name) > maxName || plain.Text(name) != name {
			t.Errorf("a service is called %q", name)
		}
	}
}

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
