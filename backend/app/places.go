package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// placed says of findings where a person finds what they are about. Findings on
// text that is no object are where the text is already.
func (p *plane) placed(findings []mesh.Finding) []mesh.Finding {
	if len(findings) == 0 {
		return findings
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	written, err := p.store.Objects(ctx)
	if err != nil {
		p.log.Warn("findings do not name places", slog.Any("error", err))
		return findings
	}
	places, err := p.store.Places()
	if err != nil {
		p.log.Warn("findings do not name places", slog.Any("error", err))
		return findings
	}
	objects := map[mesh.Ref]*mesh.Object{}
	for _, o := range written {
		if objects[o.Ref] == nil {
			objects[o.Ref] = o
		}
	}
	out := make([]mesh.Finding, len(findings))
	for i, f := range findings {
		if o := objects[f.Ref]; o != nil && (f.Phase != mesh.PhaseDecode || f.Severity != mesh.Error) {
			f.File, f.Line, f.Column = places.Find(o, f.Path)
		}
		out[i] = f
	}
	return out
}
