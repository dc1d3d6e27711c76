package names_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/heddle-mesh/heddle/xds/names"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{names.OutboundCluster(9080, "v1", "reviews.default.svc.cluster.local"), "outbound|9080|v1|reviews.default.svc.cluster.local"},
		{names.InboundCluster(9080), "inbound|9080||"},
		{names.OutboundRoutes(9080), "9080"},
		{names.GatewayRoutes(80), "http.80"},
		{names.PortListener(9080), "0.0.0.0_9080"},
		{names.VirtualHost("inbound|9080||", "a/b"), "inbound|9080||/a_b"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestWhatIsMadeIsRead(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9.-]{0,20}`)
	port := rapid.Uint32Range(0, 65535)
	rapid.Check(t, func(t *rapid.T) {
		c := names.Cluster{
			Direction: rapid.SampledFrom([]names.Direction{names.Outbound, names.Inbound}).Draw(t, "direction"),
			Port:      port.Draw(t, "port"), Subset: part.Draw(t, "subset"), Host: part.Draw(t, "host"),
		}
		if got, ok := names.ParseCluster(c.String()); !ok || got != c {
			t.Errorf("%v became %v, %v", c, got, ok)
		}
		p := port.Draw(t, "route port")
		for _, name := range []string{names.OutboundRoutes(p), names.InboundRoutes(p), names.GatewayRoutes(p)} {
			suffix := rapid.String().Draw(t, "suffix")
			rc, rest, ok := names.ParseVirtualHost(names.VirtualHost(name, suffix))
			if !ok || rc != name || rest != strings.ReplaceAll(suffix, "/", "_") {
				t.Errorf("host %q of %q became %q, %q, %v", suffix, name, rc, rest, ok)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"outbound|80||a", "inbound|1||", "http.80", "80", "a/b", "||||", "outbound|080||x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := names.ParseCluster(s); ok {
			if diff := cmp.Diff(s, c.String()); diff != "" {
				t.Error(diff)
			}
		}
		if rc, suffix, ok := names.ParseVirtualHost(s); ok && rc+"/"+suffix != s {
			t.Errorf("%q was cut into %q and %q", s, rc, suffix)
		}
	})
}
