package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/mesh/validate"
)

// folderMesh is a mesh of what stands in a folder.
type folderMesh struct {
	Mesh
	store *file.Store
}

func (m folderMesh) Objects(ctx context.Context) (mesh.Table[mesh.Ref, *mesh.Object], error) {
	objects, err := m.store.Objects(ctx)
	return mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
		for _, o := range objects {
			if !yield(o.Ref, o) {
				return
			}
		}
	}), err
}

func (m folderMesh) Findings() []mesh.Finding { return nil }

func (m folderMesh) Check(ctx context.Context, written []*mesh.Object, removed []mesh.Ref) ([]mesh.Finding, error) {
	objects, err := m.store.Objects(ctx)
	before := mesh.Build(nil, mesh.Inputs{Settings: mesh.DefaultSettings(), Objects: objects})
	after := before.Without(removed...).With(written...)
	run := func(s *mesh.Snapshot) []mesh.Finding {
		return validate.Run(s, validate.Evidence{}, validate.Options{}).Findings
	}
	return validate.Added(run(before), run(after)), err
}

// desk is an API over a folder, with its history.
type desk struct {
	t       *testing.T
	dir, db string
	store   *file.Store
	history *history.History
	auth    *auth.Auth
	engine  http.Handler
	told    chan history.Change
}

const (
	reviewsService = "apiVersion: v1\nkind: Service\nmetadata: {name: reviews}\nspec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}\n"
	reviewsRule    = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: reviews}\nspec:\n  host: reviews\n  subsets:\n  - {name: v1, labels: {version: v1}}\n  - {name: v2, labels: {version: v2}}\n"
	reviewsRoute   = "# who sees stars\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec:\n  hosts: [reviews]\n  http:\n  - route: # shares\n    - destination: {host: reviews, subset: v1}\n      weight: 100 # all\n    - destination: {host: reviews, subset: v2}\n      weight: 0\n    # not for ever\n    timeout: 2s\n"
	routePath      = "routes.yaml"
)

var routeRef = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: filepath.Join(t.TempDir(), "config"), db: filepath.Join(t.TempDir(), "heddle.db"), told: make(chan history.Change, 100)}
	var err error
	if d.store, err = file.Open(d.dir, file.Options{}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	db, err := database.Open(t.Context(), d.db, log, auth.Tables(), database.Concern{Name: "history", Files: history.Migrations()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if d.auth, err = auth.Open(t.Context(), auth.Options{DB: db, Log: log, Idle: time.Hour, Absolute: time.Hour}); err != nil {
		t.Fatal(err)
	}
	d.history = history.New(history.Options{Database: db, Store: d.store, Owner: "ada"})
	d.history.OnRecorded(func(c history.Change) { d.told <- c })
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = d.history.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	h := New(Options{Mesh: folderMesh{store: d.store}, Version: "test", Auth: d.auth, History: d.history, Owner: "ada", Log: log})
	d.engine = h.engine(func(c *gin.Context) {
		answerProblem(c, newProblem(http.StatusNotFound, "notFound", "no such page", ""))
	})
	d.edit("service.yaml", reviewsService)
	d.edit("rule.yaml", reviewsRule)
	d.edit(routePath, reviewsRoute)
	d.look()
	<-d.told
	return d
}

// look has the history see the folder.
func (d *desk) look() {
	d.t.Helper()
	objects, err := d.store.Objects(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.history.Observe(objects, d.store.Writes())
}

func (d *desk) edit(path, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, path), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) read(path string) string {
	d.t.Helper()
	data, err := os.ReadFile(filepath.Join(d.dir, path))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(data)
}

// Who asks.
var (
	viewer   = auth.Session{User: "vic", Role: auth.Viewer, Via: auth.Console}
	operator = auth.Session{User: "eve", Role: auth.Operator, Via: auth.Console}
	admin    = auth.Session{User: "root", Role: auth.AdminRole, Via: auth.Token}
	owner    = auth.Session{User: auth.OwnerName, Role: auth.OwnerRole, Via: auth.CLI}
)

// ask sends a request and decodes the answer, or the problem, into out.
func (d *desk) ask(who auth.Session, method, path string, body, out any, header ...string) int {
	d.t.Helper()
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			d.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, &text)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.engine.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
	if out != nil && w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			d.t.Fatalf("%s %s: %d %s: %v", method, path, w.Code, w.Body, err)
		}
	}
	return w.Code
}

