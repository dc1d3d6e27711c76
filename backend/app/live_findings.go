package app

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh"
)

// tellFindings computes all findings.
func (p *plane) tellFindings(ctx context.Context, _ live.Params, publish func(live.Whole)) error {
	return keep(ctx, pace{atLeast: lookEvery, gap: shortGap}, p.live.changed.watch(ctx), func(context.Context) {
		whole := live.Whole{}
		for id, f := range identified(p.Findings()) {
			whole[id] = f
		}
		publish(whole)
	})
}

// identified gives each finding a name: what it says of which field. Of several
// that say the same, the later ones in order are numbered.
func identified(findings []mesh.Finding) map[string]mesh.Finding {
	out := make(map[string]mesh.Finding, len(findings))
	for _, f := range findings {
		id := f.Code + " " + f.Ref.ID() + " " + f.Path
		for n := 2; ; n++ {
			if _, taken := out[id]; !taken {
				break
			}
			id = f.Code + " " + f.Ref.ID() + " " + f.Path + " #" + strconv.Itoa(n)
		}
		out[id] = f
	}
	return out
}

// noteFindings makes events of findings that come and go. It looks only when
// something changed.
func (p *plane) noteFindings(ctx context.Context) error {
	changed := p.live.changed.watch(ctx)
	for p.Ready() != "" { // what is found at the start is not news
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var before map[string]mesh.Finding
	return keep(ctx, pace{gap: time.Second}, changed, func(context.Context) {
		now := identified(p.Findings())
		if before != nil {
			for _, e := range findingEvents(before, now) {
				p.event("finding", e)
			}
		}
		before = now
	})
}

// findingEvents are the findings that came, and those that went.
func findingEvents(before, now map[string]mesh.Finding) []api.LiveFinding {
	var out []api.LiveFinding
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, still := now[id]; !still {
			out = append(out, api.LiveFinding{Op: "gone", Finding: before[id]})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(now)) {
		if _, was := before[id]; !was {
			out = append(out, api.LiveFinding{Op: "new", Finding: now[id]})
		}
	}
	return out
}
