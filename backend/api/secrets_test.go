package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// checkedMesh is a mesh of what stands in a folder, against which can be checked.
type checkedMesh struct{ folderMesh }

func (m checkedMesh) Evidence() validate.Evidence { return validate.Evidence{} }

func (m checkedMesh) Snapshot() *mesh.Snapshot {
	objects, err := m.store.Objects(context.Background())
	if err != nil {
		panic(err)
	}
	return mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
}

// The version of a Secret is a digest of its content: whoever had it could try out
// guesses anywhere. Nobody but the owner learns it, or whether a guess is right.
func TestNobodyCanGuessAtSecrets(t *testing.T) {
	d := newDesk(t)
	d.engine = New(Options{Mesh: checkedMesh{folderMesh{store: d.store}}, Auth: d.auth, History: d.history}).engine(func(*gin.Context) {})
	const right = "apiVersion: v1\nkind: Secret\nmetadata: {name: stars, namespace: default}\nstringData: {key: hunter2}\n"
	wrong := strings.Replace(right, "hunter2", "hunter3", 1)
	ref := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "stars"}
	c := d.put(owner, http.StatusOK, entries(map[string]any{"ref": ref, "yaml": right})).Change
	version := d.etag(ref)
	if version != config.TextVersion([]byte(right)) {
		t.Fatalf("the version is %q", version)
	}
	ask := func(who auth.Session, method, path, header, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if header != "" {
			r.Header.Set(header, `"`+version+`"`)
		}
		w := httptest.NewRecorder()
		d.engine.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
		return w
	}
	checked := func(who auth.Session, text string) string {
		body, err := json.Marshal(map[string]any{"manifests": []map[string]string{{"file": "a.yaml", "text": text}}})
		if err != nil {
			t.Fatal(err)
		}
		w := ask(who, http.MethodPost, "/api/v1/check", "", string(body))
		if w.Code != http.StatusOK {
			t.Fatalf("check: %d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
	for _, who := range []auth.Session{viewer, operator, admin} {
		for _, path := range []string{
			"/api/v1/config/secret", "/api/v1/config/secret/default/stars", "/api/v1/changes", "/api/v1/changes/" + c.ID,
			"/api/v1/objects/secret/default/stars/history",
		} {
			var answers []string
			for _, header := range []string{"", "If-None-Match"} {
				w := ask(who, http.MethodGet, path, header, "")
				if answers = append(answers, w.Body.String()); w.Code != http.StatusOK || w.Header().Get("ETag") != "" || strings.Contains(w.Body.String(), version) {
					t.Errorf("%s reads %s with %q: %d %v %s", who.Role, path, header, w.Code, w.Header(), w.Body)
				}
			}
			if answers[0] != answers[1] {
				t.Errorf("%s learns at %s that a guess is right", who.Role, path)
			}
		}
		// Nor does a precondition tell.
		other := httptest.NewRequest(http.MethodGet, "/api/v1/config/secret/default/stars", nil)
		other.Header.Set("If-Match", `"`+config.TextVersion([]byte(wrong))+`"`)
		w := httptest.NewRecorder()
		d.engine.ServeHTTP(w, other.WithContext(auth.With(other.Context(), who)))
		if guess := ask(who, http.MethodGet, "/api/v1/config/secret/default/stars", "If-Match", ""); guess.Code != w.Code {
			t.Errorf("%s learns by If-Match that a guess is right: %d and %d", who.Role, guess.Code, w.Code)
		}
		if strings.ReplaceAll(checked(who, right), "hunter2", "") != strings.ReplaceAll(checked(who, wrong), "hunter3", "") || strings.Contains(checked(who, right), version) {
			t.Errorf("%s learns by a check that a guess is right: %s", who.Role, checked(who, right))
		}
		body := `{"dryRun":true,"manifests":[{"file":"a.yaml","text":` + string(encoded(t, right)) + `}]}`
		if w := ask(who, http.MethodPost, "/api/v1/config", "", body); w.Code != http.StatusForbidden {
			t.Errorf("%s tries out a Secret: %d %s", who.Role, w.Code, w.Body)
		}
	}
	// The owner, who may write it, writes over what was read.
	if w := ask(owner, http.MethodGet, "/api/v1/config/secret/default/stars", "", ""); w.Header().Get("ETag") != `"`+version+`"` {
		t.Errorf("the owner: %v %s", w.Header(), w.Body)
	}
	if got := checked(owner, right); !strings.Contains(got, `"unchanged"`) {
		t.Errorf("the owner checks the same: %s", got)
	}
	if w := ask(owner, http.MethodDelete, "/api/v1/config/secret/default/stars", "If-Match", ""); w.Code != http.StatusNoContent {
		t.Errorf("the owner deletes it: %d %s", w.Code, w.Body)
	}
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(text.Bytes())
}

// A word and a key that stand in Secrets come back to nobody, not to the owner
// either: neither in an object, nor in the history, nor where two got in each
// other's way, nor in what is wrong with a Secret.
func TestContentsOfSecretsStayInside(t *testing.T) {
	d := newDesk(t)
	d.engine = New(Options{Mesh: checkedMesh{folderMesh{store: d.store}}, Auth: d.auth, History: d.history}).engine(func(*gin.Context) {})
	const word, key = "planted-word-x7", "-----BEGIN PRIVATE KEY-----PLANTEDKEYMATERIAL"
	inside := []string{word, "PLANTEDKEYMATERIAL", base64.StdEncoding.EncodeToString([]byte(word)), base64.StdEncoding.EncodeToString([]byte(key))}
	text := func(more string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: stars, namespace: default}\nstringData: {key: " + word + more + "}\ndata: {tls.key: " +
			base64.StdEncoding.EncodeToString([]byte(key)) + "}\n"
	}
	ref := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "stars"}
	first := d.put(owner, http.StatusOK, entries(map[string]any{"ref": ref, "yaml": text("")})).Change
	stale := d.etag(ref)
	second := d.put(owner, http.StatusOK, entries(map[string]any{"ref": ref, "etag": stale, "yaml": text("-2")})).Change
	mine := "apiVersion: v1\nkind: Secret\nmetadata: {name: stars, namespace: default}\nstringData: {key: of my own}\n"
	for _, who := range []auth.Session{viewer, operator, admin, owner} {
		for _, request := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/api/v1/config/secret", nil},
			{"GET", "/api/v1/config/secret/default/stars", nil},
			{"GET", "/api/v1/changes", nil},
			{"GET", "/api/v1/changes/" + first.ID, nil},
			{"GET", "/api/v1/changes/" + second.ID, nil},
			{"GET", "/api/v1/objects/secret/default/stars/history", nil},
			{"GET", "/api/v1/findings", nil},
			{"PUT", "/api/v1/changes", entries(map[string]any{"ref": ref, "etag": stale, "yaml": mine})},
			{"POST", "/api/v1/changes/" + second.ID + "/undo", map[string]any{}},
			{"POST", "/api/v1/preview", entries(map[string]any{"ref": ref, "etag": stale, "edits": []config.Edit{{Op: config.Set, Path: "spec.nothing", Value: "1"}}})},
			{"PATCH", "/api/v1/config/secret/default/stars", map[string]any{"edits": []config.Edit{{Op: config.Set, Path: "spec.nothing[0].there", Value: "1"}}}},
			{"POST", "/api/v1/check", map[string]any{"live": true, "manifests": []map[string]string{{"file": "a.yaml", "text": mine}}}},
		} {
			r := httptest.NewRequest(request.method, request.path, bytes.NewReader(encoded(t, request.body)))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			d.engine.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
			if request.method == "GET" && w.Code != http.StatusOK || w.Code == http.StatusInternalServerError {
				t.Errorf("%s: %s %s answers %d %s", who.Role, request.method, request.path, w.Code, w.Body)
			}
			for _, secret := range inside {
				if strings.Contains(w.Body.String(), secret) {
					t.Errorf("%s: %s %s (%d) tells %q: %s", who.Role, request.method, request.path, w.Code, secret, w.Body)
				}
			}
		}
	}
	// What is wrong with one in the folder is told to everybody who looks.
	for _, broken := range []string{"data: {key: " + word + "}", "data: {key: [" + word + "]}", "stringData: " + word, "stringData: {key: {" + word + ": 1}}", "type: {" + word + ": 1}", "stringData: {key: " + word + ", key: " + word + "}"} {
		for _, f := range config.Decode("a.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: stars}\n"+broken+"\n")).Problems {
			if said := string(encoded(t, f)); strings.Contains(said, word) {
				t.Errorf("a finding about %q tells it: %s", broken, said)
			}
		}
	}
}