// answer is that of writes, good or bad.
type answer struct {
	Change    *history.Change  `json:"change"`
	Findings  []mesh.Finding   `json:"findings"`
	Conflicts []merge.Conflict `json:"conflicts"`
	Forceable bool             `json:"forceable"`
	Code      string           `json:"code"`
	Detail    string           `json:"detail"`
}

func (d *desk) put(who auth.Session, want int, body map[string]any) (a answer) {
	d.t.Helper()
	if got := d.ask(who, http.MethodPut, "/api/v1/changes", body, &a); got != want {
		d.t.Fatalf("put: %d, want %d: %+v", got, want, a)
	}
	return a
}

func (d *desk) undo(who auth.Session, want int, id string) (a answer) {
	d.t.Helper()
	if got := d.ask(who, http.MethodPost, "/api/v1/changes/"+id+"/undo", map[string]any{}, &a); got != want {
		d.t.Fatalf("undo: %d, want %d: %+v", got, want, a)
	}
	return a
}

func (d *desk) etag(ref mesh.Ref) string {
	d.t.Helper()
	objects, err := folderMesh{store: d.store}.Objects(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	o, ok := objects.Get(ref)
	if !ok {
		return ""
	}
	return o.Version
}

func entries(list ...map[string]any) map[string]any { return map[string]any{"entries": list} }

// shift moves weights.
func (d *desk) shift(etag string, v1, v2 int) map[string]any {
	set := func(i, n int) config.Edit {
		return config.Edit{Op: config.Set, Path: fmt.Sprintf("spec.http[0].route[%d].weight", i), Value: fmt.Sprint(n)}
	}
	return entries(map[string]any{"ref": routeRef, "etag": etag, "edits": []config.Edit{set(0, v1), set(1, v2)}})
}

func shifted(v1, v2 int) string {
	return strings.NewReplacer("weight: 100 #", fmt.Sprintf("weight: %d #", v1), "weight: 0\n", fmt.Sprintf("weight: %d\n", v2)).Replace(reviewsRoute)
}

func TestChangesAreWrittenRecordedAndUndone(t *testing.T) {
	d := newDesk(t)
	body := d.shift(d.etag(routeRef), 70, 30)
	body["note"] = "a third"
	a := d.put(operator, http.StatusOK, body)
	if got := d.read(routePath); got != shifted(70, 30) {
		t.Fatalf("on disk: %s", got)
	}
	c := a.Change
	if c == nil || c.Actor != "eve" || c.Via != history.Console || c.Note != "a third" || c.Summary.Code != "weights" ||
		c.Summary.Params["from"] != "100/0" || c.Summary.Params["to"] != "70/30" || !c.Undoable {
		t.Fatalf("the change: %+v", c)
	}
	if *c.Entries[0].Before != reviewsRoute || *c.Entries[0].After != shifted(70, 30) || c.Entries[0].AfterETag != d.etag(routeRef) {
		t.Errorf("its texts: %+v", c.Entries[0])
	}

	var list struct{ Items []history.Change }
	for _, query := range []string{"", "?object=vs/default/reviews", "?actor=eve", "?via=console&limit=1"} {
		if code := d.ask(viewer, http.MethodGet, "/api/v1/changes"+query, nil, &list); code != 200 || list.Items[0].ID != c.ID || list.Items[0].Entries[0].After != nil {
			t.Errorf("list %s: %d %+v", query, code, list)
		}
	}
	var one history.Change
	if code := d.ask(viewer, http.MethodGet, "/api/v1/changes/"+c.ID, nil, &one); code != 200 || *one.Entries[0].After != shifted(70, 30) {
		t.Errorf("one: %d %+v", code, one)
	}
	if code := d.ask(viewer, http.MethodGet, "/api/v1/changes/999", nil, nil); code != 404 {
		t.Errorf("an unknown one: %d", code)
	}

	undone := d.undo(operator, http.StatusOK, c.ID)
	if got := d.read(routePath); got != reviewsRoute {
		t.Fatalf("after the undo: %s", got)
	}
	if undone.Change.Undoes != c.ID || undone.Change.Summary.Params["undoes"] != c.ID {
		t.Errorf("the undo: %+v", undone.Change)
	}
	if a := d.undo(operator, http.StatusConflict, c.ID); a.Code != "undone" {
		t.Errorf("again: %+v", a)
	}
	d.undo(operator, http.StatusOK, undone.Change.ID)
	if got := d.read(routePath); got != shifted(70, 30) {
		t.Fatalf("after the undo of the undo: %s", got)
	}
	var revisions struct{ Items []history.Revision }
	d.ask(viewer, http.MethodGet, "/api/v1/objects/vs/default/reviews/history", nil, &revisions)
	var texts []string
	for _, r := range revisions.Items {
		texts = append(texts, *r.Text)
	}
	if diff := cmp.Diff([]string{shifted(70, 30), reviewsRoute, shifted(70, 30), reviewsRoute}, texts); diff != "" {
		t.Errorf("history: %s", diff)
	}
	// What is so already is no change.
	if a := d.put(operator, http.StatusOK, d.shift("*", 70, 30)); a.Change != nil {
		t.Errorf("nothing to do: %+v", a.Change)
	}
}

// Of two people the second sees three texts, and nothing is overwritten.
func TestTwoPeopleAtOnce(t *testing.T) {
	d := newDesk(t)
	etag := d.etag(routeRef)
	first := d.put(admin, http.StatusOK, d.shift(etag, 50, 50)).Change
	a := d.put(operator, http.StatusPreconditionFailed, d.shift(etag, 70, 30))
	if len(a.Conflicts) != 1 || a.Code != "stale" {
		t.Fatalf("%+v", a)
	}
	c := a.Conflicts[0]
	if c.Base != reviewsRoute || c.Theirs != shifted(50, 50) || c.Mine != shifted(70, 30) || c.Merged != nil || c.ETag != d.etag(routeRef) ||
		c.TheirsBy == nil || c.TheirsBy.Actor != "root" || c.TheirsBy.Change != first.ID {
		t.Errorf("conflict: %+v", c)
	}
	if got := d.read(routePath); got != shifted(50, 50) {
		t.Fatalf("it was overwritten: %s", got)
	}

	// Elsewhere in the text both fit.
	slower := entries(map[string]any{"ref": routeRef, "etag": etag, "edits": []config.Edit{{Op: config.Set, Path: "spec.http[0].timeout", Value: "9s"}}})
	c = d.put(operator, http.StatusPreconditionFailed, slower).Conflicts[0]
	both := strings.Replace(shifted(50, 50), "2s", "9s", 1)
	if c.Merged == nil || *c.Merged != both {
		t.Fatalf("merged: %+v", c)
	}
	d.put(operator, http.StatusOK, entries(map[string]any{"ref": routeRef, "etag": c.ETag, "yaml": *c.Merged}))
	if got := d.read(routePath); got != both {
		t.Errorf("on disk: %s", got)
	}

	// The first change is undone where the second left it room.
	back := d.undo(operator, http.StatusPreconditionFailed, first.ID).Conflicts[0]
	if back.Base != shifted(50, 50) || back.Mine != reviewsRoute || back.Merged == nil || *back.Merged != strings.Replace(reviewsRoute, "2s", "9s", 1) {
		t.Fatalf("conflict of the undo: %+v", back)
	}
	resolved := entries(map[string]any{"ref": routeRef, "etag": back.ETag, "yaml": *back.Merged})
	resolved["undoes"] = first.ID
	d.put(operator, http.StatusOK, resolved)
	var again history.Change
	if d.ask(viewer, http.MethodGet, "/api/v1/changes/"+first.ID, nil, &again); again.UndoneBy == "" {
		t.Errorf("it is not undone: %+v", again)
	}
}

// Of two who undo a change at the same moment one does it, and the other hears so.
func TestOneUndoOfAChangeWins(t *testing.T) {
	d := newDesk(t)
	for round := range 10 {
		made := d.put(operator, http.StatusOK, map[string]any{"entries": []preview.Entry{{
			Ref:  mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "extra"},
			YAML: "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: extra, namespace: default}\nspec:\n  hosts: [extra.example.com]\n  http: [{fault: {abort: {httpStatus: 503, percentage: {value: 100}}}, route: [{destination: {host: reviews}}]}]\n",
		}}})
		var all sync.WaitGroup
		codes := make([]int, 2)
		answers := make([]answer, 2)
		for i, who := range []auth.Session{operator, admin} {
			all.Go(func() {
				codes[i] = d.ask(who, http.MethodPost, "/api/v1/changes/"+made.Change.ID+"/undo", map[string]any{}, &answers[i])
			})
		}
		all.Wait()
		slices.Sort(codes)
		if codes[0] != http.StatusOK || codes[1] != http.StatusConflict {
			t.Fatalf("round %d: %v %+v", round, codes, answers)
		}
	}
}

