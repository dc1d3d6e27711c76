package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// placed says of findings where a person finds what they are about.
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
	out, err := p.store.Placed(findings, written)
	if err != nil {
		p.log.Warn("findings do not name places", slog.Any("error", err))
	}
	return out
}
