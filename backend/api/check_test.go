package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// meshOf is a Mesh that holds the objects of a text, and can do nothing else.
type meshOf struct {
	Mesh
	objects []*mesh.Object
}

func newMeshOf(t *testing.T, text string) meshOf {
	t.Helper()
	r := config.Decode("store.yaml", []byte(text))
	if len(r.Bad) > 0 {
		t.Fatal(r.Problems)
	}
	return meshOf{objects: r.Objects}
}

func (m meshOf) Snapshot() *mesh.Snapshot {
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: m.objects})
}

func (m meshOf) Objects(context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error) {
	return m.Snapshot().Objects, nil
}

func (m meshOf) Evidence() validate.Evidence {
	return validate.Evidence{Calls: []validate.Call{{
		Source: mesh.Ref{Kind: mesh.KindDeployment, Namespace: "default", Name: "page"}, Host: "cart.default.svc.cluster.local", Protocol: "grpc", PerSecond: 1,
	}}}
}

// checkAnswer is what the check of manifests answers.
type checkAnswer struct {
	Findings   []Checked  `json:"findings"`
	Documents  []Standing `json:"documents"`
	CannotTell []Untold   `json:"cannotTell"`
}

func askCheck(t *testing.T, h http.Handler, live bool, manifests ...Manifest) checkAnswer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"manifests": manifests, "live": live})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/check", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(w, r)
	var out checkAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return out
}

const cartService = `apiVersion: v1
kind: Service
metadata: {name: cart, namespace: default}
spec: {clusterIP: 10.0.0.1, selector: {app: cart}, ports: [{name: http, port: 80}]}
`

const cartRoute = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: default}
spec:
  hosts: [cart]
  http:
  - route:
    - destination: {host: cart}
`

func codesOf(list []Checked) (out []string) {
	for _, f := range list {
		out = append(out, f.Code)
	}
	return out
}

// TestCheckTogetherAndAlone asks of the same manifest in the mesh, and alone.
func TestCheckTogetherAndAlone(t *testing.T) {
	h := New(Options{Mesh: newMeshOf(t, cartService+"---\n"+cartRoute), Version: "test"}).Owner()
	manifest := Manifest{File: "a.yaml", Text: cartRoute + "---\n" + strings.ReplaceAll(cartRoute, "[cart]", "[cart.example.com]") + "---\n" +
		strings.ReplaceAll(cartService, "cart,", "new,")}
	manifest.Text = strings.Replace(manifest.Text, "name: cart, namespace: default}\nspec:\n  hosts: [cart.", "name: other, namespace: default}\nspec:\n  hosts: [cart.", 1)
	live, alone := askCheck(t, h, true, manifest), askCheck(t, h, false, manifest)
	const unknownHost = "HDL2101"
	if got := codesOf(live.Findings); slices.Contains(got, unknownHost) {
		t.Errorf("the host is in the mesh: %v", got)
	}
	if got := codesOf(alone.Findings); !slices.Contains(got, unknownHost) {
		t.Errorf("alone nobody has the host: %v", got)
	}
	var states []string
	for _, d := range live.Documents {
		states = append(states, d.Ref.Name+" "+d.State)
		if (d.ETag == "") != (d.State == "new") || d.File != "a.yaml" || d.Line < 1 {
			t.Errorf("%+v", d)
		}
	}
	if diff := cmp.Diff([]string{"cart unchanged", "other new", "new new"}, states); diff != "" {
		t.Error(diff)
	}
	if cannot := func(a checkAnswer) bool {
		return slices.ContainsFunc(a.CannotTell, func(u Untold) bool { return u.Code == "HDL3001" })
	}; cannot(live) || !cannot(alone) {
		t.Errorf("what was observed is known of the mesh alone: live %v, alone %v", live.CannotTell, alone.CannotTell)
	}
	changed := askCheck(t, h, true, Manifest{File: "a.yaml", Text: cartService + "# changed\n"})
	if len(changed.Documents) != 1 || changed.Documents[0].State != "changed" || !slices.Contains(codesOf(changed.Findings), "HDL3001") {
		t.Errorf("%+v", changed)
	}
}

// TestCheckIsAsStrictAsWriting holds that what a write would be refused for is an
// error, and that documents which cannot be read are told of.
func TestCheckIsAsStrictAsWriting(t *testing.T) {
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	for name, text := range map[string]string{
		"unknown field": strings.Replace(cartRoute, "http:", "htp:", 1),
		"no YAML":       strings.Replace(cartRoute, "[cart]", "[cart", 1),
		"wrong name":    strings.Replace(cartService, "name: cart,", "name: Cart_,", 1),
	} {
		got := askCheck(t, h, true, Manifest{File: "a.yaml", Text: text})
		if !slices.ContainsFunc(got.Findings, func(f Checked) bool { return f.Severity == mesh.Error && f.Line > 0 && f.DocumentLine == 1 }) {
			t.Errorf("%s: %+v", name, got.Findings)
		}
		if name != "no YAML" && len(got.Documents) != 1 {
			t.Errorf("%s: %+v", name, got.Documents)
		}
	}
}

// TestCheckResolvesFixes applies splices as a browser does.
func TestCheckResolvesFixes(t *testing.T) {
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	const weights = `# 🦀 zwölf 重
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: default} # 🐙
spec:
  hosts: [cart]
  http:
  - route: # 🐙
    - {destination: {host: cart, subset: a}, weight: 50} # 🐙
    - destination: {host: cart, subset: b}
      weight: 40
