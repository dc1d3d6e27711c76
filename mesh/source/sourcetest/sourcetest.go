// Package sourcetest is the contract test that every source and writer passes.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Subject is a source under test, fresh and empty.
type Subject struct {
	Source source.Source
	// Writer writes to what the source reads. Nil tests the reading half only;
	// then Change is needed.
	Writer source.Writer
	// Change brings about changes of service accounts by other means than a
	// Writer. Expect is always source.Any.
	Change func(t *testing.T, changes []source.Change)
}

// deadline bounds a test that would otherwise hang.
const deadline = 30 * time.Second

// Run tests what open makes; it is called for each test anew.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	reading := []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"an empty source speaks", emptySpeaks},
		{"each update is the whole truth", wholeTruth},
		{"a second run says everything again", secondRun},
		{"the newest word reaches a slow reader", slowReader},
		{"what was said stays as it was", neverChanged},
	}
	writing := []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"versions are checked", versionsChecked},
		{"a reported version is good for the next change", versionChain},
		{"all or none", allOrNone},
		{"several changes arrive together", together},
		{"invalid text is refused", invalidRefused},
		{"of two writers from one version one wins", oneWins},
		{"a context that ended writes nothing", endedContext},
	}
	for _, tt := range reading {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newBench(t, open(t))) })
	}
	for _, tt := range writing {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			if s.Writer != nil {
				tt.run(t, newBench(t, s))
			}
		})
	}
}

// bench runs the source of a subject.
type bench struct {
	Subject
	ctx context.Context
	out chan source.Update
}

func newBench(t *testing.T, s Subject) *bench {
	t.Helper()
	// The test's own context ends before its cleanups, which stop the source.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), deadline)
	t.Cleanup(cancel)
	return &bench{Subject: s, ctx: ctx, out: make(chan source.Update)}
}

// start runs the source until stop, which checks how it ends.
func (b *bench) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.Source.Run(ctx, b.out) }()
	stop = sync.OnceFunc(func() {
		cancel()
		for {
			select {
			case _, open := <-b.out:
				if !open {
					t.Error("Run closed its channel")
					return
				}
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Run returned %v when its context ended", err)
				}
				return
			case <-b.ctx.Done():
				t.Error("Run does not return when its context ends")
				return
			}
		}
	})
	t.Cleanup(stop)
	return stop
}

