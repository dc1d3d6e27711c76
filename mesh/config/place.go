package config

import (
	yaml "go.yaml.in/yaml/v4"
)

// Place is where in an object's text the value at a field path stands, line and
// column counted from 1. A path that leads out of the text gives the last value
// on the way; text or a path that cannot be read gives the beginning.
func Place(text []byte, path string) (line, column int) {
	p, err := ParsePath(path)
	if err != nil {
		return 1, 1
	}
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return 1, 1
	}
	at := locate(doc.Content[0], p)
	return max(at.Line, 1), max(at.Column, 1)
}
