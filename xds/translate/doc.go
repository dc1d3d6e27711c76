// Package translate turns a Snapshot into what each proxy gets: one pure
// function per kind of Envoy resource, a file per feature.
//
//	Planner.Plan → view of the proxy (mesh/scope) → clusters, endpoints, routes,
//	virtual hosts: shared by a class of proxies; listeners: by workload template
//
// A Part's Key digests what its Make captured and nothing else is read when it
// is made, so proxies whose keys are equal share the very bytes.
package translate
