package serve

import (
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// derived is what was worked out for the snapshot in force, for all proxies
// that have it in common.
type derived struct {
	sets   map[*xds.Plan]*set
	layers map[*xds.Plan]*layer // of bases
	// moves lists the differences between two layers: proxies that come from the
	// same state and go to the same one lack the same.
	moves map[move][]resourceKey
}

type move struct{ from, to *layer }

func newDerived() derived {
	return derived{sets: map[*xds.Plan]*set{}, layers: map[*xds.Plan]*layer{}, moves: map[move][]resourceKey{}}
}

// remembered gives what m holds under k, or makes it. Two that come at the same
// time may both make it, and get the same. What belongs to a snapshot that is
// no longer in force is not kept.
func remembered[K comparable, V any](s *Server, seq uint64, of func(*derived) map[K]V, k K, make func() V) V {
	s.mu.Lock()
	have, ok := of(&s.derived)[k]
	current := s.seq == seq
	s.mu.Unlock()
	if ok && current {
		return have
	}
	fresh := make()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq != seq {
		return fresh
	}
	if have, ok := of(&s.derived)[k]; ok {
		return have
	}
	of(&s.derived)[k] = fresh
	return fresh
}

// setFor plans for a proxy and makes what is new. Proxies with the same plan
// share the result, and those whose plans have the same base share that.
func (s *Server) setFor(snap *mesh.Snapshot, seq uint64, p xds.Proxy, prev *set) (*set, error) {
	s.plans <- struct{}{}
	defer func() { <-s.plans }()
	plan, findings, err := s.plan(snap, p)
	if err != nil {
		return nil, err
	}
	if prev == nil {
		prev = &set{}
	}
	return remembered(s, seq, func(d *derived) map[*xds.Plan]*set { return d.sets }, plan, func() *set {
		made := &set{own: resolve(s.memo, plan.Parts, prev.own), findings: findings}
		if plan.Base != nil {
			made.base = remembered(s, seq, func(d *derived) map[*xds.Plan]*layer { return d.layers }, plan.Base, func() *layer {
				return resolve(s.memo, plan.Base.Parts, prev.base)
			})
		}
		return made
	}), nil
}

// differences lists what a proxy that followed one set may lack of another.
func (s *Server) differences(seq uint64, prev, next *set) []resourceKey {
	base := remembered(s, seq, func(d *derived) map[move][]resourceKey { return d.moves }, move{prev.base, next.base}, func() []resourceKey {
		return differences(prev.base, next.base)
	})
	own := differences(prev.own, next.own)
	if len(own) == 0 {
		return base
	}
	return append(own, base...)
}
