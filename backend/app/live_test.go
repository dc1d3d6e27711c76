package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/backend/metrics"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Every topic stands in the table that says what it needs, and the other way
// round.
func TestEveryTopicNeedsSomething(t *testing.T) {
	p := &plane{live: &telling{events: live.NewRing()}}
	needs := map[string]api.Capability{}
	for _, topic := range api.Topics() {
		if topic.Needs == "" || topic.Needs == api.Open || needs[topic.Name] != "" {
			t.Errorf("topic %s needs %q, or stands there twice", topic.Name, topic.Needs)
		}
		needs[topic.Name] = topic.Needs
	}
	for _, topic := range p.topics() {
		if _, ok := needs[topic.Name]; !ok {
			t.Errorf("nobody says what topic %s needs", topic.Name)
		}
		delete(needs, topic.Name)
		if (topic.Run == nil) == (topic.Events == nil) {
			t.Errorf("topic %s is neither a state nor events", topic.Name)
		}
	}
	for name := range needs {
		t.Errorf("there is no topic %s", name)
	}
}

func TestKeepingPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var changed signal
		var at []time.Duration
		start := time.Now()
		ended := make(chan error)
		watched := changed.watch(ctx)
		go func() {
			ended <- keep(ctx, pace{atLeast: 10 * time.Second, gap: time.Second}, watched, func(context.Context) {
				at = append(at, time.Since(start))
				if len(at) == 5 {
					time.Sleep(2 * time.Second) // in the bubble: time passes at once; a slow one is followed by a long rest
				}
			})
		}()
		fire := func(when time.Duration) {
			time.Sleep(when - time.Since(start))
			synctest.Wait()
			changed.fire()
		}
		fire(3 * time.Second)         // after a pause: at once
		fire(3200 * time.Millisecond) // soon after: one for both, after the gap
		fire(3300 * time.Millisecond)
		fire(15 * time.Second) // the clock alone said 14 s
		fire(16 * time.Second)
		time.Sleep(60*time.Second - time.Since(start))
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		want := "[0s 3s 4s 14s 15s 25s 35s 45s 55s]"
		if got := fmt.Sprint(at); got != want {
			t.Errorf("computed at %s, want %s", got, want)
		}
		synctest.Wait()
		if len(changed.watchers) != 0 {
			t.Error("a watcher is left")
		}
	})
}

func TestTheLastGraphStands(t *testing.T) {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var l lastGraph
	l.take(nil, "r0", errors.New("prometheus is away"), start)
	if w := l.whole(); len(w) != 1 || l.meta.StaleSince == nil || l.meta.Problem != "prometheus is away" {
		t.Errorf("before the first: %v", w)
	}
	g := &graph.Live{At: start, Seconds: 15, Nodes: []graph.LiveNode{{Node: graph.Node{ID: "a"}}}, Edges: []graph.LiveEdge{{Edge: graph.Edge{ID: "a > a : http"}}}}
	l.take(g, "r1", nil, start)
	if got := slices.Sorted(maps.Keys(l.whole())); fmt.Sprint(got) != "[e:a > a : http meta n:a]" {
		t.Errorf("elements: %v", got)
	}
	if want := (api.GraphMeta{At: start, Seconds: 15, Revision: "r1"}); l.meta != want {
		t.Errorf("meta: %+v", l.meta)
	}
	for i := range 3 {
		l.take(nil, "r2", errors.New("gone again"), start.Add(time.Duration(1+i)*time.Minute))
	}
	since := start.Add(time.Minute)
	want := api.GraphMeta{At: start, Seconds: 15, Revision: "r1", StaleSince: &since, Problem: "gone again"}
	if diff := cmp.Diff(want, l.meta); diff != "" || len(l.whole()) != 3 {
		t.Errorf("stale: %s", diff)
	}
	l.take(g, "r3", nil, start)
	if l.meta.StaleSince != nil || l.meta.Problem != "" {
		t.Errorf("fresh again: %+v", l.meta)
	}
}

