package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/live"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source/local"
)

// socket is a page's live socket: it keeps a copy of each topic.
type socket struct {
	c      *control
	conn   *websocket.Conn
	states map[string]*copied // by subscription
	events []live.Event
	cursor live.News // the last one
}

// copied is what a page knows of one topic.
type copied struct {
	epoch    string
	seq      uint64
	elements map[string]json.RawMessage
}

// dial opens a live socket and subscribes to topics, under their own names.
func (c *control) dial(topics ...string) *socket {
	c.t.Helper()
	dialer := websocket.Dialer{EnableCompression: true, NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", c.path("run", "heddle.sock"))
	}}
	conn, _, err := dialer.Dial("ws://heddle/api/v1/live", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	s := &socket{c: c, conn: conn, states: map[string]*copied{}}
	for _, topic := range topics {
		s.subscribe(topic, nil)
	}
	return s
}

func (s *socket) subscribe(topic string, params live.Params) {
	s.c.t.Helper()
	if err := s.conn.WriteJSON(live.Request{Subscribe: &live.Subscribe{ID: topic, Topic: topic, Params: params}}); err != nil {
		s.c.t.Fatal(err)
	}
}

// read takes one message.
func (s *socket) read() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	_, data, err := s.conn.ReadMessage()
	if err != nil {
		return err
	}
	var m struct {
		live.Patch
		Events []live.Event
		Resync bool
		Error  *live.Problem
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	switch {
	case m.Error != nil:
		return fmt.Errorf("%s: %s: %s", m.ID, m.Error.Code, m.Error.Detail)
	case m.ID == "events":
		s.events = append(s.events, m.Events...)
		s.cursor = live.News{Epoch: m.Epoch, Seq: m.Seq, Resync: m.Resync}
		return nil
	case m.Whole:
		s.states[m.ID] = &copied{epoch: m.Epoch, elements: map[string]json.RawMessage{}}
	}
	t := s.states[m.ID]
	if t == nil || t.epoch != m.Epoch || m.Seq <= t.seq {
		return fmt.Errorf("a patch that fits nothing: %.200s", data)
	}
	t.seq = m.Seq
	for _, id := range m.Del {
		delete(t.elements, id)
	}
	maps.Copy(t.elements, m.Put)
	return nil
}

// until reads until a condition holds.
func (s *socket) until(what string, holds func() bool) {
	s.c.t.Helper()
	for limit := time.Now().Add(deadline); !holds(); {
		err := s.read()
		if err == nil && time.Now().After(limit) {
			err = fmt.Errorf("not in %s: %s", deadline, s)
		}
		if err != nil {
			s.c.t.Fatalf("%s: %v", what, err)
		}
	}
}

// String is what the page knows, for tests that fail.
func (s *socket) String() string {
	text := ""
	for topic, t := range s.states {
		data, _ := json.Marshal(t.elements)
		text += fmt.Sprintf("\n%s %d: %.2000s", topic, t.seq, data)
	}
	return text
}

// element decodes one element; false where it is not there.
func element[T any](s *socket, topic, id string) (T, bool) {
	s.c.t.Helper()
	var out T
	t := s.states[topic]
	if t == nil || t.elements[id] == nil {
		return out, false
	}
	if err := json.Unmarshal(t.elements[id], &out); err != nil {
		s.c.t.Fatal(err)
	}
	return out, true
}

