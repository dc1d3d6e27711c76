package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/traces"
)

type findTracesInput struct {
	Services    []string  `query:"service" maxItems:"20" doc:"Some of GET /api/v1/traces/services, or their first words where those say which; a trace of any of them is found; all when empty"`
	Operation   string    `query:"operation" maxLength:"253"`
	MinDuration string    `query:"minDuration" maxLength:"16" doc:"Of a span of the service, such as 100ms"`
	MaxDuration string    `query:"maxDuration" maxLength:"16"`
	Error       bool      `query:"error" doc:"Only where a span of the service has an error"`
	Start       time.Time `query:"start" doc:"When the span began, at the earliest"`
	End         time.Time `query:"end" doc:"When the span began, at the latest"`
	Limit       int       `query:"limit" default:"20" minimum:"1" maximum:"200"`
	Brief       bool      `query:"brief" doc:"Only the first span of each trace, for lists"`
}

type findTracesOutput struct{ Body []*traces.Trace }

// Bounds of one search besides the number of traces.
const (
	maxTraceServices = 200    // that are asked for one after the other
	maxListedSpans   = 20_000 // over all traces
)

func (h *Handlers) findTraces(ctx context.Context, in *findTracesInput) (*findTracesOutput, error) {
	query, err := in.query()
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	known, err := h.mesh.Traces().Services(ctx)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
	}
	services, err := servicesMeant(known, in.Services)
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	found := make([][]*traces.Trace, len(services))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, service := range services {
		group.Go(func() (err error) {
			one := query
			one.Service = service
			found[i], err = h.mesh.Traces().Find(ctx, one)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
	}
	list := newest(slices.Concat(found...), in.Limit)
	if in.Brief {
		for i, t := range list {
			list[i] = t.Brief()
		}
	}
	return &findTracesOutput{bounded(list, maxListedSpans)}, nil
}

// query is what is asked of each service.
func (in *findTracesInput) query() (traces.Query, error) {
	q := traces.Query{Operation: in.Operation, Start: in.Start, End: in.End, Limit: in.Limit}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{{"minDuration", in.MinDuration, &q.MinDuration}, {"maxDuration", in.MaxDuration, &q.MaxDuration}} {
		if d.text == "" {
			continue
		}
		v, err := time.ParseDuration(d.text)
		if err != nil || v < 0 {
			return q, fmt.Errorf("%s must be a duration, such as 100ms", d.name)
		}
		*d.to = v
	}
	if q.MaxDuration > 0 && q.MaxDuration < q.MinDuration {
		return q, errors.New("maxDuration is less than minDuration: no span has both")
	}
	if !q.Start.IsZero() && !q.End.IsZero() && q.End.Before(q.Start) {
		return q, errors.New("end is before start")
	}
	if in.Error {
		q.Attributes = map[string]string{"error": "true"}
	}
	return q, nil
}

// bounded keeps the first traces that have no more than so many spans together.
func bounded(list []*traces.Trace, spans int) []*traces.Trace {
	for i, t := range list {
		if spans -= len(t.Spans); spans < 0 && i > 0 {
			return list[:i]
		}
	}
	return list
}

// servicesMeant are the services that are asked: all, or those that words mean.
func servicesMeant(known, words []string) ([]string, error) {
	if len(words) == 0 {
		return known[:min(len(known), maxTraceServices)], nil
	}
	var out []string
	for _, word := range words {
		service, err := serviceNamed(known, word)
		switch {
		case err != nil:
			return nil, err
		case service != "":
			out = append(out, service)
		}
	}
	return out, nil
}

// serviceNamed is the service that a person means: by its whole name, or by the
// first word of it, such as reviews for reviews.default. It is empty when there
// is none: what has no sidecar, or sent nothing yet, has no traces, which is no
// mistake of who asks.
func serviceNamed(services []string, word string) (string, error) {
	if slices.Contains(services, word) {
		return word, nil
	}
	var near []string
	for _, s := range services {
		if strings.HasPrefix(s, word+".") {
			near = append(near, s)
		}
	}
	switch {
	case len(near) == 1:
		return near[0], nil
	case len(near) > 1:
		return "", fmt.Errorf("%q can be %s: name one", word, strings.Join(near, " or "))
	}
	return "", nil
}

// newest lists so many traces at most, the newest first, each once.
func newest(found []*traces.Trace, limit int) []*traces.Trace {
	out := []*traces.Trace{}
	seen := map[string]bool{}
	for _, t := range found {
		if !seen[t.ID] {
			seen[t.ID] = true
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b *traces.Trace) int { return b.Start.Compare(a.Start) })
	return out[:min(len(out), limit)]
}

type traceInput struct {
	ID string `path:"id" maxLength:"64"`
}

type traceOutput struct{ Body *traces.Trace }

func (h *Handlers) trace(ctx context.Context, in *traceInput) (*traceOutput, error) {
	none := huma.NewError(http.StatusNotFound, "no trace "+in.ID)
	if strings.Trim(in.ID, "0123456789abcdefABCDEF") != "" || len(in.ID) > 32 {
		return nil, none
	}
	t, err := h.mesh.Traces().Get(ctx, in.ID)
	if errors.Is(err, traces.ErrNotFound) {
		return nil, none
	}
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
	}
	return &traceOutput{t}, nil
}

type traceServicesOutput struct{ Body []string }

func (h *Handlers) traceServices(ctx context.Context, _ *struct{}) (*traceServicesOutput, error) {
	names, err := h.mesh.Traces().Services(ctx)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
	}
	return &traceServicesOutput{append([]string{}, names...)}, nil
}
