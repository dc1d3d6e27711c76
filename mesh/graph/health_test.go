package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// sample reads "requests=100 errors=9 p95=40 usual=10 over=10m endpoints=1/2
// unmeasured flows".
func sample(t *testing.T, text string) Sample {
	t.Helper()
	s := Sample{Measured: true, Error: Reason{Code: ServerErrors, Answer: "503"}}
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		var err error
		var v float64
		switch key {
		case "requests":
			_, err = fmt.Sscan(value, &s.Requests)
		case "errors":
			_, err = fmt.Sscan(value, &s.Errors)
		case "p95":
			_, err = fmt.Sscan(value, &v)
			s.P95 = &v
		case "usual":
			_, err = fmt.Sscan(value, &v)
			s.Usual = &v
		case "over":
			s.UsualOver, err = time.ParseDuration(value)
		case "endpoints":
			_, err = fmt.Sscanf(value, "%d/%d", &s.Endpoints.Ready, &s.Endpoints.Total)
		case "unmeasured":
			s.Measured = false
		case "flows":
			s.Flows = true
		case "start":
			s.Start = true
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			t.Fatalf("%s: %v", word, err)
		}
	}
	return s
}

// The figures of the states: one sample, again and again, of something that went
// well before.
func TestConstants(t *testing.T) {
	for text, want := range map[string]State{
		"requests=100":                                      Healthy,
		"requests=1000 errors=9":                            Healthy,
		"requests=1000 errors=10":                           Degraded,
		"requests=1000 errors=99":                           Degraded,
		"requests=1000 errors=100":                          Failing,
		"requests=20 errors=2":                              Failing,
		"requests=20 errors=1":                              Degraded,
		"requests=19 errors=19":                             Healthy, // too few to unsay it
		"requests=20 p95=30 usual=10 over=10m":              Degraded,
		"requests=20 p95=29.9 usual=10 over=10m":            Healthy,
		"requests=20 p95=30 usual=10 over=9m59s":            Healthy,
		"requests=19 p95=30 usual=10 over=10m":              Healthy,
		"requests=20 p95=9.9 usual=1 over=1h":               Healthy, // too short to be measured well
		"requests=20 p95=10 usual=1 over=1h":                Degraded,
		"requests=20 p95=900":                               Healthy,
		"requests=20 errors=2 p95=30 usual=10 over=1h":      Failing,
		"requests=0 endpoints=0/2":                          Failing,
		"requests=100 endpoints=1/2":                        Healthy,
		"requests=100 endpoints=0/0":                        Healthy,
		"requests=5 endpoints=0/1":                          Failing,
		"flows":                                             Healthy,
		"requests=0":                                        Healthy, // for 5 minutes
		"requests=100 errors=50 p95=30 usual=10 over=1000h": Failing,
	} {
		before := sample(t, "requests=100 endpoints=2/2")
		before.At = noon.Add(-2 * time.Second)
		m := Judge(Memory{}, before)
		for i := range 2 {
			s := sample(t, text)
			s.At = noon.Add(time.Duration(i) * 2 * time.Second)
			m = Judge(m, s)
		}
		if m.State != want {
			t.Errorf("%s: %s, want %s", text, m.State, want)
		}
		if m.State.Bad() != (len(m.Reasons) > 0) || m.State.Bad() == m.BadSince.IsZero() {
			t.Errorf("%s: %s for %+v since %s", text, m.State, m.Reasons, m.BadSince)
		}
	}
	for scrape, want := range map[time.Duration]time.Duration{
		2 * time.Second: 15 * time.Second, 3750 * time.Millisecond: 15 * time.Second, 15 * time.Second: time.Minute,
	} {
		if got := HealthWindow(scrape); got != want {
			t.Errorf("window at a scrape each %s: %s, want %s", scrape, got, want)
		}
	}
}

