package serve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// with replaces the part of the same type and name, or adds it.
func with(parts []xds.Part, p xds.Part) []xds.Part {
	out := []xds.Part{p}
	for _, old := range parts {
		if old.Type != p.Type || old.Name != p.Name {
			out = append(out, old)
		}
	}
	return out
}

func without(parts []xds.Part, typ, name string) []xds.Part {
	var out []xds.Part
	for _, p := range parts {
		if p.Type != typ || p.Name != name {
			out = append(out, p)
		}
	}
	return out
}

var shopRules = mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: "shop"}

func brief(findings []mesh.Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Code+" "+f.Ref.String())
	}
	return all
}

func version(r *discoveryv3.DeltaDiscoveryResponse, name string) string {
	for _, x := range r.GetResources() {
		if x.GetName() == name {
			return x.GetVersion()
		}
	}
	return ""
}

func TestRejectedResourceIsQuarantinedForAll(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	w.object(shopRules, "good")
	w.set(shop()...)
	one := w.connect("pod-1")
	start(one)
	good := w.server.Resources("pod-1")[xds.VirtualHostType][0].Version

	w.object(shopRules, "bad")
	bad := with(shop(), part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules))
	w.set(bad...)
	one.nack(one.expect(xds.VirtualHostType), "no such thing")
	if v := version(one.take(xds.VirtualHostType), "80/shop"); v != good {
		t.Errorf("after the rejection: version %s, want the last good %s", v, good)
	}
	one.silent()
	if diff := cmp.Diff([]string{"HDL0020 VirtualService default/shop"}, brief(w.server.Findings())); diff != "" {
		t.Errorf("findings: %s", diff)
	}
	if f := w.server.Findings()[0]; f.Phase != mesh.PhaseDelivery || !strings.Contains(f.Message, "no such thing") {
		t.Errorf("finding: %+v", f)
	}

	// Other changes go on, and a new proxy gets the last good content.
	w.set(with(bad, part(assignment("outbound|80||shop", 8081)))...)
	one.take(xds.EndpointType)
	one.silent()
	two := w.connect("pod-2")
	start(two)
	if v := w.server.Resources("pod-2")[xds.VirtualHostType][0].Version; v != good {
		t.Errorf("new proxy: version %s, want %s", v, good)
	}

	two.silent()

	// A change of the object clears the finding, and what comes of it is sent.
	w.object(shopRules, "better")
	rev := w.set(with(shop(), part(virtualHost("80/shop", "better", "outbound|80||shop"), shopRules))...)
	two.take(xds.EndpointType)
	two.take(xds.VirtualHostType)
	one.take(xds.EndpointType)
	one.take(xds.VirtualHostType)
	w.settled(rev)
	if f := w.server.Findings(); len(f) != 0 {
		t.Errorf("findings after the change: %v", f)
	}
	// Back to the bad content: it is known.
	w.object(shopRules, "bad")
	rev = w.set(bad...)
	eventually(t, "the finding returns", func() bool { return len(w.server.Findings()) == 1 })
	w.settled(rev)
	one.silent()
}

func TestRejectionWithoutNamesIsTrackedDown(t *testing.T) {
	w := newWorld(t, nil, "pod-1")
	w.object(shopRules, "v1")
	parts := with(shop(), part(virtualHost("80/cart", "cart", "outbound|80||shop")))
	w.set(parts...)
	c := w.connect("pod-1")
	start(c)

	w.object(shopRules, "v2")
	parts = with(parts, part(virtualHost("80/cart", "cart.new", "outbound|80||shop")))
	parts = with(parts, part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules))
	rev := w.set(parts...)
	both := c.expect(xds.VirtualHostType)
	if diff := cmp.Diff([]string{"80/cart", "80/shop"}, resourceNames(both)); diff != "" {
		t.Fatalf("first attempt: %s", diff)
	}
	c.nack(both, "something is wrong")
	restored := c.take(xds.VirtualHostType)
	if len(restored.GetResources()) != 2 || version(restored, "80/shop") == version(both, "80/shop") {
		t.Errorf("the last good content is not put back: %v", resourceNames(restored))
	}
	if diff := cmp.Diff([]string{"80/cart"}, resourceNames(c.take(xds.VirtualHostType))); diff != "" {
		t.Errorf("one by one: %s", diff)
	}
	alone := c.expect(xds.VirtualHostType)
	if diff := cmp.Diff([]string{"80/shop"}, resourceNames(alone)); diff != "" {
		t.Errorf("one by one: %s", diff)
	}
	c.nack(alone, "something is wrong")
	if v := version(c.take(xds.VirtualHostType), "80/shop"); v != version(restored, "80/shop") {
		t.Errorf("guilty resource: %s, want the last good", v)
	}
	w.settled(rev)
	if diff := cmp.Diff([]string{"HDL0020 VirtualService default/shop"}, brief(w.server.Findings())); diff != "" {
		t.Errorf("findings: %s", diff)
	}
}

