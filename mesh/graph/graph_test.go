package graph_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/mesh/meshtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden files hold:
//
//	mesh.yaml  the mesh; Bookinfo when there is none
//	more.yaml  documents besides those of Bookinfo
//	traffic    one figure per line, see parseTraffic
//	options    "type=service idle namespaces=default"
//	want/...   tree, narrow (one in 64 columns), table, narrow-table (in 80), dot,
//	           json: what is there is compared
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("golden files: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			snap, traffic, options := parse(t, archive)
			g := judged(graph.Build(meshtest.Seal(t, snap), traffic, options))
			check(t, g)
			for i, f := range archive.Files {
				name, ok := strings.CutPrefix(f.Name, "want/")
				if !ok {
					continue
				}
				got := render(t, name, g)
				if *update {
					archive.Files[i].Data = []byte(got)
				} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}

			// The order of the input does not matter.
			r := rand.New(rand.NewPCG(1, 2))
			for range 5 {
				shuffle(r, traffic.Requests)
				shuffle(r, traffic.Durations)
				shuffle(r, traffic.Connections)
				shuffle(r, traffic.Callers)
				if diff := cmp.Diff(g, judged(graph.Build(snap, traffic, options))); diff != "" {
					t.Fatalf("shuffled input:\n%s", diff)
				}
			}
		})
	}
}

// judged is the graph with the health that it has when it stays as it is.
func judged(g *graph.Graph) *graph.Graph {
	f := graph.Facts{Health: map[string]graph.Health{}}
	for id, s := range g.Samples(nil) {
		m := graph.Judge(graph.Memory{}, s)
		s.At = s.At.Add(time.Minute) // what never was ready is given time to start
		f.Health[id] = graph.Health{State: graph.Judge(m, s).State}
	}
	return graph.Judged(g, f)
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// check holds what is true of every graph.
func check(t *testing.T, g *graph.Graph) {
	t.Helper()
	nodes := map[string]bool{}
	for _, n := range g.Nodes {
		if nodes[n.ID] {
			t.Errorf("node %s is there twice", n.ID)
		}
		nodes[n.ID] = true
	}
	for _, e := range g.Edges {
		if !nodes[e.Source] || !nodes[e.Target] {
			t.Errorf("edge %s has an end that is not there", e.ID)
		}
	}
	if _, err := json.Marshal(g); err != nil {
		t.Error(err)
	}
	if p := graph.Diff(g, g); !p.Empty() {
		t.Errorf("difference to itself: %+v", p)
	}
	if got := graph.Diff(nil, g).Apply(&graph.Graph{Type: g.Type, At: g.At, Seconds: g.Seconds}); !cmp.Equal(g.Edges, got.Edges) || !cmp.Equal(g.Nodes, got.Nodes) {
		t.Error("the patch from nothing does not give the graph")
	}
}

func render(t *testing.T, form string, g *graph.Graph) string {
	t.Helper()
	var b strings.Builder
	var err error
	switch form {
	case "tree":
		err = graph.Tree(&b, g, 0)
	case "narrow":
		err = graph.Tree(&b, g, 64)
	case "table":
		err = graph.Table(&b, g, 0)
	case "narrow-table":
		err = graph.Table(&b, g, 80)
	case "dot":
		err = graph.Dot(&b, g)
	case "json":
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		err = e.Encode(g)
	default:
		t.Fatalf("unknown form %q", form)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t *testing.T, archive *txtar.Archive) (*mesh.Snapshot, graph.Traffic, graph.Options) {
	t.Helper()
	texts := map[string]string{}
	for _, f := range archive.Files {
		texts[f.Name] = string(f.Data)
	}
	yaml := []string{texts["mesh.yaml"]}
	if yaml[0] == "" {
		yaml = []string{meshtest.Bookinfo()}
	}
	if more := texts["more.yaml"]; more != "" {
		yaml = append(yaml, more)
	}
	options := graph.Options{}
	for _, word := range strings.Fields(texts["options"]) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "type":
			options.Type = graph.Type(value)
		case "idle":
			options.IncludeIdle = true
		case "namespaces":
			options.Namespaces = strings.Split(value, ",")
		default:
			t.Fatalf("unknown option %q", word)
		}
	}
	return meshtest.Snapshot(t, yaml...), parseTraffic(t, texts["traffic"]), options
}

