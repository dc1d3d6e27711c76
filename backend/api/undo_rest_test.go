package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/mesh"
)

// Of a change that holds a Secret the rest can be taken back, by whoever may write
// the rest and says so; the Secret stays as it is.
func TestTheRestOfAChangeIsUndone(t *testing.T) {
	d := newDesk(t)
	secret := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "stars"}
	set := d.shift(d.etag(routeRef), 70, 30)
	set["entries"] = append(set["entries"].([]map[string]any), map[string]any{"ref": secret, "yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: stars}\nstringData: {key: hunter2}\n"})
	c := d.put(owner, http.StatusOK, set).Change
	if !c.Undoable || !slices.Equal(c.Stays, []mesh.Ref{secret}) {
		t.Fatalf("the change: %+v", c)
	}
	var list struct{ Items []history.Change }
	if code := d.ask(viewer, http.MethodGet, "/api/v1/changes?limit=1", nil, &list); code != http.StatusOK || !slices.Equal(list.Items[0].Stays, []mesh.Ref{secret}) {
		t.Errorf("in the list: %d %+v", code, list)
	}

	var p Problem
	path := "/api/v1/changes/" + c.ID + "/undo"
	if code := d.ask(operator, http.MethodPost, path, map[string]any{}, &p); code != http.StatusConflict || p.Code != "staysBehind" || p.Params["stays"] != secret.String() || !strings.Contains(p.Detail, "--rest") {
		t.Errorf("without a word: %d %+v", code, p)
	}
	if got := d.read(routePath); got != shifted(70, 30) {
		t.Fatalf("something was written: %s", got)
	}
	var a answer
	if code := d.ask(operator, http.MethodPost, path, map[string]any{"rest": true}, &a); code != http.StatusOK || len(a.Change.Entries) != 1 || a.Change.Undoes != c.ID {
		t.Fatalf("the rest: %d %+v", code, a)
	}
	if got := d.read(routePath); got != reviewsRoute || d.etag(secret) == "" {
		t.Errorf("after the undo, with the secret at %q: %s", d.etag(secret), got)
	}
	d.undo(operator, http.StatusOK, a.Change.ID) // of the undo, which holds no Secret
	if got := d.read(routePath); got != shifted(70, 30) {
		t.Errorf("after the undo of the undo: %s", got)
	}
	// Nor is the Secret in the way of a merge that takes the change back.
	back := d.shift("*", 100, 0)
	back["undoes"] = c.ID
	d.put(operator, http.StatusOK, back)
}

func TestASecretAloneIsNotUndone(t *testing.T) {
	d := newDesk(t)
	secret := mesh.Ref{Kind: mesh.KindSecret, Namespace: "default", Name: "stars"}
	c := d.put(owner, http.StatusOK, entries(map[string]any{"ref": secret, "yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: stars}\nstringData: {key: hunter2}\n"})).Change
	if c.Undoable {
		t.Errorf("the change: %+v", c)
	}
	if a := d.undo(owner, http.StatusConflict, c.ID); a.Code != "notUndoable" {
		t.Errorf("%+v", a)
	}
}
