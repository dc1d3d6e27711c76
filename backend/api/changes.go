package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

type putChangeInput struct {
	Body struct {
		Entries []preview.Entry `json:"entries" minItems:"1" maxItems:"500"`
		Force   bool            `json:"force,omitempty" doc:"Write even what would add errors to the mesh"`
		Note    string          `json:"note,omitempty" maxLength:"1000"`
		Undoes  string          `json:"undoes,omitempty" maxLength:"20" doc:"The change that this one takes back, after a merge"`
	}
}

type changeOutput struct {
	Body struct {
		// Change is absent when everything was already as it was to be.
		Change *history.Change `json:"change,omitempty"`
		// Findings are the warnings, or what was forced.
		Findings []mesh.Finding `json:"findings"`
	}
}

// putChange makes a change set, all or none.
func (h *Handlers) putChange(ctx context.Context, in *putChangeInput) (*changeOutput, error) {
	w := wish{entries: in.Body.Entries, force: in.Body.Force, by: history.By{Note: in.Body.Note, Undoes: in.Body.Undoes}}
	if w.by.Undoes != "" {
		if err := h.mayUndo(ctx, w); err != nil {
			return nil, err
		}
	}
	return h.make(ctx, w)
}

// mayUndo refuses a merge that pretends to take a change back: who may not write
// all of its objects, or writes others, would mark it as undone while it stands.
func (h *Handlers) mayUndo(ctx context.Context, w wish) error {
	c, err := h.history.Get(ctx, w.by.Undoes)
	if err != nil {
		return problemOf(err)
	}
	var refs []mesh.Ref
	for _, e := range c.Entries {
		if !slices.Contains(c.Stays, e.Ref) {
			refs = append(refs, e.Ref)
		}
	}
	if err := h.mayWrite(ctx, refs...); err != nil {
		return err
	}
	for _, e := range w.entries {
		if !slices.Contains(refs, e.Ref) {
			return newProblem(http.StatusUnprocessableEntity, "notOfTheChange", "that is no undo", "change "+c.ID+" did not touch "+e.Ref.String()+"; leave it out, or leave out undoes")
		}
	}
	return nil
}

type undoInput struct {
	ID   string `path:"id" maxLength:"20"`
	Body struct {
		Force bool `json:"force,omitempty" doc:"Write even what would add errors to the mesh"`
		Rest  bool `json:"rest,omitempty" doc:"Where some of the change stays, take back the rest of it"`
	}
}

