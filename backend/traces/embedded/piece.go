package embedded

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/heddle-mesh/heddle/mesh/plain"
)

// Bounds of what a span may hold; what is beyond is cut off.
const (
	maxText       = 4 << 10 // bytes of an attribute's value
	maxName       = 255     // bytes of service, operation and attribute key
	maxAttributes = 128
	maxEvents     = 128
	maxLinks      = 128
)

// piece is what arrived of one trace and is not written yet.
type piece struct {
	id    ptrace16
	body  []byte // OTLP TracesData; two bodies joined are the body of both
	spans int
	start time.Time
	index map[name]entry
}

// name is what spans are looked up by.
type name struct{ service, operation, kind string }

// entry sums up the spans of one name in one trace. Durations in nanoseconds.
type entry struct {
	start             time.Time
	shortest, longest time.Duration
	failed            bool
}

func (e entry) with(o entry) entry {
	if o.start.Before(e.start) {
		e.start = o.start
	}
	e.shortest, e.longest = min(e.shortest, o.shortest), max(e.longest, o.longest)
	e.failed = e.failed || o.failed
	return e
}

func (p *piece) add(n name, e entry) {
	if have, ok := p.index[n]; ok {
		e = have.with(e)
	}
	p.index[n] = e
	if p.start.IsZero() || e.start.Before(p.start) {
		p.start = e.start
	}
}

func (p *piece) merge(o *piece) {
	p.body = append(p.body, o.body...)
	p.spans += o.spans
	for n, e := range o.index {
		p.add(n, e)
	}
}

// split sorts spans by trace. Spans without a trace or span ID, and those of a
// trace that is too large, are dropped.
func split(td ptrace.Traces) (pieces []*piece, dropped int, err error) {
	type parcel struct {
		*piece
		data ptrace.Traces
		// where the last span went: resource and scope index it came from
		resource, scope int
		into            ptrace.SpanSlice
	}
	found := map[ptrace16]*parcel{}
	var order []*parcel
	for i, rs := range td.ResourceSpans().All() {
		trim(rs.Resource().Attributes())
		service := serviceName(rs.Resource())
		rs.Resource().Attributes().PutStr("service.name", service)
		for j, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				id := ptrace16(span.TraceID())
				if span.TraceID().IsEmpty() || span.SpanID().IsEmpty() {
					dropped++
					continue
				}
				p := found[id]
				if p == nil {
					p = &parcel{piece: &piece{id: id, index: map[name]entry{}}, data: ptrace.NewTraces(), resource: -1}
					found[id] = p
					order = append(order, p)
				}
				if p.spans >= maxTraceSpans {
					dropped++
					continue
				}
				if p.resource != i || p.scope != j {
					out := p.data.ResourceSpans().AppendEmpty()
					rs.Resource().CopyTo(out.Resource())
					scope := out.ScopeSpans().AppendEmpty()
					ss.Scope().CopyTo(scope.Scope())
					p.resource, p.scope, p.into = i, j, scope.Spans()
				}
				n, e := tidy(span, service)
				p.add(n, e)
				p.spans++
				span.MoveTo(p.into.AppendEmpty())
			}
		}
	}
	var marshaler ptrace.ProtoMarshaler
	for _, p := range order {
		if p.body, err = marshaler.MarshalTraces(p.data); err != nil {
			return nil, 0, fmt.Errorf("write spans: %w", err)
		}
		if len(p.body) > maxTraceBytes {
			dropped += p.spans
			continue
		}
		pieces = append(pieces, p.piece)
	}
	return pieces, dropped, nil
}

// tidy cuts a span to its bounds and says what it is found by.
func tidy(span ptrace.Span, service string) (name, entry) {
	span.SetName(label(span.Name()))
	trim(span.Attributes())
	keepFirst(span.Events().Len(), maxEvents, span.Events().RemoveIf)
	for _, e := range span.Events().All() {
		e.SetName(label(e.Name()))
		trim(e.Attributes())
	}
	n := 0
	span.Links().RemoveIf(func(ptrace.SpanLink) bool { n++; return n > maxLinks })
	for _, l := range span.Links().All() {
		trim(l.Attributes())
	}
	start, end := span.StartTimestamp(), span.EndTimestamp()
	if end < start {
		end = start
		span.SetEndTimestamp(end)
	}
	took := time.Duration(min(end-start, pcommon.Timestamp(1<<62)))
	failed := span.Status().Code() == ptrace.StatusCodeError
	if v, ok := span.Attributes().Get("error"); ok && v.AsString() == "true" {
		failed = true
	}
	return name{service, span.Name(), kind(span.Kind())},
		entry{start: start.AsTime(), shortest: took, longest: took, failed: failed}
}

// keepFirst removes all events behind the first limit.
func keepFirst(length, limit int, removeIf func(func(ptrace.SpanEvent) bool)) {
	if length <= limit {
		return
	}
	n := 0
	removeIf(func(ptrace.SpanEvent) bool { n++; return n > limit })
}

func serviceName(r pcommon.Resource) string {
	if v, ok := r.Attributes().Get("service.name"); ok && v.AsString() != "" {
		return label(v.AsString())
	}
	return "unknown_service"
}

// kind as Jaeger's tag span.kind says it.
func kind(k ptrace.SpanKind) string {
	if k == ptrace.SpanKindUnspecified {
		return ""
	}
	return strings.ToLower(k.String())
}

// trim cuts attributes to their bounds: the first ones by key stay. What is
// neither text nor a plain value is written out as text.
func trim(m pcommon.Map) {
	if m.Len() > maxAttributes {
		var keys []string
		for k := range m.All() {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		last := keys[maxAttributes-1]
		n := 0
		m.RemoveIf(func(k string, _ pcommon.Value) bool { n++; return k > last })
	}
	m.RemoveIf(func(k string, _ pcommon.Value) bool { return k == "" || len(k) > maxName })
	for _, v := range m.All() {
		switch v.Type() {
		case pcommon.ValueTypeStr:
			if len(v.Str()) > maxText {
				v.SetStr(cut(v.Str(), maxText))
			}
		case pcommon.ValueTypeMap, pcommon.ValueTypeSlice, pcommon.ValueTypeBytes:
			v.SetStr(cut(v.AsString(), maxText))
		}
	}
}

// label is a name within its bounds and in plain text: anybody on this machine may
// send spans, and what reads them may be a terminal.
func label(s string) string { return cut(plain.Text(cut(s, maxName)), maxName) }

// cut shortens text to a number of bytes and makes it valid.
func cut(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return string(bytes.ToValidUTF8([]byte(s), nil))
}
