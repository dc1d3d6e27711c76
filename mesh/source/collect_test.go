package source

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

// step is one thing that a scripted source does.
type step struct {
	after time.Duration // since the step before
	say   Update
	fail  error
}

// script is a source that does its steps, over all its runs, and then waits.
type script struct {
	name  string
	steps []step
}

func (s *script) Name() string { return s.name }

func (s *script) Run(ctx context.Context, out chan<- Update) error {
	for len(s.steps) > 0 {
		next := s.steps[0]
		s.steps = s.steps[1:]
		select {
		case <-time.After(next.after):
		case <-ctx.Done():
			return ctx.Err()
		}
		if next.fail != nil {
			return next.fail
		}
		next.say.Source = s.name
		select {
		case out <- next.say:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func says(token uint64, names ...string) Update {
	u := Update{Token: token}
	for _, n := range names {
		u.Objects = append(u.Objects, &mesh.Object{Ref: mesh.Ref{Name: n}})
	}
	return u
}

// collect runs the sources for a time of the bubble and lists what came: time,
// tokens, objects, findings.
func collect(t *testing.T, cfg Config, d time.Duration) []string {
	t.Helper()
	var got []string
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		err := Collect(ctx, cfg, func(in mesh.Inputs, tokens Tokens) {
			line := fmt.Sprintf("%v %v", time.Since(begin), map[string]uint64(tokens))
			for _, o := range in.Objects {
				line += " " + o.Name
			}
			for _, f := range in.Findings {
				line += " " + f.Code
			}
			got = append(got, line)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Collect returned %v", err)
		}
	})
	return got
}

const ms = time.Millisecond

func TestCollect(t *testing.T) {
	broken := errors.New("disk on fire")
	tests := []struct {
		name     string
		sources  []Source
		optional []string
		want     []string
	}{
		{
			"nothing before each required source has spoken",
			[]Source{
				&script{"a", []step{{0, says(1, "a1"), nil}, {100 * ms, says(2, "a2"), nil}}},
				&script{"b", []step{{300 * ms, says(7), nil}}},
			},
			nil,
			[]string{"300ms map[a:2 b:7] a2"},
		},
		{
			"an optional source is not waited for",
			[]Source{
				&script{"a", []step{{0, says(1, "a1"), nil}}},
				&script{"b", []step{{300 * ms, says(7, "b1"), nil}}},
			},
			[]string{"b"},
			[]string{"0s map[a:1] a1", "300ms map[a:1 b:7] a1 b1"},
		},
		{
			"the first change goes at once, the burst behind it is gathered until it is quiet",
			[]Source{&script{"a", []step{
				{0, says(1), nil},
				{time.Second, says(2), nil},
				{20 * ms, says(3), nil},
				{20 * ms, says(4, "last"), nil},
				{time.Second, says(5), nil},
			}}},
			nil,
			[]string{"0s map[a:1]", "1s map[a:2]", "1.09s map[a:4] last", "2.04s map[a:5]"},
		},
		{
			"a burst without end is said after half a second",
			[]Source{&script{"a", append([]step{{0, says(1), nil}, {time.Second, says(2), nil}}, every(20*ms, 30)...)}},
			nil,
			[]string{"0s map[a:1]", "1s map[a:2]", "1.52s map[a:125]", "1.65s map[a:130]"},
		},
		{
			"a source that fails leaves its last word and a finding, until it speaks again",
			[]Source{&script{"a", []step{
				{0, says(1, "a1"), nil},
				{time.Second, Update{}, broken},
				{0, Update{}, broken},
				{0, says(2, "a2"), nil},
			}}},
			nil,
			[]string{"0s map[a:1] a1", "1s map[a:1] a1 HDL0006", "1.75s map[a:2] a2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := collect(t, Config{Sources: tt.sources, Optional: tt.optional}, 10*time.Second)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// every says n updates, d apart, with tokens from 101.
func every(d time.Duration, n int) []step {
	var steps []step
	for i := range n {
		steps = append(steps, step{d, says(uint64(101 + i)), nil})
	}
	return steps
}

func TestCollectPassesSettings(t *testing.T) {
	want := mesh.DefaultSettings()
	want.Cluster = "east"
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_ = Collect(ctx, Config{Settings: want, Sources: []Source{&script{"a", []step{{0, says(1), nil}}}}}, func(in mesh.Inputs, _ Tokens) {
			if diff := cmp.Diff(want, in.Settings); diff != "" {
				t.Error(diff)
			}
			cancel()
		})
	})
}

func TestCollectRefusesMistakes(t *testing.T) {
	for name, cfg := range map[string]Config{
		"two of one name":  {Sources: []Source{&script{name: "a"}, &script{name: "a"}}},
		"unknown optional": {Sources: []Source{&script{name: "a"}}, Optional: []string{"b"}},
	} {
		if err := Collect(t.Context(), cfg, nil); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
