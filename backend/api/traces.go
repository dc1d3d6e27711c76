package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/traces"
)

type findTracesInput struct {
	Service   string `query:"service" maxLength:"253" doc:"One of GET /api/v1/traces/services, or its first word where that says which; all of them when empty"`
	Operation string `query:"operation" maxLength:"253"`
	Limit     int    `query:"limit" default:"20" minimum:"1" maximum:"200"`
}

type findTracesOutput struct{ Body []*traces.Trace }

func (h *Handlers) findTraces(ctx context.Context, in *findTracesInput) (*findTracesOutput, error) {
	services, err := h.mesh.Traces().Services(ctx)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
	}
	if in.Service != "" {
		service, err := serviceNamed(services, in.Service)
		if err != nil {
			return nil, huma.NewError(http.StatusNotFound, err.Error())
		}
		services = []string{service}
	}
	var found []*traces.Trace
	for _, service := range services {
		some, err := h.mesh.Traces().Find(ctx, traces.Query{Service: service, Operation: in.Operation, Limit: in.Limit})
		if err != nil {
			return nil, huma.NewError(http.StatusBadGateway, "traces cannot be read: "+err.Error())
		}
		found = append(found, some...)
	}
	return &findTracesOutput{newest(found, in.Limit)}, nil
}

// serviceNamed is the service that a person means: by its whole name, or by the
// first word of it, such as reviews for reviews.default.
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
	case len(services) == 0:
		return "", errors.New("there are no traces yet")
	}
	return "", fmt.Errorf("there are no traces of a service %q; there are of %s", word, strings.Join(services, ", "))
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
