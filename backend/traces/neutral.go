package traces

import (
	"cmp"
	"slices"
	"strings"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
)

// neutral makes a Trace of Jaeger's spans, of which there is at least one.
func neutral(spans []model.Span) *Trace {
	t := &Trace{ID: hex32(spans[0].TraceID), Count: len(spans), Spans: make([]Span, 0, len(spans))}
	end := spans[0].StartTime
	services := map[string]bool{}
	for i := range spans {
		s := neutralSpan(&spans[i])
		t.Spans = append(t.Spans, s)
		if finish := s.Start.Add(s.Duration); finish.After(end) {
			end = finish
		}
		if s.Error {
			t.Errors++
		}
		if !services[s.Service] {
			services[s.Service] = true
			t.Services = append(t.Services, s.Service)
		}
	}
	slices.Sort(t.Services)
	slices.SortStableFunc(t.Spans, func(a, b Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Duration, a.Duration), strings.Compare(a.ID, b.ID))
	})
	t.Start = t.Spans[0].Start
	t.Duration = end.Sub(t.Start)
	return t
}

func neutralSpan(s *model.Span) Span {
	out := Span{
		ID: s.SpanID.String(), Operation: s.OperationName, Start: s.StartTime.UTC(), Duration: s.Duration, Warnings: s.Warnings,
	}
	if s.Process != nil {
		out.Service = s.Process.ServiceName
		out.Resource = attributes(s.Process.Tags)
	}
	for _, r := range s.References {
		if r.RefType == model.ChildOf && r.TraceID == s.TraceID {
			out.Parent = r.SpanID.String()
			break
		}
	}
	for _, a := range attributes(s.Tags) {
		switch a.Key {
		case "span.kind":
			out.Kind = a.Value
			continue
		case "error":
			out.Error = a.Value == "true"
		case "otel.status_code":
			out.Error = out.Error || a.Value == "ERROR"
		}
		out.Attributes = append(out.Attributes, a)
	}
	for _, l := range s.Logs {
		out.Events = append(out.Events, Event{At: l.Timestamp.UTC(), Attributes: attributes(l.Fields)})
	}
	return out
}

func attributes(list []model.KeyValue) []Attribute {
	out := make([]Attribute, 0, len(list))
	for _, kv := range list {
		out = append(out, Attribute{kv.Key, kv.AsString()})
	}
	slices.SortStableFunc(out, func(a, b Attribute) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// hex32 is the ID with all its digits; Jaeger's own form leaves leading zeros out.
func hex32(id model.TraceID) string {
	s := id.String()
	return strings.Repeat("0", max(0, 32-len(s))) + s
}
