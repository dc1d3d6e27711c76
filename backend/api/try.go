package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

type tryInput struct {
	Body struct {
		Method  string            `json:"method" maxLength:"32"`
		URL     string            `json:"url" maxLength:"8192"`
		From    string            `json:"from" maxLength:"253" doc:"Pod, workload or gateway that calls"`
		Headers map[string]string `json:"headers,omitempty"`
		Entries []preview.Entry   `json:"entries,omitempty" maxItems:"500" doc:"A change that is not written yet"`
	}
}

type tryOutput struct {
	Body struct {
		Before *simulate.Answer `json:"before"`
		// After is there when a change was given.
		After *simulate.Answer `json:"after,omitempty"`
	}
}

// try says where a request goes, and where it would go after a change.
func (h *Handlers) try(ctx context.Context, in *tryInput) (*tryOutput, error) {
	w, err := h.findWorkload(in.Body.From)
	if err != nil {
		return nil, err
	}
	call, err := simulate.NewCall(in.Body.Method, in.Body.URL)
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	call.Headers = in.Body.Headers
	var proposal *preview.Proposal
	if len(in.Body.Entries) > 0 {
		var refusals []mesh.Finding
		if proposal, refusals, err = h.propose(ctx, in.Body.Entries, nil); err != nil {
			return nil, err
		}
		if proposal == nil {
			return nil, refuse("the change cannot be read", refusals)
		}
	}
	out := &tryOutput{}
	if out.Body.Before, out.Body.After, err = h.mesh.Try(ctx, w, call, proposal); err != nil {
		if ctx.Err() != nil {
			return nil, problemOf(ctx.Err())
		}
		return nil, huma.NewError(http.StatusUnprocessableEntity, err.Error())
	}
	return out, nil
}

// Setting is one thing that is in force for calls to a service.
type Setting struct {
	Rule    string     `json:"rule,omitempty" doc:"The http rule that it belongs to"`
	Match   string     `json:"match,omitempty" doc:"Which requests the rule is for"`
	Setting string     `json:"setting"`
	Value   string     `json:"value"`
	From    []mesh.Ref `json:"from" doc:"Who decided it; empty where it is the mesh's own default"`
	Path    string     `json:"path,omitempty" doc:"The field in the first of these"`
	Line    int        `json:"line,omitempty" doc:"The line of that object's text on which the field is named, from 1"`
}

type settingsInput struct {
	Namespace string `path:"namespace" maxLength:"253"`
	Name      string `path:"name" maxLength:"253"`
	From      string `query:"from" maxLength:"253" doc:"Pod or workload that calls; else anybody in the service's namespace"`
}

type settingsOutput struct{ Body []Setting }

// serviceSettings lists what is in force for calls to a service.
func (h *Handlers) serviceSettings(ctx context.Context, in *settingsInput) (*settingsOutput, error) {
	svc, err := h.findService(in.Namespace, in.Name)
	if err != nil {
		return nil, err
	}
	asker := scope.Asker{Namespace: in.Namespace}
	if in.From != "" {
		w, err := h.findWorkload(in.From)
		if err != nil {
			return nil, err
		}
		asker = scope.Asker{Namespace: w.Namespace, Labels: w.Labels, Gateway: w.Gateway}
	}
	objects, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	line := lines(objects)
	out := &settingsOutput{Body: []Setting{}}
	for _, s := range scope.For(h.mesh.Snapshot(), asker).Settings(svc) {
		from := s.From
		if from == nil {
			from = []mesh.Ref{}
		}
		one := Setting{Rule: s.Rule, Match: s.Match, Setting: s.Name, Value: s.Value, From: from, Path: s.Path}
		if len(from) > 0 && s.Path != "" {
			one.Line = line(from[0], s.Path)
		}
		out.Body = append(out.Body, one)
	}
	return out, nil
}

// lines finds the lines of fields in the texts of objects, each of which is read
// once; 0 where an object has no text.
func lines(objects mesh.Table[mesh.Ref, *mesh.Object]) func(ref mesh.Ref, path string) int {
	read := map[mesh.Ref]func(path string) int{}
	return func(ref mesh.Ref, path string) int {
		o, ok := objects.Get(ref)
		if !ok || o.Text == nil {
			return 0
		}
		if read[ref] == nil {
			read[ref] = config.Lines(o.Text)
		}
		return read[ref](path)
	}
}

func (h *Handlers) findService(namespace, name string) (*mesh.Service, error) {
	for s := range h.mesh.Snapshot().Services.Values() {
		if s.Namespace == namespace && s.Name == name {
			return s, nil
		}
	}
	return nil, notFound("service " + namespace + "/" + name)
}
