package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// chunkSpans is how many spans go into one message of an answer.
const chunkSpans = 500

// queryService answers questions of Jaeger's clients (api_v2).
type queryService struct{ server *Server }

// ready flushes, so that a question sees all that was received before it.
func (q queryService) ready() error {
	if err := q.server.Flush(); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return nil
}

// GetTrace implements the query service.
func (q queryService) GetTrace(r *api_v2.GetTraceRequest, stream api_v2.QueryService_GetTraceServer) error {
	if err := q.ready(); err != nil {
		return err
	}
	var id ptrace16
	binary.BigEndian.PutUint64(id[:8], r.TraceID.High)
	binary.BigEndian.PutUint64(id[8:], r.TraceID.Low)
	blob, err := q.server.db.get(stream.Context(), id)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if blob == nil {
		return status.Error(codes.NotFound, "trace not found")
	}
	spans, err := q.server.spans(blob)
	if err != nil {
		return status.Error(codes.DataLoss, err.Error())
	}
	return send(spans, stream.Send)
}

// FindTraces implements the query service.
func (q queryService) FindTraces(r *api_v2.FindTracesRequest, stream api_v2.QueryService_FindTracesServer) error {
	p := r.GetQuery()
	if p.GetServiceName() == "" {
		return status.Error(codes.InvalidArgument, "name a service")
	}
	if len(p.Tags) > 32 {
		return status.Error(codes.InvalidArgument, "at most 32 tags")
	}
	if err := q.ready(); err != nil {
		return err
	}
	left := int(p.SearchDepth)
	if left <= 0 {
		left = 20
	}
	left = min(left, maxSearchDepth)
	return q.server.db.find(stream.Context(), search{
		service: p.ServiceName, operation: p.OperationName, from: open(p.StartTimeMin), to: open(p.StartTimeMax),
		shortest: p.DurationMin, longest: p.DurationMax, failedOnly: p.Tags["error"] == "true",
	}, func(blob []byte) (bool, error) {
		spans, err := q.server.spans(blob)
		if err != nil || !slices.ContainsFunc(spans, func(s *model.Span) bool { return matches(s, p) }) {
			return true, nil // unreadable is as good as not there: others are
		}
		left--
		return left > 0, send(spans, stream.Send)
	})
}

