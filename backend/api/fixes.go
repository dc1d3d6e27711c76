package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// Fix is one way to mend a finding: edits of one object.
type Fix struct {
	Does   string            `json:"does" enum:"edit,addSubsets,makeRule" doc:"edit mends the object at fault; the others change or make another one"`
	Params map[string]string `json:"params,omitempty" doc:"What it does, in names: subsets"`
	Ref    mesh.Ref          `json:"ref" doc:"The object that is changed, or made"`
	Edits  []mesh.Edit       `json:"edits,omitempty"`
	// Where the object stands in the manifests, it is changed there.
	File    string   `json:"file,omitempty"`
	Splices []Splice `json:"splices,omitempty" doc:"The edits as replacements in that file's text, which all apply to the text as it was sent"`
	// Else it is changed in the mesh.
	Entry *preview.Entry `json:"entry,omitempty" doc:"What to add to a change, where the object stands in no manifest; only where one finding is asked about"`
}

// doesEdit is what a Fix of the object at fault does.
const doesEdit = "edit"

// elsewhereOf shows the fixes of a finding that lie in other objects; units are of
// the texts, by the names of their files.
func elsewhereOf(l validate.Located, units map[string]*codeUnits) []Fix {
	out := []Fix{}
	for _, a := range l.Elsewhere {
		f := Fix{Does: string(a.Does), Params: a.Params, Ref: a.Ref, Edits: a.Edits, File: a.File}
		if u := units[a.File]; u != nil {
			f.Splices = splicesOf(a.Splices, u)
		}
		out = append(out, f)
	}
	return out
}

// splicesOf counts replacements as browsers do.
func splicesOf(list []config.Replacement, units *codeUnits) []Splice {
	out := []Splice{}
	for _, r := range list {
		out = append(out, Splice{From: units.before(r.From), To: units.before(r.To), Insert: r.Insert})
	}
	return out
}

type fixesInput struct {
	Body struct {
		Manifests []Manifest `json:"manifests,omitempty" maxItems:"500" doc:"What was checked; without any it is a finding of the running mesh"`
		Live      bool       `json:"live,omitempty" doc:"As it was checked"`
		Code      string     `json:"code" maxLength:"16"`
		Ref       mesh.Ref   `json:"ref"`
		Path      string     `json:"path,omitempty" maxLength:"4096"`
	}
}

type fixesOutput struct {
	Body struct {
		Fixes []Fix `json:"fixes" doc:"None where what is meant cannot be told, or the finding is gone"`
	}
}

