package golden

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// gatewayUID is the ingress gateway of the sample mesh.
const gatewayUID = "istio-ingressgateway-0"

// golden is one case of translation.
type golden struct {
	name  string
	yaml  string   // what is declared on top of the sample mesh
	set   string   // settings of the mesh, "outbound=registry", one a line
	proxy string   // UID of the one that calls go through
	calls []string // "GET reviews:9080/ end-user=jason → answer, by …"
}

func goldens(t *testing.T) []golden {
	t.Helper()
	files, err := filepath.Glob("../../xds/translate/testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var out []golden
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{name: filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".txtar")}
		for _, f := range archive.Files {
			switch f.Name {
			case "mesh.yaml":
				g.yaml = string(f.Data)
			case "settings":
				g.set = string(f.Data)
			case "proxy":
				g.proxy, _, _ = strings.Cut(strings.TrimSpace(string(f.Data)), " ")
			case "want/calls":
				g.calls = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			}
		}
		if g.proxy == "" {
			t.Fatalf("%s: a case needs a proxy", file)
		}
		out = append(out, g)
	}
	return out
}

// snapshot is the mesh of a case.
func (g golden) snapshot(t *testing.T) *mesh.Snapshot {
	t.Helper()
	settings := mesh.DefaultSettings()
	for line := range strings.Lines(g.set) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "outbound":
			settings.OutboundAllowAny = value != "registry"
		case "pods":
			settings.PodRange = value
		case "local":
			settings.LocalGateway = value == "true"
		default:
			t.Fatalf("setting %q is unknown", line)
		}
	}
	return mesh.Build(nil, mesh.Inputs{Settings: settings, Objects: meshtest.Objects(t, meshtest.Bookinfo(), g.yaml)})
}

// usual are the proxies that get every case; others get those about them.
var usual = []string{"productpage-v1-0", gatewayUID}

// One proxy gets its cases one after the other, so that each is an update of
// another.
func TestGoldens(t *testing.T) {
	cases := goldens(t)
	uids := slices.Clone(usual)
	for _, g := range cases {
		uids = append(uids, g.proxy)
	}
	slices.Sort(uids)
	for name := range featureCalls {
		if !slices.ContainsFunc(cases, func(g golden) bool { return g.name == name }) {
			t.Errorf("there are calls for case %s, which is not there", name)
		}
	}
	plane := newPlane(t)
	base := meshtest.Snapshot(t, meshtest.Bookinfo())
	plane.head.Set(base)
	for _, uid := range slices.Compact(uids) {
		t.Run(uid, func(t *testing.T) {
			w, ok := base.Workloads.Get(uid)
			if !ok {
				t.Fatalf("no workload %s in the sample mesh", uid)
			}
			pods := newPods(t, plane.authority, w)
			if !w.Gateway {
				redirectFor(t, w.Address)
			}
			x := plane.start(t, w)
			for _, g := range cases {
				if g.proxy != uid && !slices.Contains(usual, uid) {
					continue
				}
				t.Run(g.name, func(t *testing.T) {
					x.check(t, pods, g.snapshot(t), func(c *caller) {
						if g.proxy != uid {
							return
						}
						for _, line := range g.calls {
							c.call(t, line)
							if strings.Contains(g.yaml, "retries:") {
								c.retry(t, line)
							}
						}
						for _, f := range featureCalls[g.name] {
							c.callFeature(t, f)
						}
					})
				})
			}
		})
	}
}

// check gives a proxy a state of the mesh, and then makes calls.
func (x *proxy) check(t *testing.T, pods *pods, snap *mesh.Snapshot, calls func(*caller)) {
	t.Helper()
	x.take(t, snap)
	want := x.plan(t, snap)
	x.inForce(t, want)
	if t.Failed() {
		return
	}
	pods.serve(t, snap)
	calls(&caller{proxy: x, pods: pods, set: want})
}
