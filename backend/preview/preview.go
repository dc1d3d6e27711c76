// Package preview says what a change would do before it is made: which findings
// come and go, which proxies are told what, which settings are others
// afterwards, and whose requests it concerns. It is a pure function of two
// snapshots, the connected proxies and the traffic.
package preview

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/validate"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// Preview is what a change would do.
type Preview struct {
	Written  []Text   `json:"written"`
	Findings Findings `json:"findings"`
	// Blocked is true when the change would add an error, so that it must be
	// forced; Refused when it cannot be read, which nobody can force.
	Blocked  bool            `json:"blocked"`
	Refused  bool            `json:"refused"`
	Groups   []Group         `json:"groups"` // those with the most traffic on it first
	Settings []SettingChange `json:"settings"`
	// Requests is nil where the metrics cannot be read.
	Requests *Requests `json:"requests,omitempty"`
}

// Text is the document of one object before and after; nil where there is none.
type Text struct {
	Ref    mesh.Ref `json:"ref"`
	Before *string  `json:"before,omitempty"`
	After  *string  `json:"after,omitempty"`
}

// Findings of a change: those it adds, those it mends, and how many stay.
type Findings struct {
	Added []mesh.Finding `json:"added"`
	Gone  []mesh.Finding `json:"gone"`
	Kept  int            `json:"kept"`
}

// Group is proxies that are told the same.
type Group struct {
	ID        string       `json:"id"`
	Proxies   []Proxy      `json:"proxies"` // those with the most traffic on it first
	Resources Counts       `json:"resources"`
	Bytes     int          `json:"bytes"` // that each of them is sent
	Types     []TypeCounts `json:"types"`
}

// Proxy is one that is told something.
type Proxy struct {
	ID        string  `json:"id"`
	UID       string  `json:"uid"`
	Workload  string  `json:"workload"`
	Namespace string  `json:"namespace"`
	RPS       float64 `json:"rps"` // that the change concerns
	// Refusing is true when it rejected what it was sent last.
	Refusing bool `json:"refusing"`
}

// Counts of resources.
type Counts struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Removed   int `json:"removed"`
	Unchanged int `json:"unchanged"`
}

// TypeCounts are the counts of one type of resources.
type TypeCounts struct {
	Type    string `json:"type"` // type URL
	Added   int    `json:"added"`
	Changed int    `json:"changed"`
	Removed int    `json:"removed"`
}

// Input is everything that a preview is made of.
type Input struct {
	Scene
	Proposal *Proposal
	// ChecksBefore and ChecksAfter are what the checks say of both snapshots.
	ChecksBefore, ChecksAfter []mesh.Finding
	// Traffic between workloads; nil when it is not known.
	Traffic *graph.Graph
}

// Refuse is the preview of a change that cannot be read.
func Refuse(findings []mesh.Finding) *Preview {
	return &Preview{
		Written: []Text{}, Groups: []Group{}, Settings: []SettingChange{},
		Findings: Findings{Added: findings, Gone: []mesh.Finding{}}, Blocked: true, Refused: true,
	}
}

// New works a preview out. The only error is that of ctx, when it ends first.
func New(ctx context.Context, in Input) (*Preview, error) {
	effects, madeBefore, madeAfter, err := Effects(ctx, in.Scene)
	if err != nil {
		return nil, err
	}
	p := &Preview{Written: texts(in.Proposal), Groups: []Group{}}
	before := slices.Concat(in.Before.Findings, in.ChecksBefore, madeBefore)
	after := slices.Concat(in.After.Findings, in.Proposal.Problems, in.ChecksAfter, madeAfter)
	p.Findings = compare(once(before), once(after))
	place := placing(in.Proposal)
	for i := range p.Findings.Added {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := &p.Findings.Added[i]
		place(f)
		p.Blocked = p.Blocked || f.Severity == mesh.Error
	}
	figures := newFigures(in.Traffic, in.Proxies)
	reaches := make([]reach, len(effects))
	for i, e := range effects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		reaches[i] = reachOf(e.Resources, in.Before)
		p.Groups = append(p.Groups, groupOf(e, reaches[i], figures))
	}
	slices.SortStableFunc(p.Groups, func(a, b Group) int {
		return cmp.Or(-cmp.Compare(a.rps(), b.rps()), -cmp.Compare(a.refusing(), b.refusing()), -cmp.Compare(len(a.Proxies), len(b.Proxies)))
	})
	if p.Settings, err = settingChanges(ctx, in.Scene, effects, reaches); err != nil {
		return nil, err
	}
	if in.Traffic != nil {
		p.Requests = figures.requests()
	}
	return p, nil
}

func compare(before, after []mesh.Finding) Findings {
	f := Findings{Added: validate.Added(before, after), Gone: validate.Added(after, before)}
	f.Kept = len(after) - len(f.Added)
	if f.Added == nil {
		f.Added = []mesh.Finding{}
	}
	if f.Gone == nil {
		f.Gone = []mesh.Finding{}
	}
	slices.SortStableFunc(f.Added, mesh.CompareFindings)
	slices.SortStableFunc(f.Gone, mesh.CompareFindings)
	return f
}