// undoChange writes what stood there before a change, if nothing changed since. Of
// several who undo the same one, the first does it, and the others hear of that.
// What cannot be written as it was stays, and whoever undoes the rest has to know.
func (h *Handlers) undoChange(ctx context.Context, in *undoInput) (*changeOutput, error) {
	select {
	case h.undoing <- struct{}{}:
		defer func() { <-h.undoing }()
	case <-ctx.Done():
		return nil, problemOf(ctx.Err())
	}
	c, err := h.history.Get(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	switch {
	case c.UndoneBy != "":
		p := newProblem(http.StatusConflict, "undone", "it is undone already", "change "+c.ID+" was undone by change "+c.UndoneBy+"; undo that one to have it again")
		p.Params = map[string]any{"by": c.UndoneBy}
		return nil, p
	case !c.Undoable:
		return nil, newProblem(http.StatusConflict, "notUndoable", "it cannot be undone", "change "+c.ID+" is one of Secrets alone, and contents of Secrets are not kept; write them anew")
	case len(c.Stays) > 0 && !in.Body.Rest:
		p := newProblem(http.StatusConflict, "staysBehind", "not all of it can be undone",
			namesOf(c.Stays)+" would stay as it is, because contents of Secrets are not kept; ask for the rest to take back the other objects (heddle undo "+c.ID+" --rest)")
		p.Params = map[string]any{"stays": namesOf(c.Stays)}
		return nil, p
	}
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	return h.make(ctx, wish{entries: undoing(c, present), force: in.Body.Force, by: history.By{Undoes: c.ID}})
}

// wish is a change as somebody asks for it.
type wish struct {
	entries []preview.Entry
	force   bool
	by      history.By // without who
}

// make makes a change, and leaves a line in the audit log, whatever comes of it.
func (h *Handlers) make(ctx context.Context, w wish) (*changeOutput, error) {
	refs := make([]mesh.Ref, len(w.entries))
	for i, e := range w.entries {
		refs[i] = e.Ref
	}
	out, added, err := h.tryToMake(ctx, w, refs)
	id := ""
	if out != nil && out.Body.Change != nil {
		id = out.Body.Change.ID
	}
	h.note(ctx, w.by, refs, id, w.force, added, err)
	if err != nil {
		return nil, problemOf(err)
	}
	return out, nil
}

func (h *Handlers) tryToMake(ctx context.Context, w wish, refs []mesh.Ref) (out *changeOutput, added []mesh.Finding, err error) {
	if err := auth.MayWrite(ctx, refs...); err != nil {
		return nil, nil, err
	}
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, nil, err
	}
	rest, found, err := h.conflicts(ctx, w.entries, present)
	if err != nil {
		return nil, nil, err
	}
	if len(found) > 0 {
		return nil, nil, stale(found)
	}
	proposal, refusals, err := preview.Resolve(ctx, rest, present)
	if err != nil {
		return nil, nil, err
	}
	if proposal == nil {
		return nil, nil, refuse("nothing was written", refusals)
	}
	if added, err = h.weigh(ctx, weighing{objects: proposal.Written(), removed: proposal.Removed(), force: w.force}); err != nil {
		return nil, nil, err
	}
	out = &changeOutput{}
	out.Body.Findings = told(append(append([]mesh.Finding{}, proposal.Problems...), added...))
	var changes []source.Change
	for i, c := range proposal.Changes() {
		if before := proposal.Items[i].Before; c.Text == nil || before == nil || !bytes.Equal(before.Text, c.Text) {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 {
		return out, added, nil
	}
	endTurn(ctx)
	out.Body.Change, err = h.history.Write(ctx, h.by(ctx, w.by), changes)
	if errors.Is(err, source.ErrStale) || errors.Is(err, source.ErrNotFound) {
		// Somebody was faster by a moment.
		if present, again := h.mesh.Objects(ctx); again == nil {
			if _, found, again = h.conflicts(ctx, w.entries, present); again == nil && len(found) > 0 {
				err = stale(found)
			}
		}
	}
	return out, added, err
}

// by completes who asks.
func (h *Handlers) by(ctx context.Context, by history.By) history.By {
	who, _ := auth.From(ctx)
	by.Actor, by.Via = who.User, history.Via(who.Via)
	if who.User == auth.OwnerName && h.owner != "" {
		by.Actor = h.owner
	}
	return by
}

// write makes changes that the older routes ask for.
func (h *Handlers) write(ctx context.Context, changes []source.Change, force bool, added []mesh.Finding) error {
	refs := make([]mesh.Ref, len(changes))
	for i, c := range changes {
		refs[i] = c.Ref
	}
	endTurn(ctx)
	c, err := h.history.Write(ctx, h.by(ctx, history.By{}), changes)
	id := ""
	if c != nil {
		id = c.ID
	}
	h.note(ctx, history.By{}, refs, id, force, added, err)
	return problemOf(err)
}

// mayWrite refuses, and notes, what who asks may not write.
func (h *Handlers) mayWrite(ctx context.Context, refs ...mesh.Ref) error {
	err := auth.MayWrite(ctx, refs...)
	if err != nil {
		h.note(ctx, history.By{}, refs, "", false, nil, err)
	}
	return problemOf(err)
}

// actionUndo is that of taking a change back, in the audit log.
const actionUndo = "change.undo"

// maxNamed bounds how many objects a line names.
const maxNamed = 8

// namesOf names objects in a line.
func namesOf(refs []mesh.Ref) string {
	names := make([]string, 0, maxNamed)
	for i, ref := range refs {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("and %d more", len(refs)-maxNamed))
			break
		}
		names = append(names, ref.String())
	}
	return strings.Join(names, ", ")
}