// change makes changes whatever is there.
func (b *bench) change(t *testing.T, changes ...source.Change) {
	t.Helper()
	for i := range changes {
		changes[i].Expect = source.Any
	}
	if b.Writer == nil {
		b.Change(t, changes)
		return
	}
	if err := b.Writer.Apply(b.ctx, changes); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

// next is the next update.
func (b *bench) next(t *testing.T) source.Update {
	t.Helper()
	select {
	case u := <-b.out:
		if u.Source != b.Source.Name() {
			t.Errorf("update of %q from source %q", u.Source, b.Source.Name())
		}
		return u
	case <-b.ctx.Done():
		t.Fatalf("no update came")
		return source.Update{}
	}
}

// until reads updates until one says exactly the wanted.
func (b *bench) until(t *testing.T, want ...string) source.Update {
	t.Helper()
	slices.Sort(want)
	last := ""
	for {
		select {
		case u := <-b.out:
			got := says(u)
			if slices.Equal(got, want) {
				return u
			}
			last = fmt.Sprint(got)
		case <-b.ctx.Done():
			t.Fatalf("the source never said %q, at last it said %s", want, last)
		}
	}
}

// ref names a service account.
func ref(name string) mesh.Ref {
	return mesh.Ref{Kind: mesh.KindServiceAccount, Namespace: "default", Name: name}
}

// set is a change to a service account with a label that tells states apart.
func set(name, label string) source.Change {
	return source.Change{Ref: ref(name), Text: fmt.Appendf(nil,
		"apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  namespace: default\n  labels: {state: %q}\n", name, label)}
}

func remove(name string) source.Change { return source.Change{Ref: ref(name)} }

// says is the names and labels of the service accounts of an update, sorted.
func says(u source.Update) []string {
	out := []string{}
	for _, o := range u.Objects {
		if o.Kind == mesh.KindServiceAccount {
			out = append(out, o.Name+"="+o.Labels["state"])
		}
	}
	slices.Sort(out)
	return out
}

func find(t *testing.T, u source.Update, name string) *mesh.Object {
	t.Helper()
	for _, o := range u.Objects {
		if o.Ref == ref(name) {
			return o
		}
	}
	t.Fatalf("no %s in %q", name, says(u))
	return nil
}

func emptySpeaks(t *testing.T, b *bench) {
	b.start(t)
	if got := says(b.next(t)); len(got) != 0 {
		t.Errorf("an empty source said %q", got)
	}
}

func wholeTruth(t *testing.T, b *bench) {
	b.start(t)
	b.until(t)
	b.change(t, set("a", "1"))
	first := find(t, b.until(t, "a=1"), "a")
	b.change(t, set("b", "1"))
	second := find(t, b.until(t, "a=1", "b=1"), "a")
	if first.Version != second.Version || first.Hash != second.Hash {
		t.Error("an object got another version or hash when another one came")
	}
	b.change(t, set("a", "2"))
	third := find(t, b.until(t, "a=2", "b=1"), "a")
	if first.Version == third.Version || first.Hash == third.Hash {
		t.Error("an object kept its version or hash when it changed")
	}
	b.change(t, remove("a"))
	b.until(t, "b=1")
	b.change(t, remove("b"))
	b.until(t)
}

func secondRun(t *testing.T, b *bench) {
	stop := b.start(t)
	b.change(t, set("a", "1"))
	b.until(t, "a=1")
	stop()
	b.change(t, set("b", "1"))
	b.start(t)
	b.until(t, "a=1", "b=1")
}

func slowReader(t *testing.T, b *bench) {
	b.start(t)
	const last = 20
	for i := range last + 1 {
		b.change(t, set("a", fmt.Sprint(i)))
	}
	b.until(t, fmt.Sprintf("a=%d", last))
}

func neverChanged(t *testing.T, b *bench) {
	b.start(t)
	b.change(t, set("a", "1"), set("b", "1"))
	u := b.until(t, "a=1", "b=1")
	var before []mesh.Object
	for _, o := range u.Objects {
		before = append(before, *o)
	}
	b.change(t, set("a", "2"), remove("b"))
	b.until(t, "a=2")
	var after []mesh.Object
	for _, o := range u.Objects {
		after = append(after, *o)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("an update that was handed over changed:\n%s", diff)
	}
}

func versionsChecked(t *testing.T, b *bench) {
	b.start(t)
	apply := func(c source.Change, expect string) error {
		c.Expect = expect
		return b.Writer.Apply(b.ctx, []source.Change{c})
	}
	b.until(t)
	for _, tt := range []struct {
		name   string
		change source.Change
		expect string
		want   error
	}{
		{"change of what is not there", set("a", "1"), "some version", source.ErrNotFound},
		{"removal of what is not there", remove("a"), source.Any, source.ErrNotFound},
		{"creation", set("a", "1"), "", nil},
		{"creation of what is there", set("a", "2"), "", source.ErrStale},
		{"change from another version", set("a", "2"), "some version", source.ErrStale},
		{"removal from another version", remove("a"), "some version", source.ErrStale},
		{"change whatever is there", set("a", "3"), source.Any, nil},
		{"creation whatever is there", set("b", "1"), source.Any, nil},
		{"removal whatever is there", remove("b"), source.Any, nil},
	} {
		if err := apply(tt.change, tt.expect); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	b.until(t, "a=3")
}

func versionChain(t *testing.T, b *bench) {
	b.start(t)
	b.change(t, set("a", "0"))
	for i := 1; i <= 3; i++ {
		c := set("a", fmt.Sprint(i))
		c.Expect = find(t, b.until(t, fmt.Sprintf("a=%d", i-1)), "a").Version
		if err := b.Writer.Apply(b.ctx, []source.Change{c}); err != nil {
			t.Fatal(err)
		}
	}
	c := remove("a")
	c.Expect = find(t, b.until(t, "a=3"), "a").Version
	if err := b.Writer.Apply(b.ctx, []source.Change{c}); err != nil {
		t.Fatal(err)
	}
	b.until(t)
}

func allOrNone(t *testing.T, b *bench) {
	b.start(t)
	b.change(t, set("a", "1"), set("b", "1"))
	b.until(t, "a=1", "b=1")
	for _, last := range []source.Change{set("b", "2"), remove("c")} {
		a, d := set("a", "2"), set("d", "2")
		a.Expect, last.Expect = source.Any, "some version"
		if err := b.Writer.Apply(b.ctx, []source.Change{a, d, last}); err == nil {
			t.Error("a change from another version went through")
		}
	}
	twice := []source.Change{set("a", "2"), set("a", "3")}
	twice[0].Expect, twice[1].Expect = source.Any, source.Any
	if err := b.Writer.Apply(b.ctx, twice); err == nil {
		t.Error("one object was changed twice at once")
	}
	b.change(t, set("e", "1"))
	b.until(t, "a=1", "b=1", "e=1")
}

func together(t *testing.T, b *bench) {
	const rounds, objects = 15, 4
	b.start(t)
	go func() {
		for i := range rounds {
			var changes []source.Change
			for n := range objects {
				c := set(fmt.Sprint("o", n), fmt.Sprint(i))
				c.Expect = source.Any
				changes = append(changes, c)
			}
			if err := b.Writer.Apply(b.ctx, changes); err != nil {
				t.Errorf("Apply: %v", err)
				return
			}
		}
	}()
	for {
		u := b.next(t)
		states := map[string]bool{}
		for _, o := range u.Objects {
			states[o.Labels["state"]] = true
		}
		if len(states) > 1 || len(u.Objects) != 0 && len(u.Objects) != objects {
			t.Fatalf("an update with half a write: %q", says(u))
		}
		if states[fmt.Sprint(rounds-1)] {
			return
		}
	}
}

func invalidRefused(t *testing.T, b *bench) {
	b.start(t)
	b.change(t, set("a", "1"))
	other := set("b", "2")
	other.Ref = ref("a")
	two := set("a", "2")
	two.Text = slices.Concat(two.Text, []byte("---\n"), set("b", "2").Text)
	unknown := set("a", "2")
	unknown.Text = append(unknown.Text, "colour: red\n"...)
	broken := set("a", "2")
	broken.Text = []byte("apiVersion: [")
	for name, c := range map[string]source.Change{
		"another object": other, "two objects": two, "unknown field": unknown, "no YAML": broken,
		"nothing": {Ref: ref("a"), Text: []byte("# nothing\n")},
	} {
		c.Expect = source.Any
		fresh := set("c", "1")
		if err := b.Writer.Apply(b.ctx, []source.Change{fresh, c}); err == nil {
			t.Errorf("%s was taken for a service account", name)
		}
	}
	b.change(t, set("d", "1"))
	b.until(t, "a=1", "d=1")
}

func oneWins(t *testing.T, b *bench) {
	b.start(t)
	b.change(t, set("a", "0"))
	version := find(t, b.until(t, "a=0"), "a").Version
	const writers = 8
	errs := make([]error, writers)
	var running sync.WaitGroup
	for i := range writers {
		running.Go(func() {
			c := set("a", fmt.Sprintf("by-%d", i))
			c.Expect = version
			errs[i] = b.Writer.Apply(b.ctx, []source.Change{c})
		})
	}
	running.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("writers %d and %d both won", winner, i)
		case !errors.Is(err, source.ErrStale):
			t.Errorf("writer %d: %v", i, err)
		}
	}
	b.until(t, fmt.Sprintf("a=by-%d", winner))
}

func endedContext(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	c := set("a", "1")
	if err := b.Writer.Apply(ctx, []source.Change{c}); err == nil {
		t.Error("Apply wrote though its context had ended")
	}
	b.start(t)
	b.until(t)
}
