package validate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

// everywhere is the scope of what all namespaces see.
const everywhere = "*"

// meshRoutes finds VirtualServices of sidecars by scope and full host:
// "default reviews.default.svc.cluster.local".
var meshRoutes = &Lookup{
	Name: "mesh routes by host", Kinds: virtualServices,
	Values: func(set mesh.Settings, o *mesh.Object) []string {
		var out []string
		for _, host := range hostsInMesh(set, o) {
			out = append(out, scopeOf(o)+" "+host)
		}
		return out
	},
}

// meshRoutesUnder finds the VirtualServices of sidecars that all namespaces see
// by each domain that one of their hosts lies in, with a leading dot.
var meshRoutesUnder = &Lookup{
	Name: "mesh routes under a domain", Kinds: virtualServices,
	Values: func(set mesh.Settings, o *mesh.Object) []string {
		if scopeOf(o) != everywhere {
			return nil
		}
		var out []string
		for _, host := range hostsInMesh(set, o) {
			out = append(out, domainsOf(strings.TrimPrefix(host, "*"))...)
		}
		return out
	},
}

// delegations finds VirtualServices by the "namespace/name" of one that they
// leave requests to.
var delegations = &Lookup{
	Name: "routes by delegate", Kinds: virtualServices,
	Values: func(_ mesh.Settings, o *mesh.Object) []string {
		var out []string
		for _, r := range spec[*networking.VirtualService](o).GetHttp() {
			if r.GetDelegate() != nil {
				ref := delegateRef(o, r.GetDelegate())
				out = append(out, ref.Namespace+"/"+ref.Name)
			}
		}
		return out
	},
}

func delegateRef(o *mesh.Object, d *networking.Delegate) mesh.Ref {
	return mesh.Ref{Kind: mesh.KindVirtualService, Namespace: cmp.Or(d.GetNamespace(), o.Namespace), Name: d.GetName()}
}

// inMesh reports whether a VirtualService is for sidecars.
func inMesh(vs *networking.VirtualService) bool {
	return len(vs.GetGateways()) == 0 || slices.Contains(vs.GetGateways(), meshGateway)
}

// hostsInMesh are the full hosts that a VirtualService rules at sidecars.
func hostsInMesh(set mesh.Settings, o *mesh.Object) []string {
	vs := spec[*networking.VirtualService](o)
	if !inMesh(vs) {
		return nil
	}
	out := make([]string, len(vs.GetHosts()))
	for i, h := range vs.GetHosts() {
		out[i] = fullHost(set, o.Namespace, h)
	}
	return distinct(out)
}

// scopeOf is who sees a VirtualService: everywhere, or the namespace that it is
// in, which stands for any choice of namespaces too.
func scopeOf(o *mesh.Object) string {
	to := spec[*networking.VirtualService](o).GetExportTo()
	if len(to) == 0 || slices.Contains(to, "*") {
		return everywhere
	}
	return o.Namespace
}

func meshHostKeys(set mesh.Settings, o *mesh.Object) []Key {
	var out []Key
	for _, host := range hostsInMesh(set, o) {
		out = append(out, Key{Name: scopeOf(o) + " " + host})
	}
	return out
}

// maxConflicts is of how many hosts of one object in one scope it is told that
// others rule them too. Objects of the same many hosts would make as many findings
// as all of them have hosts, each of which names the others.
const maxConflicts = 20

// conflictingMeshHosts finds VirtualServices that rule the same host for the
// same callers. A key is a scope and a host. Of each object the first
// maxConflicts such hosts are told, and with the last of them how many more
// there are.
func conflictingMeshHosts(x *Index, k Key, _ Evidence) []Found {
	scope, host, _ := strings.Cut(k.Name, " ")
	rivals := slices.Clone(x.By(meshRoutes, k.Name))
	if scope != everywhere {
		rivals = distinct(append(rivals, seenEverywhere(x, host)...))
	}
	if len(rivals) < 2 {
		return nil
	}
	slices.SortFunc(rivals, func(a, b *mesh.Object) int { return a.Ref.Compare(b.Ref) })
	names := namesOf(rivals)
	var out []Found
	for i, o := range rivals {
		path, before := hostPath(x, o, scope, host)
		if before == maxConflicts {
			continue
		}
		f := found(o, path, "host", host, "names", names)
		if before == maxConflicts-1 {
			if more := contestedHosts(x, o, scope) - maxConflicts; more > 0 {
				f.Params[moreParam] = strconv.Itoa(more)
			}
		}
		f.Related = slices.Concat(refsOf(rivals[:i]), refsOf(rivals[i+1:]))
		f.Related = f.Related[:min(len(f.Related), maxNamed)]
		out = append(out, f)
	}
	return out
}

