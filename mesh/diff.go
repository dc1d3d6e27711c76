package mesh

// Delta is what differs between two snapshots. All lists are sorted; an empty
// Delta means equal content.
type Delta struct {
	Added, Changed, Removed []Ref

	// Keys that were added, changed or removed.
	Services  []string // hosts
	Workloads []string // pod UIDs
	Endpoints []EndpointKey

	Findings bool // the findings differ
	Settings bool
}

// Empty reports whether nothing differs.
func (d Delta) Empty() bool {
	return len(d.Added)+len(d.Changed)+len(d.Removed)+len(d.Services)+len(d.Workloads)+len(d.Endpoints) == 0 &&
		!d.Findings && !d.Settings
}

// Diff compares two snapshots, either of which may be nil. Its cost is small
// where b was built from a.
func Diff(a, b *Snapshot) Delta {
	if a == nil {
		a = &Snapshot{}
	}
	if b == nil {
		b = &Snapshot{}
	}
	var d Delta
	if a == b {
		return d
	}
	walk(a.Objects, b.Objects, sameObject, func(r Ref, change int) {
		switch {
		case change > 0:
			d.Added = append(d.Added, r)
		case change < 0:
			d.Removed = append(d.Removed, r)
		default:
			d.Changed = append(d.Changed, r)
		}
	})
	walk(a.Services, b.Services, sameService, func(k string, _ int) { d.Services = append(d.Services, k) })
	walk(a.Workloads, b.Workloads, sameWorkload, func(k string, _ int) { d.Workloads = append(d.Workloads, k) })
	walk(a.Endpoints, b.Endpoints, func(x, y *EndpointList) bool { return x.Hash == y.Hash },
		func(k EndpointKey, _ int) { d.Endpoints = append(d.Endpoints, k) })
	d.Settings = a.Settings != b.Settings
	d.Findings = len(a.Findings) != len(b.Findings)
	for i := 0; !d.Findings && i < len(a.Findings); i++ {
		d.Findings = CompareFindings(a.Findings[i], b.Findings[i]) != 0
	}
	return d
}

// walk calls report for each key that differs, in order: with 1 for those only
// in b, -1 for those only in a, 0 for those that differ in value.
func walk[K any, V comparable](a, b Table[K, V], same func(x, y V) bool, report func(key K, change int)) {
	if a.SameAs(b) {
		return
	}
	compare := a.cmp
	if compare == nil {
		compare = b.cmp
	}
	i, j := 0, 0
	for i < len(a.keys) || j < len(b.keys) {
		order := 0
		switch {
		case i == len(a.keys):
			order = 1
		case j == len(b.keys):
			order = -1
		default:
			order = compare(a.keys[i], b.keys[j])
		}
		switch {
		case order < 0:
			report(a.keys[i], -1)
			i++
		case order > 0:
			report(b.keys[j], 1)
			j++
		default:
			if a.vals[i] != b.vals[j] && !same(a.vals[i], b.vals[j]) {
				report(a.keys[i], 0)
			}
			i++
			j++
		}
	}
}
