// Package config turns text into objects and objects into text: strict decoding
// of YAML and JSON with the line and field path of every problem, the schemas and
// the checks that each API demands of a single object, the table of kinds, the
// table of what is supported, and edits of a document that leave every other byte
// alone.
//
// It looks at one object at a time. What concerns several objects is the business
// of the checks over a snapshot.
package config
