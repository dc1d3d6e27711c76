package mesh_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestHeadKeepsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var h mesh.Head
		if h.Get() != nil {
			t.Fatal("an empty head holds a snapshot")
		}
		early := h.Watch(ctx)
		one, two, three := &mesh.Snapshot{}, &mesh.Snapshot{}, &mesh.Snapshot{}
		h.Set(one)
		if got := <-early; got != one {
			t.Error("the first snapshot did not arrive")
		}
		h.Set(two)
		h.Set(three)
		late := h.Watch(ctx)
		if got := <-early; got != three {
			t.Error("a slow watcher did not get the newest")
		}
		if got := <-late; got != three {
			t.Error("a late watcher did not get the latest")
		}
		cancel()
		synctest.Wait()
		if _, open := <-early; open {
			t.Error("the channel is open after its context ended")
		}
		h.Set(one)
		if h.Get() != one {
			t.Error("the head does not hold what was set")
		}
	})
}
