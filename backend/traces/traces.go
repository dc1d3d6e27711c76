// Package traces reads traces from a Jaeger query service (api_v2): the
// embedded one or a user's own, by the same code.
package traces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	model "github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/jaegertracing/jaeger-idl/proto-gen/api_v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Limits of one answer.
const (
	defaultLimit = 20
	// MaxLimit is the most traces that Find returns.
	MaxLimit     = 500
	maxSpans     = 100_000 // over all traces of an answer
	maxMessage   = 32 << 20
	queryTimeout = 20 * time.Second
)

// ErrNotFound reports that there is no trace of an ID (any more).
var ErrNotFound = errors.New("trace not found")

// ErrInvalid reports a question that cannot be asked.
var ErrInvalid = errors.New("invalid trace query")

// Trace is the spans of one request through the mesh.
type Trace struct {
	ID       string        `json:"id"` // 32 hexadecimal digits
	Start    time.Time     `json:"start"`
	Duration time.Duration `json:"durationNanos"`
	Services []string      `json:"services"` // sorted
	Errors   int           `json:"errors"`   // spans with an error
	Count    int           `json:"spanCount"`
	Spans    []Span        `json:"spans"` // by start
}

// Brief is the trace with its first span alone, without attributes.
func (t *Trace) Brief() *Trace {
	out := *t
	first := t.Spans[0]
	first.Attributes, first.Resource, first.Events, first.Warnings = nil, nil, nil, nil
	out.Spans = []Span{first}
	return &out
}

// Span is one operation in one service.
type Span struct {
	ID        string        `json:"id"`
	Parent    string        `json:"parent,omitempty"` // ID of the parent span in the same trace
	Service   string        `json:"service"`
	Operation string        `json:"operation"`
	Kind      string        `json:"kind,omitempty"` // client, server, producer, consumer, internal
	Start     time.Time     `json:"start"`
	Duration  time.Duration `json:"durationNanos"`
	Error     bool          `json:"error,omitempty"`
	// Attributes of the span, and of the process that sent it; by key.
	Attributes []Attribute `json:"attributes,omitempty"`
	Resource   []Attribute `json:"resource,omitempty"`
	Events     []Event     `json:"events,omitempty"`
	Warnings   []string    `json:"warnings,omitempty"`
}

// Attribute is a fact about a span. Numbers and booleans are written out.
type Attribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Event happened within a span.
type Event struct {
	At         time.Time   `json:"at"`
	Attributes []Attribute `json:"attributes,omitempty"`
}

// Operation of a service.
type Operation struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
}

// Dependency counts the calls from one service to another in traces.
type Dependency struct {
	Parent string `json:"parent"`
	Child  string `json:"child"`
	Calls  uint64 `json:"calls"`
}

// Query selects traces that have a span for which all of it holds.
type Query struct {
	Service     string // required
	Operation   string
	Attributes  map[string]string
	Start, End  time.Time // when the span began; zero leaves a side open
	MinDuration time.Duration
	MaxDuration time.Duration
	Limit       int // 20 when zero, at most MaxLimit
}

// Client asks a query service. It is safe for concurrent use.
type Client struct {
	query api_v2.QueryServiceClient
	close func() error
}

// Dial is a Client of the query service at host:port, without TLS. The
// connection is made at the first question and again whenever it broke.
func Dial(address string) (*Client, error) { return dial("dns:///"+address, nil) }

// Local is a Client of a query service in this process, which is reached
// through connect.
func Local(connect func(context.Context) (net.Conn, error)) (*Client, error) {
	return dial("passthrough:///local", connect)
}

func dial(target string, connect func(context.Context) (net.Conn, error)) (*Client, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(Codec()), grpc.MaxCallRecvMsgSize(maxMessage)),
	}
	if connect != nil {
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return connect(ctx) }))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("address of the trace query service %q: %w", target, err)
	}
	return &Client{query: api_v2.NewQueryServiceClient(conn), close: conn.Close}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.close() }

// Services lists the services that sent spans, sorted.
func (c *Client) Services(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := c.query.GetServices(ctx, &api_v2.GetServicesRequest{})
	if err != nil {
		return nil, failed("list services with traces", err)
	}
	slices.Sort(r.Services)
	return r.Services, nil
}