// seenEverywhere are the VirtualServices of sidecars that all namespaces see
// and that rule a host, or wildcards that overlap with it.
func seenEverywhere(x *Index, host string) []*mesh.Object {
	names := append([]string{host}, wildcardsOver(host)...)
	var out []*mesh.Object
	for _, name := range names {
		out = append(out, x.By(meshRoutes, everywhere+" "+name)...)
	}
	if domain, wild := strings.CutPrefix(host, "*"); wild && domain != "" {
		out = append(out, x.By(meshRoutesUnder, domain)...)
	}
	return out
}

// hostPath is where a VirtualService names a host, or one that overlaps with it,
// and how many hosts before it others rule too in a scope. Having counted
// maxConflicts of these it looks no further.
func hostPath(x *Index, o *mesh.Object, scope, host string) (path string, before int) {
	set, hosts := x.Settings(), spec[*networking.VirtualService](o).GetHosts()
	for i, h := range hosts {
		full := fullHost(set, o.Namespace, h)
		if hostsOverlap(full, host) {
			return fmt.Sprintf("spec.hosts[%d]", i), before
		}
		if len(hosts) > maxConflicts && contested(x, scope, full) {
			if before++; before == maxConflicts {
				break
			}
		}
	}
	return "spec.hosts", before
}

// contestedHosts is how many hosts of a VirtualService others rule too in a scope.
func contestedHosts(x *Index, o *mesh.Object, scope string) int {
	n := 0
	for _, host := range hostsInMesh(x.Settings(), o) {
		if contested(x, scope, host) {
			n++
		}
	}
	return n
}

// contested reports whether several VirtualServices rule a host in a scope: the
// key of scope and host is one that conflictingMeshHosts finds something for.
func contested(x *Index, scope, host string) bool {
	n := x.count(meshRoutes, scope+" "+host)
	if n == 0 || n > 1 || scope == everywhere {
		return n > 1
	}
	for _, name := range append([]string{host}, wildcardsOver(host)...) {
		if x.count(meshRoutes, everywhere+" "+name) > 0 {
			return true
		}
	}
	domain, wild := strings.CutPrefix(host, "*")
	return wild && domain != "" && x.count(meshRoutesUnder, domain) > 0
}

// delegatesMissing finds delegates that are not there, or are none: one has no
// hosts of its own.
func delegatesMissing(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	for i, r := range spec[*networking.VirtualService](o).GetHttp() {
		if r.GetDelegate() == nil {
			continue
		}
		ref := delegateRef(o, r.GetDelegate())
		target, ok := x.Get(ref)
		if ok && len(spec[*networking.VirtualService](target).GetHosts()) == 0 && visible(target, o.Namespace) {
			continue
		}
		f := found(o, fmt.Sprintf("spec.http[%d].delegate", i), "delegate", ref.Namespace+"/"+ref.Name)
		if ok {
			f.Related = []mesh.Ref{ref}
		}
		out = append(out, f)
	}
	return out
}

// delegatesUnused finds VirtualServices without hosts that no other leaves
// requests to.
func delegatesUnused(x *Index, o *mesh.Object, _ Evidence) []Found {
	if len(spec[*networking.VirtualService](o).GetHosts()) > 0 {
		return nil
	}
	if len(x.By(delegations, o.Namespace+"/"+o.Name)) > 0 {
		return nil
	}
	return []Found{found(o, "spec", "name", o.Namespace+"/"+o.Name)}
}

// hostsOfNobody finds VirtualServices for sidecars alone whose hosts no service
// defines.
func hostsOfNobody(x *Index, o *mesh.Object, _ Evidence) []Found {
	vs := spec[*networking.VirtualService](o)
	if len(vs.GetHosts()) == 0 || slices.ContainsFunc(vs.GetGateways(), func(g string) bool { return g != meshGateway }) {
		return nil
	}
	seen := sightOf(x, o.Namespace)
	for _, host := range vs.GetHosts() {
		// A pod of a StatefulSet has a name below that of its Service.
		_, service, _ := strings.Cut(host, ".")
		if len(seen.meant(host)) > 0 || x.has(servicesByHost, strings.ToLower(service)) {
			return nil
		}
	}
	return []Found{found(o, "spec.hosts", "hosts", strings.Join(vs.GetHosts(), ", "))}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