// open is the zero time for what stands for it on the wire.
func open(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

// matches reports whether one span answers the whole question.
func matches(s *model.Span, p *api_v2.TraceQueryParameters) bool {
	from, to := open(p.StartTimeMin), open(p.StartTimeMax)
	switch {
	case s.Process.GetServiceName() != p.ServiceName,
		p.OperationName != "" && s.OperationName != p.OperationName,
		!from.IsZero() && s.StartTime.Before(from),
		!to.IsZero() && s.StartTime.After(to),
		s.Duration < p.DurationMin,
		p.DurationMax > 0 && s.Duration > p.DurationMax:
		return false
	}
	for key, value := range p.Tags {
		if !tagged(s.Tags, key, value) && !tagged(s.Process.GetTags(), key, value) {
			return false
		}
	}
	return true
}

func tagged(tags []model.KeyValue, key, value string) bool {
	for _, kv := range tags {
		if kv.Key == key && kv.AsString() == value {
			return true
		}
	}
	return false
}

// send writes the spans of one trace in messages of bounded size.
func send(spans []*model.Span, write func(*api_v2.SpansResponseChunk) error) error {
	for part := range slices.Chunk(spans, chunkSpans) {
		chunk := &api_v2.SpansResponseChunk{Spans: make([]model.Span, 0, len(part))}
		for _, s := range part {
			chunk.Spans = append(chunk.Spans, *s)
		}
		if err := write(chunk); err != nil {
			return fmt.Errorf("send spans: %w", err)
		}
	}
	return nil
}

// spans unpacks a trace as Jaeger has it. A span that was sent twice is there
// once.
func (s *Server) spans(blob []byte) ([]*model.Span, error) {
	body, err := s.unpack(blob)
	if err != nil {
		return nil, err
	}
	var unmarshaler ptrace.ProtoUnmarshaler
	td, err := unmarshaler.UnmarshalTraces(body)
	if err != nil {
		return nil, fmt.Errorf("read a trace: %w", err)
	}
	type identity struct {
		id      model.SpanID
		service string
		start   time.Time
		name    string
	}
	seen := map[identity]bool{}
	var out []*model.Span
	for _, batch := range jaeger.ProtoFromTraces(td) {
		for _, span := range batch.Spans {
			if span.Process == nil {
				span.Process = batch.Process
			}
			if span.Process == nil {
				span.Process = &model.Process{ServiceName: "unknown_service"}
			}
			if span.Process.ServiceName == "" {
				span.Process.ServiceName = "unknown_service"
			}
			id := identity{span.SpanID, span.Process.ServiceName, span.StartTime, span.OperationName}
			if !seen[id] {
				seen[id] = true
				out = append(out, span)
			}
		}
	}
	return out, nil
}

// GetServices implements the query service.
func (q queryService) GetServices(ctx context.Context, _ *api_v2.GetServicesRequest) (*api_v2.GetServicesResponse, error) {
	names, err := q.names(ctx)
	if err != nil {
		return nil, err
	}
	r := &api_v2.GetServicesResponse{}
	for _, n := range names {
		r.Services = append(r.Services, n.service)
	}
	r.Services = slices.Compact(r.Services)
	return r, nil
}

// GetOperations implements the query service.
func (q queryService) GetOperations(ctx context.Context, in *api_v2.GetOperationsRequest) (*api_v2.GetOperationsResponse, error) {
	names, err := q.names(ctx)
	if err != nil {
		return nil, err
	}
	r := &api_v2.GetOperationsResponse{}
	for _, n := range names {
		if n.service == in.Service && (in.SpanKind == "" || in.SpanKind == n.kind) {
			r.OperationNames = append(r.OperationNames, n.operation)
			r.Operations = append(r.Operations, &api_v2.Operation{Name: n.operation, SpanKind: n.kind})
		}
	}
	r.OperationNames = slices.Compact(r.OperationNames)
	return r, nil
}

func (q queryService) names(ctx context.Context) ([]name, error) {
	if err := q.ready(); err != nil {
		return nil, err
	}
	names, err := q.server.db.allNames(ctx)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return names, nil
}

// GetDependencies implements the query service: it counts calls from span to
// child span in another service, in the newest traces of the time asked for.
func (q queryService) GetDependencies(ctx context.Context, r *api_v2.GetDependenciesRequest) (*api_v2.GetDependenciesResponse, error) {
	if err := q.ready(); err != nil {
		return nil, err
	}
	from, to := open(r.StartTime), open(r.EndTime)
	if to.IsZero() {
		to = time.Now().Add(time.Hour)
	}
	if from.IsZero() {
		from = time.Unix(0, 0)
	}
	type call struct{ parent, child string }
	counts := map[call]uint64{}
	err := q.server.db.newest(ctx, from, to, dependencyTraces, func(blob []byte) (bool, error) {
		spans, err := q.server.spans(blob)
		if err != nil {
			return true, nil
		}
		service := make(map[model.SpanID]string, len(spans))
		for _, s := range spans {
			service[s.SpanID] = s.Process.ServiceName
		}
		for _, s := range spans {
			parent, ok := service[s.ParentSpanID()]
			if ok && parent != s.Process.ServiceName {
				counts[call{parent, s.Process.ServiceName}]++
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	out := &api_v2.GetDependenciesResponse{}
	for c, n := range counts {
		out.Dependencies = append(out.Dependencies, model.DependencyLink{Parent: c.parent, Child: c.child, CallCount: n, Source: "jaeger"})
	}
	slices.SortFunc(out.Dependencies, func(a, b model.DependencyLink) int {
		return strings.Compare(a.Parent+"\x00"+a.Child, b.Parent+"\x00"+b.Child)
	})
	return out, nil
}

// ArchiveTrace implements the query service: there is no archive.
func (queryService) ArchiveTrace(context.Context, *api_v2.ArchiveTraceRequest) (*api_v2.ArchiveTraceResponse, error) {
	return nil, status.Error(codes.Unimplemented, "there is no archive")
}
