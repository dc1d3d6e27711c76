package preview_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/translate"
)

const rules = `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec:
  host: reviews
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
# kept
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviews, subset: v1}
      weight: 90 # most
    - destination: {host: reviews, subset: v2}
      weight: 10
`

var (
	routes      = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	destination = mesh.Ref{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "reviews"}
)

// scene is bookinfo with its proxies connected, and a change to it.
type scene struct {
	preview.Input
	made *int // parts that had to be made
}

func newScene(t *testing.T, text string, refusing string, entries ...preview.Entry) scene {
	t.Helper()
	before := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo()+text))
	proposal, problems, err := preview.Resolve(t.Context(), entries, before.Objects)
	if proposal == nil {
		t.Fatalf("not resolved: %v %+v", err, problems)
	}
	after := proposal.Apply(before)
	var proxies []serve.Connected
	for w := range before.Workloads.Values() {
		if !w.Meshed && !w.Gateway {
			continue
		}
		p := xds.Proxy{UID: w.UID, ID: w.Pod + "." + w.Namespace, Role: xds.Sidecar, Workload: w, Namespace: w.Namespace}
		if w.Gateway {
			p.Role = xds.Gateway
		}
		proxies = append(proxies, serve.Connected{Proxy: p, Refusing: w.UID == refusing})
	}
	server, err := serve.New(serve.Options{Planner: new(translate.Planner), Head: &mesh.Head{}})
	if err != nil {
		t.Fatal(err)
	}
	planner := new(translate.Planner)
	plan := func(s *mesh.Snapshot) func(xds.Proxy) *xds.Plan {
		return func(p xds.Proxy) *xds.Plan { plan, _ := planner.Plan(s, p); return plan }
	}
	made := 0
	return scene{made: &made, Input: preview.Input{
		Scene: preview.Scene{
			Before: before, After: after, Proxies: proxies, PlanBefore: plan(before), PlanAfter: plan(after),
			Make: func(p xds.Part) serve.Made { made++; return server.Make(p) },
		},
		Proposal:     proposal,
		ChecksBefore: validate.Run(before, validate.Evidence{}, validate.Options{}).Findings,
		ChecksAfter:  validate.Run(after, validate.Evidence{}, validate.Options{}).Findings,
	}}
}

