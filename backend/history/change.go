package history

import (
	"strconv"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// Via is the way a change came in by.
type Via string

// The ways.
const (
	Console Via = "console" // a browser
	Token   Via = "token"   // a program with a token
	CLI     Via = "cli"     // the command line
	Up      Via = "up"      // manifests brought by heddle up
	File    Via = "file"    // an edit in the folder of the configuration
)

// FileActor is the actor of edits in the folder: nobody knows who made them.
const FileActor = "file"

// Op is what a change did to an object.
type Op string

// What can be done.
const (
	Create Op = "create"
	Modify Op = "change"
	Delete Op = "delete"
)

// Change is a change set: the unit of preview, writing, audit and undo.
type Change struct {
	ID      string    `json:"id"`
	Actor   string    `json:"actor"`
	Via     Via       `json:"via" enum:"console,cli,file,up,token"`
	At      time.Time `json:"at"`
	Note    string    `json:"note,omitempty"`
	Summary Summary   `json:"summary"`
	Entries []Entry   `json:"entries"`
	// Undoes is the change that this one took back, UndoneBy the one that took this
	// one back and was not taken back itself.
	Undoes   string `json:"undoes,omitempty"`
	UndoneBy string `json:"undoneBy,omitempty"`
	// Undoable is true for a change that is in force, and of which at least one
	// object can be written as it was.
	Undoable bool `json:"undoable"`
	// Stays are objects of the change that an undo leaves as they are: Secrets,
	// whose texts are not kept.
	Stays []mesh.Ref `json:"stays,omitempty"`
	// Services are those that the change acted on, "namespace/name".
	Services []string `json:"services,omitempty"`
}

// Entry is what a change did to one object. The texts are there in the answer
// about one change, and never of a Secret.
type Entry struct {
	Ref    mesh.Ref `json:"ref"`
	Op     Op       `json:"op" enum:"create,change,delete"`
	Before *string  `json:"before,omitempty"`
	After  *string  `json:"after,omitempty"`
	// BeforeETag and AfterETag are the versions; empty where there was no object, and
	// of a Secret.
	BeforeETag string `json:"beforeEtag,omitempty"`
	AfterETag  string `json:"afterEtag,omitempty"`
}

// Revision is the text of an object after a change.
type Revision struct {
	Change string    `json:"change"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Via    Via       `json:"via" enum:"console,cli,file,up,token"`
	Op     Op        `json:"op" enum:"create,change,delete"`
	ETag   string    `json:"etag,omitempty"`
	// Text is null where the object was deleted, and of a Secret.
	Text *string `json:"text"`
}

// By says who changes something, and what for.
type By struct {
	Actor  string
	Via    Via
	Note   string
	Undoes string // the change that is taken back, if any
}

// Last is the change that made an object what it is.
type Last struct {
	ID    string    `json:"change"`
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Via   Via       `json:"via"`
}

// text is a document; nil pointers stand for an object that is not there.
type text struct {
	version string
	bytes   []byte
}

// edit is what a set does to one object.
type edit struct {
	ref           mesh.Ref
	before, after *text
	applied       string // of the manifest, afterwards
}

func (e edit) op() Op {
	switch {
	case e.before == nil:
		return Create
	case e.after == nil:
		return Delete
	}
	return Modify
}

// set is a change set that is to be recorded.
type set struct {
	By
	at    time.Time
	edits []edit
}

// kept reports whether the text of objects of a kind is kept. A secret that was
// taken away must not live on in a history.
func kept(k mesh.Kind) bool { return k != mesh.KindSecret }

func formatID(id int64) string { return strconv.FormatInt(id, 10) }

// ParseID reads the id of a change.
func ParseID(s string) (int64, bool) {
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0
}
