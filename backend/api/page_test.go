package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

// paged is a Mesh with many objects and findings.
type paged struct {
	meshOf
	findings []mesh.Finding
}

func (m *paged) Findings() []mesh.Finding { return m.findings }

// Whoever walks the pages sees everything once, also when what a page ended with
// goes and others come in between.
func TestPagesOfObjectsAndFindings(t *testing.T) {
	var text strings.Builder
	for i := range 7 {
		fmt.Fprintf(&text, "---\n"+strings.ReplaceAll(cartService, "cart", "cart%d"), i, i)
	}
	m := &paged{meshOf: newMeshOf(t, text.String())}
	for i, o := range m.objects {
		for _, message := range []string{"one", "two", strings.Repeat("long ", 20_000)} { // alike but for their words
			m.findings = append(m.findings, mesh.Finding{Code: "HDL2101", Severity: mesh.Warning, Ref: o.Ref, Line: i, Message: message})
		}
	}
	m.findings = append(m.findings, mesh.Finding{Code: "HDL2101", Severity: mesh.Error, Ref: m.objects[6].Ref, Line: 9})
	h := New(Options{Mesh: m, Version: "test"}).Owner()
	get := func(path string, want int) (list []json.RawMessage, next string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if want == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
				t.Fatal(err)
			}
		}
		if link := w.Header().Get("Link"); link != "" {
			var ok bool
			if next, ok = strings.CutSuffix(link, `>; rel="next"`); !ok || next[0] != '<' {
				t.Fatalf("Link is %s", link)
			}
			next = next[1:]
			if len(next) > 2000 {
				t.Fatalf("the Link of %s has %d bytes", path, len(next))
			}
		}
		return list, next
	}
	for _, path := range []string{"/api/v1/config/svc?namespace=default", "/api/v1/findings?severity=warning"} {
		all, next := get(path, http.StatusOK)
		if next != "" || len(all) < 7 {
			t.Fatalf("%s without a limit: %d, and more at %s", path, len(all), next)
		}
		for _, limit := range []int{1, 3, len(all), 1000} {
			var walked []json.RawMessage
			for next := fmt.Sprintf("%s&limit=%d", path, limit); next != ""; {
				var page []json.RawMessage
				if page, next = get(next, http.StatusOK); len(page) > limit || len(page) == 0 {
					t.Fatalf("%s: a page of %d", path, len(page))
				}
				walked = append(walked, page...)
			}
			if !slices.EqualFunc(walked, all, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
				t.Errorf("%s by %d: %s", path, limit, walked)
			}
		}
		get(path+"&after=nonsense", http.StatusUnprocessableEntity)
		get(path+"&limit=1001", http.StatusUnprocessableEntity)
	}
	first, next := get("/api/v1/config/svc?limit=3", http.StatusOK)
	m.objects = append(m.objects[:2:2], m.objects[3:]...) // the last of the page is gone
	rest, _ := get(next, http.StatusOK)
	if len(first) != 3 || len(rest) != 3 || !strings.Contains(string(rest[0]), "cart3") {
		t.Errorf("after one is gone: %d, then %s", len(first), rest)
	}
}
