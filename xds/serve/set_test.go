package serve

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// drawParts draws a plan's parts and divides them into a base and the rest.
func drawParts(rt *rapid.T, label string) *xds.Plan {
	plan := &xds.Plan{Base: &xds.Plan{}}
	add := func(m proto.Message) {
		state := rapid.IntRange(0, 2).Draw(rt, label+" "+xds.NameOf(m))
		p := part(m)
		if state == 0 {
			return
		}
		if state == 1 && p.Type == xds.VirtualHostType {
			p.Key = mesh.HashOf("broken")
			p.Make = func() (proto.Message, []mesh.Finding) { return nil, []mesh.Finding{{Message: "broken"}} }
		}
		if rapid.Bool().Draw(rt, label+" in the base") {
			plan.Base.Parts = append(plan.Base.Parts, p)
		} else {
			plan.Parts = append(plan.Parts, p)
		}
	}
	version := rapid.IntRange(1, 2)
	for i := range 5 {
		add(edsCluster(fmt.Sprint("c", i), time.Duration(version.Draw(rt, label+" version"))*time.Second))
		add(virtualHost(fmt.Sprintf("%d/h%d", 80+i%2, i), "x", fmt.Sprint("c", version.Draw(rt, label+" version"))))
	}
	slices.SortFunc(plan.Parts, xds.Part.Compare)
	slices.SortFunc(plan.Base.Parts, xds.Part.Compare)
	return plan
}

// How a plan is divided into a base and the rest shows in nothing.
func TestSetIsTheSameHoweverItsPlanIsDivided(t *testing.T) {
	m := newMemo()
	layered := func(p *xds.Plan, prev *set) *set {
		return &set{base: resolve(m, p.Base.Parts, prev.base), own: resolve(m, p.Parts, prev.own)}
	}
	flat := func(p *xds.Plan, prev *set) *set { return &set{own: resolve(m, p.All(), prev.own)} }
	content := func(entries []*entry) map[resourceKey]*entry {
		all := map[resourceKey]*entry{}
		for _, e := range entries {
			all[resourceKey{e.typ, e.name}] = e
		}
		return all
	}
	changed := func(a, b *set) []resourceKey {
		all := map[resourceKey]bool{}
		for _, key := range append(differences(a.base, b.base), differences(a.own, b.own)...) {
			all[key] = a.get(key.typ, key.name) != b.get(key.typ, key.name)
		}
		maps.DeleteFunc(all, func(_ resourceKey, differs bool) bool { return !differs })
		return slices.SortedFunc(maps.Keys(all), cmpKeys)
	}
	rapid.Check(t, func(rt *rapid.T) {
		before, after := drawParts(rt, "before"), drawParts(rt, "after")
		x0, y0 := layered(before, &set{}), flat(before, &set{})
		x, y := layered(after, x0), flat(after, y0)
		for _, typ := range []string{xds.ClusterType, xds.VirtualHostType, xds.RouteType} {
			if !maps.Equal(content(slices.Collect(x.of(typ))), content(slices.Collect(y.of(typ)))) {
				rt.Errorf("other entries of type %s", short(typ))
			}
		}
		for _, p := range append(before.All(), after.All()...) {
			if x.get(p.Type, p.Name) != y.get(p.Type, p.Name) {
				rt.Errorf("another entry for %s", p.Name)
			}
		}
		for _, routes := range []string{"80", "81", "82"} {
			if !maps.Equal(content(slices.Collect(x.hosts(routes))), content(slices.Collect(y.hosts(routes)))) {
				rt.Errorf("other hosts of %s", routes)
			}
		}
		if !maps.Equal(content(x.broken()), content(y.broken())) || !maps.Equal(content(x.noted()), content(y.noted())) {
			rt.Error("other entries without content or with findings")
		}
		if diff := cmp.Diff(changed(y0, y), changed(x0, x), cmp.AllowUnexported(resourceKey{})); diff != "" {
			rt.Errorf("other differences:\n%s", diff)
		}
	})
}

func cmpKeys(a, b resourceKey) int {
	return slices.Compare([]string{a.typ, a.name}, []string{b.typ, b.name})
}
