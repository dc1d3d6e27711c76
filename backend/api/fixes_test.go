package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

func askFixes(t *testing.T, h http.Handler, body map[string]any) []Fix {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/fixes", bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(w, r)
	var out struct{ Fixes []Fix }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return out.Fixes
}

// newMeshAt is newMeshOf with the same version of all objects.
func newMeshAt(t *testing.T, text, version string) meshOf {
	t.Helper()
	m := newMeshOf(t, text)
	for _, o := range m.objects {
		o.Version = version
	}
	return m
}

const (
	cartPods = `apiVersion: v1
kind: Pod
metadata: {name: cart-v2, namespace: default, labels: {app: cart, version: v2}}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-v1, namespace: default, labels: {app: cart, version: v1}}
spec: {containers: [{name: a, image: a}]}
`
	cartRule = `# 規則
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart-rule, namespace: default}
spec:
  host: cart
  subsets:
  - {name: stable, labels: {version: v1}} # 🐙
`
)

var subsetRoute = strings.Replace(cartRoute, "{host: cart}", "{host: cart, subset: v2}", 1)

const subsetPath = "spec.http[0].route[0].destination.subset"

// What mends a finding in another object is an edit of that one: in the texts
// where it stands there, in the mesh otherwise, and a new object where there is none.
func TestFixesElsewhere(t *testing.T) {
	route := map[string]any{"group": "networking.istio.io", "kind": "VirtualService", "namespace": "default", "name": "cart"}
	for name, tc := range map[string]struct {
		mesh  string
		files []Manifest
		does  string
		ref   string
		file  string // where it is changed
		etag  string
	}{
		"in the same text":   {cartService + "---\n" + cartPods, []Manifest{{File: "a.yaml", Text: "# 🦀\n" + subsetRoute + "---\n" + cartRule}}, "addSubsets", "cart-rule", "a.yaml", ""},
		"in another text":    {cartService + "---\n" + cartPods, []Manifest{{File: "a.yaml", Text: subsetRoute}, {File: "b.yaml", Text: cartRule}}, "addSubsets", "cart-rule", "b.yaml", ""},
		"in the mesh":        {cartService + "---\n" + cartPods + "---\n" + cartRule, []Manifest{{File: "a.yaml", Text: subsetRoute}}, "addSubsets", "cart-rule", "", "now"},
		"nowhere":            {cartService + "---\n" + cartPods, []Manifest{{File: "a.yaml", Text: subsetRoute}}, "makeRule", "cart", "", ""},
		"of the mesh itself": {cartService + "---\n" + cartPods + "---\n" + cartRule + "---\n" + subsetRoute, nil, "addSubsets", "cart-rule", "", "now"},
	} {
		h := New(Options{Mesh: newMeshAt(t, tc.mesh, "now"), Version: "test"}).Owner()
		if tc.files != nil {
			told := false
			for _, f := range askCheck(t, h, true, tc.files...).Findings {
				if f.Code != "HDL2104" {
					continue
				}
				told = len(f.Elsewhere) == 1 && f.Elsewhere[0].Does == tc.does && f.Elsewhere[0].Ref.Name == tc.ref &&
					f.Elsewhere[0].File == tc.file && f.Elsewhere[0].Entry == nil
			}
			if !told {
				t.Errorf("%s: the check does not offer it", name)
			}
		}
		fixes := askFixes(t, h, map[string]any{"manifests": tc.files, "live": true, "code": "HDL2104", "ref": route, "path": subsetPath})
		if len(fixes) != 1 || fixes[0].Does != tc.does || fixes[0].Ref.Name != tc.ref || fixes[0].File != tc.file || fixes[0].Params["subsets"] != "v2" {
			t.Errorf("%s: %+v", name, fixes)
			continue
		}
		f := fixes[0]
		if (tc.file == "") != (f.Entry != nil) {
			t.Errorf("%s: entry %+v", name, f.Entry)
			continue
		}
		after := append([]Manifest{}, tc.files...)
		if f.Entry != nil {
			if f.Entry.Ref != f.Ref || f.Entry.ETag != tc.etag {
				t.Errorf("%s: %+v, want the version %q", name, f.Entry, tc.etag)
			}
			after = append(after, Manifest{File: "added.yaml", Text: f.Entry.YAML})
		}
		for i := range after {
			if after[i].File == f.File {
				for _, s := range f.Splices {
					after[i].Text = applySplice(after[i].Text, s)
				}
			}
		}
		for _, left := range askCheck(t, h, true, after...).Findings {
			t.Errorf("%s: left after the fix: %s %s", name, left.Code, left.Message)
		}
	}
}

