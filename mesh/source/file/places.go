package file

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Places finds the text of objects for people: in the manifest that an object was
// applied from as long as the object is what stands there, and else in the
// folder. It remembers what it read, so it is for one use.
type Places struct {
	origins origins
	read    map[string]manifest
}

// manifest is a file with what it holds.
type manifest struct {
	data    []byte
	objects map[mesh.Ref]*mesh.Object
}

// Places reads which manifests objects came from.
func (s *Store) Places() (*Places, error) {
	known, err := s.readOrigins()
	if err != nil {
		return nil, err
	}
	return &Places{origins: known, read: map[string]manifest{}}, nil
}

// Find says where the value at a field path of an object stands. Line and column
// count from 1; column 0 is unknown.
func (p *Places) Find(o *mesh.Object, path string) (file string, line, column int) {
	from := p.origins[o.ID()]
	at := from.Path
	if at == "" && filepath.IsAbs(from.From) {
		at = from.From
	}
	if at != "" {
		m := p.open(at)
		if written := m.objects[o.Ref]; written != nil && textSum(written) == textSum(o) {
			line, column = config.PlaceIn(m.data, written, path)
			return at, line, column
		}
	}
	if o.Origin.File == "" {
		return "", 0, 0
	}
	line, column = config.PlaceIn(p.open(o.Origin.File).data, o, path)
	return o.Origin.File, line, column
}

// Placed says of findings where a person finds what they are about: in the text
// of the written objects that they name. Findings on text that is no object, and
// on other objects, stay as they are.
func (s *Store) Placed(findings []mesh.Finding, written []*mesh.Object) ([]mesh.Finding, error) {
	if len(findings) == 0 {
		return findings, nil
	}
	places, err := s.Places()
	if err != nil {
		return findings, err
	}
	objects := map[mesh.Ref]*mesh.Object{}
	for _, o := range written {
		if objects[o.Ref] == nil {
			objects[o.Ref] = o
		}
	}
	out := slices.Clone(findings)
	for i, f := range out {
		if o := objects[f.Ref]; o != nil && (f.Phase != mesh.PhaseDecode || f.Severity != mesh.Error) {
			out[i].File, out[i].Line, out[i].Column = places.Find(o, f.Path)
		}
	}
	return out, nil
}

// open reads a file; one that is gone holds nothing.
func (p *Places) open(path string) manifest {
	if m, ok := p.read[path]; ok {
		return m
	}
	m := manifest{objects: map[mesh.Ref]*mesh.Object{}}
	if data, err := os.ReadFile(path); err == nil {
		m.data = data
		for _, o := range config.Decode(path, data).Objects {
			if m.objects[o.Ref] == nil {
				m.objects[o.Ref] = o
			}
		}
	}
	p.read[path] = m
	return m
}
