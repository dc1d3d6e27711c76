package validate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
)

// What other names than hosts probably mean. That the edits mend them and break
// nothing else is what TestFixes says.
func TestSpelling(t *testing.T) {
	got := map[string]string{}
	for _, file := range []string{"testdata/virtualservice/names-near.txtar", "testdata/telemetry/providers-near.txtar"} {
		c := readCase(t, file)
		for _, f := range Run(c.snapshot, c.evidence, Options{}).Findings {
			if near := f.Params["near"]; near != "" && slices.Contains(c.about, f.Code) {
				got[f.Code+" "+f.Ref.Namespace+"/"+f.Ref.Name] = near
				if len(f.Fix) == 0 || !strings.Contains(f.Message, near) {
					t.Errorf("%s %s: fix %v, message %s", f.Code, f.Ref, f.Fix, f.Message)
				}
			}
		}
	}
	want := map[string]string{
		"HDL1312 forecast/weather":  "networking.istio.io/exportTo",
		"HDL2105 forecast/outside":  "edge-gateway",
		"HDL2105 archive1/outside":  "forecast/edge-gateway",
		"HDL2201 forecast/short":    "weather",
		"HDL2201 archive1/full":     "tides.forecast.svc.cluster.local",
		"HDL2215 archive1/outside":  "forecast",
		"HDL2241 forecast/machines": "weather-machines",
		"HDL2526 tea/logs":          "collector",
		"HDL2706 forecast/new":      "edge-class",
		"HDL2711 forecast/weather":  "public",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Another number is another version, not a slip.
func TestNumbersAreNoSlips(t *testing.T) {
	for name, want := range map[string]string{"v3": "", "reviews-v2": "", "V1": "v1", "reviews-v": "", "review-v1": "reviews-v1"} {
		if got := near(name, []string{"v1", "reviews-v1"}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestSpellingIsBounded holds what an object may cost that names thousands of
// things wrong.
func TestSpellingIsBounded(t *testing.T) {
	const wrong, right = 2000, 1000
	var b strings.Builder
	for i := range right {
		fmt.Fprintf(&b, "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g%[1]d-%[1]d-%[1]d}\nspec: {selector: {a: b}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}\n---\n", 1000+i)
	}
	b.WriteString("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http: [{route: [{destination: {host: a}}]}]\n  gateways:\n")
	for i := range wrong {
		fmt.Fprintf(&b, "  - g%[1]d-%[1]d-%[1]dx\n", 1000+i%right)
	}
	s := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objectsIn(t, b.String())})
	u := &unit{check: checkOf("HDL2105"), key: Key{Ref: s.Kind(mesh.KindVirtualService)[0].Ref}}
	u.run(newIndex(s), Evidence{}, false)
	fixes, later := 0, 0
	for _, f := range u.found {
		fixes += len(f.Fix)
		if f.Unsought {
			later++
		}
	}
	if len(u.found) != wrong || fixes != maxGuesses || later != wrong-fixes {
		t.Errorf("%d findings, %d of them with a fix, %d for later", len(u.found), fixes, later)
	}
	if most := 4*wrong + (maxGuesses+1)*2*right; u.effort > most {
		t.Errorf("an effort of %d, more than %d", u.effort, most)
	}
}
