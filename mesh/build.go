package mesh

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Build makes a snapshot from the last word of every source. It is pure: equal
// inputs in any order give an equal snapshot, whatever prev is. prev may be nil;
// tables and values that did not change are taken over from it, so that pointer
// comparison finds what changed.
//
// Of several objects with one reference the first by source, file and line
// stands; each other one gives a finding with CodeDuplicate.
func Build(prev *Snapshot, in Inputs) *Snapshot {
	if prev == nil {
		prev = &Snapshot{}
	}
	s := collect(prev, in)
	if in.Settings == prev.Settings && sameKinds(prev.byKind, s.byKind, derivedFrom) {
		s.Services, s.Workloads, s.Endpoints = prev.Services, prev.Workloads, prev.Endpoints
	} else {
		d := derive(in.Settings, s.byKind)
		s.Services = share(prev.Services, d.services, sameService)
		s.Workloads = share(prev.Workloads, d.workloads, sameWorkload)
		s.Endpoints = share(prev.Endpoints, d.endpoints, func(a, b *EndpointList) bool { return a.Hash == b.Hash })
	}
	s.Revision = s.revision()
	return s
}

// Collect makes a snapshot of objects alone, for those who look at nothing else:
// nothing is derived from them, and it has no revision.
func Collect(in Inputs) *Snapshot { return collect(&Snapshot{}, in) }

// collect fills in the objects, and the findings.
func collect(prev *Snapshot, in Inputs) *Snapshot {
	chosen, shadowed := choose(in.Objects)
	s := &Snapshot{Settings: in.Settings, shadowed: shadowed}
	s.Objects, s.byKind = shareObjects(prev, chosen)

	s.given = sortedFindings(in.Findings)
	s.Findings = s.given
	if len(shadowed) > 0 {
		s.Findings = sortedFindings(append(slices.Clone(s.given), duplicates(s.Objects, shadowed)...))
	}
	return s
}

// derivedFrom are the kinds that Services, Workloads and Endpoints are made
// from. As long as none of their objects changes, neither do the tables.
var derivedFrom = []Kind{KindService, KindPod, KindDeployment, KindEndpointSlice, KindServiceEntry, KindWorkloadEntry}

// choose sorts objects by reference and separates those that stand from those
// that another one shadows.
func choose(all []*Object) (chosen, shadowed []*Object) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b *Object) int {
		return cmp.Or(
			a.Ref.Compare(b.Ref),
			cmp.Compare(a.Origin.Source, b.Origin.Source),
			cmp.Compare(a.Origin.File, b.Origin.File),
			cmp.Compare(a.Origin.Line, b.Origin.Line),
			cmp.Compare(a.Version, b.Version),
			bytes.Compare(a.Hash[:], b.Hash[:]),
		)
	})
	for _, o := range sorted {
		if n := len(chosen); n > 0 && chosen[n-1].Ref == o.Ref {
			shadowed = append(shadowed, o)
			continue
		}
		chosen = append(chosen, o)
	}
	return chosen, shadowed
}

func duplicates(objects Table[Ref, *Object], shadowed []*Object) []Finding {
	out := make([]Finding, 0, len(shadowed))
	for _, o := range shadowed {
		first, ok := objects.Get(o.Ref)
		if !ok {
			continue
		}
		out = append(out, Finding{
			Code: CodeDuplicate, Severity: Error, Phase: PhaseSource, Ref: o.Ref,
			Message: o.Ref.String() + " is declared twice; the one in " + first.Origin.place() +
				" is used. Remove one of them.",
			Params: map[string]string{"first": first.Origin.place(), "second": o.Origin.place()},
			File:   o.Origin.File, Line: o.Origin.Line,
		})
	}
	return out
}

// place is where the object was read, as people write it.
func (o Origin) place() string {
	switch {
	case o.File == "":
		return cmp.Or(o.Source, "the input")
	case o.Line == 0:
		return o.File
	default:
		return o.File + ":" + strconv.Itoa(o.Line)
	}
}

// shareObjects makes the table of objects and the lists by kind, from objects
// in order of reference, with everything unchanged taken from prev.
func shareObjects(prev *Snapshot, chosen []*Object) (Table[Ref, *Object], map[Kind][]*Object) {
	objects := share(prev.Objects, sortedTable(CompareRefs, chosen, func(o *Object) Ref { return o.Ref }), sameObject)
	if objects.SameAs(prev.Objects) && prev.byKind != nil {
		return objects, prev.byKind
	}
	byKind := map[Kind][]*Object{}
	for o := range objects.Values() {
		byKind[o.Kind] = append(byKind[o.Kind], o)
	}
	for k, list := range byKind {
		if old := prev.byKind[k]; slices.Equal(old, list) {
			byKind[k] = old
			continue
		}
		byKind[k] = slices.Clip(list)
	}
	return objects, byKind
}

