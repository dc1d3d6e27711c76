package serve

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/heddle-mesh/heddle/xds"
)

// notes writes down what it is told.
type notes struct {
	mu   sync.Mutex
	seqs map[string]uint64 // of revisions
	all  []Word
}

func (n *notes) Published(p Published) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seqs[p.Snapshot.Revision.String()] = p.Seq
}

func (n *notes) Heard(w Word) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, w)
}

// of lists what a proxy had to do with a snapshot.
func (n *notes) of(uid, revision string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for _, w := range n.all {
		if w.UID != uid || w.Seq != n.seqs[revision] {
			continue
		}
		text := map[Happening]string{SentSome: "sent", Refused: "refused", Settled: "settled"}[w.What]
		for _, r := range w.Refusals {
			text += fmt.Sprintf(" %s %q %v", r.Name, r.Words, r.From)
		}
		list = append(list, text)
	}
	return list
}

func TestListenersHearHowAChangeIsDelivered(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	n := &notes{seqs: map[string]uint64{}}
	w.server.Listen(n)
	w.object(shopRules, "good")
	first := w.set(shop()...)
	one := w.connect("pod-1")
	start(one)
	w.settled(first)
	one.silent()

	// What concerns nobody is settled without a word to the proxy.
	quiet := w.set(shop()...)
	w.settled(quiet)
	eventually(t, "it is said to be settled", func() bool { return slices.Equal(n.of("pod-1", quiet.String()), []string{"settled"}) })

	good := w.set(with(shop(), part(virtualHost("80/shop", "better", "outbound|80||shop"), shopRules))...)
	one.take(xds.VirtualHostType)
	w.settled(good)
	eventually(t, "sent and settled", func() bool { return slices.Equal(n.of("pod-1", good.String()), []string{"sent", "settled"}) })

	w.object(shopRules, "bad")
	bad := w.set(with(shop(), part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules))...)
	one.nack(one.expect(xds.VirtualHostType), "no such thing")
	one.take(xds.VirtualHostType) // the last good one again
	w.settled(bad)
	refusal := ` 80/shop "no such thing" [VirtualService default/shop]`
	want := []string{"sent", "refused" + refusal, "settled" + refusal}
	eventually(t, "the refusal is told, and what is kept back in the end", func() bool { return slices.Equal(n.of("pod-1", bad.String()), want) })
	if c := w.server.Connected(); len(c) != 1 || !c[0].Refusing || c[0].ID != "pod-1.default" {
		t.Errorf("connected: %+v", c)
	}

	// A second proxy of the workload is not even sent it, and that is told too.
	two := w.connect("pod-2")
	start(two)
	eventually(t, "what is kept back from the others", func() bool {
		list := n.of("pod-2", bad.String())
		return len(list) > 0 && list[len(list)-1] == "settled"+refusal
	})

	mended := w.set(with(shop(), part(virtualHost("80/shop", "mended", "outbound|80||shop"), shopRules))...)
	one.take(xds.VirtualHostType)
	two.take(xds.VirtualHostType)
	w.settled(mended)
	eventually(t, "mended", func() bool { return slices.Equal(n.of("pod-1", mended.String()), []string{"sent", "settled"}) })
	if c := w.server.Connected(); len(c) != 2 || c[0].Refusing || c[1].Refusing {
		t.Errorf("connected: %+v", c)
	}
}

// An agent has a stream of its own for secrets. It says nothing about whether the
// proxy beside it has taken a change, nor whether there is one.
func TestStreamOfSecretsSettlesNothing(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	n := &notes{seqs: map[string]uint64{}}
	w.server.Listen(n)
	first := w.set(shop()...)
	agent := w.connect("pod-1")
	agent.subscribe(xds.SecretType, "default")
	agent.take(xds.SecretType)
	agent.subscribe(xds.SecretType, "another")
	agent.take(xds.SecretType) // the answer to the first was heard before that
	w.settled(first)
	if said := n.of("pod-1", first.String()); slices.Contains(said, "settled") {
		t.Errorf("without its proxy: %v", said)
	}
	if p := w.server.Proxies(); len(p) != 1 || p[0].Settled {
		t.Errorf("without its proxy: %+v", p)
	}
	proxy := w.connect("pod-1")
	start(proxy)
	eventually(t, "the proxy is settled", func() bool {
		p := w.server.Proxies()
		return len(p) == 1 && p[0].Settled
	})

	next := w.set(with(shop(), part(virtualHost("80/shop", "better", "outbound|80||shop"), shopRules))...)
	change := proxy.expect(xds.VirtualHostType)
	agent.subscribe(xds.SecretType, "other")
	agent.take(xds.SecretType)
	if said := n.of("pod-1", next.String()); slices.Contains(said, "settled") {
		t.Errorf("before the proxy answered: %v", said)
	}
	proxy.ack(change)
	w.settled(next)
	eventually(t, "it is settled", func() bool { return slices.Contains(n.of("pod-1", next.String()), "settled") })
}

