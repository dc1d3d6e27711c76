package serve

import (
	"fmt"
	"maps"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// effect is what proxies have in the place of resources that cannot be made as
// their objects say.
type effect struct {
	typ           string
	kept, without int       // proxies that keep what they accepted last, and that have nothing to keep
	since         time.Time // when the newest of what is kept was sent; zero is unknown
	ruled         bool      // whether somebody declared the routes in it
}

// effectOf is what a proxy has in the place of an entry without content. The
// caller holds the stream's lock.
func (v *view) effectOf(e *entry) effect {
	fx := effect{typ: e.typ}
	h := v.goods.find(v.variant, e.typ, e.name)
	if h.content == nil || v.rejected(h.content) {
		fx.without = 1
		return fx
	}
	fx.kept, fx.since, fx.ruled = 1, h.since, h.content.facts.ruled
	return fx
}

func (fx *effect) join(o effect) {
	if o.kept > 0 && (fx.kept == 0 || o.since.After(fx.since)) {
		fx.since, fx.ruled = o.since, o.ruled
	}
	fx.typ = o.typ
	fx.kept += o.kept
	fx.without += o.without
}

// text says what is in force, in a sentence.
func (fx effect) text(now time.Time) string {
	version := "the version before"
	if !fx.since.IsZero() {
		version += ", of " + clock(fx.since, now)
	}
	if fx.typ != xds.VirtualHostType {
		if fx.kept == 0 {
			return "Nothing of it is in force."
		}
		return "Proxies keep what they made of " + version + "."
	}
	switch {
	case fx.kept == 0:
		return "Neither it nor a version before is in force: calls to the host are answered with 503."
	case fx.without > 0:
		return fmt.Sprintf("Proxies that have the routes of %s keep them; the others answer calls to the host with 503.", version)
	case !fx.ruled:
		return "It is not in force: calls go straight to the service."
	}
	return fmt.Sprintf("Proxies keep the routes of %s.", version)
}

// clock is a time as people say it: without the day when that is today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// effects gathers what is wrong with resources that cannot be made, with what is
// in force instead, over all proxies.
type effects struct {
	order []string
	told  map[string]*toldEffect
}

type toldEffect struct {
	finding mesh.Finding
	effect  effect
}

// add takes in a stream.
func (all *effects) add(st *stream) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.view == nil {
		return
	}
	if all.told == nil {
		all.told = map[string]*toldEffect{}
	}
	for _, e := range st.view.set.broken() {
		fx := st.view.effectOf(e)
		for _, f := range e.findings {
			key := fmt.Sprint(f.Ref.ID(), " ", f.Path, " ", f.Code, " ", f.Message)
			t := all.told[key]
			if t == nil {
				t = &toldEffect{finding: f}
				all.told[key] = t
				all.order = append(all.order, key)
			}
			t.effect.join(fx)
		}
	}
}

// findings are those of the resources, each with what is in force. Where the
// whole resource could not be made, the message says that already.
func (all *effects) findings(now time.Time) []mesh.Finding {
	list := make([]mesh.Finding, 0, len(all.order))
	for _, key := range all.order {
		f, fx := all.told[key].finding, all.told[key].effect
		if f.Severity == mesh.Error {
			params := maps.Clone(f.Params)
			if params == nil {
				params = map[string]string{}
			}
			params["inForce"] = fx.text(now)
			f.Params = params
			if f.Code != mesh.CodeTranslate {
				f.Message += " " + fx.text(now)
			}
		}
		list = append(list, f)
	}
	return list
}

// StandIn is a resource that a proxy has in the place of one that cannot be made
// as its objects say, or that it rejected.
type StandIn struct {
	Type, Name string
	// Why says what is wrong with the objects, and what is in force.
	Why string
}

// StandIns lists them for a pod's proxy.
func (s *Server) StandIns(uid string) []StandIn {
	var list []StandIn
	now := time.Now()
	for _, st := range s.open() {
		if st.uid == uid {
			list = append(list, st.standIns(now)...)
		}
	}
	return list
}

func (st *stream) standIns(now time.Time) []StandIn {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.view == nil {
		return nil
	}
	var list []StandIn
	for _, e := range st.view.substituted() {
		why := ""
		for _, f := range e.findings {
			if f.Severity == mesh.Error && why == "" {
				why = f.Message + " "
			}
		}
		if e.content != nil {
			why = "The proxy rejected what comes of it. "
		}
		list = append(list, StandIn{e.typ, e.name, why + st.view.effectOf(e).text(now)})
	}
	return list
}
