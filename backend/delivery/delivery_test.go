package delivery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heddle-mesh/heddle/backend/delivery"
	"github.com/heddle-mesh/heddle/backend/preview"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/serve"
	"github.com/heddle-mesh/heddle/xds/serve/servetest"
	"github.com/heddle-mesh/heddle/xds/translate"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

var routes = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "reviews"}

func routesYAML(timeout string) string {
	return fmt.Sprintf(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}], timeout: %s}]}
`, timeout)
}

// world is a control plane over bookinfo, whose deliveries are followed.
type world struct {
	t       *testing.T
	head    *mesh.Head
	server  *serve.Server
	tracker *delivery.Tracker
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, head: &mesh.Head{}}
	server, err := serve.New(serve.Options{Planner: new(translate.Planner), Head: w.head})
	if err != nil {
		t.Fatal(err)
	}
	w.server = server
	w.tracker = delivery.New(func(before, after *mesh.Snapshot) []*preview.Effect {
		planner := new(translate.Planner)
		plan := func(s *mesh.Snapshot) func(xds.Proxy) *xds.Plan {
			return func(p xds.Proxy) *xds.Plan { plan, _ := planner.Plan(s, p); return plan }
		}
		effects, _, _, _ := preview.Effects(context.Background(), preview.Scene{
			Before: before, After: after, Proxies: server.Connected(), PlanBefore: plan(before), PlanAfter: plan(after), Make: server.Make,
		})
		return effects
	})
	server.Listen(w.tracker)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Run(ctx) })
	running.Go(func() { _ = w.tracker.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	w.head.Set(meshtest.Snapshot(t, meshtest.Bookinfo()+"---\n"+routesYAML("1s")))
	return w
}

// write makes another time-out the newest state.
func (w *world) write(id, timeout string) {
	w.t.Helper()
	text := routesYAML(timeout)
	w.tracker.Follow(delivery.Change{ID: id, At: time.Now(), Objects: []delivery.Written{{Ref: routes, Text: []byte(text)}}})
	w.head.Set(w.head.Get().With(meshtest.Object(w.t, text)))
}

// settled waits until all proxies have everything, those that came last too:
// what they have to say to a snapshot that says nothing new.
func (w *world) settled() {
	w.t.Helper()
	w.head.Set(w.head.Get().With())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.server.WaitTaken(ctx, w.head.Get()); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a state of a delivery, from news to news.
func (w *world) until(id, what string, holds func(delivery.Delivery) bool) delivery.Delivery {
	w.t.Helper()
	news, done := w.tracker.Watch(id)
	defer done()
	late := time.After(patience)
	for {
		d, _ := w.tracker.Get(id)
		if holds(d) {
			return d
		}
		select {
		case <-news:
		case <-late:
			w.t.Fatalf("%s: not so: %+v", what, d)
		}
	}
}

// picky rejects the next response with the host of reviews, once it is armed.
type picky struct {
	mu    sync.Mutex
	armed bool
}

const refusal = "Proto constraint validation failed (reviews)"

func (p *picky) arm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = true
}

func (p *picky) answer(r servetest.Response) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed && r.Type == xds.VirtualHostType && slices.Contains(r.Names, "9080/reviews.default.svc.cluster.local") {
		p.armed = false
		return refusal
	}
	return ""
}

func TestEveryProxyConcernedIsSeenToAcknowledge(t *testing.T) {
	w := newWorld(t)
	for _, pod := range []string{"productpage-v1-0", "reviews-v1-0", "istio-ingressgateway-0"} {
		servetest.Connect(t, w.server, pod, servetest.Take)
	}
	w.settled()
	w.write("1", "2s")
	d := w.until("1", "acknowledged", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 2 })
	// The gateway knows nothing of it.
	if d.Summary.Concerned != 2 || d.Summary.Pending+d.Summary.Rejected != 0 || d.Summary.Sent == nil || !d.Summary.Known {
		t.Errorf("summary: %+v", d.Summary)
	}
	for _, p := range d.Proxies {
		if p.State != delivery.Acknowledged || p.MS == nil || *p.MS <= 0 || *p.MS > 5000 || p.Workload == "" {
			t.Errorf("proxy: %+v", p)
		}
	}
	if _, known := w.tracker.Get("2"); known {
		t.Error("a change that nobody made is followed")
	}

	// What is told after the fact, as with files edited by hand, is found too.
	text := routesYAML("3s")
	w.head.Set(w.head.Get().With(meshtest.Object(t, text)))
	w.settled()
	w.tracker.Follow(delivery.Change{ID: "2", At: time.Now(), Objects: []delivery.Written{{Ref: routes, Text: []byte(text)}}})
	d = w.until("2", "found", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 2 })
	if d.Summary.Sent == nil {
		t.Errorf("summary: %+v", d.Summary)
	}

	// What was done before stays as it was.
	if d, _ := w.tracker.Get("1"); d.Summary.Acknowledged != 2 {
		t.Errorf("the change before: %+v", d.Summary)
	}
}

// The mesh may hold a change before somebody tells of it: the one before it says
// nothing of who has what is in force.
func TestAChangeBeforeIsNotTheOneInForce(t *testing.T) {
	w := newWorld(t)
	w.settled() // what there was before the change is known
	w.write("1", "2s")
	w.until("1", "found", func(d delivery.Delivery) bool { return d.Summary.Known })
	if d, _, ok := w.tracker.LatestOf(routes, []byte(routesYAML("2s"))); !ok || !d.Summary.Known {
		t.Errorf("the change in force: %+v %v", d, ok)
	}
	text := routesYAML("3s")
	if d, before, ok := w.tracker.LatestOf(routes, []byte(text)); !ok || d.Summary.Known || before == nil {
		t.Errorf("a change that is not published yet: %+v %v", d, ok)
	}
	w.head.Set(w.head.Get().With(meshtest.Object(t, text)))
	w.settled()
	d, before, ok := w.tracker.LatestOf(routes, []byte(text))
	if !ok || d.Summary.Known || d.Summary.Acknowledged > 0 {
		t.Errorf("a change that nobody told of yet: %+v %v", d, ok)
	}
	if before == nil {
		t.Error("nothing is known of what proxies go by meanwhile")
	} else if o, _ := before.Get(routes); o == nil || !strings.Contains(string(o.Text), "timeout: 2s") {
		t.Errorf("proxies go by %+v meanwhile", o)
	}
	w.tracker.Follow(delivery.Change{ID: "2", At: time.Now(), Objects: []delivery.Written{{Ref: routes, Text: []byte(text)}}})
	w.until("2", "found", func(d delivery.Delivery) bool { return d.Summary.Known })
	if d, _, ok := w.tracker.LatestOf(routes, []byte(text)); !ok || !d.Summary.Known {
		t.Errorf("once it is told: %+v %v", d, ok)
	}
}

// The same of the first change of an object, as of one that is made.
func TestTheFirstChangeOfAnObjectIsInForceBeforeItIsTold(t *testing.T) {
	w := newWorld(t)
	w.settled()
	made := strings.Replace(routesYAML("2s"), "name: reviews", "name: made", 1)
	ref := routes
	ref.Name = "made"
	if _, _, ok := w.tracker.LatestOf(routes, []byte(routesYAML("1s"))); ok {
		t.Error("what was there at first is a change")
	}
	w.head.Set(w.head.Get().With(meshtest.Object(t, made)))
	w.settled()
	d, before, ok := w.tracker.LatestOf(ref, []byte(made))
	if !ok || d.Summary.Known || d.Summary.Written.IsZero() || before == nil {
		t.Fatalf("%+v %v", d, ok)
	}
	if _, there := before.Get(ref); there {
		t.Error("it was there before it was made")
	}
}

func TestRejectionIsToldInEnvoysWords(t *testing.T) {
	w := newWorld(t)
	var one picky
	servetest.Connect(t, w.server, "productpage-v1-0", one.answer)
	servetest.Connect(t, w.server, "reviews-v1-0", servetest.Take)
	w.settled()
	one.arm()
	w.write("1", "2s")
	d := w.until("1", "one has it and one refused", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 1 && d.Summary.Rejected == 1 })
	w.settled() // it has the last good one again, which changes nothing
	d, _ = w.tracker.Get("1")
	p := d.Proxies[0]
	if p.ID != "productpage-v1-0.default" || p.State != delivery.Rejected || p.OwnFault == nil || !*p.OwnFault || p.MS == nil {
		t.Errorf("proxy: %+v", p)
	}
	if p.Error != refusal || p.Resource != "9080/reviews.default.svc.cluster.local" || len(p.Refs) == 0 || p.Refs[0] != routes {
		t.Errorf("rejection: %+v", p)
	}
	if !w.server.Connected()[0].Refusing {
		t.Error("the proxy does not count as one that refuses")
	}

	// A later change mends it; the one before stays rejected.
	w.write("2", "3s")
	w.until("2", "mended", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 2 })
}

func TestAProxyThatHangsIsPendingAndOneThatIsGoneIsDropped(t *testing.T) {
	w := newWorld(t)
	hang := make(chan struct{})
	var mu sync.Mutex
	armed := false
	slow := func(servetest.Response) string {
		mu.Lock()
		wait := armed
		mu.Unlock()
		if wait {
			<-hang
		}
		return ""
	}
	disconnect := servetest.Connect(t, w.server, "productpage-v1-0", slow)
	servetest.Connect(t, w.server, "reviews-v1-0", servetest.Take)
	w.settled()
	mu.Lock()
	armed = true
	mu.Unlock()
	w.write("1", "2s")
	d := w.until("1", "one hangs", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 1 && d.Summary.Pending == 1 })
	if d.Proxies[0].State != delivery.Pending || d.Proxies[0].MS != nil {
		t.Errorf("proxy: %+v", d.Proxies[0])
	}
	close(hang)
	disconnect()
	w.head.Set(w.head.Get().Without(mesh.Ref{Kind: mesh.KindPod, Namespace: "default", Name: "productpage-v1-0"}))
	w.until("1", "nobody waits for a pod that is gone", func(d delivery.Delivery) bool { return d.Summary.Pending == 0 && d.Summary.Concerned <= 2 })
}

// A rejection of something else does not blame the change, and ends with the
// acknowledgement.
func TestOthersAreNotBlamed(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo()+"---\n"+routesYAML("1s"))
	after := snap.With(meshtest.Object(t, routesYAML("2s")))
	w, _ := snap.Workloads.Get("reviews-v1-0")
	one := serve.Connected{Proxy: xds.Proxy{UID: w.UID, ID: "reviews-v1-0.default", Workload: w, Namespace: "default"}}
	worked := make(chan struct{}, 1)
	tracker := delivery.New(func(*mesh.Snapshot, *mesh.Snapshot) []*preview.Effect {
		worked <- struct{}{}
		return []*preview.Effect{{Proxies: []serve.Connected{one}, Resources: []preview.Resource{{Type: xds.VirtualHostType, Name: "9080/reviews"}}}}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = tracker.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	at := time.Now()
	o, _ := after.Get(routes)
	tracker.Follow(delivery.Change{ID: "1", At: at, Objects: []delivery.Written{{Ref: routes, Text: o.Text}}})
	tracker.Published(serve.Published{Seq: 1, Snapshot: snap, At: at})
	tracker.Published(serve.Published{Seq: 2, Before: snap, Snapshot: after, At: at.Add(time.Millisecond)})
	<-worked
	hear := func(ms int, what serve.Happening, refusals ...serve.Refusal) {
		tracker.Heard(serve.Word{UID: w.UID, Seq: 2, At: at.Add(time.Duration(ms) * time.Millisecond), What: what, Refusals: refusals})
	}
	hear(5, serve.SentSome)
	hear(8, serve.Refused, serve.Refusal{Type: xds.ListenerType, Name: "other", Words: "no"})
	world := &world{t: t, tracker: tracker}
	d := world.until("1", "rejected", func(d delivery.Delivery) bool { return d.Summary.Rejected == 1 })
	if p := d.Proxies[0]; *p.OwnFault || p.Error != "no" || *p.MS != 8 {
		t.Errorf("proxy: %+v", p)
	}
	hear(20, serve.Settled, serve.Refusal{Type: xds.ListenerType, Name: "other", Words: "no"})
	d = world.until("1", "acknowledged", func(d delivery.Delivery) bool { return d.Summary.Acknowledged == 1 })
	if p := d.Proxies[0]; p.OwnFault != nil || p.Error != "" || *p.MS != 20 || !d.Summary.Sent.Equal(at.Add(5*time.Millisecond)) {
		t.Errorf("proxy: %+v %+v", p, d.Summary)
	}
	// Content that others rejected before is not sent at all: that is no
	// acknowledgement either.
	tracker.Follow(delivery.Change{ID: "2", At: at, Objects: []delivery.Written{{Ref: routes, Text: o.Text}}})
	<-worked
	d = world.until("2", "known", func(d delivery.Delivery) bool { return d.Summary.Known })
	if d.Summary.Acknowledged != 1 {
		t.Errorf("what was heard before: %+v", d.Summary)
	}
}

func TestContentKeptBackIsNoAcknowledgement(t *testing.T) {
	w := newWorld(t)
	servetest.Connect(t, w.server, "reviews-v1-0", servetest.Take)
	var one, two picky
	servetest.Connect(t, w.server, "productpage-v1-0", one.answer)
	servetest.Connect(t, w.server, "ratings-v1-0", two.answer)
	w.settled()
	one.arm()
	two.arm()
	// Two workloads refuse it; the third may have taken it by then, or is not
	// sent it any more.
	refused := func(d delivery.Delivery) bool { return d.Summary.Rejected >= 2 && d.Summary.Pending == 0 }
	w.write("1", "2s")
	w.until("1", "two refuse", refused)
	// The same content once more is not sent to those who refused it.
	w.write("2", "1s")
	w.until("2", "back", func(d delivery.Delivery) bool { return d.Summary.Pending == 0 && d.Summary.Known })
	w.write("3", "2s")
	d := w.until("3", "kept back", refused)
	if d.Proxies[0].Error != refusal || !*d.Proxies[0].OwnFault {
		t.Errorf("proxy: %+v", d.Proxies[0])
	}
}
