package validate

import (
	"fmt"

	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
)

var virtualServiceChecks = []Check{
	{
		Code: "HDL2101", Severity: mesh.Error, SameAs: []string{"IST0101", "KIA1101"}, Absence: true,
		On: []mesh.Kind{mesh.KindVirtualService}, Keys: eachObject,
		Reads: []mesh.Kind{mesh.KindVirtualService, mesh.KindService, mesh.KindServiceEntry},
		Run:   forObject(destinationHosts),
	},
}

// destinationHosts finds destinations that no service defines.
func destinationHosts(x *Index, o *mesh.Object, _ Evidence) []Found {
	var out []Found
	missing := func(host, path string) {
		full := fullHost(x.Settings(), o.Namespace, host)
		for _, s := range servicesOf(x, full) {
			if visible(s, o.Namespace) {
				return
			}
		}
		out = append(out, found(o, path, "host", host))
	}
	for i, r := range spec[*networking.VirtualService](o).GetHttp() {
		for j, d := range r.Route {
			missing(d.GetDestination().GetHost(), fmt.Sprintf("spec.http[%d].route[%d].destination.host", i, j))
		}
	}
	return out
}
