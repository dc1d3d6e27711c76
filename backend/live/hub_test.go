package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// deadline bounds what would otherwise wait for ever.
const deadline = 30 * time.Second

// source is a topic whose states a test gives.
type source struct {
	mu      sync.Mutex
	feeds   map[string]func(Whole) // by the parameter p
	started atomic.Int64
	ended   chan string
	fails   error
}

func newSource() *source {
	return &source{feeds: map[string]func(Whole){}, ended: make(chan string, 1000)}
}

func (s *source) topic() Topic {
	return Topic{Name: "graph", Params: []Param{{Name: "p", Default: "1"}}, Run: func(ctx context.Context, p Params, publish func(Whole)) error {
		s.started.Add(1)
		if s.fails != nil {
			return s.fails
		}
		if p["p"] == "panic" {
			panic("a bug")
		}
		s.mu.Lock()
		s.feeds[p["p"]] = publish
		s.mu.Unlock()
		publish(Whole{"start": p["p"]})
		<-ctx.Done()
		s.ended <- p["p"]
		return ctx.Err()
	}}
}

func (s *source) publish(p string, w Whole) {
	s.mu.Lock()
	publish := s.feeds[p]
	s.mu.Unlock()
	publish(w)
}

// served is a hub behind a server.
type served struct {
	*Hub
	t      testing.TB
	url    string
	caller atomic.Pointer[Caller]
}

func serve(t testing.TB, o Options) *served {
	s := &served{Hub: New(o), t: t}
	s.caller.Store(&Caller{Key: "somebody"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Serve(w, r, *s.caller.Load()) }))
	s.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return s
}

// eventually waits for a condition on the hub.
func (s *served) eventually(what string, holds func() bool) {
	s.t.Helper()
	limit := time.After(deadline)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s.mu.Lock()
		ok := holds()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("never: %s", what)
		}
	}
}

// client reads one socket.
type client struct {
	t testing.TB
	*websocket.Conn
	mirror
}

func (s *served) dial() *client {
	s.t.Helper()
	dialer := websocket.Dialer{EnableCompression: true, HandshakeTimeout: deadline}
	conn, _, err := dialer.Dial(s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		s.t.Fatal(err)
	}
	return &client{t: s.t, Conn: conn}
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) subscribe(id, topic string, params map[string]any) {
	c.t.Helper()
	data, err := json.Marshal(map[string]any{"subscribe": map[string]any{"id": id, "topic": topic, "params": params}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.say(string(data))
}

func (c *client) hear() string {
	c.t.Helper()
	_, data, err := c.ReadMessage()
	if err != nil {
		c.t.Fatalf("nothing comes: %v", err)
	}
	return string(data)
}

// until applies patches until the mirror shows want.
func (c *client) until(want Whole) {
	c.t.Helper()
	for !maps.Equal(c.elems, values(want)) {
		if err := c.apply([]byte(c.hear())); err != nil {
			c.t.Fatal(err)
		}
	}
}

// closed reads to the end, and gives the code with which the server closed.
func (c *client) closed() int {
	c.t.Helper()
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			var e *websocket.CloseError
			if errors.As(err, &e) {
				return e.Code
			}
			c.t.Fatalf("the connection broke: %v", err)
		}
	}
}

// However many sockets read a topic with the same parameters, it is computed
// once; with none of them, not at all.
func TestOneComputationForManySockets(t *testing.T) {
	const sockets = 200
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}, Limits: Limits{SocketsPerCaller: sockets}})
	if src.started.Load() != 0 {
		t.Fatal("computed for nobody")
	}
	clients := make([]*client, sockets)
	for i := range clients {
		clients[i] = s.dial()
		clients[i].subscribe("g", "graph", map[string]any{"p": 1 + i%2})
	}
	for i, c := range clients {
		c.until(Whole{"start": fmt.Sprint(1 + i%2)})
	}
	if n := src.started.Load(); n != 2 {
		t.Errorf("%d computations for two sets of parameters", n)
	}
	for n := range 5 {
		src.publish("1", Whole{"n": n})
		for i := 0; i < sockets; i += 2 {
			clients[i].until(Whole{"n": n})
		}
	}
	for i, c := range clients {
		if i%4 == 0 {
			c.Close()
		} else {
			c.say(`{"unsubscribe":{"id":"g"}}`)
		}
	}
	ended := map[string]bool{<-src.ended: true, <-src.ended: true}
	if !maps.Equal(ended, map[string]bool{"1": true, "2": true}) || src.started.Load() != 2 {
		t.Errorf("ended %v, started %d", ended, src.started.Load())
	}
	// The next reader begins anew, in another epoch.
	before := clients[1].epoch
	clients[1].subscribe("g", "graph", map[string]any{"p": "2"})
	clients[1].seq = 0
	clients[1].elems = nil
	clients[1].until(Whole{"start": "2"})
	if clients[1].epoch == before || src.started.Load() != 3 {
		t.Errorf("epoch %s after %s, %d computations", clients[1].epoch, before, src.started.Load())
	}
}

