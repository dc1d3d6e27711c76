package validate

import (
	"strconv"

	"github.com/heddle-mesh/heddle/mesh"
)

// Check is one thing that is looked for.
type Check struct {
	Code     string // "HDL2101"
	Severity mesh.Severity
	// SameAs are the codes of other tools that mean the same, "IST0101",
	// "KIA1101". Annotations that silence one of them silence this check.
	SameAs []string
	// Absence says that each finding rests on something not being there. Where
	// not everything is in sight, it becomes "cannot tell".
	Absence bool
	// Needs is the evidence without which the check cannot tell.
	Needs []Aspect
	// On are the kinds whose objects make work.
	On []mesh.Kind
	// Keys are the units of work that an object of these kinds takes part in.
	Keys func(set mesh.Settings, o *mesh.Object) []Key
	// Reads are all kinds that Run may look up, those of On included.
	Reads []mesh.Kind
	// Status says that Run reads more of objects than mesh.Object.Hash covers:
	// the status, which changes more often than what people write, or the text.
	Status bool
	// Run does one unit of work. It must be pure, and look at objects through
	// the index only.
	Run func(x *Index, k Key, e Evidence) []Found
	// Elsewhere are the fixes of findings on an object that lie in another one, by
	// the paths of the findings that are asked for. It is not part of Run: only who
	// looks at a finding wants it. It looks at maxMending objects, and reports
	// whether it got to the end.
	Elsewhere func(x *Index, o *mesh.Object, paths map[string]bool) (remedies map[string]*Remedy, whole bool)
}

// Key names one unit of a check's work: an object, or something that several
// objects share, a host or a namespace.
type Key struct {
	Ref  mesh.Ref
	Name string
}

// Found is what a check reports; the engine adds code, severity and words.
type Found struct {
	Object *mesh.Object
	Path   string            // "spec.http[0].route[0].destination.host"; empty is the whole object
	Params map[string]string // values for the placeholders of the message
	// Related are the other objects that take part.
	Related []mesh.Ref
	Fix     []mesh.Edit
	// Unsought says that nobody looked for the fix; see mesh.Finding.
	Unsought bool
}

// found is Found with its parameters as name, value pairs.
func found(o *mesh.Object, path string, params ...string) Found {
	f := Found{Object: o, Path: path}
	if len(params) > 0 {
		f.Params = make(map[string]string, len(params)/2)
		for i := 0; i+1 < len(params); i += 2 {
			f.Params[params[i]] = params[i+1]
		}
	}
	return f
}

// mean says what was probably meant by the value at the path of a finding, with
// the edit that puts it there; nothing when near is empty.
func (f *Found) mean(near string) {
	if near == "" {
		return
	}
	f.Params["near"] = near
	f.Fix = []mesh.Edit{{Op: mesh.OpSet, Path: f.Path, Value: strconv.Quote(near)}}
}

// eachObject makes every object a unit of work of its own.
func eachObject(_ mesh.Settings, o *mesh.Object) []Key { return []Key{{Ref: o.Ref}} }

// eachNamespace makes a unit of work of all objects of a namespace.
func eachNamespace(_ mesh.Settings, o *mesh.Object) []Key { return []Key{{Name: o.Namespace}} }

// forObject adapts a function on the object that a key names.
func forObject(run func(x *Index, o *mesh.Object, e Evidence) []Found) func(*Index, Key, Evidence) []Found {
	return func(x *Index, k Key, e Evidence) []Found {
		o, ok := x.Get(k.Ref)
		if !ok {
			return nil
		}
		return run(x, o, e)
	}
}

// spec is the content of an object, nil when it is of another type.
func spec[T any](o *mesh.Object) T {
	s, _ := o.Spec.(T)
	return s
}
