package api

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

func TestBrief(t *testing.T) {
	long := strings.Repeat("é", 5000)
	for text, want := range map[string]string{
		"short":                       "short",
		strings.Repeat("a b ", 100):   strings.Repeat("a b ", 100),
		"service " + long + " is not": "service " + strings.Repeat("é", 100) + "… is not",
		strings.Repeat("ab ", 2000):   strings.Repeat("ab ", 2000)[:2000] + "…",
	} {
		if got := brief(text); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

// What a request names is repeated, but not at any length.
func TestRefusalsAreShort(t *testing.T) {
	m := weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}
	long := strings.Repeat("n", 100_000)
	entries := func(e preview.Entry) map[string]any { return map[string]any{"entries": []preview.Entry{e}} }
	document := "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a, namespace: default}\nspec: {hosts: [a], http: [{name: " + long + ", " + long + ": 1}]}\n"
	ref := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "a"}
	for name, c := range map[string]struct {
		method, path string
		body         any
	}{
		"a service":        {http.MethodGet, "/api/v1/services/default/" + long[:250], nil},
		"an entry's name":  {http.MethodPost, "/api/v1/preview", entries(preview.Entry{Ref: mesh.Ref{Kind: mesh.KindVirtualService, Name: long}, Delete: true})},
		"an entry's kind":  {http.MethodPost, "/api/v1/preview", entries(preview.Entry{Ref: mesh.Ref{Kind: mesh.Kind{Name: long}, Name: "a"}, Delete: true})},
		"an unknown field": {http.MethodPost, "/api/v1/preview", entries(preview.Entry{Ref: ref, YAML: document})},
		"envoy":            {http.MethodPost, "/api/v1/preview/envoy", map[string]any{"group": "", "entries": []preview.Entry{{Ref: ref, YAML: document}}}},
		"a write":          {http.MethodPut, "/api/v1/changes", entries(preview.Entry{Ref: mesh.Ref{Kind: mesh.Kind{Name: long}, Name: long}, YAML: document})},
		"a deletion":       {http.MethodPost, "/api/v1/deletions", map[string]any{"objects": []mesh.Ref{{Kind: mesh.KindVirtualService, Name: long}}}},
		"an unknown key":   {http.MethodPost, "/api/v1/merge", map[string]any{long: ""}},
		"a check":          {http.MethodPost, "/api/v1/check", map[string]any{"manifests": []Manifest{{File: "a", Text: document}}}},
	} {
		var answer map[string]any
		m.ask(t, auth.OwnerRole, c.method, c.path, c.body, &answer)
		n, word := 0, longest(answer)
		walkText(answer, func(s string) { n += len(s) })
		if utf8.RuneCountInString(word) > 253 || n > 5000 {
			t.Errorf("%s: the answer holds %d characters, and %.50q of %d", name, n, word, len(word))
		}
	}
}

// longest is the longest word in a JSON value.
func longest(value any) string {
	word := ""
	walkText(value, func(s string) {
		for w := range strings.FieldsSeq(s) {
			if len(w) > len(word) {
				word = w
			}
		}
	})
	return word
}

func walkText(value any, see func(string)) {
	switch v := value.(type) {
	case string:
		see(v)
	case []any:
		for _, x := range v {
			walkText(x, see)
		}
	case map[string]any:
		for name, x := range v {
			see(name)
			walkText(x, see)
		}
	}
}

// Fixes are asked for by the path as the check tells it.
func TestPathsAreToldWhole(t *testing.T) {
	long := strings.Repeat("a", 150)
	manifests := []Manifest{{File: "a.yaml", Text: strings.Replace(cartService, "selector: {app: cart}", "selector: {app: cart}, "+long+": 1", 1)}}
	h := New(Options{Mesh: newMeshOf(t, cartPods), Version: "test"}).Owner()
	told := false
	for _, f := range askCheck(t, h, false, manifests...).Findings {
		if !strings.Contains(f.Path, "aaa") {
			continue
		}
		told = true
		if want := "spec." + long; f.Path != want {
			t.Errorf("the path is %s", f.Path)
		}
	}
	if !told {
		t.Fatal("the unknown field is not told")
	}
}
