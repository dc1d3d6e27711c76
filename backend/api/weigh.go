package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// weighing is a change that somebody wants to make.
type weighing struct {
	objects   []*mesh.Object
	manifests []Manifest // what the objects were read from
	removed   []mesh.Ref
	force     bool
	dryRun    bool // nothing is written, so nothing is forced
}

// weigh tells which findings a change would add. It refuses the change when one
// of them is an error, unless it is forced, which is logged. What was wrong
// before, and warnings, never keep anybody from writing.
func (h *Handlers) weigh(ctx context.Context, w weighing) ([]mesh.Finding, error) {
	added, err := h.mesh.Check(ctx, w.objects, w.removed)
	if err != nil {
		return nil, problemOf(err)
	}
	place := placing(w.objects, w.manifests)
	for i := range added {
		place(&added[i])
	}
	errors := slices.DeleteFunc(slices.Clone(added), func(f mesh.Finding) bool { return f.Severity != mesh.Error })
	switch {
	case len(errors) == 0 || w.dryRun:
		return added, nil
	case w.force:
		var codes []string
		for _, f := range errors[:min(len(errors), maxNamed)] {
			codes = append(codes, f.Code+" "+f.Ref.String())
		}
		h.log.WarnContext(ctx, "a change that adds errors was forced", "count", len(errors), "first", codes)
		return added, nil
	}
	return nil, refuseUnlessForced(fmt.Sprintf("nothing was written: the change would add %s to the mesh; correct it, or repeat it with force (heddle: --force)", counted(len(errors), "error")), errors)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// placing says where findings on objects that are written are: in their manifests,
// or, without any, in the texts of their own. Each text is read once, however many
// findings there are in it.
func placing(objects []*mesh.Object, manifests []Manifest) func(*mesh.Finding) {
	written := map[mesh.Ref]*mesh.Object{}
	for _, o := range objects {
		written[o.Ref] = o
	}
	files := map[string][]byte{}
	for _, m := range manifests {
		files[m.File] = []byte(m.Text)
	}
	placers := map[mesh.Ref]func(path string) (line, column int){}
	return func(f *mesh.Finding) {
		o := written[f.Ref]
		if o == nil {
			return
		}
		f.File = o.Origin.File
		place := placers[f.Ref]
		if place == nil {
			data, ok := files[f.File]
			switch {
			case ok:
				place = config.PlacerIn(data, o)
			case len(manifests) == 0:
				place = config.Placer(o.Text)
			default:
				return
			}
			placers[f.Ref] = place
		}
		f.Line, f.Column = place(f.Path)
	}
}