// An answer may be lost with its stream. A proxy that returns with what it was to
// have is sent nothing, and has taken the change all the same.
func TestReturnSettlesWhatWasNotAnswered(t *testing.T) {
	sent := []string{"sent"}
	settled := append(sent, "settled")
	better := with(shop(), part(virtualHost("80/shop", "better", "outbound|80||shop"), shopRules))
	begin := func(t *testing.T) (*world, *notes) {
		w := newWorld(t, nil, "pod-1")
		n := &notes{seqs: map[string]uint64{}}
		w.server.Listen(n)
		return w, n
	}
	// Nobody asks for the proxies: nothing may depend on that.
	alone := func(w *world) {
		eventually(w.t, "the stream ends", func() bool { return len(w.server.open()) == 0 })
	}

	t.Run("delta", func(t *testing.T) {
		w, n := begin(t)
		first := w.set(shop()...)
		c := w.connect("pod-1")
		start(c)
		w.settled(first)
		change := w.set(better...)
		c.expect(xds.VirtualHostType)
		held := w.server.Resources("pod-1")
		c.cancel()
		alone(w)
		if said := n.of("pod-1", change.String()); !slices.Equal(said, sent) {
			t.Fatalf("before the return: %v", said)
		}
		w.connect("pod-1").back(held, xds.ClusterType, xds.EndpointType, xds.ListenerType, xds.RouteType, xds.VirtualHostType)
		eventually(t, "the change is settled", func() bool { return slices.Equal(n.of("pod-1", change.String()), settled) })
	})

	// That what it said first is up to date says nothing about the rest.
	t.Run("delta, without the change", func(t *testing.T) {
		w, n := begin(t)
		l := listener("0.0.0.0_80", 80)
		l.FilterChains = []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name: "http", ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: manager(t, "80")},
		}}}}
		first := w.set(with(shop(), part(l))...)
		c := w.connect("pod-1")
		start(c)
		w.settled(first)
		held := w.server.Resources("pod-1")
		c.cancel()
		alone(w)
		change := w.set(with(better, part(l))...)
		again := w.connect("pod-1")
		for _, typ := range []string{xds.ClusterType, xds.EndpointType, xds.ListenerType, xds.RouteType} {
			again.back(held, typ)
			again.silent()
			if said := n.of("pod-1", change.String()); !slices.Equal(said, sent) { // the probe was
				t.Errorf("with %s only: %v", short(typ), said)
			}
		}
		again.back(held, xds.VirtualHostType)
		again.take(xds.VirtualHostType)
		eventually(t, "the change is settled", func() bool { return slices.Equal(n.of("pod-1", change.String()), settled) })
	})

	t.Run("state of the world", func(t *testing.T) {
		w, n := begin(t)
		change := w.set(shop()...)
		c := w.connectWhole("pod-1")
		c.send(&discoveryv3.DiscoveryRequest{TypeUrl: xds.ClusterType})
		version := c.expect(xds.ClusterType, 1).GetVersionInfo()
		c.cancel()
		alone(w)
		if said := n.of("pod-1", change.String()); !slices.Equal(said, sent) {
			t.Fatalf("before the return: %v", said)
		}
		w.connectWhole("pod-1").send(&discoveryv3.DiscoveryRequest{TypeUrl: xds.ClusterType, VersionInfo: version})
		eventually(t, "the change is settled", func() bool { return slices.Equal(n.of("pod-1", change.String()), settled) })
	})
}

func TestMakeRemembers(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	p := part(virtualHost("80/shop", "shop", "outbound|80||shop"), shopRules)
	first := w.server.Make(p)
	made := w.server.Made()
	again := w.server.Make(p)
	if first.Version == "" || first.Bytes < 50 || first.Clusters[0] != "outbound|80||shop" || again.Version != first.Version {
		t.Errorf("made: %+v", first)
	}
	if w.server.Made() != made {
		t.Error("it was made twice")
	}
	if m, err := first.Message(); err != nil || xds.NameOf(m) != "80/shop" {
		t.Errorf("message: %v, %v", m, err)
	}
}
