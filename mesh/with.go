package mesh

import "slices"

// With is the snapshot as it would be if objs stood in it, each in place of the
// object with its reference, if there is one. Findings about the text of a
// replaced object go with it; those about the new text are the caller's to add.
func (s *Snapshot) With(objs ...*Object) *Snapshot {
	return s.edit(objs, nil)
}

// Without is the snapshot as it would be if the named objects were gone.
func (s *Snapshot) Without(refs ...Ref) *Snapshot {
	return s.edit(nil, refs)
}

func (s *Snapshot) edit(add []*Object, remove []Ref) *Snapshot {
	gone := make(map[Ref]bool, len(add)+len(remove))
	last := make(map[Ref]*Object, len(add)) // of two additions with one reference the later stands
	for _, o := range add {
		gone[o.Ref] = true
		last[o.Ref] = o
	}
	for _, r := range remove {
		gone[r] = true
	}
	in := Inputs{Settings: s.Settings}
	for _, list := range [][]*Object{s.Objects.vals, s.shadowed} {
		for _, o := range list {
			if !gone[o.Ref] {
				in.Objects = append(in.Objects, o)
			}
		}
	}
	for _, o := range add {
		if last[o.Ref] == o {
			in.Objects = append(in.Objects, o)
			delete(last, o.Ref)
		}
	}
	in.Findings = slices.DeleteFunc(slices.Clone(s.given), func(f Finding) bool {
		return f.Phase == PhaseDecode && gone[f.Ref]
	})
	return Build(s, in)
}
