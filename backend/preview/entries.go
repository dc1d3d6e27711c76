package preview

import (
	"context"
	"fmt"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Entry is one object of a change as somebody asks for it: a whole document,
// edits of the present one, or its deletion.
type Entry struct {
	Ref mesh.Ref `json:"ref"`
	// ETag is the version that the change was made from: empty means that the
	// object must not exist yet, "*" whatever is there.
	ETag   string        `json:"etag,omitempty" maxLength:"128"`
	YAML   string        `json:"yaml,omitempty" maxLength:"4194304"`
	Edits  []config.Edit `json:"edits,omitempty" maxItems:"200"`
	Delete bool          `json:"delete,omitempty"`
}

// Item is an Entry with what it comes to.
type Item struct {
	Entry
	Before *mesh.Object // nil where there is none
	After  *mesh.Object // nil where it is deleted
	// Stale is true when the present object is not the one that the entry was
	// made from.
	Stale bool
}

// Proposal is a change that can be weighed: every entry is an object.
type Proposal struct {
	Items []Item
	// Problems are warnings about the texts; errors keep a Proposal from being.
	Problems []mesh.Finding
}

// Resolve reads entries against the objects that are present. Where something
// cannot be read, or names another object than it should, there is no proposal,
// and the findings say why, with their lines. The only error is that of ctx, when
// it ends first.
func Resolve(ctx context.Context, entries []Entry, present mesh.Table[mesh.Ref, *mesh.Object]) (*Proposal, []mesh.Finding, error) {
	p := &Proposal{}
	var refusals []mesh.Finding
	seen := map[mesh.Ref]bool{}
	for _, e := range entries {
		if seen[e.Ref] {
			refusals = append(refusals, refusal(e.Ref, mesh.CodeDuplicate, "the change names this object twice; join both entries"))
			continue
		}
		seen[e.Ref] = true
		item := Item{Entry: e}
		item.Before, _ = present.Get(e.Ref)
		item.Stale = stale(e.ETag, item.Before)
		problems := item.read(ctx)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		failed := false
		for _, f := range problems {
			failed = failed || f.Severity == mesh.Error
		}
		if failed {
			refusals = append(refusals, problems...)
			continue
		}
		p.Problems = append(p.Problems, problems...)
		p.Items = append(p.Items, item)
	}
	if len(refusals) > 0 {
		return nil, append(refusals, p.Problems...), nil
	}
	return p, nil, nil
}

func stale(etag string, present *mesh.Object) bool {
	switch {
	case etag == source.Any:
		return false
	case present == nil:
		return etag != ""
	}
	return etag != present.Version
}

// read makes the object of the item and gives what is wrong with its text.
func (i *Item) read(ctx context.Context) []mesh.Finding {
	if i.Delete {
		if i.Before == nil {
			return []mesh.Finding{refusal(i.Ref, mesh.CodeSchema, "there is nothing to delete: the object does not exist")}
		}
		return nil
	}
	text, file := []byte(i.YAML), ""
	if i.Before != nil {
		file = i.Before.Origin.File
	}
	if len(i.Edits) > 0 {
		if i.YAML != "" {
			return []mesh.Finding{refusal(i.Ref, mesh.CodeSchema, "an entry is a whole document or edits, not both")}
		}
		if i.Before == nil || i.Before.Text == nil {
			return []mesh.Finding{refusal(i.Ref, mesh.CodeSchema, "there is no text to edit; send the whole document")}
		}
		edited, err := config.Splice(ctx, i.Before.Text, i.Edits...)
		if err != nil {
			return []mesh.Finding{refusal(i.Ref, mesh.CodeSchema, err.Error())}
		}
		text = edited
	}
	r := config.Decode(file, text)
	for n := range r.Problems {
		if r.Problems[n].Ref == (mesh.Ref{}) {
			r.Problems[n].Ref = i.Ref // text that is no object belongs to the entry
		}
	}
	for _, f := range r.Problems {
		if f.Severity == mesh.Error {
			return r.Problems
		}
	}
	switch {
	case len(r.Objects) != 1:
		return append(r.Problems, refusal(i.Ref, mesh.CodeSyntax, fmt.Sprintf("the text holds %d objects; an entry is one document", len(r.Objects))))
	case r.Objects[0].Ref != i.Ref:
		return append(r.Problems, refusal(i.Ref, mesh.CodeSchema, fmt.Sprintf("the text is %s; to rename an object, create the new one and delete this one", r.Objects[0].Ref)))
	}
	i.After = r.Objects[0]
	if i.Before != nil {
		i.After.Origin, i.After.Created = i.Before.Origin, i.Before.Created
	}
	return r.Problems
}

func refusal(ref mesh.Ref, code, message string) mesh.Finding {
	return mesh.Finding{Code: code, Severity: mesh.Error, Phase: mesh.PhaseDecode, Ref: ref, Message: message}
}

// Written are the objects that the change writes.
func (p *Proposal) Written() []*mesh.Object {
	var list []*mesh.Object
	for _, i := range p.Items {
		if i.After != nil {
			list = append(list, i.After)
		}
	}
	return list
}

// Removed are the objects that it deletes.
func (p *Proposal) Removed() []mesh.Ref {
	var list []mesh.Ref
	for _, i := range p.Items {
		if i.After == nil {
			list = append(list, i.Ref)
		}
	}
	return list
}

// Apply is the snapshot as it would be after the change.
func (p *Proposal) Apply(before *mesh.Snapshot) *mesh.Snapshot {
	after := before
	if removed := p.Removed(); len(removed) > 0 {
		after = after.Without(removed...)
	}
	if written := p.Written(); len(written) > 0 {
		after = after.With(written...)
	}
	return after
}

// Changes is the proposal for a Writer.
func (p *Proposal) Changes() []source.Change {
	list := make([]source.Change, 0, len(p.Items))
	for _, i := range p.Items {
		c := source.Change{Ref: i.Ref, Expect: i.ETag}
		if i.After != nil {
			c.Text = i.After.Text
		}
		if i.Before != nil {
			c.From = i.Before.Origin.From
		}
		list = append(list, c)
	}
	return list
}
