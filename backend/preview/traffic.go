package preview

import (
	"cmp"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/graph"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
	"github.com/heddle-mesh/heddle/xds/serve"
)

// reach is whose requests a change of resources can touch.
type reach struct {
	hosts   map[string]bool // services that are called
	inbound bool            // requests to the proxy's own workload
}

// reachOf reads the names of the resources, and what routes lead to.
func reachOf(resources []Resource, snap *mesh.Snapshot) reach {
	r := reach{hosts: map[string]bool{}}
	cluster := func(name string) {
		c, ok := names.ParseCluster(name)
		switch {
		case !ok:
		case c.Direction == names.Inbound:
			r.inbound = true
		default:
			r.hosts[c.Host] = true
		}
	}
	for _, x := range resources {
		switch x.Type {
		case xds.ClusterType, xds.EndpointType:
			cluster(x.Name)
		case xds.VirtualHostType:
			// Calls to a service are counted as calls to it; what a gateway
			// offers under other names is counted where it leads.
			_, host, _ := names.ParseVirtualHost(x.Name)
			if _, isService := snap.Services.Get(host); isService {
				r.hosts[host] = true
				continue
			}
			led := x.Before.Clusters
			if len(led) == 0 {
				led = x.After.Clusters
			}
			for _, name := range led {
				cluster(name)
			}
		default:
			if x.Name == names.VirtualInbound {
				r.inbound = true
			}
			cluster(x.Name)
			for _, name := range slices.Concat(x.Before.Clusters, x.After.Clusters) {
				cluster(name)
			}
		}
	}
	return r
}

// workload is how the graph and proxies agree on who somebody is.
type workload struct{ namespace, name string }

// Caller is who sends requests that a change concerns.
type Caller struct {
	Workload  string  `json:"workload"`
	Namespace string  `json:"namespace"`
	RPS       float64 `json:"rps"`
}

// Requests are those that a change concerns, per second.
type Requests struct {
	RPS     float64  `json:"rps"`
	Callers []Caller `json:"callers"` // who sends most first
}

// figures answers questions about the requests between workloads.
type figures struct {
	nodes map[string]graph.Node
	edges []graph.Edge
	// pods counts the connected proxies of a workload: what it sends is shared
	// by them.
	pods    map[workload]int
	counted map[string]bool // edges
}

func newFigures(g *graph.Graph, proxies []serve.Connected) *figures {
	f := &figures{nodes: map[string]graph.Node{}, pods: map[workload]int{}, counted: map[string]bool{}}
	for _, p := range proxies {
		f.pods[workloadOf(p)]++
	}
	if g == nil {
		return f
	}
	for _, n := range g.Nodes {
		f.nodes[n.ID] = n
	}
	for _, e := range g.Edges {
		if e.Protocol != graph.TCP {
			f.edges = append(f.edges, e)
		}
	}
	return f
}

func workloadOf(p serve.Connected) workload {
	return workload{p.Namespace, p.Workload.Workload}
}

// concerned is what a proxy sends or gets, per second, of what is in reach.
func (f *figures) concerned(p serve.Connected, r reach) float64 {
	w, sum := workloadOf(p), 0.0
	for _, e := range f.edges {
		from, to := f.nodes[e.Source], f.nodes[e.Target]
		out := w == workload{from.Namespace, from.Workload} && slices.ContainsFunc(e.Services, func(host string) bool { return r.hosts[host] })
		in := r.inbound && w == workload{to.Namespace, to.Workload}
		if out || in {
			sum += e.Rate
			f.counted[e.ID] = true
		}
	}
	return graph.Round3(sum / float64(max(1, f.pods[w])))
}

// requests adds up everything that was found to be concerned, once.
func (f *figures) requests() *Requests {
	out := &Requests{Callers: []Caller{}}
	for _, e := range f.edges {
		if !f.counted[e.ID] || e.Rate == 0 {
			continue
		}
		out.RPS += e.Rate
		n := f.nodes[e.Source]
		i := slices.IndexFunc(out.Callers, func(c Caller) bool { return c.Workload == cmp.Or(n.Workload, n.Name) && c.Namespace == n.Namespace })
		if i < 0 {
			out.Callers = append(out.Callers, Caller{Workload: cmp.Or(n.Workload, n.Name), Namespace: n.Namespace})
			i = len(out.Callers) - 1
		}
		out.Callers[i].RPS += e.Rate
	}
	out.RPS = graph.Round3(out.RPS)
	for i := range out.Callers {
		out.Callers[i].RPS = graph.Round3(out.Callers[i].RPS)
	}
	slices.SortFunc(out.Callers, func(a, b Caller) int {
		return cmp.Or(-cmp.Compare(a.RPS, b.RPS), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Workload, b.Workload))
	})
	return out
}
