// Package mesh is the model of a service mesh: the objects that people declare,
// the services, workloads and endpoints that a cluster reports, and the
// immutable Snapshot that joins both.
//
// It knows neither Envoy nor HTTP. Everything the product shows or sends is a
// pure function of a Snapshot:
//
//	sources → Build(prev, inputs) → Snapshot → Head → translation, checks, graph, API
//
// A Snapshot and everything reachable from it is read-only. Tables iterate in
// the order of their keys, so the order of input never reaches any output.
package mesh