func TestContentThatOthersAcceptIsRefusedForOneProxyOnly(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	w.set(shop()...)
	one := w.connect("pod-1")
	start(one)
	two := w.connect("pod-2")
	two.subscribe(xds.ClusterType)
	two.nack(two.expect(xds.ClusterType), "not here")
	two.silent()
	if n := len(w.server.bad.all()); n != 0 {
		t.Errorf("%d contents in quarantine", n)
	}
	if diff := cmp.Diff([]string{"HDL0020  "}, brief(w.server.Findings())); diff != "" {
		t.Errorf("findings: %s", diff)
	}
	one.silent()
}

func TestWhatCannotBeMadeKeepsTheLastGoodContentAndItsClusters(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	w.set(shop()...)
	one := w.connect("pod-1")
	start(one)

	finding := mesh.Finding{Code: mesh.CodeUnknownHost, Severity: mesh.Error, Phase: mesh.PhaseTranslate, Ref: shopRules, Message: "no such subset."}
	lost := xds.Part{
		Type: xds.VirtualHostType, Name: "80/shop", Key: mesh.HashOf("lost"), From: []mesh.Ref{shopRules},
		Make: func() (proto.Message, []mesh.Finding) { return nil, []mesh.Finding{finding} },
	}
	parts := with(shop(), lost)
	parts = without(parts, xds.ClusterType, "outbound|80||shop")
	parts = without(parts, xds.EndpointType, "outbound|80||shop")
	rev := w.set(parts...)
	w.settled(rev)
	one.silent()
	finding.Params = map[string]string{"inForce": "It is not in force: calls go straight to the service."}
	finding.Message += " " + finding.Params["inForce"]
	if diff := cmp.Diff([]mesh.Finding{finding}, w.server.Findings()); diff != "" {
		t.Errorf("findings: %s", diff)
	}
	two := w.connect("pod-2")
	start(two)
	two.silent()
}

func TestFallbackStandsInOnlyWhereNothingGoodIsKnown(t *testing.T) {
	w := newWorld(t, nil, "pod-1", "pod-2")
	broken := func(key string) xds.Part {
		return xds.Part{
			Type: xds.VirtualHostType, Name: "80/shop", Key: mesh.HashOf(key), From: []mesh.Ref{shopRules},
			Make:     func() (proto.Message, []mesh.Finding) { return nil, nil },
			Fallback: func() proto.Message { return virtualHost("80/shop", "closed", "") },
		}
	}
	version := func(uid string) string { return w.server.Resources(uid)[xds.VirtualHostType][0].Version }
	w.set(with(shop(), broken("one"))...)
	one := w.connect("pod-1")
	start(one)
	closed := version("pod-1")

	rev := w.set(shop()...)
	one.take(xds.VirtualHostType)
	w.settled(rev)
	good := version("pod-1")
	if good == closed {
		t.Fatal("the host was not replaced by the declared one")
	}
	w.settled(w.set(with(shop(), broken("two"))...))
	one.silent()
	two := w.connect("pod-2")
	start(two)
	if v := version("pod-2"); v != good {
		t.Errorf("a new proxy got %s, want the last good content %s and not the fallback %s", v, good, closed)
	}
}

func TestLastGoodContentAndVerdictsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	kept := func(o *Options) { o.Dir = dir }
	w := newWorld(t, kept, "pod-1")
	w.object(shopRules, "good")
	w.set(shop()...)
	c := w.connect("pod-1")
	start(c)
	good := w.server.Resources("pod-1")[xds.VirtualHostType][0].Version
	w.object(shopRules, "bad")
	bad := with(shop(), part(virtualHost("80/shop", "bad", "outbound|80||shop"), shopRules))
	rev := w.set(bad...)
	c.nack(c.expect(xds.VirtualHostType), "no")
	c.take(xds.VirtualHostType)
	w.settled(rev)
	w.stop()

	again := newWorld(t, kept, "pod-1", "pod-2")
	again.object(shopRules, "bad")
	again.set(bad...)
	fresh := again.connect("pod-2")
	start(fresh)
	if v := again.server.Resources("pod-2")[xds.VirtualHostType][0].Version; v != good {
		t.Errorf("new proxy of a new process: version %s, want %s", v, good)
	}
	if diff := cmp.Diff([]string{"HDL0020 VirtualService default/shop"}, brief(again.server.Findings())); diff != "" {
		t.Errorf("findings: %s", diff)
	}
}

func TestAccused(t *testing.T) {
	changes := []change{}
	for _, name := range []string{"9080", "outbound|80||shop", "outbound|80||shop.default", "outbound|81||shop"} {
		changes = append(changes, change{name, &content{name: name}})
	}
	for _, c := range []struct{ words, want string }{
		{"Error adding/updating cluster(s) outbound|80||shop.default: bad", "outbound|80||shop.default"},
		{"Error adding/updating cluster(s) outbound|80||shop: bad, outbound|81||shop: worse", "outbound|80||shop outbound|81||shop"},
		{"port 9080 is wrong", ""},
		{"xoutbound|80||shop", ""},
	} {
		var got []string
		for _, g := range accused(changes, c.words) {
			got = append(got, g.name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q accuses %v, want %s", c.words, got, c.want)
		}
	}
	if got := accused(changes[:1], "whatever"); len(got) != 1 {
		t.Error("a resource that was alone in its response is the guilty one")
	}
}

func wasAccepted(g *goods, version string) bool {
	own, others := g.accepted("c", unknownContent("T", "n", version))
	return own || others
}

func TestGoodsKeepContentPerVariant(t *testing.T) {
	g := newGoods()
	never := func(*content) bool { return false }
	accept := func(variant, v string) {
		g.accept(variant, &outstanding{response: response{typ: "T", changes: []change{{"n", unknownContent("T", "n", v)}}}, sent: time.Time{}}, never)
	}
	got := func(variant string) string {
		if c := g.get(variant, "T", "n"); c != nil {
			return c.version
		}
		return ""
	}
	accept("a", "1")
	if got("b") != "1" {
		t.Error("what everybody has is good for a newcomer")
	}
	accept("b", "2")
	if got("a") != "1" || got("b") != "2" || got("c") != "" {
		t.Errorf("variants: %q %q %q", got("a"), got("b"), got("c"))
	}
	accept("a", "2")
	if got("a") != "2" || got("c") != "2" || wasAccepted(g, "1") {
		t.Errorf("after the change: %q %q", got("a"), got("c"))
	}
	g.accept("a", &outstanding{response: response{typ: "T", changes: []change{{"n", nil}}}}, never)
	g.accept("b", &outstanding{response: response{typ: "T", changes: []change{{"n", nil}}}}, never)
	if got("a") != "" || len(g.held) != 0 {
		t.Errorf("after the removal: %v", g.held)
	}
}

func TestGoodsForgetVariantsWithoutWorkload(t *testing.T) {
	g := newGoods()
	take := func(variant, name string) {
		g.accept(variant, &outstanding{response: response{typ: "T", changes: []change{{name, unknownContent("T", name, "1")}}}},
			func(*content) bool { return false })
	}
	for i := range spareVariants {
		take(fmt.Sprint("gone-", i), "shared")
		take(fmt.Sprint("gone-", i), fmt.Sprint("own-", i))
	}
	take("alive", "shared")
	alive := map[string]struct{}{"alive": {}}
	g.compact(alive)
	if len(g.variants) != spareVariants+1 {
		t.Errorf("%d variants before there are too many", len(g.variants))
	}
	take("one more", "shared")
	g.compact(alive)
	if len(g.variants) != 1 || len(g.held) != 1 || g.get("alive", "T", "shared") == nil {
		t.Errorf("%d variants with %d names stay", len(g.variants), len(g.held))
	}
}
