package api

import (
	"context"
	"fmt"
	"log/slog"
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
}

// weigh tells which findings a change would add. It refuses the change when one
// of them is an error, unless it is forced, which is logged. What was wrong
// before, and warnings, never keep anybody from writing.
func (h *Handlers) weigh(ctx context.Context, w weighing) ([]mesh.Finding, error) {
	added, err := h.mesh.Check(ctx, w.objects, w.removed)
	if err != nil {
		return nil, problemOf(err)
	}
	for i := range added {
		added[i] = w.place(added[i])
	}
	errors := slices.DeleteFunc(slices.Clone(added), func(f mesh.Finding) bool { return f.Severity != mesh.Error })
	switch {
	case len(errors) == 0:
		return added, nil
	case w.force:
		codes := make([]string, len(errors))
		for i, f := range errors {
			codes[i] = f.Code + " " + f.Ref.String()
		}
		h.log.WarnContext(ctx, "a change that adds errors was forced", slog.Any("errors", codes))
		return added, nil
	}
	return nil, refuseUnlessForced(fmt.Sprintf("nothing was written: the change would add %s to the mesh; correct it, or repeat it with force (heddle: --force)", counted(len(errors), "error")), errors)
}

// place says where a finding on an object that is written is: in its manifest, or
// else in the text of its own.
func (w weighing) place(f mesh.Finding) mesh.Finding {
	if len(w.manifests) > 0 {
		return inManifest(f, w.objects, w.manifests)
	}
	for _, o := range w.objects {
		if o.Ref == f.Ref {
			f.File = o.Origin.File
			f.Line, f.Column = config.Place(o.Text, f.Path)
		}
	}
	return f
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// inManifest places a finding on an object in the manifest it was read from.
func inManifest(f mesh.Finding, objects []*mesh.Object, manifests []Manifest) mesh.Finding {
	for _, o := range objects {
		if o.Ref != f.Ref {
			continue
		}
		f.File = o.Origin.File
		for _, m := range manifests {
			if m.File == f.File {
				f.Line, f.Column = config.PlaceIn([]byte(m.Text), o, f.Path)
			}
		}
	}
	return f
}