// A pod that comes or goes is seen at once, and also while the figures are old.
func TestOldFiguresInTheMeshOfNow(t *testing.T) {
	head := &mesh.Head{}
	head.Set(meshtest.Snapshot(t, meshtest.Bookinfo()))
	h := newHealth(2*time.Second, head, slog.New(slog.DiscardHandler))
	if g, err := h.shown(graph.ByWorkload); g != nil || err != nil {
		t.Errorf("before the first evaluation: %v, %v", g, err)
	}
	h.judge(graph.Traffic{At: time.Now(), Window: 15 * time.Second})
	first, _ := h.shown(graph.ByWorkload)
	if again, _ := h.shown(graph.ByWorkload); again != first {
		t.Error("the same mesh is drawn twice")
	}
	head.Set(meshtest.Snapshot(t, rules))
	h.failed = errors.New("prometheus is away")
	g, err := h.shown(graph.ByWorkload)
	if err == nil || g == nil || len(g.Nodes) >= len(first.Nodes) || !g.At.Equal(first.At) {
		t.Errorf("without its pods: %v, %v", g, err)
	}
	var l lastGraph
	l.take(graph.Decorate(g, graph.Facts{}), "r2", err, time.Now())
	if l.meta.Revision != "r2" || l.meta.StaleSince == nil || l.graph == nil {
		t.Errorf("meta: %+v", l.meta)
	}
}

func TestFindingsHaveNames(t *testing.T) {
	vs := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	one := mesh.Finding{Code: "HDL2101", Ref: vs, Path: "spec.hosts[0]", Message: "one"}
	two := one
	two.Message = "two"
	other := one
	other.Path = "spec.hosts[1]"
	now := identified([]mesh.Finding{one, two, other})
	want := []string{
		"HDL2101 VirtualService.networking.istio.io/default/reviews spec.hosts[0]",
		"HDL2101 VirtualService.networking.istio.io/default/reviews spec.hosts[0] #2",
		"HDL2101 VirtualService.networking.istio.io/default/reviews spec.hosts[1]",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(now))); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, e := range findingEvents(now, identified([]mesh.Finding{other, {Code: "HDL0031", Message: "port"}})) {
		got = append(got, e.Op+" "+e.Finding.Message)
	}
	if fmt.Sprint(got) != "[gone one gone two new port]" {
		t.Errorf("events: %v", got)
	}
}