// sameObject reports whether both are one object, read twice. Objects without
// a version are the same only when they are one value, for nothing vouches for
// what their hash leaves out.
func sameObject(a, b *Object) bool {
	return a == b || a.Version != "" && a.Ref == b.Ref && a.Version == b.Version && a.Hash == b.Hash &&
		a.Origin == b.Origin && a.UID == b.UID && a.APIVersion == b.APIVersion &&
		a.Created.Equal(b.Created) && bytes.Equal(a.Text, b.Text)
}

func sameService(a, b *Service) bool {
	return a.Hash == b.Hash && slices.Equal(a.Accounts, b.Accounts) && slices.Equal(a.From, b.From)
}

func sameWorkload(a, b *Workload) bool {
	return a.Hash == b.Hash && a.Phase == b.Phase && a.Ready == b.Ready && a.Terminating == b.Terminating
}

// sameKinds reports whether the lists of some kinds are the very same in both.
func sameKinds(a, b map[Kind][]*Object, kinds []Kind) bool {
	if a == nil {
		return false
	}
	for _, k := range kinds {
		if !slices.Equal(a[k], b[k]) {
			return false
		}
	}
	return true
}

// share gives next with every value that is the same in prev taken from prev,
// and prev itself when nothing changed.
func share[K any, V comparable](prev, next Table[K, V], same func(a, b V) bool) Table[K, V] {
	if prev.Len() == 0 {
		return next
	}
	unchanged := prev.Len() == next.Len()
	vals := slices.Clone(next.vals)
	i := 0
	for j, k := range next.keys {
		for i < len(prev.keys) && next.cmp(prev.keys[i], k) < 0 {
			i++
		}
		if i < len(prev.keys) && next.cmp(prev.keys[i], k) == 0 && (prev.vals[i] == vals[j] || same(prev.vals[i], vals[j])) {
			vals[j] = prev.vals[i]
			continue
		}
		unchanged = false
	}
	if unchanged {
		return prev
	}
	next.vals = vals
	return next
}

// sortedTable makes a table of values whose keys are sorted and unique already.
func sortedTable[K any, V any](compare func(a, b K) int, vals []V, key func(V) K) Table[K, V] {
	t := Table[K, V]{cmp: compare, keys: make([]K, len(vals)), vals: slices.Clip(vals)}
	for i, v := range vals {
		t.keys[i] = key(v)
	}
	return t
}

// sortedFindings orders findings by everything a person sees of them.
func sortedFindings(list []Finding) []Finding {
	out := slices.Clone(list)
	slices.SortStableFunc(out, CompareFindings)
	return out
}

// CompareFindings orders findings by object, place, code and text.
func CompareFindings(a, b Finding) int {
	return cmp.Or(
		a.Ref.Compare(b.Ref),
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Phase, b.Phase),
		cmp.Compare(a.Message, b.Message),
		slices.Compare(flat(a.Params), flat(b.Params)),
		slices.CompareFunc(a.Related, b.Related, CompareRefs),
	)
}

func flat(m map[string]string) []string {
	if len(m) == 0 {
		return nil
	}
	out := make([]string, 0, 2*len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k, m[k])
	}
	return out
}

// revision digests everything that a reader of the snapshot can see.
func (s *Snapshot) revision() Hash {
	var d digest
	set := s.Settings
	d.strs([]string{set.TrustDomain, set.ClusterDomain, set.Cluster, set.RootNamespace, set.PodRange})
	for _, on := range []bool{set.OutboundAllowAny, set.AutoMTLS, set.AllocateAddresses, set.LocalGateway} {
		d.flag(on)
	}
	d.str(strconv.FormatFloat(set.TraceSampling, 'g', -1, 64))

	for _, list := range [][]*Object{s.Objects.vals, s.shadowed} {
		d.num(uint64(len(list)))
		for _, o := range list {
			d.ref(o.Ref)
			d.hash(o.Hash)
			d.strs([]string{o.Version, o.APIVersion, o.UID, o.Origin.Source, o.Origin.File, o.Origin.From})
			d.num(uint64(o.Origin.Line))
			d.num(uint64(o.Created.UnixNano()))
		}
	}
	d.num(uint64(s.Services.Len()))
	for v := range s.Services.Values() {
		d.hash(v.Hash)
		d.strs(v.Accounts)
		d.num(uint64(len(v.From)))
		for _, r := range v.From {
			d.ref(r)
		}
	}
	d.num(uint64(s.Workloads.Len()))
	for w := range s.Workloads.Values() {
		d.hash(w.Hash)
		d.str(w.Phase)
		d.flag(w.Ready)
		d.flag(w.Terminating)
	}
	d.num(uint64(s.Endpoints.Len()))
	for k, e := range s.Endpoints.All() {
		d.str(k.Host)
		d.num(uint64(k.Port))
		d.hash(e.Hash)
	}
	d.num(uint64(len(s.Findings)))
	for _, f := range s.Findings {
		d.ref(f.Ref)
		d.strs([]string{f.Code, string(f.Severity), string(f.Phase), f.Path, f.Message, f.File})
		d.num(uint64(f.Line))
		d.num(uint64(f.Column))
		d.dict(f.Params)
		d.num(uint64(len(f.Related)))
		for _, r := range f.Related {
			d.ref(r)
		}
	}
	return d.sum()
}
