package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/backend/queue"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

// slow is a Mesh whose previews take until somebody lets them end, or leaves.
type slow struct {
	weighed
	end     chan struct{}
	working *atomic.Int32
}

func (m slow) Preview(ctx context.Context, _ *preview.Proposal) (*preview.Preview, error) {
	m.working.Add(1)
	defer m.working.Add(-1)
	select {
	case <-m.end:
		return &preview.Preview{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// asked is a request under way.
type asked struct {
	answer *httptest.ResponseRecorder
	leave  context.CancelFunc
	done   chan struct{}
}

func askPreview(t *testing.T, engine http.Handler, user string) asked {
	t.Helper()
	body, err := json.Marshal(map[string]any{"entries": []preview.Entry{newRoutes}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(auth.With(t.Context(), auth.Session{User: user, Role: auth.Viewer}))
	r := httptest.NewRequest(http.MethodPost, "/api/v1/preview", bytes.NewReader(body)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	a := asked{httptest.NewRecorder(), leave, make(chan struct{})}
	go func() {
		defer close(a.done)
		engine.ServeHTTP(a.answer, r)
	}()
	synctest.Wait()
	return a
}

func TestExpensiveRequestsTakeTurns(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	synctest.Test(t, func(t *testing.T) {
		m := slow{weighed{snap: snap}, make(chan struct{}), new(atomic.Int32)}
		h := New(Options{Version: "test", Mesh: m})
		engine := h.engine(h.consolePage)
		working := func(want int32) {
			t.Helper()
			synctest.Wait()
			if n := m.working.Load(); n != want {
				t.Errorf("%d previews are worked out, want %d", n, want)
			}
		}
		older := askPreview(t, engine, "eva")
		newer := askPreview(t, engine, "eva")
		working(1) // one of each person
		other, third := askPreview(t, engine, "ron"), askPreview(t, engine, "ann")
		working(2) // two in all
		older.leave()
		<-older.done
		working(2)
		third.leave()
		<-third.done
		for range turns.WaitingEach {
			askPreview(t, engine, "ron")
		}
		refused := askPreview(t, engine, "ron")
		<-refused.done
		var p Problem
		if err := json.Unmarshal(refused.answer.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if p.Status != http.StatusTooManyRequests || p.Code != "busy" || refused.answer.Header().Get("Retry-After") == "" || p.Detail == "" {
			t.Errorf("one more than may wait: %+v %v", p, refused.answer.Header())
		}
		// Who changes something does not wait for all of these.
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/api/v1/config/virtualservices/default/none", nil).
			WithContext(auth.With(t.Context(), auth.Session{User: "ron", Role: auth.Operator})))
		working(2)
		if w.Code != http.StatusNotFound {
			t.Errorf("a deletion meanwhile: %d %s", w.Code, w.Body)
		}
		close(m.end)
		<-newer.done
		<-other.done
		if newer.answer.Code != http.StatusOK || other.answer.Code != http.StatusOK {
			t.Errorf("answers: %d and %d", newer.answer.Code, other.answer.Code)
		}
	})
}

func TestEveryRouteThatTriesAChangeTakesTurns(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	expensive := []string{"preview", "preview-envoy", "try", "explain", "check", "fixes", "merge", "put-change", "undo-change", "apply", "delete-objects", "edit-object", "delete-object"}
	bodies := map[string]string{
		"preview": `{"entries": [{"ref": {"kind": "VirtualService", "name": "a"}}]}`, "preview-envoy": `{"group": "", "entries": [{"ref": {"kind": "VirtualService", "name": "a"}}]}`,
		"try": `{"method": "GET", "url": "/", "from": "a"}`, "explain": `{"method": "GET", "url": "/", "from": "a"}`, "check": `{"manifests": [{"file": "a", "text": ""}]}`,
		"fixes": `{"code": "HDL2104", "ref": {"kind": "VirtualService", "name": "a"}}`,
		"merge": `{"base": "", "theirs": "", "mine": ""}`, "put-change": `{"entries": [{"ref": {"kind": "VirtualService", "name": "a"}}]}`,
		"apply": `{"manifests": [{"file": "a", "text": ""}]}`, "delete-objects": `{"objects": [{"kind": "VirtualService", "name": "a"}]}`,
		"undo-change": `{}`, "edit-object": `{"edits": [{"op": "delete", "path": "a"}]}`,
	}
	seen := 0
	for _, r := range routes {
		if !slices.Contains(expensive, r.id) {
			continue
		}
		seen++
		h := New(Options{Version: "test", Mesh: weighed{snap: snap}})
		h.turns = queue.New(queue.Limits{}) // nobody's turn ever comes
		w := httptest.NewRecorder()
		req := httptest.NewRequest(r.method, concrete(r.path), bytes.NewReader([]byte(bodies[r.id]))).
			WithContext(auth.With(t.Context(), auth.Session{User: "eva", Role: auth.OwnerRole}))
		req.Header.Set("Content-Type", "application/json")
		h.engine(h.consolePage).ServeHTTP(w, req)
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Code != "busy" {
			t.Errorf("%s: %d %s, want that it waits for its turn", r.id, w.Code, w.Body)
		}
	}
	if seen != len(expensive) {
		t.Errorf("%d of %d routes are there", seen, len(expensive))
	}
}
