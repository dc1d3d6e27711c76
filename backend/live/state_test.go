package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// mirror is a reader's copy of a state.
type mirror struct {
	epoch string
	seq   uint64
	elems map[string]string
}

// apply takes a message; it fails on one that does not fit what came before.
func (m *mirror) apply(data []byte) error {
	var p Patch
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	switch {
	case p.Whole:
		m.epoch, m.elems = p.Epoch, map[string]string{}
	case p.Epoch != m.epoch || p.Seq <= m.seq:
		return fmt.Errorf("message %d of %s after %d of %s", p.Seq, p.Epoch, m.seq, m.epoch)
	}
	m.seq = p.Seq
	for _, id := range p.Del {
		if _, ok := m.elems[id]; !ok && !p.Whole {
			// It came and went between two messages: harmless, and small.
			continue
		}
		delete(m.elems, id)
	}
	for id, value := range p.Put {
		m.elems[id] = string(value)
	}
	return nil
}

func written(t interface{ Fatal(...any) }, w Whole) map[string][]byte {
	out, err := pairs(w)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// values is what a whole looks like to a reader.
func values(w Whole) map[string]string {
	out := map[string]string{}
	for id, v := range w {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		out[id] = string(data)
	}
	return out
}

// Whatever happens to the elements, and however seldom a reader looks: its
// patches, applied to its first whole, give a fresh whole.
func TestPatchesLeadToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &state{epoch: "e"}
		readers := make([]mirror, rapid.IntRange(1, 4).Draw(t, "readers"))
		now := Whole{}
		ids := rapid.SampledFrom([]string{"a", "b", `c"<é`, "d", "e", "n:x/y", ""})
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = maps.Clone(now)
			for range rapid.IntRange(0, 4).Draw(t, "edits") {
				id := ids.Draw(t, "id")
				if rapid.Bool().Draw(t, "delete") {
					delete(now, id)
				} else {
					now[id] = map[string]any{"v": rapid.IntRange(0, 3).Draw(t, "value")}
				}
			}
			s = s.next(written(t, now))
			for i := range readers {
				r := &readers[i]
				if !rapid.Bool().Draw(t, "reads") || r.seq == s.seq {
					continue
				}
				if err := r.apply(s.encode("g", r.seq)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(values(now), r.elems); diff != "" {
					t.Fatalf("reader %d (-want +got):\n%s", i, diff)
				}
			}
		}
	})
}

func TestNothingNewIsNoNewState(t *testing.T) {
	empty := (&state{}).next(nil)
	if empty.seq != 1 {
		t.Errorf("the first word, though empty, is number %d", empty.seq)
	}
	if again := empty.next(nil); again != empty {
		t.Error("nothing after nothing is a new state")
	}
	one := empty.next(written(t, Whole{"a": 1}))
	if again := one.next(written(t, Whole{"a": 1})); again != one {
		t.Error("the same again is a new state")
	}
	if got := string(one.encode("g", 1)); got != `{"id":"g","epoch":"","seq":2,"put":{"a":1},"del":[]}` {
		t.Error(got)
	}
	if got := string(one.next(nil).encode("g", 2)); got != `{"id":"g","epoch":"","seq":3,"put":{},"del":["a"]}` {
		t.Error(got)
	}
	if got := string(one.encode("g", 0)); got != `{"id":"g","epoch":"","seq":2,"whole":true,"put":{"a":1},"del":[]}` {
		t.Error(got)
	}
}

// Elements with ever new names cost no more memory than there are elements; a
// reader that is too far behind gets the whole.
func TestRemovalsAreForgotten(t *testing.T) {
	s := (&state{}).next(nil)
	reader := mirror{}
	if err := reader.apply(s.encode("g", 0)); err != nil {
		t.Fatal(err)
	}
	var want Whole
	for i := range 3 * minGone {
		want = Whole{fmt.Sprint("pod-", i): i}
		s = s.next(written(t, want))
		if len(s.gone) > minGone {
			t.Fatalf("%d removals are remembered", len(s.gone))
		}
	}
	whole, _, del := s.lacks(reader.seq)
	if !whole || len(del) > 0 {
		t.Errorf("whole %v, %d removals", whole, len(del))
	}
	if whole, _, _ := s.lacks(s.seq - 1); whole {
		t.Error("who was there a moment ago gets the whole")
	}
	if err := reader.apply(s.encode("g", reader.seq)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(want), reader.elems); diff != "" {
		t.Error(diff)
	}
}