// What is written shows on a page that was open before, and on one that lost its
// server and came back.
func TestAPageSeesTheMeshMove(t *testing.T) {
	c := newControl(t)
	if err := os.MkdirAll(c.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(c.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 1)
	c.start()
	c.until("it is ready", func() error { _, err := c.get("/readyz"); return err })
	page := c.dial("graph", "findings", "proxies", "objects", "parts", "events")
	page.until("the pod is in the graph", func() bool {
		_, ok := element[map[string]any](page, "graph", "meta")
		return ok && len(page.states["graph"].elements) > 1
	})
	page.until("all parts are well", func() bool {
		for _, id := range []string{"controlPlane", "cluster", "config", "prometheus", "traces"} {
			if p, ok := element[api.LivePart](page, "parts", id); !ok || p.State != "ok" {
				return false
			}
		}
		return page.states["proxies"] != nil
	})

	// A route to nobody is an object, a finding, and an event.
	vs := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}
	c.write("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec: {hosts: [nobody], http: [{route: [{destination: {host: nobody}}]}]}\n")
	page.until("the object is there with its finding", func() bool {
		o, ok := element[api.LiveObject](page, "objects", vs.ID())
		return ok && o.Findings.Error > 0 && o.State == "error" && o.ETag != "" && fmt.Sprint(o.Hosts) == "[nobody]" && o.Changed != nil
	})
	page.until("the finding has a message and a place", func() bool {
		for id := range page.states["findings"].elements {
			f, _ := element[mesh.Finding](page, "findings", id)
			if f.Ref == vs && strings.HasPrefix(id, f.Code+" "+vs.ID()+" ") && f.Message != "" && strings.HasSuffix(f.File, ".yaml") && f.Line > 0 {
				return true
			}
		}
		return false
	})
	// What is wrong is something else then; that findings come or go is an event.
	c.write("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews}\nspec: {hosts: [a.example], gateways: [none], http: [{directResponse: {status: 200}}]}\n")
	page.until("a finding is an event", func() bool {
		for _, e := range page.events {
			var f api.LiveFinding
			if err := json.Unmarshal(e.Params, &f); err == nil && e.Type == "finding" && f.Finding.Ref == vs {
				return true
			}
		}
		return false
	})

	// The server goes; the page is told so, connects again and asks anew.
	ended := make(chan error, 1)
	go func() {
		for {
			if err := page.read(); err != nil {
				ended <- err
				return
			}
		}
	}()
	c.stop()
	var closed *websocket.CloseError
	if err := <-ended; !errors.As(err, &closed) || closed.Code != websocket.CloseServiceRestart {
		t.Errorf("the page was told: %v", err)
	}
	c.start()
	defer c.stop()
	again := c.dial("objects", "graph")
	again.subscribe("events", live.Params{"after": fmt.Sprint(page.cursor.Seq), "epoch": page.cursor.Epoch})
	again.until("it is told that it missed events", func() bool { return again.cursor.Resync })
	again.until("everything is there again", func() bool {
		o, ok := element[api.LiveObject](again, "objects", vs.ID())
		return ok && fmt.Sprint(o.Hosts) == "[a.example]" && again.states["graph"] != nil
	})
	if again.states["objects"].epoch == page.states["objects"].epoch {
		t.Error("two runs of the server have one epoch")
	}

	// When the cluster goes, its part says since when; what it said stands.
	again.subscribe("parts", nil)
	again.until("the cluster is well", func() bool {
		p, ok := element[api.LivePart](again, "parts", "cluster")
		return ok && p.State == "ok"
	})
	before := time.Now()
	cluster.Close()
	again.until("the cluster is stale", func() bool {
		p, ok := element[api.LivePart](again, "parts", "cluster")
		return ok && p.State == "stale" && p.Code == "sourceAway" && !p.Since.Before(before.Add(-time.Second))
	})
	if len(again.states["graph"].elements) < 2 {
		t.Error("the graph is empty without its cluster")
	}
}

// write puts one object into the store, whatever is said against it.
func (c *control) write(manifest string) {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"manifests": []map[string]string{{"file": "a.yaml", "text": manifest}}, "force": true})
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.http.Post("http://heddle/api/v1/config", "application/json", strings.NewReader(string(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("write: %s", resp.Status)
	}
}

// With Prometheus gone the page says so and since when, and has the rest: also what
// there is in the mesh, whose figures nobody ever saw.
func TestAPageWithoutPrometheus(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	c := newControl(t)
	c.settings.Metrics.PrometheusURL = "http://" + gone.Addr().String()
	if err := os.MkdirAll(c.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(c.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 1)
	c.start()
	defer c.stop()
	page := c.dial("parts", "findings")
	page.subscribe("graph", live.Params{"mode": "workload", "window": "5m"})
	page.until("the part is away", func() bool {
		p, ok := element[api.LivePart](page, "parts", "prometheus")
		return ok && p.State == "away" && p.Code == "unreachable" && p.Detail != "" && !p.Since.IsZero()
	})
	page.until("the graph is stale", func() bool {
		m, ok := element[api.GraphMeta](page, "graph", "meta")
		return ok && m.StaleSince != nil && m.Problem != ""
	})
	page.until("the mesh is shown", func() bool {
		return len(page.states["graph"].elements) > 1
	})
	page.until("findings are told", func() bool { return page.states["findings"] != nil })
}

// A second control plane on one cluster says on its page who has it, and has it
// as soon as that one ends.
func TestASecondControlPlaneWaits(t *testing.T) {
	first := newControl(t)
	if err := os.MkdirAll(first.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	cluster, err := local.Listen(first.path("run", "cluster.sock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	publish(t, cluster, 1)
	first.start()
	first.until("it is ready", func() error { _, err := first.get("/readyz"); return err })
	second := newControl(t)
	second.settings.Cluster = first.path("run", "cluster.sock")
	second.start()
	defer second.stop()
	page := second.dial("parts")
	page.until("the cluster is taken", func() bool {
		cluster, ok := element[api.LivePart](page, "parts", "cluster")
		process := cluster.Params["process"]
		return ok && cluster.State == "away" && cluster.Code == "clusterTaken" && process == fmt.Sprint(os.Getpid()) && strings.Contains(cluster.Detail, "end it")
	})
	if _, err := second.get("/readyz"); err == nil || !strings.Contains(err.Error(), "has a control plane already") {
		t.Errorf("it is ready: %v", err)
	}
	if _, err := first.get("/readyz"); err != nil {
		t.Errorf("the first: %v", err)
	}
	first.stop()
	page.until("the cluster is well", func() bool {
		cluster, ok := element[api.LivePart](page, "parts", "cluster")
		return ok && cluster.State == "ok" && cluster.Code == ""
	})
	second.until("it is ready", func() error { _, err := second.get("/readyz"); return err })
}
