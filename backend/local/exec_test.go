package local

import (
	"testing"
	"time"
)

// The answer does not wait for what a command leaves behind.
func TestExecAnswersWhenTheCommandEnds(t *testing.T) {
	b := start(t, nil)
	b.apply(b.deployment("web", "v1", nil))
	b.await("ready", func(s Status) bool { return len(s.Deployments) == 1 && s.Ready() })
	for script, want := range map[string]string{
		"sleep 20 & echo done": "done\n",
		"sleep 20 >&2 & head -c 3000000 /dev/zero | tr '\\0' x | tail -c 5": "xxxxx",
	} {
		began := time.Now()
		r, err := b.c.Exec(b.t.Context(), ExecRequest{Pod: "web", Argv: []string{"/bin/sh", "-c", script}})
		if err != nil || r.Code != 0 || string(r.Stdout) != want {
			t.Errorf("%s: %+v, %v", script, r, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: answered after %v", script, took)
		}
	}
}
