package local

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestFall(t *testing.T) {
	now := time.Unix(1000, 0)
	var f fall
	var pauses []time.Duration
	for range 6 {
		f = f.after("p", now)
		pauses = append(pauses, f.pause())
		now = now.Add(time.Minute)
	}
	want := []time.Duration{retryEvery, 2 * retryEvery, 4 * retryEvery, 8 * retryEvery, maxFallPause, maxFallPause}
	if !slices.Equal(pauses, want) {
		t.Errorf("pauses %v, want %v", pauses, want)
	}
	if f = f.after("p", now.Add(time.Hour)); f.count != 1 {
		t.Errorf("after an hour in peace: %d falls", f.count)
	}
}

// A pod whose first process ends is replaced, but not over and over again, and
// not in silence.
func TestPodsThatFallAreReplacedSlowly(t *testing.T) {
	b := start(t, nil)
	b.apply(b.deployment("web", "v1", nil))
	b.await("ready", func(s Status) bool { return len(s.Deployments) == 1 && s.Ready() })
	var fallen, name string
	b.s.ask(func() {
		for id, p := range b.s.pods {
			fallen, name = id, p.Name
		}
	})
	began := time.Now()
	if err := b.s.machine.Remove(fallen); err != nil {
		t.Fatal(err)
	}
	s := b.await("fallen", func(s Status) bool { return len(s.Pods) == 1 && s.Pods[0].Reason == "PodEnded" })
	if s.Pods[0].Ready || s.Ready() || !slices.ContainsFunc(s.Findings, func(f mesh.Finding) bool {
		return f.Code == mesh.CodePod && strings.Contains(f.Message, "do not stay: 1 ended as a whole, the last one "+name)
	}) || len(s.Findings) != 1 {
		t.Errorf("status %+v", s)
	}
	s = b.await("ready again", func(s Status) bool { return s.Ready() && s.Pods[0].Name != name })
	if took := time.Since(began); took < retryEvery {
		t.Errorf("another pod took its place after %v", took)
	}
	if !finding(s, mesh.CodePod, "do not stay") {
		t.Errorf("findings %+v", s.Findings)
	}
}
