// Package simulate walks a request through what a proxy was given, as Envoy
// would, and says where it goes and which objects decided that.
//
//	Call → listener → filter chain → route configuration → virtual host → route → Answer
package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds"
	"github.com/heddle-mesh/heddle/xds/names"
)

// Call is one request as it reaches a proxy.
type Call struct {
	Method string // GET when empty
	Scheme string // http when empty
	Host   string // as the Host header carries it: "reviews:9080"
	Path   string // with the query: "/reviews/0?full=1"
	// Headers by name; names may be written in any case.
	Headers map[string]string

	// Address that was dialled. The zero Addr stands for one that no listener
	// is made for.
	Address netip.Addr
	Port    uint32
	// Inbound calls arrive at a sidecar for its own application; others leave
	// an application, or arrive at a gateway.
	Inbound bool
	// TLS of the connection as the proxy sees it, with what the client offers.
	TLS  bool
	ALPN []string
	SNI  string
	// HTTP2 calls speak HTTP/2 without having agreed on it by ALPN.
	HTTP2 bool
}

// Answer is what a proxy does with a Call. Durations of 0 mean no limit.
type Answer struct {
	Listener           string `json:"listener,omitempty"`
	RouteConfiguration string `json:"routeConfiguration,omitempty"`
	VirtualHost        string `json:"virtualHost,omitempty"`
	Domain             string `json:"domain,omitempty"` // of the virtual host, that matched
	Route              int    `json:"route"`            // index in the virtual host, -1 when none matched
	RouteName          string `json:"routeName,omitempty"`

	// One of these says what happens. A Failure is Envoy's own answer.
	Clusters []Share   `json:"clusters,omitempty"`
	Redirect *Redirect `json:"redirect,omitempty"`
	Direct   *Direct   `json:"direct,omitempty"`
	Failure  *Failure  `json:"failure,omitempty"`

	// Of forwarded requests.
	Host    string        `json:"host,omitempty"` // that the upstream sees, when it is another one
	Path    string        `json:"path,omitempty"` // that the upstream sees, when it is another one
	Timeout time.Duration `json:"timeout,omitempty"`
	Retries *Retries      `json:"retries,omitempty"`
	Mirrors []Share       `json:"mirrors,omitempty"`
	Fault   *Fault        `json:"fault,omitempty"`

	RequestHeaders  Headers `json:"requestHeaders"`
	ResponseHeaders Headers `json:"responseHeaders"`

	// Decisions in the order in which they were taken.
	Decisions []Decision `json:"decisions,omitempty"`
	// Note says in words what the rest cannot; empty where there is nothing.
	Note string `json:"note,omitempty"`
}

// Share is a part of the requests, in percent, that goes to a cluster.
type Share struct {
	Cluster string  `json:"cluster"`
	Percent float64 `json:"percent"`
	// Known is false when the proxy has no such cluster: it answers 503.
	Known bool `json:"known"`
	// Empty is true when the cluster has no endpoint that takes requests: the
	// proxy answers 503.
	Empty bool `json:"empty,omitempty"`
	// RequestHeaders and ResponseHeaders are done for this cluster besides
	// those of the route.
	RequestHeaders  Headers `json:"requestHeaders"`
	ResponseHeaders Headers `json:"responseHeaders"`
	Host            string  `json:"host,omitempty"` // rewritten for this cluster alone
}

// Redirect sends the client elsewhere.
type Redirect struct {
	Status   int    `json:"status"`
	Location string `json:"location"`
}

// Direct answers without asking anybody.
type Direct struct {
	Status int    `json:"status"`
	Body   string `json:"body,omitempty"`
}

// Failure is why a request gets nowhere, with Envoy's response flags.
type Failure struct {
	Status int    `json:"status,omitempty"` // 0: the connection is closed
	Flags  string `json:"flags,omitempty"`
	Reason string `json:"reason"`
}

