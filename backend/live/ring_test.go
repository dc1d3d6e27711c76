package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestEvents(t *testing.T) {
	ring := newRing(3)
	s := serve(t, Options{Topics: []Topic{{Name: "events", Params: []Param{{Name: "after"}, {Name: "epoch"}}, Events: ring}}})
	hear := func(c *client) (n News) {
		t.Helper()
		if err := json.Unmarshal([]byte(c.hear()), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	shows := func(n News) string {
		var list []string
		for _, e := range n.Events {
			list = append(list, fmt.Sprint(e.Seq, e.Type, string(e.Params)))
		}
		return fmt.Sprint(n.Seq, list, n.Resync)
	}
	add := func(typ string, n int) {
		if err := ring.Add(typ, n); err != nil {
			t.Fatal(err)
		}
	}
	add("change", 1)
	c := s.dial()
	c.subscribe("e", "events", nil)
	first := hear(c)
	if got := shows(first); got != "1 [] false" {
		t.Errorf("from now on: %s", got)
	}
	add("nack", 2)
	if got := shows(hear(c)); got != "2 [2nack2] false" {
		t.Errorf("the next: %s", got)
	}
	again := s.dial()
	again.subscribe("e", "events", map[string]any{"after": 1, "epoch": first.Epoch})
	if got := shows(hear(again)); got != "2 [2nack2] false" {
		t.Errorf("where one left off: %s", got)
	}
	for n := 3; n < 9; n++ {
		add("finding", n)
	}
	late := s.dial()
	late.subscribe("e", "events", map[string]any{"after": 2, "epoch": first.Epoch})
	if got := shows(hear(late)); got != "8 [] true" {
		t.Errorf("behind the ring: %s", got)
	}
	add("change", 9)
	if got := shows(hear(late)); got != "9 [9change9] false" {
		t.Errorf("after a resync: %s", got)
	}
	restarted := s.dial()
	restarted.subscribe("e", "events", map[string]any{"after": 8, "epoch": "before"})
	if got := shows(hear(restarted)); got != "9 [] true" {
		t.Errorf("of another run: %s", got)
	}
	restarted.say(`{"unsubscribe":{"id":"e"}}`)
	restarted.subscribe("f", "events", map[string]any{"after": "x"})
	if got := restarted.hear(); !strings.Contains(got, badParameter) {
		t.Error(got)
	}
}