func (s scene) preview(t *testing.T) *preview.Preview {
	t.Helper()
	p, err := preview.New(t.Context(), s.Input)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func edit(ref mesh.Ref, edits ...config.Edit) preview.Entry {
	return preview.Entry{Ref: ref, ETag: "*", Edits: edits}
}

// reviewsTraffic is productpage calling reviews, and reviews calling ratings.
func reviewsTraffic() *graph.Graph {
	const reviews, ratings = "reviews.default.svc.cluster.local", "ratings.default.svc.cluster.local"
	node := func(name string) graph.Node {
		return graph.Node{ID: name, Kind: graph.KindWorkload, Name: name, Workload: name, Namespace: "default"}
	}
	edge := func(from, to, host string, rate float64) graph.Edge {
		return graph.Edge{ID: from + " > " + to, Source: from, Target: to, Services: []string{host}, Rates: graph.Rates{Protocol: graph.HTTP, Rate: rate}}
	}
	return &graph.Graph{
		Nodes: []graph.Node{node("productpage-v1"), node("reviews-v1"), node("reviews-v2"), node("ratings-v1")},
		Edges: []graph.Edge{
			edge("productpage-v1", "reviews-v1", reviews, 9), edge("productpage-v1", "reviews-v2", reviews, 1),
			edge("reviews-v2", "ratings-v1", ratings, 1),
		},
	}
}

func TestWeightChangeConcernsCallersOfTheService(t *testing.T) {
	s := newScene(t, rules, "ratings-v1-0", edit(routes,
		config.Edit{Op: config.Set, Path: "spec.http[0].route[0].weight", Value: "70"},
		config.Edit{Op: config.Set, Path: "spec.http[0].route[1].weight", Value: "30"}))
	s.Traffic = reviewsTraffic()
	p := s.preview(t)
	if p.Blocked || p.Refused || len(p.Findings.Added)+len(p.Findings.Gone) != 0 {
		t.Errorf("findings: %+v", p.Findings)
	}
	if len(p.Groups) != 1 {
		t.Fatalf("groups: %+v", p.Groups)
	}
	g := p.Groups[0]
	if g.Resources.Added != 0 || g.Resources.Changed != 1 || g.Resources.Removed != 0 || g.Resources.Unchanged < 20 {
		t.Errorf("resources: %+v", g.Resources)
	}
	if diff := cmp.Diff([]preview.TypeCounts{{Type: xds.VirtualHostType, Changed: 1}}, g.Types); diff != "" {
		t.Error(diff)
	}
	if g.Bytes < 100 || g.Bytes > 3000 {
		t.Errorf("%d bytes", g.Bytes)
	}
	// Every sidecar may call reviews; the one that does comes first, then the one
	// that refused what it was sent last.
	if len(g.Proxies) != 6 || g.Proxies[0].ID != "productpage-v1-0.default" || g.Proxies[0].RPS != 10 || !g.Proxies[1].Refusing {
		t.Errorf("proxies: %+v", g.Proxies)
	}
	want := &preview.Requests{RPS: 10, Callers: []preview.Caller{{Workload: "productpage-v1", Namespace: "default", RPS: 10}}}
	if diff := cmp.Diff(want, p.Requests); diff != "" {
		t.Error(diff)
	}
	// Only what differs is made, before and after.
	if *s.made != 2 {
		t.Errorf("%d parts were made", *s.made)
	}
	if w := p.Written[0]; !strings.Contains(*w.After, "weight: 70 # most") || strings.Contains(*w.Before, "70") {
		t.Errorf("written: %s", *w.After)
	}
	wantSettings := []preview.SettingChange{{
		Scope: "service reviews.default", Rule: "http[0]", Setting: "split",
		Before: &preview.Value{Value: "v1 90, v2 10", From: []mesh.Ref{routes}, Path: "spec.http[0].route"},
		After:  &preview.Value{Value: "v1 70, v2 30", From: []mesh.Ref{routes}, Path: "spec.http[0].route"},
	}}
	if diff := cmp.Diff(wantSettings, p.Settings); diff != "" {
		t.Error(diff)
	}
}

func TestEnvoyDiffShowsOnlyWhatChanges(t *testing.T) {
	s := newScene(t, rules, "", edit(routes, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "2s"}))
	effects, _, _, err := preview.Effects(t.Context(), s.Scene)
	if err != nil {
		t.Fatal(err)
	}
	diffs, ok, err := preview.Diffs(t.Context(), effects, s.preview(t).Groups[0].ID)
	if err != nil || !ok || len(diffs) != 1 {
		t.Fatalf("%v %v %+v", err, ok, diffs)
	}
	text := diffs[0].Diff
	if !strings.Contains(text, "-      timeout: 0s\n") || !strings.Contains(text, "+      timeout: 2s\n") || !strings.HasPrefix(text, "@@ -") || strings.Count(text, "\n") > 12 {
		t.Errorf("diff:\n%s", text)
	}
	if _, ok, _ := preview.Diffs(t.Context(), effects, "none"); ok {
		t.Error("a group that is not there was shown")
	}
}

