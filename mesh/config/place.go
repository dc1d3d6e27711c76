package config

import (
	"bytes"

	yaml "go.yaml.in/yaml/v4"

	"github.com/heddle-mesh/heddle/mesh"
)

// Place is where in an object's text the value at a field path stands, line and
// column counted from 1. A path that leads out of the text gives the last value
// on the way; text or a path that cannot be read gives the beginning.
func Place(text []byte, path string) (line, column int) { return Placer(text)(path) }

// Placer is Place for many paths in one text, which is read once.
func Placer(text []byte) func(path string) (line, column int) {
	var doc yaml.Node
	readable := yaml.Unmarshal(text, &doc) == nil && len(doc.Content) > 0
	return func(path string) (line, column int) {
		p, err := ParsePath(path)
		if err != nil || !readable {
			return 1, 1
		}
		at := locate(doc.Content[0], p)
		return max(at.Line, 1), max(at.Column, 1)
	}
}

// PlaceIn is the same in the file that an object was read from. Of an object
// whose text does not stand in the file as it is, such as an item of a List, it
// tells the first line alone; column 0 is unknown.
func PlaceIn(data []byte, o *mesh.Object, path string) (line, column int) {
	return PlacerIn(data, o)(path)
}

// PlacerIn is PlaceIn for many paths in one object, whose text is read once.
func PlacerIn(data []byte, o *mesh.Object) func(path string) (line, column int) {
	if len(o.Text) == 0 || !bytes.Contains(data, bytes.TrimSpace(o.Text)) {
		return func(string) (line, column int) { return o.Origin.Line, 0 }
	}
	place := Placer(o.Text)
	return func(path string) (line, column int) {
		line, column = place(path)
		return o.Origin.Line + line - 1, column
	}
}

// Lines is, for many paths in one object's text, the line on which a field is
// named, or on which an item of a list begins: where an editor opens it. A path
// that leads out of the text gives the line of the last value on the way; text or
// a path that cannot be read gives the first.
func Lines(text []byte) func(path string) int {
	var doc yaml.Node
	readable := yaml.Unmarshal(text, &doc) == nil && len(doc.Content) > 0
	return func(path string) int {
		p, err := ParsePath(path)
		if err != nil || !readable {
			return 1
		}
		if last := len(p) - 1; last >= 0 && !p[last].List {
			around := resolve(locate(doc.Content[0], p[:last]))
			for i := 0; around.Kind == yaml.MappingNode && i+1 < len(around.Content); i += 2 {
				if key := around.Content[i]; key.Value == p[last].Key || key.Value == protoName(p[last].Key) {
					return max(key.Line, 1)
				}
			}
		}
		return max(locate(doc.Content[0], p).Line, 1)
	}
}
