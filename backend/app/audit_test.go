package app

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/mesh"
)

type recorded []string

func (r *recorded) Record(_ context.Context, e auth.Entry) {
	*r = append(*r, fmt.Sprintf("%s %s %s [%s] %s %s", e.Actor, e.Via, e.Action, e.Target, e.Outcome, e.Detail))
}

// A set of edits grows while files join it, and each object is named once; what
// somebody asked for is left to those who were asked.
func TestFoundChangesAreAudited(t *testing.T) {
	change := func(id string, via history.Via, names ...string) history.Change {
		c := history.Change{ID: id, Actor: "anna", Via: via}
		for _, name := range names {
			c.Entries = append(c.Entries, history.Entry{Ref: mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: name}})
		}
		return c
	}
	var got recorded
	f := &foundChanges{audit: &got}
	for _, c := range []history.Change{
		change("1", history.Up, "a", "b"), change("2", history.Console, "a"), change("3", history.CLI, "a"), change("4", history.Token, "a"),
		change("5", history.File, "a"), change("5", history.File, "a", "b", "c"), change("5", history.File, "a", "b", "c"), change("6", history.File, "a"),
	} {
		f.record(c)
	}
	want := recorded{
		"anna up change.apply [VirtualService default/a, VirtualService default/b] ok change 1",
		"anna file change.apply [VirtualService default/a] ok change 5",
		"anna file change.apply [VirtualService default/b, VirtualService default/c] ok change 5",
		"anna file change.apply [VirtualService default/a] ok change 6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