func TestConflictsOfWholeObjects(t *testing.T) {
	d := newDesk(t)
	etag := d.etag(routeRef)
	// There is one already.
	a := d.put(operator, http.StatusPreconditionFailed, entries(map[string]any{"ref": routeRef, "yaml": shifted(1, 99)}))
	if c := a.Conflicts[0]; c.Base != "" || c.Theirs != reviewsRoute || c.Mine != shifted(1, 99) {
		t.Errorf("conflict of a new one: %+v", c)
	}
	d.put(operator, http.StatusOK, d.shift(etag, 50, 50))
	a = d.put(operator, http.StatusPreconditionFailed, entries(map[string]any{"ref": routeRef, "etag": etag, "delete": true}))
	if c := a.Conflicts[0]; c.Mine != "" || len(c.Hunks) != 1 || c.Hunks[0].Kind != merge.Clash {
		t.Errorf("conflict of a deletion: %+v", c)
	}
	d.put(operator, http.StatusOK, entries(map[string]any{"ref": routeRef, "etag": "*", "delete": true}))
	a = d.put(operator, http.StatusPreconditionFailed, d.shift(etag, 70, 30))
	if c := a.Conflicts[0]; c.Theirs != "" || c.Mine != shifted(70, 30) || c.ETag != "" {
		t.Errorf("conflict with a deletion: %+v", c)
	}
	if a := d.put(operator, http.StatusOK, entries(map[string]any{"ref": routeRef, "etag": etag, "delete": true})); a.Change != nil {
		t.Errorf("what is gone already was deleted: %+v", a)
	}
}

