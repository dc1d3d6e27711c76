// Package follower asks a control plane for what Envoy asks for, on one delta
// stream. It is for tests that play a proxy, and knows of no connection.
package follower

import (
	"fmt"
	"slices"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/heddle-mesh/heddle/xds"
)

// Follower remembers what a stream has subscribed to, by type.
type Follower struct {
	known map[string]map[string]bool
}

// New is for a stream that has just been opened.
func New() *Follower { return &Follower{known: map[string]map[string]bool{}} }

// First is the request that a stream begins with.
func (f *Follower) First() *discoveryv3.DeltaDiscoveryRequest {
	return &discoveryv3.DeltaDiscoveryRequest{TypeUrl: xds.ClusterType}
}

// Taken gives the requests to send for a response that the proxy took: those
// for what it leads to, as Envoy subscribes, and last the acknowledgement.
func (f *Follower) Taken(r *discoveryv3.DeltaDiscoveryResponse) ([]*discoveryv3.DeltaDiscoveryRequest, error) {
	names := map[string][]string{}
	for _, x := range r.GetResources() {
		m, err := x.GetResource().UnmarshalNew()
		if err != nil {
			return nil, fmt.Errorf("read resource %s: %w", x.GetName(), err)
		}
		for _, ref := range xds.References(m) {
			if ref.Type == xds.ClusterType || f.known[ref.Type][ref.Name] {
				continue
			}
			if f.known[ref.Type] == nil {
				f.known[ref.Type] = map[string]bool{}
			}
			f.known[ref.Type][ref.Name] = true
			names[ref.Type] = append(names[ref.Type], ref.Name)
		}
	}
	var requests []*discoveryv3.DeltaDiscoveryRequest
	for _, typ := range xds.Types {
		if len(names[typ]) > 0 {
			slices.Sort(names[typ])
			requests = append(requests, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: typ, ResourceNamesSubscribe: names[typ]})
		}
	}
	next := map[string]string{xds.ClusterType: xds.ListenerType, xds.RouteType: xds.VirtualHostType}[r.GetTypeUrl()]
	if next != "" && f.known[next] == nil {
		f.known[next] = map[string]bool{}
		requests = append(requests, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: next})
	}
	return append(requests, answer(r)), nil
}

// Rejected is the request to send for a response that the proxy rejected, with
// its words.
func (f *Follower) Rejected(r *discoveryv3.DeltaDiscoveryResponse, words string) *discoveryv3.DeltaDiscoveryRequest {
	q := answer(r)
	q.ErrorDetail = &status.Status{Code: int32(codes.Internal), Message: words}
	return q
}

func answer(r *discoveryv3.DeltaDiscoveryResponse) *discoveryv3.DeltaDiscoveryRequest {
	return &discoveryv3.DeltaDiscoveryRequest{TypeUrl: r.GetTypeUrl(), ResponseNonce: r.GetNonce()}
}