// A reader that takes nothing keeps neither the computing nor other readers
// waiting, gets what is true when it reads again, and is given up at some time.
func TestABlockedReaderDisturbsNobody(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}, Limits: Limits{Stall: 300 * time.Millisecond}})
	quick, blocked := s.dial(), s.dial()
	if err := blocked.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{quick, blocked} {
		c.subscribe("g", "graph", nil)
	}
	quick.until(Whole{"start": "1"})
	blocked.until(Whole{"start": "1"})
	random := rand.New(rand.NewPCG(1, 2))
	given := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sockets == 1
	}
	for n := 0; !given(); n++ {
		noise := make([]byte, 1<<20) // what cannot be compressed fills the buffers between the two
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		state := Whole{"n": n, "noise": noise}
		src.publish("1", state)
		quick.until(state)
	}
	if src.started.Load() != 1 {
		t.Errorf("%d computations", src.started.Load())
	}
}

// Readers of every speed end with the same as who comes fresh.
func TestSlowReadersEndWithTheWhole(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	clients := make([]*client, 6)
	for i := range clients {
		clients[i] = s.dial()
		clients[i].subscribe("g", "graph", nil)
		clients[i].until(Whole{"start": "1"})
	}
	random := rand.New(rand.NewPCG(3, 4))
	now := Whole{}
	for step := range 400 {
		now = maps.Clone(now)
		for range random.IntN(5) {
			id := fmt.Sprint("n:", random.IntN(30))
			if random.IntN(3) == 0 {
				delete(now, id)
			} else {
				now[id] = random.IntN(5)
			}
		}
		src.publish("1", now)
		for i, c := range clients {
			if step > 0 && step%(40*i+1) == 0 {
				if diff := c.readTo(src, now, step); diff != "" {
					t.Fatalf("reader %d after %d steps:\n%s", i, step, diff)
				}
			}
		}
	}
	now = Whole{"end": 1}
	src.publish("1", now)
	fresh := s.dial()
	fresh.subscribe("g", "graph", nil)
	for _, c := range append(clients, fresh) {
		c.until(now)
	}
}

// readTo applies messages until the mark of a step is seen, and compares.
func (c *client) readTo(src *source, now Whole, step int) string {
	c.t.Helper()
	marked := maps.Clone(now)
	marked["mark"] = step
	src.publish("1", marked)
	for c.elems["mark"] != fmt.Sprint(step) {
		if err := c.apply([]byte(c.hear())); err != nil {
			c.t.Fatal(err)
		}
	}
	return cmp.Diff(values(marked), c.elems)
}