// However often a change names an object that somebody else changed, its text is
// compared and told once.
func TestAConflictIsToldOnce(t *testing.T) {
	d := newDesk(t)
	many := make([]map[string]any, 50)
	for i := range many {
		many[i] = map[string]any{"ref": routeRef, "yaml": shifted(1, 99)}
	}
	if a := d.put(operator, http.StatusPreconditionFailed, entries(many...)); len(a.Conflicts) != 1 {
		t.Errorf("%d conflicts of one object", len(a.Conflicts))
	}
}

func TestWhatBlocksAndWhatMayBeForced(t *testing.T) {
	d := newDesk(t)
	wrong := entries(map[string]any{"ref": routeRef, "etag": "*", "yaml": strings.Replace(reviewsRoute, "timeout", "timeuot", 1)})
	wrong["force"] = true
	if a := d.put(operator, http.StatusUnprocessableEntity, wrong); a.Forceable || len(a.Findings) == 0 || a.Findings[0].Line != 14 {
		t.Errorf("an unknown field: %+v", a)
	}
	lost := entries(map[string]any{"ref": routeRef, "etag": "*", "yaml": strings.ReplaceAll(reviewsRoute, "subset: v2", "subset: v9")})
	a := d.put(operator, http.StatusUnprocessableEntity, lost)
	if !a.Forceable || len(a.Findings) == 0 || a.Findings[0].Line == 0 {
		t.Errorf("an unknown subset: %+v", a)
	}
	if got := d.read(routePath); got != reviewsRoute {
		t.Fatalf("it was written: %s", got)
	}
	lost["force"] = true
	if a := d.put(operator, http.StatusOK, lost); len(a.Findings) == 0 {
		t.Errorf("what was forced is not told: %+v", a)
	}
	log, _, err := d.auth.Audit().List(t.Context(), auth.AuditQuery{Limit: 10})
	if err != nil || len(log) != 3 {
		t.Fatalf("audit: %+v %v", log, err)
	}
	if e := log[0]; e.Outcome != auth.Done || e.Actor != "eve" || e.Action != "change.apply" || e.Target != "VirtualService default/reviews" || !strings.Contains(e.Detail, "forced HDL") {
		t.Errorf("forced: %+v", e)
	}
	if e := log[1]; e.Outcome != auth.Refused || !strings.Contains(e.Detail, "HDL") {
		t.Errorf("refused: %+v", e)
	}
}