// fixes are the ways to mend one finding. They are looked for however many others
// there are, as those of a whole answer are not.
func (h *Handlers) fixes(ctx context.Context, in *fixesInput) (*fixesOutput, error) {
	w := validate.Wanted{Code: in.Body.Code, Ref: in.Body.Ref, Path: in.Body.Path}
	present, err := h.mesh.Objects(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	var list []Fix
	if len(in.Body.Manifests) == 0 {
		list = h.fixesInMesh(w, present)
	} else if list, err = h.fixesIn(ctx, in, w, present); err != nil {
		return nil, err
	}
	out := &fixesOutput{}
	out.Body.Fixes = []Fix{}
	for _, f := range list {
		if f.File == "" {
			if f.Entry = entryOf(ctx, f, present); f.Entry == nil {
				continue
			}
		}
		out.Body.Fixes = append(out.Body.Fixes, f)
	}
	return out, nil
}

// fixesInMesh mend a finding of the running mesh. What would change an object that
// is no longer as it was looked at is left out: an edit names places by numbers.
func (h *Handlers) fixesInMesh(w validate.Wanted, present mesh.Table[mesh.Ref, *mesh.Object]) []Fix {
	snapshot := h.mesh.Snapshot()
	found, remedies, _ := validate.Mend(snapshot, h.mesh.Evidence(), w)
	var out []Fix
	if len(found.Fix) > 0 {
		out = append(out, Fix{Does: doesEdit, Ref: w.Ref, Edits: found.Fix})
	}
	for _, r := range remedies {
		out = append(out, made(r))
	}
	return slices.DeleteFunc(out, func(f Fix) bool {
		was, wasThere := snapshot.Get(f.Ref)
		is, isThere := present.Get(f.Ref)
		return wasThere != isThere || isThere && was.Version != is.Version
	})
}

// fixesIn mend a finding in manifests.
func (h *Handlers) fixesIn(ctx context.Context, in *fixesInput, w validate.Wanted, present mesh.Table[mesh.Ref, *mesh.Object]) ([]Fix, error) {
	answer, units, err := h.checked(ctx, in.Body.Manifests, in.Body.Live, &w, present)
	if err != nil {
		return nil, err
	}
	if len(answer.Findings) == 0 {
		return nil, nil
	}
	var out []Fix
	l := answer.Findings[0]
	if c := checkedOf(l, units); len(c.Splices) > 0 {
		out = append(out, Fix{Does: doesEdit, Ref: l.Ref, Edits: l.Fix, File: l.File, Splices: c.Splices})
	}
	for i, f := range elsewhereOf(l, units) {
		if f.File == "" {
			f = made(l.Elsewhere[i].Remedy)
		}
		out = append(out, f)
	}
	return out, nil
}

// made is a remedy in the mesh.
func made(r validate.Remedy) Fix {
	f := Fix{Does: string(r.Does), Params: r.Params, Ref: r.Ref, Edits: r.Edits}
	if r.Text != "" {
		f.Entry = &preview.Entry{Ref: r.Ref, YAML: r.Text}
	}
	return f
}

// entryOf is a fix as part of a change of the mesh; nil where the object has no
// text to be edited, or none that may be shown.
func entryOf(ctx context.Context, f Fix, present mesh.Table[mesh.Ref, *mesh.Object]) *preview.Entry {
	if f.Entry != nil {
		return f.Entry
	}
	o, there := present.Get(f.Ref)
	if !there || o.Text == nil || o.Kind == mesh.KindSecret {
		return nil
	}
	text, err := config.Splice(ctx, o.Text, f.Edits...)
	if err != nil {
		return nil
	}
	return &preview.Entry{Ref: f.Ref, ETag: o.Version, YAML: string(text)}
}

// checked checks manifests, or asks about one finding in them. It gives besides
// the texts by the names of their files. Together with the mesh nobody checks what
// they may not try out.
func (h *Handlers) checked(ctx context.Context, manifests []Manifest, live bool, only *validate.Wanted, present mesh.Table[mesh.Ref, *mesh.Object]) (validate.Answer, map[string]*codeUnits, error) {
	files, units := make([]config.File, len(manifests)), map[string]*codeUnits{}
	for i, m := range manifests {
		if units[m.File] != nil {
			return validate.Answer{}, nil, huma.NewError(http.StatusUnprocessableEntity, "there are two manifests \""+m.File+"\"; give each file a name of its own")
		}
		files[i], units[m.File] = config.File{Name: m.File, Data: []byte(m.Text)}, newCodeUnits(m.Text)
	}
	opt := validate.FileOptions{Settings: h.mesh.Snapshot().Settings, Splices: true, Only: only}
	if live {
		opt.Live, opt.Beside, opt.Evidence = true, slices.Collect(present.Values()), h.mesh.Evidence()
	}
	opt.Stop = ctx.Done()
	answer := validate.Files(files, validate.Together, opt)
	if err := ctx.Err(); err != nil || !live {
		return answer, units, problemOf(err)
	}
	var refs []mesh.Ref
	for _, held := range answer.Held {
		// What cannot be read, or is of no kind, takes no part in the mesh: anybody may
		// be told what is wrong with it.
		if isKind(held.Ref.Kind) {
			refs = append(refs, held.Ref)
		}
	}
	return answer, units, mayTryOut(ctx, refs...)
}

// isKind reports whether there are objects of a kind, be it for checks only.
func isKind(k mesh.Kind) bool {
	_, known := config.Lookup(k)
	_, other := config.LookupOther(k)
	return known || other
}
