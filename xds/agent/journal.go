package agent

import (
	"log/slog"
	"slices"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"

	"github.com/heddle-mesh/heddle/xds"
)

// maxOutstanding bounds the responses that are remembered until Envoy answers;
// a control plane sends one per type at a time, and a few unasked.
const maxOutstanding = 256

// journal reads along while one stream is passed through, and keeps the cache.
// request is called by one goroutine and response by another, so the caller
// holds a lock around both.
type journal struct {
	stream uint64
	cache  *cache
	log    *slog.Logger

	waiting []*discoveryv3.DeltaDiscoveryResponse // oldest first
	// opened are the types that were asked for on this stream; the value is
	// true while the first answer is not acknowledged.
	opened map[string]bool
	// routes are the route configurations whose hosts were told on this stream.
	routes map[string]bool
}

func newJournal(stream uint64, c *cache, log *slog.Logger) *journal {
	return &journal{stream: stream, cache: c, log: log, opened: map[string]bool{}, routes: map[string]bool{}}
}

// request takes in what Envoy says.
func (j *journal) request(data []byte) {
	var m discoveryv3.DeltaDiscoveryRequest
	if err := proto.Unmarshal(data, &m); err != nil {
		j.log.Warn("request of Envoy cannot be read", "error", err)
		return
	}
	if _, known := j.opened[m.GetTypeUrl()]; !known {
		j.opened[m.GetTypeUrl()] = true
		for name := range m.GetInitialResourceVersions() {
			j.cache.holds(j.stream, m.GetTypeUrl(), name)
		}
	}
	if nonce := m.GetResponseNonce(); nonce != "" {
		if r := j.take(m.GetTypeUrl(), nonce); r != nil {
			if e := m.GetErrorDetail(); e != nil {
				j.cache.taint(r, e.GetMessage())
				j.log.Warn("Envoy refused configuration", "type", m.GetTypeUrl(), "error", e.GetMessage())
			} else {
				j.acknowledged(r)
			}
		}
	}
	j.cache.forget(m.GetTypeUrl(), m.GetResourceNamesUnsubscribe())
}

func (j *journal) acknowledged(r *discoveryv3.DeltaDiscoveryResponse) {
	j.cache.commit(j.stream, r)
	first := j.opened[r.GetTypeUrl()]
	j.opened[r.GetTypeUrl()] = false
	switch r.GetTypeUrl() {
	case xds.ClusterType, xds.ListenerType:
		// The first answer to a wildcard says everything that Envoy lacks.
		if first {
			j.cache.prune(j.stream, r.GetTypeUrl())
		}
	case xds.VirtualHostType:
		// So does the first answer about the hosts of one configuration.
		for _, route := range routesOf(r) {
			if !j.routes[route] {
				j.routes[route] = true
				j.cache.pruneHosts(j.stream, route)
			}
		}
	}
}

// routesOf are the route configurations whose hosts a response is about.
func routesOf(r *discoveryv3.DeltaDiscoveryResponse) []string {
	var out []string
	for _, res := range r.GetResources() {
		out = append(out, routeOf(res.GetName()))
	}
	for _, name := range r.GetRemovedResources() {
		out = append(out, routeOf(name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// response takes in what the control plane says.
func (j *journal) response(data []byte) {
	var m discoveryv3.DeltaDiscoveryResponse
	if err := proto.Unmarshal(data, &m); err != nil {
		j.log.Warn("response of the control plane cannot be read", "error", err)
		return
	}
	j.waiting = append(j.waiting, &m)
	if len(j.waiting) > maxOutstanding {
		j.waiting = j.waiting[1:]
	}
}

// take removes the response that a nonce answers.
func (j *journal) take(typeURL, nonce string) *discoveryv3.DeltaDiscoveryResponse {
	for i, m := range j.waiting {
		if m.GetNonce() == nonce && m.GetTypeUrl() == typeURL {
			j.waiting = append(j.waiting[:i], j.waiting[i+1:]...)
			return m
		}
	}
	return nil
}
