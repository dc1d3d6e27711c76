package app

import (
	"cmp"
	"os/user"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// openHistory makes the recorder of what is changed.
func (p *plane) openHistory() {
	p.owner = ownerName()
	p.history = history.New(history.Options{
		Database: p.people.database, Store: p.store, Owner: p.owner, Settle: p.Settle, Services: p.servicesOf,
		Retention: p.settings.History.Retention, MaxBytes: p.settings.History.MaxBytes, Log: p.log,
	})
	p.history.OnRecorded(func(c history.Change) {
		p.event("change", api.LiveChange{Change: c.ID, At: c.At, Actor: c.Actor, Via: c.Via, Summary: c.Summary})
	})
	p.history.OnRecorded((&foundChanges{audit: p.people.auth.Audit()}).record)
	p.health.changes = p.changesSince
}

// changesSince are the changes that may be why something is not well.
func (p *plane) changesSince(t time.Time) []graph.Change {
	var out []graph.Change
	for _, c := range p.history.Since(t) {
		g := graph.Change{ID: c.ID, At: c.At, Actor: c.Actor, Services: c.Services}
		for _, e := range c.Entries {
			g.Refs = append(g.Refs, e.Ref)
		}
		out = append(out, g)
	}
	return out
}

// ownerName is who the mesh belongs to.
func ownerName() string {
	if me, err := user.Current(); err == nil {
		return cmp.Or(me.Username, auth.OwnerName)
	}
	return auth.OwnerName
}

// servicesOf are the services that objects act on, "namespace/name", whether the
// latest snapshot holds them or not.
func (p *plane) servicesOf(objects []*mesh.Object) []string {
	snap := p.Snapshot()
	objects = slices.DeleteFunc(slices.Clone(objects), func(o *mesh.Object) bool {
		return !configures(o) || scopeOf(o, snap.Settings.RootNamespace) != "services"
	})
	if len(objects) == 0 {
		return nil
	}
	snap = snap.With(objects...)
	var out []string
	for _, o := range objects {
		for _, host := range graph.ActsOn(snap, o.Ref).Hosts {
			if s, ok := snap.Services.Get(host); ok {
				out = append(out, s.Namespace+"/"+s.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words keeps what a source said, until it is known that it was taken in.
type words struct {
	mu   sync.Mutex
	said map[uint64]source.Update // by token
}

func (w *words) keep(u source.Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.said == nil {
		w.said = map[uint64]source.Update{}
	}
	w.said[u.Token] = u
}

// take gives what was said with a token, once, and forgets what was said before.
func (w *words) take(token uint64) (source.Update, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := w.said[token]
	for t := range w.said {
		if t <= token {
			delete(w.said, t)
		}
	}
	return u, ok
}