// Every object of a change needs its capability, also when it is taken back.
func TestWhoMayWriteAndUndo(t *testing.T) {
	d := newDesk(t)
	gateway := mesh.Ref{Kind: mesh.KindGateway, Namespace: "default", Name: "way"}
	text := "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: way}\nspec: {selector: {app: gw}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}\n"
	set := entries(map[string]any{"ref": gateway, "yaml": text}, d.shift("*", 70, 30)["entries"].([]map[string]any)[0])
	set["force"] = true
	if a := d.put(operator, http.StatusForbidden, set); a.Code != "forbidden" {
		t.Errorf("%+v", a)
	}
	if got := d.read(routePath); got != reviewsRoute {
		t.Fatalf("a part of it was written: %s", got)
	}
	if log, _, err := d.auth.Audit().List(t.Context(), auth.AuditQuery{Limit: 1}); err != nil || log[0].Outcome != auth.Refused {
		t.Errorf("audit: %+v %v", log, err)
	}
	c := d.put(admin, http.StatusOK, set).Change
	if c.Via != history.Token || len(c.Entries) != 2 || c.Entries[0].Ref != gateway {
		t.Errorf("the change: %+v", c)
	}
	d.undo(operator, http.StatusForbidden, c.ID)
	// Nor is it marked as undone by who could not undo it, or by a write of something else.
	pretend := d.shift("*", 60, 40)
	pretend["undoes"] = c.ID
	if a := d.put(operator, http.StatusForbidden, pretend); a.Code != "forbidden" {
		t.Errorf("%+v", a)
	}
	other := mesh.Ref{Kind: mesh.KindServiceEntry, Namespace: "default", Name: "else"}
	elsewhere := entries(map[string]any{"ref": other, "yaml": "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: else}\nspec: {hosts: [else.example], ports: [{number: 80, name: http}]}\n"})
	elsewhere["undoes"] = c.ID
	if a := d.put(admin, http.StatusUnprocessableEntity, elsewhere); a.Code != "notOfTheChange" {
		t.Errorf("%+v", a)
	}
	if code := d.ask(viewer, http.MethodPost, "/api/v1/changes/"+c.ID+"/undo", map[string]any{}, nil); code != http.StatusForbidden {
		t.Errorf("a viewer: %d", code)
	}
	d.undo(admin, http.StatusOK, c.ID)
	if got := d.read(routePath); got != reviewsRoute || d.etag(gateway) != "" {
		t.Errorf("after the undo: %s", got)
	}
	// What runs programs is the owner's alone.
	service := mesh.Ref{Kind: mesh.KindService, Namespace: "default", Name: "reviews"}
	d.put(admin, http.StatusForbidden, entries(map[string]any{"ref": service, "etag": "*", "delete": true}))
	for _, older := range []struct{ method, path string }{
		{http.MethodDelete, "/api/v1/config/svc/default/reviews"},
		{http.MethodPatch, "/api/v1/config/svc/default/reviews"},
	} {
		if code := d.ask(admin, older.method, older.path, map[string]any{"edits": []config.Edit{{Op: "delete", Path: "spec"}}}, nil); code != http.StatusForbidden {
			t.Errorf("%s: %d", older.method, code)
		}
	}
	if code := d.ask(admin, http.MethodPost, "/api/v1/config", map[string]any{"manifests": []Manifest{{"a.yaml", strings.Replace(reviewsService, "9080", "9081", 1)}}}, nil); code != http.StatusForbidden {
		t.Errorf("apply: %d", code)
	}
	if code := d.ask(admin, http.MethodPost, "/api/v1/deletions", map[string]any{"objects": []mesh.Ref{service}}, nil); code != http.StatusForbidden {
		t.Errorf("deletions: %d", code)
	}
}

func TestTheCommandLineIsRecorded(t *testing.T) {
	d := newDesk(t)
	must := func(code int) {
		t.Helper()
		if code != http.StatusOK && code != http.StatusNoContent {
			t.Fatalf("%d", code)
		}
	}
	must(d.ask(owner, http.MethodPost, "/api/v1/config", map[string]any{"manifests": []Manifest{{"a.yaml", shifted(60, 40)}}}, nil))
	must(d.ask(owner, http.MethodPatch, "/api/v1/config/vs/default/reviews", map[string]any{"edits": []config.Edit{{Op: "set", Path: "spec.http[0].timeout", Value: "5s"}}}, nil))
	must(d.ask(owner, http.MethodDelete, "/api/v1/config/vs/default/reviews", nil, nil))
	must(d.ask(owner, http.MethodPost, "/api/v1/deletions", map[string]any{"objects": []mesh.Ref{{Kind: mesh.KindDestinationRule, Namespace: "default", Name: "reviews"}}}, nil))
	var list struct{ Items []history.Change }
	d.ask(viewer, http.MethodGet, "/api/v1/changes?via=cli", nil, &list)
	var got []string
	for _, c := range list.Items {
		got = append(got, c.Actor+" "+c.Summary.Code+" "+c.Entries[0].Ref.Kind.Name)
	}
	if diff := cmp.Diff([]string{"ada deleted DestinationRule", "ada deleted VirtualService", "ada changed VirtualService", "ada weights VirtualService"}, got); diff != "" {
		t.Error(diff)
	}
	// Its subsets have no pods here: what was wrong before is told, and may be forced.
	if a := d.undo(owner, http.StatusUnprocessableEntity, list.Items[0].ID); !a.Forceable {
		t.Errorf("undo of the deletion: %+v", a)
	}
	for _, c := range list.Items {
		must(d.ask(owner, http.MethodPost, "/api/v1/changes/"+c.ID+"/undo", map[string]any{"force": true}, nil))
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "default", "virtualservice", "reviews.yaml"))
	if err != nil || string(text) != reviewsRoute {
		t.Errorf("after all undos: %s %v", text, err)
	}
}