// TestFixesOfAll asks for the fix of every finding of an object that has too many
// to be looked for at once: each has one, in the text and in the mesh.
func TestFixesOfAll(t *testing.T) {
	var services, route strings.Builder
	route.WriteString(cartRoute[:strings.Index(cartRoute, "  - route")])
	const many = 30
	for i := range many {
		fmt.Fprintf(&services, "%s---\n", strings.ReplaceAll(cartService, "cart", fmt.Sprintf("s%[1]d-%[1]d-%[1]d", 100+i)))
		fmt.Fprintf(&route, "  - {match: [{uri: {exact: /%[1]d}}], route: [{destination: {host: s%[2]d-%[2]d-%[2]dx}}]}\n", i, 100+i)
	}
	manifests := []Manifest{{File: "a.yaml", Text: route.String()}}
	h := New(Options{Mesh: newMeshAt(t, services.String()+route.String(), "now"), Version: "test"}).Owner()
	later := 0
	for _, f := range askCheck(t, h, true, manifests...).Findings {
		if f.Code != "HDL2101" {
			continue
		}
		if f.Unsought == (len(f.Splices) > 0) {
			t.Errorf("%s: unsought %v, splices %v", f.Path, f.Unsought, f.Splices)
		}
		if f.Unsought {
			later++
		}
		ask := map[string]any{"manifests": manifests, "live": true, "code": f.Code, "ref": f.Ref, "path": f.Path}
		inText := askFixes(t, h, ask)
		delete(ask, "manifests")
		inMesh := askFixes(t, h, ask)
		if len(inText) != 1 || len(inText[0].Splices) != 1 || inText[0].Does != "edit" || inText[0].Entry != nil {
			t.Errorf("%s in the text: %+v", f.Path, inText)
		}
		if len(inMesh) != 1 || inMesh[0].Entry == nil || inMesh[0].Entry.ETag == "" || inMesh[0].Ref.Kind != mesh.KindVirtualService {
			t.Errorf("%s in the mesh: %+v", f.Path, inMesh)
		}
	}
	if later == 0 || later == many {
		t.Errorf("%d of %d are looked for later", later, many)
	}
}

func TestFixesOfWhatIsGone(t *testing.T) {
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	for _, code := range []string{"HDL2104", "HDL0003", "HDL9999", ""} {
		ref := map[string]any{"kind": "VirtualService", "name": "cart"}
		if got := askFixes(t, h, map[string]any{"code": code, "ref": ref, "path": "spec"}); len(got) != 0 {
			t.Errorf("%q: %+v", code, got)
		}
	}
}

// moved is a mesh whose objects have changed since it was looked at.
type moved struct {
	meshOf
	now meshOf
}

func (m moved) Objects(ctx context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error) {
	return m.now.Objects(ctx)
}

// An edit is of the text that it was made for: in another one it would overwrite
// what was added there since.
func TestFixesAreOfWhatStands(t *testing.T) {
	text := cartService + "---\n" + cartPods + "---\n" + subsetRoute
	rule := "---\n" + cartRule
	more := rule + "  - {name: other, labels: {version: v3}}\n"
	ask := map[string]any{
		"code": "HDL2104", "path": subsetPath,
		"ref": map[string]any{"group": "networking.istio.io", "kind": "VirtualService", "namespace": "default", "name": "cart"},
	}
	for name, c := range map[string]struct {
		was, now meshOf
		fixes    int
	}{
		"the same":   {newMeshAt(t, text+rule, "1"), newMeshAt(t, text+rule, "1"), 1},
		"changed":    {newMeshAt(t, text+rule, "1"), newMeshAt(t, text+more, "2"), 0},
		"made since": {newMeshAt(t, text, "1"), newMeshAt(t, text+strings.Replace(rule, "cart-rule", "cart", 1), "1"), 0},
	} {
		h := New(Options{Mesh: moved{c.was, c.now}, Version: "test"}).Owner()
		if got := askFixes(t, h, ask); len(got) != c.fixes {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