`
	got := askCheck(t, h, true, Manifest{File: "a.yaml", Text: weights})
	for _, f := range got.Findings {
		if len(f.Fix) == 0 {
			continue
		}
		units := utf16.Encode([]rune(weights))
		var out []uint16
		at := 0
		for _, s := range f.Splices {
			out = append(append(out, units[at:s.From]...), utf16.Encode([]rune(s.Insert))...)
			at = s.To
		}
		mended := string(utf16.Decode(append(out, units[at:]...)))
		want, err := config.Splice(t.Context(), []byte(weights[strings.Index(weights, "apiVersion"):]), f.Fix...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(weights[:strings.Index(weights, "apiVersion")]+string(want), mended); diff != "" {
			t.Errorf("%s (-fix +splices):\n%s", f.Code, diff)
		}
		if again := askCheck(t, h, true, Manifest{File: "a.yaml", Text: mended}); slices.Contains(codesOf(again.Findings), f.Code) {
			t.Errorf("%s: the fix mends nothing:\n%s", f.Code, mended)
		}
		return
	}
	t.Errorf("nothing has a fix: %+v", got.Findings)
}

func TestCheckRefuses(t *testing.T) {
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	for name, body := range map[string]string{
		"nothing":    `{"manifests": []}`,
		"same names": `{"manifests": [{"file": "a", "text": ""}, {"file": "a", "text": ""}]}`,
		"too much":   `{"manifests": [{"file": "a", "text": "` + strings.Repeat("x", maxBody) + `"}]}`,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/api/v1/check", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, r)
		if w.Code < 400 || w.Code >= 500 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestCodeUnits(t *testing.T) {
	text := strings.Repeat("a🦀é重", 3*stride/10+5)
	c := newCodeUnits(text)
	n := 0
	for i, r := range text {
		if got := c.before(i); got != n {
			t.Fatalf("%d units before byte %d, want %d", got, i, n)
		}
		n += utf16.RuneLen(r)
	}
	if got := c.before(len(text)); got != n {
		t.Errorf("%d units in all, want %d", got, n)
	}
	if got := newCodeUnits("").before(0); got != 0 {
		t.Error(got)
	}
}

// Places are found as somebody finds them who counts from the start.
func TestCodeUnitsFindPlaces(t *testing.T) {
	line := strings.Repeat("a🦀é重", stride/4)
	text := line + "\n\n" + line + line + "\nb\n"
	c := newCodeUnits(text)
	row, column := 1, 1
	for i, r := range text {
		if got, ok := c.at(row, column); !ok || got != i {
			t.Fatalf("line %d, column %d is at %d, %v, want %d", row, column, got, ok, i)
		}
		if column++; r == '\n' {
			row, column = row+1, 1
		}
	}
	for _, beyond := range [][2]int{{row, 1}, {row + 1, 1}, {1, 1 << 20}} {
		if got, ok := c.at(beyond[0], beyond[1]); ok {
			t.Errorf("line %d, column %d, where nothing is, is at %d", beyond[0], beyond[1], got)
		}
	}
	if _, ok := newCodeUnits("").at(1, 1); ok {
		t.Error("there is a place in no text")
	}
}

// A misspelt field or value is put right by one replacement, wherever it stands.
func TestCheckRespells(t *testing.T) {
	text := "# 路由 😀\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: cart, namespace: default}\n" +
		"spec: {host: cart, \"trafficPolcy\": {loadBalancer: {simple: LEAST_REQUESTS}}}\n"
	h := New(Options{Mesh: newMeshOf(t, cartService), Version: "test"}).Owner()
	// One after the other: what is below a field that is not known is not looked at.
	for range 2 {
		answer := askCheck(t, h, true, Manifest{File: "a.yaml", Text: text})
		fixed := text
		for _, f := range answer.Findings {
			for _, s := range f.Splices {
				fixed = applySplice(fixed, s)
			}
		}
		if fixed == text {
			t.Fatalf("nothing is put right in %s: %+v", text, answer.Findings)
		}
		text = fixed
	}
	if !strings.Contains(text, `"trafficPolicy": {loadBalancer: {simple: LEAST_REQUEST}}`) {
		t.Errorf("became %s", text)
	}
}

// applySplice makes one replacement, as a browser does it.
func applySplice(text string, s Splice) string {
	units := utf16.Encode([]rune(text))
	return string(utf16.Decode(units[:s.From])) + s.Insert + string(utf16.Decode(units[s.To:]))
}