func TestWithoutAWritableDatabase(t *testing.T) {
	d := newDesk(t)
	mode := func(m os.FileMode) {
		if err := os.Chmod(d.db, m); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o400)
	if a := d.put(operator, http.StatusServiceUnavailable, d.shift("*", 70, 30)); a.Code != "databaseNotWritable" || a.Detail == "" {
		t.Errorf("%+v", a)
	}
	if got := d.read(routePath); got != reviewsRoute {
		t.Fatalf("it was written: %s", got)
	}
	if code := d.ask(viewer, http.MethodGet, "/api/v1/changes", nil, nil); code != 200 {
		t.Errorf("reading: %d", code)
	}
	if a := d.put(owner, http.StatusOK, d.shift("*", 60, 40)); a.Change == nil || a.Change.ID != "" {
		t.Errorf("the owner: %+v", a)
	}
	mode(0o600)
	d.look()
	if c := <-d.told; c.Actor != "ada" || c.Via != history.CLI || *c.Entries[0].After != shifted(60, 40) {
		t.Errorf("recorded later: %+v", c)
	}
}

func TestMergeAndConditions(t *testing.T) {
	d := newDesk(t)
	var m struct {
		Hunks  []merge.Hunk
		Merged *string
	}
	if code := d.ask(viewer, http.MethodPost, "/api/v1/merge", map[string]string{"base": "a\nb\nc\n", "theirs": "x\nb\nc\n", "mine": "a\nb\ny\n"}, &m); code != 200 || m.Merged == nil || *m.Merged != "x\nb\ny\n" || len(m.Hunks) != 3 {
		t.Errorf("merge: %d %+v", code, m)
	}
	m.Merged = nil
	if code := d.ask(viewer, http.MethodPost, "/api/v1/merge", map[string]string{"base": "a\n", "theirs": "b\n", "mine": "c\n"}, &m); code != 200 || m.Merged != nil || m.Hunks[0].Kind != merge.Clash {
		t.Errorf("conflict: %d %+v", code, m)
	}
	const path = "/api/v1/config/vs/default/reviews"
	etag := d.etag(routeRef)
	if code := d.ask(viewer, http.MethodGet, path, nil, nil, "If-None-Match", `"`+etag+`"`); code != http.StatusNotModified {
		t.Errorf("known: %d", code)
	}
	if code := d.ask(viewer, http.MethodGet, path, nil, nil, "If-None-Match", `"other"`); code != http.StatusOK {
		t.Errorf("not known: %d", code)
	}
	var a answer
	edit := map[string]any{"edits": []config.Edit{{Op: "set", Path: "spec.http[0].timeout", Value: "5s"}}}
	d.put(operator, http.StatusOK, d.shift(etag, 70, 30))
	if code := d.ask(operator, http.MethodPatch, path, edit, &a, "If-Match", `"`+etag+`"`); code != http.StatusPreconditionFailed || len(a.Conflicts) != 1 || a.Conflicts[0].Merged == nil {
		t.Errorf("a stale edit: %d %+v", code, a)
	}
	if code := d.ask(operator, http.MethodDelete, path, nil, &a, "If-Match", `"`+etag+`"`); code != http.StatusPreconditionFailed {
		t.Errorf("a stale deletion: %d", code)
	}
	if code := d.ask(operator, http.MethodPatch, path, edit, nil, "If-Match", `"`+d.etag(routeRef)+`"`); code != http.StatusOK {
		t.Errorf("an edit: %d", code)
	}
}