// Readers that are alike share one message, and a few strangers do not push
// that out for good.
func TestMessagesAreMadeOnce(t *testing.T) {
	s := (&state{}).next(written(t, Whole{"a": 1}))
	first, err := s.message("g1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := s.message("g1", 0); again != first {
		t.Error("the same message was made twice")
	}
	for i := range 10 * maxShared {
		if _, err := s.message(fmt.Sprint("other", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.messages) > maxShared {
		t.Errorf("%d messages are remembered", len(s.messages))
	}
	once, _ := s.message("g1", 0)
	if again, _ := s.message("g1", 0); again != once {
		t.Error("what was wanted last is not remembered")
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	if _, err := pairs(Whole{"a": func() {}}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Error(err)
	}
}

func TestRing(t *testing.T) {
	r := newRing(4)
	for i := range 3 {
		if err := r.Add("change", map[string]int{"n": i}); err != nil {
			t.Fatal(err)
		}
	}
	numbers := func(seq uint64) string {
		events, last, ok := r.after(seq)
		var list []uint64
		for _, e := range events {
			list = append(list, e.Seq)
		}
		return fmt.Sprint(list, last, ok)
	}
	for seq, want := range map[uint64]string{0: "[1 2 3] 3 true", 2: "[3] 3 true", 3: "[] 3 true", 4: "[] 3 false"} {
		if got := numbers(seq); got != want {
			t.Errorf("after %d: %s, want %s", seq, got, want)
		}
	}
	for i := range 7 {
		if err := r.Add("change", map[string]int{"n": i}); err != nil {
			t.Fatal(err)
		}
	}
	for seq, want := range map[uint64]string{0: "[] 10 false", 5: "[] 10 false", 6: "[7 8 9 10] 10 true", 9: "[10] 10 true"} {
		if got := numbers(seq); got != want {
			t.Errorf("after %d: %s, want %s", seq, got, want)
		}
	}
	if r.Add("change", func() {}) == nil {
		t.Error("an event that cannot be written was taken")
	}

	for name, test := range map[string]struct {
		params Params
		want   string
	}{
		"from now on":           {Params{}, "10 false <nil>"},
		"from there on":         {Params{"after": "8", "epoch": r.epoch}, "8 false <nil>"},
		"of another run":        {Params{"after": "8", "epoch": "other"}, "10 true <nil>"},
		"of no run":             {Params{"after": "8"}, "10 true <nil>"},
		"not there any more":    {Params{"after": "2", "epoch": r.epoch}, "10 true <nil>"},
		"never was":             {Params{"after": "99", "epoch": r.epoch}, "10 true <nil>"},
		"is no number":          {Params{"after": "-1"}, "0 false after must be the number of an event"},
		"is too large a number": {Params{"after": "99999999999999999999"}, "0 false after must be the number of an event"},
	} {
		seq, missed, err := r.start(test.params)
		if got := fmt.Sprint(seq, missed, err); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"subscribe":{"id":"g1","topic":"graph","params":{"mode":"service"}}}`, `{"unsubscribe":{"id":"g1"}}`,
		`{"subscribe":{"id":"e","topic":"events","params":{"after":12,"x":true}}}`, `{}`, `[]`, `null`, `{"subscribe":null,"unsubscribe":{"id":""}}`,
		`{"subscribe":{"id":"g1","topic":"graph","params":{"mode":{}}}}`, `{"unsubscribe":{"id":"g1"}} x`, "{\"unsubscribe\":{\"id\":\"\xff\"}}",
	} {
		f.Add([]byte(s))
	}
	topic := Topic{Name: "graph", Params: []Param{{Name: "mode", Default: "service", OneOf: []string{"service", "app"}}, {Name: "x"}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parse(data)
		if err != nil {
			if reason(err) == "" || len(reason(err)) > 123 {
				t.Errorf("reason %q", reason(err))
			}
			return
		}
		if (r.Subscribe == nil) == (r.Unsubscribe == nil) {
			t.Fatalf("neither the one nor the other: %s", data)
		}
		if r.Subscribe == nil {
			return
		}
		p, err := topic.check(r.Subscribe.Params)
		if err != nil {
			return
		}
		if again, err := topic.check(p); err != nil || topic.key(again) != topic.key(p) {
			t.Errorf("%v checked again: %v, %v", p, again, err)
		}
		if !json.Valid((&state{}).next(nil).encode(r.Subscribe.ID, 0)) {
			t.Errorf("id %q makes a message that is no JSON", r.Subscribe.ID)
		}
	})
}

func TestParams(t *testing.T) {
	topic := Topic{Name: "graph", Params: []Param{
		{Name: "mode", Default: "service", OneOf: []string{"service", "app"}}, {Name: "free"}, {Name: "must", Required: true},
	}}
	for name, test := range map[string]struct {
		given Params
		want  string
	}{
		"defaults":  {Params{"must": "x"}, "graph?free=&mode=service&must=x <nil>"},
		"all":       {Params{"must": "x", "mode": "app", "free": "a&b"}, "graph?free=a%26b&mode=app&must=x <nil>"},
		"missing":   {Params{}, "graph? topic graph needs the parameter must"},
		"empty":     {Params{"must": ""}, "graph? topic graph needs the parameter must"},
		"not one":   {Params{"must": "x", "mode": "pod"}, "graph? mode is one of service, app"},
		"unknown":   {Params{"must": "x", "more": "1"}, `graph? topic graph has no parameter "more"`},
		"very long": {Params{"must": strings.Repeat("x", maxParam+1)}, "graph? must is UTF-8 text of at most 512 bytes"},
	} {
		p, err := topic.check(test.given)
		if got := fmt.Sprint(topic.key(p), " ", err); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
