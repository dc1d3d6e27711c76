package serve

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
)

// Made is what becomes of a Part, whether or not any proxy is sent it.
type Made struct {
	// Version names the bytes; empty where nothing can be made of the part.
	Version string
	// Bytes is what it weighs on the wire.
	Bytes int
	// Endpoints names the endpoints that go behind a cluster, unasked.
	Endpoints string
	// Clusters are those that a route or listener leads to.
	Clusters []string
	Findings []mesh.Finding

	content *content
}

// Message is the resource itself, to be read; nil where nothing was made.
func (m Made) Message() (proto.Message, error) {
	if m.content == nil {
		return nil, nil
	}
	r, err := m.content.resource(nil)
	return r.Message, err
}

// Make says what becomes of a part. What some proxy's plan holds is known
// already and costs nothing; so does what Make was asked for a moment ago.
func (s *Server) Make(p xds.Part) Made {
	e := s.memo.get(p)
	m := Made{Findings: e.findings, content: e.content}
	if c := e.content; c != nil {
		m.Version, m.Bytes = c.version, c.size()
		m.Endpoints, m.Clusters = c.facts.endpoints, c.facts.clusters
	}
	return m
}

// Connected is a proxy that has a stream open.
type Connected struct {
	xds.Proxy
	// Refusing is true when the proxy has something else than it should, because
	// it rejected that.
	Refusing bool
}

// Connected lists the pods whose proxies are connected, by ID, each once.
func (s *Server) Connected() []Connected {
	byUID := map[string]Connected{}
	for _, st := range s.open() {
		st.mu.Lock()
		proxy, known := st.proxy, st.view != nil
		refusing := known && len(st.view.withheld()) > 0
		st.mu.Unlock()
		if !known || proxy.Workload == nil {
			continue
		}
		byUID[st.uid] = Connected{Proxy: proxy, Refusing: refusing || byUID[st.uid].Refusing}
	}
	all := make([]Connected, 0, len(byUID))
	for _, c := range byUID {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Connected) int { return compareProxies(a.Proxy, b.Proxy) })
	return all
}

func compareProxies(a, b xds.Proxy) int {
	switch {
	case a.ID < b.ID || a.ID == b.ID && a.UID < b.UID:
		return -1
	case a.ID == b.ID && a.UID == b.UID:
		return 0
	}
	return 1
}
