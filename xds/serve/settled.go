package serve

import (
	"context"

	"github.com/heddle-mesh/heddle/mesh"
)

// OnSettled calls f with the revision of a snapshot when every connected proxy
// has acknowledged everything that follows from it. Snapshots that were
// overtaken before that are not told by themselves: what settles a newer one
// settles them. Calls come one at a time, in the order of the snapshots, while
// Run runs; f must not wait for the server.
func (s *Server) OnSettled(f func(rev mesh.Hash)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, f)
}

// settledLocked reports whether every connected proxy has acknowledged what
// follows from a snapshot that the server has seen, by its revision.
func (s *Server) settledLocked(rev mesh.Hash) bool {
	seq, ok := s.seen[rev]
	return ok && seq <= s.settled
}

// WaitSettled returns when every connected proxy has acknowledged what follows
// from a snapshot, by its revision, or with the error of ctx.
func (s *Server) WaitSettled(ctx context.Context, rev mesh.Hash) error {
	for {
		s.mu.Lock()
		if s.settledLocked(rev) {
			s.mu.Unlock()
			return nil
		}
		changed := make(chan struct{})
		s.waiters = append(s.waiters, changed)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitTaken returns when every connected proxy has acknowledged what follows from
// the snapshot itself, and not only from an older one that said the same; or with
// the error of ctx, as it does for a snapshot that a newer one overtook.
func (s *Server) WaitTaken(ctx context.Context, snap *mesh.Snapshot) error {
	for {
		s.mu.Lock()
		if s.snap == snap && s.settled == s.seq {
			s.mu.Unlock()
			return nil
		}
		changed := make(chan struct{})
		s.waiters = append(s.waiters, changed)
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// caughtUp notes that a stream has acknowledged all of snapshot seq.
func (s *Server) caughtUp(st *stream, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq != s.seq {
		return
	}
	delete(s.behind, st)
	s.landLocked()
}

// lagging notes that a stream owes answers again.
func (s *Server) lagging(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.streams[st]; open {
		s.behind[st] = struct{}{}
	}
}

func (s *Server) landLocked() {
	if len(s.behind) > 0 || s.seq == 0 || s.settled == s.seq {
		return
	}
	s.settled = s.seq
	clear(s.derived.moves) // nobody comes from the states before any more
	for _, w := range s.waiters {
		close(w)
	}
	s.waiters = nil
	select {
	case s.landed <- struct{}{}:
	default:
	}
}

// tell calls who asked by OnSettled.
func (s *Server) tell() {
	s.mu.Lock()
	told := s.told
	var rev mesh.Hash
	for r, seq := range s.seen {
		if seq == s.settled {
			rev = r
		}
	}
	s.mu.Unlock()
	for _, f := range told {
		f(rev)
	}
}
