package live

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestManyEventsAreKept(t *testing.T) {
	ring := NewRing()
	for range 10_001 {
		if err := ring.Add("change", nil); err != nil {
			t.Fatal(err)
		}
	}
	// A page that was away while 10,000 things happened misses none.
	if seq, missed, err := ring.start(Params{"after": "1", "epoch": ring.epoch}); seq != 1 || missed || err != nil {
		t.Errorf("10,000 events behind: %d, %v, %v", seq, missed, err)
	}
	if _, missed, err := ring.start(Params{"after": "0", "epoch": ring.epoch}); !missed || err != nil {
		t.Errorf("10,001 events behind: %v, %v", missed, err)
	}
}

// What a page and the server say to each other when connections get lost. The
// page's own tests play its side of the same file.
func TestReconnections(t *testing.T) {
	text, err := os.ReadFile("testdata/reconnect.json")
	if err != nil {
		t.Fatal(err)
	}
	var steps []struct {
		Happens              int
		Opens, Lost, Restart bool
		Client               json.RawMessage
		Server               map[string]any
	}
	if err := json.Unmarshal(text, &steps); err != nil {
		t.Fatal(err)
	}
	var ring *Ring
	var s *served
	var page *client
	epochs := []string{"first", "second"}
	names := map[string]string{} // of the runs in the file, by their real ones
	restart := func() {
		ring = newRing(5)
		names[ring.epoch] = epochs[len(names)]
		s = serve(t, Options{Topics: []Topic{{Name: "events", Params: []Param{{Name: "after"}, {Name: "epoch"}}, Events: ring}}})
	}
	restart()
	happened := 0
	for i, step := range steps {
		for range step.Happens {
			happened++
			if err := ring.Add("change", map[string]int{"n": happened}); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case step.Opens:
			page = s.dial()
		case step.Lost:
			page.Close()
		case step.Restart:
			restart()
			happened = 0
		case step.Client != nil:
			said := string(step.Client)
			for epoch, name := range names {
				said = strings.ReplaceAll(said, `"`+name+`"`, `"`+epoch+`"`)
			}
			page.say(said)
		case step.Server != nil:
			var m map[string]any
			if err := json.Unmarshal([]byte(page.hear()), &m); err != nil {
				t.Fatal(err)
			}
			m["epoch"] = names[fmt.Sprint(m["epoch"])]
			for _, e := range m["events"].([]any) {
				e.(map[string]any)["at"] = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
			}
			if !reflect.DeepEqual(m, step.Server) {
				t.Errorf("step %d: the server says\n%v, want\n%v", i+1, m, step.Server)
			}
		}
	}
}

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
