// Package live tells many readers over websockets what the mesh is like now,
// and what happened in it.
//
// A topic is a table of elements by id. Its first reader starts the computing of
// it, its last one ends that, and however many read it, it is computed once. A
// reader gets the whole table, and from then on what changed since it was last
// written to: a slow one gets fewer and larger patches, never old ones, and
// costs no memory but its place. Events are told from a ring, from wherever a
// reader left off.
package live
