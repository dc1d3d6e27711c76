package app

import (
	"context"
	"strings"
	"sync"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/mesh"
)

// foundChanges leaves a line in the audit log for each change that nobody asked
// this control plane for: edits in the folder, and what heddle up brought. Those
// that somebody asks for have theirs from there, with what was refused.
type foundChanges struct {
	audit auth.Recorder

	mu    sync.Mutex
	last  string            // the id of the latest one
	named map[mesh.Ref]bool // of that, in the lines so far
}

// record takes a change, once more with the same id when files joined it.
func (f *foundChanges) record(c history.Change) {
	if c.Via != history.File && c.Via != history.Up {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != c.ID {
		f.last, f.named = c.ID, map[mesh.Ref]bool{}
	}
	var names []string
	for _, e := range c.Entries {
		if !f.named[e.Ref] {
			f.named[e.Ref] = true
			names = append(names, e.Ref.String())
		}
	}
	if len(names) > 0 {
		f.audit.Record(context.Background(), auth.Entry{
			Actor: c.Actor, Via: auth.Via(c.Via), Action: auth.ActionChange, Target: strings.Join(names, ", "), Outcome: auth.Done, Detail: "change " + c.ID,
		})
	}
}
