package api

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/traces"
)

func TestServiceNamed(t *testing.T) {
	services := []string{"cart.shop", "reviews.default", "reviews.shop"}
	for word, want := range map[string]string{
		"reviews.shop": "reviews.shop",
		"cart":         "cart.shop",
		"reviews":      `"reviews" can be reviews.default or reviews.shop: name one`,
		"rev":          "",
	} {
		got, err := serviceNamed(services, word)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}

// A workload without a sidecar sends no traces; asking for them is no mistake.
func TestTracesOfWhatSendsNoneAreNone(t *testing.T) {
	services := []string{"cart.shop", "reviews.default", "reviews.shop"}
	for _, c := range []struct{ words, want []string }{
		{nil, services},
		{[]string{"redis.default"}, nil},
		{[]string{"redis.default", "cart"}, []string{"cart.shop"}},
	} {
		got, err := servicesMeant(services, c.words)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: %v %v, want %v", c.words, got, err, c.want)
		}
	}
	if _, err := servicesMeant(services, []string{"cart", "reviews"}); err == nil {
		t.Error("a name that two services have was taken for one of them")
	}
}

func TestNewestTraces(t *testing.T) {
	at := time.Unix(1000, 0)
	trace := func(id string, seconds int) *traces.Trace {
		return &traces.Trace{ID: id, Start: at.Add(time.Duration(seconds) * time.Second)}
	}
	var got []string
	for _, f := range newest([]*traces.Trace{trace("a", 1), trace("b", 3), trace("a", 1), trace("c", 2)}, 2) {
		got = append(got, f.ID)
	}
	if diff := cmp.Diff([]string{"b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	if newest(nil, 2) == nil {
		t.Error("no traces are an empty list")
	}
}

func TestTraceQueries(t *testing.T) {
	at := time.Unix(1000, 0)
	for want, in := range map[string]findTracesInput{
		"minDuration must be a duration, such as 100ms":          {MinDuration: "100"},
		"maxDuration must be a duration, such as 100ms":          {MaxDuration: "-1s"},
		"maxDuration is less than minDuration: no span has both": {MinDuration: "2s", MaxDuration: "1s"},
		"end is before start":                                    {Start: at, End: at.Add(-time.Second)},
		"":                                                       {MinDuration: "100ms", MaxDuration: "1m", Error: true, Start: at, End: at, Limit: 7},
	} {
		q, err := in.query()
		switch {
		case want != "":
			if err == nil || err.Error() != want {
				t.Errorf("%+v: %v, want %q", in, err, want)
			}
		case err != nil || q.MinDuration != 100*time.Millisecond || q.MaxDuration != time.Minute || q.Attributes["error"] != "true" || !q.Start.Equal(at) || q.Limit != 7:
			t.Errorf("%+v, %v", q, err)
		}
	}
}

func TestTracesAreBounded(t *testing.T) {
	of := func(spans int) *traces.Trace { return &traces.Trace{Spans: make([]traces.Span, spans)} }
	for _, test := range []struct {
		list []*traces.Trace
		want int
	}{
		{nil, 0},
		{[]*traces.Trace{of(5), of(5)}, 2},
		{[]*traces.Trace{of(5), of(6), of(1)}, 1},
		{[]*traces.Trace{of(50)}, 1}, // one is better than none
	} {
		if got := bounded(test.list, 10); len(got) != test.want {
			t.Errorf("%d traces, want %d", len(got), test.want)
		}
	}
}
