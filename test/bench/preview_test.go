package bench

import (
	"slices"
	"testing"
	"time"

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

// What a preview may cost.
const (
	previewOfBookinfo = 150 * time.Millisecond
	previewOfMany     = time.Second // 500 proxies, 1,000 services
	previewRepeatedly = 5
)

// previewer does for a preview what the control plane does.
type previewer struct {
	t       testing.TB
	snap    *mesh.Snapshot
	proxies []serve.Connected
	server  *serve.Server
	planner *translate.Planner // of the proxies
	engine  *validate.Engine
	traffic *graph.Graph
}

func newPreviewer(t testing.TB, snap *mesh.Snapshot) *previewer {
	t.Helper()
	p := &previewer{t: t, snap: snap, planner: new(translate.Planner), engine: validate.NewEngine(validate.Options{}), traffic: callsOf(snap)}
	server, err := serve.New(serve.Options{Planner: p.planner, Head: &mesh.Head{}})
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
	for w := range snap.Workloads.Values() {
		if w.Meshed {
			p.proxies = append(p.proxies, serve.Connected{Proxy: xds.Proxy{
				UID: w.UID, ID: w.Pod + "." + w.Namespace, Role: xds.Sidecar, Workload: w, Namespace: w.Namespace,
			}})
		}
	}
	// The mesh runs: its proxies have their plans, and its checks have run.
	for _, c := range p.proxies {
		p.planner.Plan(snap, c.Proxy)
	}
	p.engine.Update(snap)
	return p
}

// callsOf has every workload call the service behind it.
func callsOf(snap *mesh.Snapshot) *graph.Graph {
	g := &graph.Graph{}
	var last string
	for w := range snap.Workloads.Values() {
		id := "workload/" + w.Namespace + "/" + w.Workload
		if !slices.ContainsFunc(g.Nodes, func(n graph.Node) bool { return n.ID == id }) {
			g.Nodes = append(g.Nodes, graph.Node{ID: id, Namespace: w.Namespace, Workload: w.Workload, Meshed: w.Meshed})
		}
		if last != "" && last != id {
			g.Edges = append(g.Edges, graph.Edge{
				ID: last + " > " + id, Source: last, Target: id, Rates: graph.Rates{Protocol: graph.HTTP, Rate: 1},
				Services: []string{mesh.KubeHost(w.App, w.Namespace, "cluster.local")},
			})
		}
		last = id
	}
	return g
}

func (p *previewer) run(entries ...preview.Entry) *preview.Preview {
	p.t.Helper()
	proposal, problems, err := preview.Resolve(p.t.Context(), entries, p.snap.Objects)
	if proposal == nil {
		p.t.Fatalf("%v %+v", err, problems)
	}
	after := proposal.Apply(p.snap)
	own := new(translate.Planner)
	in := preview.Input{
		Scene: preview.Scene{
			Before: p.snap, After: after, Proxies: p.proxies, Make: p.server.Make,
			PlanBefore: func(x xds.Proxy) *xds.Plan { plan, _ := p.planner.Plan(p.snap, x); return plan },
			PlanAfter:  func(x xds.Proxy) *xds.Plan { plan, _ := own.Plan(after, x); return plan },
		},
		Proposal: proposal, Traffic: p.traffic,
	}
	in.ChecksBefore = p.engine.Update(p.snap).Findings
	in.ChecksAfter = p.engine.Update(after).Findings
	said, err := preview.New(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	return said
}

// median is how long a preview takes, and what the last one said.
func (p *previewer) median(entries ...preview.Entry) (time.Duration, *preview.Preview) {
	p.t.Helper()
	took := make([]time.Duration, previewRepeatedly)
	var last *preview.Preview
	for i := range took {
		began := time.Now()
		last = p.run(entries...)
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return took[len(took)/2], last
}

func timeout(name, value string) preview.Entry {
	return preview.Entry{
		Ref: mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: name}, ETag: "*",
		Edits: []config.Edit{{Op: config.Set, Path: "spec.http[0].timeout", Value: value}},
	}
}

func bookinfoPreviewer(t testing.TB) *previewer {
	t.Helper()
	return newPreviewer(t, meshtest.Snapshot(t, meshtest.Bookinfo()+routesYAML("reviews", 5)))
}

// BenchmarkPreviewOfBookinfo previews one other time-out in bookinfo.
func BenchmarkPreviewOfBookinfo(b *testing.B) {
	p := bookinfoPreviewer(b)
	for b.Loop() {
		took, _ := p.median(timeout("reviews", "7s"))
		b.ReportMetric(float64(took.Microseconds())/1000, "ms/preview")
		if took > previewOfBookinfo {
			b.Errorf("a preview of bookinfo took %v; at most %v", took, previewOfBookinfo)
		}
	}
}

// BenchmarkPreviewOfMany previews one other time-out among 1,000 services, for 500
// proxies.
func BenchmarkPreviewOfMany(b *testing.B) {
	p := newPreviewer(b, manySnapshot(b, 500, 50))
	for b.Loop() {
		took, _ := p.median(timeout("svc-0007", "7s"))
		b.ReportMetric(float64(took.Microseconds())/1000, "ms/preview")
		if took > previewOfMany {
			b.Errorf("a preview took %v; at most %v", took, previewOfMany)
		}
	}
}

// TestPreviewOfMany is the benchmark in small, and what it must say.
func TestPreviewOfMany(t *testing.T) {
	small, _ := bookinfoPreviewer(t).median(timeout("reviews", "7s"))
	p := newPreviewer(t, manySnapshot(t, 500, 50))
	made := p.server.Made()
	large, said := p.median(timeout("svc-0007", "7s"))
	t.Logf("bookinfo: %v; 500 proxies and 1,000 services: %v", small, large)
	if small > 5*previewOfBookinfo || large > 5*previewOfMany {
		t.Errorf("previews took %v and %v; at most %v and %v", small, large, 5*previewOfBookinfo, 5*previewOfMany)
	}
	concerned := 0
	for _, g := range said.Groups {
		concerned += len(g.Proxies)
		if g.Resources.Changed != 1 || g.Resources.Added+g.Resources.Removed != 0 || g.Resources.Unchanged < 2*manyServices {
			t.Errorf("a group is told %+v", g.Resources)
		}
	}
	if concerned != 500 || len(said.Groups) != 1 || said.Requests.RPS != 1 {
		t.Errorf("%d proxies in %d groups, %v requests/s", concerned, len(said.Groups), said.Requests.RPS)
	}
	// Before and after are made once each, however many proxies and previews there
	// are; the garbage collector may have taken them in between.
	if got := p.server.Made() - made; got < 2 || got > 2*previewRepeatedly {
		t.Errorf("%d parts were made", got)
	}
}
