package history

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	networking "istio.io/api/networking/v1alpha3"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/config"
)

// Summary says in a code with parameters what a change did.
type Summary struct {
	Code   string            `json:"code" enum:"created,changed,deleted,weights,several"`
	Params map[string]string `json:"params"`
}

// summarize is the summary of edits.
func summarize(edits []edit, undoes string) Summary {
	s := Summary{Params: map[string]string{}}
	if undoes != "" {
		s.Params["undoes"] = undoes
	}
	if len(edits) != 1 {
		count := map[Op]int{}
		for _, e := range edits {
			count[e.op()]++
		}
		s.Code = "several"
		s.Params["created"], s.Params["changed"], s.Params["deleted"] = strconv.Itoa(count[Create]), strconv.Itoa(count[Modify]), strconv.Itoa(count[Delete])
		return s
	}
	e := edits[0]
	s.Code = map[Op]string{Create: "created", Modify: "changed", Delete: "deleted"}[e.op()]
	s.Params["kind"], s.Params["name"] = e.ref.Kind.Name, e.ref.Name
	if e.ref.Namespace != "" {
		s.Params["namespace"] = e.ref.Namespace
	}
	if moved, ok := weights(e); ok {
		s.Code = "weights"
		maps.Copy(s.Params, moved)
	}
	return s
}

// weights tells which weights a change of a VirtualService moved, if it moved
// those of one route and nothing else: the place of the route in http, its
// destinations, and their weights before and after.
func weights(e edit) (moved map[string]string, ok bool) {
	if e.op() != Modify || e.ref.Kind != mesh.KindVirtualService {
		return nil, false
	}
	before, after := virtualService(e.before.bytes), virtualService(e.after.bytes)
	if before == nil || after == nil || len(before.Http) != len(after.Http) {
		return nil, false
	}
	at := -1
	for i := range before.Http {
		if _, a := weighted(before.Http[i]); a != "" {
			if _, b := weighted(after.Http[i]); b != a {
				if at >= 0 {
					return nil, false
				}
				at = i
			}
		}
	}
	if at < 0 || !proto.Equal(weightless(before), weightless(after)) {
		return nil, false
	}
	labels, from := weighted(before.Http[at])
	_, to := weighted(after.Http[at])
	return map[string]string{"route": strconv.Itoa(at), "labels": labels, "from": from, "to": to}, true
}

// weighted are the destinations of a route by what tells them apart, and their
// weights.
func weighted(r *networking.HTTPRoute) (labels, weights string) {
	var names, numbers []string
	for _, d := range r.Route {
		name := d.GetDestination().GetSubset()
		if name == "" {
			name = d.GetDestination().GetHost()
		}
		names, numbers = append(names, name), append(numbers, fmt.Sprint(d.Weight))
	}
	return strings.Join(names, "/"), strings.Join(numbers, "/")
}

func weightless(vs *networking.VirtualService) *networking.VirtualService {
	out := proto.CloneOf(vs)
	for _, r := range out.Http {
		for _, d := range r.Route {
			d.Weight = 0
		}
	}
	return out
}

func virtualService(text []byte) *networking.VirtualService {
	r := config.Decode("", text)
	if len(r.Objects) != 1 {
		return nil
	}
	vs, _ := r.Objects[0].Spec.(*networking.VirtualService)
	return vs
}