const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews.default.svc.cluster.local, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["default/a.example", b.example, "*/b.example"]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: all, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: some}
spec: {selector: {matchLabels: {app: ratings}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: namespace}
spec: {}
`

func TestObjectElements(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo(), rules)
	reviews := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	rule := mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "reviews"}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	findings := []mesh.Finding{
		{Ref: reviews, Severity: mesh.Warning},
		{Ref: reviews, Severity: mesh.Warning},
		{Ref: reviews, Severity: mesh.Info},
		{Ref: rule, Severity: mesh.Error, Code: mesh.CodeRejected},
	}
	var acts reach
	last := func(ref mesh.Ref) *api.LastChange {
		if ref == reviews {
			return &api.LastChange{At: at}
		}
		return nil
	}
	whole := objectElements(snap, findings, acts.in(snap), last)
	var got []string
	for _, id := range slices.Sorted(maps.Keys(whole)) {
		o := whole[id].(api.LiveObject)
		_, name, _ := strings.Cut(id, "/")
		got = append(got, fmt.Sprintf("%s %s %s %d %s %s %s %t %t", o.Ref.Kind.Name, name, o.State, o.Findings, o.Hosts, o.Services, o.Scope, o.Changed != nil, o.NotSupported))
	}
	want := []string{
		"AuthorizationPolicy default/namespace ok {0 0 0} [] [] namespace false true",
		"AuthorizationPolicy default/some ok {0 0 0} [] [default/ratings] services false true",
		"DestinationRule default/reviews rejected {1 0 0} [reviews.default.svc.cluster.local] [default/reviews] services false false",
		"Gateway default/front ok {0 0 0} [a.example b.example] [istio-system/istio-ingressgateway] services false false",
		"PeerAuthentication istio-system/all ok {0 0 0} [] [] mesh false true",
		"VirtualService default/reviews warning {0 2 1} [reviews] [default/reviews] services true false",
	}
	if diff := cmp.Diff(want, slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "bookinfo") })); diff != "" {
		t.Error(diff)
	}
	if again := acts.in(snap); fmt.Sprintf("%p", again) != fmt.Sprintf("%p", acts.services) {
		t.Error("what objects act on was found twice for one snapshot")
	}
}

func TestStatesOfObjects(t *testing.T) {
	for want, list := range map[string][]mesh.Finding{
		"ok":       nil,
		"info":     {{Severity: mesh.Info}},
		"warning":  {{Severity: mesh.Info}, {Severity: mesh.Warning}},
		"error":    {{Severity: mesh.Error}, {Severity: mesh.Warning}},
		"rejected": {{Severity: mesh.Error}, {Severity: mesh.Error, Code: mesh.CodeRejected}},
	} {
		if got, n := stateOf(list); got != want || n.Error+n.Warning+n.Info != len(list) {
			t.Errorf("%s: %s, %v", want, got, n)
		}
	}
}

func TestPartsSaySinceWhen(t *testing.T) {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	p := newParts()
	changed := p.changed.watch(t.Context())
	told := func() bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	steps := []struct {
		err   error
		since time.Duration
		tells bool
	}{
		{nil, 0, true}, {nil, 0, false}, {errors.New("refused"), 2, true}, {errors.New("timed out"), 2, true}, {errors.New("timed out"), 2, false}, {nil, 5, true},
	}
	for i, s := range steps {
		p.asked(partPrometheus, s.err, start.Add(time.Duration(i)*time.Minute))
		got := p.all()[partPrometheus]
		if !got.Since.Equal(start.Add(s.since*time.Minute)) || (got.State == partOK) != (s.err == nil) {
			t.Errorf("step %d: %+v", i, got)
		}
		if told() != s.tells {
			t.Errorf("step %d is told: %v", i, !s.tells)
		}
	}
}

func TestUsingAPartSaysNotAll(t *testing.T) {
	p, now := newParts(), time.Now()
	code := func() string { return p.all()[partPrometheus].Code }
	p.set(partPrometheus, api.LivePart{State: partStale, Code: "noSamples"}, now)
	if p.used(partPrometheus, nil, now); code() != "noSamples" {
		t.Error("an answer without samples is well")
	}
	if p.used(partPrometheus, errors.New("refused"), now); code() != unreachable {
		t.Errorf("no answer: %q", code())
	}
	if p.used(partPrometheus, nil, now); code() != "" {
		t.Errorf("an answer: %q", code())
	}
}

func TestSourcesAreParts(t *testing.T) {
	names := map[string]string{"files": partConfig, "cluster": partCluster}
	starting := sourceParts("waiting for the sources", nil, names)
	for _, id := range []string{partControlPlane, partConfig, partCluster} {
		if p := starting[id]; p.State != partAway || p.Code != "starting" || p.Detail != "waiting for the sources" {
			t.Errorf("%s at the start: %+v", id, p)
		}
	}
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	away := *snap
	away.Findings = []mesh.Finding{{Code: mesh.CodeSourceAway, Message: "The cluster does not answer", Params: map[string]string{"source": "cluster", "error": "EOF"}}}
	want := map[string]api.LivePart{
		partControlPlane: {State: partOK}, partConfig: {State: partOK},
		partCluster: {State: partStale, Code: "sourceAway", Params: map[string]string{"source": "cluster", "error": "EOF"}, Detail: "The cluster does not answer"},
	}
	if diff := cmp.Diff(want, sourceParts("", &away, names)); diff != "" {
		t.Error(diff)
	}
}

func TestProxyElements(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	var w *mesh.Workload
	for candidate := range snap.Workloads.Values() {
		if candidate.WorkloadFacts.Workload == "reviews-v1" {
			w = candidate
		}
	}
	refused := map[string][]api.RefusedResource{w.UID: {{Type: "t", Resource: "r"}}}
	rates := map[metrics.Pod]float64{{Namespace: w.Namespace, Name: w.Pod}: 12.3456}
	begin := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	certificate := func(uid string) (validate.Certificate, bool) {
		return validate.Certificate{NotBefore: begin, NotAfter: begin.Add(24 * time.Hour)}, uid == w.UID
	}
	whole := proxyElements(snap, []serve.ProxyStatus{{UID: w.UID, ID: "x"}, {UID: "gone", ID: "y"}}, rates, refused, certificate)
	got, gone := whole[w.UID].(api.LiveProxy), whole["gone"].(api.LiveProxy)
	if got.Workload != "reviews-v1" || got.Pod != w.Pod || got.Ready != w.Ready || got.RPS != 12.3 || len(got.Refused) != 1 || got.Node != w.Node {
		t.Errorf("%+v", got)
	}
	if got.CertificateEnds == nil || !got.CertificateEnds.Equal(begin.Add(24*time.Hour)) || !got.CertificateRenews.Equal(begin.Add(12*time.Hour)) {
		t.Errorf("its certificate ends %v, renews %v", got.CertificateEnds, got.CertificateRenews)
	}
	if gone.CertificateEnds != nil || gone.Node != "" {
		t.Errorf("of a pod that is gone this is known: %+v", gone)
	}
	if data, err := json.Marshal(gone); err != nil || !strings.Contains(string(data), `"refused":[]`) || !strings.Contains(string(data), `"id":"y"`) {
		t.Errorf("%s, %v", data, err)
	}
}

// What a proxy rejects is an event at once, and stands at the proxy as long as it
// is not sent it.
func TestRefusalsAreRemembered(t *testing.T) {
	tell := &telling{events: live.NewRing()}
	r := &refusals{telling: tell, log: slog.New(slog.NewTextHandler(io.Discard, nil)), byProxy: map[string]refusedOf{}}
	changed := tell.changed.watch(t.Context())
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	vs := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	bad := serve.Refusal{Type: "routes", Name: "80/reviews", Words: "no such cluster", From: []mesh.Ref{vs}}
	connected := []serve.ProxyStatus{{UID: "u1"}}
	hear := func(w serve.Word) []api.RefusedResource {
		w.UID, w.ID = "u1", "reviews.default"
		r.Heard(w)
		select {
		case <-changed:
		default:
			t.Error("nobody is told")
		}
		return r.of(connected)["u1"]
	}
	hear(serve.Word{What: serve.Refused, At: start, Refusals: []serve.Refusal{{Type: "routes", Words: "something is wrong"}}})
	hear(serve.Word{What: serve.Refused, At: start.Add(time.Second), Refusals: []serve.Refusal{bad}})
	want := []api.RefusedResource{{Type: "routes", Resource: "80/reviews", Message: "no such cluster", Refs: []mesh.Ref{vs}, At: start.Add(time.Second)}}
	if diff := cmp.Diff(want, hear(serve.Word{What: serve.Settled, At: start.Add(time.Minute), Refusals: []serve.Refusal{bad}})); diff != "" {
		t.Errorf("still refused: %s", diff)
	}
	if left := hear(serve.Word{What: serve.Settled, At: start.Add(time.Hour)}); len(left) != 0 {
		t.Errorf("mended: %v", left)
	}
	hear(serve.Word{What: serve.Refused, Refusals: []serve.Refusal{bad}})
	if r.of(nil); len(r.byProxy) != 0 {
		t.Error("a proxy that is gone is remembered")
	}
}
