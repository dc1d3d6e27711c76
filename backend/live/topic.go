package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Topic is something that can be subscribed to.
type Topic struct {
	Name   string
	Params []Param
	// Run computes the topic for one set of parameters, and publishes each
	// state that differs, until ctx ends, which is when nobody reads it any
	// more. It runs at most once for a set at a time, but for the moment in
	// which the one before it ends. Publishing waits for no reader. An error
	// ends the subscriptions, and is told to them.
	Run func(ctx context.Context, p Params, publish func(Whole)) error
	// Events tells this ring instead of a state; Run is nil then.
	Events *Ring
}

// Param is one parameter of a topic.
type Param struct {
	Name     string
	Default  string
	OneOf    []string // all allowed values; empty allows any text
	Required bool
}

// unbounded is true for a topic of which there can be any number of feeds.
func (t *Topic) unbounded() bool {
	return slices.ContainsFunc(t.Params, func(p Param) bool { return len(p.OneOf) == 0 })
}

// maxParam bounds the value of a parameter, in bytes.
const maxParam = 512

// check brings parameters into the one form that stands for their meaning.
func (t *Topic) check(given Params) (Params, error) {
	out := Params{}
	for _, p := range t.Params {
		value, ok := given[p.Name]
		switch {
		case !ok || value == "":
			if p.Required {
				return nil, fmt.Errorf("topic %s needs the parameter %s", t.Name, p.Name)
			}
			value = p.Default
		case len(p.OneOf) > 0 && !slices.Contains(p.OneOf, value):
			return nil, fmt.Errorf("%s is one of %s", p.Name, strings.Join(p.OneOf, ", "))
		case len(value) > maxParam || !utf8.ValidString(value):
			return nil, fmt.Errorf("%s is UTF-8 text of at most %d bytes", p.Name, maxParam)
		}
		out[p.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(t.Params, func(p Param) bool { return p.Name == name }) {
			return nil, fmt.Errorf("topic %s has no parameter %q", t.Name, name)
		}
	}
	return out, nil
}

// key names a set of parameters of the topic.
func (t *Topic) key(p Params) string {
	values := url.Values{}
	for name, value := range p {
		values.Set(name, value)
	}
	return t.Name + "?" + values.Encode()
}

// feed is a topic with parameters that somebody reads.
type feed struct {
	topic  *Topic
	key    string
	params Params
	log    *slog.Logger
	stop   context.CancelFunc

	current atomic.Pointer[state]
	ended   atomic.Pointer[Problem] // not nil when it gives no more

	mu      sync.Mutex
	readers map[*subscription]struct{}
}

// run computes until ctx ends. A panic is our bug, and costs this feed alone.
func (f *feed) run(ctx context.Context) {
	err := func() (err error) {
		defer func() {
			if fault := recover(); fault != nil {
				f.log.Error("live topic panicked", "topic", f.key, "fault", fault, "stack", string(debug.Stack()))
				err = errors.New("an internal error; the control plane's log says more")
			}
		}()
		return f.topic.Run(ctx, f.params, f.publish)
	}()
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errors.New("it ended")
	}
	f.ended.Store(&Problem{Code: failed, Detail: err.Error()})
	f.wake()
}

// publish makes w the state of the topic. Elements that cannot be written leave
// the state before standing.
func (f *feed) publish(w Whole) {
	elems, err := pairs(w)
	if err != nil {
		f.log.Error("live topic cannot be written", "topic", f.key, "error", err)
		return
	}
	before := f.current.Load()
	next := before.next(elems)
	if next == before {
		return
	}
	f.current.Store(next)
	f.wake()
}

func (f *feed) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.readers {
		s.socket.wake()
	}
}

func (f *feed) join(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readers[s] = struct{}{}
}

// leave reports whether nobody reads any more.
func (f *feed) leave(s *subscription) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.readers, s)
	return len(f.readers) == 0
}
