// Package source holds the contract of a source of objects, the contract of a
// writer, and Collect, which gathers what all sources say into the inputs of a
// snapshot.
package source

import (
	"context"
	"errors"

	"github.com/heddle-mesh/heddle/mesh"
)

// Update is the whole truth of one source at one moment: every kind it serves,
// those without objects included. It replaces the source's update before it.
type Update struct {
	Source   string
	Objects  []*mesh.Object
	Findings []mesh.Finding
	// Writes is how many writes of the source's own Writer, made by this process,
	// the objects hold. Each write is followed by an update that holds it, also
	// when nothing else is new in that. Zero where nobody counts.
	Writes uint64
	// Token is handed back by Collect's callback once a snapshot with this
	// update exists, so that a source can learn when its word has landed.
	Token uint64
}

// A Source reports objects.
//
// Run sends an Update as soon as it knows its whole truth once, even when that
// is empty, and again whenever it may have changed. It returns when ctx ends,
// keeps trying when its origin is away (and says so by a finding in an update
// that repeats its last word), and never closes out.
type Source interface {
	Name() string
	Run(ctx context.Context, out chan<- Update) error
}

// Change is one object to be written. All changes of one Apply are made, or none.
type Change struct {
	Ref mesh.Ref
	// Text is the new document; nil deletes the object.
	Text []byte
	// Expect is the Version that the change was made from. Empty means "must
	// not exist yet", Any means "whatever is there".
	Expect string
	// From is the manifest that the text came from, if a person named one.
	From string
}

// Any as Change.Expect overwrites whatever version is there.
const Any = "*"

// ErrStale reports that an object has another version than the change expected.
var ErrStale = errors.New("object changed meanwhile")

// ErrNotFound reports that an object to change does not exist.
var ErrNotFound = errors.New("object not found")

// ErrUnreadable reports that the text of an object was edited since and cannot be
// read: what stands there would be lost. A change that expects Any overwrites it.
var ErrUnreadable = errors.New("its text was edited and cannot be read")

// A Writer stores objects. Apply is atomic over all changes; what it wrote
// comes back through the source, there is no second path into the model.
type Writer interface {
	Apply(ctx context.Context, changes []Change) error
}
