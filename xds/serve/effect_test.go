package serve

import (
	"slices"
	"strings"
	"testing"
	"time"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

func TestEffectInWords(t *testing.T) {
	now := time.Date(2026, 11, 21, 15, 0, 0, 0, time.Local)
	since := now.Add(-117 * time.Second)
	for _, c := range []struct {
		effect effect
		want   string
	}{
		{effect{typ: xds.VirtualHostType, kept: 2, since: since, ruled: true}, "Proxies keep the routes of the version before, of 14:58:03."},
		{effect{typ: xds.VirtualHostType, kept: 2, since: since.Add(-24 * time.Hour), ruled: true}, "Proxies keep the routes of the version before, of 2026-11-20 14:58:03."},
		{effect{typ: xds.VirtualHostType, kept: 1, ruled: true}, "Proxies keep the routes of the version before."},
		{effect{typ: xds.VirtualHostType, kept: 2, since: since}, "It is not in force: calls go straight to the service."},
		{effect{typ: xds.VirtualHostType, without: 1}, "Neither it nor a version before is in force: calls to the host are answered with 503."},
		{effect{typ: xds.VirtualHostType, kept: 1, without: 1, since: since}, "Proxies that have the routes of the version before, of 14:58:03 keep them; the others answer calls to the host with 503."},
		{effect{typ: xds.ClusterType, kept: 1, since: since}, "Proxies keep what they made of the version before, of 14:58:03."},
		{effect{typ: xds.ClusterType, without: 1}, "Nothing of it is in force."},
	} {
		if got := c.effect.text(now); got != c.want {
			t.Errorf("%+v:\n got %q\nwant %q", c.effect, got, c.want)
		}
	}
}

// A host that cannot be made any more keeps the routes of before, and the finding
// and explanations say so.
func TestFindingSaysWhatIsInForce(t *testing.T) {
	ruled := func() *routev3.VirtualHost {
		vh := virtualHost("80/shop", "ruled", "outbound|80||shop")
		vh.Routes[0].Metadata = &corev3.Metadata{FilterMetadata: map[string]*structpb.Struct{
			"heddle": {Fields: map[string]*structpb.Value{"path": structpb.NewStringValue("spec.http[0]")}},
		}}
		return vh
	}
	broken := func() xds.Part {
		p := part(virtualHost("80/shop", "broken", "outbound|80||shop"), shopRules, mesh.Ref{Name: "another"})
		p.Make = func() (proto.Message, []mesh.Finding) {
			return nil, []mesh.Finding{{Code: mesh.CodeUnknownHost, Severity: mesh.Error, Ref: shopRules, Message: "no subset v9."}}
		}
		return p
	}
	for _, c := range []struct {
		name   string
		before *routev3.VirtualHost
		want   string
	}{
		{"a version before", ruled(), "no subset v9. Proxies keep the routes of the version before, of "},
		{"none before", virtualHost("80/shop", "plain", "outbound|80||shop"), "no subset v9. It is not in force: calls go straight to the service."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil, "pod-1")
			w.set(with(shop(), part(c.before, shopRules))...)
			one := w.connect("pod-1")
			start(one)
			w.settled(w.set(with(shop(), broken())...))
			findings := w.server.Findings()
			if len(findings) != 1 || !strings.HasPrefix(findings[0].Message, c.want) {
				t.Errorf("findings: %+v", findings)
			}
			if s := w.server.StandIns("pod-1"); len(s) != 1 || s[0].Name != "80/shop" || !strings.HasPrefix(s[0].Why, c.want) {
				t.Errorf("stand-ins: %+v", s)
			}
			// What proxies keep still comes of what it was made of.
			if r := w.server.Resources("pod-1")[xds.VirtualHostType]; len(r) != 1 || !slices.Equal(r[0].From, []mesh.Ref{shopRules}) {
				t.Errorf("resources: %+v", r)
			}
			// The same once more, after something else: it is taken by then.
			w.settled(w.set(with(shop(), part(c.before, shopRules))...))
			w.set(with(shop(), broken())...)
			if err := w.server.WaitTaken(t.Context(), w.head.Get()); err != nil {
				t.Error(err)
			}
			if f := w.server.Findings(); len(f) != 1 {
				t.Errorf("findings of the second time: %+v", f)
			}
			if s := w.server.StandIns("pod-2"); s != nil {
				t.Errorf("stand-ins of another pod: %+v", s)
			}
		})
	}
}
