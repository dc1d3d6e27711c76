package app

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/source"
	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/serve/servetest"
	"github.com/heddle-mesh/heddle/xds/simulate"
	"github.com/heddle-mesh/heddle/xds/translate"
)

const reviewsRules = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: reviews, subset: v1}, weight: 100}
    - {destination: {host: reviews, subset: v2}, weight: 0}
`

const reviewsSubsets = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`

var reviewsRef = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}

// bookinfoPlane is a control plane over bookinfo with rules for reviews, without
// any port, and with the given pods' proxies connected.
func bookinfoPlane(t *testing.T, pods ...string) *plane {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	p := &plane{log: log, head: &mesh.Head{}, checks: newChecks(log), telemetry: &telemetry{}, live: &telling{}}
	p.previews.planner = new(translate.Planner)
	p.health = newHealth(2*time.Second, p.head, log)
	var err error
	if p.store, err = file.Open(t.TempDir(), file.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	if p.xds, err = serve.New(serve.Options{Planner: p.previews.planner, Head: p.head}); err != nil {
		t.Fatal(err)
	}
	if p.telemetry.metrics, err = metrics.Local(http.NotFoundHandler()); err != nil {
		t.Fatal(err)
	}
	p.delivery = delivery.New(func(before, after *mesh.Snapshot) []*preview.Effect {
		effects, _, _, _ := preview.Effects(context.Background(), p.between(before, after))
		return effects
	})
	p.xds.Listen(p.delivery)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.xds.Run(ctx) })
	running.Go(func() { _ = p.delivery.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	p.write(t, source.Change{Ref: reviewsRef, Text: []byte(reviewsRules)},
		source.Change{Ref: mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "reviews"}, Text: []byte(reviewsSubsets)})
	for _, pod := range pods {
		servetest.Connect(t, p.xds, pod, servetest.Take)
	}
	p.write(t) // and once more, so that all of them have everything
	return p
}

// write stores changes, makes the snapshot with them the one in force, and waits
// for the proxies.
func (p *plane) write(t *testing.T, changes ...source.Change) {
	t.Helper()
	if err := p.store.Apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	written, err := p.store.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	objects := append(meshtest.Objects(t, meshtest.Bookinfo()), written...)
	snap := mesh.Build(p.head.Get(), mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
	p.head.Set(snap)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.xds.WaitTaken(ctx, snap); err != nil {
		t.Fatal(err)
	}
}

func (p *plane) proposal(t *testing.T, edits ...config.Edit) *preview.Proposal {
	t.Helper()
	objects, err := p.Objects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change, problems, err := preview.Resolve(t.Context(), []preview.Entry{{Ref: reviewsRef, ETag: "*", Edits: edits}}, objects)
	if change == nil {
		t.Fatalf("%v %+v", err, problems)
	}
	return change
}

func TestPreviewLeavesTheMeshAlone(t *testing.T) {
	p := bookinfoPlane(t, "productpage-v1-0", "reviews-v1-0", "istio-ingressgateway-0")
	before := p.Snapshot()
	change := p.proposal(t, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "2s"})
	for range 2 { // the checks go to what would be and back
		said, err := p.Preview(t.Context(), change)
		if err != nil {
			t.Fatal(err)
		}
		if len(said.Groups) != 1 || len(said.Groups[0].Proxies) != 2 || said.Blocked || len(said.Findings.Added) != 0 {
			t.Fatalf("%+v", said)
		}
		diffs, found, err := p.PreviewEnvoy(t.Context(), change, said.Groups[0].ID)
		if err != nil || !found || len(diffs) != 1 || !strings.Contains(diffs[0].Diff, "timeout: 2s") {
			t.Errorf("%v %v %+v", diffs, found, err)
		}
	}
	broken, err := p.Preview(t.Context(), p.proposal(t, config.Edit{Op: config.Set, Path: "spec.http[0].route[0].destination.subset", Value: "v9"}))
	if err != nil || !broken.Blocked {
		t.Errorf("%+v, %v", broken, err)
	}
	if p.Snapshot() != before || p.xds.Proxies()[0].Revision != before.Revision.String() {
		t.Error("a preview changed what is in force")
	}
	// What was written a moment ago counts, although no snapshot has it yet.
	text := strings.Replace(reviewsRules, "  - route:", "  - timeout: 9s\n    route:", 1)
	if err := p.store.Apply(t.Context(), []source.Change{{Ref: reviewsRef, Text: []byte(text), Expect: source.Any}}); err != nil {
		t.Fatal(err)
	}
	said, err := p.Preview(t.Context(), p.proposal(t, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "2s"}))
	if err != nil || len(said.Settings) != 1 || said.Settings[0].Before.Value != "9s" {
		t.Errorf("%+v, %v", said.Settings, err)
	}
}