// Retries of a forwarded request.
type Retries struct {
	Attempts      uint32        `json:"attempts"`
	PerTryTimeout time.Duration `json:"perTryTimeout,omitempty"`
	On            string        `json:"on"`
	Codes         []uint32      `json:"codes,omitempty"`
}

// Fault that is injected before a request goes anywhere.
type Fault struct {
	Delay        time.Duration `json:"delay,omitempty"`
	DelayPercent float64       `json:"delayPercent,omitempty"`
	AbortStatus  uint32        `json:"abortStatus,omitempty"`
	AbortGRPC    *uint32       `json:"abortGrpc,omitempty"`
	AbortPercent float64       `json:"abortPercent,omitempty"`
}

// Headers that are changed on the way.
type Headers struct {
	Set    []Header `json:"set,omitempty"`
	Add    []Header `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

// Header is one header with its value as configured.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Decision is one step of the way, with the objects behind it.
type Decision struct {
	What string     `json:"what"` // listener, virtual host, route, destination
	Name string     `json:"name"`
	From []mesh.Ref `json:"from,omitempty"`
	// Path is the field of the first object of From that decided.
	Path string `json:"path,omitempty"`
	// Note says why this is not what the objects say now; empty where it is.
	Note string `json:"note,omitempty"`
}

// From lists the objects behind all decisions, the last decision first, each once.
func (a *Answer) From() []mesh.Ref {
	seen := map[mesh.Ref]bool{}
	var refs []mesh.Ref
	for i := len(a.Decisions) - 1; i >= 0; i-- {
		for _, r := range a.Decisions[i].From {
			if !seen[r] {
				seen[r] = true
				refs = append(refs, r)
			}
		}
	}
	return refs
}

// Walk follows a call through the resources of one proxy. It fails when the
// resources hold something that it cannot read; a request that gets nowhere is
// an Answer with a Failure.
func Walk(set *xds.ResourceSet, c Call) (*Answer, error) {
	w := &walk{set: set, call: c.complete(), answer: &Answer{Route: -1}}
	if err := w.run(); err != nil {
		return nil, fmt.Errorf("walk %s %s%s: %w", w.call.Method, w.call.Host, w.call.Path, err)
	}
	w.destinations()
	return w.answer, nil
}

// complete fills in what a call left out.
func (c Call) complete() Call {
	if c.Method == "" {
		c.Method = "GET"
	}
	if c.Scheme == "" {
		c.Scheme = "http"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	lower := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		lower[strings.ToLower(name)] = value
	}
	c.Headers = lower
	return c
}

// header finds a request header, pseudo-headers included.
func (c Call) header(name string) (string, bool) {
	switch name = strings.ToLower(name); name {
	case ":method":
		return c.Method, true
	case ":scheme":
		return c.Scheme, true
	case ":path":
		return c.Path, true
	case ":authority", "host":
		return c.Host, c.Host != ""
	default:
		v, ok := c.Headers[name]
		return v, ok
	}
}

type walk struct {
	set    *xds.ResourceSet
	call   Call
	answer *Answer
}

func (w *walk) run() error {
	l := w.listener()
	if l == nil {
		w.fail(0, "", fmt.Sprintf("no listener takes connections to port %d", w.call.Port))
		return nil
	}
	message := l.Message.(*listenerv3.Listener)
	w.answer.Listener = l.Name
	w.decide("listener", l.Name, l.From, "")
	chain := w.chain(message)
	if chain == nil {
		w.fail(0, "NR", "no filter chain of listener "+l.Name+" takes such a connection")
		return nil
	}
	for _, f := range chain.GetFilters() {
		if f.GetTypedConfig() == nil {
			continue
		}
		m, err := f.GetTypedConfig().UnmarshalNew()
		if err != nil {
			return fmt.Errorf("filter %s of listener %s: %w", f.GetName(), l.Name, err)
		}
		switch m := m.(type) {
		case *hcmv3.HttpConnectionManager:
			return w.http(m)
		case *tcpv3.TcpProxy:
			w.tcp(m)
			return nil
		}
	}
	return errors.New("listener " + l.Name + " has neither HTTP nor TCP behind it")
}

func (w *walk) decide(what, name string, from []mesh.Ref, path string) {
	w.answer.Decisions = append(w.answer.Decisions, Decision{What: what, Name: name, From: from, Path: path})
}

func (w *walk) fail(status int, flags, reason string) {
	w.answer.Failure = &Failure{Status: status, Flags: flags, Reason: reason}
}

// share of the requests that goes to a cluster.
func (w *walk) share(cluster string, percent float64) Share {
	s := Share{Cluster: cluster, Percent: percent}
	r, known := w.set.Get(xds.ClusterType, cluster)
	if !known {
		return s
	}
	s.Known = true
	c, ok := r.Message.(*clusterv3.Cluster)
	if !ok || c.GetType() != clusterv3.Cluster_EDS {
		return s
	}
	e, _ := w.set.Get(xds.EndpointType, cmp.Or(c.GetEdsClusterConfig().GetServiceName(), cluster))
	s.Empty = e == nil || !takesRequests(e)
	return s
}

// takesRequests reports whether one of the endpoints is not known to be unwell.
func takesRequests(r *xds.Resource) bool {
	a, _ := r.Message.(*endpointv3.ClusterLoadAssignment)
	for _, l := range a.GetEndpoints() {
		for _, e := range l.GetLbEndpoints() {
			switch e.GetHealthStatus() {
			case corev3.HealthStatus_UNKNOWN, corev3.HealthStatus_HEALTHY, corev3.HealthStatus_DEGRADED:
				return true
			}
		}
	}
	return false
}

// destinations names who decided about the clusters that requests go to.
func (w *walk) destinations() {
	for _, s := range w.answer.Clusters {
		if r, ok := w.set.Get(xds.ClusterType, s.Cluster); ok && len(r.From) > 0 {
			w.decide("destination", s.Cluster, r.From, "")
		}
	}
}

// listener finds who takes the connection: for the address and port, for the
// port at any address, or else the one that catches all.
func (w *walk) listener() *xds.Resource {
	listeners := w.set.OfType(xds.ListenerType)
	find := func(is func(*listenerv3.Listener) bool) *xds.Resource {
		for _, r := range listeners {
			if l, ok := r.Message.(*listenerv3.Listener); ok && is(l) {
				return r
			}
		}
		return nil
	}
	named := func(name string) *xds.Resource {
		return find(func(l *listenerv3.Listener) bool { return l.GetName() == name })
	}
	if w.call.Inbound {
		return named(names.VirtualInbound)
	}
	port := func(l *listenerv3.Listener) bool {
		return l.GetAddress().GetSocketAddress().GetPortValue() == w.call.Port
	}
	if w.call.Address.IsValid() {
		want := w.call.Address.Unmap().String()
		if r := find(func(l *listenerv3.Listener) bool {
			return port(l) && l.GetAddress().GetSocketAddress().GetAddress() == want
		}); r != nil {
			return r
		}
	}
	// By name first: a gateway's listener may stand on another port than the
	// one it is for.
	if r := named(names.PortListener(w.call.Port)); r != nil {
		return r
	}
	if r := find(func(l *listenerv3.Listener) bool {
		a := l.GetAddress().GetSocketAddress().GetAddress()
		return port(l) && (a == "0.0.0.0" || a == "::") && l.GetName() != names.VirtualInbound
	}); r != nil {
		return r
	}
	return named(names.VirtualOutbound)
}

func (w *walk) tcp(m *tcpv3.TcpProxy) {
	if c := m.GetCluster(); c != "" {
		w.answer.Clusters = []Share{w.share(c, 100)}
		return
	}
	var total float64
	for _, c := range m.GetWeightedClusters().GetClusters() {
		total += float64(c.GetWeight())
	}
	for _, c := range m.GetWeightedClusters().GetClusters() {
		w.answer.Clusters = append(w.answer.Clusters, w.share(c.GetName(), 100*float64(c.GetWeight())/total))
	}
}