func TestProxiesAreGroupedByWhatTheyAreTold(t *testing.T) {
	s := newScene(t, rules, "",
		preview.Entry{Ref: mesh.Ref{Kind: mesh.KindGateway, Namespace: "default", Name: "edge"}, YAML: `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`},
		edit(routes, config.Edit{Op: config.Set, Path: "spec.gateways", Value: "[edge, mesh]"}),
		edit(destination, config.Edit{Op: config.Set, Path: "spec.subsets[0].trafficPolicy.loadBalancer.simple", Value: "RANDOM"}))
	p := s.preview(t)
	var got [][]string
	for _, g := range p.Groups {
		var ids []string
		for _, x := range g.Proxies {
			ids = append(ids, x.ID)
		}
		got = append(got, ids)
	}
	slices.SortFunc(got, func(a, b []string) int { return len(a) - len(b) })
	if len(got) != 2 || len(got[0]) != 1 || got[0][0] != "istio-ingressgateway-0.istio-system" || len(got[1]) != 6 {
		t.Errorf("groups: %v", got)
	}
	for _, g := range p.Groups {
		if len(g.Proxies) != 1 {
			continue
		}
		// The gateway gets a listener, routes and a host; the cluster of the subset changes.
		if g.Resources.Added < 3 || g.Resources.Changed != 1 {
			t.Errorf("gateway: %+v %+v", g.Resources, g.Types)
		}
	}
	i := slices.IndexFunc(p.Settings, func(c preview.SettingChange) bool { return c.Setting == "loadBalancer of subset v1" })
	if i < 0 || p.Settings[i].Before != nil || p.Settings[i].After.Value != "RANDOM" || p.Settings[i].After.From[0] != destination {
		t.Errorf("settings: %+v", p.Settings)
	}
}

func TestWhatChangesNothingTellsNobody(t *testing.T) {
	s := newScene(t, rules, "", edit(routes, config.Edit{Op: config.Set, Path: "metadata.labels", Value: "{team: a}"}))
	p := s.preview(t)
	if len(p.Groups) != 0 || len(p.Settings) != 0 || p.Requests != nil {
		t.Errorf("a label told somebody: %+v", p)
	}
}

func TestAddedErrorBlocksAndIsPlaced(t *testing.T) {
	s := newScene(t, rules, "", preview.Entry{Ref: destination, ETag: "*", Delete: true})
	p := s.preview(t)
	if !p.Blocked || p.Refused || len(p.Findings.Added) == 0 {
		t.Fatalf("%+v", p.Findings)
	}
	if p.Written[0].After != nil || p.Written[0].Before == nil {
		t.Errorf("written: %+v", p.Written)
	}
	// And it mends what it broke.
	back := newScene(t, rules[strings.Index(rules, "---\n# kept"):], "", preview.Entry{Ref: destination, YAML: rules[4:strings.Index(rules, "---\n# kept")]})
	p = back.preview(t)
	if p.Blocked || len(p.Findings.Gone) == 0 {
		t.Errorf("gone: %+v", p.Findings)
	}
	// The routes could not be made before, so nobody has them.
	if len(p.Groups) != 2 || p.Groups[0].Resources.Added == 0 {
		t.Errorf("groups: %+v", p.Groups)
	}

	broken := newScene(t, rules, "", edit(routes, config.Edit{Op: config.Set, Path: "spec.http[0].route[1].destination.subset", Value: "v9"}))
	p = broken.preview(t)
	i := slices.IndexFunc(p.Findings.Added, func(f mesh.Finding) bool { return f.Severity == mesh.Error && f.Ref == routes })
	if !p.Blocked || i < 0 || p.Findings.Added[i].Line == 0 {
		t.Errorf("added: %+v", p.Findings.Added)
	}
}