func TestTryBeforeAndAfterAChange(t *testing.T) {
	p := bookinfoPlane(t, "productpage-v1-0")
	from, _ := p.Snapshot().Workloads.Get("productpage-v1-0")
	call, err := simulate.NewCall("GET", "http://reviews:9080/reviews/0")
	if err != nil {
		t.Fatal(err)
	}
	change := p.proposal(t,
		config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "2s"},
		config.Edit{Op: config.Set, Path: "spec.http[0].route[0].weight", Value: "60"},
		config.Edit{Op: config.Set, Path: "spec.http[0].route[1].weight", Value: "40"})
	before, after, err := p.Try(t.Context(), from, call, change)
	if err != nil {
		t.Fatal(err)
	}
	if got := before.String(); !strings.Contains(got, "subset v1") || strings.Contains(got, "timeout") {
		t.Errorf("before: %s", got)
	}
	if got := after.String(); !strings.Contains(got, "60% reviews") || !strings.Contains(got, "40% reviews") || !strings.Contains(got, "timeout 2s") {
		t.Errorf("after: %s", got)
	}
	if _, again, err := p.Try(t.Context(), from, call, nil); err != nil || again != nil {
		t.Errorf("without a change: %v, %v", again, err)
	}
	alone, _ := p.Snapshot().Workloads.Get("ratings-v1-0")
	if _, _, err := p.Try(t.Context(), alone, call, change); err == nil {
		t.Error("a proxy that is not connected answered")
	}
}

// heard is what a topic published last.
func heard(t *testing.T, run func(ctx context.Context, publish func(live.Whole)) error, enough func(live.Whole) bool) live.Whole {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var last live.Whole
	_ = run(ctx, func(w live.Whole) {
		if last = w; enough(w) {
			cancel()
		}
	})
	if !enough(last) {
		t.Fatalf("in the end: %+v", last)
	}
	return last
}

func TestDeliveryAndSplitAreTold(t *testing.T) {
	p := bookinfoPlane(t, "productpage-v1-0", "reviews-v1-0")
	text := strings.NewReplacer("weight: 100", "weight: 70", "weight: 0", "weight: 30").Replace(reviewsRules)
	p.delivery.Follow(delivery.Change{ID: "7", At: time.Now(), Objects: writtenBy(history.Change{Entries: []history.Entry{
		{Ref: reviewsRef, Op: history.Modify, After: &text}, {Ref: mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "s"}, Op: history.Modify},
	}})})
	p.write(t, source.Change{Ref: reviewsRef, Text: []byte(text), Expect: source.Any})
	whole := heard(t, func(ctx context.Context, publish func(live.Whole)) error {
		return p.tellDelivery(ctx, live.Params{"change": "7"}, publish)
	}, func(w live.Whole) bool {
		s, ok := w["summary"].(delivery.Summary)
		return ok && s.Acknowledged == 2
	})
	if len(whole) != 3 || whole["productpage-v1-0"] == nil {
		t.Errorf("%+v", whole)
	}
	told := heard(t, func(ctx context.Context, publish func(live.Whole)) error {
		return p.tellSplit(ctx, live.Params{"service": "default/reviews"}, publish)
	}, func(w live.Whole) bool { return w["state"] != nil })["state"].(canary.Told)
	if told.Asked["v1"] != 70 || told.Effect["v2"] != 30 || told.Acked != 2 || told.Total != 2 || told.State != canary.Converging {
		t.Errorf("%+v", told)
	}
	none := heard(t, func(ctx context.Context, publish func(live.Whole)) error {
		return p.tellSplit(ctx, live.Params{"service": "default/nobody"}, publish)
	}, func(w live.Whole) bool { return w != nil })
	if len(none) != 0 {
		t.Errorf("a service that is not there: %+v", none)
	}
}
