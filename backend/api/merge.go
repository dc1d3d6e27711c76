package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

type mergeInput struct {
	Body struct {
		Base   string `json:"base" maxLength:"1048576" doc:"What both were made from"`
		Theirs string `json:"theirs" maxLength:"1048576"`
		Mine   string `json:"mine" maxLength:"1048576"`
	}
}

type mergeOutput struct {
	Body struct {
		Hunks  []merge.Hunk `json:"hunks"`
		Merged *string      `json:"merged,omitempty" doc:"The text without a conflict; absent when there is one"`
	}
}

// merge joins three texts by their lines.
func (h *Handlers) merge(_ context.Context, in *mergeInput) (*mergeOutput, error) {
	out := &mergeOutput{}
	out.Body.Hunks, out.Body.Merged = merged(merge.Lines(in.Body.Base, in.Body.Theirs, in.Body.Mine))
	return out, nil
}

func merged(hunks []merge.Hunk) ([]merge.Hunk, *string) {
	if hunks == nil {
		hunks = []merge.Hunk{}
	}
	if text, clean := merge.Merged(hunks); clean {
		return hunks, &text
	}
	return hunks, nil
}

// conflicts are the entries that somebody else got in the way of: the object is
// another one than they were made from. What is already as an entry wants it is
// in nobody's way; such entries are left out of the rest.
func (h *Handlers) conflicts(ctx context.Context, entries []preview.Entry, present mesh.Table[mesh.Ref, *mesh.Object]) (rest []preview.Entry, found []merge.Conflict, err error) {
	shown := map[mesh.Ref]bool{}
	for _, e := range entries {
		now, _ := present.Get(e.Ref)
		version := ""
		if now != nil {
			version = now.Version
		}
		// An object that is named again and again is refused for that, and its text
		// not compared as often.
		if e.ETag == source.Any || e.ETag == version || shown[e.Ref] {
			rest = append(rest, e)
			continue
		}
		shown[e.Ref] = true
		c, settled, err := h.conflict(ctx, e, now)
		switch {
		case err != nil:
			return nil, nil, err
		case !settled:
			found = append(found, c)
		}
	}
	return rest, found, nil
}

// conflict shows what an entry was made from, what is there, and what it wants;
// settled when the last two are the same.
func (h *Handlers) conflict(ctx context.Context, e preview.Entry, now *mesh.Object) (c merge.Conflict, settled bool, err error) {
	c.Ref = e.Ref
	var base []byte
	if e.ETag != "" {
		if base, _, err = h.history.Revision(ctx, e.ETag); err != nil {
			return c, false, err
		}
	}
	theirs := []byte(nil)
	if now != nil {
		theirs, c.ETag = now.Text, now.Version
		if last, ok := h.history.Latest(e.Ref); ok {
			c.TheirsBy = &merge.By{Actor: last.Actor, At: last.At, Change: last.ID}
		}
	}
	mine := []byte(e.YAML)
	switch {
	case e.Delete:
		mine = nil
	case len(e.Edits) > 0:
		from := base
		if from == nil {
			from = theirs
		}
		if mine, err = config.Splice(ctx, from, e.Edits...); err != nil {
			return c, false, huma.NewError(http.StatusUnprocessableEntity, e.Ref.String()+": "+err.Error())
		}
	}
	if (now == nil) == e.Delete && bytes.Equal(theirs, mine) {
		return c, true, nil
	}
	if e.Ref.Kind == mesh.KindSecret { // its content is nobody's to read back
		c.Hunks = []merge.Hunk{{Kind: merge.Clash}}
		return c, false, nil
	}
	c.Base, c.Theirs, c.Mine = string(base), string(theirs), string(mine)
	if now == nil || e.Delete {
		c.Hunks = []merge.Hunk{{Kind: merge.Clash, Base: c.Base, Theirs: c.Theirs, Mine: c.Mine}}
		return c, false, nil
	}
	c.Hunks, c.Merged = merged(merge.Lines(c.Base, c.Theirs, c.Mine))
	return c, false, nil
}

// stale answers 412 with what is in the way.
func stale(found []merge.Conflict) error {
	p := newProblem(http.StatusPreconditionFailed, "stale", "somebody else changed it",
		"nothing was written: "+found[0].Ref.String()+" is not what the change was made from; merge both and write the result over the etag of the conflict")
	p.Conflicts = found
	return p
}

// undoing are the entries that take a change back, without what stays.
func undoing(c *history.Change, present mesh.Table[mesh.Ref, *mesh.Object]) []preview.Entry {
	var out []preview.Entry
	for _, e := range slices.Backward(c.Entries) {
		if slices.Contains(c.Stays, e.Ref) {
			continue
		}
		back := preview.Entry{Ref: e.Ref, ETag: e.AfterETag, Delete: e.Before == nil}
		if e.Before != nil {
			back.YAML = *e.Before
		}
		now, ok := present.Get(e.Ref)
		// Blank space around a document, which moves with its neighbours in the file,
		// is no change since.
		if ok && e.After != nil && bytes.Equal(bytes.TrimSpace(now.Text), bytes.TrimSpace([]byte(*e.After))) {
			back.ETag = now.Version
		}
		out = append(out, back)
	}
	return out
}
