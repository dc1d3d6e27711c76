package api

import (
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
		"rev":          `there are no traces of a service "rev"; there are of cart.shop, reviews.default, reviews.shop`,
	} {
		got, err := serviceNamed(services, word)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
	if _, err := serviceNamed(nil, "a"); err == nil || err.Error() != "there are no traces yet" {
		t.Errorf("without services: %v", err)
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
