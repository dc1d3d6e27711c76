// Package validate finds the mistakes that only show when objects are seen
// together, and the ones in a single object that are legal but hardly meant.
//
// A check is an entry of one literal list. It says which objects make work for
// it (On, Keys), does one unit of that work (Run), and looks at other objects
// through an Index only, which notes every look-up. Checks are pure: they read
// a snapshot and what was observed (Evidence), and give the same findings for
// the same input in whatever order they run. That is what lets an Engine run
// them on all cores, and after a change run only those whose look-ups the
// change touched.
package validate
