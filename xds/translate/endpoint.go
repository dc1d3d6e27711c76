package translate

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
	"github.com/heddle-mesh/heddle/xds"
)

const (
	lbKey = "envoy.lb"
	// addressKey holds an endpoint's own address, for chains that lead to just one.
	addressKey = "address"
)

// endpointPart are the endpoints of a cluster: those that take traffic now and
// carry the labels of the subset. Those that are draining are left out: Envoy
// finishes what runs on them and starts nothing new.
func endpointPart(cluster string, sub subset, list *mesh.EndpointList) xds.Part {
	if list == nil {
		list = &mesh.EndpointList{}
	}
	return xds.Part{
		Type: xds.EndpointType,
		Name: cluster,
		Key:  digest("endpoints", cluster, list.Hash.String(), labelText(sub.Labels)),
		Make: func() (proto.Message, []mesh.Finding) {
			return loadAssignment(cluster, sub.Labels, list.Endpoints), nil
		},
	}
}

func loadAssignment(cluster string, selector map[string]string, endpoints []mesh.Endpoint) *endpointv3.ClusterLoadAssignment {
	var chosen []mesh.Endpoint
	for _, e := range endpoints {
		if e.Health == mesh.Ready && scope.Selects(selector, e.Labels) {
			chosen = append(chosen, e)
		}
	}
	slices.SortStableFunc(chosen, func(a, b mesh.Endpoint) int { return compareLocality(a.Locality, b.Locality) })
	m := &endpointv3.ClusterLoadAssignment{ClusterName: cluster}
	for i, e := range chosen {
		if i == 0 || e.Locality != chosen[i-1].Locality {
			m.Endpoints = append(m.Endpoints, &endpointv3.LocalityLbEndpoints{
				Locality:            &corev3.Locality{Region: e.Locality.Region, Zone: e.Locality.Zone, SubZone: e.Locality.Subzone},
				LoadBalancingWeight: wrapperspb.UInt32(0),
			})
		}
		group := m.Endpoints[len(m.Endpoints)-1]
		group.LbEndpoints = append(group.LbEndpoints, lbEndpoint(e))
		group.LoadBalancingWeight.Value += max(e.Weight, 1)
	}
	return m
}

func lbEndpoint(e mesh.Endpoint) *endpointv3.LbEndpoint {
	w := e.Workload
	fields := metadata(metadataKey, map[string]string{
		"workload":           w.Workload,
		"namespace":          w.Namespace,
		"app":                w.App,
		"version":            w.Version,
		"canonical_name":     w.Canonical,
		"canonical_revision": w.Revision,
		"cluster":            cmp.Or(w.Cluster, e.Cluster),
	})
	if e.Meshed {
		fields[matchKey] = metadata(matchKey, map[string]string{tlsMode: tlsIstio})[matchKey]
	}
	host := e.Hostname
	if host == "" {
		host = e.Address.String()
		fields[lbKey] = addressMetadata(e.Address).FilterMetadata[lbKey]
	}
	return &endpointv3.LbEndpoint{
		HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
			Address: socketAddress(host, e.Port),
		}},
		Metadata:            &corev3.Metadata{FilterMetadata: fields},
		LoadBalancingWeight: wrapperspb.UInt32(max(e.Weight, 1)),
	}
}

// addressMetadata selects, or marks, the endpoint with one address.
func addressMetadata(addr netip.Addr) *corev3.Metadata {
	return &corev3.Metadata{FilterMetadata: metadata(lbKey, map[string]string{addressKey: addr.String()})}
}

// labelText writes labels in the order of their keys.
func labelText(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(k + "=" + labels[k] + "\x00")
	}
	return b.String()
}

func compareLocality(a, b mesh.Locality) int {
	return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Subzone, b.Subzone))
}
