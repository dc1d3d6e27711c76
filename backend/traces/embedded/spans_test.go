package embedded

import (
	"context"
	"net"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/heddle-mesh/heddle/backend/traces"
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
