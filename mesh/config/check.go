package config

import "github.com/heddle-mesh/heddle/mesh"

// Issue is one thing that the API of an object's kind refuses.
type Issue struct {
	Path    Path
	Message string
}

// Check finds what the API itself refuses in one object, whatever else there is
// in the mesh: hosts that are no names, weights below zero, ports out of range.
func Check(o *mesh.Object) []Issue {
	return nil
}