// once sorts findings; what is said of several proxies alike is said once.
func once(all []mesh.Finding) []mesh.Finding {
	slices.SortStableFunc(all, mesh.CompareFindings)
	return slices.CompactFunc(all, func(a, b mesh.Finding) bool {
		return mesh.CompareFindings(a, b) == 0 && a.Message == b.Message
	})
}

// placing says where in the texts of the proposal findings are. Each text is read
// once, however many findings there are in it.
func placing(p *Proposal) func(*mesh.Finding) {
	after := map[mesh.Ref]*mesh.Object{}
	for _, i := range p.Items {
		if i.After != nil {
			after[i.Ref] = i.After
		}
	}
	read := map[mesh.Ref]func(path string) (line, column int){}
	return func(f *mesh.Finding) {
		o := after[f.Ref]
		if o == nil || f.Line != 0 {
			return
		}
		if read[f.Ref] == nil {
			read[f.Ref] = config.Placer(o.Text)
		}
		f.File = o.Origin.File
		f.Line, f.Column = read[f.Ref](f.Path)
	}
}

// texts shows what is written. The content of a secret is nobody's to read back.
func texts(p *Proposal) []Text {
	out := []Text{}
	text := func(o *mesh.Object) *string {
		if o == nil {
			return nil
		}
		shown := string(o.Text)
		if o.Kind == mesh.KindSecret {
			shown = fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n# content is not shown\n", o.Name, o.Namespace)
		}
		return &shown
	}
	for _, i := range p.Items {
		out = append(out, Text{Ref: i.Ref, Before: text(i.Before), After: text(i.After)})
	}
	return out
}

func groupOf(e *Effect, r reach, f *figures) Group {
	g := Group{ID: e.ID, Bytes: e.Bytes, Resources: Counts{Unchanged: e.Unchanged}, Types: []TypeCounts{}}
	for _, x := range e.Resources {
		if n := len(g.Types); n == 0 || g.Types[n-1].Type != x.Type {
			g.Types = append(g.Types, TypeCounts{Type: x.Type})
		}
		t := &g.Types[len(g.Types)-1]
		switch x.Op {
		case Added:
			g.Resources.Added++
			t.Added++
		case Changed:
			g.Resources.Changed++
			t.Changed++
		case Removed:
			g.Resources.Removed++
			t.Removed++
		}
	}
	rps := map[workload]float64{} // alike for all pods of a workload
	for _, p := range e.Proxies {
		w := workloadOf(p)
		if _, known := rps[w]; !known {
			rps[w] = f.concerned(p, r)
		}
		g.Proxies = append(g.Proxies, Proxy{
			ID: p.ID, UID: p.UID, Workload: p.Workload.Workload, Namespace: p.Namespace, RPS: rps[w], Refusing: p.Refusing,
		})
	}
	slices.SortStableFunc(g.Proxies, func(a, b Proxy) int {
		return cmp.Or(-cmp.Compare(a.RPS, b.RPS), -cmp.Compare(flag(a.Refusing), flag(b.Refusing)), cmp.Compare(a.ID, b.ID))
	})
	return g
}

func (g Group) rps() float64 {
	sum := 0.0
	for _, p := range g.Proxies {
		sum += p.RPS
	}
	return sum
}

func (g Group) refusing() int {
	n := 0
	for _, p := range g.Proxies {
		n += flag(p.Refusing)
	}
	return n
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Bounds of what a diff shows.
const (
	maxDiffs    = 100
	maxDiffText = 64 << 10
)

// ResourceDiff shows one Envoy resource before and after.
type ResourceDiff struct {
	Type string     `json:"type"`
	Name string     `json:"name"`
	Op   Op         `json:"op"`
	From []mesh.Ref `json:"from"`
	// Diff is that of the resource as YAML, with secrets masked.
	Diff string `json:"diff"`
	// Cut is true where the rest is left out, because it is very long.
	Cut bool `json:"cut,omitempty"`
}

// Diffs shows what one effect, by its ID, does to Envoy's configuration; false
// when there is none of that name. At most 100 resources are shown.
func Diffs(ctx context.Context, effects []*Effect, id string) ([]ResourceDiff, bool, error) {
	i := slices.IndexFunc(effects, func(e *Effect) bool { return e.ID == id })
	if i < 0 {
		return nil, false, nil
	}
	list := []ResourceDiff{}
	for _, r := range effects[i].Resources {
		if len(list) == maxDiffs {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, true, err
		}
		before, err := readable(r.Before)
		if err != nil {
			return nil, true, err
		}
		after := ""
		if r.Op != Removed {
			if after, err = readable(r.After); err != nil {
				return nil, true, err
			}
		}
		d := ResourceDiff{Type: r.Type, Name: r.Name, Op: r.Op, From: r.From, Diff: unified(before, after)}
		if d.From == nil {
			d.From = []mesh.Ref{}
		}
		if len(d.Diff) > maxDiffText {
			d.Diff, d.Cut = d.Diff[:maxDiffText], true
		}
		list = append(list, d)
	}
	return list, true, nil
}

func readable(m serve.Made) (string, error) {
	message, err := m.Message()
	if err != nil || message == nil {
		return "", err
	}
	return xds.Readable(message)
}
