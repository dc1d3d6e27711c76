// Package local carries the state of the cluster on this machine from the
// supervisor, which runs it, to the control plane, its child, over one unix
// stream socket.
//
// Both ends live in one package because they share one wire format: frames of
// a 4-byte big-endian length and one JSON value, with at most one file
// descriptor attached to a frame. The supervisor's end is Server, the control
// plane's end is Client, which is a source.Source.
//
// States are whole lists; a newer one replaces an older one that was not sent
// yet, so that a slow reader costs bounded memory. After a reconnect everything
// is said again.
package local
