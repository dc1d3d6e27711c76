package agent

import "sync"

// notice tells any number of waiters that something changed. Take the channel
// before looking at the state, then wait on it: no change is missed.
type notice struct {
	mu sync.Mutex
	ch chan struct{}
}

// changed is closed at the next tell.
func (n *notice) changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *notice) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
