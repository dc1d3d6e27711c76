// Package history keeps what was changed, by whom, and how to take it back: the
// change sets of a mesh and every revision of its objects.
//
// It records what the collector accepted, by comparing versions: whatever differs
// from what is recorded was changed, also in the folder by hand, also while
// nothing ran. Whoever writes through History is named; edits in the folder have
// the actor "file", several files within a second being one set; what heddle up
// brought from manifests is told by what the store remembers of them.
//
// While the database cannot be written, reading goes on, writes from the console
// are refused, and what else changes is recorded as soon as it can be.
package history

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

//go:embed migrations
var embedded embed.FS

// Migrations make the tables of a history; see backend/database.
func Migrations() fs.FS {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is right or nothing builds
	}
	return files
}

// Database is what History keeps its tables in; see backend/database.
type Database interface {
	Read() *sql.DB
	Write(ctx context.Context, change func(tx *sql.Tx) error) error
}

// Store is where objects are written; see mesh/source/file.
type Store interface {
	source.Writer
	// Objects are those that are there, no older than any Apply that returned.
	Objects(ctx context.Context) ([]*mesh.Object, error)
	// Writes is how many writes were made; see source.Update.
	Writes() uint64
	// Manifest is what an object was brought from; see file.Store.
	Manifest(ref mesh.Ref) (string, error)
}

// Bounds of what is kept where Options name no others.
const (
	DefaultRetention = 90 * 24 * time.Hour
	DefaultMaxBytes  = 256 << 20
)

// Options of New.
type Options struct {
	Database Database
	Store    Store
	// Owner is the actor of what heddle up brings.
	Owner string
	// Settle waits until every proxy has taken objects, or ctx ends.
	Settle func(ctx context.Context, written []*mesh.Object)
	// Services are those that objects act on, "namespace/name".
	Services func(objects []*mesh.Object) []string
	// Changes older than Retention are forgotten, and the oldest ones when all texts
	// together have more than MaxBytes. What is there now is always kept. Zero is
	// the default.
	Retention time.Duration
	MaxBytes  int64
	Log       *slog.Logger     // nil discards
	Now       func() time.Time // nil is time.Now
}

// History is the history of one mesh. Its methods are safe for concurrent use.
type History struct {
	o   Options
	log *slog.Logger

	// mu is held by whoever records or writes, one at a time.
	mu        sync.Mutex
	wrote     uint64           // the writes of the store after our last one
	recovered bool             // plans of an earlier run are settled
	backlog   []unrecorded     // what was written and could not be recorded
	seen      map[mesh.Ref]row // as recorded at the last observation
	seenAt    time.Time        // of that
	recorded  int              // sets since the last pruning

	observed chan observation // capacity one: the newest

	memory sync.Mutex // guards what follows
	latest map[mesh.Ref]Last
	recent []Change // of the last hour, the oldest first
	tell   []func(Change)
}

// row is what is recorded of an object.
type row struct{ version, applied string }

// observation is what the collector accepted.
type observation struct {
	objects []*mesh.Object
	writes  uint64
}

// unrecorded is a set that was written while the database could not be.
type unrecorded struct {
	id  int64 // of its plan, 0 without
	set set
}

// New makes the history of a mesh. Run makes it record.
func New(o Options) *History {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Settle == nil {
		o.Settle = func(context.Context, []*mesh.Object) {}
	}
	if o.Services == nil {
		o.Services = func([]*mesh.Object) []string { return nil }
	}
	return &History{o: o, log: o.Log, observed: make(chan observation, 1), latest: map[mesh.Ref]Last{}}
}

// OnRecorded has f called with every set that is recorded, texts included; for
// edits in the folder again with the same id when another file joins the set. It
// is to be called before Run, and f must not wait.
func (h *History) OnRecorded(f func(Change)) {
	h.memory.Lock()
	defer h.memory.Unlock()
	h.tell = append(h.tell, f)
}

