package translate

import (
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/heddle-mesh/heddle/mesh"
)

// A hostPart is a virtual host that is not made yet, for any route
// configuration that serves it.
type hostPart struct {
	// Suffix tells the host from the others of its route configuration. It
	// holds no slash: Envoy cuts the name of a virtual host at the last one.
	Suffix string
	// Domains are what the host answers to; no other host of the same list
	// holds one of them.
	Domains []string
	// Key digests everything that Make reads, the name of the route
	// configuration excepted.
	Key mesh.Hash
	// From lists the objects that decide, the service last.
	From []mesh.Ref
	// Make builds the host, named <routeConfig>/<Suffix>. A nil host together
	// with findings means that the host cannot be made as declared: what a
	// proxy has under this name stays.
	Make func(routeConfig string) (*routev3.VirtualHost, []mesh.Finding)
}
