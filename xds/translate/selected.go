package translate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/scope"
)

// selectedServices finds the services that select a workload without asking
// each of them: there are as many services as workloads. It holds a service
// under the first label that its selector names.
type selectedServices map[selectorLabel][]*mesh.Service

type selectorLabel struct{ namespace, key, value string }

func newSelectedServices(snap *mesh.Snapshot) selectedServices {
	x := selectedServices{}
	for svc := range snap.Services.Values() {
		if len(svc.Selector) == 0 {
			continue
		}
		key := slices.Min(slices.Collect(maps.Keys(svc.Selector)))
		l := selectorLabel{svc.Namespace, key, svc.Selector[key]}
		x[l] = append(x[l], svc)
	}
	return x
}

// of lists the services of a workload by host.
func (x selectedServices) of(w *mesh.Workload) []*mesh.Service {
	var services []*mesh.Service
	for key, value := range w.Labels {
		for _, svc := range x[selectorLabel{w.Namespace, key, value}] {
			if scope.Selects(svc.Selector, w.Labels) {
				services = append(services, svc)
			}
		}
	}
	slices.SortFunc(services, func(a, b *mesh.Service) int { return cmp.Compare(a.Host, b.Host) })
	return services
}
