package local_test

import (
	"path/filepath"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source"
	"github.com/heddle-mesh/heddle/mesh/source/local"
	"github.com/heddle-mesh/heddle/mesh/source/sourcetest"
)

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Subject {
		path := filepath.Join(t.TempDir(), "cluster.sock")
		s, err := local.Listen(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		revision := uint64(0)
		objects := map[mesh.Ref]*mesh.Object{}
		publish := func(t *testing.T, changes []source.Change) {
			for _, c := range changes {
				delete(objects, c.Ref)
				for _, o := range config.Decode("", c.Text).Objects {
					objects[o.Ref] = o
				}
			}
			revision++
			state := local.State{Revision: revision}
			for _, o := range objects {
				state.Objects = append(state.Objects, o)
			}
			if err := s.Publish(state); err != nil {
				t.Fatal(err)
			}
		}
		publish(t, nil)
		return sourcetest.Subject{Source: local.Dial(path, nil), Change: publish}
	})
}
