package serve

import (
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// refuseAll asks for everything and refuses all that comes, until no more does.
func (c *client) refuseAll(words string) {
	c.t.Helper()
	c.subscribe(xds.ClusterType)
	c.subscribe(xds.EndpointType, "outbound|80||shop")
	c.subscribe(xds.ListenerType)
	c.subscribe(xds.RouteType, "80")
	c.subscribe(xds.VirtualHostType)
	late := time.After(patience)
	for {
		c.probes++
		probe := fmt.Sprint("probe-", c.probes)
		c.subscribe(probeType, probe)
		refused := 0
		for r := (*discoveryv3.DeltaDiscoveryResponse)(nil); r.GetTypeUrl() != probeType; {
			select {
			case r = <-c.in:
			case <-late:
				c.t.Fatal("no end of responses")
			}
			switch {
			case r.GetTypeUrl() == probeType:
				c.ack(r)
			case len(r.GetResources()) > 0:
				c.nack(r, words)
				refused++
			default:
				c.ack(r)
			}
		}
		if refused == 0 {
			return
		}
	}
}

func TestHostileWorkloadTakesConfigurationFromItselfOnly(t *testing.T) {
	w := newWorld(t, nil, "evil-1", "evil-2", "pod-1", "pod-2")
	w.kinds["evil-1"], w.kinds["evil-2"], w.kinds["pod-2"] = "evil", "evil", "other"
	w.object(shopRules, "v1")
	parts := with(shop(), part(virtualHost("80/shop", "shop", "outbound|80||shop"), shopRules))
	rev := w.set(parts...)
	// It is the first of all proxies, so that nobody has accepted anything.
	w.connect("evil-1").refuseAll("I do not like it.")
	if !slices.Contains(brief(w.server.Findings()), "HDL0020 VirtualService default/shop") {
		t.Errorf("no finding at once: %v", w.server.Findings())
	}
	// Its other pods are not sent what it refused, and are not kept waiting.
	evil := w.connect("evil-2")
	evil.subscribe(xds.ClusterType)
	if r := evil.take(xds.ClusterType); len(r.GetResources()) > 0 {
		t.Errorf("another pod of the workload is sent %v", resourceNames(r))
	}
	evil.silent()

	one, two := w.connect("pod-1"), w.connect("pod-2")
	start(one)
	start(two)
	w.settled(rev)

	// Nor does it take away what comes later.
	w.object(shopRules, "v2")
	rev = w.set(with(shop(), part(virtualHost("80/shop", "changed", "outbound|80||shop"), shopRules))...)
	one.take(xds.VirtualHostType)
	two.take(xds.VirtualHostType)
	w.settled(rev)
}

func TestSecondWorkloadMakesAVerdictHoldEverywhere(t *testing.T) {
	w := newWorld(t, nil, "a", "b", "c", "d")
	for _, uid := range []string{"a", "b", "c", "d"} {
		w.kinds[uid] = uid
	}
	w.object(shopRules, "good")
	w.set(shop()...)
	a, b, c := w.connect("a"), w.connect("b"), w.connect("c")
	for _, x := range []*client{a, b, c} {
		start(x)
	}
	good := w.server.Resources("a")[xds.VirtualHostType][0].Version

	w.object(shopRules, "bad")
	bad := part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules)
	rev := w.set(with(shop(), bad)...)
	waits := c.expect(xds.VirtualHostType)
	a.nack(a.expect(xds.VirtualHostType), "no")
	if v := version(a.take(xds.VirtualHostType), "80/shop"); v != good {
		t.Errorf("the first to refuse: %s, want %s", v, good)
	}
	b.nack(b.expect(xds.VirtualHostType), "no")
	if v := version(b.take(xds.VirtualHostType), "80/shop"); v != good {
		t.Errorf("the second to refuse: %s, want %s", v, good)
	}
	d := w.connect("d")
	start(d)
	if v := w.server.Resources("d")[xds.VirtualHostType][0].Version; v != good {
		t.Errorf("a third workload after two refused: %s, want the last good %s", v, good)
	}
	if f := w.server.Findings(); len(f) != 1 {
		t.Errorf("findings: %v", f)
	}

	// One workload that lives with it makes it the matter of those who do not.
	c.ack(waits)
	d.take(xds.VirtualHostType)
	w.settled(rev)
	for uid, want := range map[string]string{"a": good, "b": good, "c": version(waits, "80/shop"), "d": version(waits, "80/shop")} {
		if v := w.server.Resources(uid)[xds.VirtualHostType][0].Version; v != want {
			t.Errorf("%s has %s, want %s", uid, v, want)
		}
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	q := newQuarantine(func() {})
	ref := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "shop"}
	now := time.Now()
	snap := snapshotOf(ref, "as it is")
	try := func(variant string, n int) bool {
		return q.refuse(variant, &verdict{
			Type: "T", Name: "n", Version: fmt.Sprint(n), At: now.Add(time.Duration(n)), Blamed: blame([]mesh.Ref{ref}, snap),
		}, snap)
	}
	for n := range 10 * maxOwnVerdicts {
		if got, want := try("evil", n), n < maxOwnVerdicts; got != want {
			t.Fatalf("content %d of one workload: taken %v, want %v", n, got, want)
		}
	}
	if !try("evil", 0) || !try("another", 0) {
		t.Error("what is known already needs no room")
	}
	for n := range 20 * maxOwnVerdicts {
		try(fmt.Sprint("workload-", n/maxOwnVerdicts), 100_000+n)
	}
	if n := len(q.all()); n != maxVerdicts {
		t.Errorf("%d verdicts, want %d", n, maxVerdicts)
	}
	if q.holds("workload-19", &content{typ: "T", version: fmt.Sprint(100_000 + 19*maxOwnVerdicts)}) {
		t.Error("a verdict pushed out another one that is in force")
	}
	// An object that changed makes room.
	snap = snapshotOf(ref, "changed")
	if !try("evil", 200_000) || !try("late", 200_001) {
		t.Error("verdicts that are spent make no room")
	}
	if n := len(q.all()); n != maxVerdicts {
		t.Errorf("%d verdicts, want %d", n, maxVerdicts)
	}
	for n := range 2 * maxAccusers {
		try(fmt.Sprint("accuser-", n), 200_000)
	}
	if v := q.verdict(&content{typ: "T", version: "200000"}); len(v.By) != maxAccusers || !v.everywhere() {
		t.Errorf("%d workloads are named", len(v.By))
	}
}

