package embedded

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/heddle-mesh/heddle/backend/traces"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

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
