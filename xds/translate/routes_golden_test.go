package translate

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/simulate"
)

// A case in testdata/routes is what people declare on top of bookinfo, who
// asks, and what comes of it: the virtual hosts that the objects decide about,
// where calls go, and what there is to complain about.
//
//	-- mesh.yaml --      objects
//	-- proxy --          pod UID and port: "productpage-v1-0 9080"
//	-- want/hosts --     virtual hosts with more than a default route
//	-- want/calls --     "GET reviews:9080/ end-user=jason → answer", with what decided behind "by"
//	-- want/findings --  "severity code object path: message"
func TestRoutesGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/routes/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := routesCase(t, archive)
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(got))); diff != "" {
				t.Errorf("-want +got, -update rewrites:\n%s", diff)
			}
		})
	}
}

// routesCase is the case with what came of it.
func routesCase(t *testing.T, in *txtar.Archive) *txtar.Archive {
	t.Helper()
	sections := map[string]string{}
	for _, f := range in.Files {
		sections[f.Name] = string(f.Data)
	}
	snap := meshtest.Seal(t, meshtest.Snapshot(t, meshtest.Bookinfo(), sections["mesh.yaml"]))
	uid, portText, _ := strings.Cut(strings.TrimSpace(sections["proxy"]), " ")
	port64, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		t.Fatalf("proxy section %q: %v", sections["proxy"], err)
	}
	routes := routesOf(t, snap, uid, uint32(port64))

	out := &txtar.Archive{Comment: in.Comment}
	add := func(name, text string) {
		if text != "" {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	add("mesh.yaml", sections["mesh.yaml"])
	add("proxy", sections["proxy"])
	add("want/hosts", routes.hosts(t))
	add("want/calls", routes.calls(t, sections["want/calls"]))
	add("want/findings", findingsText(routes.findings))
	return out
}

// madeRoutes is one route configuration with its hosts, behind a listener that
// does nothing else.
type madeRoutes struct {
	set      *xds.ResourceSet
	name     string
	gateway  bool
	made     []*routev3.VirtualHost
	findings []mesh.Finding
}

func routesOf(t testing.TB, snap *mesh.Snapshot, uid string, port uint32) *madeRoutes {
	t.Helper()
	w, ok := snap.Workloads.Get(uid)
	if !ok {
		t.Fatalf("no workload %s", uid)
	}
	v := scope.For(snap, scope.Asker{Namespace: w.Namespace, Labels: w.Labels, Gateway: w.Gateway})
	m := &madeRoutes{name: names.OutboundRoutes(port), gateway: w.Gateway}
	list := outboundVirtualHosts
	if w.Gateway {
		m.name, list = names.GatewayRoutes(port), gatewayVirtualHosts
	}
	plan := &xds.Plan{Parts: serviceClusters(v, snap)}
	owner := map[string]string{}
	for _, h := range list(v, snap, port) {
		for _, d := range h.Domains {
			if other, taken := owner[d]; taken {
				t.Errorf("domain %s stands in host %s and in %s", d, other, h.Suffix)
			}
			owner[d] = h.Suffix
		}
		plan.Parts = append(plan.Parts, xds.Part{
			Type: xds.VirtualHostType, Name: names.VirtualHost(m.name, h.Suffix), Key: h.Key, From: h.From,
			Make: func() (proto.Message, []mesh.Finding) {
				vh, findings := h.Make(m.name)
				if vh == nil {
					return nil, findings
				}
				m.made = append(m.made, vh)
				return vh, findings
			},
		})
	}
	set, findings := xds.BuildAll(plan)
	m.findings = findings
	m.set = xds.NewResourceSet(append(shell(t, m.name, port), set.All()...))
	return m
}

func shell(t testing.TB, routes string, port uint32) []*xds.Resource {
	t.Helper()
	listener := &listenerv3.Listener{
		Name:    names.PortListener(port),
		Address: socketAddress("0.0.0.0", port),
		DefaultFilterChain: &listenerv3.FilterChain{Filters: []*listenerv3.Filter{networkFilter("hcm", &hcmv3.HttpConnectionManager{
			StatPrefix: "x",
			RouteSpecifier: &hcmv3.HttpConnectionManager_Rds{Rds: &hcmv3.Rds{
				RouteConfigName: routes, ConfigSource: ads(0),
			}},
		})}},
	}
	config := &routev3.RouteConfiguration{Name: routes, IgnorePortInHostMatching: true, Vhds: &routev3.Vhds{ConfigSource: ads(0)}}
	var out []*xds.Resource
	for _, r := range []struct {
		kind, name string
		message    proto.Message
	}{{xds.ListenerType, listener.Name, listener}, {xds.RouteType, routes, config}} {
		res, err := xds.NewResource(r.kind, r.name, r.message, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, res)
	}
	return out
}

func (m *madeRoutes) hosts(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, vh := range m.made {
		if len(vh.Routes) == 1 && vh.Routes[0].Name == defaultRoute {
			continue
		}
		j, err := protojson.Marshal(vh)
		if err != nil {
			t.Fatal(err)
		}
		y, err := yaml.JSONToYAML(j)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("---\n" + string(y))
	}
	return b.String()
}

func (m *madeRoutes) calls(t *testing.T, lines string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(lines) {
		text, _, _ := strings.Cut(strings.TrimRight(line, "\n"), " → ")
		if text == "" {
			continue
		}
		call, err := simulate.ParseCall(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		call.Address = netip.MustParseAddr("10.96.0.99")
		answer, err := simulate.Walk(m.set, call)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s → %s", text, answer)
		if i := slices.IndexFunc(answer.Decisions, func(d simulate.Decision) bool { return d.What == "route" }); i >= 0 {
			last := answer.Decisions[i]
			fmt.Fprintf(&b, ", by %v", last.From[0])
			if last.Path != "" {
				fmt.Fprintf(&b, " %s", last.Path)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func findingsText(findings []mesh.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s %v %s: %s\n", f.Severity, f.Code, f.Ref, f.Path, f.Message)
	}
	return b.String()
}