func TestRefusals(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic(), {Name: "audit", Run: src.topic().Run}, {Name: "parts", Run: src.topic().Run}}, Limits: Limits{Subscriptions: 2, Feeds: 2}})
	s.caller.Store(&Caller{Key: "somebody", May: func(topic string) bool { return topic != "audit" }})
	c := s.dial()
	refused := func(id, code, detail string) {
		t.Helper()
		var r Failure
		if err := json.Unmarshal([]byte(c.hear()), &r); err != nil || r.ID != id || r.Error.Code != code || !strings.Contains(r.Error.Detail, detail) {
			t.Errorf("%+v, %v; want %s of %s about %q", r, err, code, id, detail)
		}
	}
	c.subscribe("a", "gruph", nil)
	refused("a", unknownTopic, `"gruph"`)
	c.subscribe("a", "audit", nil)
	refused("a", forbidden, "role")
	c.subscribe("a", "graph", map[string]any{"q": 1})
	refused("a", badParameter, `"q"`)
	c.subscribe("a", "graph", nil)
	c.until(Whole{"start": "1"})
	c.subscribe("a", "graph", nil)
	refused("a", idInUse, "unsubscribe")
	c.subscribe("b", "graph", nil)
	c.hear()
	c.subscribe("c", "graph", nil)
	refused("c", tooMany, "subscriptions")
	c.say(`{"unsubscribe":{"id":"nobody"}}`)
	c.say(`{"unsubscribe":{"id":"b"}}`)
	c.subscribe("b", "graph", map[string]any{"p": 2})
	c.hear()
	c.say(`{"unsubscribe":{"id":"a"}}`)
	<-src.ended
	d := s.dial()
	d.subscribe("x", "graph", map[string]any{"p": 3})
	d.hear()
	c.subscribe("a", "graph", map[string]any{"p": 4})
	refused("a", tooMany, "topics")
	// What there is only one of, nobody can use up.
	c.subscribe("a", "parts", nil)
	c.until(Whole{"start": "1"})
}