// Latest is the change that made an object what it is; false when it is not
// known. It does not ask the database.
func (h *History) Latest(ref mesh.Ref) (Last, bool) {
	h.memory.Lock()
	defer h.memory.Unlock()
	l, ok := h.latest[ref]
	return l, ok
}

// recentFor is how long changes are kept at hand for Since.
const recentFor = time.Hour

// Since are the changes since a time in the last hour, the oldest first, without
// texts. It does not ask the database.
func (h *History) Since(t time.Time) []Change {
	h.memory.Lock()
	defer h.memory.Unlock()
	var out []Change
	for _, c := range h.recent {
		if !c.At.Before(t) {
			out = append(out, c)
		}
	}
	return out
}

// How often Run tries again what could not be recorded, and prunes.
const (
	retryEvery = 5 * time.Second
	pruneEvery = time.Hour
	pruneAfter = 200 // sets
)

// Run records what Observe is told, until ctx ends.
func (h *History) Run(ctx context.Context) error {
	h.remember(ctx)
	h.prune(ctx)
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	tidy := time.NewTicker(pruneEvery)
	defer tidy.Stop()
	var last observation
	due := false // last is not recorded
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case last = <-h.observed:
			due = true
		case <-retry.C:
		case <-tidy.C:
			h.prune(ctx)
			continue
		}
		if due {
			due = h.record(ctx, last) != nil
		}
		if h.crowded() {
			h.prune(ctx)
		}
	}
}

// crowded reports whether so much was recorded that it is time to prune.
func (h *History) crowded() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recorded >= pruneAfter
}

// Observe tells what the collector accepted: all objects of the store, and how
// many writes they hold. It does not wait.
func (h *History) Observe(objects []*mesh.Object, writes uint64) {
	next := observation{objects, writes}
	for {
		select {
		case h.observed <- next:
			return
		default:
		}
		select {
		case old := <-h.observed:
			if old.writes > next.writes {
				next = old
			}
		default:
		}
	}
}

// remember reads what is kept at hand.
func (h *History) remember(ctx context.Context) {
	latest, err := h.readLatest(ctx)
	if err != nil {
		h.log.Warn("the history cannot be read", slog.Any("error", err))
		return
	}
	recent, _, err := h.List(ctx, Filter{Limit: maxLimit})
	if err != nil {
		h.log.Warn("the history cannot be read", slog.Any("error", err))
		return
	}
	slices.Reverse(recent)
	h.memory.Lock()
	defer h.memory.Unlock()
	h.latest, h.recent = latest, recent
	h.forget()
}

// forget drops what is no longer recent. The caller holds memory.
func (h *History) forget() {
	since := h.o.Now().Add(-recentFor)
	h.recent = slices.DeleteFunc(h.recent, func(c Change) bool { return c.At.Before(since) })
}

// announce tells of sets that were recorded.
func (h *History) announce(ctx context.Context, ids ...int64) {
	for _, id := range ids {
		c, err := h.Get(ctx, formatID(id))
		if err != nil {
			h.log.Warn("a change cannot be read back", slog.Int64("change", id), slog.Any("error", err))
			continue
		}
		bare := *c
		bare.Entries = slices.Clone(c.Entries)
		for i := range bare.Entries {
			bare.Entries[i].Before, bare.Entries[i].After = nil, nil
		}
		h.memory.Lock()
		for _, e := range c.Entries {
			if e.Op == Delete {
				delete(h.latest, e.Ref)
			} else {
				h.latest[e.Ref] = Last{ID: c.ID, At: c.At, Actor: c.Actor, Via: c.Via}
			}
		}
		h.recent = slices.DeleteFunc(h.recent, func(r Change) bool { return r.ID == c.ID })
		h.recent = append(h.recent, bare)
		h.forget()
		tell := slices.Clone(h.tell)
		h.memory.Unlock()
		for _, f := range tell {
			f(*c)
		}
	}
}
