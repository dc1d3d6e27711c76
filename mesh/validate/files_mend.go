package validate

import (
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Amended is a Remedy with its place.
type Amended struct {
	Remedy
	// File is where the object stands, with the edits as replacements in its text;
	// empty when it does not stand in the files.
	File    string
	Splices []config.Replacement
}

// mend finds the fixes in other objects of what is told.
func (r *reader) mend() {
	var objects []Wanted // without paths
	paths := map[Wanted]map[string]bool{}
	for _, l := range r.answer.Findings {
		if c := checkOf(l.Code); c == nil || c.Elsewhere == nil {
			continue
		}
		o := Wanted{Code: l.Code, Ref: l.Ref}
		if paths[o] == nil {
			paths[o] = map[string]bool{}
			objects = append(objects, o)
		}
		paths[o][l.Path] = true
	}
	if len(objects) == 0 {
		return
	}
	x := newIndex(r.snapshot)
	remedies, whole := map[Wanted]map[string]*Remedy{}, map[Wanted]bool{}
	for _, o := range objects {
		remedies[o], whole[o] = elsewhere(x, o, paths[o])
	}
	effort, places := maxSpliced, r.places()
	amended := map[*Remedy]*Amended{}
	for i := range r.answer.Findings {
		l := &r.answer.Findings[i]
		o := Wanted{Code: l.Code, Ref: l.Ref}
		if paths[o] == nil {
			continue
		}
		remedy := remedies[o][l.Path]
		if remedy == nil {
			l.Unsought = l.Unsought || !whole[o]
			continue
		}
		a, known := amended[remedy]
		if !known {
			a = r.amend(remedy, places, &effort)
			amended[remedy] = a
		}
		if a == nil {
			l.Unsought = l.Unsought || effort < 0
			continue
		}
		l.Elsewhere = append(l.Elsewhere, *a)
	}
}

// amend places a remedy; nil when it cannot be made in the file.
func (r *reader) amend(remedy *Remedy, places func(file string) *config.Places, effort *int) *Amended {
	a := &Amended{Remedy: *remedy}
	o := r.own[remedy.Ref]
	if o == nil {
		return a
	}
	p := places(o.Origin.File)
	if p == nil {
		return nil
	}
	var err error
	if a.Splices, err = p.Splices(o, remedy.Edits, effort); err != nil {
		return nil
	}
	a.File = o.Origin.File
	return a
}
