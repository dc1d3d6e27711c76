package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/preview"
)

type splitInput struct {
	Namespace string `path:"namespace" maxLength:"253"`
	Name      string `path:"name" maxLength:"253"`
}

type splitOutput struct{ Body *canary.Split }

// split says how a service's traffic can be divided between its versions.
func (h *Handlers) split(_ context.Context, in *splitInput) (*splitOutput, error) {
	svc, err := h.findService(in.Namespace, in.Name)
	if err != nil {
		return nil, err
	}
	return &splitOutput{canary.Of(h.mesh.Snapshot(), svc)}, nil
}

type splitEditsInput struct {
	Namespace string `path:"namespace" maxLength:"253"`
	Name      string `path:"name" maxLength:"253"`
	Body      struct {
		Candidate string         `json:"candidate" maxLength:"640"`
		Weights   map[string]int `json:"weights" doc:"Percent by version, together 100"`
	}
}

type splitEditsOutput struct {
	Body struct {
		Entries []preview.Entry `json:"entries"`
	}
}

// splitEdits gives the change that divides the traffic so. It writes nothing.
func (h *Handlers) splitEdits(_ context.Context, in *splitEditsInput) (*splitEditsOutput, error) {
	svc, err := h.findService(in.Namespace, in.Name)
	if err != nil {
		return nil, err
	}
	entries, err := canary.Edits(h.mesh.Snapshot(), svc, in.Body.Candidate, in.Body.Weights)
	switch {
	case errors.Is(err, canary.ErrNoCandidate):
		return nil, huma.NewError(http.StatusNotFound, err.Error())
	case err != nil:
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	out := &splitEditsOutput{}
	out.Body.Entries = append([]preview.Entry{}, entries...)
	return out, nil
}