// A topic that fails, or has a bug, costs its own readers that subscription.
func TestFailedTopics(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	c := s.dial()
	hears := func(want string) {
		t.Helper()
		if got := c.hear(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	c.subscribe("a", "graph", map[string]any{"p": "panic"})
	hears(`{"id":"a","error":{"code":"failed","detail":"an internal error; the control plane's log says more"}}`)
	src.fails = errors.New("there is no change 7")
	for range 2 { // the id is free, and the topic is tried again
		c.subscribe("a", "graph", nil)
		hears(`{"id":"a","error":{"code":"failed","detail":"there is no change 7"}}`)
	}
	src.fails = nil
	c.subscribe("a", "graph", nil)
	c.until(Whole{"start": "1"})
	if len(s.feeds) != 1 {
		t.Errorf("feeds: %v", s.feeds)
	}
}

func TestNonsenseCloses(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	for name, test := range map[string]func(*client) error{
		"no JSON": func(c *client) error { return c.WriteMessage(websocket.TextMessage, []byte("hello")) },
		"nothing": func(c *client) error { return c.WriteMessage(websocket.TextMessage, []byte("{}")) },
		"unknown field": func(c *client) error {
			return c.WriteMessage(websocket.TextMessage, []byte(`{"subscribe":{"id":"a","topic":"graph","x":1}}`))
		},
		"binary": func(c *client) error {
			return c.WriteMessage(websocket.BinaryMessage, []byte(`{"unsubscribe":{"id":"a"}}`))
		},
		"no id": func(c *client) error {
			return c.WriteMessage(websocket.TextMessage, []byte(`{"unsubscribe":{"id":""}}`))
		},
		"a small bomb": func(c *client) error {
			return c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat(" ", 8<<20)))
		},
		"no UTF-8": func(c *client) error {
			return c.WriteMessage(websocket.TextMessage, []byte("{\"unsubscribe\":{\"id\":\"\xff\"}}"))
		},
		"subscribes much": func(c *client) error {
			return c.WriteMessage(websocket.TextMessage, []byte(`{"unsubscribe":{"id":"a"}}{}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial()
			c.t = t
			c.subscribe("g", "graph", nil)
			if err := test(c); err != nil {
				t.Fatal(err)
			}
			if code := c.closed(); code != CloseNonsense {
				t.Errorf("closed with %d", code)
			}
		})
	}
}

// A session that ends takes its sockets with it, those of others stay; also one
// whose client takes nothing.
func TestSessionEnds(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	ended := make(chan struct{})
	s.caller.Store(&Caller{Key: "leaves", Ended: ended})
	leaves := s.dial()
	leaves.subscribe("g", "graph", nil)
	leaves.until(Whole{"start": "1"})
	s.caller.Store(&Caller{Key: "stays"})
	stays := s.dial()
	stays.subscribe("g", "graph", nil)
	stays.until(Whole{"start": "1"})
	close(ended)
	if code := leaves.closed(); code != CloseEnded {
		t.Errorf("closed with %d", code)
	}
	src.publish("1", Whole{"n": 1})
	stays.until(Whole{"n": 1})
}

func TestSocketsAreCounted(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}, Limits: Limits{Sockets: 3, SocketsPerCaller: 2}})
	opened := func() bool {
		c := s.dial()
		c.subscribe("g", "graph", nil)
		_, data, err := c.ReadMessage()
		if err == nil {
			return strings.Contains(string(data), `"whole"`)
		}
		var e *websocket.CloseError
		if !errors.As(err, &e) || e.Code != CloseTooMany {
			t.Errorf("closed with %v", err)
		}
		return false
	}
	if got := []bool{opened(), opened(), opened()}; fmt.Sprint(got) != "[true true false]" {
		t.Errorf("of one caller: %v", got)
	}
	s.eventually("the refused one is gone", func() bool { return s.sockets == 2 })
	s.caller.Store(&Caller{Key: "another"})
	if got := []bool{opened(), opened()}; fmt.Sprint(got) != "[true false]" {
		t.Errorf("of all: %v", got)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	c := s.dial()
	c.subscribe("g", "graph", nil)
	c.until(Whole{"start": "1"})
	var code int
	var reading sync.WaitGroup
	reading.Go(func() { code = c.closed() })
	s.Close()
	reading.Wait()
	if code != websocket.CloseServiceRestart {
		t.Errorf("closed with %d", code)
	}
	if got := <-src.ended; got != "1" {
		t.Error(got)
	}
	dialer := websocket.Dialer{}
	if _, resp, err := dialer.Dial(s.url, nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the end: %v, %v", resp, err)
	}
}

func TestOrigins(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}})
	host := strings.TrimPrefix(s.url, "ws://")
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"http://" + host: true, "https://" + host: false, "http://localhost:" + port: false, "http://127.0.0.1": false,
		"http://127.0.0.1:1": false, "null": false, "http://evil.example": false, "": false, "http://" + host + ".evil.example": false,
	} {
		conn, _, err := websocket.DefaultDialer.Dial(s.url, http.Header{"Origin": {origin}})
		if (err == nil) != want {
			t.Errorf("origin %q: %v", origin, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	secure := httptest.NewRequest(http.MethodGet, "https://mesh.example:8443/api/v1/live", nil)
	for _, test := range []struct {
		origin, own string
		want        bool
	}{
		{"https://mesh.example:8443", "", true},
		{"http://mesh.example:8443", "", false},
		{"https://mesh.example", "", false},
		{"https://outside.example", "https://outside.example", true}, // through a proxy
		{"https://mesh.example:8443", "https://outside.example", false},
	} {
		secure.Header.Set("Origin", test.origin)
		if sameOrigin(secure, test.own) != test.want {
			t.Errorf("origin %q of %q with TLS: %v", test.origin, test.own, !test.want)
		}
	}
	secure.Header["Origin"] = []string{"https://mesh.example:8443", "https://mesh.example:8443"}
	if sameOrigin(secure, "") {
		t.Error("two origins are one too many")
	}
}

// A silent reader is asked whether it is there, and let go when it does not say.
func TestSilentReadersAreLetGo(t *testing.T) {
	src := newSource()
	s := serve(t, Options{Topics: []Topic{src.topic()}, Limits: Limits{Ping: 50 * time.Millisecond}})
	there, away := s.dial(), s.dial()
	pings := make(chan struct{}, 100)
	handle := there.PingHandler()
	there.SetPingHandler(func(text string) error {
		select {
		case pings <- struct{}{}:
		default:
		}
		return handle(text)
	})
	away.SetPingHandler(func(string) error { return nil })
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if _, _, err := there.ReadMessage(); err != nil {
				return
			}
		}
	})
	if _, _, err := away.ReadMessage(); err == nil {
		t.Error("who does not answer is kept")
	}
	for range 3 {
		select {
		case <-pings:
		case <-time.After(deadline):
			t.Fatal("no pings")
		}
	}
	s.eventually("one socket is left", func() bool { return s.sockets == 1 })
	there.Close()
	reading.Wait()
}
