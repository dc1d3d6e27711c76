package translate_test

import (
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// Whatever people declare, planning does not panic, what is made is valid and
// names only what is there, what is not made is explained, and the order in
// which objects come does not matter.
func FuzzPlan(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if part.Name == "mesh.yaml" {
				f.Add(part.Data)
			}
		}
	}
	bookinfo := meshtest.Objects(f, meshtest.Bookinfo())
	f.Fuzz(func(t *testing.T, text []byte) {
		objects := append(slices.Clone(bookinfo), config.Decode("fuzz.yaml", text).Objects...)
		snap := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
		slices.Reverse(objects)
		turned := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
		for _, uid := range []string{"productpage-v1-0", "istio-ingressgateway-0"} {
			if _, ok := snap.Workloads.Get(uid); !ok {
				continue // declared away
			}
			plan, _ := new(translate.Planner).Plan(snap, proxyOf(t, snap, uid))
			again, _ := new(translate.Planner).Plan(turned, proxyOf(t, turned, uid))
			sameParts(t, plan, again)
			var made []*xds.Resource
			missing := map[xds.Reference]bool{}
			for _, p := range plan.All() {
				r, findings := xds.Build(p)
				if r != nil {
					made = append(made, r)
					continue
				}
				missing[xds.Reference{Type: p.Type, Name: p.Name}] = true
				if !slices.ContainsFunc(findings, func(f mesh.Finding) bool { return f.Severity == mesh.Error }) {
					t.Errorf("%s %s was not made and nothing says why", p.Type, p.Name)
				}
				for _, f := range findings {
					if f.Params["error"] != "" {
						t.Errorf("%s %s: Envoy would refuse it: %s", p.Type, p.Name, f.Params["error"])
					}
				}
			}
			for _, d := range xds.NewResourceSet(made).Dangling(names.Agent) {
				if !missing[d.To] {
					t.Errorf("%s names %s, which is not there", d.From.Name, d.To.Name)
				}
			}
		}
	})
}

func sameParts(t *testing.T, plan, other *xds.Plan) {
	t.Helper()
	a, b := plan.All(), other.All()
	same := slices.EqualFunc(a, b, func(x, y xds.Part) bool {
		return x.Type == y.Type && x.Name == y.Name && x.Key == y.Key
	})
	if !same {
		t.Error("the order of objects matters")
	}
	for i := 1; i < len(a); i++ {
		if a[i-1].Compare(a[i]) >= 0 {
			t.Errorf("%s %s stands twice or in the wrong place", a[i].Type, a[i].Name)
		}
	}
}