// parseTraffic reads lines of
//
//	source|destination PROTOCOL FROM -> TO [service=HOST] [tls=…] [code=…] [grpc=…] [flags=…] rate=N [le=5:N,10:N,inf:N]
//	source|destination tcp FROM -> TO … opened=N closed=N sent=N received=N
//	caller ADDRESS PROTOCOL -> TO [service=HOST] [code=…] rate=N
//
// where FROM and TO are "unknown" or namespace/app-version, and HOST may be
// name.namespace.
func parseTraffic(t *testing.T, text string) graph.Traffic {
	t.Helper()
	traffic := graph.Traffic{At: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Window: time.Minute}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		arrow := slices.Index(words, "->")
		if arrow < 0 {
			t.Fatalf("no arrow in %q", line)
		}
		kv := map[string]string{}
		for _, w := range words[arrow+2:] {
			k, v, _ := strings.Cut(w, "=")
			kv[k] = v
		}
		if _, ok := kv["code"]; !ok && kv["opened"] == "" && words[0] != "caller" {
			kv["code"] = "200"
		}
		if words[0] == "caller" {
			traffic.Callers = append(traffic.Callers, graph.Caller{
				Address: netip.MustParseAddr(words[1]), Protocol: graph.Protocol(words[2]), Destination: peer(words[arrow+1]),
				Service: host(kv["service"]), Code: kv["code"], GRPC: kv["grpc"], Flags: kv["flags"], Rate: number(t, kv["rate"]),
			})
			continue
		}
		f := graph.Flow{
			Reporter: graph.Reporter(words[0]), Protocol: graph.Protocol(words[1]), Source: peer(words[2]), Destination: peer(words[arrow+1]),
			Service: host(kv["service"]), Security: graph.Security(kv["tls"]),
		}
		if f.Protocol == graph.TCP {
			traffic.Connections = append(traffic.Connections, graph.Connections{
				Flow: f, Flags: kv["flags"], Opened: number(t, kv["opened"]), Closed: number(t, kv["closed"]),
				Sent: number(t, kv["sent"]), Received: number(t, kv["received"]),
			})
			continue
		}
		traffic.Requests = append(traffic.Requests, graph.Requests{Flow: f, Code: kv["code"], GRPC: kv["grpc"], Flags: kv["flags"], Rate: number(t, kv["rate"])})
		if le := kv["le"]; le != "" {
			d := graph.Durations{Flow: f}
			for _, b := range strings.Split(le, ",") {
				bound, rate, _ := strings.Cut(b, ":")
				d.Buckets = append(d.Buckets, graph.Bucket{LE: number(t, bound), Rate: number(t, rate)})
			}
			traffic.Durations = append(traffic.Durations, d)
		}
	}
	return traffic
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	switch s {
	case "":
		return 0
	case "inf":
		return math.Inf(1)
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func peer(s string) graph.Peer {
	namespace, workload, ok := strings.Cut(s, "/")
	if !ok {
		return graph.Peer{}
	}
	p := graph.Peer{Cluster: "local", Namespace: namespace, Workload: workload, App: workload, Version: "latest"}
	if i := strings.LastIndex(workload, "-v"); i > 0 {
		p.App, p.Version = workload[:i], workload[i+1:]
	}
	return p
}

func host(s string) graph.ServiceName {
	name, namespace, _ := strings.Cut(s, ".")
	switch {
	case s == "":
		return graph.ServiceName{}
	case s == "PassthroughCluster" || s == "BlackHoleCluster":
		return graph.ServiceName{Name: s}
	case strings.Contains(namespace, "."):
		return graph.ServiceName{Host: s, Name: s}
	default:
		return graph.ServiceName{Host: s + ".svc.cluster.local", Name: name, Namespace: namespace}
	}
}

func TestDiff(t *testing.T) {
	snap := meshtest.Snapshot(t, meshtest.Bookinfo())
	build := func(text string) *graph.Graph { return graph.Build(snap, parseTraffic(t, text), graph.Options{}) }
	a := build("destination http default/productpage-v1 -> default/reviews-v1 tls=mutual_tls rate=5\ndestination http default/productpage-v1 -> default/details-v1 rate=5")
	b := build("destination http default/productpage-v1 -> default/reviews-v1 tls=mutual_tls rate=6\ndestination http default/reviews-v2 -> default/ratings-v1 rate=5")
	p := graph.Diff(a, b)
	if got := fmt.Sprint(len(p.Nodes), len(p.Edges), p.RemovedNodes, p.RemovedEdges); got !=
		"4 2 [app/local/default/details/v1] [app/local/default/productpage/v1 > app/local/default/details/v1 : http]" {
		t.Errorf("patch: %s", got)
	}
	b.Parts, b.Workloads = nil, nil
	if diff := cmp.Diff(b, p.Apply(a)); diff != "" {
		t.Error(diff)
	}
}