func snapshotOf(ref mesh.Ref, text string) *mesh.Snapshot {
	return &mesh.Snapshot{
		Revision: mesh.HashOf(text),
		Objects: mesh.NewTable(mesh.CompareRefs, func(yield func(mesh.Ref, *mesh.Object) bool) {
			yield(ref, &mesh.Object{Ref: ref, Hash: mesh.HashOf(text)})
		}),
	}
}

// A proxy that refuses all of a large plan costs a bounded number of findings.
func TestRefusalsBeyondTheRoomHaveAnEffectAndNoFinding(t *testing.T) {
	const clusters = 3*maxTold + maxOwnVerdicts
	w := newWorld(t, nil, "evil-1", "pod-1")
	w.kinds["evil-1"] = "evil"
	parts := make([]xds.Part, 0, clusters)
	var names []string
	for i := range clusters {
		name := fmt.Sprintf("outbound|80||host-%d", i)
		names = append(names, name)
		parts = append(parts, part(edsCluster(name, time.Second)))
	}
	rev := w.set(parts...)
	evil := w.connect("evil-1")
	evil.subscribe(xds.ClusterType)
	evil.nack(evil.expect(xds.ClusterType), strings.Join(names, ", "))
	evil.silent()
	if n := len(w.server.Findings()); n > maxOwnVerdicts+maxTold {
		t.Errorf("%d findings", n)
	}
	c := w.connect("pod-1")
	c.subscribe(xds.ClusterType)
	if got := len(c.take(xds.ClusterType).GetResources()); got != clusters {
		t.Errorf("another workload gets %d clusters, want %d", got, clusters)
	}
	w.settled(rev)
}

func TestFindingStandsAtTheObjectThatChanged(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	service := mesh.Ref{Kind: mesh.KindService, Namespace: "default", Name: "shop"}
	older := mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "all"}
	for _, ref := range []mesh.Ref{service, older, shopRules} {
		w.object(ref, "v1")
	}
	from := []mesh.Ref{older, shopRules, service} // as a part says it: the most specific first
	w.set(with(shop(), part(virtualHost("80/shop", "shop", "outbound|80||shop"), from...))...)
	c := w.connect("pod-1")
	start(c)
	for i, guilty := range []mesh.Ref{shopRules, service} {
		text := fmt.Sprint("bad", i)
		w.object(guilty, text)
		w.set(with(shop(), part(virtualHost("80/shop", text, "outbound|80||shop"), from...))...)
		c.nack(c.expect(xds.VirtualHostType), "It is too large.\n")
		c.take(xds.VirtualHostType)
		all := w.server.Findings()
		if len(all) != 1 || all[0].Ref != guilty || len(all[0].Related) != 2 {
			t.Fatalf("findings after %s changed: %+v", guilty, all)
		}
		if m := all[0].Message; !strings.Contains(m, "It is too large. It goes on") || strings.Contains(m, "..") {
			t.Errorf("message: %s", m)
		}
	}
}

// Who is to blame is written down when it changes, and not only with the next
// acknowledgement: the process may be killed.
func TestBlameIsWrittenWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, func(o *Options) { o.Dir = dir }, "pod-1")
	w.object(shopRules, "good")
	w.set(shop()...)
	c := w.connect("pod-1")
	start(c)
	w.object(shopRules, "bad")
	bad := with(shop(), part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules))
	w.set(bad...)
	c.nack(c.expect(xds.VirtualHostType), "no")
	c.take(xds.VirtualHostType)
	written := func(text string) func() bool {
		return func() bool {
			var st stored
			f, err := os.Open(filepath.Join(dir, storeFile))
			if err != nil {
				return false
			}
			defer f.Close()
			if err := gob.NewDecoder(f).Decode(&st); err != nil || len(st.Bad) != 1 {
				return false
			}
			return cmp.Equal(st.Bad[0].Blamed, []blamedObject{{shopRules, mesh.HashOf(text)}})
		}
	}
	eventually(t, "the verdict is written", written("bad"))
	c.silent()
	// Changed in a way that does not reach the resource: the proxy is sent
	// nothing, so it acknowledges nothing.
	w.object(shopRules, "bad, with a comment")
	w.settled(w.set(bad...))
	eventually(t, "the blame is written", written("bad, with a comment"))
}
