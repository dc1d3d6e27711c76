package validate

import (
	"strconv"

	"github.com/heddle-mesh/heddle/mesh"
)

// spelling tells what names of one object probably mean that name nothing. It is
// bounded as guesses are.
type spelling struct {
	x          *Index
	more, left int
}

func spellingOf(x *Index) *spelling {
	return &spelling{x: x, more: maxGuesses, left: maxNames}
}

// correct gives a finding its fix: what is probably meant by the name at its path,
// among the words that fit. Write says how the word stands there; nil is as it is.
func (s *spelling) correct(f *Found, name string, words func() []string, fits func(word string) bool, write func(word string) string) {
	if f.Fix != nil {
		return
	}
	if s.more == 0 || s.x.wanted != "" && f.Path != s.x.wanted {
		f.Unsought = true
		return
	}
	s.more--
	before := s.left
	like, whole := alikeTo(name, words(), &s.left)
	s.x.effort += before - s.left
	if !whole {
		f.Unsought = true
		return
	}
	near := like.fitting(fits)
	if near != "" && write != nil {
		near = write(near)
	}
	f.mean(near)
}

// anyWord fits every word.
func anyWord(string) bool { return true }

// namesOf are the names of the objects of a kind in a namespace; of all where it is
// empty.
func (s *spelling) namesOf(kind mesh.Kind, namespace string) func() []string {
	return func() []string {
		var list []*mesh.Object
		if namespace == "" {
			list = s.x.All(kind)
		} else {
			list = s.x.In(kind, namespace)
		}
		out := make([]string, len(list))
		for i, o := range list {
			out[i] = o.Name
		}
		return out
	}
}

// renamed are the edits that give a key of a mapping another name.
func renamed(from, to, value string) []mesh.Edit {
	return []mesh.Edit{{Op: mesh.OpSet, Path: to, Value: strconv.Quote(value)}, {Op: mesh.OpDelete, Path: from}}
}