func TestRefusals(t *testing.T) {
	present := meshtest.Snapshot(t, meshtest.Bookinfo()+rules).Objects
	for name, c := range map[string]struct {
		entry preview.Entry
		want  string
	}{
		"not YAML":       {preview.Entry{Ref: routes, ETag: "*", YAML: "a: [b"}, "HDL0001"},
		"wrong type":     {edit(routes, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "soon"}), "HDL0002"},
		"another object": {edit(routes, config.Edit{Op: config.Set, Path: "metadata.name", Value: "other"}), "HDL0002"},
		"two documents":  {preview.Entry{Ref: routes, ETag: "*", YAML: rules}, "HDL0001"},
		"nothing there":  {preview.Entry{Ref: mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "x"}, Delete: true}, "HDL0002"},
		"edits of none":  {edit(mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "x"}, config.Edit{Op: config.Delete, Path: "spec.http"}), "HDL0002"},
	} {
		p, findings, _ := preview.Resolve(t.Context(), []preview.Entry{c.entry}, present)
		if p != nil || len(findings) == 0 || findings[0].Code != c.want || findings[0].Ref != c.entry.Ref {
			t.Errorf("%s: %+v", name, findings)
		}
	}
	if p, findings, _ := preview.Resolve(t.Context(), []preview.Entry{edit(routes), edit(routes)}, present); p != nil || !slices.ContainsFunc(findings, func(f mesh.Finding) bool { return f.Code == mesh.CodeDuplicate }) {
		t.Errorf("twice: %+v", findings)
	}
	wrong := preview.Refuse([]mesh.Finding{{Code: "HDL0001", Severity: mesh.Error}})
	if !wrong.Refused || !wrong.Blocked {
		t.Error("a refusal is none")
	}
	_, findings, _ := preview.Resolve(t.Context(), []preview.Entry{edit(routes, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "soon"})}, present)
	if findings[0].Line == 0 {
		t.Errorf("the mistake has no line: %+v", findings[0])
	}
}

func TestStaleEntries(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo()+rules)
	o, _ := snap.Get(routes)
	missing := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "new"}
	text := strings.Replace(string(o.Text), "name: reviews,", "name: new,", 1)
	for _, c := range []struct {
		ref   mesh.Ref
		etag  string
		stale bool
	}{
		{routes, o.Version, false},
		{routes, "another", true},
		{routes, "", true},
		{routes, "*", false},
		{missing, "", false},
		{missing, "gone", true},
	} {
		yaml := string(o.Text)
		if c.ref == missing {
			yaml = text
		}
		p, findings, _ := preview.Resolve(t.Context(), []preview.Entry{{Ref: c.ref, ETag: c.etag, YAML: yaml}}, snap.Objects)
		if p == nil || p.Items[0].Stale != c.stale {
			t.Errorf("%s with etag %q: %+v %+v", c.ref, c.etag, p, findings)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	ref := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "cert"}
	s := newScene(t, rules, "", preview.Entry{Ref: ref, YAML: "apiVersion: v1\nkind: Secret\nmetadata: {name: cert, namespace: default}\nstringData: {key: hunter2}\n"})
	p := s.preview(t)
	if strings.Contains(*p.Written[0].After, "hunter2") {
		t.Error("the content of a secret is shown")
	}
}

// Whoever asked may be gone in the middle of the work.
func TestAnAbandonedPreviewEnds(t *testing.T) {
	timeouts := edit(routes, config.Edit{Op: config.Set, Path: "spec.http[0].timeout", Value: "2s"})
	subsets := edit(destination, config.Edit{Op: config.Set, Path: "spec.trafficPolicy", Value: "{loadBalancer: {simple: ROUND_ROBIN}}"})
	s := newScene(t, rules, "", timeouts, subsets)
	s.preview(t)
	whole := *s.made
	ctx, leave := context.WithCancel(t.Context())
	made := s.Make
	s.Make = func(p xds.Part) serve.Made {
		leave()
		return made(p)
	}
	*s.made = 0
	if _, err := preview.New(ctx, s.Input); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
	if *s.made > whole/4 { // what was begun is ended
		t.Errorf("%d of %d parts were made although nobody waited any more", *s.made, whole)
	}
	if _, _, err := preview.Resolve(ctx, []preview.Entry{timeouts}, s.Before.Objects); !errors.Is(err, context.Canceled) {
		t.Errorf("entries: %v, want canceled", err)
	}
	effects, _, _, err := preview.Effects(t.Context(), s.Scene)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := preview.Diffs(ctx, effects, effects[0].ID); !errors.Is(err, context.Canceled) {
		t.Errorf("diffs: %v, want canceled", err)
	}
}