// Each step is "after: sample -> state", evaluations run on from step to step.
func TestStatesOverTime(t *testing.T) {
	for name, steps := range map[string][]string{
		"a state is left only after two evaluations": {
			"2s: requests=100 -> healthy",
			"2s: requests=100 errors=50 -> healthy",
			"2s: requests=100 -> healthy",
			"2s: requests=100 errors=50 -> healthy",
			"2s: requests=100 errors=50 -> failing since 8s",
			"2s: requests=100 -> failing since 8s",
			"2s: requests=100 errors=50 -> failing since 8s",
			"2s: requests=100 -> failing",
			"2s: requests=100 -> healthy since 16s",
		},
		"two that disagree in different ways": {
			"2s: requests=100 -> healthy",
			"2s: requests=100 errors=5 -> healthy",
			"2s: requests=100 errors=50 -> degraded since 4s",
			"2s: requests=100 errors=50 -> degraded",
			"2s: requests=100 -> degraded",
			"2s: requests=100 errors=50 -> degraded",
			"2s: requests=100 errors=50 -> failing since 12s",
			"2s: requests=100 -> failing",
			"2s: requests=100 errors=5 -> degraded since 16s",
		},
		"the first evaluation alone makes nobody bad": {
			"2s: requests=100 errors=50 -> unknown",
			"2s: requests=100 errors=50 -> failing since 2s",
		},
		"known no further back": {
			"2s: start requests=100 errors=50 -> unknown at least",
			"2s: requests=100 errors=50 -> failing since 2s at least",
			"2s: requests=100 -> failing since 2s at least",
			"2s: requests=100 -> healthy since 6s",
		},
		"healthy when it began": {
			"2s: start requests=100 -> healthy since 2s at least",
		},
		"idle after 5 minutes without any, and since the last": {
			"2s: requests=100 -> healthy",
			"4m59s: -> healthy",
			"1s: -> healthy",
			"2s: -> idle since 2s",
			"10m: requests=3 -> idle",
			"2s: requests=3 -> healthy since 15m4s",
		},
		"what fails and is not called any more": {
			"2s: requests=100 -> healthy",
			"2s: requests=100 errors=50 -> healthy",
			"2s: requests=100 errors=50 -> failing",
			"2s: -> failing",
			"2s: -> failing",
			"5m: -> failing",
			"2s: -> idle",
		},
		"too few requests say nothing": {
			"2s: requests=10 errors=10 -> unknown",
			"2s: requests=10 errors=10 -> unknown",
			"2s: requests=10 -> unknown",
			"2s: requests=10 -> healthy",
			"2s: requests=10 errors=10 -> healthy",
			"2s: requests=10 errors=10 -> healthy",
		},
		"nobody would see traffic": {
			"2s: unmeasured -> unknown",
			"2s: flows unmeasured -> unknown",
			"2s: flows unmeasured -> healthy",
		},
		"never called": {"2s: -> idle"},
		"a pod takes its time to start": {
			"2s: endpoints=0/1 -> idle",
			"10s: endpoints=0/1 -> idle",
			"10s: endpoints=1/1 -> idle",
			"2s: endpoints=0/1 -> idle",
			"2s: endpoints=0/1 -> failing since 24s",
			"2s: endpoints=1/1 -> failing",
			"2s: endpoints=1/1 -> idle",
		},
		"a pod never starts": {
			"2s: endpoints=0/1 -> idle",
			"29s: endpoints=0/1 -> idle",
			"1s: endpoints=0/1 -> idle",
			"2s: endpoints=0/1 -> failing since 32s",
		},
	} {
		var m Memory
		at := noon
		for _, step := range steps {
			after, rest, _ := strings.Cut(step, ":")
			text, want, _ := strings.Cut(rest, "->")
			wait, err := time.ParseDuration(after)
			if err != nil {
				t.Fatal(err)
			}
			at = at.Add(wait)
			s := sample(t, text)
			s.At = at
			m = Judge(m, s)
			got := string(m.State)
			if strings.Contains(want, "since") {
				got += " since " + m.Since.Sub(noon).String()
			}
			if m.AtLeast {
				got += " at least"
			}
			if got != strings.TrimSpace(want) {
				t.Errorf("%s: after %q it is %s", name, step, got)
			}
		}
	}
}

// The run of bad states begins when the first of them was seen, whatever turns
// it takes.
func TestBadSince(t *testing.T) {
	var m Memory
	for i, text := range []string{
		"requests=100", "requests=100 errors=5", "requests=100 errors=5", "requests=100 errors=50", "requests=100", "requests=100 errors=50",
	} {
		s := sample(t, text)
		s.At = noon.Add(time.Duration(i) * time.Second)
		m = Judge(m, s)
	}
	if m.State != Degraded || len(m.Reasons) == 0 || !m.BadSince.Equal(noon.Add(time.Second)) || m.Reasons[0].Share != 0.5 {
		t.Errorf("%s since %s, %+v", m.State, m.BadSince, m.Reasons)
	}
}

func TestFailures(t *testing.T) {
	for text, want := range map[string]ReasonCode{
		"200": "", "404": "", "499": "", "500": ServerErrors, "504": ServerErrors, "0": NoResponse, "-": NoResponse,
		"200 0": "", "200 1": "", "200 2": GRPCErrors, "200 3": "", "200 4": GRPCErrors, "200 5": "", "200 6": "", "200 7": "", "200 8": GRPCErrors,
		"200 9": "", "200 10": "", "200 11": "", "200 12": "", "200 13": GRPCErrors, "200 14": GRPCErrors, "200 15": GRPCErrors, "200 16": "",
	} {
		code, grpc, _ := strings.Cut(text, " ")
		if got := failureKind(Response{Code: code, GRPC: grpc}); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
