package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

const ratings = "service/ratings.default.svc.cluster.local"

// calls are calls of ratings in one window, so many of a hundred failed.
func calls(at time.Time, window time.Duration, failed float64) graph.Traffic {
	f := graph.Flow{
		Reporter: graph.ByDestination, Protocol: graph.HTTP,
		Source:      graph.Peer{Cluster: "local", Namespace: "default", Workload: "reviews-v2", App: "reviews", Version: "v2"},
		Destination: graph.Peer{Cluster: "local", Namespace: "default", Workload: "ratings-v1", App: "ratings", Version: "v1"},
		Service:     graph.ServiceName{Host: "ratings.default.svc.cluster.local", Name: "ratings", Namespace: "default"},
	}
	return graph.Traffic{At: at, Window: window, Requests: []graph.Requests{
		{Flow: f, Code: "200", Rate: 10 * (1 - failed/100)}, {Flow: f, Code: "503", Rate: 10 * failed / 100},
	}}
}

// judging is a health of Bookinfo whose metrics the test makes up.
func judging(t *testing.T) *health {
	t.Helper()
	head := &mesh.Head{}
	head.Set(meshtest.Snapshot(t, meshtest.Bookinfo()))
	h := newHealth(2*time.Second, head, slog.New(slog.DiscardHandler))
	h.readOver = func(context.Context, time.Duration, metrics.Range) ([]graph.Traffic, error) { return nil, nil }
	return h
}

// start runs h until the test ends.
func start(t *testing.T, h *health) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

func healthOf(h *health, id string) graph.Health {
	g, _ := h.last(graph.ByService)
	return h.facts(graph.ByService, g, 15*time.Second).Health[id]
}

func TestHealthIsJudgedByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := judging(t)
		broken := time.Now().Add(7 * time.Minute)
		h.read = func(_ context.Context, window time.Duration, at time.Time) (graph.Traffic, error) {
			failed := 0.0
			if !at.Before(broken) {
				failed = 50
			}
			return calls(at, window, failed), nil
		}
		h.changes = func(time.Time) []graph.Change {
			return []graph.Change{{ID: "17", At: broken.Add(-3 * time.Second), Actor: "mira", Refs: []mesh.Ref{{Kind: mesh.KindDeployment, Namespace: "default", Name: "ratings-v1"}}}}
		}
		var told []graph.Transition
		h.OnHealth(func(tr graph.Transition) { told = append(told, tr) })
		start(t, h)
		time.Sleep(6 * time.Minute) // in the bubble: time passes at once
		synctest.Wait()
		if got := healthOf(h, ratings); got.State != graph.Healthy {
			t.Fatalf("before: %+v", got)
		}
		time.Sleep(time.Until(broken) + 25*time.Second)
		synctest.Wait()
		got := healthOf(h, ratings)
		if got.State != graph.Failing || got.Since.Sub(broken) > 3*time.Second || len(got.Why) != 1 || got.Why[0].Params.Change != "17" {
			t.Errorf("after: %+v", got)
		}
		if len(told) != 1 || told[0].ID != ratings || told[0].From != graph.Healthy || told[0].To != graph.Failing {
			t.Errorf("told: %+v", told)
		}
		if list := h.Incidents(broken); len(list) != 1 || len(h.Incidents(broken.Add(time.Minute))) != 0 {
			t.Errorf("incidents: %+v", list)
		}
		g, err := h.last(graph.ByService)
		if err != nil {
			t.Fatal(err)
		}
		f := h.facts(graph.ByService, g, h.sparkStep(0))
		if s := f.Sparks[ratings].Rates; len(s) != graph.SparkPoints || s[1] != 10 || s[29] != 10 {
			t.Errorf("spark: %v", s)
		}
		if f.Workloads["workload/local/default/ratings-v1"] != graph.Failing {
			t.Errorf("workloads: %v", f.Workloads)
		}
	})
}

// What was before it began is read from the metrics: a state is as old as it is.
func TestStatesOutliveARestart(t *testing.T) {
	for ago, exact := range map[time.Duration]time.Duration{20 * time.Minute: time.Minute, 15 * time.Second: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			h := judging(t)
			began := time.Now()
			broken := began.Add(-ago)
			at := func(at time.Time, window time.Duration) graph.Traffic {
				if at.Before(broken) {
					return calls(at, window, 0)
				}
				return calls(at, window, 50)
			}
			h.readOver = func(_ context.Context, window time.Duration, r metrics.Range) (list []graph.Traffic, _ error) {
				for t := r.Start; !t.After(r.End); t = t.Add(r.Step) {
					list = append(list, at(t, window))
				}
				return list, nil
			}
			h.read = func(_ context.Context, window time.Duration, t time.Time) (graph.Traffic, error) {
				return at(t, window), nil
			}
			told := 0
			h.OnHealth(func(graph.Transition) { told++ })
			start(t, h)
			time.Sleep(time.Second)
			synctest.Wait()
			got := healthOf(h, ratings)
			if late := got.Since.Sub(broken); got.State != graph.Failing || late < 0 || late > exact || got.AtLeast {
				t.Errorf("broken %s before it began: %+v", ago, got)
			}
			if told > 0 {
				t.Error("what was is told as if it happened now")
			}
			if list := h.Incidents(began.Add(-time.Hour)); len(list) != 1 {
				t.Errorf("incidents: %+v", list)
			}
		})
	}
}

func TestMetricsThatAreAwayChangeNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := judging(t)
		gone := time.Now().Add(time.Minute)
		h.read = func(_ context.Context, window time.Duration, at time.Time) (graph.Traffic, error) {
			if at.After(gone) {
				return graph.Traffic{}, errors.New("away")
			}
			return calls(at, window, 50), nil
		}
		start(t, h)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if _, err := h.last(graph.ByService); err == nil {
			t.Error("the last graph does not say that it is old")
		}
		if got := healthOf(h, ratings); got.State != graph.Failing {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatIsGoneIsForgotten(t *testing.T) {
	h := judging(t)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	h.judge(calls(now, h.window, 0))
	edge := "service/reviews.default.svc.cluster.local > " + ratings + " : http"
	for _, after := range []time.Duration{time.Minute, 4 * time.Minute} {
		h.judge(graph.Traffic{At: now.Add(after), Window: h.window})
		if _, ok := h.byType[graph.ByService].memories[edge]; !ok {
			t.Errorf("forgotten after %s", after)
		}
	}
	h.judge(graph.Traffic{At: now.Add(6 * time.Minute), Window: h.window})
	if _, ok := h.byType[graph.ByService].memories[edge]; ok {
		t.Error("it is remembered for ever")
	}
}
