package canary_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/canary"
)

func TestWilson(t *testing.T) {
	for _, c := range []struct{ k, n, low, high float64 }{
		{0, 0, 0, 100},
		{0, 100, 0, 3.70},
		{50, 100, 40.38, 59.62},
		{150, 1000, 12.92, 17.35},
		{100, 100, 96.30, 100},
	} {
		low, high := canary.Wilson(c.k, c.n)
		if math.Abs(low-c.low) > 0.01 || math.Abs(high-c.high) > 0.01 {
			t.Errorf("%v of %v: %.2f to %.2f, want %.2f to %.2f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

func TestStates(t *testing.T) {
	asked := map[string]int{"v1": 85, "v2": 15}
	counted := func(a, b float64) map[string]float64 { return map[string]float64{"v1": a, "v2": b} }
	for name, c := range map[string]struct {
		m    canary.Measurement
		want canary.State
	}{
		"somebody waits":                    {canary.Measurement{Asked: asked, Count: counted(850, 150), Waiting: 1}, canary.Pending},
		"others take part":                  {canary.Measurement{Asked: asked, Count: counted(850, 150), AllRoutes: true}, canary.Acknowledged},
		"too few":                           {canary.Measurement{Asked: asked, Count: counted(84, 15)}, canary.Converging},
		"just enough":                       {canary.Measurement{Asked: asked, Count: counted(85, 15)}, canary.Settled},
		"within the interval":               {canary.Measurement{Asked: asked, Count: counted(79, 21)}, canary.Settled},
		"far off":                           {canary.Measurement{Asked: asked, Count: counted(700, 300)}, canary.Converging},
		"outside, but within two points":    {canary.Measurement{Asked: asked, Count: counted(86_500, 13_500)}, canary.Settled},
		"a version that should get nothing": {canary.Measurement{Asked: map[string]int{"v1": 100, "v2": 0}, Count: counted(950, 50)}, canary.Converging},
		"a version that nobody asked for":   {canary.Measurement{Asked: asked, Count: map[string]float64{"v1": 85, "v2": 15, "v3": 60}}, canary.Converging},
	} {
		if got := c.m.State(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestEffect(t *testing.T) {
	before, asked := map[string]int{"v1": 100, "v2": 0}, map[string]int{"v1": 60, "v2": 40}
	for _, c := range []struct {
		acked, total int
		want         map[string]float64
	}{
		{0, 4, map[string]float64{"v1": 100, "v2": 0}},
		{1, 4, map[string]float64{"v1": 90, "v2": 10}},
		{4, 4, map[string]float64{"v1": 60, "v2": 40}},
		{0, 0, map[string]float64{"v1": 60, "v2": 40}},
	} {
		if diff := cmp.Diff(c.want, canary.Effect(before, asked, c.acked, c.total)); diff != "" {
			t.Errorf("%d of %d: %s", c.acked, c.total, diff)
		}
	}
}
