// Package serve is the xDS server: it tells every connected proxy what the
// latest snapshot means for it, over the aggregated discovery service, delta
// and state of the world.
//
//	Head → Planner → memo (each Part made, checked and marshalled once)
//	     → per proxy: what it lacks → order (what may go now) → stream
//
// A stream keeps no queue. Whenever it may send, it looks at the newest state
// and sends what the proxy lacks of that; so a slow proxy skips states instead
// of falling behind. What a proxy has is known by content: versions are digests
// of bytes, so a proxy that comes back gets nothing that it already has.
//
// A resource that a proxy rejects is quarantined by its content, for the proxies
// of the same workload at once, for all when a second workload rejects it too,
// and the last content that was accepted takes its place.
package serve
