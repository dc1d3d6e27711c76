package redirect

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(t Table) []string {
	var out []string
	for _, c := range t.Chains {
		for _, r := range c.Rules {
			out = append(out, string(c.Hook)+": "+r.String())
		}
	}
	return out
}

func TestSidecar(t *testing.T) {
	got := lines(Sidecar(Pod{
		Proxy:  Proxy{ByMark, 1337},
		Direct: []netip.Prefix{netip.MustParsePrefix("10.66.0.1/32")},
	}))
	want := []string{
		"output: out lo from 127.0.0.6/32 pass",
		"output: out lo not to 127.0.0.1/32 by proxy (mark) redirect 15006",
		"output: out lo pass",
		"output: by proxy (mark) pass",
		"output: to 127.0.0.1/32 pass",
		"output: to 10.66.0.1/32 pass",
		"output: redirect 15001",
		"prerouting: port 15006 pass",
		"prerouting: port 15020 pass",
		"prerouting: port 15021 pass",
		"prerouting: port 15090 pass",
		"prerouting: redirect 15006",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSidecarAnnotations(t *testing.T) {
	tests := []struct {
		name        string
		annotations map[string]string
		want        []string // the rules after the fixed ones, of both chains
		err         string
	}{
		{
			"excluded",
			map[string]string{
				"traffic.sidecar.istio.io/excludeOutboundPorts":    "3306, 6379",
				"traffic.sidecar.istio.io/excludeOutboundIPRanges": "192.168.1.7/16",
				"traffic.sidecar.istio.io/excludeInboundPorts":     "9100",
			},
			[]string{
				"output: port 3306 pass", "output: port 6379 pass", "output: to 192.168.0.0/16 pass", "output: redirect 15001",
				"prerouting: port 9100 pass", "prerouting: redirect 15006",
			},
			"",
		},
		{
			"only some ranges and ports",
			map[string]string{
				"traffic.sidecar.istio.io/includeOutboundIPRanges": "10.96.0.0/16",
				"traffic.sidecar.istio.io/includeOutboundPorts":    "443",
				"traffic.sidecar.istio.io/includeInboundPorts":     "80",
			},
			[]string{"output: port 443 redirect 15001", "output: to 10.96.0.0/16 redirect 15001", "prerouting: port 80 redirect 15006"},
			"",
		},
		{
			"empty includes none",
			map[string]string{
				"traffic.sidecar.istio.io/includeOutboundIPRanges": "",
				"traffic.sidecar.istio.io/includeInboundPorts":     "",
			},
			nil, "",
		},
		{
			"star is all",
			map[string]string{
				"traffic.sidecar.istio.io/includeOutboundIPRanges": "*",
				"traffic.sidecar.istio.io/includeInboundPorts":     "*",
			},
			[]string{"output: redirect 15001", "prerouting: redirect 15006"},
			"",
		},
		{
			"bad port",
			map[string]string{"traffic.sidecar.istio.io/excludeInboundPorts": "80,http"},
			[]string{"output: redirect 15001", "prerouting: port 80 pass", "prerouting: redirect 15006"},
			`annotation traffic.sidecar.istio.io/excludeInboundPorts: "http" is not a port number`,
		},
		{
			"bad range",
			map[string]string{"traffic.sidecar.istio.io/excludeOutboundIPRanges": "::/0"},
			[]string{"output: redirect 15001", "prerouting: redirect 15006"},
			"not an IPv4 range",
		},
	}
	fixed := map[string]bool{}
	for _, l := range lines(Sidecar(Pod{Proxy: Proxy{ByUID, 1337}})) {
		fixed[l] = !strings.HasSuffix(l, ": redirect 15001") && !strings.HasSuffix(l, ": redirect 15006")
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			traffic, err := FromAnnotations(tt.annotations)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			var got []string
			for _, l := range lines(Sidecar(Pod{Proxy: Proxy{ByUID, 1337}, Traffic: traffic})) {
				if !fixed[l] {
					got = append(got, l)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestServices(t *testing.T) {
	got := lines(Services(netip.MustParsePrefix("10.96.0.0/16"), []Backend{
		{netip.MustParseAddrPort("10.96.0.5:80"), []netip.AddrPort{
			netip.MustParseAddrPort("10.66.0.2:8080"), netip.MustParseAddrPort("10.66.0.3:8080"), netip.MustParseAddrPort("10.66.0.4:8080"),
		}},
		{netip.MustParseAddrPort("10.96.0.6:80"), nil},
	}))
	want := []string{
		"output: to 10.96.0.5/32 port 80 one in 3 dnat 10.66.0.2:8080",
		"output: to 10.96.0.5/32 port 80 one in 2 dnat 10.66.0.3:8080",
		"output: to 10.96.0.5/32 port 80 dnat 10.66.0.4:8080",
		"output-filter: to 10.96.0.0/16 reject",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestIPTables(t *testing.T) {
	table := Sidecar(Pod{Proxy: Proxy{ByUID, 1337}, Traffic: Traffic{ExcludeOutboundPorts: []uint16{3306}}})
	got, err := table.IPTables()
	if err != nil {
		t.Fatal(err)
	}
	want := `*nat
:HEDDLE_OUTPUT - [0:0]
:HEDDLE_PREROUTING - [0:0]
-A OUTPUT -p tcp -j HEDDLE_OUTPUT
-A HEDDLE_OUTPUT -p tcp -o lo -s 127.0.0.6/32 -j RETURN
-A HEDDLE_OUTPUT -p tcp -o lo ! -d 127.0.0.1/32 -m owner --uid-owner 1337 -j REDIRECT --to-ports 15006
-A HEDDLE_OUTPUT -p tcp -o lo -j RETURN
-A HEDDLE_OUTPUT -p tcp -m owner --uid-owner 1337 -j RETURN
-A HEDDLE_OUTPUT -p tcp -d 127.0.0.1/32 -j RETURN
-A HEDDLE_OUTPUT -p tcp --dport 3306 -j RETURN
-A HEDDLE_OUTPUT -p tcp -j REDIRECT --to-ports 15001
-A PREROUTING -p tcp -j HEDDLE_PREROUTING
-A HEDDLE_PREROUTING -p tcp --dport 15006 -j RETURN
-A HEDDLE_PREROUTING -p tcp --dport 15020 -j RETURN
-A HEDDLE_PREROUTING -p tcp --dport 15021 -j RETURN
-A HEDDLE_PREROUTING -p tcp --dport 15090 -j RETURN
-A HEDDLE_PREROUTING -p tcp -j REDIRECT --to-ports 15006
COMMIT
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnknownMatchIsRefused(t *testing.T) {
	table := Sidecar(Pod{Proxy: Proxy{"cgroup", 1}})
	if _, err := table.IPTables(); err == nil || !strings.Contains(err.Error(), "cgroup") {
		t.Errorf("iptables: %v", err)
	}
	if _, err := table.Chains[0].Rules[1].exprs(); err == nil {
		t.Error("nftables took it")
	}
}