// Operations lists the operations of a service, sorted.
func (c *Client) Operations(ctx context.Context, service string) ([]Operation, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := c.query.GetOperations(ctx, &api_v2.GetOperationsRequest{Service: service})
	if err != nil {
		return nil, failed("list operations of "+service, err)
	}
	out := make([]Operation, 0, len(r.Operations))
	for _, o := range r.Operations {
		out = append(out, Operation{Name: o.Name, Kind: o.SpanKind})
	}
	slices.SortFunc(out, func(a, b Operation) int {
		return strings.Compare(a.Name+"\x00"+a.Kind, b.Name+"\x00"+b.Kind)
	})
	return out, nil
}

// Get reads one trace by the hexadecimal ID; ErrNotFound when it is not there.
func (c *Client) Get(ctx context.Context, id string) (*Trace, error) {
	traceID, err := model.TraceIDFromString(id)
	if err != nil || traceID == (model.TraceID{}) {
		return nil, fmt.Errorf("%w: %q is not a trace ID: up to 32 hexadecimal digits", ErrInvalid, id)
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	stream, err := c.query.GetTrace(ctx, &api_v2.GetTraceRequest{TraceID: traceID})
	if err != nil {
		return nil, failed("read trace "+id, err)
	}
	list, err := gather(stream.Recv)
	if err != nil {
		return nil, failed("read trace "+id, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("read trace %s: %w", id, ErrNotFound)
	}
	return list[0], nil
}

// Find reads the newest traces that the query selects, the newest first.
func (c *Client) Find(ctx context.Context, q Query) ([]*Trace, error) {
	if q.Service == "" {
		return nil, fmt.Errorf("%w: name a service", ErrInvalid)
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	if q.End.IsZero() {
		q.End = time.Now().Add(time.Minute) // clocks differ
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	stream, err := c.query.FindTraces(ctx, &api_v2.FindTracesRequest{Query: &api_v2.TraceQueryParameters{
		ServiceName: q.Service, OperationName: q.Operation, Tags: q.Attributes,
		StartTimeMin: q.Start, StartTimeMax: q.End,
		DurationMin: q.MinDuration, DurationMax: q.MaxDuration,
		SearchDepth: int32(min(q.Limit, MaxLimit)),
	}})
	if err != nil {
		return nil, failed("find traces of "+q.Service, err)
	}
	list, err := gather(stream.Recv)
	if err != nil {
		return nil, failed("find traces of "+q.Service, err)
	}
	slices.SortStableFunc(list, func(a, b *Trace) int { return b.Start.Compare(a.Start) })
	return list, nil
}

// Dependencies counts who called whom in the traces of a span of time.
func (c *Client) Dependencies(ctx context.Context, start, end time.Time) ([]Dependency, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := c.query.GetDependencies(ctx, &api_v2.GetDependenciesRequest{StartTime: start, EndTime: end})
	if err != nil {
		return nil, failed("read dependencies", err)
	}
	out := make([]Dependency, 0, len(r.Dependencies))
	for _, d := range r.Dependencies {
		out = append(out, Dependency{Parent: d.Parent, Child: d.Child, Calls: d.CallCount})
	}
	slices.SortFunc(out, func(a, b Dependency) int {
		return strings.Compare(a.Parent+"\x00"+a.Child, b.Parent+"\x00"+b.Child)
	})
	return out, nil
}

// gather reads chunks of spans to the end and sorts them into traces, in the
// order in which the traces first appear.
func gather(receive func() (*api_v2.SpansResponseChunk, error)) ([]*Trace, error) {
	found := map[model.TraceID]int{}
	var lists [][]model.Span
	total := 0
	for {
		chunk, err := receive()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if total += len(chunk.Spans); total > maxSpans {
			return nil, fmt.Errorf("%w: the answer has more than %d spans: ask for fewer traces", ErrInvalid, maxSpans)
		}
		for _, s := range chunk.Spans {
			i, ok := found[s.TraceID]
			if !ok {
				i = len(lists)
				found[s.TraceID] = i
				lists = append(lists, nil)
			}
			lists[i] = append(lists[i], s)
		}
	}
	out := make([]*Trace, len(lists))
	for i, spans := range lists {
		out[i] = neutral(spans)
	}
	return out, nil
}

// failed says what was attempted, and what a person can do about it.
func failed(what string, err error) error {
	switch status.Code(err) {
	case codes.NotFound:
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	case codes.InvalidArgument:
		return fmt.Errorf("%s: %w: %s", what, ErrInvalid, status.Convert(err).Message())
	case codes.Unavailable:
		return fmt.Errorf("%s: the trace query service cannot be reached: check its address: %w", what, err)
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}
