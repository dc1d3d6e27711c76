package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/canary"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// weighed is a Mesh that can say what a change would do.
type weighed struct {
	Mesh
	snap *mesh.Snapshot
}

func (m weighed) Snapshot() *mesh.Snapshot { return m.snap }

func (m weighed) Objects(context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error) {
	return m.snap.Objects, nil
}

func (m weighed) Preview(_ context.Context, change *preview.Proposal) (*preview.Preview, error) {
	return &preview.Preview{Findings: preview.Findings{Kept: len(change.Items)}}, nil
}

func (m weighed) PreviewEnvoy(_ context.Context, _ *preview.Proposal, group string) ([]preview.ResourceDiff, bool, error) {
	return []preview.ResourceDiff{{Name: "9080/reviews", Diff: "+x\n"}}, group == "g", nil
}

func (m weighed) Try(_ context.Context, _ *mesh.Workload, call simulate.Call, change *preview.Proposal) (before, after *simulate.Answer, err error) {
	before = &simulate.Answer{Host: call.Host}
	if change != nil {
		after = &simulate.Answer{Host: "other"}
	}
	return before, after, nil
}

// ask sends a request as somebody with a role, and reads the answer.
func (m weighed) ask(t *testing.T, role auth.Role, method, path string, body, answer any) int {
	t.Helper()
	return newFaces(m).ask(t, role, method, path, body, answer)
}

// faces are those of one API: of people with a role, and of the owner.
type faces struct{ people, owner http.Handler }

func newFaces(m Mesh) faces {
	h := New(Options{Version: "test", Mesh: m})
	return faces{h.engine(h.consolePage), h.Owner()}
}

// ask sends a request as somebody with a role, and reads the answer.
func (f faces) ask(t *testing.T, role auth.Role, method, path string, body, answer any) int {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if role == auth.OwnerRole {
		f.owner.ServeHTTP(w, r)
	} else {
		f.people.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Session{User: "somebody", Role: role})))
	}
	if answer != nil {
		if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code
}

var newRoutes = preview.Entry{
	Ref:  mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"},
	YAML: "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: default}\nspec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}]}]}\n",
}

func TestPreviewOverHTTP(t *testing.T) {
	m := weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}
	entries := func(list ...preview.Entry) map[string]any { return map[string]any{"entries": list} }
	var said Previewed
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/preview", entries(newRoutes), &said); code != http.StatusOK || said.Findings.Kept != 1 || said.Refused {
		t.Errorf("%d %+v", code, said)
	}
	wrong := newRoutes
	wrong.YAML = "spec: ["
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/preview", entries(wrong), &said); code != http.StatusOK || !said.Refused || len(said.Findings.Added) == 0 {
		t.Errorf("%d %+v", code, said)
	}
	program := preview.Entry{Ref: mesh.Ref{Kind: mesh.KindDeployment, Namespace: "default", Name: "x"}, YAML: "a: b"}
	if code := m.ask(t, auth.AdminRole, http.MethodPost, "/api/v1/preview", entries(program), nil); code != http.StatusForbidden {
		t.Errorf("a manifest that runs programs: %d", code)
	}
	var diff struct {
		Resources []preview.ResourceDiff `json:"resources"`
	}
	body := entries(newRoutes)
	body["group"] = "g"
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/preview/envoy", body, &diff); code != http.StatusOK || len(diff.Resources) != 1 {
		t.Errorf("%d %+v", code, diff)
	}
	body["group"] = "gone"
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/preview/envoy", body, nil); code != http.StatusNotFound {
		t.Errorf("a group that is gone: %d", code)
	}
}

func TestTryOverHTTP(t *testing.T) {
	m := weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}
	body := map[string]any{"method": "GET", "url": "reviews:9080/", "from": "productpage-v1"}
	var out struct{ Before, After *simulate.Answer }
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/try", body, &out); code != http.StatusOK || out.Before.Host != "reviews:9080" || out.After != nil {
		t.Errorf("%d %+v", code, out)
	}
	body["entries"] = []preview.Entry{newRoutes}
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/try", body, &out); code != http.StatusOK || out.After == nil {
		t.Errorf("%d %+v", code, out)
	}
	body["from"] = "nobody"
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/try", body, nil); code != http.StatusNotFound {
		t.Errorf("from nobody: %d", code)
	}
}

func TestSplitAndSettingsOverHTTP(t *testing.T) {
	m := weighed{snap: meshtest.Snapshot(t, meshtest.Bookinfo())}
	const path = "/api/v1/services/default/reviews/"
	var s canary.Split
	if code := m.ask(t, auth.Viewer, http.MethodGet, path+"split", nil, &s); code != http.StatusOK || s.Preselected != "new" || len(s.Versions) != 3 {
		t.Errorf("%d %+v", code, s)
	}
	var edits struct {
		Entries []preview.Entry `json:"entries"`
	}
	body := map[string]any{"candidate": "new", "weights": map[string]int{"v1": 85, "v2": 15}}
	if code := m.ask(t, auth.Viewer, http.MethodPost, path+"split", body, &edits); code != http.StatusOK || len(edits.Entries) != 2 {
		t.Errorf("%d %+v", code, edits)
	}
	// What it gives can be previewed as it is.
	var said Previewed
	if code := m.ask(t, auth.Viewer, http.MethodPost, "/api/v1/preview", edits, &said); code != http.StatusOK || said.Refused {
		t.Errorf("%d %+v", code, said)
	}
	body["weights"] = map[string]int{"v1": 85}
	if code := m.ask(t, auth.Viewer, http.MethodPost, path+"split", body, nil); code != http.StatusUnprocessableEntity {
		t.Errorf("85 of 100: %d", code)
	}
	body["candidate"] = "gone"
	if code := m.ask(t, auth.Viewer, http.MethodPost, path+"split", body, nil); code != http.StatusNotFound {
		t.Errorf("a rule that is gone: %d", code)
	}
	var settings []Setting
	if code := m.ask(t, auth.Viewer, http.MethodGet, path+"settings?from=productpage-v1", nil, &settings); code != http.StatusOK || len(settings) < 4 || settings[0].From == nil {
		t.Errorf("%d %+v", code, settings)
	}
	if code := m.ask(t, auth.Viewer, http.MethodGet, "/api/v1/services/default/nobody/split", nil, nil); code != http.StatusNotFound {
		t.Errorf("a service that is not there: %d", code)
	}
}
