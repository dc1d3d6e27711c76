// Package scope says what one proxy sees of the mesh and which objects apply
// to it: visibility (exportTo), workload selection, and precedence between
// objects that claim the same host.
package scope

import (
	"cmp"
	"slices"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// MeshGateway is the reserved gateway name for all sidecars.
const MeshGateway = "mesh"

// Asker is who looks at the mesh: the traits of a proxy that scoping may read.
type Asker struct {
	Namespace string
	Labels    map[string]string // of the workload
	Gateway   bool
}

// Index holds the scoped objects of one snapshot in the order in which they
// take precedence. It is built once and shared by the views of all proxies.
type Index struct {
	snap     *mesh.Snapshot
	services []*mesh.Service
	exports  map[string]export // of services, by host; only those that are not public

	onMesh    *hostIndex[virtualService] // virtual services for sidecars
	onMeshAll []virtualService           // the same, each once
	onGateway map[mesh.Ref][]virtualService
	rules     *hostIndex[destinationRule]
	gateways  []*mesh.Object

	// selected are the labels that any selector names. Others change nothing
	// for anybody, even when they differ in nothing but the value.
	selected map[label]bool
}

type label struct{ key, value string }

type virtualService struct {
	object *mesh.Object
	export export
}

type destinationRule struct {
	object   *mesh.Object
	spec     *networking.DestinationRule
	export   export
	selector map[string]string
}

// NewIndex reads a snapshot.
func NewIndex(snap *mesh.Snapshot) *Index {
	x := &Index{
		snap:      snap,
		exports:   map[string]export{},
		onMesh:    newHostIndex[virtualService](),
		onGateway: map[mesh.Ref][]virtualService{},
		rules:     newHostIndex[destinationRule](),
		selected:  map[label]bool{},
	}
	note := func(selector map[string]string) {
		for k, v := range selector {
			x.selected[label{k, v}] = true
		}
	}

	for s := range snap.Services.Values() {
		x.services = append(x.services, s)
		if len(s.ExportTo) > 0 {
			x.exports[s.Host] = exportOf(s.ExportTo, s.Namespace)
		}
	}

	for _, o := range inPrecedence(snap.Kind(mesh.KindVirtualService)) {
		spec, ok := o.Spec.(*networking.VirtualService)
		if !ok {
			continue
		}
		vs := virtualService{object: o, export: exportOf(spec.ExportTo, o.Namespace)}
		onMesh, refs := gatewaysOf(spec, o.Namespace)
		if onMesh {
			x.onMeshAll = append(x.onMeshAll, vs)
			for _, h := range spec.Hosts {
				x.onMesh.add(ResolveHost(h, o.Namespace, snap.Settings.ClusterDomain), vs)
			}
		}
		for _, ref := range refs {
			x.onGateway[ref] = append(x.onGateway[ref], vs)
		}
		for _, m := range sourceLabels(spec) {
			note(m)
		}
	}

	for _, o := range inPrecedence(snap.Kind(mesh.KindDestinationRule)) {
		spec, ok := o.Spec.(*networking.DestinationRule)
		if !ok {
			continue
		}
		selector := spec.GetWorkloadSelector().GetMatchLabels()
		note(selector)
		x.rules.add(ResolveHost(spec.Host, o.Namespace, snap.Settings.ClusterDomain), destinationRule{
			object: o, spec: spec, export: exportOf(spec.ExportTo, o.Namespace), selector: selector,
		})
	}

	for _, o := range inPrecedence(snap.Kind(mesh.KindGateway)) {
		if spec, ok := o.Spec.(*networking.Gateway); ok {
			x.gateways = append(x.gateways, o)
			note(spec.Selector)
		}
	}
	return x
}

// For is what a reads of snap. Where many proxies ask, build one Index.
func For(snap *mesh.Snapshot, a Asker) *View { return NewIndex(snap).For(a) }

// Asker reduces a to the traits that can make a difference in this snapshot:
// labels that no selector names are dropped.
func (x *Index) Asker(a Asker) Asker {
	var labels map[string]string
	for k, v := range a.Labels {
		if !x.selected[label{k, v}] {
			continue
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[k] = v
	}
	a.Labels = labels
	return a
}

// For is the view of one asker.
func (x *Index) For(a Asker) *View { return &View{x: x, asker: x.Asker(a)} }

// inPrecedence orders objects by creation, then namespace and name: the order
// in which they win. Objects without a time count as the oldest.
func inPrecedence(objects []*mesh.Object) []*mesh.Object {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *mesh.Object) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return sorted
}

// ResolveHost completes a short name in the namespace of the object that uses
// it; names with a dot, and wildcards, are complete already.
func ResolveHost(host, namespace, clusterDomain string) string {
	host = strings.ToLower(host)
	if host == "" || strings.ContainsAny(host, ".*") {
		return host
	}
	return host + "." + namespace + ".svc." + clusterDomain
}

// ResolveGateway completes the name of a gateway as written in a
// VirtualService of a namespace.
func ResolveGateway(name, namespace string) mesh.Ref {
	if ns, n, ok := strings.Cut(name, "/"); ok {
		if ns != "." {
			namespace = ns
		}
		name = n
	}
	return mesh.Ref{Kind: mesh.KindGateway, Namespace: namespace, Name: name}
}

// gatewaysOf lists where a VirtualService applies: gateways of the whole object
// and those named by single matches only.
func gatewaysOf(spec *networking.VirtualService, namespace string) (onMesh bool, refs []mesh.Ref) {
	names := slices.Clone(spec.Gateways)
	if len(names) == 0 {
		names = []string{MeshGateway}
	}
	for _, r := range spec.Http {
		for _, m := range r.Match {
			names = append(names, m.Gateways...)
		}
	}
	for _, r := range spec.Tls {
		for _, m := range r.Match {
			names = append(names, m.Gateways...)
		}
	}
	for _, r := range spec.Tcp {
		for _, m := range r.Match {
			names = append(names, m.Gateways...)
		}
	}
	for _, n := range names {
		if n == MeshGateway {
			onMesh = true
			continue
		}
		if ref := ResolveGateway(n, namespace); !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return onMesh, refs
}

func sourceLabels(spec *networking.VirtualService) []map[string]string {
	var all []map[string]string
	for _, r := range spec.Http {
		for _, m := range r.Match {
			all = append(all, m.SourceLabels)
		}
	}
	for _, r := range spec.Tls {
		for _, m := range r.Match {
			all = append(all, m.SourceLabels)
		}
	}
	for _, r := range spec.Tcp {
		for _, m := range r.Match {
			all = append(all, m.SourceLabels)
		}
	}
	return all
}
