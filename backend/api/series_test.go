package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// observed is a mesh whose past the test makes up.
type observed struct {
	Mesh
	snap   *mesh.Snapshot
	asked  metrics.Subject
	over   metrics.Range
	failed error
}

func (o *observed) Snapshot() *mesh.Snapshot { return o.snap }

func (o *observed) Series(_ context.Context, s metrics.Subject, r metrics.Range) ([]metrics.Series, error) {
	o.asked, o.over = s, r
	return []metrics.Series{{Name: "requests", Unit: "1/s", Version: "v1", Points: [][2]float64{{float64(r.End.Unix()), 12.3456}}}}, o.failed
}

func (o *observed) Timeline(_ context.Context, namespaces []string, r metrics.Range) ([]metrics.Bar, []graph.Transition, error) {
	o.asked, o.over = metrics.Subject{Namespaces: namespaces}, r
	return []metrics.Bar{{At: r.End, ErrorShare: 1. / 3, RPS: 99.99}}, []graph.Transition{{ID: "service/a", At: r.Start}}, o.failed
}

func ask(t *testing.T, h http.Handler, method, path, body string, out any) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(method, path, body))
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatalf("%s: %d %v: %s", path, w.Code, err, w.Body)
		}
	}
	return w.Code
}

func TestSeries(t *testing.T) {
	o := &observed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}
	h := New(Options{Mesh: o}).Owner()
	var got struct {
		Step   float64
		Series []struct {
			Name, Version string
			Points        [][2]float64
		}
		Detail string
	}
	if code := ask(t, h, "GET", "/api/v1/series?kind=service&namespace=default&name=reviews&byVersion=true&range=15m&step=15s", "", &got); code != 200 {
		t.Fatal(code, got.Detail)
	}
	if o.asked.Name != "reviews.default.svc.cluster.local" || !o.asked.ByVersion || o.over.Step != 15*time.Second || o.over.End.Sub(o.over.Start) != 15*time.Minute || o.over.End.Unix()%15 != 0 {
		t.Errorf("asked for %+v, %+v", o.asked, o.over)
	}
	if got.Step != 15 || len(got.Series) != 1 || got.Series[0].Points[0][1] != 12.3 || got.Series[0].Version != "v1" {
		t.Errorf("answer: %+v", got)
	}
	if code := ask(t, h, "GET", "/api/v1/series?kind=workload&namespace=default&name=reviews-v1&direction=outbound", "", &got); code != 200 || o.asked.Direction != metrics.Outbound || o.over.Step != 30*time.Second {
		t.Error(code, o.asked, o.over)
	}
	edge := "kind=service&namespace=default&name=reviews&sourceNamespace=default&source=productpage-v1&source=other"
	if code := ask(t, h, "GET", "/api/v1/series?"+edge, "", &got); code != 200 || o.asked.SourceNamespace != "default" || !slices.Equal(o.asked.Sources, []string{"productpage-v1", "other"}) {
		t.Error(code, o.asked)
	}
	if code := ask(t, h, "GET", "/api/v1/series?kind=mesh&namespace=shop,bank", "", &got); code != 200 || !slices.Equal(o.asked.Namespaces, []string{"shop", "bank"}) {
		t.Error(code, o.asked)
	}
	for path, want := range map[string]string{
		"kind=workload&namespace=shop,bank&name=a":                                           "of one namespace",
		"kind=service&namespace=default&name=reviews&source=a":                               "in which namespace the source workloads are",
		"kind=app&namespace=default&name=reviews&direction=outbound&sourceNamespace=default": "has only itself as source",
		"kind=service&namespace=default&name=nobody":                                         "does not exist",
		"kind=service&namespace=default&name=reviews&direction=outbound":                     "only workloads and applications send",
		"kind=workload&name=a":         "namespace and name",
		"kind=mesh&byVersion=true":     "leave name, version and byVersion out",
		"kind=mesh&range=1h&step=1s":   "choose steps of 4s or more",
		"kind=mesh&range=1y":           "range must be a duration",
		"kind=mesh&range=10s&step=30s": "step must be a duration",
		"kind=pod&name=a":              "validation failed",
	} {
		if code := ask(t, h, "GET", "/api/v1/series?"+path, "", &got); code/100 != 4 || !strings.Contains(got.Detail, want) {
			t.Errorf("%s: %d %s, want %q", path, code, got.Detail, want)
		}
	}
	o.failed = errors.New("prometheus did not answer in time")
	if code := ask(t, h, "GET", "/api/v1/series?kind=mesh", "", &got); code != http.StatusBadGateway || !strings.Contains(got.Detail, "in time") {
		t.Error(code, got.Detail)
	}
}

func TestRangesHaveNoMorePointsThanAllowed(t *testing.T) {
	now := time.Now()
	for long := time.Minute; long <= maxRange; long *= 2 {
		_, err := rangeOf(long.String(), "1s", time.Time{}, now)
		if long < maxPoints*time.Second {
			if err != nil {
				t.Errorf("%s: %v", long, err)
			}
			continue
		}
		_, step, _ := strings.Cut(err.Error(), "choose steps of ")
		step, _, _ = strings.Cut(step, " ")
		r, err := rangeOf(long.String(), step, now.Add(time.Hour), now)
		if err != nil || r.End.Sub(r.Start)/r.Step >= maxPoints || r.End.After(now) {
			t.Errorf("%s in steps of %s as it advised: %v, %v", long, step, r, err)
		}
	}
}

func TestTimeline(t *testing.T) {
	o := &observed{}
	h := New(Options{Mesh: o}).Owner()
	var got TimelineAnswer
	if code := ask(t, h, "GET", "/api/v1/timeline?namespace=shop,bank", "", &got); code != 200 || !slices.Equal(o.asked.Namespaces, []string{"shop", "bank"}) || int(o.over.End.Sub(o.over.Start)/o.over.Step) != 119 {
		t.Fatal(code, o.asked, o.over)
	}
	if len(got.Bars) != 1 || got.Bars[0].ErrorShare != 0.333 || got.Bars[0].RPS != 100 || len(got.Incidents) != 1 || got.Step != 30 {
		t.Errorf("%+v", got)
	}
	for _, path := range []string{"?step=1s", "?bars=501", "?bars=500&step=24h", "?step=x"} {
		if code := ask(t, h, "GET", "/api/v1/timeline"+path, "", nil); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", path, code)
		}
	}
}