// note leaves a line in the audit log about what somebody wrote, or wanted to.
func (h *Handlers) note(ctx context.Context, by history.By, refs []mesh.Ref, id string, force bool, added []mesh.Finding, err error) {
	if h.auth == nil {
		return
	}
	e := auth.Entry{Action: auth.ActionChange, Target: namesOf(refs), Outcome: auth.Done}
	var details []string
	if by.Undoes != "" {
		e.Action = actionUndo
		details = append(details, "undoes "+by.Undoes)
	}
	if id != "" {
		details = append(details, "change "+id)
	}
	if forced := errorsAmong(added); force && forced != "" {
		details = append(details, "forced "+forced)
	}
	if err != nil {
		e.Outcome = auth.Failed
		var status huma.StatusError
		if errors.As(problemOf(err), &status) && status.GetStatus() < http.StatusInternalServerError {
			e.Outcome = auth.Refused
		}
		details = append(details, err.Error())
		var p *Problem
		if errors.As(err, &p) && errorsAmong(p.Findings) != "" {
			details = append(details, errorsAmong(p.Findings))
		}
	}
	e.Detail = strings.Join(details, "; ")
	h.auth.Audit().Record(ctx, e)
}

// errorsAmong names the errors among findings.
func errorsAmong(findings []mesh.Finding) string {
	var out []string
	for _, f := range findings {
		if f.Severity == mesh.Error {
			out = append(out, f.Code+" "+f.Ref.String())
		}
	}
	return strings.Join(out, ", ")
}

type changesInput struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Before  string `query:"before" maxLength:"20" doc:"Only changes before this one: next of the page before"`
	Object  string `query:"object" maxLength:"640" doc:"Kind/namespace/name, the namespace _ for objects without one"`
	Service string `query:"service" maxLength:"508" doc:"Namespace/name: changes that act on the service"`
	Actor   string `query:"actor" maxLength:"256"`
	Via     string `query:"via" enum:"console,cli,file,up,token"`
}

type changesOutput struct {
	Body struct {
		Items []history.Change `json:"items"`
		Next  string           `json:"next,omitempty" doc:"What to give as before for the next page"`
	}
}

// changes lists changes, the newest first.
func (h *Handlers) changes(ctx context.Context, in *changesInput) (*changesOutput, error) {
	f := history.Filter{Limit: in.Limit, Before: in.Before, Service: in.Service, Actor: in.Actor, Via: history.Via(in.Via)}
	if in.Object != "" {
		parts := strings.Split(in.Object, "/")
		if len(parts) != 3 {
			return nil, huma.NewError(http.StatusUnprocessableEntity, fmt.Sprintf("object is Kind/namespace/name, not %q", in.Object))
		}
		path := ObjectPath{Kind: parts[0], Namespace: parts[1], Name: parts[2]}
		var err error
		if f.Object, err = path.ref(); err != nil {
			return nil, err
		}
	}
	out := &changesOutput{}
	items, next, err := h.history.List(ctx, f)
	if err != nil {
		return nil, problemOf(err)
	}
	out.Body.Items, out.Body.Next = append([]history.Change{}, items...), next
	return out, nil
}

type changeInput struct {
	ID string `path:"id" maxLength:"20"`
}

type oneChangeOutput struct{ Body *history.Change }

// change is one change with its texts.
func (h *Handlers) change(ctx context.Context, in *changeInput) (*oneChangeOutput, error) {
	c, err := h.history.Get(ctx, in.ID)
	if err != nil {
		return nil, problemOf(err)
	}
	return &oneChangeOutput{Body: c}, nil
}

type revisionsInput struct {
	ObjectPath
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Before string `query:"before" maxLength:"20"`
}

type revisionsOutput struct {
	Body struct {
		Items []history.Revision `json:"items"`
		Next  string             `json:"next,omitempty" doc:"What to give as before for the next page"`
	}
}

// revisions are the texts that an object had, the newest first.
func (h *Handlers) revisions(ctx context.Context, in *revisionsInput) (*revisionsOutput, error) {
	ref, err := in.ref()
	if err != nil {
		return nil, err
	}
	out := &revisionsOutput{}
	items, next, err := h.history.Revisions(ctx, ref, in.Limit, in.Before)
	if err != nil {
		return nil, problemOf(err)
	}
	out.Body.Items, out.Body.Next = append([]history.Revision{}, items...), next
	return out, nil
}
