package translate

import (
	"strconv"
	"testing"

	"github.com/heddle-mesh/heddle/mesh"
)

func TestHostsInVainAreBounded(t *testing.T) {
	object := func(name string) *mesh.Object {
		return &mesh.Object{Ref: mesh.Ref{Kind: mesh.KindVirtualService, Namespace: "default", Name: name}}
	}
	owner, many, few := object("owner"), object("many"), object("few")
	var plans []*hostPlan
	for i := range 300 {
		p := &hostPlan{host: "h" + strconv.Itoa(i), port: 80, owner: owner, overruled: []*mesh.Object{many}}
		if i >= 300-maxOverruled {
			p.overruled = append(p.overruled, few)
		}
		plans = append(plans, p)
	}
	told, more := map[string]int{}, map[string]string{}
	parts(plans)
	for _, p := range plans {
		for _, f := range p.claims() {
			told[f.Ref.Name]++
			more[f.Ref.Name] += f.Params["more"]
		}
	}
	if told["many"] != maxOverruled || more["many"] != "280" {
		t.Errorf("of many hosts %d are told, and %q more", told["many"], more["many"])
	}
	if told["few"] != maxOverruled || more["few"] != "" {
		t.Errorf("of few hosts %d are told, and %q more", told["few"], more["few"])
	}
}
