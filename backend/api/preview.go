package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
)

// Previewed is what a change would do; nothing of it is written.
type Previewed struct {
	preview.Preview
	// Conflicts are entries that somebody else got in the way of.
	Conflicts []merge.Conflict `json:"conflicts,omitempty"`
}

type previewInput struct {
	Body struct {
		Entries []preview.Entry `json:"entries" minItems:"1" maxItems:"500"`
	}
}

type previewOutput struct{ Body Previewed }

// preview says what a change would do.
func (h *Handlers) preview(ctx context.Context, in *previewInput) (*previewOutput, error) {
	out := &previewOutput{}
	proposal, refusals, err := h.propose(ctx, in.Body.Entries, &out.Body.Conflicts)
	if err != nil {
		return nil, err
	}
	if proposal == nil {
		out.Body.Preview = *preview.Refuse(briefly(told(refusals)))
		return out, nil
	}
	p, err := h.mesh.Preview(ctx, proposal)
	if err != nil {
		return nil, problemOf(err)
	}
	out.Body.Preview = *p
	out.Body.Findings.Added, out.Body.Findings.Gone = told(p.Findings.Added), told(p.Findings.Gone)
	return out, nil
}

// mayTryOut refuses what who asks may not even try out against the mesh. Who may
// look at the mesh may look at what would be; only what nobody but the owner
// writes, nobody else tries out.
func mayTryOut(ctx context.Context, refs ...mesh.Ref) error {
	for _, ref := range refs {
		if auth.ToWrite(ref.Kind) != OwnerOnly {
			continue
		}
		if err := auth.Require(ctx, OwnerOnly, "trying out "+ref.String()); err != nil {
			return problemOf(err)
		}
	}
	return nil
}

// propose reads entries; nil with the reasons where that cannot be done.
func (h *Handlers) propose(ctx context.Context, entries []preview.Entry, conflicts *[]merge.Conflict) (*preview.Proposal, []mesh.Finding, error) {
	refs := make([]mesh.Ref, len(entries))
	for i, e := range entries {
		refs[i] = e.Ref
	}
	if err := mayTryOut(ctx, refs...); err != nil {
		return nil, nil, err
	}
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, nil, problemOf(err)
	}
	if conflicts != nil && h.history != nil {
		if _, *conflicts, err = h.conflicts(ctx, entries, present); err != nil {
			return nil, nil, problemOf(err)
		}
	}
	proposal, refusals, err := preview.Resolve(ctx, entries, present)
	return proposal, refusals, problemOf(err)
}

type envoyDiffInput struct {
	Body struct {
		Entries []preview.Entry `json:"entries" minItems:"1" maxItems:"500"`
		Group   string          `json:"group" maxLength:"64" doc:"Id of the group in the preview"`
	}
}

type envoyDiffOutput struct {
	Body struct {
		Resources []preview.ResourceDiff `json:"resources"`
	}
}

// previewEnvoy shows what a change would do to Envoy's configuration.
func (h *Handlers) previewEnvoy(ctx context.Context, in *envoyDiffInput) (*envoyDiffOutput, error) {
	proposal, refusals, err := h.propose(ctx, in.Body.Entries, nil)
	if err != nil {
		return nil, err
	}
	if proposal == nil {
		return nil, refuse("the change cannot be read", refusals)
	}
	diffs, found, err := h.mesh.PreviewEnvoy(ctx, proposal, in.Body.Group)
	switch {
	case err != nil:
		return nil, problemOf(err)
	case !found:
		return nil, huma.NewError(http.StatusNotFound, "no group of proxies is told that any more; preview the change again")
	}
	out := &envoyDiffOutput{}
	out.Body.Resources = diffs
	return out, nil
}

// LiveDelivery is an element of the topic delivery, by pod UID.
type LiveDelivery struct {
	delivery.Proxy
	RPS float64 `json:"rps" doc:"Requests per second that the proxy sends"`
}
