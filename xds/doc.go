// Package xds holds what Envoy is told: parts, resources, and sets of resources
// that were checked before they are sent.
//
// A Part is one Envoy resource that is not made yet: its type, its name, and a
// Key over exactly what making it will read. Equal keys give equal bytes, so a
// resource is made once for all proxies that share the key.
package xds
