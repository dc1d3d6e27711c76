package translate

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// planFeatures are the folders of testdata whose cases are read by
// TestPlanGolden. Loggers and tracing fill pages and are the same everywhere,
// so they are left out: TestLabels shows them as one table.
var planFeatures = []string{"clusters", "endpoints", "gateway", "inbound", "outbound"}

// typeNames are the short names of the types that cases show.
var typeNames = map[string]string{
	"clusters": xds.ClusterType, "endpoints": xds.EndpointType, "listeners": xds.ListenerType,
	"routes": xds.RouteType, "hosts": xds.VirtualHostType,
}

// A case is what people declare on top of bookinfo, which proxy asks, and some
// of what it gets. Whatever is shown, the whole plan must be valid and without
// a dangling reference.
//
//	-- mesh.yaml --        objects
//	-- settings --         "outbound=registry", "pods=10.66.0.0/16", "local=true", one a line
//	-- proxy --            pod UID
//	-- show --             "clusters outbound|*ratings*", a type and a glob a line
//	-- want/clusters.yaml --
//	-- want/findings --    "severity code object path: message"
func TestPlanGolden(t *testing.T) {
	for _, feature := range planFeatures {
		files, err := filepath.Glob("testdata/" + feature + "/*.txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases of %s: %v", feature, err)
		}
		for _, file := range files {
			t.Run(feature+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				archive, err := txtar.ParseFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got := planCase(t, archive)
				if *update {
					if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" {
					t.Errorf("-want +got, -update rewrites:\n%s", diff)
				}
			})
		}
	}
}

// planCase is the case with what came of it.
func planCase(t *testing.T, in *txtar.Archive) *txtar.Archive {
	t.Helper()
	out := &txtar.Archive{Comment: in.Comment}
	sections := map[string]string{}
	for _, f := range in.Files {
		sections[f.Name] = string(f.Data)
		if !strings.HasPrefix(f.Name, "want/") {
			out.Files = append(out.Files, f)
		}
	}
	snap := meshtest.Seal(t, mesh.Build(nil, mesh.Inputs{
		Settings: settingsOf(t, sections["settings"]),
		Objects:  meshtest.Objects(t, meshtest.Bookinfo(), sections["mesh.yaml"]),
	}))
	w, ok := snap.Workloads.Get(strings.TrimSpace(sections["proxy"]))
	if !ok {
		t.Fatalf("no workload %q", sections["proxy"])
	}
	role := xds.Sidecar
	if w.Gateway {
		role = xds.Gateway
	}
	plan, findings := new(Planner).Plan(snap, xds.Proxy{UID: w.UID, Role: role, Workload: w, Namespace: w.Namespace})
	set, more := xds.BuildAll(plan)
	for _, d := range set.Dangling(names.Agent) {
		t.Errorf("%s names %s %s, which is not there", d.From.Name, d.To.Type, d.To.Name)
	}

	shown := map[string]string{}
	for line := range strings.Lines(sections["show"]) {
		kind, glob, _ := strings.Cut(strings.TrimSpace(line), " ")
		if typeNames[kind] == "" {
			t.Fatalf("no type %q", kind)
		}
		for _, r := range set.OfType(typeNames[kind]) {
			// The bar and the slash of names are nothing special.
			if match, err := path.Match(flat(glob), flat(r.Name)); err != nil {
				t.Fatal(err)
			} else if match {
				shown[kind] += "---\n" + asYAML(t, r)
			}
		}
	}
	if text := findingsText(append(findings, more...)); text != "" {
		shown["findings"] = text
	}
	for _, kind := range []string{"clusters", "endpoints", "listeners", "routes", "hosts", "findings"} {
		if text := shown[kind]; text != "" {
			name := "want/" + kind + ".yaml"
			if kind == "findings" {
				name = "want/findings"
			}
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	return out
}

func flat(name string) string { return strings.ReplaceAll(name, "/", "|") }

func settingsOf(t *testing.T, text string) mesh.Settings {
	t.Helper()
	s := mesh.DefaultSettings()
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "outbound":
			s.OutboundAllowAny = value != "registry"
		case "pods":
			s.PodRange = value
		case "local":
			s.LocalGateway, _ = strconv.ParseBool(value)
		default:
			t.Fatalf("no setting %q", key)
		}
	}
	return s
}

func asYAML(t *testing.T, r *xds.Resource) string {
	t.Helper()
	j, err := protojson.Marshal(r.Message)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(j, &tree); err != nil {
		t.Fatal(err)
	}
	if j, err = json.Marshal(without(tree, "accessLog", "accessLogOptions", "tracing")); err != nil {
		t.Fatal(err)
	}
	y, err := yaml.JSONToYAML(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(y)
}

func without(tree any, keys ...string) any {
	switch tree := tree.(type) {
	case map[string]any:
		for k, v := range tree {
			if slices.Contains(keys, k) {
				delete(tree, k)
				continue
			}
			tree[k] = without(v, keys...)
		}
	case []any:
		for i, v := range tree {
			tree[i] = without(v, keys...)
		}
	}
	return tree
}
